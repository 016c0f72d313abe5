"""What was said while the bot was away: found in the channels' history and answered.

Owns how far each guild's messages have been dealt with. Promises that a message for the bot is
begun once a connection, and that one whose answer did not get through is found again.
"""

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

import aiohttp
import discord

from govbot.surfaces.discord.store import Store

log = logging.getLogger(__name__)

LATELY = 500  # messages remembered as dealt with
MOST = 500  # messages of one channel that are looked through


class Seen:
    """The last message that was dealt with in each guild, and those that are under way."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._latest: dict[int, int] = {}
        self._under_way: dict[int, set[int]] = {}
        self._kept: dict[int, int] = {}
        self._lately: deque[int] = deque(maxlen=LATELY)

    def heard(self, message: discord.Message) -> None:
        """Something was said, to whomever."""
        if message.guild is not None:
            guild = message.guild.id
            self._latest[guild] = max(self._latest.get(guild, 0), message.id)

    def begin(self, message: discord.Message) -> bool:
        """Whether this message is to be dealt with now; False if it is, or was just now."""
        guild = message.guild.id if message.guild is not None else 0
        under_way = self._under_way.setdefault(guild, set())
        if message.id in under_way or message.id in self._lately:
            return False
        under_way.add(message.id)
        return True

    def done(self, message: discord.Message) -> None:
        guild = message.guild.id if message.guild is not None else 0
        self._under_way.get(guild, set()).discard(message.id)
        self._lately.append(message.id)

    def new_session(self) -> None:
        """Whatever is under way belongs to a connection that is no more."""
        self._under_way.clear()

    def keep(self) -> None:
        """Writes down how far each guild has come."""
        for guild, latest in self._latest.items():
            under_way = self._under_way.get(guild) or set()
            seen = min((latest, *(id - 1 for id in under_way)))
            if self._kept.get(guild) != seen:
                self.store.set_guild(guild, seen=seen)
                self._kept[guild] = seen

    def since(self, guild: int) -> int:
        return self.store.guild(guild).seen


async def missed(
    guild: discord.Guild, since: int, is_for_me: Callable[[discord.Message], bool]
) -> AsyncIterator[discord.Message]:
    """Messages for the bot after `since` that it has not replied to, oldest first in a channel."""
    after, me = discord.Object(since), guild.me
    channels: list[discord.TextChannel | discord.Thread] = [*guild.text_channels, *guild.threads]
    for channel in channels:
        may = channel.permissions_for(me)
        if (channel.last_message_id or 0) <= since or not may.read_message_history:
            continue
        try:
            found = [m async for m in channel.history(limit=MOST, after=after, oldest_first=True)]
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.warning("what was said in %s while I was away is not known: %s", channel.id, error)
            continue
        answered = {
            said.reference.message_id
            for said in found
            if said.author.id == me.id and said.reference is not None
        }
        for message in found:
            if message.id not in answered and is_for_me(message):
                yield message
