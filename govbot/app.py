"""The one place that names concrete classes: a community's folder becomes a running bot.

Owns founding, opening, viewing and verifying a folder. Everything else gets what it needs from
here.
"""

import asyncio
import difflib
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from govbot.agent import Agent
from govbot.archive import QUIET, Archive, write_whole
from govbot.charter import Reading
from govbot.choosing import Choosing, load_choosing
from govbot.community import news
from govbot.composition import compose
from govbot.config import Folder, Settings, reading_beside
from govbot.constitution import Constitution
from govbot.engines.sqlite import SqliteEngine
from govbot.errors import OperatorError
from govbot.foreseeing import Foreseer
from govbot.house import FrontDoor
from govbot.ledger import Key
from govbot.lint import errors
from govbot.memory import Memory, rebuild
from govbot.parts import Announcement
from govbot.projection import Projection
from govbot.readers import Reader
from govbot.readers.offline import OfflineReader
from govbot.readingfile import load_reading, write_reading
from govbot.records import BOT, Adopted, Body, Entry, Fact, Founded, Ratified, Repaired
from govbot.repairs import BY_HAND, announced
from govbot.scheduler import Act, Deliver, Scheduler
from govbot.swapping import ratification
from govbot.tools.dates import zone_named
from govbot.verify import Report, verify
from govbot.versions import Versions

log = logging.getLogger(__name__)

GOVERNANCE, DISPUTES = "governance", "disputes"  # the two folders of the templates

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Bot:
    """A community's bot, opened for writing. `close` it, so that its last audits are written."""

    folder: Folder
    settings: Settings
    memory: Memory
    agent: Agent
    archive: Archive
    versions: Versions
    scheduler: Scheduler

    @property
    def house(self) -> FrontDoor:
        """This community, as surfaces may know it."""
        return FrontDoor(self.agent, self.archive, self.scheduler.wake)

    async def run(self) -> None:
        """Keeps time, carries out effects and keeps audits true, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.scheduler.run())
            tasks.create_task(self._keep_audits())

    async def _keep_audits(self) -> None:
        while True:
            await asyncio.sleep(QUIET)
            try:
                self.archive.write_quiet()
                self.versions.write_new()
            except OperatorError as error:
                log.error("%s", error)

    async def close(self) -> None:
        self.archive.write_stale()
        self.versions.write_new()
        publish_checkpoint(self.folder, self.memory)
        await self.memory.close()


def publish_checkpoint(folder: Folder, memory: Memory) -> None:
    """Puts the signed checkpoint beside the audits; whoever keeps a copy can prove a rewrite."""
    write_whole(folder.checkpoint, memory.engine.checkpoint())


# --- templates -----------------------------------------------------------------------------


def _shipped(name: str) -> Path:
    """A folder that ships in the wheel and lies beside the package in a checkout."""
    inside = Path(str(resources.files("govbot"))) / name
    return inside if inside.is_dir() else inside.parent.parent / name


def templates() -> dict[str, Path]:
    """Constitutions to start from, by name: the example, forms of government, ways to settle."""
    found = sorted([*_shipped("constitutions").glob("*.md"), *_shipped("templates").glob("*/*.md")])
    return {path.stem: path for path in found if reading_beside(path).is_file()}


def dispute_templates() -> dict[str, Path]:
    """The templates that say how disputes are settled, by name."""
    return {n: path for n, path in templates().items() if path.parent.name == DISPUTES}


def governance_templates() -> dict[str, Path]:
    """The templates that say how a community is governed, by name."""
    return {n: path for n, path in templates().items() if path.parent.name == GOVERNANCE}


def choosing() -> Choosing:
    """What an admin is asked who names no template, and what is recommended."""
    return load_choosing(_shipped("templates") / "choosing.toml")


# --- founding ------------------------------------------------------------------------------


def _quoted(value: object) -> str:
    """As TOML spells it: like JSON, but with every character beyond ASCII as itself."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml(settings: Settings) -> str:
    lines = [f"{name} = {_quoted(value)}" for name, value in (
        ("name", settings.name), ("zone", settings.zone), ("constitution", settings.constitution),
    )]  # fmt: skip
    lines += [
        "",
        "# The local chat (`govbot chat`) has no platform to ask who somebody is, so it asks here.",
        "# The roles of whoever is not named below:",
        f"newcomers = {_quoted(list(settings.newcomers))}",
        "",
        "[members]",
        *(f"{_quoted(name)} = {_quoted(list(r))}" for name, r in settings.members.items()),
    ]
    return "\n".join(lines) + "\n"


