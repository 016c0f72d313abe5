"""Where processes live: a card and a thread each, kept true and never edited faster than Discord
allows.

Owns cards and threads from a process's opening to its audit. Promises one card and one thread a
process however often it is asked for them, that what an edit shows is the process as it then
stands, and that neither count nor time of an edit tells of an input that is hidden.
"""

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass, replace
from typing import Final, Protocol

import discord

from govbot.parts import Announcement, Card
from govbot.surfaces.communities import Community
from govbot.surfaces.discord.cards import closed, shown
from govbot.surfaces.discord.ids import Press
from govbot.surfaces.discord.render import label
from govbot.surfaces.discord.sending import AWAY, Said, answer, passing, post, said_of
from govbot.surfaces.discord.store import Home, Store

log = logging.getLogger(__name__)

QUIET: Final = 10080  # minutes of silence after which Discord folds a thread away
REMADE = 5  # times a card or thread that somebody deletes is made again
LOOKED_THROUGH = 30  # messages in which a card is looked for that was posted as the bot went down


@dataclass(frozen=True)
class Pace:
    """Seconds from a change to its edit, between two edits in a guild, and until a new attempt."""

    settle: float = 1.0
    between: float = 1.3
    again: float = 5.0
    reminding: float = 1.0  # between two direct messages


class Guilds(Protocol):
    """How homes come by what they show."""

    def guild(self, id: int) -> discord.Guild | None:
        """The guild, while Discord shows it to the bot."""
        ...

    async def community(self, id: int) -> Community | None: ...


