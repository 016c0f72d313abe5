"""How well a reader reads: cases played through the agent's front door, and the figures of it.

Owns the form of a case, the playing of one in a throw-away community on a set clock, and what is
counted. Judges what was recorded, offered and quoted, never the wording of a reply. Promises that
a case starts from the same state however often it is played, and that a state changed other than
expected is counted apart from a message that was merely not understood.
"""

import json
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from govbot import app, records
from govbot.agent import Agent
from govbot.charter import Charter
from govbot.config import Settings
from govbot.constitution import Constitution, Guidance
from govbot.errors import OperatorError
from govbot.parts import Announcement, Reply
from govbot.readers import Doubt, Proposal, Reader, Vocabulary
from govbot.records import Ask, Citation, Give, Intent, Manage, Offer, Open, Record, Show
from govbot.shapes import Duration
from govbot.surfaces import SORRY, answered
from govbot.testing import SetClock
from govbot.tools.dates import datetime_add, parse_duration

START = datetime(2026, 2, 8, 18, 30, tzinfo=UTC)

ReaderFactory = Callable[[], Reader]
Spent = Callable[[], int]  # how many tokens all readers have cost so far

# --- cases -----------------------------------------------------------------------------------


class Expected(Record):
    """What should come of a message.

    `open`, `input` and `manage` are acts: recorded, or `refused` by the rules. `mentions` must all
    be in its texts; with them and no `value`, any text that has them will do. `ask` must be
    answered with quotes of the sections it `cites`, or not, where the constitution does not say.
    `unclear` must be asked back, perhaps with several acts to pick from. `none`: nothing may come
    of it; an answer or a refusal to understand will do.
    """

    action: Literal["open", "input", "manage", "ask", "show", "unclear", "none"]
    type: str = ""
    fields: dict[str, Any] = {}
    process: int | None = None
    input: str = ""
    value: Any = None
    act: Literal["", "pause", "resume", "extend", "cancel"] = ""
    because: str = ""
    mentions: tuple[str, ...] = ()
    refused: bool = False
    cites: tuple[str, ...] = ()
    answered: bool = True

    @model_validator(mode="after")
    def _act_is_named(self) -> Self:
        needed = {"open": ["type"], "input": ["process", "input"], "manage": ["process", "act"]}
        if missing := [n for n in needed.get(self.action, ()) if not getattr(self, n)]:
            raise ValueError(f"the action {self.action!r} needs its {missing[0]!r}")
        return self

    def fits(self, intent: Intent | None) -> bool:
        """Whether this is the act that was meant."""
        free = bool(self.mentions)
        match intent:
            case Open(type=type, fields=fields):
                whole = free or fields.keys() == self.fields.keys()
                same = all(_alike(value, fields.get(n)) for n, value in self.fields.items())
                return type == self.type and whole and same and _said(fields, self.mentions)
            case Give(process=process, input=kind, value=value, reason=reason):
                meant = (process, kind) == (self.process, self.input)
                same = (free and self.value is None) or _alike(self.value, value)
                said = _said(value, self.mentions) and _said(reason, [self.because])
                return meant and same and said
            case Manage(process=process, act=act):
                return (process, act) == (self.process, self.act)
        return False


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".!")


def _alike(expected: Any, got: Any) -> bool:
    """`@bob` in a case is whoever has that id; texts may differ in spaces, case and full stop."""
    meant = json.loads(re.sub(r'"@(\w+)"', r'"local:\1"', json.dumps(expected)))
    got = records.plain(got)
    both = isinstance(meant, str) and isinstance(got, str)
    return _fold(meant) == _fold(got) if both else bool(meant == got)


def _said(where: Any, words: Iterable[str]) -> bool:
    text = _fold(" ".join(map(str, where.values())) if isinstance(where, Mapping) else str(where))
    return all(_fold(word) in text for word in words)


class Person(Record):
    """Somebody of the community. The name is what the chat shows, and anyone may choose it."""

    roles: tuple[str, ...] = ()
    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _roles_alone(cls, given: Any) -> Any:
        return {"roles": given} if isinstance(given, list) else given


