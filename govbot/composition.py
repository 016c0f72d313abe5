"""Two constitutions put together: how a community is governed, and how it settles disputes.

Owns what keeps two texts and their readings from being one: sections of the same id, roles that
both give, process types, terms and opening words of the same name. Pure. Promises that the ids of
all sections stay what they were, so that every quote stands where it stood, and that the reading
it returns is bound to the text it returns.
"""

import re
from collections.abc import Iterable
from itertools import zip_longest

from govbot.charter import Reading
from govbot.constitution import Constitution
from govbot.errors import OperatorError

Part = tuple[Constitution, Reading]


def compose(governance: Part, disputes: Part) -> Part:
    """The first with the second at its end; OperatorError says what keeps them apart."""
    (first, ruling), (second, settling) = governance, disputes
    _agree(ruling, settling)
    text = Constitution(f"{first.text.rstrip()}\n\n{_beneath(second)}\n")
    _same_sections(text, first, second)
    return text, Reading(
        constitution=text.digest,
        terms={**settling.terms, **ruling.terms},
        roles={**ruling.roles, **settling.roles, **ruling.roles},
        processes={**ruling.processes, **settling.processes},
    )


def _beneath(constitution: Constitution) -> str:
    """Its text with its own title as a heading among others: a document has one title."""
    lines = constitution.text.removeprefix("\ufeff").strip().splitlines()
    first = constitution.sections[0]
    if first.level == 1 and re.match(r"#\s", lines[0]):
        lines[0] = f"#{lines[0]}"
    return "\n".join(lines)


def _same_sections(text: Constitution, *parts: Constitution) -> None:
    """Every section of the parts must be in the whole under the id it had."""
    known = [section.id for part in parts for section in part.sections]
    if twice := sorted({id for id in known if known.count(id) > 1}):
        raise OperatorError(
            f"both have a section {twice[0]!r}; number the second's “Rule 1”, “Rule 2” and so on"
        )
    found = [section.id for section in text.sections]
    if moved := [id for id, now in zip_longest(known, found) if id != now]:
        raise OperatorError(
            f"the section {moved[0]!r} would not stand by itself in the whole; give it a heading"
            " with a number"
        )


def _agree(ruling: Reading, settling: Reading) -> None:
    """Names that both readings have, where one name would mean two things."""
    everyone = _everyone(ruling)
    if everyone != _everyone(settling):
        other = ", ".join(map(repr, _everyone(settling))) or "nobody"
        raise OperatorError(
            f"one speaks of {', '.join(map(repr, everyone)) or 'nobody'} and the other of {other};"
            " name those who take part with the same role in both, as the first of their roles"
        )
    for what, named in (
        ("role", _both(set(ruling.roles) - set(everyone), settling.roles)),
        ("process type", _both(ruling.processes, settling.processes)),
        ("term", _both(_otherwise(ruling, settling), settling.terms)),
        ("opening phrase", _both(_phrases(ruling), _phrases(settling))),
    ):
        if named:
            raise OperatorError(f"both have the {what} {named[0]!r}; rename it in one of them")


def _everyone(reading: Reading) -> tuple[str, ...]:
    """The first role a reading declares is that of everybody who takes part."""
    return tuple(reading.roles)[:1]


def _both(one: Iterable[str], other: Iterable[str]) -> list[str]:
    return sorted(set(one) & set(other))


def _otherwise(ruling: Reading, settling: Reading) -> list[str]:
    """Terms of the first that the second does not mean in the same way."""
    terms = settling.terms
    return [n for n, term in ruling.terms.items() if n in terms and terms[n].who != term.who]


def _phrases(reading: Reading) -> set[str]:
    return {
        re.sub(r"\{\w+\}", "…", phrase.casefold())
        for charter in reading.processes.values()
        for phrase in charter.phrases
    }
