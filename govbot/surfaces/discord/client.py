"""The connection to Discord, and what keeps it up.

Owns the client, whose events it hands to the front, and the supervisor that makes a new one when
it dies. The token comes from outside and is never written anywhere.
"""

import asyncio
import json
import logging
import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord

from govbot.errors import OperatorError
from govbot.records import stamp
from govbot.surfaces.discord.catchup import missed
from govbot.surfaces.discord.components import Pressed
from govbot.surfaces.discord.front import EVERYWHERE, Front
from govbot.surfaces.discord.ids import Press
from govbot.surfaces.discord.invitation import intents
from govbot.surfaces.discord.sending import NOBODY

log = logging.getLogger(__name__)

BEAT = 10.0  # seconds between two looks at the connection
STEADY = 60.0  # seconds after which a connection counts as having held


class Client(discord.Client):
    """One connection; it holds nothing that the next one needs."""

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(
            intents=intents(),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags(joined=True, voice=False),
            allowed_mentions=NOBODY,
            max_messages=None,
            **options,
        )
        self.front = front
        self._aside: set[asyncio.Task[None]] = set()

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Pressed)
        self.front.session = self

    async def register(self, payload: list[dict[str, Any]], guild: int) -> None:
        """Registers commands, everywhere or in one guild, in place of those known there."""
        app: int = self.application_id or 0
        if guild == EVERYWHERE:
            await self.http.bulk_upsert_global_commands(app, payload)
        else:
            await self.http.bulk_upsert_guild_commands(app, guild, payload)

    async def pressed(self, interaction: discord.Interaction[Any], press: Press) -> None:
        await self.front.pressed(interaction, press)

    # --- events -----------------------------------------------------------------------------------

    async def on_ready(self) -> None:
        """A fresh session: whatever happened since the last one was not told."""
        log.info("ready as %s in %s guilds", self.user, len(self.guilds))
        await self.front.ready()
        for row in self.front.store.guilds():
            guild = self.get_guild(row.guild)
            if guild is not None and row.seen:
                async for message in missed(guild, row.seen, self.front.is_for_me):
                    await self.front.said(message)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self.front.back(guild.id)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        self.front.back(guild.id)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        await self.front.interacted(interaction)

    async def on_message(self, message: discord.Message) -> None:
        if self.front.is_for_me(message):
            await self.front.said(message)
        self.front.seen.heard(message)

    async def on_member_join(self, member: discord.Member) -> None:
        await self.front.desk(member.guild.id).changed(member)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        await self.front.desk(after.guild.id).changed(after)

    async def on_raw_member_remove(self, event: discord.RawMemberRemoveEvent) -> None:
        await self.front.desk(event.guild_id).left(event.user.id)

    async def on_user_update(self, before: discord.User, after: discord.User) -> None:
        for guild in after.mutual_guilds:
            member = guild.get_member(after.id)
            if member is not None:
                await self.front.desk(guild.id).changed(member)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        await self.front.roles_changed(role.guild.id, role.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.front.removed(guild.id)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.front.message_gone(event.message_id)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        for message in event.message_ids:
            self.front.message_gone(message)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        self.front.thread_gone(event.thread_id)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        await self.front.channel_gone(channel)


async def keep_connected(
    front: Front, token: str, health: Path | None = None, again: float = 1.0,
    make: Callable[[Front], Client] = Client,
) -> None:  # fmt: skip
    """Serves until it is cancelled; a connection that dies is made anew, ever more slowly."""
    pause = again
    discord.VoiceClient.warn_dave = discord.VoiceClient.warn_nacl = False  # it does not speak
    while True:
        client, began = make(front), time.monotonic()
        task = asyncio.create_task(client.start(token))
        beat = asyncio.create_task(heartbeat(front, client, health))
        try:
            await asyncio.wait({task})
        finally:
            beat.cancel()
            await front.settle()
            front.seen.keep()
            front.session = None
            await client.close()
            await asyncio.gather(task, beat, return_exceptions=True)
        error = task.exception()
        _give_up_on(error)
        log.error("the connection to Discord died; a new one is made in %.0f s", pause,
                  exc_info=error)  # fmt: skip
        pause = again if time.monotonic() - began > STEADY else min(pause * 2, STEADY)
        await asyncio.sleep(pause)


def _give_up_on(error: BaseException | None) -> None:
    """What no new attempt would mend is for whoever runs the bot."""
    if isinstance(error, discord.LoginFailure):
        raise OperatorError(
            "Discord does not accept DISCORD_TOKEN; copy it again from the application's page, Bot"
        ) from None
    if isinstance(error, discord.PrivilegedIntentsRequired):
        raise OperatorError(
            "the application lacks the intent Server Members, so I could not know who may vote;"
            " switch it on at the application's page, Bot"
        ) from None


async def heartbeat(front: Front, client: Client, health: Path | None) -> None:
    """Notes how far it has come and, while Discord answers, that all is well."""
    while True:
        await asyncio.sleep(BEAT)
        front.seen.keep()
        if health is not None and client.is_ready() and math.isfinite(client.latency):
            write_health(health, client)


def write_health(path: Path, client: Client) -> None:
    """Replaces the file at once, so that who looks never sees half of it."""
    told = {
        "at": stamp(datetime.now(UTC)),
        "guilds": len(client.guilds),
        "latency": round(client.latency, 3),
    }
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(json.dumps(told) + "\n")
        os.replace(beside, path)
    except OSError as error:
        log.error("the health file %s cannot be written: %s", path, error)
