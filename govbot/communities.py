"""Many communities in one process: a folder each, opened when it is first needed.

Owns which folder is whose, what each has due while it is closed, and when one that nobody needs is
closed again. Knows no chat: whoever it serves says what a community is called and listens.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from pysqlite3 import dbapi2 as sqlite3

from govbot.app import (
    Bot,
    Clock,
    dispute_templates,
    found,
    open_bot,
    open_view,
    publish_checkpoint,
    templates,
    utc_now,
)
from govbot.archive import write_whole
from govbot.charter import Reading, differences
from govbot.community import news
from govbot.config import FILE, Folder, Settings, reading_beside
from govbot.errors import OperatorError, Refused
from govbot.house import FrontDoor
from govbot.lint import errors, lint
from govbot.parts import Acted, Announcement, Errand, Reply
from govbot.readingfile import load_reading
from govbot.records import Entry, Fact, Member, Ratified, Request, moment
from govbot.surfaces.communities import Listener
from govbot.swapping import ratification

log = logging.getLogger(__name__)

MOST_OPEN = 256  # communities open at a time, beyond those at work
LONGEST = 600.0  # seconds slept at most, so that a changed clock is noticed
RECOVERY = 5.0  # seconds after which a community's time goes on that stood still by a fault
AUDITS = 8  # kept as they were last asked for
TOGETHER = 200  # members recorded at a time


@cache
def _beginnings() -> Mapping[str, Mapping[str, str]]:
    """What a whole community can start from: ways to settle disputes alone are none."""
    parts, found = dispute_templates(), {}
    for name, path in templates().items():
        if name not in parts:
            reading = load_reading(reading_beside(path))
            found[name] = {role: cite.quote for role, cite in reading.roles.items()}
    return found


class Hall(FrontDoor):
    """One community, open: a house, and the members who come to it."""

    def __init__(self, bot: Bot) -> None:
        super().__init__(bot.agent, bot.archive, bot.scheduler.wake)
        self.bot, self.zone = bot, bot.memory.community.zone
        self.at_work = 0
        self._audits: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    async def handle(self, request: Request) -> Reply:
        self.at_work += 1
        try:
            return await super().handle(request)
        finally:
            self.at_work -= 1

    async def meet(self, members: Iterable[Member]) -> None:
        """By the hundred, so that many are committed together and nobody waits long."""
        waiting = list(members)
        for n in range(0, len(waiting), TOGETHER):
            await asyncio.gather(*map(self.agent.meet, waiting[n : n + TOGETHER]))

    def members(self) -> Mapping[str, Member]:
        return self.memory.community.platform

    def audit(self, process: int) -> bytes | None:
        """Rendered once for as long as nothing is added: long ones take their time."""
        sql = "select coalesce(max(n), -1) n from events where process = ?"
        last: int = self.memory.projection.query(sql, f"process_{process}")[0]["n"]
        if process not in self._audits or self._audits[process][0] != last:
            made = super().audit(process)
            if made is None:
                return None
            self._audits[process] = last, made
            while len(self._audits) > AUDITS:
                self._audits.popitem(last=False)
        return self._audits[process][1]

    def rules(self) -> tuple[bytes, bytes]:
        """The constitution in force and its reading, as files."""
        document = yaml.safe_dump(
            self.memory.reading().document, sort_keys=False, allow_unicode=True
        )
        return self.memory.constitution().text.encode(), document.encode()

    def doubts(self) -> tuple[str, ...]:
        found = lint(self.memory.reading(), self.memory.constitution())
        return tuple(f"{each.level}: {each.where}: {each.what}" for each in found)

    async def ratify(self, reading: bytes, by: Member) -> str:
        """Puts another reading of the constitution in force; what differs from the one before."""
        before, made = self.memory.reading(), self._sound(reading)
        if made.digest == before.digest:
            raise OperatorError("this reading is in force already")
        now = max(self.agent.clock(), self.memory.engine.last_at or self.agent.clock())
        id = f"ratified:{self.memory.engine.size}"
        told = ratification(before, made, self.memory.community.members, by.name)
        body = Ratified(
            constitution=made.constitution, reading=made.digest, document=made.document,
            effects=news(id, told),
        )  # fmt: skip
        try:
            await self.memory.record(Fact(id=id, at=now, member=by.id, body=body)).durable()
        except Refused as refused:
            raise OperatorError(str(refused)) from None
        write_whole(
            reading_beside(self.bot.folder.constitution(self.bot.settings)), reading.decode()
        )
        publish_checkpoint(self.bot.folder, self.memory)
        self.bot.scheduler.wake()
        found = differences(before, made)
        return f"{len(found)} rules differ: {', '.join(where for where, _, _ in found[:10])}."

    def _sound(self, reading: bytes) -> Reading:
        """A reading as somebody sent it, once nothing keeps it from coming into force."""
        with TemporaryDirectory() as place:
            path = Path(place) / "reading.yaml"
            path.write_bytes(reading)
            made = load_reading(path)
        if found := errors(made, self.memory.constitution()):
            raise OperatorError(f"{found[0].where}: {found[0].what}")
        return made

    def roles(self) -> Mapping[str, str]:
        return {name: cite.quote for name, cite in self.memory.reading().roles.items()}


@dataclass
class _Open:
    """A community that is open, and the task that keeps its time."""

    hall: Hall
    time: asyncio.Task[None]


class Communities:
    """The communities beneath a folder, or the one that `only` names."""

    def __init__(
        self, home: Path, *, only: str = "", clock: Clock = utc_now, model: str = ""
    ) -> None:
        self.home, self.only, self.clock, self.model = home, only, clock, model
        self.listener: Listener | None = None
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}
        self._due: dict[str, str] = {}  # of those that are closed: when each is needed next
        self._woken = asyncio.Event()

    # --- whose is what -----------------------------------------------------------------------

    def folder(self, name: str) -> Path:
        return self.home if self.only else self.home / name

    def known(self) -> tuple[str, ...]:
        if self.only:
            return (self.only,)
        if not self.home.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.home.iterdir() if (p / FILE).is_file()))

    def _has(self, name: str) -> bool:
        if self.only:
            return name == self.only
        return name.isalnum() and (self.folder(name) / FILE).is_file()

    def templates(self) -> Mapping[str, Mapping[str, str]]:
        """What a community can start from: by name, the roles it speaks of and who has them."""
        return _beginnings()

    async def doubts(self) -> list[tuple[str, str]]:
        """What would keep a community from being opened: which, and why."""
        found = []
        for name in self.known():
            try:
                await open_view(self.folder(name)).close()
            except OperatorError as error:
                found.append((name, str(error)))
        return found

    # --- opening and closing -------------------------------------------------------------------

    async def found(self, name: str, title: str, template: str, zone: str) -> Hall:
        """A new community in its folder, open."""
        settings = Settings(name=title[:100] or name, zone=zone)
        await found(self.folder(name), settings, template, self.clock)
        hall = await self.community(name)
        assert hall is not None, f"{name} was just founded"
        return hall

    def is_open(self, name: str) -> bool:
        return name in self._open

    async def community(self, name: str) -> Hall | None:
        """The community of this name, opened if need be; None where there is none."""
        if (kept := self._open.get(name)) is not None:
            self._open.move_to_end(name)
            return kept.hall
        async with self._locks.setdefault(name, asyncio.Lock()):
            if (kept := self._open.get(name)) is not None:
                return kept.hall
            if not self._has(name):
                return None
            return await self._begin(name)

    async def _begin(self, name: str) -> Hall:
        async def deliver(told: Announcement) -> None:
            if self.listener is None:
                raise OSError("nobody listens yet")
            await self.listener.announce(name, told)

        async def act(errand: Errand) -> Acted:
            if self.listener is None:
                raise OSError("nobody listens yet")
            return await self.listener.act(name, errand)

        bot = await open_bot(self.folder(name), deliver, self.clock, self.model, act)
        hall = Hall(bot)
        self._listen(name, bot)
        self._open[name] = _Open(hall, asyncio.create_task(self._keep_time(name, hall)))
        self._due.pop(name, None)
        await self._make_room()
        return hall

    def _listen(self, name: str, bot: Bot) -> None:
        def changed(entry: Entry) -> None:
            bot.archive.mark(entry)
            if self.listener is None:
                return
            if entry.process is not None:
                self.listener.changed(name, int(entry.process.rpartition("_")[2]))
            elif isinstance(entry.body, Ratified):
                self.listener.ruled(name)

        bot.memory.on_change = changed

    async def _keep_time(self, name: str, hall: Hall) -> None:
        """Keeps a community's time; a fault in one does not stop it for ever, nor any other."""
        if self.listener is not None:
            await _watched(name, self.listener.opened(name, hall))
        while True:
            await _watched(name, hall.bot.run())
            await asyncio.sleep(RECOVERY)

    async def _make_room(self) -> None:
        """Closes those unused for longest, as far as they are idle."""
        for name in list(self._open)[: max(0, len(self._open) - MOST_OPEN)]:
            kept = self._open[name]
            if not kept.hall.at_work:
                await self._end(name)

    async def _end(self, name: str) -> None:
        async with self._locks.setdefault(name, asyncio.Lock()):
            kept = self._open.pop(name)
            kept.time.cancel()
            await asyncio.wait({kept.time})
            await kept.hall.bot.close()
        self._note_due(name)

    def due(self, name: str) -> Mapping[int, str]:
        """The deadlines of a community's open processes, without opening it."""
        sql = "select process, due from deadlines"
        if (kept := self._open.get(name)) is not None:
            rows = [tuple(row.values()) for row in kept.hall.memory.projection.query(sql)]
        else:
            try:
                rows = _rows(Folder(self.folder(name)).tables, sql)
            except sqlite3.Error:
                return {}  # it is opened at once, and asked again
        return {int(process.rpartition("_")[2]): due for process, due in rows}

    async def close(self) -> None:
        for name in list(self._open):
            await self._end(name)

    # --- time ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Opens what has something due, when it has; ends when it is cancelled."""
        await asyncio.to_thread(_beginnings)  # read before somebody waits for them
        for name in self.known():
            self._note_due(name)
            await asyncio.sleep(0)
        while True:
            self._woken.clear()
            now = self.clock()
            for name in [n for n, due in self._due.items() if moment(due) <= now]:
                await self._open_due(name)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds()):
                    await self._woken.wait()

    async def _open_due(self, name: str) -> None:
        del self._due[name]
        try:
            await self.community(name)
        except OperatorError as error:
            log.error("%s could not be opened: %s", name, error)

    def _seconds(self) -> float:
        if not self._due:
            return LONGEST
        left = (moment(min(self._due.values())) - self.clock()).total_seconds()
        return min(max(left, 0.01), LONGEST)

    def _note_due(self, name: str) -> None:
        """When a closed community is needed next, from its tables alone."""
        due = next_due(Folder(self.folder(name)))
        if due is not None and name not in self._open:
            self._due[name] = due
            self._woken.set()


async def _watched(name: str, work: Coroutine[Any, Any, None]) -> None:
    """Does something for a community; a fault in it is for the log."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    if (error := task.exception()) is not None:
        log.error("something failed for %s; it goes on", name, exc_info=error)


AT_ONCE = "0001-01-01T00:00:00.000000Z"


def next_due(folder: Folder) -> str | None:
    """The stamp of a closed community's earliest deadline, without opening it.

    Whatever is to be done at once (something to be announced, tables that lack what the ledger
    has, tables that cannot be read) is due at the beginning of time.
    """
    try:
        ((due, waiting, position),) = _rows(
            folder.tables,
            "select (select min(due) from deadlines),"
            " (select count(*) from outbox where done is null), (select n from position)",
        )
        ((last,),) = _rows(folder.ledger, "select max(n) from entries")
    except sqlite3.Error:
        return AT_ONCE
    return AT_ONCE if waiting or position != last else due


def _rows(path: Path, sql: str) -> list[Any]:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return list(db.execute(sql))
    finally:
        db.close()
