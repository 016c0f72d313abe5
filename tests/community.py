"""A community in a folder of its own, on a clock that is set: what tests speak to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from govbot.app import Bot, found, open_bot, verify_folder
from govbot.config import Settings
from govbot.parts import Announcement, Reply
from govbot.records import Entry, Intent, Member, Request, Turned
from govbot.surfaces import answered
from govbot.testing import MemorySurface, SetClock

# Small constitutions with a block and a jury, whatever the shipped templates may become.
SMALL = Path(__file__).parent / "cases" / "constitutions"
CONSENSUS, JURY = str(SMALL / "consensus.md"), str(SMALL / "jury.md")
START = datetime(2026, 2, 8, 18, 30, tzinfo=UTC)


@dataclass
class Town:
    """One open community: `say` speaks as a member, `wait` lets time pass."""

    bot: Bot
    clock: SetClock
    chat: MemorySurface
    said: int = 0
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def member(self, name: str) -> Member:
        roles = self.roles.get(name, ("member",))
        return Member(id=f"local:{name}", name=name, roles=roles)

    async def say(
        self, name: str, text: str = "", action: Intent | None = None, id: str = "",
        about: int | None = None,
    ) -> Reply:  # fmt: skip
        self.said += 1
        request = Request(
            id=id or f"m{self.said}", member=self.member(name), text=text, action=action,
            about=about,
        )  # fmt: skip
        return await answered(request, self.bot.agent.handle)

    async def until(self, moment: datetime) -> None:
        self.clock.set(moment)
        await self.bot.scheduler.settle()

    def process(self, number: int = 1) -> Any:
        return self.bot.memory.get_process(number)

    def votes(self, number: int = 1, kind: str = "vote") -> dict[str, Any]:
        standing = self.process(number).inputs.get(kind) or {}
        return {member: value for member, (value, _) in sorted(standing.items())}

    def entries(self, number: int = 1) -> list[Entry]:
        return self.bot.memory.history(f"process_{number}")

    def refusals(self, number: int = 1) -> list[Turned]:
        return [e.body for e in self.entries(number) if isinstance(e.body, Turned)]

    @property
    def announced(self) -> list[Announcement]:
        return self.chat.announced


def live(
    path: Path,
    script: Callable[[Town], Awaitable[None]],
    template: str = "example",
    people: str = "alice bob carol dave eve",
    roles: dict[str, tuple[str, ...]] | None = None,
    new: bool = True,
    start: datetime = START,
) -> None:
    """Founds (or reopens) a community, has `people` be seen, plays the script, verifies it all."""

    async def play() -> None:
        clock, chat = SetClock(start), MemorySurface()
        if new:
            await found(path, Settings(name="Testers"), template, clock)
        bot = await open_bot(path, chat.announce, clock)
        town = Town(bot, clock, chat, roles=dict(roles or {}))
        for name in people.split():
            await bot.agent.meet(town.member(name))
        try:
            await script(town)
        finally:
            await bot.close()

    asyncio.run(play())
    report = verify_folder(path, [])
    assert report.sound, report.faults
