"""What members are told, in plain words.

Owns the wording of replies and announcements, made from entries and kernel state alone, so that
every surface says the same. Pure. Promises to show no hidden input before its stage has ended, and
to quote the rule behind whatever it reports.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from govbot.carrying import shown
from govbot.charter import Charter, InputRule
from govbot.constitution import Constitution, Section
from govbot.records import (
    Choice,
    Citation,
    Effect,
    Entry,
    Give,
    Given,
    Manage,
    Managed,
    Open,
    Opened,
    Ruling,
    StageEnded,
    Turned,
    plain,
)
from govbot.rulings import in_words, sources
from govbot.stages import rulings_in
from govbot.state import Community, Process
from govbot.tools.dates import when


def sentence(text: str) -> str:
    """A text as a sentence of its own."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?”" else ".")


def refusal(objections: list[str]) -> str:
    return " ".join(sentence(objection) for objection in objections)


def named(community: Community, id: str) -> str:
    member = community.members.get(id)
    return f"@{member.name}" if member is not None else id


def quoted(citation: Citation, constitution: Constitution) -> str:
    """The section's breadcrumb and the words, verbatim but for folded white space."""
    section = constitution.section(citation.section)
    place = section.breadcrumb if section else citation.section
    return f"{place}: “{' '.join(citation.quote.split())}”"


def counts(process: Process, rule: InputRule) -> list[tuple[str, int]]:
    """How many stand for each choice, in the charter's order."""
    return [(choice, process.counts.get(f"{rule.kind}:{choice}", 0)) for choice in rule.choices]


def _concealed(process: Process, rule: InputRule) -> bool:
    return rule.hidden and process.status != "ended"


def tally(process: Process) -> Iterator[str]:
    """The present stage's counts, a line each; only how many where the choice is hidden."""
    for rule in process.now.inputs:
        given = process.counts.get(rule.kind, 0)
        if rule.takes != "choice" or _concealed(process, rule):
            if given or rule.takes == "choice":
                yield f"{rule.kind.capitalize()}: {given} given"
            continue
        for choice, count in counts(process, rule):
            yield f"{choice.capitalize()}: {count}{_share(count, given)}"


def _share(count: int, total: int) -> str:
    if not total or not count:
        return ""
    tenths = (2000 * count + total) // (2 * total)  # to the nearest, a half up
    return f" ({tenths // 10}.{tenths % 10}%)"


def _deadline(process: Process) -> str:
    if process.status == "paused":
        return "Paused: the clock stands still"
    return f"Deadline: {when(process.due, process.zone)}" if process.due else "No deadline"


def _until(process: Process) -> str:
    if process.status == "paused":
        return "paused"
    return f"until {when(process.due, process.zone)}" if process.due else "no deadline"


def choices(process: Process) -> tuple[Choice, ...]:
    """What can be picked next, for surfaces with buttons."""
    if process.status != "open":
        return ()
    rules = process.now.inputs
    return tuple(
        choice
        for rule in rules
        for choice in _offered(process.number, rule.kind, rule.choices, rule.reason_required_for)
    )


@lru_cache(maxsize=1024)
def _offered(
    process: int, kind: str, labels: tuple[str, ...], reasons: tuple[str, ...]
) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            label=label.capitalize(),
            action=Give(process=process, input=kind, value=label),
            reason=label in reasons,
        )
        for label in labels
    )


PROVISIONAL = (
    "Provisional: nobody has ratified how these rules are read, so the outcome binds nobody."
)


def recorded(
    entry: Entry, process: Process, constitution: Constitution, community: Community
) -> str:
    """The reply to whoever's request became this entry."""
    who = named(community, entry.member)
    match entry.body:
        case Opened() as body:
            return "\n".join(_opened(who, entry, body, process, constitution, community))
        case Given() as body:
            return "\n".join(_given(who, body, process))
        case Managed() as body:
            done = entry.decision.result if entry.decision else body.act
            until = "" if process.status == "ended" else f"\n{_deadline(process)}"
            return f"{who} Process #{process.number} is {done}.{until}"
        case Turned() as body:
            return f"{who} {refusal(list(body.objections))}"
    return ""


