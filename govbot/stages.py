"""How a stage begins and ends.

Owns the computing of an opening or of a stage's end: ballots, outcome, draws, due times, effects,
each with its calculations. Pure: times and the ledger's head come in as arguments. Whether a fact
may be recorded is `govbot.process`'s question.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from immutables import Map
from pydantic import ValidationError

from govbot.balloting import count_ballots, counted_names, delegate, exact_of, weights_of
from govbot.charter import Charter, DrawRule, InputRule, Stage, TallyRule
from govbot.effects import (
    AmendConstitution,
    Announce,
    CarryOut,
    EffectRule,
    GrantRole,
    OutcomeRule,
    Platform,
    PlatformRule,
    RevokeRole,
    StartProcess,
)
from govbot.errors import GovbotError
from govbot.expression import evaluate, names_in
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
    Ruling,
    StageEnded,
    moment,
    plain,
    stamp,
)
from govbot.state import Process, a, electorate, facts, member_facts
from govbot.switches import Resuming, SettingAside, Suspending
from govbot.tools import call
from govbot.tools.dates import parse_duration, when
from govbot.tools.draws import seed_for
from govbot.tools.results import Exact
from govbot.tools.weights import weight


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
    for name, rule in _in_order(stage.draws):
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


def _in_order(draws: Mapping[str, DrawRule]) -> list[tuple[str, DrawRule]]:
    """Draws as they are made: one whose rule names another after it, otherwise by their names.

    A reading keeps no order of its own: its canonical form sorts them.
    """
    waiting, ordered = sorted(draws), list[str]()
    while waiting:
        free = [n for n in waiting if not names_in(draws[n].who) & set(waiting) - {n}]
        ordered.append((free or waiting)[0])
        waiting.remove(ordered[-1])
    return [(name, draws[name]) for name in ordered]


def eligible_counts(process: Process, stages: tuple[Stage, ...]) -> dict[str, int]:
    """How many each who-rule of these stages admits, as far as its draws are known."""
    found: dict[str, int] = {}
    drawn = {name for stage in process.rules.stages for name in stage.draws}
    for rule in (rule for stage in stages for rule in stage.inputs):
        if rule.who not in found and not (names_in(rule.who) & drawn) - set(process.drawn):
            found[rule.who] = sum(1 for _ in electorate(process, rule.who))
    return found


@dataclass(frozen=True, slots=True)
class _Polled:
    """What counting a stage's ballots came to: who won, the names it binds, how it was done."""

    names: Mapping[str, Any]
    drawn: Mapping[str, tuple[str, ...]]
    calculations: tuple[Calculation, ...] = ()
    story: str = ""


def _poll(process: Process, at: datetime, head: str) -> _Polled:
    """The ballots of the stage, counted if its charter has them counted."""
    names, rule, ballot = facts(process, at), process.now.tally, process.now.ballot
    if rule is None or ballot is None:
        return _Polled(names, process.drawn)
    try:
        calculations, winners, told = _count(process, rule, ballot, names, head)
    except GovbotError as error:
        # A count that cannot be made must not keep its stage from ending: nobody has won.
        calculations, winners, told = (), (), f"The ballots could not be counted: {error}."
    bound = {"winners": winners, rule.named: winners, "winner": winners[0] if winners else ""}
    drawn = {**process.drawn, rule.named: winners}
    return _Polled({**names, **bound}, drawn, calculations, told)


def _count(
    process: Process, rule: TallyRule, ballot: InputRule, names: Mapping[str, Any], head: str
) -> tuple[tuple[Calculation, ...], tuple[str, ...], str]:
    """The calculations of a count, who won and the story of it."""
    standing = process.inputs.get(ballot.kind, Map())
    last = ballot.many and ballot.takes == "member"  # of several only the last is a ballot
    ballots = {who: value[-1] if last else value for who, (value, _) in standing.items()}
    weights, delegation, story = _weigh(process, rule, ballots)
    options = {**rule.options, **{n: evaluate(e, names) for n, e in rule.computed.items()}}
    counted = count_ballots(
        rule, ballot, counted_names(ballot, process.inputs, ballots), ballots, weights, options,
        rule.seats if isinstance(rule.seats, int) else evaluate(rule.seats, names),
        seed_for(head, f"{process.id}:{process.turn}:tally"),
    )  # fmt: skip
    told = " ".join([*story, f"Counted by {rule.method}: {counted.result['explanation']}"])
    return (*delegation, counted), tuple(counted.result["winners"]), told


def _weigh(
    process: Process, rule: TallyRule, ballots: Mapping[str, Any]
) -> tuple[Mapping[str, Exact], tuple[Calculation, ...], list[str]]:
    """What each ballot weighs, the calculation of delegations, and what people should know."""
    everyone = set(ballots)
    given: Mapping[str, str] = {}
    if rule.delegated_by is not None:
        standing = process.inputs.get(rule.delegated_by, Map())
        given = {who: to for who, (to, _) in standing.items()}
        everyone |= set(given)
    weights, without = weights_of(everyone, _weighing(process, rule))
    story = [f"The rules give {', '.join(without)} no weight."] if without else []
    if rule.delegated_by is None:
        return weights, (), story
    carried = delegate(given, ballots, weights, rule.cap, process.roll)
    told = {who: exact_of(weight) for who, weight in carried.result["carried"].items()}
    return told, (carried,), [*story, carried.result["explanation"]]