def _key_name(name: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "community"
    return f"govbot/{word}"


def _template(name: str, known: Mapping[str, Path], what: str = "template") -> Path:
    """A template by its name, or a constitution by its path, with its reading beside it."""
    if name not in known and name.endswith(".md"):
        return Path(name)  # what is wrong with it is said when it is read
    return _named(name, known, what)


def _named(name: str, known: Mapping[str, Path], what: str = "template") -> Path:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose {', '.join(sorted(known))}"
    raise OperatorError(f"there is no {what} {name!r}; {hint}")


@dataclass(frozen=True)
class _Draft:
    """What a community starts from: two files' contents, and the reading they amount to."""

    text: bytes
    rules: bytes
    reading: Reading


def _drafted(template: str, disputes: str) -> _Draft:
    """A template as it is, or with one for disputes put at its end."""
    source = _template(template, templates())
    if not disputes:
        _, reading = checked(source)
        return _Draft(source.read_bytes(), reading_beside(source).read_bytes(), reading)
    second = _template(disputes, dispute_templates(), "template for disputes")
    parts = checked(source), checked(second)
    try:
        constitution, reading = compose(*parts)
    except OperatorError as error:
        named = f"{source.stem} and {second.stem}"
        raise OperatorError(f"{named} cannot be put together: {error}") from None
    said = f"What {source.stem} and {second.stem} mean together, as data."
    rules = write_reading(reading, f"{said} Every rule quotes the words it rests on.")
    return _Draft(constitution.text.encode(), rules.encode(), reading)


def drafted(template: str, disputes: str) -> tuple[Constitution, Reading]:
    """A template by its name or path, with one for disputes at its end if that is named."""
    draft = _drafted(template, disputes)
    return Constitution(draft.text.decode()), draft.reading


def _shipped_draft(template: str, disputes: str) -> tuple[Constitution, Reading]:
    """`drafted` for whoever names it in chat: no file of this machine, only what is shipped."""
    _named(template, templates())
    return drafted(template, disputes)


def unfounded(path: Path) -> Folder:
    """The folder, if no community is in it yet."""
    folder = Folder(path)
    if folder.ledger.exists() or folder.settings_file.exists():
        raise OperatorError(f"{path} already is a community's folder; choose another")
    return folder


async def found(
    path: Path, settings: Settings, template: str, clock: Clock = utc_now, first_number: int = 1,
    disputes: str = "",
) -> Folder:  # fmt: skip
    """Makes a community's folder from a template (by name, or by its path): files, key, entries.

    With `disputes` a template for these is put at its end. Where the settings give newcomers to the
    local chat no role, they get the first one that the reading declares.
    """
    folder = unfounded(path)
    target = folder.constitution(settings)
    zone_named(settings.zone)
    draft = _drafted(template, disputes)
    roles = settings.newcomers or tuple(draft.reading.roles)[:1]
    settings = settings.model_copy(update={"newcomers": roles})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.private.mkdir(mode=0o700, exist_ok=True)
        target.write_bytes(draft.text)
        reading_beside(target).write_bytes(draft.rules)
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}") from None
    key = Key.create(folder.key, _key_name(settings.name))
    write_whole(folder.settings_file, _toml(settings))
    await _enact(folder, settings, key, clock, first_number)
    return folder


async def _enact(
    folder: Folder, settings: Settings, key: Key, clock: Clock, first_number: int
) -> None:
    """Founds the ledger and puts the constitution and its reading in force."""
    constitution, reading = checked(folder.constitution(settings))
    memory = Memory(SqliteEngine.open(folder.ledger, key), Projection(folder.tables))
    bodies: tuple[tuple[str, Body], ...] = (
        ("founded", Founded(
            name=settings.name, vkey=key.vkey, first_number=first_number, zone=settings.zone,
        )),
        ("adopted", Adopted(constitution=constitution.digest, text=constitution.text)),
        ("ratified", Ratified(
            constitution=constitution.digest, reading=reading.digest, document=reading.document,
            provisional=bool(reading.drafted_by),
        )),
    )  # fmt: skip
    for id, body in bodies:
        await memory.record(Fact(id=id, at=clock(), member=BOT, body=body)).durable()
    Archive(memory, folder.audits).write_index()
    publish_checkpoint(folder, memory)
    await memory.close()


def checked(path: Path) -> tuple[Constitution, Reading]:
    """A constitution and its reading, once nothing in them keeps them from coming into force."""
    constitution, reading = Constitution.load(path), load_reading(reading_beside(path))
    if found := errors(reading, constitution):
        raise OperatorError(
            f"{reading_beside(path).name}, {found[0].where}: {found[0].what};"
            f" `govbot constitution lint` shows all {len(found)} errors"
        )
    return constitution, reading


