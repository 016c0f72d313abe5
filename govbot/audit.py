"""Audits: a process's record as Markdown, for people.

Owns the Markdown and the escaping of everything that came from chat. Pure: what it renders is a
function of entries, so that anyone with the ledger can render it again and compare. Promises that
no name and no message can make a heading, a link, an image, a table or a line of its own.
"""

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from govbot.amendments import Inapplicable, applied, as_diff
from govbot.cards import PROVISIONAL, counts
from govbot.carrying import amendments_in
from govbot.constitution import Constitution
from govbot.records import (
    Adopted,
    Calculation,
    Citation,
    Decided,
    Done,
    Entry,
    Given,
    Managed,
    Opened,
    Ratified,
    Rehearsed,
    SetAside,
    StageEnded,
    Switched,
    Turned,
    plain,
)
from govbot.repairs import before, forced
from govbot.replies import sentence
from govbot.rulings import in_words
from govbot.stages import rulings_in
from govbot.state import Process, a, electorate, of_roles_alone
from govbot.tools.dates import when

APART = "decisions.md"  # the file of what belongs to no process
MOST_ADMITTED = 32  # lists of the eligible kept at hand
_ADMITTED: OrderedDict[tuple[int, str], tuple[Any, tuple[int, str]]] = OrderedDict()

_MARKED = re.compile(r"([\\`*_\[\]<&|~$@^])")
_LINKED = re.compile(r"(?<=www)(\.)|(:)(?=//)", re.IGNORECASE)
_LEADING = re.compile(r"^([#+=>-]|\d+[.)])")


@lru_cache(maxsize=8192)
def escape(text: str) -> str:
    """Text from chat as one line of Markdown that shows it and does nothing else.

    White space folds to single blanks; controls and invisible marks show as their code point.
    """
    shown = " ".join(text.split())
    if not shown.isprintable():
        shown = "".join(_visible(c) for c in shown)
    shown = _LINKED.sub(r"\\\g<0>", _MARKED.sub(r"\\\1", shown))
    return _LEADING.sub(lambda m: "\\" + m[0] if not m[0][0].isdigit() else _dotted(m[0]), shown)


def _dotted(number: str) -> str:
    return f"{number[:-1]}\\{number[-1]}"


def _visible(c: str) -> str:
    hidden = unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
    return f"⟨U+{ord(c):04X}⟩" if hidden else c


