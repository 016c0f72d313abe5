"""Messages: how one is put together, changed, pinned, reacted to, voted on and deleted.

Nothing here asks for permissions, except which mentions notify: that depends on who writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fake_discord import checks, guilds, permissions
from fake_discord.wire import (
    COMPONENTS_V2,
    DEFAULT,
    DM,
    EPHEMERAL,
    HAS_THREAD,
    NOT_SYSTEM,
    PINNED,
    POLL_RESULT,
    PUBLIC_THREAD,
    REPLY,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    THREAD_STARTER,
    THREADS,
    ApiError,
    Json,
    invalid,
    now,
    numbered,
    walk,
)
from fake_discord.world import World

EVERYTHING = ("users", "roles", "everyone")
USERS_ONLY = ("users",)  # what interactions and webhooks mention when nothing is said
MAX_PINS = 250


@dataclass(frozen=True)
class Upload:
    """A file that came with a message."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"


Uploads = Mapping[str, Upload]


# ---- making ------------------------------------------------------------------------------


def post(
    world: World,
    channel: Json,
    author: Json,
    body: Json,
    uploads: Uploads | None = None,
    *,
    parse: tuple[str, ...] = EVERYTHING,
    empty_ok: bool = False,
    longest: int = 2000,
    extra: Json | None = None,
) -> Json:
    """Puts a message into a channel and tells of it. What does not fit is refused."""
    checks.message(body, empty_ok, longest)
    content = (body.get("content") or "").strip()
    message: Json = {
        "id": world.snowflake(), "channel_id": channel["id"], "author": author, "type": DEFAULT,
        "content": content, "timestamp": now(), "edited_timestamp": None, "tts": False,
        "embeds": rich(body.get("embeds")), "reactions": [], "pinned": False,
        "attachments": attached(world, channel, body, uploads or {}, []),
        "flags": body.get("flags") or 0, "components": numbered(body.get("components") or []),
    }  # fmt: skip
    if body.get("nonce") is not None:
        message["nonce"] = body["nonce"]
    message |= answered(world, channel, body)
    message |= extra or {}
    message |= mentions(world, channel, message, body.get("allowed_mentions"), parse)
    if body.get("poll"):
        message["poll"] = new_poll(body["poll"])
        world.voters[message["id"]] = {}
    _place(world, channel, message)
    return message


def _place(world: World, channel: Json, message: Json) -> None:
    """Lays a message where it belongs. A message in a thread wakes and fills the thread."""
    world.messages[message["id"]] = message
    world.history.setdefault(channel["id"], {})[message["id"]] = message
    if message["flags"] & EPHEMERAL:
        return
    channel["last_message_id"] = message["id"]
    if channel["type"] in THREADS:
        channel["message_count"] += message["type"] != THREAD_STARTER
        channel["total_message_sent"] += message["type"] != THREAD_STARTER
        if channel["thread_metadata"]["archived"]:
            guilds.change_thread(world, channel, {"archived": False})
        if message["author"]["id"] in world.guilds[channel["guild_id"]].members:
            guilds.enter_thread(world, channel, message["author"]["id"])
    world.tell_message("MESSAGE_CREATE", message)


def rich(given: list[Json] | None) -> list[Json]:
    """Embeds of bots are always of the type 'rich', whatever they say."""
    return [embed | {"type": "rich"} for embed in given or []]


def attached(
    world: World, channel: Json, body: Json, uploads: Uploads, kept: list[Json]
) -> list[Json]:
    """The files of a message: those of before that are named again, and those uploaded now."""
    found: list[Json] = []
    before = {each["id"]: each for each in kept}
    for described in body.get("attachments") or []:
        upload = uploads.get(str(described.get("id")))
        if upload is not None:
            found.append(_stored(world, channel, upload, described))
        elif str(described.get("id")) in before:
            found.append(before[str(described["id"])])
    return found


def _stored(world: World, channel: Json, upload: Upload, described: Json) -> Json:
    file_id = world.snowflake()
    name = described.get("filename") or upload.filename
    world.files[file_id] = upload.content
    address = f"{world.address}/attachments/{channel['id']}/{file_id}/{name}"
    return {
        "id": file_id, "filename": name, "size": len(upload.content), "url": address,
        "proxy_url": address, "content_type": upload.content_type,
        "description": described.get("description"),
    }  # fmt: skip


