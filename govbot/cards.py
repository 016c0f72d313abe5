"""A process as everybody may see it: tallies, the deadline, the rules, and the card they make.

Owns the step from kernel state to parts, which text spells out and richer surfaces draw. Pure.
Promises that no part tells what was chosen in a hidden input before the process has ended, nor
whom members named in one while it is still taken, nor anything about whoever looks.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from immutables import Map

from govbot.balloting import candidates
from govbot.carrying import shown
from govbot.charter import InputRule
from govbot.constitution import Constitution
from govbot.parts import Bar, Card, Choice, Deadline, Quote, Tally
from govbot.records import Citation, Give
from govbot.rulings import in_words
from govbot.stages import rulings_in
from govbot.state import Community, Process
from govbot.tools.dates import when

PROVISIONAL = (
    "Provisional: nobody has ratified how these rules are read, so the outcome binds nobody."
)
MOST_CHANGED = 15  # lines of an amendment on a card; the reply and the audit have more


def named(community: Community, id: str) -> str:
    member = community.members.get(id)
    return f"@{member.name}" if member is not None else id


_TOKEN = re.compile(r"[^\s,;(){}\[\]“”\"']+")


def with_names(text: str, community: Community) -> str:
    """A text with names in the place of members' ids, for people in a chat."""

    def shown(found: re.Match[str]) -> str:
        id = found[0].rstrip(".:!?")
        return named(community, id) + found[0][len(id) :] if ":" in id else found[0]

    return _TOKEN.sub(shown, text)


def quote(citation: Citation, constitution: Constitution, lead: str = "  ") -> Quote:
    """The section's breadcrumb and the words, verbatim but for folded white space."""
    section = constitution.section(citation.section)
    place = section.breadcrumb if section else citation.section
    return Quote(place=place, words=" ".join(citation.quote.split()), lead=lead)


def card(process: Process, constitution: Constitution, community: Community) -> Card:
    """The whole of a process at a glance."""
    assert process.status != "unopened", f"{process.id} has not been opened"
    over = process.status == "ended"
    return Card(
        process=process.number,
        title=process.title,
        type=process.rules.title,
        opener=process.opener,
        by=named(community, process.opener),
        stage=process.now.title or process.stage,
        status=process.status,
        outcome=str(process.result) if over else "",
        text=_asked(process, community),
        notes=(
            *_notes(process),
            *shown(process, constitution, community, MOST_CHANGED),
            *process.foreseen,
        ),
        deadline=deadline(process),
        tallies=tallies(process, whole=True),
        chosen=tuple(_chosen(process, community)),
        takes=() if over else tuple(taken(process)),
        rules=tuple(quote(citation, constitution) for citation in _ruling(process)),
        choices=choices(process),
    )


def _notes(process: Process) -> Iterator[str]:
    """What everybody should know of it before they take part."""
    if process.provisional:
        yield PROVISIONAL
    for ruling in rulings_in(process.rules, process.fields):
        yield f"To decide: {in_words(ruling)}; proposed by {ruling.reader}: {ruling.because}"
        yield from (f"Proposed instead by {other}" for other in ruling.others)


def _asked(process: Process, community: Community) -> str:
    """What its opener gave: the one text as it is, of several each under its label."""
    given = [
        (rule.label or name.replace("_", " "), _shown(process.fields[name], rule.type, community))
        for name, rule in process.rules.fields.items()
        if name in process.fields and rule.type not in ("ruling", "amendment")
    ]
    if len(given) == 1:
        return given[0][1]
    return "\n".join(f"{label[:1].upper()}{label[1:]}: {value}" for label, value in given)


def _shown(value: object, type: str, community: Community) -> str:
    return named(community, str(value)) if type == "member" else str(value)


def _chosen(process: Process, community: Community) -> Iterator[str]:
    draws = {name for stage in process.rules.stages for name in stage.draws}
    for name, people in process.drawn.items():
        called = [named(community, id) for id in people]
        if name in draws:
            yield f"Drawn by lot as {name}: {', '.join(sorted(called))}"
        else:
            yield f"Chosen as {name}: {', '.join(called) or 'nobody'}"


def deciding(process: Process) -> list[Citation]:
    """The rules that decide the present stage."""
    return list(dict.fromkeys(rule.cite for rule in process.now.outcomes if rule.cite))


def _ruling(process: Process) -> list[Citation]:
    """Those rules, after the one by which ballots are counted."""
    counting = process.now.tally.cite if process.now.tally else None
    return list(dict.fromkeys([*([counting] if counting else []), *deciding(process)]))


def taken(process: Process) -> Iterator[str]:
    """Who may give what in the present stage, a line each."""
    for rule in process.now.inputs:
        allowed = process.eligible.get(rule.who, 0)
        what = " / ".join(rule.choices) if rule.choices else rule.kind
        yield f"Open to {allowed} member{'s' if allowed != 1 else ''}: {what}"


def deadline(process: Process) -> Deadline:
    """When the present stage ends, or when the process did."""
    if process.status == "ended":
        on = f" on {when(process.ended_at, process.zone)}" if process.ended_at else ""
        return Deadline(at=process.ended_at, said=f"Ended{on}")
    if process.status == "paused":
        return Deadline(at=None, said="Paused: the clock stands still")
    due = process.due
    return Deadline(at=due, said=f"Deadline: {when(due, process.zone)}" if due else "No deadline")


