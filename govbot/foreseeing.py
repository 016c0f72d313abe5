"""The rehearsal of an amendment beside a bot at work.

Owns where it is played: in a thread while there is little to play, else by `govbot rehearse` in a
process of its own, so that nobody else waits. Promises an answer in time, if only that there is
none, that no fault in it holds up an amendment, and that one is played at a time.
"""

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from govbot.adopting import running
from govbot.amendments import applied
from govbot.charter import Reading
from govbot.config import Folder, reading_beside
from govbot.constitution import Constitution
from govbot.errors import GovbotError, MemberError
from govbot.foresight import foresee, summary
from govbot.ledger import read_entry
from govbot.memory import Memory
from govbot.readingfile import write_reading
from govbot.records import Amendment, Member
from govbot.rehearsal import Rules
from govbot.swapping import in_short, preview

MOST_BESIDE = 500  # entries that are played in a thread: well under a second
LONGEST = 120.0  # seconds
NOT_REHEARSED = (
    "What this would have changed could not be rehearsed; `govbot rehearse` at the machine tells"
    " more, and takes as long as it needs."
)
# Whatever it is, the amendment itself is not held up by it.
FAULTS = (GovbotError, OSError, ValueError, ArithmeticError, LookupError, RuntimeError)
log = logging.getLogger(__name__)


class Foreseer:
    """Rehearses amendments of one community; what it tells is for voters."""

    def __init__(self, folder: Folder, memory: Memory) -> None:
        self.folder, self.memory = folder, memory
        self._alone = asyncio.Lock()

    async def __call__(self, amendment: Amendment, waits: bool) -> tuple[str, ...]:
        """What people should know of an amendment; without `waits`, MemberError while it is busy.

        An amendment of another version than the one in force is not rehearsed.
        """
        constitution = self.memory.constitution()
        if amendment.base != constitution.digest:
            return ()
        if self._alone.locked() and not waits:
            raise MemberError("another change is being rehearsed; say it again in a minute")
        text = applied(constitution.text, amendment)
        brought = Reading.model_validate(amendment.reading) if amendment.reading else None
        async with self._alone:
            try:
                async with asyncio.timeout(LONGEST):
                    return *self._swapped(brought), *await self._told(text, brought)
            except TimeoutError:
                log.warning("rehearsing an amendment took longer than %.0f seconds", LONGEST)
            except FAULTS:
                log.exception("an amendment could not be rehearsed")
        return (NOT_REHEARSED,)

    def _swapped(self, brought: Reading | None) -> Iterator[str]:
        """What another reading takes away and brings."""
        if brought is not None:
            members = self.memory.community.members
            old, going_on = self.memory.reading(), running(self.memory)
            yield from in_short(preview(old, brought, (), going_on, members))

    async def _told(self, text: str, brought: Reading | None) -> list[str]:
        if self.memory.engine.size > MOST_BESIDE:
            return await self._apart(text, brought)
        # Texts keep what they have looked up, so the thread has its own.
        base, reading = self.memory.constitution().text, self.memory.reading()
        members = tuple(self.memory.community.members.values())
        entries = [data for _, data in self.memory.engine.read()]
        return await asyncio.to_thread(_played, entries, base, reading, text, brought, members)

    async def _apart(self, text: str, brought: Reading | None) -> list[str]:
        with TemporaryDirectory(prefix="govbot-") as place:
            amended = Path(place) / "amended.md"
            amended.write_bytes(text.encode())
            command = ["rehearse", str(amended), "--dir", str(self.folder.path), "--short"]
            if brought is not None:
                beside = reading_beside(amended)
                beside.write_text(write_reading(brought, "Brought along."), encoding="utf-8")
                command += ["--reading", str(beside)]
            return (await _printed(command)).splitlines()


def _played(
    entries: list[bytes], base: str, reading: Reading, text: str, brought: Reading | None,
    members: tuple[Member, ...],
) -> list[str]:  # fmt: skip
    before = Rules(reading, Constitution(base))
    seen = foresee(map(read_entry, entries), before, Constitution(text), brought, members)
    return summary(seen)


async def _printed(command: list[str]) -> str:
    """What `govbot` prints; OSError where it says that something is wrong."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "govbot", *command, stdout=pipe, stderr=pipe
    )  # with -P no file of the folder the bot runs in is taken for a module
    try:
        out, wrong = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise
    if not out:
        raise OSError(wrong.decode(errors="replace").strip() or "it ended without a word")
    return out.decode()