def answered(world: World, channel: Json, body: Json) -> Json:
    """What a message says of the one it replies to, which must be there and by somebody."""
    reference = body.get("message_reference")
    if not reference:
        return {}
    target = world.history.get(channel["id"], {}).get(str(reference["message_id"]))
    if target is None or target["flags"] & EPHEMERAL:
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return {}
    if target["type"] not in NOT_SYSTEM:
        raise invalid(
            "message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
            "Cannot reply to a system message",
        )  # fmt: skip
    return {"type": REPLY, **referring(channel, target), "referenced_message": alone(target)}


def referring(channel: Json, target: Json) -> Json:
    reference: Json = {"type": 0, "message_id": target["id"], "channel_id": target["channel_id"]}
    if channel["type"] != DM:
        reference["guild_id"] = channel["guild_id"]
    return {"message_reference": reference}


def alone(message: Json) -> Json:
    """A message as it is shown within another: without the one it referred to itself."""
    return {key: value for key, value in message.items() if key != "referenced_message"}


def mentions(
    world: World, channel: Json, message: Json, allowed: Json | None, parse: tuple[str, ...]
) -> Json:
    """Whom a message notifies: what stands in it, is allowed by it, and by its author's rights."""
    chosen: Json = {"parse": list(parse), "replied_user": True} if allowed is None else allowed
    text = _mentioning_text(message)
    users = _picked(re.findall(r"<@!?(\d+)>", text), chosen, "users")
    if _is_reply(message) and chosen.get("replied_user"):
        users = [*users, message["referenced_message"]["author"]["id"]]
    loud = _may_call_everyone(world, channel, message)
    roles = world.guilds[channel["guild_id"]].roles if channel["type"] != DM else {}
    named = _picked(re.findall(r"<@&(\d+)>", text), chosen, "roles")
    everyone = "everyone" in (chosen.get("parse") or []) and "@everyone" in text.replace(
        "@here", "@everyone"
    )
    return {
        "mentions": [world.users[each] for each in dict.fromkeys(users) if each in world.users],
        "mention_roles": [r for r in named if r in roles and (loud or roles[r]["mentionable"])],
        "mention_everyone": loud and everyone,
    }


def _is_reply(message: Json) -> bool:
    """What points to another message without being somebody's reply calls nobody."""
    return message["type"] == REPLY and "interaction_metadata" not in message


def _mentioning_text(message: Json) -> str:
    """What can mention: the content, or the texts of a message made of components."""
    if not message["flags"] & COMPONENTS_V2:
        return str(message["content"])
    return "\n".join(item["content"] for item in walk(message["components"]) if "content" in item)


def _picked(found: list[str], allowed: Json, kind: str) -> list[str]:
    if kind in (allowed.get("parse") or []):
        return found
    chosen = {str(each) for each in allowed.get(kind) or []}
    return [each for each in found if each in chosen]


def _may_call_everyone(world: World, channel: Json, message: Json) -> bool:
    if "webhook_id" in message and "application_id" not in message:
        return True
    held = world.may(message["author"]["id"], channel)
    return bool(held & permissions.BITS["MENTION_EVERYONE"])


# ---- changing ----------------------------------------------------------------------------


def change(world: World, message: Json, body: Json, uploads: Uploads | None = None) -> Json:
    """An edit. Mentions are found anew in changed content, by default as in any message."""
    if body.get("poll") or ("poll" in message and body.get("content")):
        raise ApiError(400, 520003, "Cannot edit a poll message")
    channel = world.channels[message["channel_id"]]
    keys = ("content", "embeds", "components")
    new: Json = {key: body[key] if body[key] is not None else ("" if key == "content" else [])
           for key in keys if key in body}  # fmt: skip
    flags = new_flags(message["flags"], body.get("flags"))
    files = attached(world, channel, body, uploads or {}, message["attachments"])
    if "attachments" not in body:
        files = message["attachments"]
    stands = {key: message[key] for key in keys} | {"poll": message.get("poll")} | new
    described = body.get("allowed_mentions")
    checks.message(stands | {"flags": flags, "attachments": files, "allowed_mentions": described})
    if "components" in new:
        new["components"] = numbered(new["components"])
    if "embeds" in new:
        new["embeds"] = rich(new["embeds"])
    message |= new | {"attachments": files, "flags": flags, "edited_timestamp": now()}
    if "content" in new or flags & COMPONENTS_V2:
        parse = USERS_ONLY if "webhook_id" in message else EVERYTHING
        message |= mentions(world, channel, message, described, parse)
    world.tell_message("MESSAGE_UPDATE", message)
    return message


def new_flags(before: int, wanted: int | None) -> int:
    """Embeds can be suppressed and shown again; components of the second kind only begun."""
    if wanted is None:
        return before
    return before & ~SUPPRESS_EMBEDS | wanted & (SUPPRESS_EMBEDS | COMPONENTS_V2)