async def ratify(path: Path, by: str, clock: Clock = utc_now) -> tuple[str, str]:
    """Puts the reading on disk in force, in the name of `by`; returns the old and the new digest.

    The constitution in force stays what it is: a reading of another text is refused.
    """
    folder = Folder(path)
    settings = folder.settings()
    _, reading = checked(folder.constitution(settings))
    memory = Memory(_ledger(folder), Projection(folder.tables))
    try:
        before, provisional = memory.community.reading, memory.community.provisional
        if before == reading.digest and not provisional:
            raise OperatorError("this reading is in force already; nothing was changed")
        who = " ".join(by.split())[:200]
        if not who:
            raise OperatorError("nobody is named; say who ratified it with --by")
        now = max(clock(), memory.engine.last_at or clock())
        id, old = f"ratified:{memory.engine.size}", memory.reading()
        body = Ratified(
            constitution=reading.constitution, reading=reading.digest, document=reading.document,
            effects=news(id, ratification(old, reading, memory.community.members, who)),
        )  # fmt: skip
        fact = Fact(id=id, at=now, member=f"by:{who}", body=body)
        await memory.record(fact).durable()
        publish_checkpoint(folder, memory)
    finally:
        await memory.close()
    return before, reading.digest


async def repair(path: Path, asked: Repaired, by: str, clock: Clock = utc_now) -> Entry:
    """Forces a repair in the name of `by`; one to adopt takes the files as they are on disk."""
    folder = Folder(path)
    settings, who = folder.settings(), " ".join(by.split())[:200]
    memory = Memory(_ledger(folder), Projection(folder.tables))
    try:
        parts = _to_adopt(folder, settings) if asked.act == "adopt" else ()
        if parts:
            said = {"constitution": parts[0].constitution, "reading": parts[1].reading}
            asked = asked.model_copy(update=said)
        bodies: list[Body] = [announced(asked, f"repaired:{memory.engine.size}", who), *parts]
        in_force = memory.community.constitution
        entries = [
            await _forced(memory, body, who, clock)
            for body in bodies
            if not (isinstance(body, Adopted) and body.constitution == in_force)
        ]
        Versions(memory, folder.constitution(settings)).write()
        publish_checkpoint(folder, memory)
    finally:
        await memory.close()
    return entries[0]


def _to_adopt(folder: Folder, settings: Settings) -> tuple[Adopted, Ratified]:
    constitution, reading = checked(folder.constitution(settings))
    adopted = Adopted(constitution=constitution.digest, text=constitution.text)
    ratified = Ratified(
        constitution=constitution.digest, reading=reading.digest, document=reading.document
    )
    return adopted, ratified


async def _forced(memory: Memory, body: Body, who: str, clock: Clock) -> Entry:
    """One entry of a repair; what it puts in force says what was in force before."""
    now = max(clock(), memory.engine.last_at or clock())
    before = {"adopted": memory.community.constitution, "ratified": memory.community.reading}
    if body.kind in before:
        body = body.model_copy(update={"instead": before[body.kind]})
    id = f"repaired:{memory.engine.size}"
    fact = Fact(id=id, at=now, member=f"{BY_HAND}{who}", body=body)
    return await memory.record(fact).durable()


# --- opening -------------------------------------------------------------------------------


def _ledger(folder: Folder) -> SqliteEngine:
    """The ledger for writing. One that is missing is not begun again: it held everything."""
    if not folder.ledger.is_file():
        raise OperatorError(f"there is no ledger at {folder.ledger}; restore it from a backup")
    return SqliteEngine.open(folder.ledger, Key.load(folder.key))


def open_memory(folder: Folder) -> Memory:
    """A community's memory for writing, for a command that changes what is in force."""
    folder.settings()
    return Memory(_ledger(folder), Projection(folder.tables))


def reader_for(folder: Folder, settings: Settings, clock: Clock, model: str = "") -> Reader:
    """The reader the settings (or `model`) name; without a model it reads phrases alone."""
    phrases, chosen = OfflineReader(), settings.model
    name = model or chosen.reads
    if name in ("", phrases.name):
        return phrases
    from govbot.llm.named import provider_named
    from govbot.llm.usage import Limited, UsageLog
    from govbot.readers.model import ModelReader

    spent = UsageLog(folder.usage, chosen.prices)
    provider, *others = (
        Limited(provider_named(each, os.environ), spent, chosen.monthly_limit, clock)
        for each in (name, *chosen.also)
    )
    if chosen.agree > 1 + len(others):
        raise OperatorError(
            f"[model] asks for {chosen.agree} readers that agree and names {1 + len(others)};"
            " name more under `also`, or lower `agree`"
        )
    return ModelReader(provider, phrases, chosen.window, others, chosen.agree)


