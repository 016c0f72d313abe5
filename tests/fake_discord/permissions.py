"""Who may do what: permissions from roles and overwrites, and the order of roles.

Computed as the documentation's pseudocode does. Owners and administrators may do everything; a
member in a time-out keeps only seeing and reading.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce

from fake_discord.wire import Json

NAMES = (
    "CREATE_INSTANT_INVITE", "KICK_MEMBERS", "BAN_MEMBERS", "ADMINISTRATOR", "MANAGE_CHANNELS",
    "MANAGE_GUILD", "ADD_REACTIONS", "VIEW_AUDIT_LOG", "PRIORITY_SPEAKER", "STREAM",
    "VIEW_CHANNEL", "SEND_MESSAGES", "SEND_TTS_MESSAGES", "MANAGE_MESSAGES", "EMBED_LINKS",
    "ATTACH_FILES", "READ_MESSAGE_HISTORY", "MENTION_EVERYONE", "USE_EXTERNAL_EMOJIS",
    "VIEW_GUILD_INSIGHTS", "CONNECT", "SPEAK", "MUTE_MEMBERS", "DEAFEN_MEMBERS", "MOVE_MEMBERS",
    "USE_VAD", "CHANGE_NICKNAME", "MANAGE_NICKNAMES", "MANAGE_ROLES", "MANAGE_WEBHOOKS",
    "MANAGE_GUILD_EXPRESSIONS", "USE_APPLICATION_COMMANDS", "REQUEST_TO_SPEAK", "MANAGE_EVENTS",
    "MANAGE_THREADS", "CREATE_PUBLIC_THREADS", "CREATE_PRIVATE_THREADS", "USE_EXTERNAL_STICKERS",
    "SEND_MESSAGES_IN_THREADS", "USE_EMBEDDED_ACTIVITIES", "MODERATE_MEMBERS",
)  # fmt: skip
BITS = {name: 1 << place for place, name in enumerate(NAMES)} | {
    "SEND_POLLS": 1 << 49, "PIN_MESSAGES": 1 << 51, "BYPASS_SLOWMODE": 1 << 52,
}  # fmt: skip
ALL = reduce(int.__or__, BITS.values())


def bits(*names: str) -> int:
    return reduce(int.__or__, (BITS[name] for name in names), 0)


ADMINISTRATOR = BITS["ADMINISTRATOR"]
VIEW = BITS["VIEW_CHANNEL"]
# What @everyone has in a guild that was just made, in the app of today.
EVERYONE = bits(
    "CREATE_INSTANT_INVITE", "ADD_REACTIONS", "STREAM", "VIEW_CHANNEL", "SEND_MESSAGES",
    "EMBED_LINKS", "ATTACH_FILES", "READ_MESSAGE_HISTORY", "MENTION_EVERYONE",
    "USE_EXTERNAL_EMOJIS", "CONNECT", "SPEAK", "USE_VAD", "CHANGE_NICKNAME",
    "USE_APPLICATION_COMMANDS", "REQUEST_TO_SPEAK", "CREATE_PUBLIC_THREADS",
    "CREATE_PRIVATE_THREADS", "USE_EXTERNAL_STICKERS", "SEND_MESSAGES_IN_THREADS", "SEND_POLLS",
)  # fmt: skip
IN_TIME_OUT = bits("VIEW_CHANNEL", "READ_MESSAGE_HISTORY")
# Denied with the permission to send, though nobody denied them.
_SENDING = bits("MENTION_EVERYONE", "SEND_TTS_MESSAGES", "ATTACH_FILES", "EMBED_LINKS")
# What the documentation says an app has in a direct message with its own bot user.
IN_DM = bits("ATTACH_FILES", "EMBED_LINKS", "MENTION_EVERYONE", "USE_EXTERNAL_EMOJIS")


def in_guild(guild_id: str, owner_id: str, roles: dict[str, Json], member: Json) -> int:
    """A member's permissions in a guild, before any channel's overwrites."""
    if member["user"]["id"] == owner_id:
        return ALL
    held = [roles[role] for role in (guild_id, *member["roles"]) if role in roles]
    found = reduce(int.__or__, (int(role["permissions"]) for role in held), 0)
    if found & ADMINISTRATOR:
        return ALL
    return found & IN_TIME_OUT if timed_out(member) else found


def timed_out(member: Json) -> bool:
    until: str | None = member.get("communication_disabled_until")
    return until is not None and datetime.fromisoformat(until) > datetime.now(UTC)


def in_channel(base: int, guild_id: str, member: Json, channel: Json, thread: bool) -> int:
    """A member's permissions in a channel; a thread is asked with its parent as the channel."""
    if base & ADMINISTRATOR:
        return ALL
    found = _overwritten(base, guild_id, member, channel["permission_overwrites"])
    if timed_out(member):
        found &= IN_TIME_OUT
    if not found & VIEW:
        return 0
    speaking = "SEND_MESSAGES_IN_THREADS" if thread else "SEND_MESSAGES"
    return found if found & BITS[speaking] else found & ~_SENDING


def _overwritten(base: int, guild_id: str, member: Json, overwrites: list[Json]) -> int:
    by_id = {overwrite["id"]: overwrite for overwrite in overwrites}
    everyone = [by_id[guild_id]] if guild_id in by_id else []
    of_roles = [by_id[role] for role in member["roles"] if role in by_id]
    own = [by_id[member["user"]["id"]]] if member["user"]["id"] in by_id else []
    for layer in (everyone, of_roles, own):
        denied = reduce(int.__or__, (int(each["deny"]) for each in layer), 0)
        allowed = reduce(int.__or__, (int(each["allow"]) for each in layer), 0)
        base = base & ~denied | allowed
    return base


def height(role: Json) -> tuple[int, int]:
    """Roles in order. Of two at one position the one made first is the higher."""
    return role["position"], -int(role["id"])


def top(guild_id: str, roles: dict[str, Json], member: Json) -> tuple[int, int]:
    """How high a member's highest role is."""
    return max(height(roles[role]) for role in (guild_id, *member["roles"]) if role in roles)