def sendable_flags(wanted: int | None) -> int:
    return (wanted or 0) & (SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2)


def delete(world: World, message: Json) -> None:
    channel = world.channels[message["channel_id"]]
    del world.messages[message["id"]]
    del world.history[channel["id"]][message["id"]]
    world.pins.get(channel["id"], {}).pop(message["id"], None)
    if message["flags"] & EPHEMERAL:
        return
    if channel["type"] in THREADS:
        channel["message_count"] = max(0, channel["message_count"] - 1)
    if world.sees(channel):
        world.tell("MESSAGE_DELETE", {"id": message["id"], **where(channel)}, dm=_dm(channel))


def where(channel: Json) -> Json:
    place: Json = {"channel_id": channel["id"]}
    return place if _dm(channel) else place | {"guild_id": channel["guild_id"]}


def _dm(channel: Json) -> bool:
    return bool(channel["type"] == DM)


# ---- pins --------------------------------------------------------------------------------


def pin(world: World, message: Json, by: Json) -> None:
    """Pinning says so in the channel, in a message of the system that bots hear too."""
    channel = world.channels[message["channel_id"]]
    pinned = world.pins.setdefault(channel["id"], {})
    if message["id"] in pinned:
        return
    if len(pinned) >= MAX_PINS:
        raise ApiError(400, 30003, f"Maximum number of pins reached ({MAX_PINS})")
    pinned[message["id"]] = now()
    message["pinned"] = True
    _tell_pins(world, channel)
    note = {"type": PINNED, **referring(channel, message)}
    post(world, channel, by, {}, empty_ok=True, extra=note)


def unpin(world: World, message: Json) -> None:
    channel = world.channels[message["channel_id"]]
    if world.pins.get(channel["id"], {}).pop(message["id"], None):
        message["pinned"] = False
        _tell_pins(world, channel)


def _tell_pins(world: World, channel: Json) -> None:
    latest = max(world.pins[channel["id"]].values(), default=None)
    data = where(channel) | {"last_pin_timestamp": latest}
    world.tell("CHANNEL_PINS_UPDATE", data, dm=_dm(channel))


# ---- reactions ---------------------------------------------------------------------------


def react(world: World, message: Json, user: Json, emoji: str) -> None:
    who = world.reactors.setdefault((message["id"], emoji), [])
    if user["id"] in who:
        return
    if not who and len(message["reactions"]) >= 20:
        raise ApiError(400, 30010, "Maximum number of reactions reached (20)")
    who.append(user["id"])
    _count_reactions(world, message, emoji)
    channel = world.channels[message["channel_id"]]
    data = _reaction(message, channel, user, emoji) | {"message_author_id": message["author"]["id"]}
    member = None if _dm(channel) else world.guilds[channel["guild_id"]].members.get(user["id"])
    if member is not None:
        data["member"] = member
    if world.sees(channel):
        world.tell("MESSAGE_REACTION_ADD", data, dm=_dm(channel))


def unreact(world: World, message: Json, user: Json, emoji: str) -> None:
    who = world.reactors.get((message["id"], emoji), [])
    if user["id"] not in who:
        return
    who.remove(user["id"])
    _count_reactions(world, message, emoji)
    channel = world.channels[message["channel_id"]]
    if world.sees(channel):
        data = _reaction(message, channel, user, emoji)
        world.tell("MESSAGE_REACTION_REMOVE", data, dm=_dm(channel))


def clear_reactions(world: World, message: Json) -> None:
    for key in [key for key in world.reactors if key[0] == message["id"]]:
        del world.reactors[key]
    message["reactions"] = []
    channel = world.channels[message["channel_id"]]
    data = where(channel) | {"message_id": message["id"]}
    world.tell("MESSAGE_REACTION_REMOVE_ALL", data, dm=_dm(channel))


def _reaction(message: Json, channel: Json, user: Json, emoji: str) -> Json:
    return where(channel) | {
        "user_id": user["id"], "message_id": message["id"], "burst": False, "type": 0,
        "emoji": {"id": None, "name": emoji},
    }  # fmt: skip


def _count_reactions(world: World, message: Json, emoji: str) -> None:
    who = world.reactors[message["id"], emoji]
    found = [r for r in message["reactions"] if r["emoji"]["name"] == emoji]
    entry = found[0] if found else {"emoji": {"id": None, "name": emoji}, "burst_colors": []}
    entry |= {
        "count": len(who), "me": world.bot["id"] in who, "me_burst": False,
        "count_details": {"burst": 0, "normal": len(who)},
    }  # fmt: skip
    if not found:
        message["reactions"].append(entry)
    if not who:
        message["reactions"].remove(entry)