def measured_readers(
    model: str, record: Path | None, replay: Path | None
) -> tuple[Callable[[], Reader], Callable[[], int]]:
    """A maker of readers, and what all of them have read and written in tokens so far."""
    from govbot.llm.named import provider_named
    from govbot.llm.recorded import Recorder, Tape
    from govbot.readers.model import Metered, ModelReader

    if not model and replay is None:
        return OfflineReader, lambda: 0
    provider = Tape(replay) if replay is not None else provider_named(model, os.environ)
    metered = Metered(Recorder(provider, record) if record is not None else provider)
    return lambda: ModelReader(metered, OfflineReader()), lambda: metered.tokens


async def open_bot(
    path: Path, deliver: Deliver, clock: Clock = utc_now, model: str = "", act: Act | None = None
) -> Bot:
    """A community's bot, the only one writing to this folder. `model` beats the settings'."""
    folder = Folder(path)
    settings = folder.settings()
    engine = _ledger(folder)
    try:
        memory = Memory(engine, Projection(folder.tables))
    except OperatorError:
        await engine.close()
        raise
    _warn(folder, settings, memory, clock)
    reader, foreseer = reader_for(folder, settings, clock, model), Foreseer(folder, memory)
    agent = Agent(memory, reader, clock, _shipped_draft, foreseer)
    archive = Archive(memory, folder.audits)
    archive.write(archive.behind())
    versions = Versions(memory, folder.constitution(settings))
    versions.write()
    scheduler = Scheduler(agent, deliver, act)
    return Bot(folder, settings, memory, agent, archive, versions, scheduler)


def _warn(folder: Folder, settings: Settings, memory: Memory, clock: Clock) -> None:
    """Says what an operator should know before members notice."""
    path = folder.constitution(settings)
    try:
        on_disk = Constitution.load(path).digest
    except OperatorError as error:
        log.warning("%s; the constitution in the ledger stays in force", error)
    else:
        if on_disk != memory.community.constitution:
            log.warning(
                "%s is not the constitution in force (%s); the one in the ledger goes on to hold",
                path, memory.community.constitution,
            )  # fmt: skip
    last = memory.engine.last_at
    if last is not None and clock() < last:
        log.warning(
            "the clock says %s, before the last entry (%s); entries keep that time until it"
            " catches up; set the clock right", clock(), last,
        )  # fmt: skip


async def undelivered(told: Announcement) -> None:
    """For commands with nobody to tell: the announcement waits for the bot."""
    raise OSError("no chat is open")


def open_view(path: Path) -> Memory:
    """A community as it stands, for commands that only look; a running bot is not disturbed."""
    folder = Folder(path)
    folder.settings()
    # The tables first: those of a bot at work are never ahead of its ledger.
    tables = Projection(folder.tables, read_only=True)
    return Memory(SqliteEngine.reading(folder.ledger), tables)


async def rebuild_tables(path: Path) -> int:
    """Makes the tables anew from the ledger; returns how many entries it read."""
    folder = Folder(path)
    folder.settings()
    engine = _ledger(folder)
    for name in (folder.tables.name, f"{folder.tables.name}-wal", f"{folder.tables.name}-shm"):
        (folder.private / name).unlink(missing_ok=True)
    projection = Projection(folder.tables)
    count = rebuild(engine, projection)
    projection.close()
    await engine.close()
    return count


def _checkpoint(engine: SqliteEngine) -> str:
    try:
        return engine.checkpoint()
    except OperatorError:
        return ""  # that it is missing is for the report to say


def _tables(folder: Folder) -> Projection | OperatorError:
    try:
        return Projection(folder.tables, read_only=True)
    except OperatorError as error:
        return error  # that they cannot be read is for the report to say


def verify_folder(
    path: Path, kept: list[Path], progress: Callable[[int], None] = lambda n: None, vkey: str = ""
) -> Report:
    """Checks a community's folder; OperatorError where it cannot even be read.

    `vkey` is the key known to sign its ledger; where it is not given, the folder's own key is.
    """
    folder = Folder(path)
    tables = _tables(folder)  # before the ledger: those of a bot at work are never ahead of it
    engine = SqliteEngine.reading(folder.ledger)
    notes = [(str(path), path) for path in kept]
    if folder.checkpoint.is_file():
        notes.append((f"audits/{folder.checkpoint.name}", folder.checkpoint))
    try:
        texts = [(name, path.read_text()) for name, path in notes]
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"a checkpoint cannot be read: {error}") from None
    return verify(
        engine.read(),
        checkpoint=_checkpoint(engine),
        misfiled=engine.misfiled(),
        vkey=vkey or (Key.load(folder.key).vkey if folder.key.is_file() else ""),
        kept=texts,
        projection=tables,
        audits=folder.audits,
        history=lambda id: [data for _, data in engine.read(process=id)],
        progress=progress,
    )
