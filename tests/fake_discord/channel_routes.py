"""Routes of channels and threads: reading, changing, deleting, overwrites, who is in a thread."""

from __future__ import annotations

from typing import Any

from fake_discord import checks, guilds, messages, permissions
from fake_discord.application import Application
from fake_discord.rest import Call, Created, route
from fake_discord.wire import (
    DM,
    FORUM,
    MEMBERS,
    NEWS,
    NEWS_THREAD,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    THREADS,
    ApiError,
    Json,
    invalid,
    missing_access,
    missing_permissions,
    unknown,
)
from fake_discord.world import Guild

DURATIONS = (60, 1440, 4320, 10080)


def thread_archived() -> ApiError:
    return ApiError(400, 50083, "Thread is archived")


# ---- channels ----------------------------------------------------------------------------


@route("GET", "/channels/{channel}")
def get_channel(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    return app.shown_thread(channel) if channel["type"] in THREADS else channel


@route("PATCH", "/channels/{channel}")
def patch_channel(app: Application, call: Call) -> Any:
    channel, body = app.channel_of(call["channel"]), dict(call.body)
    if channel["type"] == DM:
        raise ApiError(403, 50003, "Cannot execute action on a DM channel")
    check_fields(body)
    if channel["type"] in THREADS:
        may_change_thread(app, channel, body)
        return guilds.change_thread(app, channel, body)
    app.need(channel, "MANAGE_CHANNELS")
    check_overwrites(app, channel, body.get("permission_overwrites"))
    return guilds.change_channel(app, channel, named_as_stored(channel["type"], body))


def check_fields(body: Json) -> None:
    if "name" in body:
        checks.length("name", body["name"], 100, least=1)
    checks.length("topic", body.get("topic"), 1024)
    if not 0 <= (body.get("rate_limit_per_user") or 0) <= 21600:
        raise invalid("rate_limit_per_user", "NUMBER_TYPE_RANGE", "Must be between 0 and 21600.")
    duration = body.get("auto_archive_duration")
    if duration is not None and duration not in DURATIONS:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", f"Must be one of {DURATIONS}.")


def named_as_stored(kind: int, body: Json) -> Json:
    """Text channels are called in lower case with dashes, whatever was asked for.

    Seen in use; the documentation of the API does not mention it.
    """
    if "name" in body and kind in (TEXT, NEWS):
        return body | {"name": body["name"].lower().replace(" ", "-")}
    return body


def may_change_thread(app: Application, thread: Json, body: Json) -> None:
    """Archived threads must be opened to be changed; locked ones are for moderators only."""
    facts = thread["thread_metadata"]
    app.need(thread)
    if facts["archived"] and body.get("archived") is not False:
        raise thread_archived()
    held = app.may(app.bot["id"], thread)
    if held & permissions.BITS["MANAGE_THREADS"]:
        return
    if facts["locked"] or not set(body) <= {"name", "archived", "auto_archive_duration"}:
        raise missing_permissions()
    only_opens = body == {"archived": False}
    if only_opens and held & permissions.BITS["SEND_MESSAGES_IN_THREADS"]:
        return
    if thread["owner_id"] != app.bot["id"]:
        raise missing_permissions()


def check_overwrites(app: Application, channel: Json, given: list[Json] | None) -> None:
    """Overwrites take the permission to manage roles, and give only what the bot has itself."""
    if given is None:
        return
    app.need(channel, "MANAGE_ROLES")
    held = app.may(app.bot["id"], channel)
    before = {each["id"]: each for each in channel["permission_overwrites"]}
    for each in map(guilds.overwrite, given):
        changed = before.get(each["id"], {"allow": "0", "deny": "0"})
        touched = (int(each["allow"]) ^ int(changed["allow"])) | (
            int(each["deny"]) ^ int(changed["deny"])
        )
        if touched & ~held:
            raise missing_permissions()


@route("DELETE", "/channels/{channel}")
def delete_channel(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    if channel["type"] == DM:
        return channel
    if channel["type"] in THREADS:
        app.need(channel, "MANAGE_THREADS")
        guilds.delete_thread(app, channel)
        return channel
    app.need(channel, "MANAGE_CHANNELS")
    guilds.delete_channel(app, channel)
    return channel


@route("POST", "/channels/{channel}/typing")
def typing(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    if channel["type"] != DM:
        app.need(channel, sending(channel))


def sending(channel: Json) -> str:
    return "SEND_MESSAGES_IN_THREADS" if channel["type"] in THREADS else "SEND_MESSAGES"


@route("PUT", "/channels/{channel}/permissions/{target}")
def put_overwrite(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    given = guilds.overwrite(call.body | {"id": call["target"]})
    check_overwrites(app, channel, [given])
    guilds.put_overwrite(app, channel, given)


@route("DELETE", "/channels/{channel}/permissions/{target}")
def drop_overwrite(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    app.need(channel, "MANAGE_ROLES")
    if call["target"] not in [each["id"] for each in channel["permission_overwrites"]]:
        raise unknown("Overwrite")
    guilds.drop_overwrite(app, channel, call["target"])


# ---- channels of a guild -----------------------------------------------------------------


@route("GET", "/guilds/{guild}/channels")
def guild_channels(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    found = [each for each in guild.channels.values() if each["type"] not in THREADS]
    return [each for each in found if app.sees(each)]


@route("POST", "/guilds/{guild}/channels")
def create_channel(app: Application, call: Call) -> Any:
    guild, body = app.guild_of(call["guild"]), call.body
    app.need_in_guild(guild, "MANAGE_CHANNELS")
    checks.length("name", body.get("name"), 100, least=1)
    check_fields(body)
    _check_new_overwrites(app, guild, body.get("permission_overwrites") or [])
    if sum(each["type"] not in THREADS for each in guild.channels.values()) >= 500:
        raise ApiError(400, 30013, "Maximum number of guild channels reached (500)")
    return Created(guilds.make_channel(app, guild, named_as_stored(body.get("type") or TEXT, body)))


def _check_new_overwrites(app: Application, guild: Guild, given: list[Json]) -> None:
    """Only what the bot has in the guild; the managing of roles only by administrators."""
    held = app.may_in_guild(app.bot["id"], guild)
    for each in map(guilds.overwrite, given):
        touched = int(each["allow"]) | int(each["deny"])
        roles_too = touched & permissions.BITS["MANAGE_ROLES"]
        if touched & ~held or (roles_too and not held & permissions.ADMINISTRATOR):
            raise missing_permissions()


@route("GET", "/guilds/{guild}/threads/active")
def active_threads(app: Application, call: Call) -> Any:
    return _listed(app, app.active_threads(app.guild_of(call["guild"])))


@route("GET", "/channels/{channel}/threads/archived/public")
def archived_public(app: Application, call: Call) -> Any:
    return _archived(app, call, (PUBLIC_THREAD, NEWS_THREAD), "READ_MESSAGE_HISTORY")


@route("GET", "/channels/{channel}/threads/archived/private")
def archived_private(app: Application, call: Call) -> Any:
    return _archived(app, call, (PRIVATE_THREAD,), "READ_MESSAGE_HISTORY", "MANAGE_THREADS")


def _archived(app: Application, call: Call, kinds: tuple[int, ...], *needed: str) -> Any:
    channel = app.channel_of(call["channel"])
    app.need(channel, *needed)
    guild = app.guild_of(channel["guild_id"])
    found = [
        each for each in guild.channels.values()
        if each.get("parent_id") == channel["id"] and each["type"] in kinds
        and each["thread_metadata"]["archived"]
    ]  # fmt: skip
    if "before" in call.query:
        before = call.query["before"]
        found = [f for f in found if f["thread_metadata"]["archive_timestamp"] < before]
    found.sort(key=lambda each: each["thread_metadata"]["archive_timestamp"], reverse=True)
    most = call.number("limit", 100, 100)
    return _listed(app, found[:most]) | {"has_more": len(found) > most}


def _listed(app: Application, threads: list[Json]) -> Json:
    own = [app.thread_members[each["id"]].get(app.bot["id"]) for each in threads]
    return {"threads": threads, "members": [member for member in own if member]}


# ---- threads -----------------------------------------------------------------------------


@route("POST", "/channels/{channel}/messages/{message}/threads")
def thread_from_message(app: Application, call: Call) -> Any:
    channel = app.channel_of(call["channel"])
    if channel["type"] not in (TEXT, NEWS):
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    message = app.message_of(channel["id"], call["message"])
    app.need(channel, "CREATE_PUBLIC_THREADS", "READ_MESSAGE_HISTORY")
    checks.length("name", call.body.get("name"), 100, least=1)
    check_fields(call.body)
    thread = messages.begin_thread(app, message, app.bot["id"], call.body)
    return Created(app.shown_thread(thread))


@route("POST", "/channels/{channel}/threads")
def thread_alone(app: Application, call: Call) -> Any:
    channel, body = app.channel_of(call["channel"]), call.body
    checks.length("name", body.get("name"), 100, least=1)
    check_fields(body)
    if channel["type"] == FORUM:
        return Created(_forum_post(app, channel, call))
    if channel["type"] not in (TEXT, NEWS):
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    kind = body.get("type") or PRIVATE_THREAD
    needed = "CREATE_PRIVATE_THREADS" if kind == PRIVATE_THREAD else "CREATE_PUBLIC_THREADS"
    app.need(channel, needed)
    thread = guilds.make_thread(app, channel, app.bot["id"], kind, body)
    return Created(app.shown_thread(thread))


def _forum_post(app: Application, channel: Json, call: Call) -> Json:
    """A post in a forum is a thread and its first message, which share one id."""
    app.need(channel, "SEND_MESSAGES")
    first = call.body.get("message") or {}
    checks.message(first)
    thread = guilds.make_thread(app, channel, app.bot["id"], PUBLIC_THREAD, call.body)
    message = messages.post(
        app, thread, app.bot, first, call.uploads, extra={"id": thread["id"]}
    )  # fmt: skip
    return app.shown_thread(thread) | {"message": message}


def _thread(app: Application, call: Call) -> Json:
    thread = app.channel_of(call["channel"])
    if thread["type"] not in THREADS:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    return thread


def _open_thread(app: Application, call: Call) -> Json:
    thread = _thread(app, call)
    if thread["thread_metadata"]["archived"]:
        raise thread_archived()
    return thread


@route("PUT", "/channels/{channel}/thread-members/@me")
def join_thread(app: Application, call: Call) -> Any:
    guilds.enter_thread(app, _open_thread(app, call), app.bot["id"])


@route("DELETE", "/channels/{channel}/thread-members/@me")
def leave_thread(app: Application, call: Call) -> Any:
    guilds.leave_thread(app, _open_thread(app, call), app.bot["id"])


@route("PUT", "/channels/{channel}/thread-members/{user}")
def add_to_thread(app: Application, call: Call) -> Any:
    thread = _open_thread(app, call)
    app.need(thread, "SEND_MESSAGES_IN_THREADS")
    app.member_of(app.guild_of(thread["guild_id"]), call["user"])
    if not app.sees(app.parent_of(thread), call["user"]):
        raise missing_access()
    guilds.enter_thread(app, thread, call["user"])


@route("DELETE", "/channels/{channel}/thread-members/{user}")
def drop_from_thread(app: Application, call: Call) -> Any:
    thread = _open_thread(app, call)
    own_private = thread["type"] == PRIVATE_THREAD and thread["owner_id"] == app.bot["id"]
    if not own_private:
        app.need(thread, "MANAGE_THREADS")
    guilds.leave_thread(app, thread, call["user"])


@route("GET", "/channels/{channel}/thread-members")
def list_thread_members(app: Application, call: Call) -> Any:
    thread = _thread(app, call)
    if not app.allowed_intents & MEMBERS:
        raise missing_access()
    return list(app.thread_members[thread["id"]].values())


@route("GET", "/channels/{channel}/thread-members/{user}")
def get_thread_member(app: Application, call: Call) -> Any:
    thread = _thread(app, call)
    wanted = app.bot["id"] if call["user"] == "@me" else call["user"]
    member = app.thread_members[thread["id"]].get(wanted)
    if member is None:
        raise unknown("Member")
    return member