class Homes:
    """The cards and threads of every guild."""

    def __init__(self, store: Store, guilds: Guilds, pace: Pace) -> None:
        self.store, self.guilds, self.pace = store, guilds, pace
        self._changed: dict[int, dict[int, None]] = {}
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    # --- what has changed --------------------------------------------------------------------

    def mark(self, guild: int, process: int) -> None:
        """A process is not as it was: its card is to be looked at, soon and once."""
        self._changed.setdefault(guild, {})[process] = None
        if guild not in self._workers:
            self._workers[guild] = asyncio.create_task(self._work(guild))

    async def _work(self, guild: int) -> None:
        try:
            await asyncio.sleep(self.pace.settle)
            while changed := self._changed.get(guild):
                process = next(iter(changed))
                del changed[process]
                await asyncio.sleep(await self._attempt(guild, process))
        finally:
            del self._workers[guild]
            self._changed.pop(guild, None)

    async def _attempt(self, guild: int, process: int) -> float:
        """Brings one home up to date; how long to wait before the next."""
        try:
            return self.pace.between if await self.refresh(guild, process) else 0
        except AWAY as error:
            if not passing(error):
                log.error("process %s of guild %s has no true card: %s", process, guild, error)
                return self.pace.between
            log.warning("process %s of guild %s is shown later: %s", process, guild, error)
            self._changed.setdefault(guild, {})[process] = None
            return self.pace.again

    async def close(self) -> None:
        """Leaves the rest for the next start."""
        for worker in list(self._workers.values()):
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)

    # --- one home ----------------------------------------------------------------------------

    async def refresh(self, guild: int, process: int) -> bool:
        """Makes a process's home what it must be now; whether Discord had to be asked."""
        async with self._locks.setdefault(guild, asyncio.Lock()):
            here, community = self.guilds.guild(guild), await self.guilds.community(guild)
            card = community.card(process) if community is not None else None
            home = self.store.home(guild, process) or Home(guild, process)
            if here is None or community is None or card is None or home.closed:
                return False
            if card.status == "ended":
                await self._end(here, home, card, community)
                return True
            before = home
            home = await self._hang(here, home, shown(card, community.giveable(process)))
            return await self._thread(here, home, card) != before

    async def _hang(self, guild: discord.Guild, home: Home, said: Said) -> Home:
        """The card hangs in its channel and shows this."""
        now = _fingerprint(said)
        if not home.message and home.channel:
            home = await self._begun(guild, home)
        if home.message and home.shown == now:
            return home
        if home.message and await self._edit(guild, home, said):
            return self.store.set_home(home.guild, home.process, shown=now)
        if home.message:
            home = self.store.set_home(home.guild, home.process, message=0, remade=home.remade + 1)
        return await self._post(guild, home, said, now)

    async def _post(self, guild: discord.Guild, home: Home, said: Said, now: str) -> Home:
        channel = self.place(guild)
        if channel is None or home.remade > REMADE:
            return home
        # Before it is posted, so that one that was not noted any more is looked for here.
        self.store.set_home(home.guild, home.process, channel=channel.id)
        message = await post(channel, said)
        return self.store.set_home(home.guild, home.process, message=message.id, shown=now)

    async def _edit(self, guild: discord.Guild, home: Home, said: Said) -> bool:
        """Changes the card in its place; False where it is no longer there."""
        channel = guild.get_channel(home.channel)
        if not isinstance(channel, discord.TextChannel):
            return False
        try:
            changed = {"content": None, "view": None, **said.last()}
            await channel.get_partial_message(home.message).edit(**changed)
        except discord.NotFound:
            return False
        return True

    async def _begun(self, guild: discord.Guild, home: Home) -> Home:
        """With the card that was posted as the bot went down, before it could note which it is."""
        channel = guild.get_channel(home.channel)
        if home.remade or not isinstance(channel, discord.TextChannel):
            return home
        if not channel.permissions_for(guild.me).read_message_history:
            return home
        async for message in channel.history(limit=LOOKED_THROUGH):
            if message.author.id == guild.me.id and _is_card(message, home.process):
                return self.store.set_home(home.guild, home.process, message=message.id, shown="")
        return home

    async def _thread(self, guild: discord.Guild, home: Home, card: Card) -> Home:
        """The card has a thread, as far as the bot may make one."""
        channel = guild.get_channel(home.channel)
        if home.thread or not home.message or not isinstance(channel, discord.TextChannel):
            return home
        may = channel.permissions_for(guild.me).create_public_threads
        if not may or home.remade > REMADE:
            return home
        name = label(f"#{card.process} {card.title}", 100)
        made = await self._begin_thread(channel, home, name)
        return self.store.set_home(home.guild, home.process, thread=made)

    async def _begin_thread(self, channel: discord.TextChannel, home: Home, name: str) -> int:
        """A thread beneath the card; beside it where the card cannot have another."""
        try:
            card = channel.get_partial_message(home.message)
            return (await card.create_thread(name=name, auto_archive_duration=QUIET)).id
        except discord.HTTPException as error:
            if passing(error):
                raise
        if await self._open_thread(channel.guild, replace(home, thread=home.message)) is not None:
            return home.message
        kind = discord.ChannelType.public_thread
        made = await channel.create_thread(name=name, auto_archive_duration=QUIET, type=kind)
        return made.id

    async def look_for_thread(self, guild: discord.Guild, home: Home) -> None:
        """Whether a thread that Discord does not list was deleted, while nobody looked."""
        if home.thread and guild.get_thread(home.thread) is None:
            if await self._open_thread(guild, home) is None:
                self.thread_lost(home)

    def card_lost(self, home: Home) -> None:
        """A card that is no more is posted again, unless that was done often enough."""
        self._lost(home, message=0, shown="")

    def thread_lost(self, home: Home) -> None:
        self._lost(home, thread=0)

    def _lost(self, home: Home, **left: int | str) -> None:
        if home.remade == REMADE:
            log.error("the card or thread of process %s is deleted again and again", home.process)
        self.store.set_home(home.guild, home.process, remade=home.remade + 1, **left)
        self.mark(home.guild, home.process)

    # --- the end -----------------------------------------------------------------------------

    async def _end(
        self, guild: discord.Guild, home: Home, card: Card, community: Community
    ) -> None:
        """The outcome on the card, the audit beneath it, the thread locked."""
        home = await self._hang(guild, home, closed(card, _address(home)))
        home = await self._file(guild, home, card, community.audit(card.process))
        home = await self._hang(guild, home, closed(card, _address(home)))
        thread = await self._open_thread(guild, home)
        if thread is not None:
            try:
                await thread.edit(locked=True, archived=True)
            except discord.Forbidden:
                log.warning("thread %s cannot be locked: I lack Manage Threads", thread.id)
        self.store.set_home(home.guild, home.process, closed=1)

    async def _file(
        self, guild: discord.Guild, home: Home, card: Card, audit: bytes | None
    ) -> Home:
        place = await self._open_thread(guild, home) or self.place(guild)
        if home.audit or audit is None or place is None:
            return home
        said = Said(
            f"Process #{card.process} has ended: {card.outcome}. Its audit says why, step by step.",
            files=[(f"process-{card.process}.md", audit)],
        )
        try:
            message = await post(place, said)
        except (discord.Forbidden, discord.NotFound) as error:
            log.warning("the audit of process %s could not be posted: %s", card.process, error)
            return home
        return self.store.set_home(home.guild, home.process, audit=message.id)

    async def _open_thread(self, guild: discord.Guild, home: Home) -> discord.Thread | None:
        """The thread, if it still is there; folded away ones are not in Discord's list."""
        if not home.thread:
            return None
        thread = guild.get_channel_or_thread(home.thread)
        if thread is None:
            try:
                thread = await guild.fetch_channel(home.thread)
            except (discord.NotFound, discord.Forbidden):
                return None
        return thread if isinstance(thread, discord.Thread) else None

    # --- places ------------------------------------------------------------------------------

    def place(self, guild: discord.Guild) -> discord.TextChannel | None:
        """Where cards are posted: the channel an admin chose, else the first one that can be."""
        chosen = guild.get_channel(self.store.guild(guild.id).channel)
        if isinstance(chosen, discord.TextChannel):
            return chosen
        first = [guild.system_channel] if guild.system_channel else []
        for channel in [*first, *guild.text_channels]:
            may = channel.permissions_for(guild.me)
            if may.view_channel and may.send_messages and may.embed_links:
                return channel
        return None

    def link(self, guild: int, process: int) -> str:
        """The address of a process's card, if it has one."""
        home = self.store.home(guild, process)
        if home is None or not home.message:
            return ""
        return f"https://discord.com/channels/{guild}/{home.channel}/{home.message}"

    # --- telling -----------------------------------------------------------------------------

    async def announce(self, guild: int, told: Announcement) -> None:
        """Tells a guild once, beside the card; OSError where Discord is away."""
        if self.store.was_told(guild, told.id):
            return
        here = self.guilds.guild(guild)
        if here is None:
            raise OSError("Discord is away")
        try:
            await self._announce(here, told)
        except AWAY as error:
            if passing(error):
                raise OSError(str(error)) from None
            log.error("guild %s could not be told of %s: %s", guild, told.process, error)
        self.store.tell(guild, told.id)

    async def _announce(self, guild: discord.Guild, told: Announcement) -> None:
        number = told.process.rpartition("_")[2]  # none where it is about the whole community
        home = self.store.home(guild.id, int(number)) if number else None
        place = self.place(guild)
        if place is None:
            log.error("guild %s has no channel I may write to; nobody was told", guild.id)
            return
        beside = place.get_partial_message(home.message) if home and home.message else None
        if beside is None or home is None or home.channel != place.id:
            await post(place, said_of(told))
        else:
            await answer(beside, said_of(told))


def _fingerprint(said: Said) -> str:
    data = json.dumps([list(said.embeds), list(said.rows), said.text], sort_keys=True)
    return hashlib.sha256(data.encode()).hexdigest()[:20]


def _is_card(message: discord.Message, process: int) -> bool:
    ids = (
        getattr(item, "custom_id", None) or ""
        for line in message.components
        for item in getattr(line, "children", ())
    )
    return bool(message.embeds) and str(Press("why", process)) in ids


def _address(home: Home) -> str:
    place = home.thread or home.channel
    if not home.audit:
        return ""
    return f"https://discord.com/channels/{home.guild}/{place}/{home.audit}"
