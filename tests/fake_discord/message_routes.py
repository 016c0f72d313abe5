"""Routes of messages: sending, editing, deleting, pins, reactions, polls.

What happens in a locked thread, and to embeds without the permission for them, is as Discord's
staff and bots' authors describe it in public; the documentation has only the permissions.
"""

from __future__ import annotations

from typing import Any

from fake_discord import messages, permissions
from fake_discord.application import Application
from fake_discord.channel_routes import sending, thread_archived
from fake_discord.rest import Call, route
from fake_discord.wire import (
    CATEGORY,
    DM,
    EPHEMERAL,
    FORUM,
    NOT_SYSTEM,
    THREAD_STARTER,
    THREADS,
    ApiError,
    Json,
)


def _history(app: Application, channel: Json) -> bool:
    held = app.may(app.bot["id"], channel)
    return bool(held & permissions.BITS["READ_MESSAGE_HISTORY"])


def _shown(app: Application, message: Json) -> Json:
    return app.shown_message(message, app.allowed_intents)


def _message(app: Application, call: Call) -> Json:
    return app.message_of(app.channel_of(call["channel"])["id"], call["message"])


# ---- reading -----------------------------------------------------------------------------


@route("GET", "/channels/{channel}/messages")
def get_messages(app: Application, call: Call) -> Any:
    """Newest first. After some message come the first ones after it, not the latest of all."""
    channel, most = app.channel_of(call["channel"]), call.number("limit", 50, 100)
    if not _history(app, channel):
        return []
    kept = app.history.get(channel["id"], {})
    found = sorted(int(each) for each in kept if not kept[each]["flags"] & EPHEMERAL)
    if "before" in call.query:
        found = [each for each in found if each < int(call.query["before"])][-most:]
    elif "after" in call.query:
        found = [each for each in found if each > int(call.query["after"])][:most]
    elif "around" in call.query:
        found = _around(found, int(call.query["around"]), most)
    return [_shown(app, kept[str(each)]) for each in reversed(found[-most:] if most else [])]


def _around(found: list[int], middle: int, most: int) -> list[int]:
    nearest = sorted(found, key=lambda each: abs(each - middle))
    return sorted(nearest[:most])


