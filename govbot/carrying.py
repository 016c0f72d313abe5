"""What an amendment comes to when it is adopted, and the words that tell people of it.

Owns the text and the reading that come into force with an outcome. Pure, so that anyone can derive
them again. Promises that a rule that rests on a changed sentence goes on only with the numbers that
people were shown beside it, and that whatever else rests on one is left out and named.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from govbot.amendments import Inapplicable, applied, changes, merged, short
from govbot.charter import Charter, Reading, citations_in
from govbot.constitution import Constitution
from govbot.records import Amendment, canonical, digest
from govbot.rereading import Stale, Step, reread
from govbot.state import Community, Process

MOST_LINES = 40  # of a change that are told in a chat; the audit has all of it


# --- what an amendment comes to ------------------------------------------------------------------


@dataclass(frozen=True)
class Adoption:
    """What comes into force: the text, the reading that goes with it, what must be read again."""

    constitution: Constitution
    reading: Reading
    stale: tuple[Stale, ...]
    steps: tuple[Step, ...] = ()  # rules that change with the numbers of their sentences
    merged: bool = False
    brought: bool = False  # whether the amendment came with this reading


def adoption(
    amendment: Amendment, base: Constitution, in_force: Constitution, reading: Reading
) -> Adoption | str:
    """What an adopted amendment comes to, or why it has to go back to people."""
    try:
        text = applied(base.text, amendment)
    except Inapplicable as error:
        return f"the amendment can no longer be applied: {error}"
    if base.digest == in_force.digest:
        return _adopted(Constitution(text), in_force, reading, amendment)
    if amendment.reading is not None:
        return (
            "the constitution has changed since, and the reading that the amendment brings along"
            " is of a text without that change"
        )
    both = merged(base.text, in_force.text, text)
    if not isinstance(both, str):
        where = "; ".join(
            f"line{'s' if c.last > c.first else ''} {c.where.removeprefix('line ')} of the version"
            f" it was written against now read “{_short(c.ours)}”, and the amendment has"
            f" “{_short(c.theirs)}”"
            for c in both
        )
        return f"the constitution has changed in the same place since: {where}"
    if both == in_force.text:
        return "the constitution says so already, by an amendment adopted since"
    found = _adopted(Constitution(both), in_force, reading, amendment)
    if isinstance(found, str):
        return found
    return replace(found, merged=True)


def _adopted(
    after: Constitution, in_force: Constitution, reading: Reading, amendment: Amendment
) -> Adoption | str:
    if amendment.reading is None:
        kept = reread(reading, in_force, after)
        return Adoption(after, kept.reading, kept.stale, kept.steps)
    try:
        brought = Reading.model_validate(amendment.reading)
    except ValidationError as error:
        return f"the reading that it brings along is not well-formed: {error.errors()[0]['msg']}"
    if brought.constitution != after.digest:
        return "the reading that it brings along is of another text"
    for where, cite in citations_in(brought):
        if not after.holds(cite):
            return f"the reading that it brings along quotes what is not there: {where}"
    return Adoption(after, brought, (), brought=True)


def _short(text: str) -> str:
    folded = " ".join(text.split()) or "nothing"
    return folded if len(folded) <= 200 else folded[:199] + "…"


# --- in words --------------------------------------------------------------------------------

LOCKED = (
    "ATTENTION: after this no rule lets anybody amend the constitution any more. Only whoever runs"
    " the bot could adopt another one."
)


def warnings(
    before: Mapping[str, Charter], after: Mapping[str, Charter], stale: tuple[Stale, ...]
) -> list[str]:
    """What people must know before and after: a lock that nobody opens, rules that are lost."""
    could, can = (any(c.amends for c in side.values()) for side in (before, after))
    lines = [LOCKED] if could and not can else []
    if stale:
        lines.append("To be read again before they hold, since a sentence they rest on changes:")
        lines += limited([f"- {each.told}" for each in stale])
    return lines


def following(steps: tuple[Step, ...], charters: Mapping[str, Charter]) -> list[str]:
    """The rules that change with the numbers of their sentences, for people to check."""
    changed = dict.fromkeys(
        f"- {charters[step.type].title}, {step.where.removeprefix('stages.')}:"
        f" {step.before} becomes {step.after}"
        for step in steps
        if step.after
    )
    return ["Rules that change with these words:", *changed] if changed else []


def amendments_in(charter: Charter, fields: Mapping[str, Any]) -> list[Amendment]:
    """The amendments that an opening brings with it; what is none is `objections`' to say."""
    found = []
    for name, rule in charter.fields.items():
        if rule.type == "amendment" and name in fields:
            with suppress(ValidationError):
                found.append(Amendment.model_validate(fields[name]))
    return found


def shown(
    process: Process, constitution: Constitution, community: Community, most: int = MOST_LINES
) -> Iterator[str]:
    """What a process would change, for those who decide; `constitution` is that of its opening."""
    for amendment in amendments_in(process.rules, process.fields):
        yield from coming(amendment, constitution, community, most)


def coming(
    amendment: Amendment, constitution: Constitution, community: Community, most: int = MOST_LINES
) -> Iterator[str]:
    """What an amendment would change, in the text and in the rules."""
    found = _coming(_Case.of(amendment, constitution, community))
    if not isinstance(found, Adoption):
        yield f"This amendment cannot be carried out: {found}"
        return
    yield f"What changes in the constitution (version {short(constitution.digest)}):"
    yield from limited(list(changes(constitution, found.constitution.text)), most)
    if community.constitution != constitution.digest:
        yield "The constitution has changed since; if this passes, both changes are merged."
        return
    yield from following(found.steps, community.charters)
    if amendment.reading is not None:
        yield "It brings its own reading along: the rules that it sets out come into force."
    yield from warnings(community.charters, found.reading.processes, found.stale)


@dataclass(frozen=True)
class _Case:
    """An amendment of a text under a reading, known by their digests."""

    digests: tuple[str, ...]
    amendment: Amendment = field(compare=False)
    constitution: Constitution = field(compare=False)
    charters: Mapping[str, Charter] = field(compare=False)

    @staticmethod
    def of(amendment: Amendment, constitution: Constitution, community: Community) -> "_Case":
        brought = digest(canonical(amendment.reading)) if amendment.reading is not None else ""
        digests = (amendment.base, amendment.result, brought, constitution.digest)
        return _Case((*digests, community.reading), amendment, constitution, community.charters)


@lru_cache(maxsize=64)  # a card is drawn again with every vote
def _coming(case: _Case) -> Adoption | str:
    text = case.constitution
    reading = Reading(constitution=text.digest, processes=dict(case.charters))
    return adoption(case.amendment, text, text, reading)


def limited(lines: list[str], most: int = MOST_LINES) -> list[str]:
    """A change's lines as far as a chat bears them."""
    left = len(lines) - most
    return [*lines[:most], f"… and {left} more lines"] if left > 0 else lines
