"""Changes in a guild: its making, its roles, who joins, leaves or is renamed.

Each is as somebody with the power to do it does it; what the bot may do is asked in the routes.
"""

from __future__ import annotations

from typing import Any

from fake_discord import permissions
from fake_discord.wire import GUILDS, TEXT, THREADS, Json, now
from fake_discord.world import Guild, World

NO_COLORS = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}


def make_guild(world: World, name: str, owner_id: str, first_channel: str) -> Guild:
    """A guild with its owner, @everyone and one channel. The bot is not in it yet."""
    guild = Guild(world.snowflake(), name, owner_id)
    guild.roles[guild.id] = _role(guild.id, "@everyone", 0, permissions.EVERYONE)
    world.guilds[guild.id] = guild
    join(world, guild, world.users[owner_id])
    make_channel(world, guild, {"name": first_channel})
    return guild


def _role(role_id: str, name: str, position: int, allowed: int) -> Json:
    return {
        "id": role_id, "name": name, "color": 0, "colors": dict(NO_COLORS), "hoist": False,
        "position": position, "permissions": str(allowed), "managed": False,
        "mentionable": False, "flags": 0, "icon": None, "unicode_emoji": None,
    }  # fmt: skip


def invite_bot(world: World, guild: Guild, allowed: int) -> Json:
    """The bot comes in by an invite link, with a role of its own that has those permissions."""
    role = make_role(world, guild, {"name": world.bot["username"], "permissions": str(allowed)})
    role |= {"managed": True, "tags": {"bot_id": world.bot["id"]}}
    guild.bans.pop(world.bot["id"], None)
    guild.joined_at = now()
    join(world, guild, world.bot, [role["id"]])
    for channel in guild.channels.values():
        world.note_visibility(channel)
    for session in world.sessions.values():
        if session.intents & GUILDS:
            joined = world.shown_guild(guild, session.intents)
            del joined["unavailable"]  # it says so only of guilds that were known before
            session.dispatch("GUILD_CREATE", joined)
    return role


def remove_bot(world: World, guild: Guild) -> None:
    """The bot is kicked or leaves: its own role goes with it, and it hears no more."""
    for role in [r for r in guild.roles.values() if r.get("tags")]:
        del guild.roles[role["id"]]
    del guild.members[world.bot["id"]]
    world.tell("GUILD_DELETE", {"id": guild.id})


# ---- roles -------------------------------------------------------------------------------


def make_role(world: World, guild: Guild, body: Json) -> Json:
    """A new role, at the bottom, just above @everyone: all others move up."""
    for other in guild.roles.values():
        if other["id"] != guild.id:
            other["position"] += 1
    allowed = int(body.get("permissions") or guild.everyone["permissions"])
    role = _role(world.snowflake(), body.get("name") or "new role", 1, allowed)
    role |= {key: body[key] for key in ("hoist", "mentionable") if body.get(key) is not None}
    guild.roles[role["id"]] = role
    world.tell("GUILD_ROLE_CREATE", {"guild_id": guild.id, "role": role})
    return role


def change_role(world: World, guild: Guild, role: Json, body: Json) -> Json:
    for key in ("name", "permissions", "hoist", "mentionable", "color", "position"):
        if body.get(key) is not None:
            role[key] = body[key]
    role["permissions"] = str(role["permissions"])
    world.tell("GUILD_ROLE_UPDATE", {"guild_id": guild.id, "role": role})
    world.tell_visibility(guild)
    return role


def place_role(world: World, guild: Guild, role: Json, position: int) -> None:
    """A role moved to a position among the others, which keep their order."""
    others = [r for r in guild.roles.values() if r["id"] not in (guild.id, role["id"])]
    ordered = sorted(others, key=permissions.height)
    ordered.insert(max(position, 1) - 1, role)
    for number, each in enumerate(ordered, 1):
        if each["position"] != number:
            change_role(world, guild, each, {"position": number})


def delete_role(world: World, guild: Guild, role: Json) -> None:
    del guild.roles[role["id"]]
    for member in guild.members.values():
        if role["id"] in member["roles"]:
            member["roles"] = [each for each in member["roles"] if each != role["id"]]
    world.tell("GUILD_ROLE_DELETE", {"guild_id": guild.id, "role_id": role["id"]})
    world.tell_visibility(guild)


