"""A bot that only listens: the real client, with all it was told kept for a test to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from fake_discord.client import discord
from fake_discord.server import FakeDiscord

# Sent for every frame, so they would drown the rest.
NOISE = ("socket_event_type", "socket_raw_receive")


class Listener(discord.Client):
    """Keeps every event with what came with it, in order."""

    def __init__(self, intents: discord.Intents | None = None, **options: Any) -> None:
        options.setdefault("guild_ready_timeout", 0.05)
        super().__init__(intents=intents or discord.Intents.all(), **options)
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.tree = discord.app_commands.CommandTree(self)
        self.running: asyncio.Task[None] | None = None

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        if event not in NOISE:
            self.events.append((event, args))
        super().dispatch(event, *args, **kwargs)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The client would wait five seconds before it identifies again."""

    def heard(self, event: str) -> list[tuple[Any, ...]]:
        return [args for name, args in self.events if name == event]

    async def hears(self, event: str, times: int = 1, timeout: float = 5) -> tuple[Any, ...]:
        """What came with the latest event of a name, once it came that often in all."""
        async with asyncio.timeout(timeout):
            while len(self.heard(event)) < times:
                await asyncio.sleep(0.005)
        return self.heard(event)[-1]

    def place(self, channel: dict[str, Any]) -> Any:
        """A channel, or a thread, as the client knows it."""
        return self.get_channel(int(channel["id"]))


@asynccontextmanager
async def online(fake: FakeDiscord, bot: discord.Client) -> AsyncIterator[discord.Client]:
    """The bot from its start until it is ready, to its end."""
    with fake.redirect_discord_py():
        running = asyncio.create_task(bot.start(fake.token))
        ready = asyncio.create_task(_ready(bot))
        if isinstance(bot, Listener):
            bot.running = running
        try:
            done, _ = await asyncio.wait(
                (running, ready), timeout=10, return_when=asyncio.FIRST_COMPLETED
            )
            assert ready in done, running.exception() if running in done else "it is not ready"
            yield bot
        finally:
            ready.cancel()
            await bot.close()
            with suppress(Exception, asyncio.CancelledError):
                await running


async def _ready(bot: discord.Client) -> None:
    while not bot.is_ready():
        await asyncio.sleep(0.005)


Script = Callable[[FakeDiscord, Any], Awaitable[None]]


async def refused(attempt: Awaitable[Any], status: int, code: int) -> None:
    """Sees that something fails, with exactly that answer of Discord."""
    try:
        await attempt
    except discord.HTTPException as error:
        assert (error.status, error.code) == (status, code), error
    else:
        raise AssertionError("it was not refused")


def run(script: Coroutine[Any, Any, None]) -> None:
    """Runs a script for twenty seconds at most: what hangs fails."""

    async def whole() -> None:
        async with asyncio.timeout(20):
            await script

    asyncio.run(whole())


def play(script: Script, bot: discord.Client | None = None, **options: Any) -> None:
    """Runs a script against a new server with a bot on it."""

    async def whole() -> None:
        async with FakeDiscord(**options) as fake, online(fake, bot or Listener()) as running:
            await script(fake, running)

    run(whole())
