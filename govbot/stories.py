"""Stories: how a constitution is lived, told in Markdown and played through the chat's front door.

Owns the form of a story (told in `tests/stories/README.md`), the playing of one in a community of
its own on a set clock, and what it must have shown. Judges by the words of replies, announcements
and audits and by how everything stands in the end. Promises that the bot is awake all along:
whatever falls due between two times of a story happens when it falls due.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from govbot import app
from govbot.charter import Reading
from govbot.config import Folder, Settings
from govbot.errors import OperatorError
from govbot.parts import Announcement
from govbot.records import BOT, Member, Record, Request, StageEnded, moment
from govbot.state import Process
from govbot.surfaces import answered
from govbot.testing import SetClock

END = "In the end"
MOST_FAULTS = 8
MOST_SHOWN = 1500  # characters of what was said instead

# --- the form --------------------------------------------------------------------------------


class Words(Record):
    """Words that must be found, or a cell of a table, and the line they stand on."""

    line: int
    text: str


class Person(Record):
    """Somebody as the platform knows them from here on."""

    name: str
    roles: tuple[str, ...] = ()
    facts: dict[str, str | int | bool] = {}


class Beat(Record):
    """One step of a story: people come, a time, or a message; and what must come of it."""

    line: int
    people: tuple[Person, ...] = ()
    at: datetime | None = None
    speaker: str = ""
    text: str = ""
    replies: tuple[Words, ...] = ()
    announced: tuple[Words, ...] = ()


class Story(Record):
    """A story as it is written."""

    name: str  # of its file
    title: str
    markdown: str
    beats: tuple[Beat, ...]
    stands: dict[int, Words]  # process -> its outcome, or `open: STAGE`
    roles: dict[str, Words]
    audits: dict[int, tuple[Words, ...]]
    excused: dict[str, Words]  # outcome, or `type.outcome` -> why it is not shown

    @property
    def start(self) -> datetime:
        return next(beat.at for beat in self.beats if beat.at is not None)


_TIME = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}, \d{2}:\d{2}")
_AUDIT = re.compile(r"The audit of #(\d+)")
_SAYING = re.compile(r"\*\*(?P<who>[^*]+)\*\*\s+(?P<text>\S.*)", re.DOTALL)
_NOT_SHOWN = re.compile(r"Not shown here: (?P<names>.+?), because (?P<why>.+)", re.DOTALL)
_STANDS = re.compile(r"#(\d+)")
_ROW = re.compile(r"\s*\|(.*)\|\s*")


def load_story(path: Path) -> Story:
    """A story from its file; OperatorError names the line of the first fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path.name} cannot be read: {error}; correct the file") from None
    return read_story(text, path.name)