# ---- members -----------------------------------------------------------------------------


def join(world: World, guild: Guild, user: Json, roles: list[str] | None = None) -> Json:
    member: Json = {
        "user": user, "nick": None, "avatar": None, "banner": None, "roles": list(roles or []),
        "joined_at": now(), "deaf": False, "mute": False, "flags": 0, "pending": False,
        "premium_since": None, "communication_disabled_until": None,
    }  # fmt: skip
    guild.members[user["id"]] = member
    if user["id"] != world.bot["id"]:
        world.tell("GUILD_MEMBER_ADD", member | {"guild_id": guild.id})
    return member


def leave(world: World, guild: Guild, user_id: str) -> None:
    """Somebody goes, by themselves or not. Their roles and nickname are gone with them."""
    member = guild.members.pop(user_id)
    for channel in guild.channels.values():
        if channel["type"] in THREADS:
            leave_thread(world, channel, user_id)
    world.tell("GUILD_MEMBER_REMOVE", {"guild_id": guild.id, "user": member["user"]})


def change_member(world: World, guild: Guild, member: Json, body: Json) -> Json:
    member |= body
    world.tell("GUILD_MEMBER_UPDATE", member | {"guild_id": guild.id})
    if member["user"]["id"] == world.bot["id"]:
        world.tell_visibility(guild)
    return member


def give_role(world: World, guild: Guild, member: Json, role_id: str) -> None:
    """Adding a role somebody has already changes nothing, and nobody is told."""
    if role_id not in member["roles"]:
        change_member(world, guild, member, {"roles": [*member["roles"], role_id]})


def take_role(world: World, guild: Guild, member: Json, role_id: str) -> None:
    if role_id in member["roles"]:
        kept = [each for each in member["roles"] if each != role_id]
        change_member(world, guild, member, {"roles": kept})


def rename_user(world: World, user: Json, body: Json) -> None:
    """Somebody changes their account: every guild they share with the bot tells of it."""
    user |= body
    for guild in world.guilds.values():
        if user["id"] in guild.members:
            change_member(world, guild, guild.members[user["id"]], {})


# ---- channels ----------------------------------------------------------------------------


def make_channel(world: World, guild: Guild, body: Json) -> Json:
    siblings = [c for c in guild.channels.values() if c["type"] not in THREADS]
    channel: Json = {
        "id": world.snowflake(), "type": body.get("type") or TEXT, "guild_id": guild.id,
        "name": body["name"], "position": body.get("position") or len(siblings),
        "topic": body.get("topic"), "nsfw": bool(body.get("nsfw")),
        "parent_id": _id(body.get("parent_id")), "last_message_id": None, "flags": 0,
        "rate_limit_per_user": body.get("rate_limit_per_user") or 0,
        "permission_overwrites": [overwrite(o) for o in body.get("permission_overwrites") or []],
    }  # fmt: skip
    guild.channels[channel["id"]] = world.channels[channel["id"]] = channel
    world.tell_channel("CHANNEL_CREATE", channel)
    return channel


def _id(given: Any) -> str | None:
    """Ids may be sent as numbers; they are kept and told as texts."""
    return None if given is None else str(given)


def overwrite(body: Json) -> Json:
    return {
        "id": str(body["id"]), "type": int(body["type"]),
        "allow": str(body.get("allow") or "0"), "deny": str(body.get("deny") or "0"),
    }  # fmt: skip


def change_channel(world: World, channel: Json, body: Json) -> Json:
    if body.get("permission_overwrites") is not None:
        given = [overwrite(each) for each in body["permission_overwrites"]]
        body = body | {"permission_overwrites": given}
    if "parent_id" in body:
        body = body | {"parent_id": _id(body["parent_id"])}
    keys = (
        "name", "topic", "nsfw", "position", "parent_id", "rate_limit_per_user", "type",
        "permission_overwrites",
    )  # fmt: skip
    channel |= {key: body[key] for key in keys if key in body}
    world.tell_channel("CHANNEL_UPDATE", channel)
    return channel


