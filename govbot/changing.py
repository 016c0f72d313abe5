"""Putting another constitution in force at the machine, and proposing an amendment from there.

Owns what `govbot constitution swap` and `adopt` and `govbot amend` do: which text and reading are
meant, the preview, the entries in somebody's name. Whether anything is allowed is the kernel's.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from govbot import app
from govbot.adopting import enact, running
from govbot.carrying import Adoption
from govbot.charter import Reading
from govbot.community import BY_HAND
from govbot.config import Folder, reading_beside
from govbot.constitution import Constitution
from govbot.errors import OperatorError, Refused
from govbot.lint import errors
from govbot.memory import Memory
from govbot.parts import Reply
from govbot.proposing import as_field, from_copy
from govbot.readingfile import load_reading
from govbot.records import Manage, Member, Open, Request
from govbot.rereading import reread
from govbot.swapping import Preview, announced, preview
from govbot.versions import Versions, named

MOVED = "moved to the rules of another constitution, by explicit choice"


@dataclass(frozen=True)
class Swap:
    """A swap that has been looked at and not yet made."""

    before: Constitution
    after: Constitution
    found: Adoption
    preview: Preview


def planned(memory: Memory, which: str, disputes: str = "") -> Swap:
    """What would come into force: a template's name, a path, a version's number or digest."""
    constitution, reading = _meant(memory, which, disputes)
    old = memory.reading()
    # Nobody votes on it here, so no rule takes over a new number by itself.
    kept = reread(old, memory.constitution(), constitution, numbers=False)
    if reading is None:
        found = Adoption(constitution, kept.reading, kept.stale)
    else:
        found = Adoption(constitution, reading, ())
    told = preview(old, found.reading, found.stale, running(memory), memory.community.members)
    return Swap(memory.constitution(), constitution, found, told)


def _meant(memory: Memory, which: str, disputes: str) -> tuple[Constitution, Reading | None]:
    """The text, and its reading where one goes with it; without one, what still stands is kept."""
    if which in app.templates() or disputes:
        text, reading = app.drafted(which, disputes)
        return text, reading
    path = Path(which)
    if path.is_file():
        constitution = Constitution.load(path)
        return constitution, _beside(path, constitution)
    if which.endswith(".md"):
        raise OperatorError(f"there is no file {which!r}; write it or correct the path")
    try:
        version = named(memory, which)
    except OperatorError:
        app.drafted(which, "")  # says which template's name is near
        raise
    return Constitution(version.body.text), _ratified(memory, version.body.constitution)


def _beside(path: Path, constitution: Constitution) -> Reading | None:
    """The reading beside a file if it is of that text; then it must be sound."""
    beside = reading_beside(path)
    reading = load_reading(beside) if beside.is_file() else None
    if reading is None or reading.constitution != constitution.digest:
        return None
    if found := errors(reading, constitution):
        raise OperatorError(
            f"{beside.name} says what the text does not: {found[0].where}: {found[0].what}"
        )
    return reading


def _ratified(memory: Memory, constitution: str) -> Reading | None:
    """The reading that was last in force with this text."""
    sql = "select digest from rules where kind = 'ratified' order by n desc"
    for row in memory.projection.query(sql):
        reading = memory.reading(row["digest"])
        if reading.constitution == constitution:
            return reading
    return None


async def swap(
    folder: Path, which: str, by: str, disputes: str = "", move: Sequence[int] = (),
    clock: app.Clock = app.utc_now,
) -> Swap:  # fmt: skip
    """Puts it in force in the name of `by`; what runs keeps its rules, but for what is moved."""
    who = " ".join(by.split())[:200]
    if not who:
        raise OperatorError("nobody is named; say in whose name with --by")
    home = Folder(folder)
    memory = app.open_memory(home)
    try:
        plan = planned(memory, which, disputes)
        now = max(clock(), memory.engine.last_at or clock())
        if plan.after.digest == plan.before.digest:
            raise OperatorError("this text is in force already; `ratify` is for another reading")
        files = Versions(memory, home.constitution(home.settings()))
        for number in move:
            await _moved(memory, number, who, now)
        before = memory.constitution(), memory.reading()
        told = announced(plan.preview, plan.after.title, who)
        await enact(memory, plan.found, before, now, member=f"{BY_HAND}{who}", told=told)
        files.write_new()
        app.publish_checkpoint(home, memory)
    finally:
        await memory.close()
    return plan


async def _moved(memory: Memory, number: int, who: str, now: datetime) -> None:
    """Cancels a running process where its own charter lets this member do that."""
    member = _member(memory, who)
    manage = Manage(process=number, act="cancel", reason=MOVED)
    fact = memory.managing(manage, member.id, now, f"moved:{number}:{memory.engine.size}")
    try:
        await memory.record(fact).durable()
    except Refused as refused:
        raise OperatorError(
            f"process {number} cannot be moved: {'; '.join(refused.objections)}; it finishes under"
            " its old rules"
        ) from None


def _member(memory: Memory, who: str) -> Member:
    found = [m for m in memory.community.members.values() if who in (m.id, m.name)]
    if len(found) != 1:
        raise OperatorError(
            f"{who!r} is no member here, and only a member can move a process; leave --move out"
        )
    return found[0]


async def propose(
    folder: Path, edited: Path, member: str, type: str, title: str, bring: bool,
    clock: app.Clock = app.utc_now,
) -> Reply:  # fmt: skip
    """Opens an amendment in a member's name, from an edited copy of the constitution in force."""
    copy = Constitution.load(edited)
    bot = await app.open_bot(folder, app.undelivered, clock)
    try:
        reading = _beside(edited, copy) if bring else None
        if bring and reading is None:
            raise OperatorError(f"there is no reading of this text beside {edited}; write it first")
        who = _known(bot, member)
        amendment = as_field(from_copy(bot.memory.constitution(), copy, reading))
        fields = _fields(bot, type, title, edited, amendment)
        request = Request(
            id=f"local:{uuid.uuid4()}", member=who, action=Open(type=type, fields=fields)
        )
        return await bot.agent.handle(request)
    finally:
        await bot.close()


def _known(bot: app.Bot, name: str) -> Member:
    roles = bot.settings.members.get(name)
    if roles is not None:
        return Member(id=f"local:{name}", name=name, roles=roles)
    found = [m for m in bot.memory.community.platform.values() if name in (m.id, m.name)]
    if len(found) != 1:
        raise OperatorError(f"{name!r} is no member here; name somebody who has said something")
    return found[0]


def _fields(
    bot: app.Bot, type: str, title: str, edited: Path, amendment: dict[str, object]
) -> dict[str, object]:
    """The charter's fields: the amendment in its own, the title in the one it is named after."""
    charters = bot.memory.community.charters
    able = [name for name, charter in charters.items() if charter.amends]
    if type not in able:
        known = ", ".join(able) or "none: nothing amends this constitution"
        raise OperatorError(f"{type!r} amends nothing here; what does: {known}")
    charter = charters[type]
    fields: dict[str, object] = {
        name: amendment for name, rule in charter.fields.items() if rule.type == "amendment"
    }
    if charter.named_after and charter.named_after not in fields:
        fields[charter.named_after] = title or edited.stem
    return fields


def found_version(folder: Path, which: str) -> Constitution:
    """A constitution by its path, or a version of the ledger by number or digest."""
    if Path(which).is_file():
        return Constitution.load(Path(which))
    return Constitution(named(app.open_view(folder), which).body.text)
