"""The server itself: a Discord on this machine, its people, and the bad days a test can give it."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self

import yarl
from aiohttp import web

# The routes are known by being imported.
from fake_discord import channel_routes as _channels  # noqa: F401
from fake_discord import guild_routes as _guilds  # noqa: F401
from fake_discord import guilds, messages, permissions
from fake_discord import interaction_routes as _interactions  # noqa: F401
from fake_discord import message_routes as _messages  # noqa: F401
from fake_discord.application import Application
from fake_discord.client import discord
from fake_discord.gateway import Gateway
from fake_discord.people import Person
from fake_discord.rest import BASE, Rest
from fake_discord.traffic import Fault, Traffic
from fake_discord.wire import ALL_INTENTS, EPHEMERAL, TEXT, THREADS, Json
from fake_discord.world import Guild

# Everything but to be administrator, which would make every other permission meaningless.
USUAL_PERMISSIONS = permissions.ALL & ~permissions.ADMINISTRATOR


class FakeDiscord(Application):
    """A Discord with one guild, its owner, one channel, and the bot in it."""

    def __init__(
        self,
        *,
        bot_name: str = "govbot",
        heartbeat_ms: int = 41250,
        compress: bool = True,
        allowed_intents: int = ALL_INTENTS,
        ack_seconds: float = 3.0,
        token_seconds: float = 900.0,
    ) -> None:
        super().__init__(bot_name, allowed_intents, ack_seconds, token_seconds)
        self.traffic = Traffic()
        self.gateway = Gateway(self, heartbeat_ms, compress)
        self._rest = Rest(self, self.traffic)
        self.port = 0
        owner = self.new_user("founder")
        self.guild = self.add_guild("Assembly", owner_id=owner["id"])
        self.owner = Person(self, owner, self.guild)

    # ---- short ways to the first guild ---------------------------------------------------

    @property
    def guild_id(self) -> str:
        return self.guild.id

    @property
    def roles(self) -> dict[str, Json]:
        return self.guild.roles

    @property
    def members(self) -> dict[str, Json]:
        return self.guild.members

    @property
    def channel(self) -> Json:
        return self.guild.channel

    @property
    def threads(self) -> list[Json]:
        return [each for each in self.channels.values() if each["type"] in THREADS]

    def posts(self, channel: Json) -> list[Json]:
        """The messages of a channel that everybody in it sees, oldest first."""
        kept = self.history.get(channel["id"], {}).values()
        return [message for message in kept if not message["flags"] & EPHEMERAL]

    # ---- building the world --------------------------------------------------------------

    def add_guild(
        self,
        name: str,
        *,
        owner_id: str = "",
        channel: str = "assembly",
        invited: bool = True,
        allowed: int = USUAL_PERMISSIONS,
    ) -> Guild:
        """One more guild, with the bot invited into it unless said otherwise."""
        guild = guilds.make_guild(self, name, owner_id or self.owner.id, channel)
        if invited:
            guilds.invite_bot(self, guild, allowed)
        return guild

    def invite(self, guild: Guild, allowed: int = USUAL_PERMISSIONS) -> None:
        """Somebody uses the bot's invite link, with these permissions in it."""
        guilds.invite_bot(self, guild, allowed)

    def remove_bot(self, guild: Guild) -> None:
        guilds.remove_bot(self, guild)

    def person(
        self,
        name: str,
        roles: list[str] | None = None,
        *,
        guild: Guild | None = None,
        bot: bool = False,
    ) -> Person:
        """Somebody new joins; with `bot`, it is another application's bot."""
        home = guild or self.guild
        person = Person(self, self.new_user(name, bot=bot), home)
        guilds.join(self, home, person.user, roles)
        return person

    def bot_person(self) -> Person:
        """The bot as a member, whose roles a moderator may change."""
        return Person(self, self.bot, self.guild)

    def add_role(
        self,
        name: str,
        *names: str,
        guild: Guild | None = None,
        above_bot: bool = False,
        mentionable: bool = False,
    ) -> str:
        """A new role with those permissions: at the bottom as always, or moved above the bot."""
        home = guild or self.guild
        allowed = str(permissions.bits(*names))
        body = {"name": name, "permissions": allowed, "mentionable": mentionable}
        role = guilds.make_role(self, home, body)
        if above_bot:
            guilds.place_role(self, home, role, len(home.roles))
        return str(role["id"])

    def give_role(self, person: Person, role_id: str, guild: Guild | None = None) -> None:
        home = guild or person.home
        guilds.give_role(self, home, home.members[person.id], role_id)

    def take_role(self, person: Person, role_id: str, guild: Guild | None = None) -> None:
        home = guild or person.home
        guilds.take_role(self, home, home.members[person.id], role_id)

    def edit_role(self, role_id: str, guild: Guild | None = None, **body: Any) -> None:
        home = guild or self.guild
        guilds.change_role(self, home, home.roles[role_id], body)

    def move_role(self, role_id: str | int, position: int, guild: Guild | None = None) -> None:
        """Moves a role up or down: `position` counts from @everyone, which is 0."""
        home = guild or self.guild
        guilds.place_role(self, home, home.roles[str(role_id)], position)

    def delete_role(self, role_id: str, guild: Guild | None = None) -> None:
        home = guild or self.guild
        guilds.delete_role(self, home, home.roles[role_id])

    def add_channel(
        self,
        name: str,
        kind: int = TEXT,
        *,
        guild: Guild | None = None,
        overwrites: list[Json] | None = None,
    ) -> Json:
        body = {"name": name, "type": kind, "permission_overwrites": overwrites or []}
        return guilds.make_channel(self, guild or self.guild, body)

    def delete_channel(self, channel: Json) -> None:
        """A moderator deletes a channel or a thread."""
        if channel["type"] in THREADS:
            guilds.delete_thread(self, channel)
        else:
            guilds.delete_channel(self, channel)

    def delete_message(self, message: Json) -> None:
        messages.delete(self, message)

    def lock_thread(self, thread: Json, **body: Any) -> None:
        """A moderator locks a thread; or, with other words, archives or opens it."""
        guilds.change_thread(self, thread, body or {"locked": True})

    async def webhook_says(self, channel: Json, content: str, name: str = "Webhook") -> Json:
        """A message through a webhook: its author is no user, and nobody's member."""
        webhook_id = self.snowflake()
        author: Json = {
            "id": webhook_id, "username": name, "discriminator": "0000", "avatar": None,
            "bot": True, "global_name": None,
        }  # fmt: skip
        body = {"content": content}
        message = messages.post(
            self, channel, author, body, parse=messages.USERS_ONLY,
            extra={"webhook_id": webhook_id},
        )  # fmt: skip
        await asyncio.sleep(0)
        return message

    # ---- what the bot may do -------------------------------------------------------------

    def forbid(self, *names: str, channel: Json | None = None, guild: Guild | None = None) -> None:
        """Takes permissions from the bot: in one channel, or in a guild. Others keep theirs."""
        home = self.guilds[channel["guild_id"]] if channel else guild or self.guild
        bits = permissions.bits(*names)
        if channel is None:
            for role_id in home.members[self.bot["id"]]["roles"]:
                left = int(home.roles[role_id]["permissions"]) & ~bits
                guilds.change_role(self, home, home.roles[role_id], {"permissions": str(left)})
            bits &= int(home.everyone["permissions"])
        places = [channel] if channel else list(home.channels.values())
        for place in places if bits else []:
            if place["type"] not in THREADS:
                self._overwrite_bot(place, deny=bits)

    def allow(self, *names: str, channel: Json | None = None, guild: Guild | None = None) -> None:
        """Gives the bot permissions, or gives them back."""
        home = self.guilds[channel["guild_id"]] if channel else guild or self.guild
        bits = permissions.bits(*names)
        if channel is None:
            role = next(r for r in home.roles.values() if r.get("tags"))
            more = int(role["permissions"]) | bits
            guilds.change_role(self, home, role, {"permissions": str(more)})
        places = [channel] if channel else list(home.channels.values())
        for place in places:
            if place["type"] not in THREADS:
                self._overwrite_bot(place, allow=bits)

    def _overwrite_bot(self, channel: Json, allow: int = 0, deny: int = 0) -> None:
        found = [o for o in channel["permission_overwrites"] if o["id"] == self.bot["id"]]
        now_allowed = int(found[0]["allow"]) if found else 0
        now_denied = int(found[0]["deny"]) if found else 0
        guilds.put_overwrite(self, channel, {
            "id": self.bot["id"], "type": 1, "allow": str(now_allowed & ~deny | allow),
            "deny": str(now_denied & ~allow | deny),
        })  # fmt: skip

    # ---- life cycle ----------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/gw/", self.gateway.serve)
        self._rest.mount(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()
        return self

    async def _listen(self) -> None:
        # A crowd that clicks at once must not wait for a place in the queue of connections.
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=2048)
        await self._site.start()
        self.port = self._runner.addresses[0][1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.api = self.address + BASE
        self.gateway_address = f"ws://127.0.0.1:{self.port}/gw/"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()
        await self._runner.cleanup()
        if kind is None:
            assert not self._rest.crashes, "this server failed:\n" + "\n".join(self._rest.crashes)
            assert not self._rest.unknown, f"no such routes here: {self._rest.unknown}"

    def _hang_up(self) -> None:
        for handler in self._runner.server.connections if self._runner.server else []:
            if handler.transport is not None:
                handler.transport.abort()

    @contextmanager
    def redirect_discord_py(self) -> Iterator[None]:
        """Points discord.py here, in the only two places where it keeps Discord's address."""
        route, socket = discord.http.Route, discord.gateway.DiscordWebSocket
        before = route.BASE, socket.DEFAULT_GATEWAY
        route.BASE, socket.DEFAULT_GATEWAY = self.api, yarl.URL(self.gateway_address)
        try:
            yield
        finally:
            route.BASE, socket.DEFAULT_GATEWAY = before

    # ---- what a test may ask and wait for ------------------------------------------------

    @property
    def hits(self) -> Counter[str]:
        return self.traffic.hits

    @property
    def gateway_log(self) -> list[tuple[int, Any]]:
        """What the bot sent over the gateway: operation and data."""
        return self.gateway.log

    async def until(self, happened: Callable[[], Any], timeout: float = 5) -> Any:
        """Waits until something is so, and gives what it found."""
        ends = time.monotonic() + timeout
        while not (found := happened()):
            if time.monotonic() > ends:
                raise TimeoutError("it did not happen")
            await asyncio.sleep(0.005)
        return found

    # ---- bad days ------------------------------------------------------------------------

    def fail(
        self, method: str, template: str, status: int, code: int = 0, times: float = 1
    ) -> None:
        self.traffic.fail(method, template, status, code, times)

    def rate_limit(
        self,
        method: str,
        template: str,
        times: int = 1,
        retry_after: float = 0.3,
        global_: bool = False,
    ) -> None:
        self.traffic.rate_limit(method, template, times, retry_after, global_)

    async def drop_gateway(self, code: int | None = None) -> None:
        """Cuts the connection: with no code the socket is torn down, as by a failing network."""
        self.gateway.drop(code)
        await asyncio.sleep(0)

    async def ask_reconnect(self) -> None:
        self.gateway.ask_reconnect()
        await asyncio.sleep(0)

    async def invalidate(self, resumable: bool = False) -> None:
        self.gateway.invalidate(resumable)
        await asyncio.sleep(0)

    def forget_sessions(self) -> None:
        """Whoever is cut off and comes back has to begin anew, and is told nothing it missed."""
        self.sessions.clear()

    async def send_event(self, event: str, data: Any) -> None:
        """An event of a test's own, well or badly formed, in its place among the others."""
        for session in self.sessions.values():
            session.dispatch(event, data)
        await asyncio.sleep(0)

    async def send_garbage(self, text: str = "{") -> None:
        """Something over the gateway that is not even JSON."""
        self.gateway.send_text(text)
        await asyncio.sleep(0)

    def guild_outage(self, guild: Guild) -> None:
        """One guild is out of reach; the rest goes on."""
        guild.unavailable = True
        self.tell("GUILD_DELETE", {"id": guild.id, "unavailable": True})

    def guild_back(self, guild: Guild) -> None:
        guild.unavailable = False
        for session in self.sessions.values():
            session.dispatch("GUILD_CREATE", self.shown_guild(guild, session.intents))

    @asynccontextmanager
    async def outage(self, status: int = 503) -> AsyncIterator[None]:
        """While it lasts every request is answered with an error, and nobody gets a gateway."""
        body = {"message": "Service Unavailable", "code": 0}
        fault = Fault("", math.inf, status, body)
        self.traffic.faults.insert(0, fault)
        self.gateway.refusing = status
        self.gateway.drop(None)
        try:
            yield
        finally:
            self.traffic.faults.remove(fault)
            self.gateway.refusing = 0

    @asynccontextmanager
    async def unplugged(self) -> AsyncIterator[None]:
        """While it lasts nothing listens: connections are refused, and open ones are cut."""
        await self._site.stop()
        self._hang_up()
        try:
            yield
        finally:
            await self._listen()