class Line(Record):
    """A line of a transcript: time passes, and somebody says or presses something."""

    after: Duration | None = None
    member: str = ""
    says: str = ""
    action: Intent | None = None
    about: int | None = None


class Step(Line):
    member: str = Field(min_length=1)
    expect: Expected


class Stand(Record):
    """How a process must stand at the end; what is not named is not asked. `due` is from START."""

    type: str | None = None
    status: Literal["open", "paused", "ended"] | None = None
    stage: str | None = None
    outcome: str | None = None
    due: Duration | None = None
    inputs: dict[str, dict[str, Any]] = {}  # kind -> member -> value


class Case(Record):
    """One case: a community, what was said before, the messages under test, the end state."""

    name: str = Field(min_length=1)
    constitution: str
    text: Path
    people: dict[str, Person] = Field(min_length=1)  # on every roll
    newcomers: dict[str, Person] = {}  # seen only when they speak
    language: str = Field("en", pattern="^[a-z]{2}$")
    kind: Literal["intent", "question", "multi-step", "ambiguous", "attack"]
    phrases: bool = False  # whether the wording is a charter's own
    setup: tuple[Line, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)
    state: dict[int, Stand] = {}
    roles: dict[str, tuple[str, ...]] = {}

    @property
    def tags(self) -> tuple[str, ...]:
        wording = "charter phrases" if self.phrases else "free words"
        return (self.language, self.kind, wording, self.constitution)

    def speaker(self, member: str) -> records.Member:
        who = self.people.get(member) or self.newcomers[member]
        return records.Member(id=f"local:{member}", name=who.name or member, roles=who.roles)

    @model_validator(mode="after")
    def _everybody_is_known(self) -> Self:
        named = {line.member for line in (*self.setup, *self.steps)} | set(self.roles)
        if unknown := named - {"", *self.people, *self.newcomers}:
            raise ValueError(f"{min(unknown)!r} is not among the people")
        return self


