"""The bot's application: its token, its commands, and the interactions begun with it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fake_discord import permissions
from fake_discord.wire import (
    CB_DEFER,
    CONTENT,
    DM,
    EPHEMERAL,
    LOADING,
    MEMBERS,
    PRESENCES,
    Json,
    walk,
)
from fake_discord.world import World

DAILY_CREATES = 200


@dataclass
class Reply:
    """One interaction as the person who began it sees it: what came back, and when."""

    id: str
    token: str
    type: int
    user: Json
    channel: Json
    data: Json
    source: Json | None
    began: float
    acked: asyncio.Future[int]
    waited: float = 0.0
    callback: int = 0
    message: Json | None = None
    modal: Json | None = None
    choices: list[Json] | None = None
    deleted: bool = False
    followups: list[Json] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ephemeral(self) -> bool:
        return bool(self.message and self.message["flags"] & EPHEMERAL)

    @property
    def thinking(self) -> bool:
        """Whether the person still sees that the bot is thinking."""
        return bool(self.message and self.message["flags"] & LOADING and not self.deleted)

    @property
    def text(self) -> str:
        """What the person reads in the first answer: its content, and what its embeds say."""
        return text_of(self.message) if self.message else ""

    async def final(self, timeout: float = 5) -> Json:
        """The first answer, once whatever the bot thought about is filled in."""
        await self.until(lambda reply: reply.message is not None and not reply.thinking, timeout)
        assert self.message is not None
        return self.message

    async def followup(self, number: int = 1, timeout: float = 5) -> Json:
        """The first, second… message that followed the first answer."""
        await self.until(lambda reply: len(reply.followups) >= number, timeout)
        return self.followups[number - 1]

    async def until(self, happened: Callable[[Reply], bool], timeout: float = 5) -> None:
        async with asyncio.timeout(timeout):
            while not happened(self):
                self.changed.clear()
                await self.changed.wait()

    def acknowledge(self, callback: int) -> None:
        self.callback = callback
        self.waited = time.monotonic() - self.began
        if not self.acked.done():
            self.acked.set_result(callback)
        self.changed.set()

    @property
    def awaits_first(self) -> bool:
        """After a deferral, the first thing sent fills it instead of following it."""
        return self.callback == CB_DEFER and self.thinking and not self.followups


def text_of(message: Json) -> str:
    """All a person can read in a message."""
    parts = [message["content"]]
    for embed in message["embeds"]:
        parts += [embed.get("title"), embed.get("description")]
        parts += [f"{each['name']}: {each['value']}" for each in embed.get("fields") or []]
        parts.append((embed.get("footer") or {}).get("text"))
    parts += [item["content"] for item in walk(message["components"]) if "content" in item]
    return "\n".join(part for part in parts if part)


class Application(World):
    """The world, and one bot's application in it."""

    def __init__(
        self, bot_name: str, allowed_intents: int, ack_seconds: float, token_seconds: float
    ) -> None:
        super().__init__(bot_name, allowed_intents)
        self.token = "fake." + secrets.token_hex(8)
        self.ack_seconds, self.token_seconds = ack_seconds, token_seconds
        self.commands: dict[str | None, list[Json]] = {None: []}
        self.created_today: dict[str | None, int] = {}
        self.replies: dict[str, Reply] = {}

    def facts(self) -> Json:
        """The application as the bot asks for it; its flags say which intents are switched on."""
        limited = {PRESENCES: 1 << 13, MEMBERS: 1 << 15, CONTENT: 1 << 19}
        flags = sum(flag for intent, flag in limited.items() if self.allowed_intents & intent)
        return {
            "id": self.app_id, "name": self.bot["username"], "icon": None, "description": "",
            "summary": "", "bot_public": True, "bot_require_code_grant": False, "team": None,
            "verify_key": "0" * 64, "flags": flags, "rpc_origins": [], "hook": True,
            "approximate_guild_count": len(self.joined_guilds()),
        }  # fmt: skip

    # ---- interactions --------------------------------------------------------------------

    def begin(
        self, user: Json, kind: int, data: Json, channel: Json, source: Json | None = None
    ) -> Reply:
        """Somebody pressed, chose or typed something: the bot is told, and has its seconds."""
        reply = Reply(
            id=self.snowflake(), token=secrets.token_urlsafe(24), type=kind, user=user,
            channel=channel, data=data, source=source, began=time.monotonic(),
            acked=asyncio.get_running_loop().create_future(),
        )  # fmt: skip
        self.replies[reply.token] = reply
        self.tell("INTERACTION_CREATE", self._payload(reply))
        return reply

    def _payload(self, reply: Reply) -> Json:
        allowed = str(self.may(reply.user["id"], reply.channel))
        payload: Json = {
            "id": reply.id, "application_id": self.app_id, "type": reply.type, "version": 1,
            "token": reply.token, "data": reply.data, "channel_id": reply.channel["id"],
            "channel": {**reply.channel, "permissions": allowed}, "locale": "en-US",
            "entitlements": [], "attachment_size_limit": 10 * 2**20,
        }  # fmt: skip
        if reply.source is not None:
            payload["message"] = reply.source
        return payload | self._setting(reply, allowed)

    def _setting(self, reply: Reply, allowed: str) -> Json:
        """Who and where: a member in a guild, or a user in direct messages."""
        if reply.channel["type"] == DM:
            return {
                "user": reply.user, "context": 1, "app_permissions": str(permissions.IN_DM),
                "authorizing_integration_owners": {"0": "0"},
            }  # fmt: skip
        guild = self.guilds[reply.channel["guild_id"]]
        return {
            "member": {**guild.members[reply.user["id"]], "permissions": allowed},
            "guild_id": guild.id, "guild_locale": "en-US", "context": 0,
            "guild": {"id": guild.id, "locale": "en-US", "features": []},
            "app_permissions": str(self.may(self.bot["id"], reply.channel)),
            "authorizing_integration_owners": {"0": guild.id},
        }  # fmt: skip

    # ---- commands ------------------------------------------------------------------------

    def store_command(self, scope: str | None, command: Json) -> Json:
        """A command as it is kept, with the id of the one of its name and kind before it."""
        known = self._known(scope, command)
        stored: Json = {
            "type": 1, "default_member_permissions": None, "nsfw": False, "options": [],
            "description": "", **command, "id": known["id"] if known else self.snowflake(),
            "application_id": self.app_id, "version": self.snowflake(),
        }  # fmt: skip
        if scope is None:
            return {"dm_permission": True, "contexts": None, "integration_types": [0], **stored}
        return stored | {"guild_id": scope}

    def _known(self, scope: str | None, command: Json) -> Json | None:
        wanted = (command.get("type", 1), command["name"])
        kept = self.commands.get(scope, [])
        return next((each for each in kept if (each["type"], each["name"]) == wanted), None)

    def is_new_command(self, scope: str | None, command: Json) -> bool:
        return self._known(scope, command) is None

    def visible_command(self, user_id: str, name: str, kind: int, channel: Json) -> Json | None:
        """A command as somebody finds it in a channel: the guild's own before the global one."""
        scopes = (None,) if channel["type"] == DM else (channel["guild_id"], None)
        for scope in scopes:
            for command in self.commands.get(scope, []):
                fits = command["name"] == name and command["type"] == kind
                if fits and self.shows_command(user_id, command, channel):
                    return command
        return None

    def shows_command(self, user_id: str, command: Json, channel: Json) -> bool:
        if channel["type"] == DM:
            contexts = command.get("contexts")
            return 1 in contexts if contexts else bool(command.get("dm_permission", True))
        contexts = command.get("contexts")
        needed = command["default_member_permissions"]
        held = self.may(user_id, channel)
        if contexts and 0 not in contexts:
            return False
        if not held & permissions.BITS["USE_APPLICATION_COMMANDS"]:
            return False
        if needed is None or held & permissions.ADMINISTRATOR:
            return True
        return int(needed) != 0 and held & int(needed) == int(needed)


def option_at(command: Json, path: tuple[str, ...]) -> tuple[Any, list[Json]]:
    """The (sub)command a path leads to, and the levels passed on the way."""
    spec, levels = command, list[Json]()
    for step in path:
        found = next((o for o in spec.get("options") or [] if o["name"] == step), None)
        if found is None:
            return None, levels
        spec = found
        levels.append({"type": spec["type"], "name": step})
    return spec, levels
