"""The state of a community and its processes, and what rules may know of it.

Owns who is on a roll, whom a who-rule admits and the names an expression may use. Pure: it changes
only by what `govbot.process` makes of an entry.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from immutables import Map

from govbot.charter import Charter, Stage, identifier
from govbot.expression import ExpressionError, holds, names_in
from govbot.records import Effect, Entry, Member, moment

DAY = timedelta(days=1)
Status = Literal["unopened", "open", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class Switching:
    """When the bot was last switched off, by which process, and when on again."""

    off_at: datetime
    by: int
    on_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Community:
    """What holds for every process: the rules in force, the members, the effects still due."""

    name: str = ""
    zone: str = "UTC"
    constitution: str = ""
    reading: str = ""
    provisional: bool = False  # whether people have yet to ratify the reading
    charters: Mapping[str, Charter] = field(default_factory=dict)
    platform: Map[str, Member] = field(default_factory=Map)
    granted: Map[str, tuple[str, ...]] = field(default_factory=Map)
    # Roles that people took away though the platform still reports them.
    revoked: Map[str, tuple[str, ...]] = field(default_factory=Map)
    members: Map[str, Member] = field(default_factory=Map)
    pending: Map[str, Effect] = field(default_factory=Map)
    next_number: int = 1
    switching: Switching | None = None
    repairs: tuple[Entry, ...] = ()  # what whoever runs the bot has forced

    @property
    def off(self) -> bool:
        """Whether people have switched the bot off."""
        return self.switching is not None and self.switching.on_at is None


@dataclass(frozen=True)
class Process:
    """One running instance. Its charter and its roll are those of its opening."""

    id: str
    number: int = 0
    type: str = ""
    title: str = ""
    opener: str = ""
    opened_at: datetime | None = None
    status: Status = "unopened"
    community: Community | None = None  # only until it is opened
    charter: Charter | None = None
    constitution: str = ""
    reading: str = ""
    provisional: bool = False
    zone: str = "UTC"
    roll: Map[str, Member] = field(default_factory=Map)
    fields: Mapping[str, Any] = field(default_factory=dict)
    foreseen: tuple[str, ...] = ()  # what a rehearsal of its amendment showed
    eligible: Mapping[str, int] = field(default_factory=dict)
    drawn: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stage: str = ""
    turn: int = 0  # how many stages have ended
    acts: int = 0  # how often it was paused, resumed, extended or cancelled
    due: datetime | None = None
    longest: datetime | None = None  # the due time before any extension
    paused_at: datetime | None = None
    opened_n: int = -1
    outcome: str | None = None
    done: tuple[Effect, ...] = ()  # what its outcomes did to roles, for those whom they changed
    set_aside_by: int | None = None
    ended_at: datetime | None = None
    # kind -> member -> (value, how many so far); kind[:choice] -> count
    inputs: Map[str, Map[str, tuple[Any, int]]] = field(default_factory=Map)
    counts: Map[str, int] = field(default_factory=Map)

    @property
    def rules(self) -> Charter:
        assert self.charter is not None, f"{self.id} has not been opened"
        return self.charter

    @property
    def result(self) -> str:
        """The outcome, and whether it still holds."""
        aside = f"; set aside by #{self.set_aside_by}" if self.set_aside_by is not None else ""
        return f"{self.outcome or ''}{aside}"

    @property
    def now(self) -> Stage:
        return self.rules.stage(self.stage)

    def given(self, kind: str, member: str) -> Any:
        """What `member` has standing as this kind of input in this stage; None if nothing."""
        found = self.inputs.get(kind, Map()).get(member)
        return found[0] if found else None

    def emptied(self) -> "Process":
        """Without its inputs: all that later rules may ask of a process that has ended."""
        return self.holding(Map(), Map())

    def holding(
        self, inputs: Map[str, Map[str, tuple[Any, int]]], counts: Map[str, int]
    ) -> "Process":
        """The same with other inputs: `replace` without asking for every field, at every vote."""
        twin = object.__new__(Process)
        twin.__dict__.update(self.__dict__, inputs=inputs, counts=counts)
        return twin


# Vowels that are spoken as consonants, and the other way round.
_SPOKEN = re.compile(r"(?!u(?:ni(?!n)|nan|s[aeu]|t[ei])|eu|one\b|once\b)[aeiou]|hour|heir|hono")


def a(noun: str) -> str:
    """A noun with its article: `an answer`, `a vote`."""
    return f"{'an' if _SPOKEN.match(noun.casefold()) else 'a'} {noun}"


def effective(member: Member, granted: Iterable[str], revoked: Iterable[str]) -> Member:
    """A member with the roles that count: the platform's less those taken away, and the granted."""
    reported = (role for role in member.roles if role not in revoked)
    roles = tuple(dict.fromkeys((*reported, *granted)))
    return member.model_copy(update={"roles": roles})


