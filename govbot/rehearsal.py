"""Rehearsal: the past played again under other rules.

Owns the replay of ended processes under a reading that is not in force, and what came out
otherwise and why. Pure, with the kernel's own functions: the same inputs at the same times by the
same members on the same roll, stages ended when the other rules make them due. Promises that
nothing is written, that what the other rules would not have taken is counted and named, and that
processes that cannot be replayed are named. Each process is played by itself: what its outcome
would have changed for others is told, not played.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from govbot.charter import Charter, Reading
from govbot.community import apply_community
from govbot.constitution import Constitution
from govbot.process import apply, objections
from govbot.records import (
    Decision,
    Entry,
    Give,
    Given,
    Manage,
    Managed,
    Opened,
    Record,
    StageEnded,
    Turned,
    stamp,
)
from govbot.stages import closing, end_stage, ends_early, managing, opening, receiving
from govbot.state import Community, Process, unopened

MOST_STAGES = 100  # ends of stages in one replay; rules that lead round and round have no end
MOST_NAMED = 20  # inputs named of one process

NOT_OPENED = "not opened"
NOT_ENDED = "not ended"


class Verdict(Record):
    """How a process came out, by which rule, in whose words and with which sums."""

    outcome: str
    ended: str = ""  # the stamp of its end
    stage: str = ""
    rule: str = ""  # its condition, or `otherwise`
    place: str = ""
    quote: str = ""
    sums: str = ""


class Otherwise(Record):
    """A process that would have come out differently."""

    number: int
    type: str
    title: str
    recorded: str
    before: Verdict
    after: Verdict
    refused: tuple[str, ...] = ()
    follows: tuple[int, ...] = ()  # processes that its outcome started


class LeftOut(Record):
    """Processes of a type that could not be replayed."""

    type: str
    processes: int
    why: str


class Refusals(Record):
    """Inputs of one kind that the other rules would not have taken, and one reason for that."""

    type: str
    input: str
    inputs: int
    why: str


class Rehearsal(Record):
    """What a replay of the past under other rules came to."""

    ended: int  # processes that have ended
    replayed: int
    untouched: int  # of types whose rules are the same in both readings
    moved: int  # came out the same, at another time
    others: int  # compared with the rules in force, as they were decided under earlier ones
    tried: int  # attempts refused at the time; what they held is not kept, so they are not replayed
    changed: tuple[Otherwise, ...]
    refused: tuple[Refusals, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Rules:
    """A reading and the text it reads."""

    reading: Reading
    constitution: Constitution
    digest: str = ""

    @property
    def charters(self) -> Mapping[str, Charter]:
        return self.reading.processes


def rehearse(
    entries: Iterable[Entry], before: Rules, after: Rules,
    progress: Callable[[int], None] = lambda done: None, everything: bool = False,
) -> Rehearsal:  # fmt: skip
    """Plays every process that has ended under `after`, and says what would be otherwise.

    `entries` are a whole ledger in its order; `progress` is told how many have been looked at.
    With `everything` processes whose rules are the same are played too.
    """
    seen, done = _Seen(before, after, everything), 0
    for done, entry in enumerate(entries, 1):
        seen.entry(entry)
        if done % 500 == 0:
            progress(done)
    progress(done)
    return seen.told()


# --- one process of the past -----------------------------------------------------------------


@dataclass
class _Past:
    """What was recorded of one process, and the community it was opened in."""

    community: Community
    opened: Entry
    entries: list[Entry] = field(default_factory=list)
    ends: list[Entry] = field(default_factory=list)
    outcome: str = ""

    @property
    def body(self) -> Opened:
        assert isinstance(self.opened.body, Opened)
        return self.opened.body

    def add(self, entry: Entry) -> bool:
        """Whether the process has ended with this entry."""
        body = entry.body
        if isinstance(body, StageEnded):
            self.ends.append(entry)
            if body.next is None:
                self.outcome = body.outcome or ""
                return True
        elif isinstance(body, Given | Managed):
            self.entries.append(entry)
            if isinstance(body, Managed) and body.act == "cancel":
                self.outcome = "cancelled"
                return True
        return False

    def extensions(self) -> dict[int, timedelta]:
        """By how much each extension moved the deadline that it found."""
        found: dict[int, timedelta] = {}
        due, paused = self.body.due, self.opened.at
        for entry in sorted([*self.entries, *self.ends], key=lambda entry: entry.n):
            body = entry.body
            if isinstance(body, StageEnded):
                due = body.next_due
            elif isinstance(body, Managed) and body.act == "pause":
                paused = entry.at
            elif isinstance(body, Managed) and body.act == "resume" and due:
                due += entry.at - paused
            elif isinstance(body, Managed) and body.act == "extend" and due and body.due:
                found[entry.n] = body.due - due
                due = body.due
        return found


# --- one replay ------------------------------------------------------------------------------


@dataclass
class _Played:
    """One process on its way through other rules."""

    past: _Past
    process: Process
    refused: list[tuple[str, str, str]] = field(default_factory=list)  # kind, who, why
    last: tuple[StageEnded, Decision, Process] | None = None
    why: str = ""

    @property
    def outcome(self) -> str:
        if self.process.status == "unopened":
            return NOT_OPENED
        ended = self.process.status == "ended"
        return (self.process.outcome or "") if ended else NOT_ENDED

    def opened(self) -> bool:
        """Opens it, if the rules let its opener."""
        past, entry = self.past, self.past.opened
        body, _ = opening(
            self.process, past.body.type, past.body.fields, entry.member, entry.at, entry.prev,
            past.body.effect,
        )  # fmt: skip
        fact = entry.model_copy(update={"body": body})
        if found := objections(self.process, fact, entry.prev):
            self.why = "; ".join(found)
            return False
        self.process = apply(self.process, fact)
        if past.body.effect is None:
            self.early(entry)
        return True

    def until(self, at: datetime | None) -> None:
        """Ends what falls due by then; all of it where no time is given."""
        while self.process.status == "open" and (due := self.process.due) is not None:
            if (at is not None and due > at) or self.process.turn >= MOST_STAGES:
                return
            self.end("due", *self._recorded(due))

    def _recorded(self, due: datetime) -> tuple[datetime, str]:
        """When the same end was recorded, and after which entry; else at its due time.

        A stage that follows begins when the end is recorded, and its draws come of that entry.
        """
        entry = self._same_end()
        if entry is None:
            return due, self.past.opened.prev
        assert isinstance(entry.body, StageEnded)
        return (entry.at if entry.body.due == due else due), entry.prev

    def _same_end(self) -> Entry | None:
        turn, ends = self.process.turn, self.past.ends
        if turn < len(ends) and isinstance(body := ends[turn].body, StageEnded):
            return ends[turn] if body.stage == self.process.stage else None
        return None

    def end(self, why: Any, at: datetime, head: str) -> None:
        body, decision = end_stage(self.process, why, at, head)
        self.last = body, decision, self.process
        ended = self.past.opened.model_copy(update={"body": body, "at": at})
        self.process = apply(self.process, ended)

    def early(self, entry: Entry) -> None:
        if self.process.turn < MOST_STAGES and ends_early(self.process, entry.at) is not None:
            same = self._same_end()
            self.end("early", entry.at, same.prev if same else self.past.opened.prev)

    def given(self, entry: Entry, body: Given) -> None:
        give = Give(
            process=self.process.number, input=body.input, value=body.value, reason=body.reason
        )
        if body.stage != self.process.stage and self.process.status == "open":
            member = self.process.roll.get(entry.member)
            if member is not None:
                body, _ = receiving(self.process, give, member)
                entry = entry.model_copy(update={"body": body})
        self.taken(entry, body.input)

    def taken(self, entry: Entry, what: str) -> None:
        if found := objections(self.process, entry, entry.prev):
            self.refused.append((what, self.name(entry.member), self.said(what, found)))
            return
        self.process = apply(self.process, entry)
        self.early(entry)

    def name(self, member: str) -> str:
        known = self.process.roll.get(member)
        return known.name if known else member

    def said(self, what: str, found: list[str]) -> str:
        """Why it was not taken; of what is hidden nothing that could tell what it was."""
        stage = self.process.now if self.process.status == "open" else None
        rule = stage.input(what) if stage else None
        if rule is not None and rule.hidden:
            return f"process {self.process.number} does not take it as it was given"
        return "; ".join(found)

    def managed(self, entry: Entry, body: Managed, longer: timedelta | None) -> None:
        manage = Manage(process=self.process.number, act=body.act, reason=body.reason, by=body.by)
        if body.effect is None and body.act == "extend":
            due = self.process.due + longer if self.process.due and longer else None
            effects = closing(self.process, body.act)
            made = body.model_copy(update={"due": due, "effects": effects})
        else:
            made, _ = managing(self.process, manage, body.effect)
        self.taken(entry.model_copy(update={"body": made}), body.act)


def _play(past: _Past, rules: Rules) -> _Played:
    """The process as these rules would have had it."""
    community = replace(
        past.community, charters=rules.charters, constitution=rules.constitution.digest,
        reading=rules.digest, provisional=False,
    )  # fmt: skip
    played = _Played(past, unopened(community, past.body.number))
    if not played.opened():
        return played
    longer = past.extensions() if any(isinstance(e.body, Managed) for e in past.entries) else {}
    for entry in past.entries:
        played.until(entry.at)
        if isinstance(entry.body, Given):
            played.given(entry, entry.body)
        elif isinstance(entry.body, Managed):
            played.managed(entry, entry.body, longer.get(entry.n))
    played.until(None)
    return played


# --- all of them -----------------------------------------------------------------------------


class _Seen:
    """One pass over a ledger: what is running, and what became of what has ended."""

    def __init__(self, before: Rules, after: Rules, everything: bool) -> None:
        self.before = replace(before, digest=before.reading.digest)
        self.after = replace(after, digest=after.reading.digest)
        self.community = Community()
        self.running: dict[str, _Past] = {}
        self.counts: Counter[str] = Counter()
        self.left: Counter[tuple[str, str]] = Counter()
        self.refused: dict[tuple[str, str], list[str]] = {}
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.changed: dict[int, Otherwise] = {}
        self.started: dict[str, list[int]] = {}
        self.same = set() if everything else {
            type
            for type, charter in after.charters.items()
            if type in before.charters and bare(charter) == bare(before.charters[type])
        }  # fmt: skip

    def entry(self, entry: Entry) -> None:
        body, id = entry.body, entry.process
        if isinstance(body, Opened) and id is not None:
            self.running[id] = _Past(self.community, entry)
            if body.effect is not None:
                self.started.setdefault(body.effect.partition(":")[0], []).append(body.number)
        elif isinstance(body, Turned):
            self.counts["tried"] += 1
        elif id in self.running and self.running[id].add(entry):
            self.past(self.running.pop(id))
        self.community = apply_community(self.community, entry)

    def past(self, past: _Past) -> None:
        """One process that has ended."""
        type = past.body.type
        self.counts["ended"] += 1
        if type not in self.after.charters:
            why = "its rules have to be read again" if type in self.before.charters else (
                "the rules in force do not know it"
            )  # fmt: skip
            self.left[type, why] += 1
        elif type in self.same:
            self.counts["untouched"] += 1
        else:
            self.counts["replayed"] += 1
            self.compare(past, _play(past, self.after))

    def compare(self, past: _Past, played: _Played) -> None:
        type = past.body.type
        own = past.body.reading == self.before.digest
        known = type in self.before.charters
        base = None if own or not known else _play(past, self.before)
        self.counts["others"] += not own
        outcome = base.outcome if base else past.outcome
        for kind, _, why in played.refused:
            self.refusals[type, kind] += 1
            self.refused.setdefault((type, kind), []).append(why)
        if played.outcome != outcome:
            self.changed[past.body.number] = self._otherwise(past, base, played)
        elif _when(base, past) != _when(played, past):
            self.counts["moved"] += 1

    def _otherwise(self, past: _Past, base: _Played | None, played: _Played) -> Otherwise:
        named = [f"{kind} of {who}: {why}" for kind, who, why in played.refused]
        more = [f"and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
        before = (
            verdict(base, self.before.constitution)
            if base
            else _recorded(past, self.before.reading, self.before.constitution)
        )
        return Otherwise(
            number=past.body.number, type=past.body.type, title=past.body.title,
            recorded=past.outcome, before=before, after=verdict(played, self.after.constitution),
            refused=(*named[:MOST_NAMED], *more),
        )  # fmt: skip

    def told(self) -> Rehearsal:
        changed = [
            each.model_copy(update={"follows": tuple(self.started.get(f"process_{number}", ()))})
            for number, each in sorted(self.changed.items())
        ]
        names = ("ended", "replayed", "untouched", "moved", "others", "tried")
        return Rehearsal(
            **{name: self.counts[name] for name in names},
            changed=tuple(changed),
            refused=tuple(
                Refusals(type=type, input=kind, inputs=n, why=self.refused[type, kind][0])
                for (type, kind), n in self.refusals.most_common()
            ),
            left_out=tuple(
                LeftOut(type=type, processes=n, why=why)
                for (type, why), n in self.left.most_common()
            ),
        )  # fmt: skip


def bare(charter: Charter) -> Any:
    """A charter's rules without the words they rest on."""
    return _without_quotes(charter.model_dump(mode="json", exclude_defaults=True))


