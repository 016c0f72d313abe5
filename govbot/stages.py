"""The state of a community and its processes, and how a stage begins and ends.

Owns what an expression may know, who is on a roll, and the computing of an opening or of a
stage's end: outcome, draws, due times, effects, each with its calculations. Pure: times and the
ledger's head come in as arguments. Whether a fact may be recorded is `govbot.process`'s question.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from immutables import Map

from govbot.charter import (
    Announce,
    Charter,
    EffectRule,
    GrantRole,
    OutcomeRule,
    RevokeRole,
    Stage,
    StartProcess,
    Who,
    identifier,
)
from govbot.expression import ExpressionError, evaluate, holds, names_in
from govbot.records import (
    Calculation,
    Citation,
    Decision,
    Effect,
    Give,
    Given,
    Manage,
    Managed,
    Member,
    Opened,
    StageEnded,
    moment,
    plain,
    stamp,
)
from govbot.tools import call
from govbot.tools.dates import parse_duration, when
from govbot.tools.draws import seed_for

DAY = timedelta(days=1)

Status = Literal["unopened", "open", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class Community:
    """What holds for every process: the rules in force, the members, the effects still due."""

    name: str = ""
    zone: str = "UTC"
    constitution: str = ""
    reading: str = ""
    charters: Mapping[str, Charter] = field(default_factory=dict)
    platform: Map[str, Member] = field(default_factory=Map)
    granted: Map[str, tuple[str, ...]] = field(default_factory=Map)
    members: Map[str, Member] = field(default_factory=Map)
    pending: Map[str, Effect] = field(default_factory=Map)
    next_number: int = 1


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
    zone: str = "UTC"
    roll: Map[str, Member] = field(default_factory=Map)
    fields: Mapping[str, Any] = field(default_factory=dict)
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
    ended_at: datetime | None = None
    # kind -> member -> (value, how many so far); kind[:choice] -> count
    inputs: Map[str, Map[str, tuple[Any, int]]] = field(default_factory=Map)
    counts: Map[str, int] = field(default_factory=Map)

    @property
    def rules(self) -> Charter:
        assert self.charter is not None, f"{self.id} has not been opened"
        return self.charter

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


def unopened(community: Community, number: int) -> Process:
    """The process that an `opened` fact may bring into being."""
    return Process(id=f"process_{number}", number=number, community=community)


# --- who may, and what expressions know ---------------------------------------------------


def _member_facts(member: Member, at: datetime) -> dict[str, Any]:
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
    if names_in(who) <= _OF_ROLES:
        return _role_admits(who, member.roles)
    names = {
        **process.fields,
        **_member_facts(member, process.opened_at),
        **process.drawn,
        "opener": process.opener,
        "me": member.id,
        "roles": member.roles,
    }
    return _admits(who, names)


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


def electorate(process: Process, who: str) -> Iterator[str]:
    """The ids on the roll that a who-rule admits. Members alike in what it asks are asked once."""
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


def _calculate(expression: str, names: Mapping[str, Any]) -> Calculation:
    used = {name: names[name] for name in sorted(names_in(expression)) if name in names}
    return call("calculate", {"expression": expression, "variables": plain(used)})


def ends_early(process: Process, at: datetime) -> Calculation | None:
    """The calculation that ends the stage before its time, if it holds now."""
    rule = process.now.ends_early if process.status == "open" else None
    if rule is None:
        return None
    found = _calculate(rule.when, facts(process, at))
    return found if found.result is True else None


# --- stages: how they begin and end -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Begun:
    """How a stage begins: its due time, its draws, and the calculations behind them."""

    due: datetime | None
    drawn: Mapping[str, tuple[str, ...]]
    calculations: tuple[Calculation, ...]
    citations: tuple[Citation, ...]
    short: str | None = None
    problem: str = ""


def _begin(process: Process, stage: Stage, at: datetime, head: str) -> _Begun:
    drawn = dict(process.drawn)
    calculations: list[Calculation] = []
    citations = [rule.cite for rule in stage.draws.values() if rule.cite]
    for name, rule in stage.draws.items():
        pool = sorted(electorate(replace(process, drawn=drawn), rule.who))
        if len(pool) < rule.count:
            problem = f"{rule.count} {name} are to be drawn and only {len(pool)} can be"
            return _Begun(None, drawn, (), tuple(citations), rule.short, problem)
        seed = seed_for(head, f"{process.id}:{process.turn}:{name}")
        draw = call("random_select", {"pool": pool, "count": rule.count, "seed": seed})
        drawn[name] = tuple(draw.result)
        calculations.append(draw)
    due = None
    if stage.lasts is not None:
        arguments = {"start": stamp(at), **parse_duration(stage.lasts.value), "tz": process.zone}
        added = call("datetime_add", arguments)
        due = moment(added.result)
        calculations.append(added)
        if stage.lasts.cite:
            citations.append(stage.lasts.cite)
    return _Begun(due, drawn, tuple(calculations), tuple(citations))


def eligible_counts(process: Process, stages: tuple[Stage, ...]) -> dict[str, int]:
    """How many each who-rule of these stages admits, as far as its draws are known."""
    found: dict[str, int] = {}
    drawn = {name for stage in process.rules.stages for name in stage.draws}
    for rule in (rule for stage in stages for rule in stage.inputs):
        if rule.who not in found and not (names_in(rule.who) & drawn) - set(process.drawn):
            found[rule.who] = sum(1 for _ in electorate(process, rule.who))
    return found


def _chosen(
    process: Process, at: datetime
) -> tuple[int, OutcomeRule | None, tuple[Calculation, ...]]:
    """The first outcome that holds, its position, and every condition tried on the way."""
    names = facts(process, at)
    tried: list[Calculation] = []
    for position, rule in enumerate(process.now.outcomes):
        if rule.when is None:
            return position, rule, tuple(tried)
        tried.append(_calculate(rule.when, names))
        if tried[-1].result is True:
            return position, rule, tuple(tried)
    return -1, None, tuple(tried)


def _effect(rule: EffectRule, names: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    match rule:
        case GrantRole(grant_role=change):
            return "grant_role", {"role": change.role, "to": _people(change.to, names)}
        case RevokeRole(revoke_role=change):
            return "revoke_role", {"role": change.role, "to": _people(change.to, names)}
        case StartProcess(start_process=start):
            given = {name: plain(evaluate(e, names)) for name, e in start.fields.items()}
            return "start_process", {"type": start.type, "fields": given}
        case Announce(announce=text):
            return "announce", {"text": text}


def _people(expression: str, names: Mapping[str, Any]) -> list[str]:
    value = evaluate(expression, names)
    return [value] if isinstance(value, str) else list(value)


def _effects(process: Process, rule: OutcomeRule | None, at: datetime) -> tuple[Effect, ...]:
    """What the outcome brings about; the community is told, in the charter's words if any."""
    said = [item for item in rule.effects if isinstance(item, Announce)] if rule else []
    others = [item for item in rule.effects if not isinstance(item, Announce)] if rule else []
    text = " ".join(item.announce for item in said)
    names = facts(process, at)
    made = [("announce", {"text": text}), *(_effect(item, names) for item in others)]
    return tuple(
        Effect(id=f"{process.id}:{process.turn}:{n}", does=does, arguments=arguments)  # type: ignore[arg-type]  # _effect returns only kinds that Effect names
        for n, (does, arguments) in enumerate(made)
    )


