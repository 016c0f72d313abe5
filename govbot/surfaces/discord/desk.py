"""One guild's desk: whatever way a member asks, it comes here as one request and leaves as a reply.

Owns the step from Discord's members to the community's, and the order in which one member's
requests are taken. Promises that whoever opens something finds every member on its roll that
Discord knows of.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakValueDictionary

import discord

from govbot.parts import Reply
from govbot.records import Intent, Member, Open, Request
from govbot.surfaces import answered
from govbot.surfaces.communities import Communities, Community
from govbot.surfaces.discord.components import link, row
from govbot.surfaces.discord.homes import Guilds, Homes
from govbot.surfaces.discord.members import PLATFORM, cleaned, differing, gone, id_of, member_of
from govbot.surfaces.discord.sending import AWAY
from govbot.surfaces.discord.store import Store

log = logging.getLogger(__name__)

ARRIVAL = 30.0  # seconds that Discord is given to name a guild's members
UNFOUNDED = (
    "This server has no constitution yet, so there is nothing I could do here. Somebody with"
    " “Manage Server” can set one up with /govbot setup."
)
STRANGERS = (
    "Discord has not told me yet who is a member here, so nothing was recorded. Try again in a"
    " minute; meanwhile you can vote by button or command."
)
PRIVATELY = (
    "In a direct message I cannot tell for which community you speak. Use my commands in your"
    " server: their answers are seen by you alone."
)


class Desk:
    """Everything that is done for one guild."""

    def __init__(
        self, id: int, guilds: Guilds, communities: Communities, store: Store, homes: Homes
    ) -> None:
        self.id, self.guilds, self.communities = id, guilds, communities
        self.store, self.homes = store, homes
        self.rescheduled: Callable[[], None] = lambda: None  # reminders are due at other times
        self.met = False  # whether the community knows all members as this session shows them
        self._meeting = asyncio.Lock()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._aside: set[asyncio.Task[None]] = set()

    @property
    def guild(self) -> discord.Guild | None:
        return self.guilds.guild(self.id)

    async def community(self) -> Community | None:
        return await self.communities.community(str(self.id))

    async def handle(
        self, user: discord.User | discord.Member, source: int | str, *, text: str = "",
        action: Intent | None = None, about: int | None = None,
    ) -> Reply:  # fmt: skip
        """The reply to one member, after those they asked for before. `source` is what Discord
        calls the message or interaction it came by."""
        if not isinstance(user, discord.Member):
            return Reply(text=PRIVATELY, ok=False)
        async with self._turns.setdefault(user.id, asyncio.Lock()):
            community = await self.community()
            if community is None:
                return Reply(text=UNFOUNDED, ok=False)
            if not await self._knows_members(community, action):
                return Reply(text=STRANGERS, ok=False)
            request = Request(
                id=f"{PLATFORM}:{self.id}:{source}",
                member=self.member(user),
                text=cleaned(text),
                action=action,
                about=about,
            )
            return await answered(request, community.handle)

    async def homeward(self, reply: Reply) -> list[dict[str, Any]]:
        """A button that leads to the card of the process a reply is about, hung by now."""
        if reply.process is None:
            return []
        number = int(reply.process.rpartition("_")[2])
        try:
            await self.homes.refresh(self.id, number)
        except AWAY as error:
            log.warning("process %s of guild %s is shown later: %s", number, self.id, error)
            self.homes.mark(self.id, number)
        address = self.homes.link(self.id, number)
        return [row(link(f"Process #{number}", address))] if address else []

    def member(self, user: discord.Member) -> Member:
        return member_of(user, self.store.mapped(self.id))

    # --- who is here -------------------------------------------------------------------------

    async def _knows_members(self, community: Community, action: Intent | None) -> bool:
        """Whether all members are known, as far as that matters for what is asked.

        What is opened has its roll from that moment on; whatever else is asked need not wait.
        """
        if not self.met and (action is None or isinstance(action, Open)):
            await self.meet(community)
            return self.met
        if not self.met:
            self.aside(self.meet(community))
        return True

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something that nobody waits for."""
        task = asyncio.ensure_future(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def meet(self, community: Community) -> None:
        """The community learns who is here, with which roles, and who has left."""
        async with self._meeting:
            guild = self.guild
            if self.met or guild is None:
                return
            if not guild.chunked and not await _named(guild):
                return
            known, mapped = community.members(), self.store.mapped(self.id)
            await community.meet(list(differing(guild.members, mapped, known)))
            self.met = True

    async def changed(self, user: discord.Member) -> None:
        """A member has another name or other roles than before, or is new."""
        if not self.met:
            return  # everybody is met before anything is opened
        community, member = await self.community(), self.member(user)
        known = community.members().get(member.id) if community is not None else None
        if community is not None and known != member and (member.roles or known is not None):
            await community.meet([member])

    async def left(self, user: int) -> None:
        if not self.met:
            return
        community = await self.community()
        known = community.members().get(id_of(user)) if community is not None else None
        if community is not None and known is not None:
            await community.meet([gone(known)])


async def _named(guild: discord.Guild) -> bool:
    """Whether Discord has named a guild's members."""
    try:
        async with asyncio.timeout(ARRIVAL):
            await guild.chunk()
    except (*AWAY, discord.DiscordException) as error:
        log.warning("guild %s: Discord did not name its members: %r", guild.id, error)
        return False
    return True