def _weighing(process: Process, rule: TallyRule) -> Callable[[str], Any] | None:
    """A member's weight by the rule: an expression over their facts, or made of metrics."""
    weights = rule.weights
    if weights is None:
        return None

    def weigh(who: str) -> Any:
        member = process.roll[who]
        assert process.opened_at is not None
        facts = member_facts(member, process.opened_at)
        try:
            if isinstance(weights, str):
                return evaluate(weights, {**facts, "me": who, "roles": member.roles})
            rules = weights.rules()
            known = {r.name: facts[f"{r.name}_level"] for r in rules if f"{r.name}_level" in facts}
            weighed = weight(
                facts, rules, known, base=weights.base, floor=weights.floor,
                ceiling=weights.ceiling,
            )  # fmt: skip
            return weighed.weight
        except GovbotError:
            return None

    return weigh


def _chosen(
    process: Process, names: Mapping[str, Any]
) -> tuple[int, OutcomeRule | None, tuple[Calculation, ...]]:
    """The first outcome that holds, its position, and every condition tried on the way."""
    tried: list[Calculation] = []
    for position, rule in enumerate(process.now.outcomes):
        if rule.when is None:
            return position, rule, tuple(tried)
        tried.append(_calculate(rule.when, names))
        if tried[-1].result is True:
            return position, rule, tuple(tried)
    return -1, None, tuple(tried)


def _effect(
    process: Process, led: OutcomeRule, rule: EffectRule, names: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """What an effect's rule comes to: its kind and its arguments."""
    match rule:
        case SettingAside(set_aside=subject):
            words = led.cite.model_dump(mode="json") if led.cite else None
            by = {"by": process.number, "rule": words, "constitution": process.constitution}
            return "set_aside", {"process": names[subject.process], **by}
        case Suspending() | Resuming():
            does = "suspend" if isinstance(rule, Suspending) else "resume_bot"
            return does, {"by": process.number}
        case GrantRole(grant_role=change):
            return "grant_role", {"role": change.role, "to": _people(change.to, names)}
        case RevokeRole(revoke_role=change):
            return "revoke_role", {"role": change.role, "to": _people(change.to, names)}
        case StartProcess(start_process=start):
            given = {name: plain(evaluate(e, names)) for name, e in start.fields.items()}
            return "start_process", {"type": start.type, "fields": given}
        case Platform(platform=act):
            return "platform", _errand(act, names)
        case AmendConstitution(amend_constitution=change):
            return "amend", {"amendment": names[change.amendment]}
        case CarryOut(carry_out=carried):
            return _ruled(Ruling.model_validate(names[carried.ruling]))
        case Announce(announce=text):
            return "announce", {"text": text}


def _errand(act: PlatformRule, names: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"channel": act.channel, "name": act.name}
    said = {name: str(evaluate(e, names)) for name, e in asked.items() if e is not None}
    to = {"to": _people(act.to, names)} if act.to is not None else {}
    lasts = {"lasts": act.lasts} if act.lasts is not None else {}
    return {"do": act.do, **said, **to, **lasts}


def _ruled(ruling: Ruling) -> tuple[str, dict[str, Any]]:
    """The effect that carries out a ruling."""
    match ruling.does:
        case "grant_role" | "revoke_role":
            return ruling.does, {"role": ruling.role, "to": [ruling.to]}
        case "announce":
            return ruling.does, {"text": ruling.text}
    act = {"process": ruling.process, "act": ruling.does, "by": ruling.by}
    return "manage", {**act, "reason": ruling.because}


def _people(expression: str, names: Mapping[str, Any]) -> list[str]:
    value = evaluate(expression, names)
    return [value] if isinstance(value, str) else list(dict.fromkeys(value))


def _effects(
    process: Process, rule: OutcomeRule | None, names: Mapping[str, Any]
) -> tuple[Effect, ...]:
    """What the outcome brings about; the community is told, in the charter's words if any."""
    said = [item for item in rule.effects if isinstance(item, Announce)] if rule else []
    others = [item for item in rule.effects if _has_effect(item, process)] if rule else []
    text = " ".join(item.announce for item in said)
    made: list[tuple[str, dict[str, Any]]] = [("announce", {"text": text})]
    made += [_effect(process, rule, item, names) for item in others] if rule else []
    return tuple(
        Effect(id=f"{process.id}:{process.turn}:{n}", does=does, arguments=arguments)  # type: ignore[arg-type]  # _effect returns only kinds that Effect names
        for n, (does, arguments) in enumerate(made)
    )


def _has_effect(rule: EffectRule, process: Process) -> bool:
    """Whether it is one beside what is announced; a ruling or amendment that nobody proposed
    has none.

    What runs under a reading that nobody has ratified is announced and changes nothing else.
    """
    if process.provisional:
        return False
    if isinstance(rule, CarryOut):
        return rule.carry_out.ruling in process.fields
    if isinstance(rule, SettingAside):
        return rule.set_aside.process in process.fields
    if isinstance(rule, AmendConstitution):
        return rule.amend_constitution.amendment in process.fields
    return not isinstance(rule, Announce)


def end_stage(
    process: Process, why: Literal["due", "early"], at: datetime, head: str
) -> tuple[StageEnded, Decision]:
    """The end of the present stage: its outcome, what comes next, and why. Pure.

    `at` is when it is recorded, `head` the digest of the ledger's last entry (the seed of draws).
    A stage that fell due counts as ended at its due time; the next one starts when recorded.
    """
    counted = process.due if why == "due" and process.due else at
    polled = _poll(process, counted, head)
    position, rule, tried = _chosen(process, polled.names)
    begun = _Begun(None, polled.drawn, (), ())
    outcome, following = (rule.named, rule.next) if rule else ("undecided", None)
    if following is not None:
        turned = replace(process, turn=process.turn + 1, drawn=polled.drawn)
        begun = _begin(turned, process.rules.stage(following), at, head)
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
        effects=_effects(process, rule, polled.names),
    )
    early = process.now.ends_early if why == "early" else None
    last = ends_early(process, at) if early else None
    counts = process.now.tally.cite if process.now.tally else None
    cites = (counts, rule.cite if rule else None, early.cite if early else None, *begun.citations)
    decision = Decision(
        reasoning=_reasons(process, body, tried, last, begun, polled.story),
        result=outcome or f"continues with {following}",
        citations=tuple(dict.fromkeys(cite for cite in cites if cite)),
        calculations=(
            *((last,) if last else ()),
            *polled.calculations,
            *tried,
            *begun.calculations,
        ),
    )
    return body, decision