def load_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a file, or of every `.toml` in a folder; OperatorError names the first fault."""
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    cases = [case for file in files for case in _cases(file)]
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    if twice or not cases:
        what = f"two cases are called {twice[0]!r}; rename one" if twice else "there are no cases"
        raise OperatorError(f"{path}: {what}")
    return tuple(cases)


def _cases(path: Path) -> Iterator[Case]:
    try:
        text = path.read_text(encoding="utf-8")
        shared = tomllib.loads(text)
    except (OSError, ValueError) as error:  # not there, not UTF-8, not TOML
        raise OperatorError(f"{path.name} cannot be read: {error}; correct the file") from None
    name, setups = str(shared.pop("constitution", "")), shared.pop("setups", {})
    written = shared.pop("case", [])
    beside = path.parent / "constitutions" / f"{name}.md"
    if (found := beside if beside.is_file() else app.templates().get(name)) is None:
        what = f"there is no constitution {name!r} beside the file or among the templates"
        raise _fault(path, text, None, ["constitution"], what)
    if not (isinstance(written, list) and all(isinstance(x, dict) for x in (*written, setups))):
        raise _fault(path, text, None, ["case"], "each case begins with [[case]]")
    for n, case in enumerate(written):
        if isinstance(named := case.get("setup"), str):
            if named not in setups:
                raise _fault(path, text, n, ["setup"], f"there is no setup {named!r}")
            case["setup"] = setups[named]
        if "steps" not in case:
            case["steps"] = [{key: case.pop(key) for key in Step.model_fields if key in case}]
        try:
            yield Case(**{**shared, **case}, constitution=name, text=found)
        except ValidationError as error:
            first = error.errors()[0]
            what, where = str(first["msg"]).removeprefix("Value error, "), first["loc"]
            raise _fault(path, text, None if {*where[:1]} & {*shared} else n, where, what) from None


def _fault(
    path: Path, text: str, n: int | None, where: Sequence[str | int], what: str
) -> OperatorError:
    """A fault with its file, the field, and the line where the field or at least its case is."""
    lines = text.splitlines()
    heads = [k for k, line in enumerate(lines) if re.match(r"\s*\[\[\s*case\s*\]\]", line)]
    line, last = (0, len(lines)) if n is None else [*heads, len(lines)][n : n + 2]
    for part in where:
        key = re.compile(rf"\s*\[?\s*{re.escape(str(part))}\b")
        line = next((k for k in range(line, last) if key.match(lines[k])), line)
    field = ".".join(map(str, where)).removeprefix("steps.0.") or "the case"
    named = "" if n is None else f"case {n + 1}, "
    return OperatorError(f"{path.name}, line {line + 1}, {named}{field}: {what}")


# --- one case, played --------------------------------------------------------------------------


class Outcome(Record):
    """What came of one playing of a case."""

    reader: str
    case: str
    tags: tuple[str, ...]
    why: str  # it is not right; empty where it is
    asked: bool = False  # what was meant was offered, and the member confirmed it
    misoffered: bool = False  # something else was offered; nobody pressed it
    wrong: bool = False  # the state was changed other than expected
    answers: int = 0
    ungrounded: tuple[str, ...] = ()  # what was quoted and does not stand in the constitution
    tokens: int = 0
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        return not self.why


async def run_case(
    case: Case, reader_factory: ReaderFactory, place: Path, spent: Spent = lambda: 0
) -> Outcome:
    """Plays a case once. `place` is a folder that keeps each setup, so that it is made once."""
    before = case.model_dump(mode="json", include={"people", "newcomers", "setup", "text"})
    ready = place / records.digest(records.canonical(before))[-16:]
    with TemporaryDirectory(dir=place) as made:
        folder = Path(made) / "community"
        if not ready.exists():
            await _set_up(case, folder)
            folder.rename(ready)
        shutil.copytree(ready, folder)
        clock = SetClock(_after(case.setup))
        bot = await app.open_bot(folder, _unheard, clock)
        try:
            reader, cost, began = reader_factory(), spent(), perf_counter()
            outcome = await _Run(case, bot, clock, reader).play()
            took = {"tokens": spent() - cost, "seconds": perf_counter() - began}
            return outcome.model_copy(update=took)
        finally:
            await bot.memory.close()


async def _unheard(told: Announcement) -> None:
    """Announcements of a throw-away community reach nobody."""


def _after(lines: Iterable[Line], start: datetime = START) -> datetime:
    for line in lines:
        start = datetime_add(start, **parse_duration(line.after)) if line.after else start
    return start


async def _set_up(case: Case, folder: Path) -> None:
    """A community of this case's people, in which its setup is played."""
    clock = SetClock(START)
    await app.found(folder, Settings(name="Evaluation"), str(case.text), clock)
    bot = await app.open_bot(folder, _unheard, clock)
    try:
        run = _Run(case, bot, clock, bot.agent.reader)
        for member in case.people:
            await bot.agent.meet(case.speaker(member))
        for n, line in enumerate(case.setup, 1):
            if not (reply := await run.let_happen(line, f"setup:{n}")).ok:
                what = f"line {n} of the setup of case {case.name!r} came to nothing"
                raise OperatorError(f"{what} ({reply.text}); say it in the charter's phrases")
    finally:
        await bot.memory.close()