def end_stage(
    process: Process, why: Literal["due", "early"], at: datetime, head: str
) -> tuple[StageEnded, Decision]:
    """The end of the present stage: its outcome, what comes next, and why. Pure.

    `at` is when it is recorded, `head` the digest of the ledger's last entry (the seed of draws).
    A stage that fell due counts as ended at its due time; the next one starts when recorded.
    """
    counted = process.due if why == "due" and process.due else at
    position, rule, tried = _chosen(process, counted)
    begun = _Begun(None, process.drawn, (), ())
    outcome, following = (rule.named, rule.next) if rule else ("undecided", None)
    if following is not None:
        begun = _begin(_turned(process), process.rules.stage(following), at, head)
        if begun.short is not None:
            outcome, following = begun.short, None
    body = StageEnded(
        stage=process.stage,
        why=why,
        due=process.due,
        rule=position,
        outcome=outcome,
        next=following,
        next_due=begun.due,
        drawn=dict(begun.drawn),
        effects=_effects(process, rule, counted),
    )
    early = process.now.ends_early if why == "early" else None
    last = ends_early(process, at) if early else None
    cites = (rule.cite if rule else None, early.cite if early else None, *begun.citations)
    decision = Decision(
        reasoning=_reasons(process, body, tried, last, begun),
        result=outcome or f"continues with {following}",
        citations=tuple(dict.fromkeys(cite for cite in cites if cite)),
        calculations=(*((last,) if last else ()), *tried, *begun.calculations),
    )
    return body, decision


def _turned(process: Process) -> Process:
    return replace(process, turn=process.turn + 1)


def _reasons(
    process: Process,
    body: StageEnded,
    tried: tuple[Calculation, ...],
    early: Calculation | None,
    begun: _Begun,
) -> str:
    title = process.now.title or process.stage
    if early is not None:
        parts = [f"The stage {title!r} ended early: {_told(early)}."]
    else:
        due = when(process.due, process.zone) if process.due else "its end"
        parts = [f"The stage {title!r} reached its deadline, {due}."]
    parts += [f"{_told(calculation).capitalize()}." for calculation in tried]
    if body.rule < 0:
        parts.append("No outcome of the charter holds, so nothing is decided.")
    elif begun.short is not None:
        parts.append(f"{begun.problem.capitalize()}.")
    if body.outcome is not None:
        parts.append(f"The outcome is {body.outcome!r}.")
    if body.next is not None:
        parts.append(f"The stage {body.next!r} follows.")
    return " ".join(parts)