def _opened(
    who: str, entry: Entry, body: Opened, process: Process, constitution: Constitution,
    community: Community,
) -> Iterator[str]:  # fmt: skip
    stage = process.rules.stage(body.stage)
    yield f"{who} Your {process.rules.title.lower()} is open as Process #{process.number}."
    yield ""
    yield f"Type: {process.rules.title}"
    yield f"Stage: {stage.title or stage.name}"
    yield f"Deadline: {when(body.due, process.zone)}" if body.due else "No deadline"
    for name, people in body.drawn.items():
        yield f"Drawn by lot as {name}: {', '.join(named(community, id) for id in people)}"
    yield from _takes(process)
    yield from [PROVISIONAL] if process.provisional else []
    yield from shown(process.rules, process.fields, constitution, community.charters)
    yield ""
    yield "The constitution says:"
    for citation in _rules(process, entry):
        yield f"  {quoted(citation, constitution)}"


def _takes(process: Process) -> Iterator[str]:
    for rule in process.now.inputs:
        allowed = process.eligible.get(rule.who, 0)
        what = " / ".join(rule.choices) if rule.choices else rule.kind
        yield f"Open to {allowed} member{'s' if allowed != 1 else ''}: {what}"


def _rules(process: Process, entry: Entry) -> list[Citation]:
    """What the opening rests on, and the rules its first stage will be decided by."""
    cites = list(entry.decision.citations) if entry.decision else []
    cites += [rule.cite for rule in process.now.outcomes if rule.cite]
    return list(dict.fromkeys(cites))


def _given(who: str, body: Given, process: Process) -> Iterator[str]:
    rule = process.rules.stage(body.stage).input(body.input)
    said = f": {body.value}" if rule is not None and rule.takes == "choice" else ""
    if rule is not None and _concealed(process, rule):
        said = "; it stays hidden until the end"
    yield f"{who} Your {body.input} has been recorded{said}"
    if process.status == "ended" or body.stage != process.stage:
        yield f"With it the stage {body.stage!r} of Process #{process.number} has ended."
        return
    yield ""
    yield f"Current tally for Process #{process.number}:"
    yield from (f"- {line}" for line in tally(process))
    yield ""
    yield _deadline(process)
    if rule is not None and rule.changeable.value:
        yield "You can change it until then by saying it again."


OFFERED = "I read your message like this:"


def meant(action: Open | Give | Manage, charters: Mapping[str, Charter]) -> str:
    """An action in words, for the one who would be doing it."""
    match action:
        case Open(type=type, fields=fields):
            held = charters[type].ruling
            if held in fields:
                ruling = Ruling.model_validate(fields[held])
                return _cut(f"open a {charters[type].title.lower()}: {in_words(ruling)}", 200)
            said = "; ".join(str(v) for v in fields.values() if not isinstance(v, dict))
            return _cut(f"open a {charters[type].title.lower()}: {said}", 200)
        case Give(process=number, input=kind, value=value, reason=reason):
            what = kind if value is None else f"{kind} {plain(value)}"
            because = f" because {reason}" if reason else ""
            return _cut(f"{what} on process #{number}{because}", 200)
        case Manage(process=number, act=act, by=by, reason=reason):
            longer = f" by {by}" if by else ""
            return _cut(f"{act} process #{number}{longer} because {reason}", 200)


def proposed(
    rulings: Sequence[Ruling], wanted: str, constitution: Constitution, community: Community
) -> str:
    """What people could be asked to decide, each version with its words, beside the others."""
    lines = ["No rule of the constitution provides for that by itself. People could decide it:"]
    for ruling in rulings:
        lines += ["", *_ruling(ruling, wanted, constitution)]
    more = "The readers do not agree; each version is shown. " if len(rulings) > 1 else ""
    return "\n".join([*lines, "", f"{more}Nothing is put to anybody until you choose."])


def _ruling(ruling: Ruling, wanted: str, constitution: Constitution) -> Iterator[str]:
    """A ruling in full: the act, why, whose reading, the words, the source of each number."""
    yield f"To decide: {in_words(ruling)}"
    yield f"Proposed by {ruling.reader}: {ruling.because}"
    yield from (f"  {quoted(quote, constitution)}" for quote in ruling.quotes)
    yield from (f"  {source}" for source in sources(ruling, wanted, constitution))
    yield from (f"  Proposed instead by {other}" for other in ruling.others)


