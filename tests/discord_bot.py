"""A bot serving a loopback Discord on a clock that is set: what the Discord tests speak to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fake_discord import FakeDiscord, Guild, Json, Person, text_of
from fake_discord.world import DISCORD_EPOCH_MS

from govbot.app import found, verify_folder
from govbot.communities import Communities, Hall
from govbot.config import Settings
from govbot.discord_commands import serve
from govbot.surfaces.discord.client import Client, keep_connected
from govbot.surfaces.discord.front import Front
from govbot.surfaces.discord.homes import Pace
from govbot.surfaces.discord.store import Store
from govbot.testing import SetClock

QUICK = Pace(settle=0.02, between=0.0, again=0.05, reminding=0.0)


class TimedDiscord(FakeDiscord):
    """Its ids tell when they were made, as Discord's do."""

    def snowflake(self) -> str:
        made = max(int(time.time() * 1000) - DISCORD_EPOCH_MS, getattr(self, "_last_ms", 0) + 1)
        self._last_ms = made
        return str(made << 22)


class QuickClient(Client):
    """A client that does not wait seconds: for guilds that will not come, before a new session."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        pass


def quick(front: Front) -> Client:
    return QuickClient(front, guild_ready_timeout=0.02)


@dataclass
class Service:
    """The bot as it runs: started, stopped and started again on the same folder."""

    fake: FakeDiscord
    home: Path
    clock: SetClock = field(default_factory=lambda: SetClock(datetime.now(UTC)))
    pace: Pace = QUICK
    people: dict[str, Person] = field(default_factory=dict)
    make: Callable[[Front], Client] = quick
    task: asyncio.Task[None] | None = None

    # --- running -------------------------------------------------------------------------------

    async def start(self) -> None:
        self.communities = Communities(self.home, clock=self.clock)
        self.front = Front(self.communities, Store(self.home / "discord.db"), self.pace, self.clock)
        connection = keep_connected(self.front, self.fake.token, again=0.01, make=self.make)
        self.task = asyncio.create_task(serve(self.communities, self.front, connection))
        await self.until(lambda: self.front.session and self.front.session.is_ready())
        await self.until(lambda: self.front.store.guild(0).commands)

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.task = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def until(self, happened: Callable[[], Any], timeout: float = 5) -> Any:
        ends = asyncio.get_running_loop().time() + timeout
        while not (found := happened()):
            if self.task is not None and self.task.done():
                self.task.result()
            if asyncio.get_running_loop().time() > ends:
                raise TimeoutError("it did not happen")
            await asyncio.sleep(0.005)
        return found

    # --- a community ---------------------------------------------------------------------------

    async def found(
        self, template: str = "example", first: int = 1, guild: Guild | None = None, **roles: str
    ) -> None:
        """Founds a guild's community, with its roles mapped and its channel chosen."""
        home = guild or self.fake.guild
        folder = self.home / home.id
        await found(folder, Settings(name=home.name), template, self.clock, first)
        store = Store(self.home / "discord.db")
        store.set_guild(int(home.id), channel=int(home.channel["id"]))
        for name, role in (roles or {"member": home.id}).items():
            store.map_roles(int(home.id), name, [int(role)])
        store.close()

    async def hall(self, guild: Guild | None = None) -> Hall:
        hall = await self.communities.community((guild or self.fake.guild).id)
        assert hall is not None
        return hall

    def join(self, names: str, *roles: str) -> None:
        for name in names.split():
            self.people[name] = self.fake.person(name, list(roles))

    async def wait(self, **by: float) -> None:
        """Lets time pass, and what falls due in it happen."""
        self.clock.advance(timedelta(**by))
        for kept in self.communities._open.values():
            kept.hall.bot.scheduler.wake()
        self.communities._woken.set()
        self.front.reminders._woken.set()

    # --- what is seen --------------------------------------------------------------------------

    @property
    def mention(self) -> str:
        return f"<@{self.fake.bot['id']}>"

    async def says(self, name: str, text: str, channel: Json | None = None) -> Json:
        """Somebody mentions the bot; its answer."""
        where = channel or self.fake.channel
        said = await self.people[name].say(where, f"{self.mention} {text}")
        return await self.answer_to(said)

    async def answer_to(self, said: Json) -> Json:
        def answered() -> Json | None:
            posts = self.fake.posts(self.fake.channels[said["channel_id"]])
            about = (
                p
                for p in posts
                if (p.get("message_reference") or {}).get("message_id") == said["id"]
            )
            return next(about, None)

        found: Json = await self.until(answered)
        return found

    def cards(self, guild: Guild | None = None) -> list[Json]:
        posts = self.fake.posts((guild or self.fake.guild).channel)
        return [post for post in posts if post["embeds"]]

    async def card(self, number: int = 1) -> Json:
        def hung() -> Json | None:
            home = self.front.store.home(int(self.fake.guild_id), number)
            return self.fake.messages.get(str(home.message)) if home and home.message else None

        found: Json = await self.until(hung)
        return found

    async def thread(self, number: int = 1) -> Json:
        def there() -> Json | None:
            home = self.front.store.home(int(self.fake.guild_id), number)
            return self.fake.channels.get(str(home.thread)) if home and home.thread else None

        found: Json = await self.until(there)
        return found

    async def shows(self, number: int, words: str) -> Json:
        """Waits until a card says something."""

        async def once() -> Json:
            return await self.card(number)

        card = await once()
        await self.until(lambda: words in text_of(self.fake.messages.get(card["id"], card)))
        return card


def live(
    path: Path, script: Callable[[Service], Awaitable[None]], *, template: str = "example",
    first: int = 1, people: str = "alice bob carol dave eve", started: bool = True,
    sound: bool = True, **options: Any,
) -> None:  # fmt: skip
    """Plays a script against a bot on a loopback Discord, and verifies what it recorded."""

    async def play() -> None:
        async with TimedDiscord(**options) as fake:
            service = Service(fake, path)
            role = fake.add_role("Member")
            service.join(people, role)
            with fake.redirect_discord_py():
                await service.found(template, first, member=role)
                if started:
                    await service.start()
                try:
                    await script(service)
                finally:
                    if service.task is not None:
                        await service.stop()

    asyncio.run(play())
    for folder in path.iterdir():
        if sound and (folder / "govbot.toml").is_file():
            report = verify_folder(folder, [])
            assert report.sound, report.faults