@route("GET", "/channels/{channel}/messages/{message}")
def get_message(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    if channel["type"] != DM:
        app.need(channel, "READ_MESSAGE_HISTORY")
    return _shown(app, app.message_of(channel["id"], call["message"]))


# ---- sending -----------------------------------------------------------------------------


@route("POST", "/channels/{channel}/messages")
def create_message(app: Application, call: Call) -> Any:
    channel, body = app.channel_of(call["channel"]), dict(call.body)
    known = _sent_already(app, channel, body)
    if known is not None:
        return known
    body = _may_send(app, channel, body, call)
    body["flags"] = messages.sendable_flags(body.get("flags"))
    message = messages.post(app, channel, app.bot, body, call.uploads)
    if body.get("nonce") is not None:
        app.nonces[app.bot["id"], channel["id"], str(body["nonce"])] = message["id"]
    return message


def _sent_already(app: Application, channel: Json, body: Json) -> Json | None:
    """With an enforced nonce, the message that was sent with it before is the answer."""
    if not body.get("enforce_nonce"):
        return None
    known = app.nonces.get((app.bot["id"], channel["id"], str(body.get("nonce"))))
    return app.messages.get(known or "")


def _may_send(app: Application, channel: Json, body: Json, call: Call) -> Json:
    """Refuses what the bot may not send here; what remains of it otherwise."""
    if channel["type"] == DM:
        _may_write_to(app, channel["recipients"][0])
        return body
    if channel["type"] == FORUM:
        raise ApiError(400, 40058, "Cannot send a message in a forum channel")
    if channel["type"] == CATEGORY:
        raise ApiError(400, 50008, "Cannot send messages in a non-text channel")
    needed = [sending(channel)]
    needed += ["ATTACH_FILES"] if call.uploads else []
    needed += ["SEND_POLLS"] if body.get("poll") else []
    app.need(channel, *needed)
    if body.get("message_reference") and not _history(app, channel):
        raise ApiError(403, 160002, "Cannot reply without permission to read message history")
    may_write_in_thread(app, channel)
    return _without_embeds(app, channel, body)


def _may_write_to(app: Application, user: Json) -> None:
    """Direct messages reach people who take them, and share a server with the bot."""
    if user["id"] in app.closed_dms or user["bot"]:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    both = (user["id"], app.bot["id"])
    if not any(all(each in guild.members for each in both) for guild in app.guilds.values()):
        raise ApiError(
            403, 50278, "Cannot send messages to this user due to having no mutual guilds"
        )


def may_write_in_thread(app: Application, channel: Json) -> None:
    """Sending opens an archived thread, unless it is locked; then it takes a moderator."""
    if channel["type"] not in THREADS or not channel["thread_metadata"]["locked"]:
        return
    if not app.may(app.bot["id"], channel) & permissions.BITS["MANAGE_THREADS"]:
        if channel["thread_metadata"]["archived"]:
            raise ApiError(403, 50083, "Thread is archived")
        raise ApiError(403, 160005, "Thread is locked")


def _without_embeds(app: Application, channel: Json, body: Json) -> Json:
    """Without the permission for embeds, they are left out without a word if anything remains."""
    held = app.may(app.bot["id"], channel)
    if not body.get("embeds") or held & permissions.BITS["EMBED_LINKS"]:
        return body
    if not any(body.get(key) for key in ("content", "components", "attachments", "poll")):
        app.need(channel, "EMBED_LINKS")
    return body | {"embeds": []}


# ---- changing ----------------------------------------------------------------------------


@route("PATCH", "/channels/{channel}/messages/{message}")
def edit_message(app: Application, call: Call) -> Any:
    message, body = _message(app, call), call.body
    channel = app.channels[message["channel_id"]]
    if message["author"]["id"] != app.bot["id"]:
        if set(body) != {"flags"}:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        app.need(channel, "MANAGE_MESSAGES")
    if message["type"] not in NOT_SYSTEM:
        raise ApiError(403, 50021, "Cannot execute action on a system message")
    in_open_thread(channel)
    if channel["type"] != DM:
        may_write_in_thread(app, channel)
        held = app.may(app.bot["id"], channel)
        if body.get("embeds") and not held & permissions.BITS["EMBED_LINKS"]:
            body = body | {"embeds": []}
    return messages.change(app, message, body, call.uploads)


def in_open_thread(channel: Json) -> None:
    if channel["type"] in THREADS and channel["thread_metadata"]["archived"]:
        raise thread_archived()


@route("DELETE", "/channels/{channel}/messages/{message}")
def delete_message(app: Application, call: Call) -> Any:
    message = _message(app, call)
    channel = app.channels[message["channel_id"]]
    if message["type"] == THREAD_STARTER:
        raise ApiError(403, 50021, "Cannot execute action on a system message")
    if message["author"]["id"] != app.bot["id"]:
        if channel["type"] == DM:
            raise ApiError(403, 50003, "Cannot execute action on a DM channel")
        app.need(channel, "MANAGE_MESSAGES")
    messages.delete(app, message)


# ---- pins --------------------------------------------------------------------------------


@route("PUT", "/channels/{channel}/messages/pins/{message}")
@route("PUT", "/channels/{channel}/pins/{message}")
def pin(app: Application, call: Call) -> Any:
    messages.pin(app, _pinnable(app, call), app.bot)


@route("DELETE", "/channels/{channel}/messages/pins/{message}")
@route("DELETE", "/channels/{channel}/pins/{message}")
def unpin(app: Application, call: Call) -> Any:
    messages.unpin(app, _pinnable(app, call))


def _pinnable(app: Application, call: Call) -> Json:
    """Pinning takes its own permission since February 2026; managing messages is not enough."""
    message = _message(app, call)
    channel = app.channels[message["channel_id"]]
    if channel["type"] != DM:
        app.need(channel, "PIN_MESSAGES")
    in_open_thread(channel)
    if message["type"] not in NOT_SYSTEM:
        raise ApiError(403, 50021, "Cannot execute action on a system message")
    return message


@route("GET", "/channels/{channel}/messages/pins")
def get_pins(app: Application, call: Call) -> Any:
    channel, most = app.channel_of(call["channel"]), call.number("limit", 50, 50)
    kept = app.history.get(channel["id"], {})
    found = [
        {"pinned_at": at, "message": _shown(app, kept[message_id])}
        for message_id, at in app.pins.get(channel["id"], {}).items()
        if at < call.query.get("before", "9")
    ]
    found.sort(key=lambda item: str(item["pinned_at"]), reverse=True)
    shown = found[:most] if _history(app, channel) else []
    return {"items": shown, "has_more": len(found) > most}


@route("GET", "/channels/{channel}/pins")
def get_pins_as_before(app: Application, call: Call) -> Any:
    return [item["message"] for item in get_pins(app, call)["items"]]


# ---- reactions ---------------------------------------------------------------------------


@route("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me")
def add_reaction(app: Application, call: Call) -> Any:
    message = _message(app, call)
    channel = app.channels[message["channel_id"]]
    in_open_thread(channel)
    if channel["type"] != DM:
        others = app.reactors.get((message["id"], call["emoji"]))
        app.need(channel, "READ_MESSAGE_HISTORY", *([] if others else ["ADD_REACTIONS"]))
    messages.react(app, message, app.bot, call["emoji"])


@route("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me")
def drop_reaction(app: Application, call: Call) -> Any:
    messages.unreact(app, _message(app, call), app.bot, call["emoji"])


@route("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/{user}")
def drop_reaction_of(app: Application, call: Call) -> Any:
    message = _message(app, call)
    app.need(app.channels[message["channel_id"]], "MANAGE_MESSAGES")
    messages.unreact(app, message, app.users[call["user"]], call["emoji"])


@route("DELETE", "/channels/{channel}/messages/{message}/reactions")
def drop_reactions(app: Application, call: Call) -> Any:
    message = _message(app, call)
    app.need(app.channels[message["channel_id"]], "MANAGE_MESSAGES")
    messages.clear_reactions(app, message)


@route("GET", "/channels/{channel}/messages/{message}/reactions/{emoji}")
def get_reactions(app: Application, call: Call) -> Any:
    message = _message(app, call)
    who = app.reactors.get((message["id"], call["emoji"]), [])
    return _page(app, who, call)


def _page(app: Application, who: list[str], call: Call) -> list[Json]:
    after = int(call.query.get("after", 0))
    found = sorted((each for each in who if int(each) > after), key=int)
    return [app.users[each] for each in found[: call.number("limit", 25, 100)]]


# ---- polls -------------------------------------------------------------------------------


@route("POST", "/channels/{channel}/polls/{message}/expire")
def expire_poll(app: Application, call: Call) -> Any:
    message = _message(app, call)
    if message["author"]["id"] != app.bot["id"]:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    return messages.end_poll(app, message)


@route("GET", "/channels/{channel}/polls/{message}/answers/{answer}")
def poll_voters(app: Application, call: Call) -> Any:
    message = _message(app, call)
    who = app.voters.get(message["id"], {}).get(int(call["answer"]), [])
    return {"users": _page(app, who, call)}
