"""Giving what takes more than one press: rankings, approvals, scores, texts, forms.

Owns the steps of each shape, and how what somebody has given is said back to them. A ballot under
way is kept by the store, so that it can be gone on with after a restart; it is gone once cast.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from discord import ui

from govbot.surfaces import Blank, Giveable
from govbot.surfaces.discord.components import button, form, menu, person, question, row
from govbot.surfaces.discord.ids import Press, chosen, spelling
from govbot.surfaces.discord.opening import ASKED, read, value_of
from govbot.surfaces.discord.sending import Said

Named = Callable[[str], str]  # how a choice is shown: a member by their name

PAGE = 25  # options in one menu
MENUS = 4  # menus in one message, beside its buttons
UNSCORED = "A number after each “=”; leave out whom you do not score."


def start(asked: Giveable, draft: Any, named: Named) -> Said | ui.Modal | None:
    """The first step of giving an input; None where a single press gives it."""
    match asked.takes:
        case "nothing":
            return None
        case "ranking":
            return ranking(asked, draft or [], named)
        case "approvals":
            return approving(asked, draft or [], named)
        case "choice":
            return choosing_from(asked, named)
        case "scores":
            return scoring(asked, named)
        case "form":
            return filling(asked, 0, draft or {})
    return _one_question(asked)


def _title(asked: Giveable) -> str:
    return f"{asked.kind.replace('_', ' ').capitalize()} on #{asked.process}"


def _id(verb: str, asked: Giveable, rest: str = "") -> str:
    return str(Press(verb, asked.process, asked.kind, rest))


def _options(names: Iterable[str], asked: Giveable, named: Named) -> list[tuple[str, str]]:
    return [(spelling(asked.process, asked.kind, name), named(name)) for name in names]


def picked(asked: Giveable, values: Iterable[str]) -> list[str]:
    """The choices that options of a menu stand for."""
    return [chosen(value, asked.choices) for value in values]


# --- one of many ------------------------------------------------------------------------------


def choosing_from(asked: Giveable, named: Named) -> Said:
    """More choices than fit on a card, in menus."""
    pages = _pages(asked.choices)
    return Said(
        f"{_title(asked)}: choose one.{_too_many(asked.choices)}",
        rows=[
            menu(_id("pick", asked, str(n)), _options(names, asked, named), _span(names, named))
            for n, names in enumerate(pages)
        ],
    )


def _pages(names: tuple[str, ...] | list[str]) -> list[list[str]]:
    return [list(names[n : n + PAGE]) for n in range(0, min(len(names), PAGE * MENUS), PAGE)]


def _span(names: list[str], named: Named) -> str:
    return f"{named(names[0])} … {named(names[-1])}" if len(names) > 1 else named(names[0])


def _too_many(names: tuple[str, ...]) -> str:
    left = len(names) - PAGE * MENUS
    return f" ({left} more do not fit here: say them in a message to me.)" if left > 0 else ""


# --- rankings ---------------------------------------------------------------------------------


def ranking(asked: Giveable, so_far: list[str], named: Named) -> Said:
    """Best first, one pick at a time; undone one at a time too."""
    kept = [name for name in so_far if name in asked.choices]
    left = [name for name in asked.choices if name not in kept]
    lines = [f"{n}. {named(name)}" for n, name in enumerate(kept, 1)]
    told = "\n".join(lines) if lines else "Nobody is ranked yet."
    rows = [
        menu(_id("next", asked, str(n)), _options(names, asked, named), f"Place {len(kept) + 1}")
        for n, names in enumerate(_pages(left)[: MENUS - 1])
    ]
    presses = []
    if kept:
        presses = [
            button("Cast this ballot", _id("cast", asked), 3),
            button("Undo", _id("undo", asked)),
            button("Start over", _id("over", asked)),
        ]
    hint = "Pick who comes next; leave out whom you do not rank." if left else "All are ranked."
    return Said(
        f"{_title(asked)}, best first:\n{told}\n{hint}",
        rows=[*rows, *([row(*presses)] if presses else [])],
    )


# --- approvals --------------------------------------------------------------------------------


def approving(asked: Giveable, so_far: list[str], named: Named) -> Said:
    """Any number of them; each menu keeps its own picks."""
    held = [name for name in so_far if name in asked.choices]
    marked = [value for value, _ in _options(held, asked, named)]
    rows = [
        menu(
            _id("mark", asked, str(n)), _options(names, asked, named), _span(names, named),
            least=0, most=min(len(names), asked.most or len(names)), picked=marked,
        )
        for n, names in enumerate(_pages(asked.choices))
    ]  # fmt: skip
    told = ", ".join(named(name) for name in held) or "nobody"
    cast = button("Cast this ballot", _id("cast", asked), 3)
    return Said(
        f"{_title(asked)}: mark all you approve of.{_too_many(asked.choices)}\nMarked: {told}.",
        rows=[*rows, row(cast)],
    )


def marked(asked: Giveable, so_far: list[str], page: int, values: list[str]) -> list[str]:
    """The picks after one menu was changed."""
    shown = _pages(asked.choices)[page] if page < len(_pages(asked.choices)) else []
    kept = {name for name in so_far if name not in shown} | set(picked(asked, values))
    return [name for name in asked.choices if name in kept]


# --- scores -----------------------------------------------------------------------------------


def scoring(asked: Giveable, named: Named) -> ui.Modal:
    """A number for each: a field each where they fit, lines of one field where they do not."""
    if len(asked.choices) <= ASKED:
        fields = [
            question(value, named(name), required=False, most=20, hint=asked.limits)
            for name, (value, _) in zip(
                asked.choices, _options(asked.choices, asked, named), strict=True
            )
        ]
    else:
        lines = "\n".join(f"{named(name)} = " for name in asked.choices)
        hint = f"{UNSCORED} {asked.limits}"
        fields = [question("scores", "Your numbers", long=True, given=lines, hint=hint)]
    return form(_title(asked), _id("score", asked), fields)


def scored(asked: Giveable, answers: Mapping[str, Any], named: Named) -> dict[str, Any]:
    """What a form of scores says, as far as it can be read; the community says what is wrong."""
    if "scores" not in answers:
        given = ((chosen(name, asked.choices), text) for name, text in answers.items())
        return {name: value_of("number", text) for name, text in given if str(text or "").strip()}
    meant = {named(name).casefold(): name for name in asked.choices}
    made: dict[str, Any] = {}
    for line in str(answers["scores"]).splitlines():
        name, found, mark = line.rpartition("=")
        if found and mark.strip():
            said = " ".join(name.split())
            made[meant.get(said.casefold(), said)] = value_of("number", mark)
    return made


# --- texts, members, numbers, forms --------------------------------------------------------------


def _one_question(asked: Giveable) -> ui.Modal:
    label = asked.kind.replace("_", " ").capitalize()
    if asked.takes == "member":
        return form(_title(asked), _id("member", asked), [person("value", label)])
    text = asked.takes == "text"
    most = 4000 if text else 20
    return form(
        _title(asked), _id(asked.takes, asked), [question("value", label, long=text, most=most)]
    )


def filling(asked: Giveable, page: int, given: Mapping[str, Any]) -> ui.Modal:
    """One page of a form-shaped input."""
    blanks = asked.blanks[page * ASKED : (page + 1) * ASKED]
    fields = [_blank(blank, given.get(blank.name)) for blank in blanks]
    return form(_title(asked), _id("form", asked, str(page)), fields)


def _blank(blank: Blank, given: Any) -> ui.Label[Any]:
    label = blank.label.capitalize()
    if blank.type == "member":
        return person(blank.name, label, required=blank.required)
    return question(
        blank.name, label, long=blank.type == "text", required=blank.required,
        most=blank.most if blank.type == "text" else 20, given="" if given is None else str(given),
    )  # fmt: skip


def more_of(asked: Giveable, page: int) -> Said:
    """A form with more questions than fit: the next page is a press away."""
    next_page = button("Go on", _id("more", asked, str(page)), 1)
    return Said(f"{_title(asked)}: a few questions more.", rows=[row(next_page)])


def form_of(asked: Giveable, answers: Mapping[str, Any]) -> dict[str, Any]:
    return read(asked.blanks, answers)


# --- said back ----------------------------------------------------------------------------------


def worded(value: Any, named: Named) -> str:
    """What somebody has given, in words."""
    if value is None or value is True:
        return "given"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{named(str(name))}: {_one(given, named)}" for name, given in value.items()
        )
    if isinstance(value, list | tuple):
        return " > ".join(_one(each, named) for each in value) or "nobody"
    return _one(value, named)


def _one(value: Any, named: Named) -> str:
    if isinstance(value, list | tuple):
        return " = ".join(_one(each, named) for each in value)
    return named(str(value))