class _Overheard:
    """A reader, and what it was heard to say: the last intent, and the answers since."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.name = reader, reader.name
        self.heard: Intent | None = None
        self.answers: list[tuple[str, Guidance]] = []

    async def intent(self, message: str, vocabulary: Vocabulary) -> Intent:
        self.heard = await self.reader.intent(message, vocabulary)
        return self.heard

    async def answer(self, question: str, constitution: Constitution) -> Guidance:
        self.answers.append((question, await self.reader.answer(question, constitution)))
        return self.answers[-1][1]

    async def propose(
        self, wanted: str, constitution: Constitution, vocabulary: Vocabulary, doubt: Doubt
    ) -> tuple[Proposal, ...]:
        return await self.reader.propose(wanted, constitution, vocabulary, doubt)

    async def draft(self, constitution: Constitution, type: str) -> Charter | None:
        return await self.reader.draft(constitution, type)


class _Run:
    """One playing of a case, and everything it is judged by."""

    def __init__(self, case: Case, bot: app.Bot, clock: SetClock, reader: Reader) -> None:
        self.case, self.bot, self.clock = case, bot, clock
        self.reader = _Overheard(reader)
        self.agent = Agent(bot.memory, self.reader, clock)
        self.seen: dict[str, Any] = {"answers": 0}
        self.false: list[str] = []

    async def let_happen(self, line: Line, id: str) -> Reply:
        """A line, and what falls due by it. Where nobody speaks, all is well."""
        self.clock.set(_after([line], self.clock.now))
        await self.bot.scheduler.settle()
        if not line.member:
            return Reply(text="")
        said: dict[str, Any] = {"text": line.says, "action": line.action, "about": line.about}
        request = records.Request(id=id, member=self.case.speaker(line.member), **said)
        reply = await answered(request, self.agent.handle)
        await self.bot.scheduler.settle()
        return reply

    async def play(self) -> Outcome:
        why = await self._steps()
        why = why or "; ".join(f"the constitution does not say “{quote}”" for quote in self.false)
        seen = {**self.seen, "reader": self.reader.name, "ungrounded": tuple(self.false)}
        return Outcome(case=self.case.name, tags=self.case.tags, why=why, **seen)

    async def _steps(self) -> str:
        """Why it is not right. What follows a step that failed depends on it and is not asked."""
        for n, step in enumerate(self.case.steps, 1):
            if why := await self._step(step, f"step:{n}"):
                return f"step {n}: {why}" if len(self.case.steps) > 1 else why
        if found := "; ".join(_state_faults(self.case, self.bot)):
            self.seen["wrong"] = True
        return found

    async def _step(self, step: Step, id: str) -> str:
        self.reader.heard, self.reader.answers = step.action, []
        before = self.bot.memory.engine.size
        reply = await self.let_happen(step, id)
        meant = self.reader.heard
        if _offers(reply) and step.expect.fits(reply.choices[0].action):
            meant, self.seen["asked"] = reply.choices[0].action, True
            press = Line(member=step.member, action=meant)
            reply = await self.let_happen(press, f"{id}:pressed")
        elif _offers(reply) and (step.expect.action != "unclear" or len(reply.choices) == 1):
            self.seen["misoffered"] = True
        quoted, acts = self._quoted(reply), self._acts(before)
        if why := _stray(step, acts):
            self.seen["wrong"] = True
            return why
        if reply.text == SORRY:
            return "the reader or the bot failed; the log says how"
        return _missed(step.expect, meant, reply, bool(acts), quoted)

    def _acts(self, before: int) -> list[tuple[str, Intent]]:
        """Who was recorded to have done what since the ledger had this many entries."""
        memory = self.bot.memory
        numbers = range(1, memory.community.next_number)
        entries = [e for n in numbers for e in memory.history(f"process_{n}") if e.n >= before]
        return [(e.member, act) for e in entries if e.member != records.BOT and (act := _act(e))]

    def _quoted(self, reply: Reply) -> set[str]:
        """The sections a reply quotes. Quotes that do not stand in them are noted."""
        constitution, said = self.bot.memory.constitution(), _fold(reply.text)
        cited, false = list(_cited(reply.text, constitution)), []
        for question, guidance in self.reader.answers:
            self.seen["answers"] += 1
            cited += guidance.citations
            own = question if guidance.confidence == "none" else ""
            false += _unfounded(guidance.answer, constitution, own)
        false += [c.quote for c in cited if not constitution.holds(c)]
        self.false += dict.fromkeys(false)
        return {c.section for c in cited if constitution.holds(c) and _fold(c.quote) in said}


def _offers(reply: Reply) -> bool:
    """Whether it asks which act is meant; a reply that did something offers what can follow."""
    return bool(reply.choices) and not reply.ok and reply.entry is None


def _act(entry: records.Entry) -> Intent | None:
    number = int(str(entry.process).rpartition("_")[2])
    match entry.body:
        case records.Opened(type=type, fields=fields):
            return Open(type=type, fields=fields)
        case records.Given(input=kind, value=value, reason=reason):
            return Give(process=number, input=kind, value=value, reason=reason)
        case records.Managed(act=act, reason=reason):
            return Manage(process=number, act=act, reason=reason)
    return None


def _stray(step: Step, acts: list[tuple[str, Intent]]) -> str:
    """The act that nobody asked for. One that is expected may be recorded once."""
    wanted = [] if step.expect.refused else [f"local:{step.member}"]
    for who, act in acts:
        if who not in wanted or not step.expect.fits(act):
            return f"{who} was recorded with {_shown(act)}"
        wanted.clear()
    return ""


def _missed(
    expect: Expected, meant: Intent | None, reply: Reply, acted: bool, quoted: set[str]
) -> str:
    """What was expected and did not happen, where nothing else did."""
    number, right = expect.process, False
    match expect.action, meant:
        case "open" | "input" | "manage", _ if expect.fits(meant):
            return "" if acted or expect.refused else f"it was refused: {reply.text}"
        case "ask", Ask(process=process) if number in (None, process):
            return _unanswered(expect, reply, quoted)
        case "show", Show(process=process):
            right = reply.ok and process == number
        case "show", Ask(process=process):  # its answer begins with how the process stands
            right = reply.ok and number is not None and process == number
        case "unclear", Offer(actions=actions):
            right = len(actions) > 1
        case "unclear", records.Unclear() | None:
            right = True
        case "none", _:
            right = not _offers(reply)
    return "" if right else f"it was read as {_shown(meant)}"


def _unanswered(expect: Expected, reply: Reply, quoted: set[str]) -> str:
    if reply.ok != expect.answered:
        return "it was not answered" if expect.answered else f"it was answered: {reply.text}"
    missing = ", ".join(sorted(set(expect.cites) - quoted))
    return f"it does not quote {missing}, but {', '.join(sorted(quoted))}" if missing else ""


def _shown(intent: Intent | None) -> str:
    return str({"kind": intent.kind, **intent.model_dump(exclude_defaults=True)}) if intent else "?"


_QUOTED = re.compile(r"“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»|\"([^\"]+)\"")
_CITED = re.compile(r"^\s*(?:To object: )?(?P<place>.+?): “(?P<quote>.+)”\s*$", re.MULTILINE)


def _cited(text: str, constitution: Constitution) -> Iterator[Citation]:
    """Citations as replies write them: a line with a section's breadcrumb and its words."""
    places = {section.breadcrumb: section.id for section in constitution.sections}
    for found in _CITED.finditer(text):
        if (section := places.get(found["place"])) is not None:
            yield Citation(section=section, quote=found["quote"])