def _without_quotes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _without_quotes(item)
            for name, item in value.items()
            if name not in ("cite", "objecting")
        }
    return [_without_quotes(item) for item in value] if isinstance(value, list) else value


# --- why -------------------------------------------------------------------------------------


def _when(played: _Played | None, past: _Past) -> datetime | None:
    if played is not None:
        return played.process.ended_at
    return max((entry.at for entry in (*past.entries, *past.ends)), default=past.opened.at)


def verdict(played: _Played, constitution: Constitution) -> Verdict:
    """How a replay came out, and by which rule."""
    if played.process.status != "ended":
        stage = played.process.stage
        why = played.why or f"its stage {stage!r} would still be running, with nothing to end it"
        return Verdict(outcome=played.outcome, stage=stage, sums=why)
    ended = stamp(played.process.ended_at) if played.process.ended_at else ""
    if played.last is None or played.outcome != played.last[0].outcome:
        return Verdict(outcome=played.outcome, ended=ended)
    body, decision, process = played.last
    return _ruled(body, decision, process.rules, constitution, ended)


def _recorded(past: _Past, reading: Reading, constitution: Constitution) -> Verdict:
    """How a process came out as it was recorded."""
    last = past.ends[-1] if past.ends else None
    if last is None or not isinstance(last.body, StageEnded) or last.body.next is not None:
        return Verdict(outcome=past.outcome)
    charter = reading.processes[past.body.type]
    return _ruled(last.body, last.decision, charter, constitution, stamp(last.at))


def _ruled(
    body: StageEnded, decision: Decision | None, charter: Charter, constitution: Constitution,
    ended: str,
) -> Verdict:  # fmt: skip
    rule = charter.stage(body.stage).outcomes[body.rule] if body.rule >= 0 else None
    cite = rule.cite if rule else None
    section = constitution.section(cite.section) if cite else None
    return Verdict(
        outcome=body.outcome or "", ended=ended, stage=body.stage,
        rule=(rule.when or "otherwise") if rule else "",
        place=section.breadcrumb if section else "", quote=cite.quote if cite else "",
        sums=decision.reasoning if decision else "",
    )  # fmt: skip