def read_story(text: str, name: str) -> Story:
    """`load_story` of its text."""
    reading = _Reading(name)
    for line, block in _blocks(text):
        reading.take(line, block)
    return reading.story(text)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Headings, and what stands between empty lines, each with its first line from 1."""
    held: list[str] = []
    for n, line in enumerate([*text.split("\n"), ""], 1):
        heading = line.startswith("#")
        if held and (heading or not line.strip()):
            yield n - len(held), "\n".join(held)
            held = []
        if heading:
            yield n, line
        elif line.strip():
            held.append(line)


class _Reading:
    """A story in the making, block by block."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = ""
        self.beats: list[dict[str, Any]] = []
        self.stands: dict[int, Words] = {}
        self.roles: dict[str, Words] = {}
        self.audits: dict[int, list[Words]] = {}
        self.excused: dict[str, Words] = {}
        self.ending = False
        self.audit = 0

    def wrong(self, line: int, what: str) -> OperatorError:
        return OperatorError(f"{self.name}, line {line}: {what}")

    def take(self, line: int, block: str) -> None:
        if block.startswith("#"):
            marks, _, title = block.partition(" ")
            self._heading(line, len(marks), title.strip())
        elif block.startswith(">"):
            for n, each in enumerate(block.split("\n")):
                self._expected(Words(line=line + n, text=each.removeprefix(">").strip()))
        elif block.startswith("|"):
            self._table(line, block.split("\n"))
        elif (found := _NOT_SHOWN.fullmatch(block)) is not None:
            why = Words(line=line, text=_fold(found["why"]))
            names = re.split(r",| and ", _fold(found["names"]).replace("`", ""))
            self.excused.update({named.strip(): why for named in names if named.strip()})
        elif (found := _SAYING.fullmatch(block)) is not None and not self.ending:
            self._beat(line, speaker=found["who"].strip(), text=_fold(found["text"]))
        elif block.startswith("**"):
            raise self.wrong(line, "a message is “**name** words”, before the end of the story")

    def _beat(self, line: int, **what: Any) -> None:
        self.beats.append({"line": line, "replies": (), "announced": (), **what})

    def _heading(self, line: int, level: int, title: str) -> None:
        if level == 1:
            self.title = title
        elif level == 2:
            self.ending, self.audit = title == END, 0
        elif self.ending and (found := _AUDIT.fullmatch(title)) is not None:
            self.audit = int(found[1])
            self.audits[self.audit] = []
        elif not self.ending and _TIME.fullmatch(title):
            self._beat(line, at=self._time(line, title))
        else:
            right = "“### The audit of #1”" if self.ending else "“### 2 March 2026, 18:00”"
            raise self.wrong(line, f"{title!r} is no heading of a story; here it is {right}")

    def _time(self, line: int, title: str) -> datetime:
        try:
            at = datetime.strptime(title, "%d %B %Y, %H:%M").replace(tzinfo=UTC)
        except ValueError:
            raise self.wrong(line, f"there is no time {title!r}") from None
        if any(beat["at"] >= at for beat in self.beats if beat.get("at")):
            raise self.wrong(line, f"{title!r} is not after the time before it")
        return at

    def _expected(self, words: Words) -> None:
        said = words.text.removeprefix("announced:").strip()
        if not said:
            raise self.wrong(words.line, "words that must be found stand after the “>”")
        if self.ending:
            if not self.audit:
                raise self.wrong(words.line, "say first whose audit: “### The audit of #1”")
            self.audits[self.audit].append(words)
        elif said != words.text:
            self._last(words.line)["announced"] += (Words(line=words.line, text=said),)
        elif not self._last(words.line).get("speaker"):
            raise self.wrong(words.line, "a reply needs a message above it")
        else:
            self.beats[-1]["replies"] += (words,)

    def _last(self, line: int) -> dict[str, Any]:
        if not self.beats or not (self.beats[-1].get("at") or self.beats[-1].get("speaker")):
            raise self.wrong(line, "nothing has happened above that could bring this about")
        return self.beats[-1]

    def _table(self, line: int, lines: list[str]) -> None:
        rows = [
            [cell.strip() for cell in found[1].split("|")] if (found := _ROW.fullmatch(row)) else []
            for row in lines
        ]
        if len(rows) < 3 or any(len(row) != len(rows[0]) for row in rows):
            raise self.wrong(line, "a table has a head, a line of dashes and rows as long as both")
        head, numbered = rows[0], [(line + n, row) for n, row in enumerate(rows)][2:]
        if head[:2] == ["who", "roles"] and not self.ending:
            self._beat(line, people=tuple(_person(head, row) for _, row in numbered))
        elif head == ["who", "roles"]:
            self.roles.update({row[0]: Words(line=n, text=row[1]) for n, row in numbered})
        elif head == ["process", "outcome"] and self.ending:
            for n, row in numbered:
                if (found := _STANDS.fullmatch(row[0])) is None:
                    raise self.wrong(n, f"{row[0]!r} is no process; write “#1”")
                self.stands[int(found[1])] = Words(line=n, text=row[1])
        else:
            raise self.wrong(
                line, "a table here is “who | roles”, or “process | outcome” at the end"
            )

    def story(self, text: str) -> Story:
        people = [beat for beat in self.beats if beat.get("people")]
        times = [beat for beat in self.beats if beat.get("at")]
        if not people or not times or self.beats[0] is not people[0]:
            raise self.wrong(1, "a story begins with a table “who | roles” and then a time")
        if not self.title or not self.stands:
            missing = f"a table “process | outcome” under “## {END}”" if self.title else "a title"
            raise self.wrong(1, f"the story has no {missing.removeprefix('a ')}")
        return Story(
            name=self.name,
            title=self.title,
            markdown=text,
            beats=tuple(Beat(**beat) for beat in self.beats),
            stands=self.stands,
            roles=self.roles,
            audits={number: tuple(words) for number, words in self.audits.items()},
            excused=self.excused,
        )


def _person(head: list[str], row: list[str]) -> Person:
    facts = {name: _fact(cell) for name, cell in zip(head[2:], row[2:], strict=True) if cell}
    return Person(name=row[0], roles=_names(row[1]), facts=facts)