def put_overwrite(world: World, channel: Json, given: Json) -> None:
    kept = [o for o in channel["permission_overwrites"] if o["id"] != given["id"]]
    change_channel(world, channel, {"permission_overwrites": [*kept, given]})


def drop_overwrite(world: World, channel: Json, of: str) -> None:
    kept = [o for o in channel["permission_overwrites"] if o["id"] != of]
    change_channel(world, channel, {"permission_overwrites": kept})


def delete_channel(world: World, channel: Json) -> None:
    """A channel with everything said in it, and its threads, of which no event tells."""
    guild = world.guilds[channel["guild_id"]]
    threads = [c for c in guild.channels.values() if c.get("parent_id") == channel["id"]]
    seen = world.shown_channel(channel)
    for each in (*(t for t in threads if t["type"] in THREADS), channel):
        forget(world, guild, each)
    world.tell("CHANNEL_DELETE", seen)
    for child in guild.channels.values():  # of a category, which leaves what was in it
        if child.get("parent_id") == channel["id"]:
            change_channel(world, child, {"parent_id": None})


def delete_thread(world: World, thread: Json) -> None:
    seen = world.sees(thread)
    forget(world, world.guilds[thread["guild_id"]], thread)
    if seen:
        keys = ("id", "guild_id", "parent_id", "type")
        world.tell("THREAD_DELETE", {key: thread[key] for key in keys})


def forget(world: World, guild: Guild, channel: Json) -> None:
    del guild.channels[channel["id"]]
    del world.channels[channel["id"]]
    world.thread_members.pop(channel["id"], None)
    world.pins.pop(channel["id"], None)
    for message_id in world.history.pop(channel["id"], {}):
        del world.messages[message_id]


# ---- threads -----------------------------------------------------------------------------


def make_thread(world: World, parent: Json, owner_id: str, kind: int, body: Json) -> Json:
    """A thread with whoever opened it in it. Its id is given when a message begins it."""
    guild = world.guilds[parent["guild_id"]]
    thread: Json = {
        "id": body.get("id") or world.snowflake(), "type": kind, "guild_id": guild.id,
        "parent_id": parent["id"], "owner_id": owner_id, "name": body["name"],
        "last_message_id": None, "message_count": 0, "member_count": 0, "total_message_sent": 0,
        "rate_limit_per_user": body.get("rate_limit_per_user") or 0, "flags": 0,
        "applied_tags": body.get("applied_tags") or [],
        "thread_metadata": {
            "archived": False, "locked": False, "archive_timestamp": now(),
            "auto_archive_duration": body.get("auto_archive_duration") or 1440,
            "create_timestamp": now(),
        },
    }  # fmt: skip
    guild.channels[thread["id"]] = world.channels[thread["id"]] = thread
    world.thread_members[thread["id"]] = {}
    member = world.joined_thread(thread, owner_id)
    told = thread | {"newly_created": True}
    if owner_id == world.bot["id"]:
        told["member"] = member
    world.tell_channel("THREAD_CREATE", told)
    return thread


def change_thread(world: World, thread: Json, body: Json) -> Json:
    facts = thread["thread_metadata"]
    if body.get("archived", facts["archived"]) != facts["archived"]:
        facts["archive_timestamp"] = now()
    for key in ("archived", "locked", "auto_archive_duration", "invitable"):
        if body.get(key) is not None:
            facts[key] = body[key]
    keys = ("name", "rate_limit_per_user", "flags", "applied_tags")
    thread |= {key: body[key] for key in keys if body.get(key) is not None}
    world.tell_channel("THREAD_UPDATE", thread)
    return thread


def enter_thread(world: World, thread: Json, user_id: str) -> None:
    if user_id in world.thread_members[thread["id"]]:
        return
    member = world.joined_thread(thread, user_id)
    if user_id == world.bot["id"]:
        world.tell_channel("THREAD_CREATE", thread | {"member": member})
    world.tell_members(thread, [member], [])


def leave_thread(world: World, thread: Json, user_id: str) -> None:
    if user_id in world.thread_members[thread["id"]]:
        del world.thread_members[thread["id"]][user_id]
        world.tell_members(thread, [], [user_id])
