"""The connection to Discord: its events become requests, and nothing it does goes unanswered.

Owns the client and the desks of its guilds.
"""

import asyncio
import logging
import re
from typing import Any

import discord

from govbot.records import Announcement
from govbot.surfaces.discord import buttons
from govbot.surfaces.discord.components import Pressed
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.guilds import Communities, Community
from govbot.surfaces.discord.homes import Homes, Pace
from govbot.surfaces.discord.ids import Press
from govbot.surfaces.discord.members import is_person
from govbot.surfaces.discord.sending import NOBODY, Answer, Said, reply
from govbot.surfaces.discord.store import Store

log = logging.getLogger(__name__)


def intents() -> discord.Intents:
    """What the bot must hear of: guilds, who is in them, what is said to it."""
    return discord.Intents(
        guilds=True, members=True, guild_messages=True, dm_messages=True
    )


class Front:
    """All guilds of one bot, whichever client serves them now."""

    def __init__(self, communities: Communities, store: Store, pace: Pace) -> None:
        self.communities, self.store = communities, store
        self.client: Client | None = None
        self.homes = Homes(store, self, pace)
        self._desks: dict[int, Desk] = {}
        communities.listener = self

    def desk(self, guild: int) -> Desk:
        if guild not in self._desks:
            self._desks[guild] = Desk(guild, self, self.communities, self.store, self.homes)
        return self._desks[guild]

    # --- what homes and desks ask ---------------------------------------------------------------

    def guild(self, id: int) -> discord.Guild | None:
        return self.client.get_guild(id) if self.client and self.client.is_ready() else None

    async def community(self, id: int) -> Community | None:
        return await self.communities.community(str(id))

    # --- what communities tell ------------------------------------------------------------------

    async def opened(self, guild: str, community: Community) -> None:
        await self.desk(int(guild)).meet(community)
        for card in community.open():
            self.homes.mark(int(guild), card.process)

    def changed(self, guild: str, process: int) -> None:
        self.homes.mark(int(guild), process)

    async def announce(self, guild: str, told: Announcement) -> None:
        await self.homes.announce(int(guild), told)


class Client(discord.Client):
    """One session with Discord."""

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
        front.client = self

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Pressed)

    async def pressed(self, interaction: discord.Interaction[Any], press: Press) -> None:
        desk = self.front.desk(interaction.guild_id or 0)
        await Answer(interaction).give(buttons.pressed(desk, interaction, press))

    # --- messages -------------------------------------------------------------------------------

    async def on_message(self, message: discord.Message) -> None:
        if not is_person(message.author) or message.webhook_id or message.guild is None:
            return
        if self.user in message.mentions and isinstance(message.author, discord.Member):
            await self._spoken(message, message.guild, message.author)

    async def _spoken(
        self, message: discord.Message, guild: discord.Guild, author: discord.Member
    ) -> None:
        text = re.sub(rf"<@!?{self.application_id}>", "", message.content).strip()
        home = self.front.store.home_at(message.channel.id)
        answer = await self.front.desk(guild.id).handle(
            author, message.id, text=text, about=home.process if home else None
        )
        await reply(message, Said(answer.text))