def choices(process: Process) -> tuple[Choice, ...]:
    """What can be picked next with one press, for surfaces with buttons."""
    if process.status != "open":
        return ()
    single = [rule for rule in process.now.inputs if rule.takes == "choice"]
    return tuple(choice for rule in single for choice in _offered(process, rule))


def _offered(process: Process, rule: InputRule) -> tuple[Choice, ...]:
    names = choosable(process, rule)
    labels = tuple(labelled(process, rule, name) for name in names)
    return _buttons(process.number, rule.kind, names, labels, rule.reason_required_for)


@lru_cache(maxsize=1024)
def _buttons(
    process: int, kind: str, names: tuple[str, ...], labels: tuple[str, ...],
    reasons: tuple[str, ...],
) -> tuple[Choice, ...]:  # fmt: skip
    return tuple(
        Choice(
            label=label,
            action=Give(process=process, input=kind, value=name),
            reason=name in reasons,
        )
        for name, label in zip(names, labels, strict=True)
    )


# --- tallies ------------------------------------------------------------------------------


def counts(process: Process, rule: InputRule, names: tuple[str, ...]) -> list[tuple[str, int]]:
    """How many stand for each of these choices, in their order."""
    return [(name, process.counts.get(f"{rule.kind}:{name}", 0)) for name in names]


def concealed(process: Process, rule: InputRule) -> bool:
    return rule.hidden and process.status != "ended"


def choosable(process: Process, rule: InputRule) -> tuple[str, ...]:
    """What may be chosen now; nothing while those to choose from are named in secret."""
    source = process.now.input(rule.choices_from) if rule.choices_from else None
    if source is not None and concealed(process, source):
        return ()
    return candidates(rule, process.inputs)


def tallies(process: Process, whole: bool = False) -> tuple[Tally, ...]:
    """The present stage's counts, one for each kind of input.

    The `whole` tally also counts what ballots of several names say, which looks at every ballot.
    """
    return tuple(_tally(process, rule, whole) for rule in process.now.inputs)


def _tally(process: Process, rule: InputRule, whole: bool) -> Tally:
    given, hidden = process.counts.get(rule.kind, 0), concealed(process, rule)
    bars = () if hidden else _bars(process, rule, given, whole)
    return Tally(
        input=rule.kind,
        given=given,
        eligible=None if rule.many else process.eligible.get(rule.who),
        hidden=hidden,
        bars=bars,
        said=_told(rule, given, hidden, bars),
    )


def _told(rule: InputRule, given: int, hidden: bool, bars: tuple[Bar, ...]) -> tuple[str, ...]:
    """What text says: of choices that the charter lists a line each, else only how many."""
    if rule.takes == "choice" and not hidden:
        return tuple(_line(bar) for bar in bars) if rule.choices else ()
    worth = given or rule.takes == "choice"
    return (f"{rule.kind.capitalize()}: {given} given",) if worth else ()


def _line(bar: Bar) -> str:
    return f"{bar.label}: {bar.count}" + (f" ({bar.share})" if bar.share else "")


def _bars(process: Process, rule: InputRule, given: int, whole: bool) -> tuple[Bar, ...]:
    counted = _counted(process, rule, whole)
    return tuple(
        Bar(label=labelled(process, rule, name), count=count, share=_share(count, given))
        for name, count in counted
    )


def _counted(process: Process, rule: InputRule, whole: bool) -> list[tuple[str, int]]:
    match rule.takes:
        case "choice":
            return counts(process, rule, choosable(process, rule))
        case "approvals" | "member" if whole and not rule.many:
            return _on_ballots(process, rule)
    return []


def _on_ballots(process: Process, rule: InputRule) -> list[tuple[str, int]]:
    """How many ballots name each: of a list all, where any member can be named those who are."""
    standing = process.inputs.get(rule.kind, Map()).values()
    if rule.takes == "member":
        named = (value if isinstance(value, tuple) else (value,) for value, _ in standing)
        given = Counter(name for each in named for name in each)
        return sorted(given.items(), key=lambda item: (-item[1], item[0]))
    given = Counter(name for value, _ in standing for name in value)
    return [(name, given[name]) for name in choosable(process, rule)]


def labelled(process: Process, rule: InputRule, choice: str) -> str:
    """A choice as people read it: one of the charter's capitalised, a member by their name."""
    if choice in rule.choices:
        return choice.capitalize()
    member = process.roll.get(choice)
    return f"@{member.name}" if member is not None else choice


def _share(count: int, total: int) -> str:
    if not total or not count:
        return ""
    tenths = (2000 * count + total) // (2 * total)  # to the nearest, a half up
    return f"{tenths // 10}.{tenths % 10}%"


UNITS = 10  # of a drawn bar


def gauge(count: int, total: int) -> str:
    """A bar of ten units for `count` of `total`: empty for none only, full for all only."""
    if not count or total <= 0:
        return "▱" * UNITS
    nearest = (2 * UNITS * count + total) // (2 * total)
    filled = UNITS if count >= total else min(max(nearest, 1), UNITS - 1)
    return "▰" * filled + "▱" * (UNITS - filled)
