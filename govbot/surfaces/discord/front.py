"""The front of the house in Discord: every guild's desk, and where each event goes.

Owns what outlives a connection. Promises that each message and interaction that is for the bot is
answered or its loss told, and that what communities tell reaches their guild.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Protocol

import discord

from govbot.errors import OperatorError
from govbot.parts import Acted, Announcement, Errand, Reply
from govbot.surfaces import SORRY, Capabilities
from govbot.surfaces.communities import Communities, Community
from govbot.surfaces.discord import buttons, commands
from govbot.surfaces.discord.buttons import UPDATES, Pressing
from govbot.surfaces.discord.catchup import Seen
from govbot.surfaces.discord.commands import called, completions
from govbot.surfaces.discord.components import answers
from govbot.surfaces.discord.desk import PRIVATELY, UNFOUNDED, Desk
from govbot.surfaces.discord.effects import carry_out
from govbot.surfaces.discord.homes import Homes, Pace
from govbot.surfaces.discord.ids import Press, parsed
from govbot.surfaces.discord.members import is_person
from govbot.surfaces.discord.registry import fingerprint, proposing, standing
from govbot.surfaces.discord.reminders import Reminders
from govbot.surfaces.discord.render import rows
from govbot.surfaces.discord.sending import (
    AWAY,
    PATIENCE,
    Ages,
    Answer,
    Said,
    in_person,
    passing,
    post,
    reply,
    said_of,
    typing,
)
from govbot.surfaces.discord.store import Store
from govbot.surfaces.discord.words import spoken

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]
OUTAGE = 60.0  # seconds that Discord is waited for before deadlines are kept without it
LAST_WORDS = 5.0  # seconds given to what is under way when the connection is closed
EVERYWHERE = 0  # the guild whose row keeps what is registered in all
SILENT = (
    "You mentioned my role. Discord shows me your words only where you mention me myself: do that,"
    " and say it again."
)
WORDLESS = "I read words only, and found none in your message; say what you want in text."


def utc_now() -> datetime:
    return datetime.now(UTC)


class Session(Protocol):
    """The connection of the moment, as far as the front needs it."""

    @property
    def user(self) -> discord.ClientUser | None: ...

    def get_guild(self, id: int, /) -> discord.Guild | None: ...

    def is_ready(self) -> bool: ...

    async def register(self, payload: list[dict[str, Any]], guild: int) -> None: ...


class Front:
    """All guilds of one bot, whichever connection serves them now."""

    capabilities = Capabilities(
        buttons=True, modals=True, ephemeral=True, threads=True, edit=True, direct=True, polls=True
    )

    def __init__(
        self, communities: Communities, store: Store, pace: Pace,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:  # fmt: skip
        self.communities, self.store = communities, store
        self.session: Session | None = None
        self.homes, self.seen = Homes(store, self, pace), Seen(store)
        self.reminders = Reminders(self.desk, store, clock, pace.reminding)
        self.ages, self.pauses = Ages(), (0.0, pace.again, 6 * pace.again, 24 * pace.again)
        self.first, self.at_work = asyncio.Event(), 0
        self._registering = asyncio.Lock()
        self._desks: dict[int, Desk] = {}
        communities.listener = self

    def desk(self, guild: int) -> Desk:
        if guild not in self._desks:
            made = Desk(guild, self, self.communities, self.store, self.homes)
            made.rescheduled = partial(self.reminders.changed, guild)
            self._desks[guild] = made
        return self._desks[guild]

    def desks(self) -> list[Desk]:
        return list(self._desks.values())

    async def keep_time(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins once Discord has said who is where; without it too, if it takes very long."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(OUTAGE):
                    await self.first.wait()
            await work
        finally:
            work.close()

    async def settle(self) -> None:
        """Waits for what is under way to be answered, but not for ever."""
        ends = time.monotonic() + LAST_WORDS
        while self.at_work and time.monotonic() < ends:
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.homes.close()
        self.seen.keep()
        self.store.close()

    # --- what homes and desks ask ----------------------------------------------------------------

    def guild(self, id: int) -> discord.Guild | None:
        found = self.session.get_guild(id) if self.session is not None else None
        return None if found is None or found.unavailable else found

    async def community(self, id: int) -> Community | None:
        return await self.communities.community(str(id))

    # --- what communities tell -------------------------------------------------------------------

    async def opened(self, guild: str, community: Community) -> None:
        """A community is open: its members, its commands and its cards are made true."""
        desk = self.desk(int(guild))
        await desk.meet(community)
        await self.register(int(guild), community)
        for card in community.open():
            self.homes.mark(int(guild), card.process)
        here = self.guild(int(guild))
        for home in self.store.homes(int(guild)):
            self.homes.mark(int(guild), home.process)
            if here is not None:
                await self.homes.look_for_thread(here, home)

    def changed(self, guild: str, process: int) -> None:
        self.homes.mark(int(guild), process)
        self.reminders.changed(int(guild))

    def ruled(self, guild: str) -> None:
        desk = self.desk(int(guild))
        desk.aside(self._ruled(int(guild)))

    async def _ruled(self, guild: int) -> None:
        community = await self.community(guild)
        if community is not None:
            await self.register(guild, community)

    async def announce(self, guild: str, told: Announcement) -> None:
        await self.homes.announce(int(guild), told)

    async def act(self, guild: str, errand: Errand) -> Acted:
        here, number = self.guild(int(guild)), int(errand.process.rpartition("_")[2])
        if here is None:
            raise OSError("Discord is away")
        home, mapped = self.store.home(int(guild), number), self.store.mapped(int(guild))
        return await carry_out(here, errand, home, mapped, self.homes.place(here))

    # --- what Discord tells ---------------------------------------------------------------------

    async def ready(self) -> None:
        """A fresh session: members, commands and cards may not be what they were."""
        self.seen.new_session()
        self.first.set()
        await self.register(EVERYWHERE, None)
        for desk in self.desks():
            self.back(desk.id)
        for name in self.communities.known():
            self.reminders.changed(int(name) if name.isdigit() else 0)
            if name.isdigit() and not self.store.guild(int(name)).commands:
                await self._first(name)

    async def _first(self, name: str) -> None:
        """A community whose commands Discord does not know yet is opened, which registers them."""
        try:
            await self.communities.community(name)
        except OperatorError as error:
            log.error("%s could not be opened: %s", name, error)

    def back(self, guild: int) -> None:
        """A guild is there, perhaps again: members, commands and cards may have changed."""
        desk = self.desk(guild)
        desk.met = False
        desk.aside(self._again(desk))

    async def _again(self, desk: Desk) -> None:
        if self.communities.is_open(str(desk.id)):
            community = await desk.community()
            assert community is not None, f"{desk.id} is open"
            await self.opened(str(desk.id), community)

    def message_gone(self, message: int) -> None:
        """If it was a card, it is posted again."""
        home = self.store.home_at(message)
        if home is not None and home.message == message and not home.closed:
            self.homes.card_lost(home)

    def thread_gone(self, thread: int) -> None:
        """If it was a process's, it gets another. Threads have the ids of their first messages."""
        home = self.store.home_at(thread)
        if home is not None and home.thread == thread and not home.closed:
            self.homes.thread_lost(home)

    async def channel_gone(self, channel: discord.abc.GuildChannel) -> None:
        """Cards that hung there hang somewhere else; whoever set it up is told."""
        for home in self.store.homes_in(channel.id):
            self.store.set_home(home.guild, home.process, thread=0)
            self.homes.card_lost(home)
        kept = self.store.guild(channel.guild.id)
        if kept.channel != channel.id:
            return
        self.store.set_guild(channel.guild.id, channel=0)
        place, admin = self.homes.place(channel.guild), channel.guild.get_member(kept.by)
        where = f"I go on in #{place.name}" if place else "I have no other I may post in"
        said = Said(f"The channel #{channel.name} was deleted. {where}; /govbot setup changes it.")
        if place is not None:
            await post(place, said)
        elif admin is not None:
            await in_person(admin, said)

    async def roles_changed(self, guild: int, role: int) -> None:
        """A role is gone; whoever held it is met again as what they now are."""
        desk = self.desk(guild)
        if role not in self.store.mapped(guild) or not desk.met:
            return
        community, desk.met = await desk.community(), False
        if community is not None:
            await desk.meet(community)

    def removed(self, guild: int) -> None:
        """The bot was sent away; its community waits in its folder."""
        self.desk(guild).met = False
        self.store.forget_guild(guild)

    # --- commands --------------------------------------------------------------------------------

    async def register(self, guild: int, community: Community | None) -> None:
        """Tells Discord which commands there are, where they are not those it knows."""
        payload = standing() if community is None else proposing(community.openable())
        made = fingerprint(payload)
        async with self._registering:
            if self.session is None or self.store.guild(guild).commands == made:
                return
            try:
                await self.session.register(payload, guild)
            except AWAY as error:
                log.error("the commands of guild %s could not be registered: %s", guild, error)
                return
            self.store.set_guild(guild, commands=made)

    # --- interactions ----------------------------------------------------------------------------

    async def interacted(self, interaction: Interaction) -> None:
        """A command, a form, or something pressed that no item of ours answers."""
        self.at_work += 1
        try:
            await self._interacted(interaction)
        finally:
            self.at_work -= 1

    async def _interacted(self, interaction: Interaction) -> None:
        kinds = discord.InteractionType
        desk = self.desk(interaction.guild_id or 0)
        data: Any = interaction.data or {}
        if interaction.type is kinds.application_command:
            call = called(desk, interaction)
            await self._answer(interaction, call.process).give(commands.run(call))
        elif interaction.type is kinds.autocomplete:
            await self._complete(desk, interaction)
        elif interaction.type is kinds.modal_submit:
            press = parsed(str(data.get("custom_id", ""))) or Press("")
            await self.pressed(interaction, press, answers(data.get("components", ())))
        elif interaction.type is kinds.component and parsed(str(data.get("custom_id"))) is None:
            await self.pressed(interaction, Press(""))

    async def pressed(
        self, interaction: Interaction, press: Press, filled: Mapping[str, Any] | None = None
    ) -> None:
        data: Any = interaction.data or {}
        pressing = Pressing(
            self.desk(interaction.guild_id or 0), interaction, press,
            list(data.get("values") or []), filled or {},
        )  # fmt: skip
        update = press.verb in UPDATES and interaction.message is not None
        self.at_work += 1
        try:
            await self._answer(interaction, press.process, update).give(buttons.pressed(pressing))
        finally:
            self.at_work -= 1

    def _answer(self, interaction: Interaction, process: int = 0, update: bool = False) -> Answer:
        fresh = self.ages.fresh(interaction.created_at, utc_now())
        return Answer(interaction, update, fresh, partial(self._beside, interaction, process))

    async def _beside(self, interaction: Interaction, process: int, words: str) -> None:
        """Tells somebody in a process's thread what could not be told to them alone."""
        home = self.store.home(interaction.guild_id or 0, process)
        guild = self.guild(interaction.guild_id or 0)
        place = guild.get_channel_or_thread(home.thread) if home and guild else None
        if not isinstance(place, discord.Thread):
            log.error("interaction %s was lost and nobody could be told", interaction.id)
            return
        user = interaction.user.id
        try:
            await post(place, Said(f"<@{user}> {words}", plain=False, pinged=[user]))
        except AWAY as error:
            log.error("interaction %s was lost and nobody was told: %s", interaction.id, error)

    async def _complete(self, desk: Desk, interaction: Interaction) -> None:
        found = await completions(called(desk, interaction))
        choices = [discord.app_commands.Choice(name=n, value=v) for n, v in found]
        try:
            await interaction.response.autocomplete(choices)
        except discord.HTTPException as error:
            log.info("a completion came too late: %s", error)

    # --- messages --------------------------------------------------------------------------------

    def is_for_me(self, message: discord.Message) -> bool:
        """Whether a person said it to the bot: by its mention, in reply to it, by its role."""
        me = self.session.user if self.session is not None else None
        if me is None or not is_person(message.author) or message.webhook_id is not None:
            return False
        role = message.guild.self_role if message.guild is not None else None
        return message.guild is None or me in message.mentions or role in message.role_mentions

    async def said(self, message: discord.Message) -> None:
        """Answers a message that is for the bot, once; with an apology where that fails."""
        if not self.seen.begin(message):
            return
        self.at_work += 1
        try:
            await self._say(message)
        finally:
            self.at_work -= 1

    async def _say(self, message: discord.Message) -> None:
        task = asyncio.ensure_future(self._answered(message))
        await asyncio.wait({task}, timeout=PATIENCE)
        if not task.done():
            await typing(message.channel)
            await asyncio.wait({task})
        error, said = task.exception(), Said(SORRY)
        if error is not None:
            log.error("message %s failed", message.id, exc_info=error)
        else:
            said = task.result()
        for pause in self.pauses:
            await asyncio.sleep(pause)
            if await self._sent(message, said):
                self.seen.done(message)
                return
        log.error("message %s is answered when Discord is back", message.id)

    async def _sent(self, message: discord.Message, said: Said) -> bool:
        """Whether Discord took the answer, or never will."""
        try:
            await reply(message, said)
        except AWAY as error:
            log.warning("message %s could not be answered: %s", message.id, error)
            return not passing(error)
        return True

    async def _answered(self, message: discord.Message) -> Said:
        author = await _member(message)
        if message.guild is None or author is None:
            return Said(PRIVATELY)
        desk = self.desk(message.guild.id)
        community = await desk.community()
        if community is None:
            return Said(UNFOUNDED)
        await desk.meet(community)  # whoever is named must be known
        me = self.session.user if self.session is not None else None
        text = spoken(message.content, message.guild, me.id if me else 0, community.members())
        if not text:
            return Said(WORDLESS if me in message.mentions else SILENT)
        answer = await desk.handle(author, message.id, text=text, about=self._about(message))
        if _is_offer(answer):
            return self._offering(desk, message, answer)
        return said_of(answer, await desk.homeward(answer) if answer.ok else [])

    def _about(self, message: discord.Message) -> int | None:
        """The process whose thread or card a message belongs to."""
        said = message.reference.message_id if message.reference is not None else None
        for place in (message.channel.id, said):
            if place is not None and (home := self.store.home_at(place)) is not None:
                return home.process
        return None

    def _offering(self, desk: Desk, message: discord.Message, answer: Reply) -> Said:
        """What the message may mean, as buttons for its author."""
        actions = [choice.action.model_dump(mode="json") for choice in answer.choices]
        self.store.set_offer(message.id, desk.id, message.author.id, actions)
        places = count()
        picks = rows(answer, lambda _: str(Press("offer", 0, "", f"{message.id}.{next(places)}")))
        return said_of(answer, picks)


async def _member(message: discord.Message) -> discord.Member | None:
    """Who said it, as a member: messages from a channel's history name only their account."""
    if message.guild is None or isinstance(message.author, discord.Member):
        return message.author if isinstance(message.author, discord.Member) else None
    found = message.guild.get_member(message.author.id)
    try:
        return found or await message.guild.fetch_member(message.author.id)
    except discord.NotFound:
        return None


def _is_offer(answer: Reply) -> bool:
    return bool(answer.choices) and answer.entry is None and answer.process is None