def unopened(community: Community, number: int) -> Process:
    """The process that an `opened` fact may bring into being."""
    return Process(id=f"process_{number}", number=number, community=community)


# --- who may, and what expressions know ---------------------------------------------------


def member_facts(member: Member, at: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = dict(member.facts)
    for name, value in member.facts.items():
        if name.endswith("_at") and isinstance(value, str):
            try:
                facts[f"{name[:-3]}_days"] = (at - moment(value)) // DAY
            except ValueError:
                continue  # not a time: the rule that asks for its days admits nobody
    return facts


def admits(process: Process, who: str, member: Member) -> bool:
    """Whether a who-rule admits this member. A rule without a value admits nobody."""
    assert process.opened_at is not None
    if of_roles_alone(who):
        return _role_admits(who, member.roles)
    names = {
        **process.fields,
        **member_facts(member, process.opened_at),
        **process.drawn,
        "opener": process.opener,
        "me": member.id,
        "roles": member.roles,
    }
    return _admits(who, names)


def of_roles_alone(who: str) -> bool:
    """Whether a who-rule asks for roles alone, so that processes may share its answer."""
    return names_in(who) <= _OF_ROLES


_OF_ROLES = frozenset({"roles"})


@lru_cache(maxsize=4096)
def _role_admits(who: str, roles: tuple[str, ...]) -> bool:
    """The commonest rules ask for roles alone; their answer is the same for all who have them."""
    return _admits(who, {"roles": roles})


def _admits(who: str, names: Mapping[str, Any]) -> bool:
    try:
        return holds(who, names)
    except ExpressionError:
        return False


def electorate(process: Process, who: str) -> Iterable[str]:
    """The ids on the roll that a who-rule admits. Members alike in what it asks are asked once."""
    if not of_roles_alone(who):
        return _electorate(process, who)
    # Processes opened between two changes of the members share one roll.
    kept = _SHARED.get((id(process.roll), who))
    if kept is None or kept[0] is not process.roll:
        kept = _SHARED[id(process.roll), who] = process.roll, tuple(_electorate(process, who))
        while len(_SHARED) > MOST_SHARED:
            _SHARED.popitem(last=False)
    return kept[1]


MOST_SHARED = 32
_SHARED: OrderedDict[tuple[int, str], tuple[Any, tuple[str, ...]]] = OrderedDict()


def _electorate(process: Process, who: str) -> Iterator[str]:
    wanted = names_in(who)
    alike: dict[Any, bool] = {}
    for member in process.roll.values():
        key = (
            member.roles,
            member.id if "me" in wanted else None,
            # A dictionary takes True for 1; a rule does not.
            tuple(sorted((name, type(v), v) for name, v in member.facts.items())),
        )
        if key not in alike:
            alike[key] = admits(process, who, member)
        if alike[key]:
            yield member.id


def facts(process: Process, at: datetime) -> dict[str, Any]:
    """The names an outcome or early end may use in the present stage, each exact."""
    assert process.opened_at is not None
    stage, counts = process.now, process.counts
    names: dict[str, Any] = {**process.fields, **process.drawn, "opener": process.opener}
    for rule in stage.inputs:
        names[rule.counter] = counts.get(rule.kind, 0)
        for choice in rule.choices:
            names[identifier(choice)] = counts.get(f"{rule.kind}:{choice}", 0)
    ballot = stage.ballot
    eligible = process.eligible.get(ballot.who, 0) if ballot else 0
    voted = counts.get(ballot.kind, 0) if ballot else 0
    names["eligible"] = eligible
    names["turnout"] = Fraction(voted, eligible) if eligible else 0
    names["inputs"] = sum(counts.get(rule.kind, 0) for rule in stage.inputs)
    names["days_open"] = Fraction(
        (at - process.opened_at) // timedelta(microseconds=1), 86_400_000_000
    )
    return names