def _told(calculation: Calculation) -> str:
    """A condition in words: what it says, what it was worth, whether it holds."""
    expression, variables = calculation.arguments["expression"], calculation.arguments["variables"]
    values = ", ".join(f"{name} = {value}" for name, value in variables.items())
    verdict = "holds" if calculation.result is True else "does not hold"
    return f"the condition “{expression}” {verdict}" + (f" with {values}" if values else "")


def opening(
    process: Process,
    type: str,
    given: Mapping[str, Any],
    opener: str,
    at: datetime,
    head: str,
    effect: str | None = None,
) -> tuple[Opened, Decision]:
    """How an unopened process would open: roll, fields, first stage, draws, due time. Pure.

    Raises KeyError for an unknown type; ask `objections` before recording what it returns.
    """
    assert process.community is not None
    community, charter = process.community, process.community.charters[type]
    fields = {name: given.get(name) for name in charter.fields if given.get(name) is not None}
    blank = replace(
        process,
        charter=charter,
        roll=community.members,
        opener=opener,
        opened_at=at,
        fields=fields,
        zone=community.zone,
    )
    stage = charter.stages[0]
    begun = _begin(blank, stage, at, head)
    named = str(fields.get(charter.named_after or "", "")) or charter.title
    body = Opened(
        type=type,
        number=process.number,
        constitution=community.constitution,
        reading=community.reading,
        title=" ".join(named.split())[:200],
        fields=fields,
        stage=stage.name,
        due=begun.due,
        eligible=eligible_counts(replace(blank, drawn=begun.drawn), charter.stages),
        drawn=dict(begun.drawn),
        effect=effect,
    )
    cites = (charter.cite, charter.opened_by.cite, *begun.citations)
    until = f" until {when(begun.due, community.zone)}" if begun.due else ""
    runs = (
        f"The charter of a {charter.title.lower()} lets this member open one. Its first stage,"
        f" {stage.title or stage.name!r}, runs{until}."
    )
    decision = Decision(
        reasoning=begun.problem or runs,
        result=begun.short or "opened",
        citations=tuple(dict.fromkeys(cite for cite in cites if cite)),
        calculations=begun.calculations,
    )
    return body, decision


def closing(process: Process, act: str) -> tuple[Effect, ...]:
    """What managing a process brings about: the community is told."""
    return (
        Effect(
            id=f"{process.id}:{process.turn}:{act}:{process.acts}",
            does="announce",
            arguments={"text": ""},
        ),
    )


def receiving(process: Process, give: Give, member: Member) -> tuple[Given, Decision]:
    """A member's input as it would be recorded, and why. Pure; `objections` still decides."""
    body = Given(
        input=give.input, stage=process.stage, value=give.value, reason=give.reason.strip()
    )
    rule = process.now.input(give.input) if process.stage else None
    before = process.given(give.input, member.id)
    until = f" until {when(process.due, process.zone)}" if process.due else ""
    what = f"{give.input} {give.value!r}" if rule and rule.takes == "choice" else give.input
    change = f", instead of {before!r}" if rule and not rule.many and before is not None else ""
    cites = (rule.cite, rule.changeable.cite if change else None) if rule else ()
    decision = Decision(
        reasoning=f"{process.charter.title if process.charter else ''} {process.number} takes this"
        f" {what}{change} in its stage {process.now.title or process.stage!r}{until}, and the"
        " member is on its roll."
        if rule
        else "",
        result="recorded",
        citations=tuple(cite for cite in cites if cite),
    )
    return body, decision


def managing(process: Process, manage: Manage) -> tuple[Managed, Decision]:
    """A pause, resumption, extension or cancellation as it would be recorded, and why. Pure."""
    act = "pause" if manage.act == "resume" else manage.act
    rule: Who | None = getattr(process.rules.manage, act)
    due: datetime | None = None
    calculations: tuple[Calculation, ...] = ()
    if manage.act == "extend" and process.due is not None:
        arguments = {"start": stamp(process.due), **parse_duration(manage.by), "tz": process.zone}
        calculations = (call("datetime_add", arguments),)
        due = moment(calculations[0].result)
    body = Managed(
        act=manage.act, reason=manage.reason.strip(), due=due, effects=closing(process, manage.act)
    )
    done = {"pause": "paused", "resume": "resumed", "extend": "extended", "cancel": "cancelled"}
    until = f" until {when(due, process.zone)}" if due else ""
    decision = Decision(
        reasoning=f"The charter lets this member {manage.act} process {process.number}{until}."
        f" Their reason: {body.reason}",
        result=done[manage.act],
        citations=(rule.cite,) if rule and rule.cite else (),
        calculations=calculations,
    )
    return body, decision
