"""What members are told, in plain words.

Owns the wording of replies and announcements, made from entries and kernel state alone, so that
every surface says the same. Pure. Promises to show no hidden input before its stage has ended, and
to quote the rule behind whatever it reports.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from govbot.cards import (
    PROVISIONAL,
    card,
    concealed,
    deadline,
    deciding,
    named,
    quote,
    taken,
    tallies,
    with_names,
)
from govbot.carrying import shown
from govbot.charter import Charter
from govbot.constitution import Constitution, Section
from govbot.parts import Card, Deadline, Part, Quote, Says, Tally
from govbot.records import (
    BOT,
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
    Switched,
    Turned,
    plain,
)
from govbot.rulings import in_words, sources
from govbot.state import Community, Process, a
from govbot.tools.dates import when

Parts = tuple[Part, ...]


def sentence(text: str) -> str:
    """A text as a sentence of its own."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?”" else ".")


def refusal(objections: list[str]) -> str:
    return " ".join(sentence(objection) for objection in objections)


def spoken(parts: Iterable[Part]) -> str:
    """What parts say where there is only text."""
    return "\n".join(line for part in parts for line in _spoken(part))


def _spoken(part: Part) -> Iterator[str]:
    match part:
        case Says(text=text):
            yield text
        case Quote(place=place, words=words, lead=lead):
            yield f"{lead}{place}: “{words}”"
        case Tally(said=lines):
            yield from (f"- {line}" for line in lines)
        case Deadline(said=said):
            yield said
        case Card():
            yield from _spoken_card(part)


def _spoken_card(card: Card) -> Iterator[str]:
    yield f"Process #{card.process}: {card.title}"
    yield f"{card.type} by {card.by}"
    if card.status == "ended":
        yield f"{card.deadline.said}: {card.outcome}"
    else:
        yield f"Stage: {card.stage}"
        yield card.deadline.said
    yield from card.notes
    for tally in card.tallies:
        yield from _spoken(tally)


def _says(*lines: str) -> Says:
    return Says(text="\n".join(lines))


def _until(process: Process) -> str:
    if process.status == "paused":
        return "paused"
    return f"until {when(process.due, process.zone)}" if process.due else "no deadline"


def recorded(
    entry: Entry, process: Process, constitution: Constitution, community: Community
) -> Parts:
    """The reply to whoever's request became this entry."""
    who = named(community, entry.member)
    match entry.body:
        case Opened() as body:
            return tuple(_opened(who, entry, body, process, constitution, community))
        case Given() as body:
            return tuple(_given(who, body, process))
        case Managed() as body:
            done = entry.decision.result if entry.decision else body.act
            until = () if process.status == "ended" else (deadline(process),)
            return (_says(f"{who} Process #{process.number} is {done}."), *until)
        case Turned() as body:
            return (_says(f"{who} {refusal(list(body.objections))}"),)
    return ()


def _whose(entry: Entry, title: str, who: str) -> str:
    return sentence(a(title)).removesuffix(".") if entry.member == BOT else f"{who} Your {title}"


def _opened(
    who: str, entry: Entry, body: Opened, process: Process, constitution: Constitution,
    community: Community,
) -> Iterator[Part]:  # fmt: skip
    rules, stage = process.rules, process.rules.stage(body.stage)
    yield _says(
        f"{_whose(entry, rules.title.lower(), who)} is open as Process #{process.number}.",
        "",
        f"Type: {rules.title}",
        f"Stage: {stage.title or stage.name}",
    )
    said = f"Deadline: {when(body.due, process.zone)}" if body.due else "No deadline"
    yield Deadline(at=body.due, said=said)
    drawn = (
        f"Drawn by lot as {name}: {', '.join(named(community, id) for id in people)}"
        for name, people in body.drawn.items()
    )
    notes = [PROVISIONAL] if process.provisional else []
    changed = (*shown(process, constitution, community), *process.foreseen)
    yield _says(*drawn, *taken(process), *notes, *changed, "", "The constitution says:")
    yield from (quote(citation, constitution) for citation in _rules(process, entry))


def _rules(process: Process, entry: Entry) -> list[Citation]:
    """What the opening rests on, and the rules its first stage will be decided by."""
    cites = list(entry.decision.citations) if entry.decision else []
    return list(dict.fromkeys([*cites, *deciding(process)]))