def uncovered(wanted: str, near: Sequence[Section]) -> str:
    """Where neither a process nor anybody's ruling covers a request."""
    places = "; ".join(section.breadcrumb for section in near)
    nearest = f" The nearest sections are: {places}." if places else ""
    return (
        "I found no rule that provides for that, and none that lets anybody decide it, so nothing"
        f" was done.{nearest} Whoever may propose a change of the constitution can bring one."
    )


def _cut(text: str, most: int) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= most else folded[: most - 1] + "…"


def status(process: Process, community: Community) -> str:
    """Where a process stands."""
    lines = [
        f"Process #{process.number}: {process.title}",
        f"{process.rules.title} by {named(community, process.opener)}",
    ]
    if process.status == "ended":
        ended = f" on {when(process.ended_at, process.zone)}" if process.ended_at else ""
        lines.append(f"Ended{ended}: {process.outcome}")
    else:
        lines += [f"Stage: {process.now.title or process.stage}", _deadline(process)]
    lines += [PROVISIONAL] if process.provisional else []
    lines += [
        f"To decide: {in_words(ruling)}; proposed by {ruling.reader}: {ruling.because}"
        for ruling in rulings_in(process.rules, process.fields)
    ]
    return "\n".join([*lines, *(f"- {line}" for line in tally(process))])


def listing(active: list[Process], more: bool, community: Community) -> str:
    """The open processes, a line each."""
    if not active:
        return "No process is open. Say what you would like to start."
    lines = [
        f"#{process.number} {process.title} ({process.rules.title.lower()} by"
        f" {named(community, process.opener)}; {_until(process)})"
        for process in active
    ]
    return "\n".join(["Open processes:", *lines, *(["… and more"] if more else [])])


def explained(
    entry: Entry, process: Process, constitution: Constitution, community: Community
) -> str:
    """Why a process stands as it does, from the decision that brought it there."""
    lines = [status(process, community)]
    if entry.decision is not None:
        lines += ["", f"Why: {entry.decision.reasoning}", "", "The constitution says:"]
        lines += [f"  {quoted(cite, constitution)}" for cite in entry.decision.citations]
    lines += [*_objecting(process, constitution), f"Recorded as entry {entry.n} of the ledger."]
    return "\n".join(lines)


def _objecting(process: Process, constitution: Constitution) -> list[str]:
    rule = process.rules.objecting
    return [f"To object: {quoted(rule, constitution)}"] if rule else []


def announcement(
    effect: Effect, entry: Entry, process: Process, constitution: Constitution,
    community: Community,
) -> str:  # fmt: skip
    """What the community is told when a stage ends or a process is managed."""
    lines = [_headline(entry, process), "", f"{process.rules.title}: {process.title}"]
    lines.append(f"Opened by {named(community, process.opener)}")
    lines += [PROVISIONAL] if process.provisional else []
    if said := str(effect.arguments.get("text") or ""):
        lines += ["", said]
    counted = [f"- {line}" for line in tally(process)]
    if counted and process.stage == getattr(entry.body, "stage", process.stage):
        lines += ["", "Tally:", *counted]
    if entry.decision is not None:
        lines += ["", entry.decision.reasoning]
        lines += [quoted(cite, constitution) for cite in entry.decision.citations]
    lines += [_deadline(process)] if process.status != "ended" else []
    return "\n".join([*lines, *_objecting(process, constitution)])


def _headline(entry: Entry, process: Process) -> str:
    body, name = entry.body, f"Process #{process.number}"
    if not isinstance(body, StageEnded):
        return f"{name} is {entry.decision.result if entry.decision else body.kind}"
    if body.next is None:
        return f"{name} has ended: {str(body.outcome).upper()}"
    following = process.rules.stage(body.next)
    led = f" ({body.outcome})" if body.outcome else ""
    return f"{name}{led} goes on with: {following.title or following.name}"
