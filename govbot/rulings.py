"""Whether a ruling has ground: the words it rests on, and its numbers.

Owns every doubt about what a reader proposes where no rule foresees a request. Pure, so that
anyone can doubt it again. What passes is shown to the people who decide, with what stands beside
its quotes; whether the words carry the act is for them to judge.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from govbot.constitution import Constitution
from govbot.errors import GovbotError
from govbot.grounding import exceptions_near, locate
from govbot.numbers import quantities, same
from govbot.records import Citation, Ruling
from govbot.state import Community
from govbot.tools.dates import parse_duration


def in_words(ruling: Ruling) -> str:
    """What would be done, as a person would say it."""
    match ruling.does:
        case "grant_role" | "revoke_role":
            act, way = ruling.does.split("_")[0], "to" if ruling.does == "grant_role" else "from"
            return f"{act} the role {ruling.role!r} {way} {ruling.to}"
        case "announce":
            return f"announce “{ruling.text}”"
    longer = f" by {ruling.by}" if ruling.does == "extend" else ""
    return f"{ruling.does} process #{ruling.process}{longer}"


def ruling_objections(value: Any, may: frozenset[str], community: Community) -> list[str]:
    """What is wrong with a ruling; `unfounded` asks for the words behind it."""
    try:
        ruling = Ruling.model_validate(value)
    except ValidationError as error:
        return [f"what is to be decided is not well-formed: {error.errors()[0]['msg']}"]
    if ruling.does not in may:
        allowed = ", ".join(sorted(act.replace("_", " ") for act in may)) or "nothing"
        return [f"nobody may decide to {ruling.does.replace('_', ' ')} here; only to {allowed}"]
    match ruling.does:
        case "announce":
            return [] if ruling.text.strip() else ["an announcement needs its text"]
        case "grant_role" | "revoke_role":
            if ruling.to not in community.members:
                return [f"{ruling.to!r} is no member here"]
            return [] if ruling.role.strip() else ["the role is missing"]
    if ruling.process is None or not ruling.because.strip():
        return [f"to {ruling.does} needs the number of a process and a reason"]
    try:
        parse_duration(ruling.by) if ruling.does == "extend" else {}
    except GovbotError as error:
        return [str(error)]
    return []


def unfounded(ruling: Ruling, said: str, constitution: Constitution) -> list[str]:
    """What a ruling says that neither the constitution nor the request (`said`) does."""
    found = [problem for quote in ruling.quotes for problem in _quote(quote, ruling, constitution)]
    return found or list(_numbers(ruling, said, constitution))


def _quote(cite: Citation, ruling: Ruling, constitution: Constitution) -> Iterator[str]:
    if not constitution.holds(cite):
        yield f"{cite.section} does not say “{cite.quote}”"
        return
    whole = constitution.around(cite)
    if " ".join(cite.quote.split()) != whole:
        yield f"“{cite.quote}” is not a whole sentence; it stands in “{whole}”"
    place = locate(constitution, cite)
    quoted = " ".join(" ".join(quote.quote.split()) for quote in ruling.quotes)
    for beside in exceptions_near(place) if place else ():
        if beside.binds and beside.text not in quoted:
            yield f"an exception is left out: “{beside.text}”"


def _numbers(ruling: Ruling, said: str, constitution: Constitution) -> Iterator[str]:
    """A number of the act stands in the request or in a quote; a reader brings none of its own."""
    words = " ".join((said, *(constitution.around(quote) for quote in ruling.quotes)))
    known = quantities(words)
    for number in quantities(f"{ruling.by}. {ruling.text}"):
        if not any(same(number, other) for other in known):
            yield f"“{number.text}” stands neither in the request nor in the quotes"


def sources(ruling: Ruling, said: str, constitution: Constitution) -> list[str]:
    """Where each number of the act is from, a line each, for whoever decides."""
    lines = []
    for number in quantities(f"{ruling.by}. {ruling.text}"):
        from_quotes = [
            quote.section
            for quote in ruling.quotes
            if any(same(number, other) for other in quantities(constitution.around(quote)))
        ]
        asked = any(same(number, other) for other in quantities(said))
        where = [*(["the request"] if asked else []), *dict.fromkeys(from_quotes)]
        lines.append(f"“{number.text}” is from {' and '.join(where) or 'nowhere'}")
    return lines