def _fact(cell: str) -> str | int:
    return int(cell) if re.fullmatch(r"-?\d{1,15}", cell) else cell


def _names(cell: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in cell.split(",") if name.strip())


def _fold(text: str) -> str:
    return " ".join(text.split())


# --- the playing -----------------------------------------------------------------------------


class Played(Record):
    """What came of a story: what was other than it says, and what it showed."""

    faults: tuple[str, ...]
    types: frozenset[str]  # the process types that were opened
    outcomes: frozenset[tuple[str, str]]  # type and outcome


async def play(story: Story, template: str, folder: Path, disputes: str = "") -> Played:
    """Plays a story in a community of its own, founded from templates as `app.found` takes them."""
    clock = SetClock(story.start)
    await app.found(folder, Settings(name=story.title), template, clock, disputes=disputes)
    playing = _Playing(story, clock)
    playing.bot = await app.open_bot(folder, playing.hear, clock)
    try:
        for n, beat in enumerate(story.beats, 1):
            await playing.beat(beat, f"story:{n}")
        found = playing.shown()
        playing.check_stands()
        playing.check_roles()
    finally:
        await playing.bot.close()
    playing.check_audits(folder)
    report = app.verify_folder(folder, [])
    faults = [*playing.faults, *(f"{f.where}: {f.what}" for f in report.faults)]
    # One step that goes wrong brings many others about: the first ones are those to mend.
    more = [f"… and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
    return found.model_copy(update={"faults": (*faults[:MOST_FAULTS], *more)})


_LOT = re.compile(r"(?P<word>[^\W\d][\w ]*?) (?P<place>\d{1,4}) of #(?P<number>\d{1,9})")
_BYSTANDER = "bystander"


class _Playing:
    """One playing of a story."""

    bot: app.Bot

    def __init__(self, story: Story, clock: SetClock) -> None:
        self.story, self.clock = story, clock
        self.people: dict[str, Person] = {}
        self.told: list[str] = []
        self.faults: list[str] = []

    async def hear(self, told: Announcement) -> None:
        self.told.append(told.text)

    def fault(self, line: int, what: str) -> None:
        self.faults.append(f"{self.story.name}, line {line}: {what}")

    async def beat(self, beat: Beat, id: str) -> None:
        self.told.clear()
        for person in beat.people:
            self.people[person.name] = person
            await self.bot.agent.meet(self._member(person.name))
        if beat.at is not None:
            await self._reach(beat.at)
        if beat.speaker:
            await self._say(beat, id)
        for words in beat.announced:
            self._hold(words, "\n\n".join(self.told) or "(nothing)", "what was announced is")

    def _member(self, name: str) -> Member:
        known = self.people[name]
        return Member(id=f"local:{name}", name=name, roles=known.roles, facts=known.facts)

    async def _reach(self, target: datetime) -> None:
        """Lets time pass up to `target`, with a stop at whatever falls due on the way."""
        memory, before = self.bot.memory, ""
        while (due := memory.next_due()) and due != before and moment(due) <= target:
            before = due
            self.clock.set(max(moment(due), self.clock.now))
            await self.bot.scheduler.settle()
        self.clock.set(max(target, self.clock.now))
        await self.bot.scheduler.settle()

    async def _say(self, beat: Beat, id: str) -> None:
        name = self._named(beat.speaker, beat.line)
        if name not in self.people:
            return self.fault(beat.line, f"{name!r} is not among the people of the story")
        text = self._filled(beat.text, beat.line)
        request = Request(id=id, member=self._member(name), text=text)
        reply = await answered(request, self.bot.agent.handle)
        await self.bot.scheduler.settle()
        if not beat.replies and not reply.ok:
            self.fault(beat.line, f"nothing came of what {name} said; the reply is: {reply.text}")
        for words in beat.replies:
            self._hold(words, reply.text, f"the reply to {name} is")

    def _hold(self, words: Words, text: str, what: str) -> None:
        wanted = _fold(self._filled(words.text, words.line))
        if wanted not in _fold(text):
            self.fault(words.line, f"expected “{wanted}”, and {what}: {text[:MOST_SHOWN]}")

    # --- people that the lot chose -------------------------------------------------------------

    def _filled(self, text: str, line: int) -> str:
        """`{juror 2 of #3}` is the name of whoever was drawn."""
        return re.sub(r"\{([^{}]+)\}", lambda found: self._named(found[1], line), text)

    def _named(self, named: str, line: int) -> str:
        found = _LOT.fullmatch(named)
        if found is None:
            return named
        process = self.bot.memory.process(f"process_{found['number']}")
        meant = list(self._drawn(process, found["word"])) if process is not None else []
        place = int(found["place"])
        if not 0 < place <= len(meant):
            self.fault(line, f"there is no {named!r}")
            return named
        return meant[place - 1].partition(":")[2]

    def _drawn(self, process: Process, word: str) -> list[str]:
        """Who was drawn under this word; bystanders are members with no part in the process."""
        if word == _BYSTANDER:
            people = {id for drawn in process.drawn.values() for id in drawn}
            involved = {*people, process.opener, *map(str, process.fields.values())}
            return sorted(set(process.roll) - involved)
        name = "_".join(word.split())
        return list(process.drawn.get(name) or process.drawn.get(f"{name}s") or ())

    # --- how everything stands in the end --------------------------------------------------------

    def _processes(self) -> list[Process]:
        numbers = range(1, self.bot.memory.community.next_number)
        return [self.bot.memory.get_process(number) for number in numbers]

    def shown(self) -> Played:
        seen: set[tuple[str, str]] = set()
        processes = self._processes()
        for process in processes:
            for entry in self.bot.memory.history(process.id):
                if isinstance(entry.body, StageEnded) and entry.member == BOT:
                    seen.add((process.type, entry.body.outcome or ""))
        types = frozenset(process.type for process in processes)
        return Played(faults=(), types=types, outcomes=frozenset(seen))

    def check_stands(self) -> None:
        processes = {process.number: process for process in self._processes()}
        for number, words in self.story.stands.items():
            stands = _standing(processes[number]) if number in processes else "not there"
            if stands != words.text:
                self.fault(words.line, f"#{number} is {stands}, not {words.text}")
        if missing := sorted(set(processes) - set(self.story.stands)):
            told = ", ".join(f"#{n} ({_standing(processes[n])})" for n in missing)
            self.fault(1, f"the table at the end lacks {told}")

    def check_roles(self) -> None:
        members = self.bot.memory.community.members
        for who, words in self.story.roles.items():
            member = members.get(f"local:{self._named(who, words.line)}")
            roles = member.roles if member is not None else ()
            if set(roles) != set(_names(words.text)):
                self.fault(words.line, f"{who} has the roles {', '.join(roles) or 'none'}")

    def check_audits(self, folder: Path) -> None:
        for number, wanted in self.story.audits.items():
            written = sorted(Folder(folder).audits.glob(f"{number}-*.md"))
            text = written[0].read_text(encoding="utf-8") if written else "(none)"
            for words in wanted:
                self._hold(words, text, f"the audit of #{number} is")


def _standing(process: Process) -> str:
    if process.status == "ended":
        return process.result
    return f"{process.status}: {process.stage}"


# --- what a story must show --------------------------------------------------------------------


def outcomes_of(reading: Reading) -> set[tuple[str, str]]:
    """Every process type of a reading with each outcome it can have."""
    found: set[tuple[str, str]] = set()
    for type, charter in reading.processes.items():
        rules = [rule for stage in charter.stages for rule in stage.outcomes]
        found |= {(type, rule.named) for rule in rules if rule.named}
        # Where too few can be drawn for a process's first stage, it is not even opened.
        later = [charter.stage(rule.next) for rule in rules if rule.next]
        found |= {(type, draw.short) for stage in later for draw in stage.draws.values()}
    return found


def gaps(story: Story, reading: Reading, played: Played) -> list[str]:
    """What the story should show of the reading and does not, and excuses it has no use for."""
    missing = [f"no {type} is opened" for type in sorted(set(reading.processes) - played.types)]
    everything = outcomes_of(reading)
    for type, outcome in sorted(everything - played.outcomes):
        if not {outcome, f"{type}.{outcome}"} & story.excused.keys():
            missing.append(f"no {type} ends or goes on as “{outcome}”")
    for name, why in story.excused.items():
        meant = {(t, o) for t, o in everything if name in (o, f"{t}.{o}")}
        if meant <= played.outcomes:
            what = "is shown after all" if meant else "is no outcome of its reading"
            missing.append(f"line {why.line}: {name!r} {what}")
    return missing
