"""Amendments: changes of one version of the constitution, as data.

Owns how an amendment is made from two texts or from a member's words, applied to the version it
names, merged into another and shown as a diff. Pure. Promises that what is applied is exactly the
text that was voted on, and that a merge keeps every change of both sides or names the lines where
it cannot.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches, unified_diff
from typing import Any

from pydantic import ValidationError

from govbot.constitution import MAX_BYTES, Constitution, Section
from govbot.errors import MemberError
from govbot.records import Amendment, digest

CONTEXT = 2  # lines of context around a change
MOST_SHOWN = 80  # characters of what a member said that a refusal repeats
SHORT = 16  # hexadecimal digits of a digest where people read it


class Inapplicable(ValueError):
    """An amendment that cannot be applied to a text; the message says why."""


@dataclass(frozen=True)
class Conflict:
    """Where two changes of one text want different things: lines of the common base, from 1."""

    first: int
    last: int
    base: str
    ours: str
    theirs: str

    @property
    def where(self) -> str:
        return f"line {self.first}" if self.last <= self.first else f"{self.first} to {self.last}"


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends; together they are the text again."""
    found = re.split(r"(?<=\n)", text)
    return found[:-1] if found[-1] == "" else found


def short(version: str) -> str:
    """A digest as people read it, and as files are named after it."""
    return version.removeprefix("sha256:")[:SHORT]


# --- made and applied ------------------------------------------------------------------------


_Step = tuple[str, int, int, int, int]


def _matched(one: Sequence[str], other: Sequence[str]) -> Sequence[_Step]:
    return SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def made(base: str, text: str, reading: Mapping[str, Any] | None = None) -> Amendment:
    """The amendment that makes `text` of `base`; MemberError where they are the same."""
    before, after = lines_of(base), lines_of(text)
    edits = tuple(
        (first + 1, last, "".join(after[start:end]))
        for tag, first, last, start, end in _matched(before, after)
        if tag != "equal"
    )
    if not edits:
        raise MemberError("that changes nothing: the constitution says so already")
    return Amendment(
        base=digest(base.encode()), edits=edits, result=digest(text.encode()),
        reading=dict(reading) if reading is not None else None,
    )  # fmt: skip


def applied(base: str, amendment: Amendment) -> str:
    """The text that an amendment makes of its base; Inapplicable where it is not the one named."""
    if digest(base.encode()) != amendment.base:
        raise Inapplicable(f"it was written against the version {short(amendment.base)}")
    lines, made_of, at = lines_of(base), list[str](), 0
    for first, last, text in amendment.edits:
        if not at < first <= last + 1 <= len(lines) + 1:
            raise Inapplicable(f"it changes lines {first} to {last}, which are not there to change")
        made_of += [*lines[at : first - 1], text]
        at = last
    whole = "".join([*made_of, *lines[at:]])
    if digest(whole.encode()) != amendment.result:
        raise Inapplicable("its edits make another text than the one it names")
    return whole


def amendment_objections(value: Any, in_force: str) -> list[str]:
    """What is wrong with an amendment as it is proposed, as far as digests can tell."""
    if isinstance(value, str):
        return [f"an amendment says what changes; {HOW_TO_SAY}"]
    try:
        amendment = Amendment.model_validate(value)
    except ValidationError as error:
        return [f"the amendment is not well-formed: {error.errors()[0]['msg']}"]
    if sum(len(text) for _, _, text in amendment.edits) > MAX_BYTES:
        return [f"the amendment is longer than {MAX_BYTES} characters; shorten it"]
    if amendment.base != in_force:
        return [
            f"the amendment was written against the version {short(amendment.base)}, and"
            f" {short(in_force)} is in force; look at that one and say it again"
        ]
    return []


def proposed_in(value: Any) -> Amendment | None:
    """A process's field as the amendment it holds, if it holds one."""
    return Amendment.model_validate(value) if isinstance(value, Mapping) else None


# --- shown ----------------------------------------------------------------------------------


def as_diff(base: str, text: str, old: str = "before", new: str = "after") -> list[str]:
    """The change as a unified diff, a line each without its end."""
    found = unified_diff(lines_of(base), lines_of(text), old, new, n=CONTEXT)
    return [line.rstrip("\r\n") for line in found]


def changes(base: Constitution, text: str) -> Iterator[str]:
    """What a change of the constitution does, for a chat: where, and the lines out and in."""
    after = lines_of(text)
    before = lines_of(base.text)
    for tag, first, last, start, end in _matched(before, after):
        if tag == "equal":
            continue
        section = _section_at(base, first + 1)
        yield f"{section.breadcrumb if section else 'At the head'}:"
        yield from (f"- {line.strip()}" for line in before[first:last] if line.strip())
        yield from (f"+ {line.strip()}" for line in after[start:end] if line.strip())


def _section_at(constitution: Constitution, line: int) -> Section | None:
    return next((s for s in constitution.sections if s.first <= line <= s.last), None)


# --- merged ----------------------------------------------------------------------------------


def merged(base: str, ours: str, theirs: str) -> str | tuple[Conflict, ...]:
    """Both changes of one text, or the places where they cannot both be.

    Changes that touch count as one place: whether two neighbouring lines belong together is for
    people to say. Where both sides say the same it is taken once.
    """
    lines, one, other = lines_of(base), lines_of(ours), lines_of(theirs)
    made_of: list[str] = []
    conflicts: list[Conflict] = []
    at, here, there = 0, 0, 0
    for first, last, mine, others in _places(lines, one, other):
        made_of += lines[at:first]
        here, there = mine[1], others[1]
        kept, left, right = lines[first:last], one[slice(*mine)], other[slice(*others)]
        if left == right or right == kept:
            made_of += left
        elif left == kept:
            made_of += right
        else:
            conflicts.append(
                Conflict(first + 1, last, "".join(kept), "".join(left), "".join(right))
            )
        at = last
    assert one[here:] == lines[at:] == other[there:], "what follows the last change is unchanged"
    return tuple(conflicts) or "".join([*made_of, *lines[at:]])