def _given(who: str, body: Given, process: Process) -> Iterator[Part]:
    rule = process.rules.stage(body.stage).input(body.input)
    said = f": {body.value}" if rule is not None and rule.takes == "choice" else ""
    if rule is not None and concealed(process, rule):
        said = "; it stays hidden until the end"
    done = f"{who} Your {body.input} has been recorded{said}"
    if process.status == "ended" or body.stage != process.stage:
        ended = f"With it the stage {body.stage!r} of Process #{process.number} has ended."
        yield _says(done, ended)
        return
    yield _says(done, "", f"Current tally for Process #{process.number}:")
    yield from tallies(process)
    yield _says("")
    yield deadline(process)
    if rule is not None and rule.changeable.value:
        yield _says("You can change it until then by saying it again.")


OFFERED = "I read your message like this:"


def meant(action: Open | Give | Manage, charters: Mapping[str, Charter]) -> str:
    """An action in words, for the one who would be doing it."""
    match action:
        case Open(type=type, fields=fields):
            held = charters[type].ruling
            if held in fields:
                ruling = Ruling.model_validate(fields[held])
                return _cut(f"open {a(charters[type].title.lower())}: {in_words(ruling)}", 200)
            said = "; ".join(str(v) for v in fields.values() if not isinstance(v, dict))
            return _cut(f"open {a(charters[type].title.lower())}: {said}", 200)
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
    yield spoken(quote(cite, constitution) for cite in ruling.quotes)
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


def status(process: Process, constitution: Constitution, community: Community) -> Parts:
    """Where a process stands."""
    return (card(process, constitution, community),)


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
) -> Parts:
    """Why a process stands as it does, from the decision that brought it there."""
    why: list[Part] = []
    if entry.decision is not None:
        why.append(
            _says(
                "",
                f"Why: {with_names(entry.decision.reasoning, community)}",
                "",
                "The constitution says:",
            )
        )
        why += [quote(cite, constitution) for cite in entry.decision.citations]
    return (
        *status(process, constitution, community),
        *why,
        *_objecting(process, constitution),
        _says(f"Recorded as entry {entry.n} of the ledger."),
    )


def _objecting(process: Process, constitution: Constitution) -> list[Part]:
    rule = process.rules.objecting
    return [quote(rule, constitution, "To object: ")] if rule else []


def announcement(
    effect: Effect, entry: Entry, process: Process, constitution: Constitution,
    community: Community,
) -> Parts:  # fmt: skip
    """What the community is told when a stage ends or a process is managed."""
    lines = [_headline(entry, process), "", f"{process.rules.title}: {process.title}"]
    lines.append(f"Opened by {named(community, process.opener)}")
    lines += [PROVISIONAL] if process.provisional else []
    if said := str(effect.arguments.get("text") or ""):
        lines += ["", said]
    counted = _counted(entry, process)
    if any(tally.said for tally in counted):
        lines += ["", "Tally:"]
    parts: list[Part] = [_says(*lines), *counted]
    if entry.decision is not None:
        parts.append(_says("", with_names(entry.decision.reasoning, community)))
        parts += [quote(cite, constitution, "") for cite in entry.decision.citations]
    parts += [deadline(process)] if process.status != "ended" else []
    return (*parts, *_objecting(process, constitution))


def _counted(entry: Entry, process: Process) -> tuple[Tally, ...]:
    """The tallies of the stage an entry is about; those of the next one tell nothing yet."""
    same = process.stage == getattr(entry.body, "stage", process.stage)
    return tallies(process, whole=True) if same else ()


def _headline(entry: Entry, process: Process) -> str:
    body, name = entry.body, f"Process #{process.number}"
    if isinstance(body, Switched):
        return f"The bot is {'on again' if body.on else 'OFF'}, by {name}"
    if not isinstance(body, StageEnded):
        return f"{name} is {entry.decision.result if entry.decision else body.kind}"
    if body.next is None:
        return f"{name} has ended: {str(body.outcome).upper()}"
    following = process.rules.stage(body.next)
    led = f" ({body.outcome})" if body.outcome else ""
    return f"{name}{led} goes on with: {following.title or following.name}"