# ---- polls -------------------------------------------------------------------------------


def new_poll(body: Json) -> Json:
    ends = datetime.now(UTC) + timedelta(hours=body.get("duration", 24))
    answers = [
        {"answer_id": number, "poll_media": answer["poll_media"]}
        for number, answer in enumerate(body["answers"], 1)
    ]
    return {
        "question": body["question"], "answers": answers, "layout_type": 1,
        "allow_multiselect": bool(body.get("allow_multiselect")), "expiry": ends.isoformat(),
        "results": {"is_finalized": False, "answer_counts": []},
    }  # fmt: skip


def vote(world: World, message: Json, user: Json, answer_id: int) -> None:
    """One person's vote on a poll; on a poll of one answer, a new vote takes the old one back."""
    poll, votes = message["poll"], world.voters[message["id"]]
    if poll["results"]["is_finalized"]:
        raise ApiError(400, 520001, "Poll expired")
    if user["id"] in votes.get(answer_id, []):
        return
    if not poll["allow_multiselect"]:
        for other in [answer for answer, who in votes.items() if user["id"] in who]:
            unvote(world, message, user, other)
    votes.setdefault(answer_id, []).append(user["id"])
    _tell_vote(world, "MESSAGE_POLL_VOTE_ADD", message, user, answer_id)


def unvote(world: World, message: Json, user: Json, answer_id: int) -> None:
    world.voters[message["id"]][answer_id].remove(user["id"])
    _tell_vote(world, "MESSAGE_POLL_VOTE_REMOVE", message, user, answer_id)


def _tell_vote(world: World, event: str, message: Json, user: Json, answer_id: int) -> None:
    message["poll"]["results"]["answer_counts"] = [
        {"id": answer, "count": len(who), "me_voted": world.bot["id"] in who}
        for answer, who in sorted(world.voters[message["id"]].items())
    ]
    channel = world.channels[message["channel_id"]]
    told = {"user_id": user["id"], "message_id": message["id"], "answer_id": answer_id}
    if world.sees(channel):
        world.tell(event, where(channel) | told, dm=_dm(channel))


def end_poll(world: World, message: Json) -> Json:
    """Ends a poll, and posts the message of the system that tells its result."""
    if "poll" not in message:
        raise ApiError(400, 520006, "Cannot expire a non-poll message")
    poll = message["poll"]
    if poll["results"]["is_finalized"]:
        raise ApiError(400, 520001, "Poll expired")
    poll["results"]["is_finalized"] = True
    poll["expiry"] = now()
    world.tell_message("MESSAGE_UPDATE", message)
    channel = world.channels[message["channel_id"]]
    told = {
        "type": POLL_RESULT, "embeds": [_poll_result(world, message)],
        **referring(channel, message),
    }  # fmt: skip
    post(world, channel, message["author"], {}, empty_ok=True, extra=told)
    return message


def _poll_result(world: World, message: Json) -> Json:
    poll = message["poll"]
    votes = {answer: len(who) for answer, who in world.voters[message["id"]].items() if who}
    most = max(votes.values(), default=0)
    winners = [answer for answer, number in votes.items() if number == most]
    facts = {
        "poll_question_text": poll["question"]["text"], "victor_answer_votes": most,
        "total_votes": sum(votes.values()),
    }  # fmt: skip
    if len(winners) == 1:
        text = poll["answers"][winners[0] - 1]["poll_media"]["text"]
        facts |= {"victor_answer_id": winners[0], "victor_answer_text": text}
    fields = [{"name": name, "value": str(value), "inline": False} for name, value in facts.items()]
    return {"type": "poll_result", "fields": fields}


# ---- threads that begin with a message ---------------------------------------------------


def begin_thread(world: World, message: Json, owner_id: str, body: Json) -> Json:
    """A thread from a message shares its id; its first message points back to it."""
    parent = world.channels[message["channel_id"]]
    if message["id"] in world.channels:
        raise ApiError(400, 160004, "A thread has already been created for this message")
    fields = body | {"id": message["id"]}
    thread = guilds.make_thread(world, parent, owner_id, PUBLIC_THREAD, fields)
    message["flags"] |= HAS_THREAD
    message["thread"] = thread
    world.tell_message("MESSAGE_UPDATE", message)
    note = {"type": THREAD_STARTER, **referring(parent, message)}
    note["referenced_message"] = alone(message)
    post(world, thread, world.users[owner_id], {}, empty_ok=True, extra=note)
    return thread