_Range = tuple[int, int]


def _places(
    base: list[str], ours: list[str], theirs: list[str]
) -> Iterator[tuple[int, int, _Range, _Range]]:
    """Stretches of the base that either side changes, with what stands there on both sides."""
    sides = [[op for op in _matched(base, side) if op[0] != "equal"] for side in (ours, theirs)]
    spans = sorted((first, last) for side in sides for _, first, last, _, _ in side)
    joined: list[_Range] = []
    for first, last in spans:
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    for first, last in joined:
        yield first, last, _across(sides[0], first, last), _across(sides[1], first, last)


def _across(ops: Sequence[_Step], first: int, last: int) -> _Range:
    """Where a stretch of the base stands on a side, given all that the side changes."""
    shift = 0
    within = [op for op in ops if first <= op[1] and op[2] <= last]
    for op in ops:
        if op[2] <= first and op not in within:
            shift += (op[4] - op[3]) - (op[2] - op[1])
    grown = sum((op[4] - op[3]) - (op[2] - op[1]) for op in within)
    return first + shift, last + shift + grown


# --- in words --------------------------------------------------------------------------------

HOW_TO_SAY = (
    "say it as “replace “these words” with “those words””, with “in Section 3.1,” ahead of it where"
    " the words stand in several places, or hand in an edited copy with `govbot amend`"
)
_OPEN, _CLOSE = r"[“„«\"]", r"[”“»\"]"
_IN = r"(?:in\s+(?P<section>[^“”„«»\"]+?)\s*[,:]?\s+)?"
_END = r"(?=\s*(?:[.;,]|and\b|$))\s*(?:[.;]|,?\s*\band\b|$)?\s*"


def _words(name: str, least: str = "+") -> str:
    return rf"{_OPEN}(?P<{name}>.{least}?){_CLOSE}"


_STEPS = tuple(
    re.compile(f"{_IN}{step}{_END}", re.IGNORECASE | re.DOTALL)
    for step in (
        rf"replace\s+{_words('old')}\s+(?:with|by)\s+{_words('new', '*')}",
        rf"{_words('old')}\s+becomes\s+{_words('new', '*')}",
        rf"(?:delete|strike)\s+{_words('old')}",
        rf"(?:add|insert)\s+{_words('more')}\s+(?P<side>after|before)\s+{_words('old')}",
    )
)


def worded(said: str, constitution: Constitution) -> Amendment:
    """The amendment that a member's words ask for; MemberError says what is unclear in them."""
    text, rest, named = constitution.text, said.strip(), ""
    if not rest:
        raise MemberError(f"the change is missing; {HOW_TO_SAY}")
    while rest:
        found = next((match for step in _STEPS if (match := step.match(rest))), None)
        if found is None:
            raise MemberError(f"I could not read “{rest[:MOST_SHOWN]}” as a change; {HOW_TO_SAY}")
        named = found["section"] or named
        text = _stepped(text, found.groupdict(), named)
        rest = rest[found.end() :]
    return made(constitution.text, text)


def _stepped(text: str, step: Mapping[str, str | None], named: str) -> str:
    """A text after one step of a member's words."""
    constitution = Constitution(text)
    start, end = _found(constitution, str(step["old"]), named)
    old = text[start:end]
    if step.get("more"):
        more = str(step["more"])
        new = f"{old} {more}" if str(step["side"]).lower() == "after" else f"{more} {old}"
    else:
        new = step.get("new") or ""
    return text[:start] + new + text[end:]


def _found(constitution: Constitution, words: str, named: str) -> tuple[int, int]:
    """Where these words stand, which must be exactly once: in all of the text or in a section."""
    pattern = re.compile(r"\s+".join(map(re.escape, words.split())))
    low, high, place = 0, len(constitution.text), "the constitution"
    if named:
        section = _section_named(constitution, named)
        lines = lines_of(constitution.text)
        low = sum(map(len, lines[: section.first - 1]))
        high = sum(map(len, lines[: section.last]))
        place = section.breadcrumb
    found = [match.span() for match in pattern.finditer(constitution.text, low, high)]
    if len(found) == 1:
        return found[0]
    shown = words if len(words) <= MOST_SHOWN else f"{words[:MOST_SHOWN]}…"
    if not found:
        raise MemberError(f"{place} does not say “{shown}”; take the words as they stand there")
    raise MemberError(
        f"“{shown}” stands {len(found)} times in {place}; say in which section (“in Section 3.1,”)"
        " or take more of the words around it"
    )


def _section_named(constitution: Constitution, named: str) -> Section:
    """A section as people name it: by its id, its title, or `Section 3.1` of whatever word."""
    # Of “Article 3, Section 3.1” the last part is the place itself.
    folded = " ".join(named.casefold().rstrip(":, ").rpartition(",")[2].split())
    for section in constitution.sections:
        titles = section.title.casefold(), section.title.casefold().partition(":")[0]
        if folded in (section.id, *titles):
            return section
    number = folded.split()[-1] if folded.split() else ""
    ending = [s for s in constitution.sections if number and s.id.endswith(f"-{number}")]
    if len(ending) == 1:
        return ending[0]
    near = get_close_matches(folded, [s.title.casefold() for s in constitution.sections], 1, 0.4)
    hint = f"did you mean “{near[0]}”?" if near else "name it as its heading does"
    raise MemberError(f"there is no section “{named}”; {hint}")