def slug(title: str) -> str:
    """A title as part of a file name: letters, digits and hyphens of ASCII, at most 40."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:40].strip("-") or "process"


def file_named(number: int, title: str) -> str:
    return f"{number}-{slug(title)}.md"


def file_name(process: Process) -> str:
    return file_named(process.number, process.title)


class AuditTrail:
    """Renders the audits of processes under one version of the constitution."""

    def __init__(self, constitution: Constitution, repairs: Iterable[Entry] = ()) -> None:
        self.constitution, self.repairs = constitution, tuple(repairs)

    # --- a whole process ------------------------------------------------------------------

    def generate_process_audit_file(self, process: Process, entries: list[Entry]) -> str:
        """The audit of a process from its entries, in order. Ends with a line break."""
        parts = [
            self._head(process, entries),
            self._basis(process, entries),
            self._state(process, entries),
            self._timeline(process, entries),
            self._decisions(process, entries),
            self._refusals(process, entries),
            self._afterwards(process, entries),
        ]
        return "\n".join(line for part in parts for line in part) + "\n"

    def _time(self, moment: datetime, process: Process) -> str:
        return when(moment, process.zone)

    def _name(self, id: str, process: Process) -> str:
        # Names are those of the roll: a later change of name must not change an audit.
        member = process.roll.get(id)
        return f"{escape(member.name)} ({escape(id)})" if member is not None else escape(id)

    def _head(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield f"# Process {process.number}: {escape(process.title)}"
        yield ""
        yield f"**{sentence(self._outcome(process))}**"
        yield ""
        for repair in before(self.repairs, entries[-1].n):
            yield f"**{escape(forced(repair, process.zone))}**"
            yield ""
        if process.set_aside_by is not None:
            yield f"**Process {process.set_aside_by} has set this outcome aside.**"
            yield ""
        if process.provisional:
            yield f"**{PROVISIONAL}**"
            yield ""
        yield f"- Type: {escape(process.rules.title)} (`{process.type}`)"
        yield f"- Opened by: {self._name(process.opener, process)}"
        yield f"- Opened: {self._time(entries[0].at, process)}"
        if process.status == "ended":
            yield f"- Ended: {self._time(process.ended_at or entries[-1].at, process)}"
        elif process.due is not None:
            yield f"- Deadline: {self._time(process.due, process)}"
        yield f"- Record: entries {entries[0].n} to {entries[-1].n} of the ledger"
        yield f"- As of: {self._time(entries[-1].at, process)}"
        yield ""

    def _outcome(self, process: Process) -> str:
        what = f"{process.rules.title} {process.number}"
        if process.status == "ended":
            return f"{what} has ended: {escape(process.outcome or 'without an outcome')}"
        stage = process.now.title or process.stage
        if process.status == "paused":
            return f"{what} is paused in its stage “{escape(stage)}”"
        until = f" until {self._time(process.due, process)}" if process.due else ""
        return f"{what} is open in its stage “{escape(stage)}”{until}"

    def _basis(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield "## Constitutional basis"
        yield ""
        yield f"Constitution `{process.constitution}`, read as `{process.reading}`."
        yield ""
        cited = (c for entry in entries if entry.decision for c in entry.decision.citations)
        for citation in dict.fromkeys(cited):
            yield from self._citation(citation)

    def _citation(self, citation: Citation) -> Iterator[str]:
        section = self.constitution.section(citation.section)
        place = section.breadcrumb if section else citation.section
        yield f"- **{escape(place)}** (`{citation.section}`):"
        yield f"  “{escape(citation.quote)}”"
        around = self.constitution.around(citation)
        if around and " ".join(citation.quote.split()) != around:
            yield f"  — where it stands: “{escape(around)}”"
        yield ""

    # --- who and what ---------------------------------------------------------------------

    def _state(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield "## What was asked"
        yield ""
        rulings = rulings_in(process.rules, process.fields)
        for name, value in process.fields.items():
            if isinstance(value, dict):
                continue
            shown = self._name(value, process) if value in process.roll else escape(str(value))
            yield f"- {escape(name.replace('_', ' '))}: {shown}"
        for ruling in rulings:
            yield f"- to be decided: {escape(in_words(ruling))}"
            yield f"- proposed by {escape(ruling.reader)}: {escape(ruling.because)}"
            yield from (f"- proposed instead by {escape(other)}" for other in ruling.others)
        for amendment in amendments_in(process.rules, process.fields):
            yield f"- to be amended: `{amendment.base}`, which becomes `{amendment.result}`"
        for name, people in process.drawn.items():
            yield f"- drawn by lot as {name}: {', '.join(self._name(id, process) for id in people)}"
        yield ""
        yield from self._amendments(process)
        yield from self._eligible(process)
        yield from self._given(process, entries)

    def _amendments(self, process: Process) -> Iterator[str]:
        """Every change that was put forward, whole, as lines of code: nothing in it is markup."""
        for amendment in amendments_in(process.rules, process.fields):
            yield "## What it changes"
            yield ""
            try:
                text = applied(self.constitution.text, amendment)
            except Inapplicable as error:
                yield escape(str(error))
            else:
                for line in as_diff(self.constitution.text, text):
                    yield "    " + "".join(_visible(c) for c in line)
            yield ""
        if process.foreseen:
            yield "## What a rehearsal showed"
            yield ""
            yield from (f"- {escape(line)}" for line in process.foreseen)
            yield ""

    def _eligible(self, process: Process) -> Iterator[str]:
        yield "## Who was eligible"
        yield ""
        yield "The roll was fixed when the process opened."
        yield ""
        asked: dict[str, list[str]] = {}
        for rule in (rule for stage in process.rules.stages for rule in stage.inputs):
            asked.setdefault(rule.who, []).append(rule.kind)
        for who, kinds in asked.items():
            count, names = self._admitted(process, who)
            yield f"- {', '.join(dict.fromkeys(kinds))} ({_code(who)}): {count} — {names}"
        yield ""

    def _admitted(self, process: Process, who: str) -> tuple[int, str]:
        """How many a rule admits, and their names. Processes opened together share a roll."""
        key, shared = (id(process.roll), who), of_roles_alone(who)
        if shared and (kept := _ADMITTED.get(key)) is not None and kept[0] is process.roll:
            return kept[1]
        people = sorted(electorate(process, who))
        told = len(people), ", ".join(self._name(id, process) for id in people) or "nobody"
        if shared:
            _ADMITTED[key] = process.roll, told
            while len(_ADMITTED) > MOST_ADMITTED:
                _ADMITTED.popitem(last=False)
        return told

    def _given(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield "## What was given"
        yield ""
        for rule in process.now.inputs:
            standing = process.inputs.get(rule.kind)
            if rule.takes != "choice" or standing is None:
                continue
            if rule.hidden and process.status != "ended":
                yield f"{rule.kind.capitalize()}: {len(standing)} given, hidden until the end."
                yield ""
                continue
            yield f"| {rule.kind} | count | by |"
            yield "| --- | --- | --- |"
            for choice, count in counts(process, rule, rule.choices):
                by = sorted(id for id, (value, _) in standing.items() if value == choice)
                people = ", ".join(self._name(id, process) for id in by) or "—"
                yield f"| {escape(choice)} | {count} | {people} |"
            yield ""
        if not any(isinstance(entry.body, Given) for entry in entries):
            yield "Nothing has been given."
            yield ""

    # --- what happened --------------------------------------------------------------------

    def _timeline(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield "## Timeline"
        yield ""
        for entry in entries:
            what = self._happened(process, entry)
            yield f"- **{self._time(entry.at, process)}** · entry {entry.n} · {what}"
        yield ""

    def _happened(self, process: Process, entry: Entry) -> str:
        who = self._name(entry.member, process)
        match entry.body:
            case Opened() as body:
                return f"{who} opened it as {a(escape(process.rules.title.lower()))}"
            case Given() as body:
                return f"{who} gave {a(escape(body.input))}{self._value(process, body)}"
            case Turned() as body:
                return f"{who} tried {a(escape(body.tried))} and was refused"
            case StageEnded() as body:
                led = f"; then “{body.next}”" if body.next else ""
                named = escape(body.outcome) if body.outcome else "no outcome yet"
                return f"the stage “{body.stage}” ended ({body.why}): {named}{led}"
            case Managed() as body:
                return f"{who}: {body.act}. Reason: {escape(body.reason)}"
            case Done() as body:
                action = body.effect.arguments.get("do")  # its name is the chat's
                does = escape(str(action)) if action is not None else body.effect.does
                note = f" ({escape(body.note)})" if body.note else ""
                undo = f"; undone by: {escape(str(body.undo.get('do')))}" if body.undo else ""
                return f"{does} {'done' if body.ok else 'failed'}{note}{undo}"
        return self._ruled(who, entry)

    def _ruled(self, who: str, entry: Entry) -> str:
        """What happened to the rules, or to what they had brought about."""
        match entry.body:
            case SetAside() as body:
                return f"the outcome was set aside by process {body.by}"
            case Switched() as body:
                return f"the bot was switched {'on again' if body.on else 'off'}"
            case Rehearsed() as body:
                return f"{who} rehearsed the amendment over the {body.entries} entries before it"
            case Adopted() as body:
                return f"{who} adopted the constitution `{body.constitution}`"
            case Ratified() as body:
                return f"{who} put the reading `{body.reading}` in force"
        return f"{entry.body.kind} by {who}"

    def _value(self, process: Process, body: Given) -> str:
        rule = process.rules.stage(body.stage).input(body.input)
        if rule is not None and rule.hidden and process.status != "ended":
            return " (hidden until the end)"
        value = "" if body.value is None else f": {escape(str(plain(body.value)))}"
        return value + (f" — because {escape(body.reason)}" if body.reason else "")

    def _decisions(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield "## Decisions"
        yield ""
        for entry in entries:
            if entry.decision is not None and not isinstance(entry.body, Given | Turned):
                yield self.format_decision(entry, process)
        given = [e for e in entries if isinstance(e.body, Given) and e.decision is not None]
        if given:
            yield f"{len(given)} inputs were recorded, each by this rule:"
            yield ""
            rules = dict.fromkeys(c for e in given if e.decision for c in e.decision.citations)
            for citation in rules:
                yield from self._citation(citation)

    def format_decision(self, entry: Entry, process: Process) -> str:
        """One decision: when, what, why, by which words, by which sums."""
        return "\n".join(self._decision(entry, process))

    def _decision(self, entry: Entry, process: Process) -> Iterator[str]:
        decision = entry.decision
        if decision is None:
            return
        kind = entry.body.kind.replace("_", " ").capitalize()
        yield f"### {kind}: {escape(decision.result)}"
        yield ""
        yield f"- Decision ID: {_code(f'{entry.process}_{entry.n}')}"
        yield f"- Timestamp: {self._time(entry.at, process)}"
        yield f"- Read by: {escape(decision.reader)}"
        yield ""
        yield f"Reasoning: {escape(decision.reasoning)}"
        yield ""
        for citation in decision.citations:
            yield from self._citation(citation)
        for calculation in decision.calculations:
            yield from self._calculation(calculation)

    def _calculation(self, calculation: Calculation) -> Iterator[str]:
        yield f"- Calculation with `{calculation.tool}`:"
        for name, value in calculation.arguments.items():
            if isinstance(value, dict):
                yield f"  - {escape(name)}: {self._variables(value)}"
            else:
                yield f"  - {escape(name)}: {_code(value)}"
        yield f"  - result: {_code(calculation.result)}"
        yield ""

    def _variables(self, variables: dict[str, Any]) -> str:
        return ", ".join(f"`{n}` = {_code(v)}" for n, v in variables.items()) or "none"

    def _refusals(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        refused = [entry for entry in entries if isinstance(entry.body, Turned)]
        if not refused:
            return
        yield "## Who was refused, and why"
        yield ""
        for entry in refused:
            body = entry.body
            assert isinstance(body, Turned)
            at, who = self._time(entry.at, process), self._name(entry.member, process)
            yield f"- **{at}** · {who} · {escape(body.tried)}: {self._refusal(process, body)}"
        yield ""

    def _refusal(self, process: Process, body: Turned) -> str:
        """Why, and what was said; either could give away an input that is still hidden."""
        rules = (rule for stage in process.rules.stages for rule in stage.inputs)
        if process.status != "ended" and any(r.hidden and r.kind == body.tried for r in rules):
            return "what was said is hidden until the end"
        why = " ".join(sentence(escape(objection)) for objection in body.objections)
        return f"{why} They said: “{escape(body.said)}”" if body.said else why

    def _afterwards(self, process: Process, entries: list[Entry]) -> Iterator[str]:
        yield "## How to object"
        yield ""
        if process.rules.objecting is not None:
            yield from self._citation(process.rules.objecting)
        else:
            yield "The constitution names no way; ask those who run this community."
            yield ""
        yield "## How to verify"
        yield ""
        yield "`govbot verify` in the community's folder checks every entry, quote, calculation"
        yield "and outcome again, and compares this file with the ledger. It uses no model and no"
        yield "network."


def _code(value: Any) -> str:
    """A value as code; nothing in it can end the code early."""
    if isinstance(value, list | tuple):
        return ", ".join(_code(item) for item in value) or "nothing"
    text = " ".join("".join(_visible(c) for c in str(value)).split())
    text = text.replace("`", "ˋ").replace("|", "¦")
    return f"`{text}`" if text else "nothing"


@dataclass(frozen=True, slots=True)
class Listed:
    """A process as the index has it."""

    number: int
    title: str
    type: str
    status: str
    outcome: str | None

    @classmethod
    def of(cls, process: Process) -> "Listed":
        rules = process.rules.title
        return cls(process.number, process.title, rules, process.status, process.result or None)


def index(listed: Iterable[Listed]) -> str:
    """The list of audits, newest first; each with its file's name."""
    lines = ["# Audits", "", "| process | type | state | audit |", "| --- | --- | --- | --- |"]
    for each in sorted(listed, key=lambda each: -each.number):
        state = escape(each.outcome or "") if each.status == "ended" else each.status
        name = file_named(each.number, each.title)
        lines.append(
            f"| {each.number}: {escape(each.title)} | {escape(each.type)} | {state}"
            f" | [{name}]({name}) |"
        )
    return "\n".join(lines) + "\n"


def apart(entries: Iterable[Entry], zone: str) -> str:
    """The decisions of no process: what a reader proposed without ground, and why it is none."""
    lines = ["# Decisions of no process", ""]
    for entry in entries:
        decision = entry.decision
        if isinstance(entry.body, Decided) and decision is not None:
            asked = f"{escape(entry.member)} asked: “{escape(entry.body.about)}”"
            by = f"{escape(decision.result)}, read by `{escape(decision.reader)}`"
            lines += [
                f"- **{when(entry.at, zone)}** · entry {entry.n} · {asked}",
                f"  - {by}: {escape(' '.join(decision.reasoning.split()))}",
            ]
    return "\n".join(lines) + "\n"
