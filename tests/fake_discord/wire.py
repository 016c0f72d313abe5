"""The words of the wire: numbers Discord gives to things, and the errors it answers with.

Knows no state. Everything here is as Discord's published documentation has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

# What travels as JSON. Its shape is Discord's, and is checked where it comes in.
Json = dict[str, Any]

# Gateway operations.
DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE = 0, 1, 2, 3, 4
RESUME, RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 6, 7, 8, 9, 10, 11

# Intents; the three privileged ones are switched on for an application in its settings.
GUILDS, MEMBERS, MODERATION, PRESENCES = 1 << 0, 1 << 1, 1 << 2, 1 << 8
MESSAGES, REACTIONS, DMS, DM_REACTIONS = 1 << 9, 1 << 10, 1 << 12, 1 << 13
CONTENT, POLLS, DM_POLLS = 1 << 15, 1 << 24, 1 << 25
ALL_INTENTS = (1 << 26) - 1
PRIVILEGED = MEMBERS | CONTENT | PRESENCES

# Interactions, and the ways to answer one.
COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
CB_MESSAGE, CB_DEFER, CB_DEFER_UPDATE, CB_UPDATE, CB_CHOICES, CB_MODAL = 4, 5, 6, 7, 8, 9

# Kinds of application commands.
SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3

# Kinds of channels.
TEXT, DM, CATEGORY, NEWS = 0, 1, 4, 5
NEWS_THREAD, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 10, 11, 12, 15
THREADS = (NEWS_THREAD, PUBLIC_THREAD, PRIVATE_THREAD)
CHANNEL_OBFUSCATED = 1 << 17

# Kinds of messages.
DEFAULT, PINNED, REPLY, SLASH_REPLY, THREAD_STARTER, MENU_REPLY, POLL_RESULT = (
    0, 6, 19, 20, 21, 23, 46,
)  # fmt: skip
NOT_SYSTEM = (DEFAULT, REPLY, SLASH_REPLY, MENU_REPLY)

# Flags of messages.
SUPPRESS_EMBEDS, HAS_THREAD, EPHEMERAL, LOADING = 1 << 2, 1 << 5, 1 << 6, 1 << 7
SUPPRESS_NOTIFICATIONS, COMPONENTS_V2 = 1 << 12, 1 << 15

# Kinds of components.
ROW, BUTTON, SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 18, 19, 21, 22, 23
ENTITY_SELECTS = (USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
SELECTS = (SELECT, *ENTITY_SELECTS)
LINK_BUTTON = 5

# Kinds of command options.
SUB_COMMAND, SUB_GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
USER, CHANNEL, ROLE, MENTIONABLE, NUMBER = 6, 7, 8, 9, 10

_GUILD_EVENTS = (
    "GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE",
    "GUILD_ROLE_DELETE", "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE",
    "CHANNEL_PINS_UPDATE", "THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE",
    "THREAD_MEMBERS_UPDATE",
)  # fmt: skip
_MEMBER_EVENTS = ("GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE")
_MESSAGE_EVENTS = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE")
_REACTION_EVENTS = (
    "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL",
)  # fmt: skip
_POLL_EVENTS = ("MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE")

# The intent without which an event is not sent: in guilds, and in direct messages.
INTENT_OF = {
    **dict.fromkeys(_GUILD_EVENTS, GUILDS),
    **dict.fromkeys(_MEMBER_EVENTS, MEMBERS),
    **dict.fromkeys(_MESSAGE_EVENTS, MESSAGES),
    **dict.fromkeys(_REACTION_EVENTS, REACTIONS),
    **dict.fromkeys(_POLL_EVENTS, POLLS),
    **dict.fromkeys(("GUILD_BAN_ADD", "GUILD_BAN_REMOVE"), MODERATION),
}
DM_INTENT_OF = {
    **dict.fromkeys((*_MESSAGE_EVENTS, "CHANNEL_PINS_UPDATE"), DMS),
    **dict.fromkeys(_REACTION_EVENTS, DM_REACTIONS),
    **dict.fromkeys(_POLL_EVENTS, DM_POLLS),
}


class ApiError(Exception):
    """An answer of Discord that is a refusal: HTTP status, its own code, a sentence."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: Json = {"code": code, "message": message}
        if errors:
            self.body["errors"] = errors


def invalid(path: str, code: str, message: str) -> ApiError:
    """A body that does not fit: 50035, with the place of the fault nested as Discord nests it."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        errors = {part: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors)


def unknown(what: str) -> ApiError:
    """404 with the code Discord has for each kind of thing that is not there."""
    return ApiError(404, UNKNOWN_CODES[what], f"Unknown {what}")


def missing_access() -> ApiError:
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    return ApiError(403, 50013, "Missing Permissions")


UNKNOWN_CODES = {
    "Channel": 10003, "Guild": 10004, "Member": 10007, "Message": 10008, "Overwrite": 10009,
    "Role": 10011, "User": 10013, "Emoji": 10014, "Webhook": 10015, "Ban": 10026,
    "interaction": 10062, "application command": 10063,
}  # fmt: skip


class InteractionFailed(Exception):
    """What a person sees as 'This interaction failed' or 'The application did not respond'."""


class NotPossible(AssertionError):
    """What the app would not let a person do: a button that is not there, a locked thread."""


def now() -> str:
    return datetime.now(UTC).isoformat()


def walk(components: list[Json] | None) -> Iterator[Json]:
    """Every component, however deep."""
    for item in components or []:
        yield item
        yield from walk(item.get("components"))
        for key in ("component", "accessory"):
            if item.get(key):
                yield from walk([item[key]])


def numbered(components: list[Json]) -> list[Json]:
    """Components with an id each, which Discord gives to those that came without one."""
    for number, item in enumerate(walk(components), 1):
        if not item.get("id"):
            item["id"] = number
    return components
