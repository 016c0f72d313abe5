"""The world a bot sees: users, guilds, channels and messages, and who is told of a change.

Owns what exists and what it looks like to the bot. Changes are made by the modules above it; every
one of them ends in `tell`, which sends an event to those sessions that may have it.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from fake_discord import permissions
from fake_discord.sessions import Session
from fake_discord.wire import (
    CHANNEL_OBFUSCATED,
    CONTENT,
    DM,
    DM_INTENT_OF,
    EPHEMERAL,
    INTENT_OF,
    MEMBERS,
    PRESENCES,
    PRIVATE_THREAD,
    THREADS,
    Json,
    missing_access,
    missing_permissions,
    now,
    unknown,
)

DISCORD_EPOCH_MS = 1420070400000


@dataclass
class Guild:
    """One server with its roles, members and channels; `channel` is the first one made in it."""

    id: str
    name: str
    owner_id: str
    roles: dict[str, Json] = field(default_factory=dict)
    members: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)
    bans: dict[str, str | None] = field(default_factory=dict)
    joined_at: str = ""
    unavailable: bool = False

    @property
    def channel(self) -> Json:
        return next(each for each in self.channels.values() if each["type"] == 0)

    def role(self, name: str) -> str:
        """The id of the role with that name."""
        return str(next(r["id"] for r in self.roles.values() if r["name"] == name))

    @property
    def everyone(self) -> Json:
        return self.roles[self.id]


class World:
    def __init__(self, bot_name: str, allowed_intents: int) -> None:
        self._ids = itertools.count(1)
        self._began_ms = int(time.time() * 1000) - DISCORD_EPOCH_MS
        self.allowed_intents = allowed_intents
        self.address = self.gateway_address = ""
        self.sessions: dict[str, Session] = {}
        self.users: dict[str, Json] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Json] = {}
        self.messages: dict[str, Json] = {}
        self.history: dict[str, dict[str, Json]] = {}
        self.thread_members: dict[str, dict[str, Json]] = {}
        self.pins: dict[str, dict[str, str]] = {}
        self.reactors: dict[tuple[str, str], list[str]] = {}
        self.voters: dict[str, dict[int, list[str]]] = {}
        self.files: dict[str, bytes] = {}
        self.nonces: dict[tuple[str, str, str], str] = {}
        self.closed_dms: set[str] = set()
        self._visible: dict[str, bool] = {}
        self.bot = self.new_user(bot_name, bot=True)
        self.app_id = str(self.bot["id"])  # as with every application made since 2016

    # ---- making things -------------------------------------------------------------------

    def snowflake(self) -> str:
        """An id whose upper bits are a time, as all of Discord's are; each later than the last."""
        return str((self._began_ms + next(self._ids)) << 22)

    def new_user(self, name: str, bot: bool = False) -> Json:
        user: Json = {
            "id": self.snowflake(), "username": name, "discriminator": "0", "avatar": None,
            "global_name": None if bot else name.title(), "bot": bot, "system": False,
            "flags": 0, "public_flags": 0,
        }  # fmt: skip
        self.users[user["id"]] = user
        return user

    def dm_channel(self, user_id: str) -> Json:
        """The direct messages between the bot and a user; made when first asked for."""
        for channel in self.channels.values():
            if channel["type"] == DM and channel["recipients"][0]["id"] == user_id:
                return channel
        made: Json = {
            "id": self.snowflake(), "type": DM, "recipients": [self.users[user_id]],
            "last_message_id": None, "flags": 0,
        }  # fmt: skip
        self.channels[made["id"]] = made
        return made

    def joined_guilds(self) -> list[Guild]:
        return [guild for guild in self.guilds.values() if self.bot["id"] in guild.members]

    # ---- finding things ------------------------------------------------------------------

    def guild_of(self, guild_id: str) -> Guild:
        """A guild the bot is in."""
        guild = self.guilds.get(guild_id)
        if guild is None:
            raise unknown("Guild")
        if self.bot["id"] not in guild.members:
            raise missing_access()
        return guild

    def channel_of(self, channel_id: str) -> Json:
        """A channel the bot may see."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise unknown("Channel")
        if not self.sees(channel):
            raise missing_access()
        return channel

    def message_of(self, channel_id: str, message_id: str) -> Json:
        """A message in a channel, as everyone there could see it: nothing ephemeral."""
        message = self.history.get(channel_id, {}).get(message_id)
        if message is None or message["flags"] & EPHEMERAL:
            raise unknown("Message")
        return message

    def member_of(self, guild: Guild, user_id: str) -> Json:
        if user_id not in self.users:
            raise unknown("User")
        if user_id not in guild.members:
            raise unknown("Member")
        return guild.members[user_id]

    def parent_of(self, thread: Json) -> Json:
        return self.channels[thread["parent_id"]]

    # ---- who may do what -----------------------------------------------------------------

    def may(self, user_id: str, channel: Json) -> int:
        """A user's permissions in a channel."""
        if channel["type"] == DM:
            own = user_id in (self.bot["id"], channel["recipients"][0]["id"])
            return permissions.ALL if own else 0
        guild = self.guilds[channel["guild_id"]]
        member = guild.members.get(user_id)
        if member is None:
            return 0
        thread = channel["type"] in THREADS
        place = self.parent_of(channel) if thread else channel
        base = self.may_in_guild(user_id, guild)
        found = permissions.in_channel(base, guild.id, member, place, thread)
        if channel["type"] == PRIVATE_THREAD and not found & permissions.BITS["MANAGE_THREADS"]:
            return found if user_id in self.thread_members.get(channel["id"], {}) else 0
        return found

    def may_in_guild(self, user_id: str, guild: Guild) -> int:
        member = guild.members[user_id]
        return permissions.in_guild(guild.id, guild.owner_id, guild.roles, member)

    def sees(self, channel: Json, user_id: str = "") -> bool:
        return bool(self.may(user_id or self.bot["id"], channel) & permissions.VIEW)

    def need(self, channel: Json, *names: str) -> None:
        """Refuses the bot what it has no permission for in a channel."""
        held = self.may(self.bot["id"], channel)
        if not held & permissions.VIEW:
            raise missing_access()
        if not all(held & permissions.BITS[name] for name in names):
            raise missing_permissions()

    def need_in_guild(self, guild: Guild, *names: str) -> None:
        held = self.may_in_guild(self.bot["id"], guild)
        if not all(held & permissions.BITS[name] for name in names):
            raise missing_permissions()

    def need_above(self, guild: Guild, height: tuple[int, int]) -> None:
        """Refuses the bot what only a higher role may touch. Owners are above everything."""
        own = permissions.top(guild.id, guild.roles, guild.members[self.bot["id"]])
        if guild.owner_id != self.bot["id"] and own <= height:
            raise missing_permissions()

    def need_above_member(self, guild: Guild, member: Json) -> None:
        if member["user"]["id"] == guild.owner_id:
            raise missing_permissions()
        self.need_above(guild, permissions.top(guild.id, guild.roles, member))

    # ---- what the bot is shown -----------------------------------------------------------

    def shown_channel(self, channel: Json) -> Json:
        """A channel as the gateway shows it: the bare bones of one the bot may not see.

        So since November 2026; before, bots were told everything of every channel.
        """
        if self.sees(channel):
            return channel
        hidden = {key: channel[key] for key in ("id", "type", "guild_id", "position", "parent_id")}
        overwrite = {"id": channel["guild_id"], "type": 0, "allow": "0"}
        return hidden | {
            "name": "___hidden___", "topic": None, "nsfw": False, "last_message_id": None,
            "rate_limit_per_user": 0, "flags": channel["flags"] | CHANNEL_OBFUSCATED,
            "permission_overwrites": [overwrite | {"deny": str(permissions.VIEW)}],
        }  # fmt: skip

    def shown_message(self, message: Json, intents: int) -> Json:
        """A message without what only the intent for message contents opens."""
        channel = self.channels.get(message["channel_id"])
        own = message["author"]["id"] == self.bot["id"]
        mentioned = any(user["id"] == self.bot["id"] for user in message["mentions"])
        if intents & CONTENT or own or mentioned or (channel and channel["type"] == DM):
            return message
        bare = {**message, "content": "", "embeds": [], "attachments": [], "components": []}
        bare.pop("poll", None)
        return bare

    def shown_guild(self, guild: Guild, intents: int, large_threshold: int = 50) -> Json:
        """What GUILD_CREATE says. It lists no member but the bot without the presences intent."""
        channels = [c for c in guild.channels.values() if c["type"] not in THREADS]
        threads = [self.shown_thread(c) for c in self.active_threads(guild)]
        own = guild.members[self.bot["id"]]
        whole = intents & PRESENCES and intents & MEMBERS
        return self.guild_facts(guild) | {
            "joined_at": guild.joined_at, "unavailable": False,
            "large": len(guild.members) > large_threshold, "member_count": len(guild.members),
            "members": list(guild.members.values()) if whole else [own],
            "channels": [self.shown_channel(c) for c in channels], "threads": threads,
            "voice_states": [], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [],
        }  # fmt: skip

    def active_threads(self, guild: Guild) -> list[Json]:
        """Those not archived that the bot may see."""
        return [
            c for c in guild.channels.values()
            if c["type"] in THREADS and not c["thread_metadata"]["archived"] and self.sees(c)
        ]  # fmt: skip

    def shown_thread(self, thread: Json) -> Json:
        """A thread with the bot's own membership in it, if it has one."""
        own = self.thread_members[thread["id"]].get(self.bot["id"])
        return thread | {"member": own} if own else thread

    def guild_facts(self, guild: Guild) -> Json:
        return {
            "id": guild.id, "name": guild.name, "icon": None, "splash": None, "description": None,
            "discovery_splash": None, "owner_id": guild.owner_id, "afk_channel_id": None,
            "afk_timeout": 300, "verification_level": 0, "default_message_notifications": 0,
            "explicit_content_filter": 0, "roles": list(guild.roles.values()), "emojis": [],
            "stickers": [], "features": [], "mfa_level": 0, "system_channel_id": None,
            "system_channel_flags": 0, "rules_channel_id": None, "premium_tier": 0,
            "preferred_locale": "en-US", "nsfw_level": 0,
        }  # fmt: skip

    # ---- telling -------------------------------------------------------------------------

    def tell(self, event: str, data: Json, *, dm: bool = False) -> None:
        """Sends an event to whoever listens for its kind; nothing of guilds the bot has left."""
        guild = self.guilds.get(data.get("guild_id", ""))
        if guild is not None and self.bot["id"] not in guild.members:
            return
        needed = (DM_INTENT_OF if dm else INTENT_OF).get(event, 0)
        for session in self.sessions.values():
            if not needed or session.intents & needed or self._about_the_bot(event, data):
                session.dispatch(event, data)

    def _about_the_bot(self, event: str, data: Json) -> bool:
        """Changes of the bot's own membership come whatever it listens for."""
        return event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == self.bot["id"]

    def tell_channel(self, event: str, channel: Json) -> None:
        """Of a channel or thread: threads the bot cannot see are kept from it wholly."""
        if channel["type"] not in THREADS:
            self.note_visibility(channel)
            self.tell(event, self.shown_channel(channel))
        elif self.sees(channel):
            self.tell(event, channel)

    def tell_message(self, event: str, message: Json) -> None:
        """Of a message, to those who may see it, without what their intents do not open."""
        channel = self.channels[message["channel_id"]]
        if message["flags"] & EPHEMERAL or not self.sees(channel):
            return
        dm = channel["type"] == DM
        needed = (DM_INTENT_OF if dm else INTENT_OF)[event]
        extra = {} if dm else self._place(message, channel)
        for session in self.sessions.values():
            if session.intents & needed:
                session.dispatch(event, self.shown_message(message, session.intents) | extra)

    def _place(self, message: Json, channel: Json) -> Json:
        """What events say of a message in a guild beyond it: where, and by which member."""
        place: Json = {"guild_id": channel["guild_id"]}
        member = self.guilds[channel["guild_id"]].members.get(message["author"]["id"])
        if member is not None and "webhook_id" not in message:
            place["member"] = {key: value for key, value in member.items() if key != "user"}
        return place

    def tell_members(self, thread: Json, added: list[Json], removed: list[str]) -> None:
        """Who came to a thread or left it; only of the bot without the members intent."""
        self.thread_count(thread)
        about_bot = self.bot["id"] in [*(member["user_id"] for member in added), *removed]
        data: Json = {
            "id": thread["id"], "guild_id": thread["guild_id"],
            "member_count": thread["member_count"],
        }  # fmt: skip
        if added:
            people = self.guilds[thread["guild_id"]].members
            data["added_members"] = [
                each | {"member": people[each["user_id"]], "presence": None} for each in added
            ]
        if removed:
            data["removed_member_ids"] = removed
        for session in self.sessions.values():
            if about_bot or (session.intents & MEMBERS and self.sees(thread)):
                session.dispatch("THREAD_MEMBERS_UPDATE", data)

    def thread_count(self, thread: Json) -> None:
        thread["member_count"] = min(50, len(self.thread_members.get(thread["id"], {})))

    def note_visibility(self, channel: Json) -> None:
        self._visible[channel["id"]] = self.sees(channel)

    def tell_visibility(self, guild: Guild) -> None:
        """Channels that came into sight, or went out of it, by a change of roles."""
        for channel in guild.channels.values():
            if channel["type"] in THREADS:
                continue
            if self._visible.get(channel["id"]) != self.sees(channel):
                self.tell_channel("CHANNEL_UPDATE", channel)

    def joined_thread(self, thread: Json, user_id: str) -> Json:
        member: Json = {
            "id": thread["id"], "user_id": user_id, "join_timestamp": now(), "flags": 0,
        }  # fmt: skip
        self.thread_members.setdefault(thread["id"], {})[user_id] = member
        self.thread_count(thread)
        return member