def _unfounded(answer: str, constitution: Constitution, question: str) -> list[str]:
    """Words put between quotation marks that stand neither in the text nor in the question."""
    spans = [next(filter(None, found.groups())) for found in _QUOTED.finditer(answer)]
    asked = _fold(question)
    return [span for span in spans if _fold(span) not in asked and not constitution.find(span)]


def _state_faults(case: Case, bot: app.Bot) -> Iterator[str]:
    for number, stand in case.state.items():
        process = bot.memory.process(f"process_{number}")
        for name in sorted(stand.model_fields_set - {"inputs"}):
            wanted = getattr(stand, name)
            wanted = _after([Line(after=wanted)]) if name == "due" else wanted
            if (got := getattr(process, name, None)) != wanted:
                yield f"the {name} of process {number} is {got}, not {wanted}"
        for kind, votes in stand.inputs.items():
            given = process.inputs.get(kind) if process else None
            held = {who: value for who, (value, _) in (given or {}).items()}
            if not _alike({f"@{who}": value for who, value in votes.items()}, held):
                yield f"{kind} of process {number} is {held}, not {votes}"
    for member, roles in case.roles.items():
        if set(has := bot.memory.community.members[f"local:{member}"].roles) != set(roles):
            yield f"{member} has the roles {has}, not {roles}"


