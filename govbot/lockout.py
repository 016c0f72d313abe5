"""Rules that have locked themselves: what nobody can begin or answer any more, and what could help.

Owns that question, asked of charters and of members as they are. Pure. Says that somebody is locked
out only where no member could be admitted, whatever fields, draws and openers there were.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from govbot.charter import Charter, InputRule, Stage, effects_of
from govbot.effects import GrantRole, StartProcess
from govbot.expression import ExpressionError, holds, names_in
from govbot.records import Citation, Member, Record
from govbot.state import a, member_facts

_ROLE = re.compile(r"""['"]([^'"]+)['"]\s+in\s+roles""")


class Helping(Record):
    """A rule that gives the missing role, and whether its process can be opened now."""

    type: str
    title: str
    role: str
    cite: Citation
    open: bool


class Stuck(Record):
    """A process type that nobody can open, or an input that nobody can give."""

    type: str
    title: str
    stage: str = ""
    input: str = ""
    missing: tuple[str, ...] = ()  # roles that its rule asks for and nobody has
    cite: Citation | None = None
    helps: tuple[Helping, ...] = ()


def stuck(charters: Mapping[str, Charter], members: Iterable[Member], at: datetime) -> list[Stuck]:
    """Everything that nobody can begin or answer, in the order of the reading."""
    alike = {(m.roles, tuple(sorted(m.facts.items(), key=repr))): m for m in members}
    people = list(alike.values())
    held = frozenset(role for member in people for role in member.roles)
    opens = _openable(charters, people, at)
    found: list[Stuck] = []
    for type, charter in charters.items():
        rule = charter.opened_by
        if type not in opens:
            found.append(_stuck(charters, opens, held, type, rule.who, cite=rule.cite))
        for stage in charter.stages:
            for given in stage.inputs:
                if not _anybody(given.who, people, at, _unknown(charter)):
                    found.append(_stuck_input(charters, opens, held, type, stage, given))
    return found


def _openable(
    charters: Mapping[str, Charter], people: list[Member], at: datetime
) -> frozenset[str]:
    """The types that somebody can open, or that an outcome of such a one starts."""
    opens = {
        type
        for type, charter in charters.items()
        if _anybody(charter.opened_by.who, people, at, frozenset())
    }
    waiting = list(opens)
    while waiting:
        for effect in effects_of(charters[waiting.pop()]):
            if isinstance(effect, StartProcess) and effect.start_process.type not in opens:
                opens.add(effect.start_process.type)
                waiting.append(effect.start_process.type)
    return frozenset(opens)


def _unknown(charter: Charter) -> frozenset[str]:
    """Names whose value only a running process has."""
    draws = {name for stage in charter.stages for name in stage.draws}
    won = {stage.tally.named for stage in charter.stages if stage.tally is not None}
    return frozenset({*charter.fields, *draws, *won, "opener"})


def _anybody(who: str, people: list[Member], at: datetime, unknown: frozenset[str]) -> bool:
    asked = names_in(who) & unknown
    return any(_could(who, member, at, asked) for member in people)


def _could(who: str, member: Member, at: datetime, asked: frozenset[str]) -> bool:
    """Whether a rule admits a member, where what is not known is theirs or nobody's."""
    known = {**member_facts(member, at), "me": member.id, "roles": member.roles}
    guesses = ("", member.id, (), (member.id,), 0, 10**6) if asked else ("",)
    return any(_holds(who, {**known, **dict.fromkeys(asked, guess)}) for guess in guesses)


def _holds(who: str, names: Mapping[str, object]) -> bool:
    try:
        return holds(who, names)
    except ExpressionError:
        return False


def _stuck_input(
    charters: Mapping[str, Charter], opens: frozenset[str], held: frozenset[str], type: str,
    stage: Stage, given: InputRule,
) -> Stuck:  # fmt: skip
    found = _stuck(charters, opens, held, type, given.who, cite=given.cite)
    where = {"stage": stage.title or stage.name, "input": given.kind}
    return found.model_copy(update=where)


def _stuck(
    charters: Mapping[str, Charter], opens: frozenset[str], held: frozenset[str], type: str,
    who: str, cite: Citation | None,
) -> Stuck:  # fmt: skip
    missing = tuple(role for role in dict.fromkeys(_ROLE.findall(who)) if role not in held)
    helps = tuple(_helping(charters, opens, missing))
    return Stuck(type=type, title=charters[type].title, missing=missing, cite=cite, helps=helps)


def _helping(
    charters: Mapping[str, Charter], opens: frozenset[str], missing: tuple[str, ...]
) -> Iterator[Helping]:
    """Rules whose outcome gives one of these roles; those that can be used now come first."""
    found = [
        Helping(
            type=type, title=charter.title, role=effect.grant_role.role,
            cite=rule.cite or charter.cite, open=type in opens,
        )
        for type, charter in charters.items()
        for stage in charter.stages
        for rule in stage.outcomes
        for effect in rule.effects
        if isinstance(effect, GrantRole) and effect.grant_role.role in missing
    ]  # fmt: skip
    yield from sorted(dict.fromkeys(found), key=lambda help: not help.open)


# --- in words ------------------------------------------------------------------------------


def told(found: Stuck) -> str:
    """What is locked, why, and which sections could help, in sentences."""
    what = f"Nobody can open “{found.title}” any more"
    if found.input:
        what = f"Nobody can give {a(found.input)} in the stage “{found.stage}” of “{found.title}”"
    roles = " or ".join(repr(role) for role in found.missing)
    why = f": nobody has the role {roles}." if found.missing else ": its rule admits no member."
    return " ".join([what + why, *_told_helps(found)])


def _told_helps(found: Stuck) -> Iterator[str]:
    usable = [help for help in found.helps if help.open]
    for help in usable:
        quote = " ".join(help.cite.quote.split())
        yield f"“{help.title}” can still give it ({help.cite.section}: “{quote}”)."
    if usable:
        return
    for help in found.helps:
        yield f"“{help.title}” would give it ({help.cite.section}), and nobody can open that."
    yield (
        "No rule gets the community out of this by itself: give the role in the chat's own"
        " settings, or have whoever runs the bot force a repair, which everybody will see."
    )
