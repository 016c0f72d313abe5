"""The kernel's two questions: may this be recorded, and what is the state after it.

Owns `objections` and `apply` for a process; `govbot.community` does for what is beside processes.
Knows no clock, network, model, storage or chat. Promises that the same entries give the same state
on every machine, and that one more input costs the same however many came before it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from immutables import Map

from govbot.amendments import HOW_TO_SAY, amendment_objections
from govbot.balloting import BALLOTS, ballot_problem, candidates
from govbot.breakglass import inverses, kept_done, standing_objections
from govbot.charter import InputRule
from govbot.records import (
    BOT,
    Done,
    Entry,
    Fact,
    Given,
    Managed,
    Member,
    Opened,
    Record,
    Rehearsed,
    SetAside,
    StageEnded,
)
from govbot.rulings import ruling_objections
from govbot.shapes import Who
from govbot.stages import (
    closing,
    eligible_counts,
    end_stage,
    ends_early,
    opening,
)
from govbot.state import Community, Process, a, admits
from govbot.tools.dates import datetime_add, parse_duration, when

MAX_TEXT = 4000


# --- may it be recorded? -----------------------------------------------------------------


def objections(process: Process, fact: Fact, head: str) -> list[str]:
    """Why `fact` may not be recorded of `process`; empty if it may.

    `head` is the digest of the entry before it. Each objection is a sentence for the member.
    """
    body = fact.body
    if isinstance(body, Opened):
        return _opened_objections(process, fact, body, head)
    if process.status == "unopened":
        return [f"process {process.number} does not exist; ask for the open ones"]
    match body:
        case Given():
            return _given_objections(process, fact, body)
        case StageEnded():
            return _ended_objections(process, fact, body, head)
        case Managed():
            return _managed_objections(process, fact, body)
        case Rehearsed():
            return _rehearsed_objections(process, fact)
        case SetAside():
            expected = body.model_copy(update={"effects": inverses(process)})
            return standing_objections(process, process.number) or _differences(body, expected)
    return []


def _rehearsed_objections(process: Process, fact: Fact) -> list[str]:
    if fact.member != BOT or not process.rules.amends:
        return ["only the bot rehearses, and only what amends the constitution"]
    return ["it has been rehearsed already"] if process.foreseen else _closed(process)


def _closed(process: Process) -> list[str]:
    if process.status == "ended":
        ended = f" on {when(process.ended_at, process.zone)}" if process.ended_at else ""
        return [
            f"process {process.number} ended{ended} ({process.result}); nothing more can be added"
        ]
    if process.status == "paused":
        return [f"process {process.number} is paused; wait until it is resumed"]
    return []


def _opened_objections(process: Process, fact: Fact, body: Opened, head: str) -> list[str]:
    community = process.community
    if process.status != "unopened" or community is None:
        return [f"process {process.number} is already open"]
    if body.type not in community.charters:
        known = ", ".join(sorted(community.charters)) or "none yet"
        return [f"the constitution knows no process type {body.type!r}; it knows {known}"]
    return (
        _opener_objections(process, fact, body)
        or _field_objections(community, body)
        or _computed_objections(process, fact, body, head)
    )


def _opener_objections(process: Process, fact: Fact, body: Opened) -> list[str]:
    community = cast(Community, process.community)
    charter = community.charters[body.type]
    if fact.member == BOT:
        due = community.pending.get(body.effect or "")
        if due is None or due.does != "start_process" or due.arguments["type"] != body.type:
            return ["no outcome calls for this process"]
        return []
    if body.effect is not None:
        return ["no outcome calls for this process: you open it yourself"]
    member = community.members.get(fact.member)
    if member is None:
        return [f"{fact.member!r} is not known here; say something as a member first"]
    # The rules are asked of a process as it would stand at its opening.
    asking = replace(
        process, charter=charter, roll=community.members, opened_at=fact.at, opener=fact.member
    )
    if not admits(asking, charter.opened_by.who, member):
        return [_not_allowed(f"may not open {a(charter.title.lower())}", charter.opened_by)]
    return []


def _not_allowed(what: str, rule: Who | InputRule) -> str:
    said = f": the constitution says “{rule.cite.quote}”" if rule.cite else f" (rule: {rule.who})"
    return f"you {what}{said}"


def _field_objections(community: Community, body: Opened) -> list[str]:
    charter, found = community.charters[body.type], []
    for name, rule in charter.fields.items():
        label, value = rule.label or name.replace("_", " "), body.fields.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if rule.required and rule.type == "amendment":
                found.append(f"{a(charter.title.lower())} says what changes; {HOW_TO_SAY}")
            elif rule.required:
                found.append(f"{a(charter.title.lower())} needs its {label}; say it and try again")
        elif rule.type == "ruling":
            found += ruling_objections(value, charter.may_rule(name), community)
        elif rule.type == "amendment":
            found += amendment_objections(value, community.constitution)
        elif problem := _shape(rule.type, value, community.members, rule.most):
            found.append(f"{label} {problem}")
        elif rule.choices and value not in rule.choices:
            found.append(f"{label} must be {' or '.join(rule.choices)}, not {value!r}")
    found += [
        f"{name!r} is not asked for here" for name in body.fields if name not in charter.fields
    ]
    return found


def _shape(takes: str, value: Any, members: Mapping[str, Member], most: int = MAX_TEXT) -> str:
    """What is wrong with a value of this shape, or nothing."""
    if takes == "number":
        good = isinstance(value, int) and not isinstance(value, bool)
        return "" if good else f"must be a whole number, not {value!r}"
    if takes == "member":
        known = isinstance(value, str) and value in members
        return "" if known else f"must name a member; {value!r} is not one"
    if takes == "text":
        if not isinstance(value, str) or not value.strip():
            return "must be some text"
        over = len(value) - most
        return f"is {over} characters too long; at most {most} are allowed" if over > 0 else ""
    return "" if value is None else "takes no value"


def _computed_objections(process: Process, fact: Fact, body: Opened, head: str) -> list[str]:
    """The opening must be exactly the one the rules give."""
    community = cast(Community, process.community)
    # What an outcome starts has the fields that the outcome gave it.
    given = (
        community.pending[body.effect].arguments["fields"]
        if body.effect is not None
        else body.fields
    )
    expected, decision = opening(process, body.type, given, fact.member, fact.at, head, body.effect)
    if set(community.charters[body.type].stages[0].draws) - set(expected.drawn):
        return [f"{a(body.type.replace('_', ' '))} cannot begin now: {decision.reasoning}"]
    return _differences(body, expected)


def _differences(body: Any, expected: Any) -> list[str]:
    if body == expected:
        return []
    names = [n for n in type(body).model_fields if getattr(body, n) != getattr(expected, n)]
    return [
        f"{name} is {_shown(body, name)}, but the rules give {_shown(expected, name)}"
        for name in names
    ]


def _shown(body: Record, name: str) -> str:
    return repr(body.model_dump(mode="json", include={name})[name])


def _given_objections(process: Process, fact: Fact, body: Given) -> list[str]:
    if closed := _closed(process) or _late(process, fact.at, body.input):
        return closed
    rule = process.now.input(body.input)
    if rule is None or body.stage != process.stage:
        known = ", ".join(item.kind for item in process.now.inputs) or "nothing"
        return [
            f"process {process.number} takes no {body.input} in its stage"
            f" {process.now.title or process.stage!r}; it takes {known}"
            f"{_elsewhere(process, body.input)}"
        ]
    member = process.roll.get(fact.member)
    if member is None:
        return [f"you joined after process {process.number} opened, so you are not on its roll"]
    if not admits(process, rule.who, member):
        return [_not_allowed(f"may not give {a(rule.kind)} on process {process.number}", rule)]
    return _value_objections(process, rule, body) or _repeat_objections(process, rule, fact.member)


def _elsewhere(process: Process, kind: str) -> str:
    """Which other stages take an input, for whoever comes too early or too late with it."""
    stages = [repr(s.title or s.name) for s in process.rules.stages if s.input(kind) is not None]
    return f"; {a(kind)} belongs to its stage {' or '.join(stages)}" if stages else ""


def _late(process: Process, at: datetime, what: str) -> list[str]:
    """At exactly the due time it is late."""
    if process.due is None or at < process.due:
        return []
    seconds = int((at - process.due).total_seconds())
    late = (
        f"{seconds} second{'s' if seconds != 1 else ''} too late" if seconds < 120 else "too late"
    )
    return [
        f"the {what} came {late}: the stage {process.now.title or process.stage!r} of process"
        f" {process.number} closed on {when(process.due, process.zone)}"
    ]


def _value_objections(process: Process, rule: InputRule, body: Given) -> list[str]:
    if rule.takes == "choice":
        if body.value not in (names := candidates(rule, process.inputs)):
            allowed = " or ".join(names[:20]) or "nothing yet"
            return [f"{body.value!r} is not a choice here; choose {allowed}"]
    elif rule.takes in BALLOTS:
        return _ballot_objections(process, rule, body)
    elif problem := _shape(rule.takes, body.value, process.roll):
        return [f"{a(rule.kind)} {problem}"]
    if body.value in rule.reason_required_for and not body.reason.strip():
        return [f"“{body.value}” needs a reason; say it again with “because …”"]
    if len(body.reason) > MAX_TEXT:
        return [f"the reason is longer than {MAX_TEXT} characters; shorten it"]
    return []


def _ballot_objections(process: Process, rule: InputRule, body: Given) -> list[str]:
    if rule.takes == "form":
        return _form_objections(rule, body.value, process.roll)
    counted = process.now.tally
    options = counted.options if counted is not None and process.now.ballot == rule else {}
    names = candidates(rule, process.inputs)
    problem = ballot_problem(rule, body.value, names, options)
    return [f"{a(rule.kind)} {problem}"] if problem else []


def _form_objections(rule: InputRule, value: Any, members: Mapping[str, Member]) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{a(rule.kind)} gives {', '.join(rule.form)}, each with its value"]
    found = []
    for name, asked in rule.form.items():
        label, given = asked.label or name.replace("_", " "), value.get(name)
        if given is None or given == "":
            found += [f"{a(rule.kind)} needs its {label}"] if asked.required else []
        elif problem := _shape(asked.type, given, members, asked.most):
            found.append(f"{label} {problem}")
    return found + [f"{name!r} is not asked for here" for name in value if name not in rule.form]


def _repeat_objections(process: Process, rule: InputRule, member: str) -> list[str]:
    if (
        rule.many
        or rule.changeable.value
        or process.inputs.get(rule.kind, Map()).get(member) is None
    ):
        return []
    cite = rule.changeable.cite
    said = f": the constitution says “{cite.quote}”" if cite else ", and it cannot be changed"
    return [f"you have already given your {rule.kind} on process {process.number}{said}"]


def _ended_objections(process: Process, fact: Fact, body: StageEnded, head: str) -> list[str]:
    if closed := _closed(process):
        return closed
    if fact.member != BOT:
        return ["a stage ends by its rules, not by anyone's word"]
    if body.why == "due" and (process.due is None or fact.at < process.due):
        return [f"the stage {process.stage!r} is not due yet"]
    if body.why == "early" and (
        ends_early(process, fact.at) is None or _late(process, fact.at, "")
    ):
        return [f"the condition for ending the stage {process.stage!r} early does not hold"]
    expected, _ = end_stage(process, body.why, fact.at, head)
    return _differences(body, expected)


def _managed_objections(process: Process, fact: Fact, body: Managed) -> list[str]:
    rule, member = process.rules.manage.rule(body.act), process.roll.get(fact.member)
    if process.status == "ended":
        return _closed(process)
    if body.effect is not None:  # a ruling's: the community's side of it is `_ruled_objections`
        return _timing_objections(process, fact.at, body) or _differences(
            body, body.model_copy(update={"effects": closing(process, body.act)})
        )
    if rule is None:
        return [f"the constitution lets nobody {body.act} {a(process.rules.title.lower())}"]
    if member is None or not admits(process, rule.who, member):
        return [_not_allowed(f"may not {body.act} process {process.number}", rule)]
    if not body.reason.strip() or len(body.reason) > MAX_TEXT:
        return [f"to {body.act} a process needs a reason of at most {MAX_TEXT} characters"]
    return _timing_objections(process, fact.at, body) or _differences(
        body, body.model_copy(update={"effects": closing(process, body.act)})
    )


def _timing_objections(process: Process, at: datetime, body: Managed) -> list[str]:
    if body.act == "resume":
        return [] if process.status == "paused" else [f"process {process.number} is not paused"]
    if process.status == "paused" and body.act != "cancel":
        return _closed(process)
    if process.status == "open" and (late := _late(process, at, body.act)):
        return late
    if body.act != "extend":
        return []
    if body.effect is not None:
        return _extension_objections(process, body)
    rule = process.rules.manage.extend
    if process.due is None or process.longest is None or body.due is None or rule is None:
        return [f"the stage {process.stage!r} has no deadline that could be extended"]
    latest = datetime_add(process.longest, **parse_duration(rule.at_most.value), tz=process.zone)
    if not process.due < body.due <= latest:
        return [
            "the new deadline must be later than the present one and no later than"
            f" {when(latest, process.zone)}"
        ]
    return []


def _extension_objections(process: Process, body: Managed) -> list[str]:
    """A ruling names how much longer a stage runs; the rest is a sum."""
    if process.due is None:
        return [f"the stage {process.stage!r} has no deadline to be extended"]
    due = datetime_add(process.due, **parse_duration(body.by), tz=process.zone)
    return [] if body.due == due else [f"the ruling extends the stage to {when(due, process.zone)}"]


# --- the state after it ------------------------------------------------------------------


def apply(process: Process, entry: Entry) -> Process:
    """The process after an entry that `objections` let pass; others leave it as it is."""
    match entry.body:
        case Opened() as body:
            return _open(process, entry, body)
        case Given() as body:
            return _give(process, entry, body)
        case StageEnded() as body:
            return _end(process, entry, body)
        case Managed() as body:
            return _manage(process, entry, body)
        case Done() as body:
            done = kept_done(process, body)
            return process if done is process.done else replace(process, done=done)
        case Rehearsed() as body:
            return replace(process, foreseen=body.told)
        case SetAside() as body:
            ended = process.ended_at or entry.at  # one that went on after its outcome ends now
            return replace(process, set_aside_by=body.by, status="ended", due=None, ended_at=ended)
    return process


def _open(process: Process, entry: Entry, body: Opened) -> Process:
    community = cast(Community, process.community)
    return replace(
        process,
        type=body.type,
        title=body.title,
        opener=entry.member,
        opened_at=entry.at,
        opened_n=entry.n,
        status="open",
        community=None,
        charter=community.charters[body.type],
        constitution=body.constitution,
        reading=body.reading,
        provisional=body.provisional,
        zone=community.zone,
        roll=community.members,
        fields=body.fields,
        eligible=body.eligible,
        drawn=body.drawn,
        stage=body.stage,
        due=body.due,
        longest=body.due,
    )


def _give(process: Process, entry: Entry, body: Given) -> Process:
    rule = cast(InputRule, process.now.input(body.input))
    standing = process.inputs.get(rule.kind, Map())
    before = standing.get(entry.member)
    # Texts stay in the ledger; the state keeps only what expressions can ask for.
    value = True if rule.takes in ("text", "nothing") else body.value
    if rule.many and rule.takes == "member":  # each of them may be chosen later
        value = tuple(dict.fromkeys((*(before[0] if before else ()), value)))
    times = before[1] + 1 if before else 1
    inputs = process.inputs.set(rule.kind, standing.set(entry.member, (value, times)))
    counts = process.counts
    if before is None or rule.many:
        counts = counts.set(rule.kind, counts.get(rule.kind, 0) + 1)
    elif rule.takes == "choice":
        old = f"{rule.kind}:{before[0]}"
        counts = counts.set(old, counts[old] - 1)
    if rule.takes == "choice":
        new = f"{rule.kind}:{value}"
        counts = counts.set(new, counts.get(new, 0) + 1)
    return process.holding(inputs, counts)


def _end(process: Process, entry: Entry, body: StageEnded) -> Process:
    turned = replace(process, turn=process.turn + 1, due=None, longest=None, outcome=body.outcome)
    if body.next is None:
        return replace(turned, status="ended", ended_at=entry.at, drawn=body.drawn)
    stage = process.rules.stage(body.next)
    kept = set(stage.carries)
    begun = replace(
        turned,
        stage=body.next,
        due=body.next_due,
        longest=body.next_due,
        drawn=body.drawn,
        inputs=Map({kind: given for kind, given in process.inputs.items() if kind in kept}),
        counts=Map({n: c for n, c in process.counts.items() if n.partition(":")[0] in kept}),
    )
    if body.drawn == process.drawn:
        return begun
    return replace(
        begun, eligible={**process.eligible, **eligible_counts(begun, process.rules.stages)}
    )


def _manage(process: Process, entry: Entry, body: Managed) -> Process:
    process = replace(process, acts=process.acts + 1)
    match body.act:
        case "cancel":
            return replace(
                process, status="ended", outcome="cancelled", due=None, ended_at=entry.at
            )
        case "pause":
            return replace(process, status="paused", paused_at=entry.at)
        case "extend":
            return replace(process, due=body.due)
    waited = entry.at - process.paused_at if process.paused_at else entry.at - entry.at
    return replace(
        process,
        status="open",
        paused_at=None,
        due=process.due + waited if process.due else None,
        longest=process.longest + waited if process.longest else None,
    )