# --- the figures ---------------------------------------------------------------------------------


class Report(Record):
    """Every playing of some cases, `repeat` times each, and what is counted of them."""

    reader: str
    repeat: int
    outcomes: tuple[Outcome, ...]

    def of(self, *tags: str) -> "Report":
        """The same of the cases that have all of these tags."""
        chosen = tuple(outcome for outcome in self.outcomes if set(tags) <= set(outcome.tags))
        return self.model_copy(update={"outcomes": chosen})

    def count(self, name: str) -> int:
        """How many playings were `right`, `asked`, `misoffered`, `wrong` or `ungrounded`."""
        return sum(bool(getattr(outcome, name)) for outcome in self.outcomes)

    @property
    def accuracy(self) -> Fraction:
        return Fraction(self.count("right"), max(len(self.outcomes), 1))

    @property
    def steady(self) -> Fraction:
        """pass^k: the part of the cases that were right every time."""
        cases, failed = ({o.case for o in some} for some in (self.outcomes, self.failed))
        return Fraction(len(cases - failed), max(len(cases), 1))

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """What was not right, wrong actions and false quotes first."""
        grave = sorted(self.outcomes, key=lambda o: (not o.wrong, not o.ungrounded))
        return tuple(outcome for outcome in grave if not outcome.right)

    def _row(self, named: str) -> list[str]:
        runs = max(len(self.outcomes), 1)
        answers = sum(outcome.answers for outcome in self.outcomes)
        tokens = sum(outcome.tokens for outcome in self.outcomes) // runs
        seconds = sum(outcome.seconds for outcome in self.outcomes) / runs
        counts = [str(self.count(name)) for name in ("asked", "misoffered", "wrong")]
        counts += [f"{self.count('ungrounded')} of {answers}", str(tokens), f"{seconds:.3f}"]
        right = [f"{float(part):.1%}" for part in (self.accuracy, self.steady)]
        return [named, str(len({outcome.case for outcome in self.outcomes})), *right, *counts]

    def _rows(self) -> list[list[str]]:
        kinds = zip(*(outcome.tags for outcome in self.outcomes), strict=True)
        tags = [tag for kind in kinds for tag in sorted(set(kind))]
        head = f"of|cases|right|pass^{self.repeat}|asked|wrong offers|WRONG ACTIONS|ungrounded"
        rows = [self._row("all"), *(self.of(tag)._row(tag) for tag in tags)]
        return [[*head.split("|"), "tokens", "seconds"], *rows]

    def markdown(self) -> str:
        """The figures as a table, then what failed and why."""
        head, *rows = [f"| {' | '.join(row)} |" for row in self._rows()]
        title = f"## Reader {self.reader}, each case played {self.repeat} times"
        table = [title, "", head, "| --- |" + " ---: |" * 9, *rows, "", "Not right:", ""]
        for each in self.failed:
            grave = " **WRONG ACTION**" if each.wrong else ""
            table.append(f"- `{each.case}`{grave}: {' '.join(each.why.split())}")
        return "\n".join(table)

    def plain(self) -> str:
        """The figures in columns."""
        rows = self._rows()
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, wide)).rstrip() for row in rows)


async def evaluate(
    cases: Iterable[Case],
    reader_factory: ReaderFactory,
    repeat: int = 1,
    spent: Spent = lambda: 0,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> Report:
    """Plays every case `repeat` times, each with a reader of its own."""
    outcomes = []
    with TemporaryDirectory() as place:
        for case in cases:
            for _ in range(repeat):
                outcomes.append(await run_case(case, reader_factory, Path(place), spent))
                progress(outcomes[-1])
    names = " and ".join(sorted({outcome.reader for outcome in outcomes}))
    return Report(reader=names, repeat=repeat, outcomes=tuple(outcomes))
