"""A process's card as a message: what it shows and what can be pressed on it.

Owns the choice of buttons and menus from what a process takes now. What a card shows is `render`'s.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from govbot.parts import Card
from govbot.surfaces import Giveable
from govbot.surfaces.discord.components import button, link, menu, row, rows_of
from govbot.surfaces.discord.ids import Press, choosing, spelling
from govbot.surfaces.discord.render import embed
from govbot.surfaces.discord.sending import Said

IN_A_ROW = 5
IN_A_MENU = 25
ROWS = 5


def shown(card: Card, given: Iterable[Giveable]) -> Said:
    """An open process: its card, and a button for everything it takes."""
    rows = [*controls(given)][: ROWS - 1]
    return Said(embeds=[embed(card)], rows=[*rows, _asking(card.process)])


def closed(card: Card, audit: str = "") -> Said:
    """A process that has ended: nothing to press but what explains it."""
    why = button("Why?", str(Press("why", card.process)))
    record = link("Audit", audit) if audit else _audit(card.process, "Audit")
    return Said(embeds=[embed(card)], rows=[row(why, record)])


def looked_up(card: Card, given: Iterable[Giveable]) -> Said:
    """A card shown to one member who asked for it."""
    return closed(card) if card.status == "ended" else shown(card, given)


def _asking(process: int) -> dict[str, Any]:
    mine = button("What I have given", str(Press("mine", process)))
    why = button("Why?", str(Press("why", process)))
    return row(mine, why, _audit(process, "Audit so far"))


def _audit(process: int, said: str) -> dict[str, Any]:
    return button(said, str(Press("audit", process)))


# --- what can be pressed --------------------------------------------------------------------


def controls(given: Iterable[Giveable]) -> Iterator[dict[str, Any]]:
    """Rows of buttons and menus, what is voted with first."""
    single: list[dict[str, Any]] = []
    for each in given:
        if each.takes == "choice" and len(each.choices) <= IN_A_ROW:
            yield row(*(_choice(each, choice, label) for choice, label in labelled(each)))
        elif each.takes == "choice" and len(each.choices) <= IN_A_MENU:
            options = [(spelling(each.process, each.kind, c), said) for c, said in labelled(each)]
            yield menu(str(Press("pick", each.process, each.kind)), options, f"{_said(each)} …")
        else:
            single.append(_opening(each))
    yield from rows_of(single)


def labelled(each: Giveable) -> list[tuple[str, str]]:
    """Its choices, each with the words people read."""
    return list(zip(each.choices, each.labels or each.choices, strict=True))


def _choice(each: Giveable, choice: str, label: str) -> dict[str, Any]:
    # One colour for all: a card does not nudge.
    return button(label, choosing("v", each.process, each.kind, choice), 1)


def _opening(each: Giveable) -> dict[str, Any]:
    more = "" if each.takes == "nothing" else " …"
    return button(f"{_said(each)}{more}", str(Press("give", each.process, each.kind)))


def _said(each: Giveable) -> str:
    return each.kind.replace("_", " ").capitalize()