def _reasons(
    process: Process,
    body: StageEnded,
    tried: tuple[Calculation, ...],
    early: Calculation | None,
    begun: _Begun,
    counted: str,
) -> str:
    title = process.now.title or process.stage
    if early is not None:
        parts = [f"The stage {title!r} ended early: {_told(early)}."]
    else:
        due = when(process.due, process.zone) if process.due else "its end"
        parts = [f"The stage {title!r} reached its deadline, {due}."]
    parts += [counted] if counted else []
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
    named = _titled(charter, fields, community.members) or charter.title
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
        provisional=community.provisional,
    )
    proposed = [quote for ruling in rulings_in(charter, fields) for quote in ruling.quotes]
    cites = (charter.cite, charter.opened_by.cite, *begun.citations, *proposed)
    until = f" until {when(begun.due, community.zone)}" if begun.due else ""
    runs = (
        f"The charter of {a(charter.title.lower())} lets this member open one. Its first stage,"
        f" {stage.title or stage.name!r}, runs{until}."
    )
    decision = Decision(
        reasoning=begun.problem or runs,
        result=begun.short or "opened",
        citations=tuple(dict.fromkeys(cite for cite in cites if cite)),
        calculations=begun.calculations,
    )
    return body, decision


def _titled(charter: Charter, fields: Mapping[str, Any], members: Mapping[str, Member]) -> str:
    """What a process is named after; a member by their name."""
    value = str(fields.get(charter.named_after or "", ""))
    return members[value].name if value in members else value


def rulings_in(charter: Charter, fields: Mapping[str, Any]) -> list[Ruling]:
    """The rulings that an opening brings with it; what is none is `objections`' to say."""
    found = []
    for name, rule in charter.fields.items():
        if rule.type == "ruling" and name in fields:
            with suppress(ValidationError):
                found.append(Ruling.model_validate(fields[name]))
    return found


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


def managing(
    process: Process, manage: Manage, effect: str | None = None
) -> tuple[Managed, Decision]:
    """A pause, resumption, extension or cancellation as it would be recorded, and why. Pure.

    `effect` is the ruling that calls for it; otherwise a member does, by the charter.
    """
    rule = process.rules.manage.rule(manage.act)
    due: datetime | None = None
    calculations: tuple[Calculation, ...] = ()
    if manage.act == "extend" and process.due is not None:
        arguments = {"start": stamp(process.due), **parse_duration(manage.by), "tz": process.zone}
        calculations = (call("datetime_add", arguments),)
        due = moment(calculations[0].result)
    body = Managed(
        act=manage.act, reason=manage.reason.strip(), due=due,
        effects=closing(process, manage.act), effect=effect, by=manage.by if effect else "",
    )  # fmt: skip
    done = {"pause": "paused", "resume": "resumed", "extend": "extended", "cancel": "cancelled"}
    until = f" until {when(due, process.zone)}" if due else ""
    allowed = "The charter lets this member" if effect is None else f"The ruling {effect} is to"
    decision = Decision(
        reasoning=f"{allowed} {manage.act} process {process.number}{until}."
        f" {'Their' if effect is None else 'Its'} reason: {body.reason}",
        result=done[manage.act],
        citations=(rule.cite,) if effect is None and rule and rule.cite else (),
        calculations=calculations,
    )
    return body, decision
