"""Routes of guilds: roles, members, bans, and the bot's own account and places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fake_discord import checks, guilds, permissions
from fake_discord.application import Application
from fake_discord.rest import Call, route
from fake_discord.wire import (
    MEMBERS,
    ApiError,
    Json,
    invalid,
    missing_access,
    missing_permissions,
    unknown,
)
from fake_discord.world import Guild

LONGEST_TIME_OUT = timedelta(days=28)


# ---- the bot itself ----------------------------------------------------------------------


@route("GET", "/users/@me")
def get_me(app: Application, call: Call) -> Any:
    return {**app.bot, "verified": True, "mfa_enabled": False, "locale": "en-US", "email": None}


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
def get_application(app: Application, call: Call) -> Any:
    owner = next(user for user in app.users.values() if not user["bot"])
    return app.facts() | {"owner": owner}


@route("GET", "/users/@me/guilds")
def my_guilds(app: Application, call: Call) -> Any:
    after, most = int(call.query.get("after", 0)), call.number("limit", 200, 200)
    found: list[Json] = [
        {
            "id": guild.id, "name": guild.name, "icon": None, "owner": False, "features": [],
            "permissions": str(app.may_in_guild(app.bot["id"], guild)),
        }
        for guild in app.joined_guilds() if int(guild.id) > after
    ]  # fmt: skip
    return found[:most]


@route("DELETE", "/users/@me/guilds/{guild}")
def leave_guild(app: Application, call: Call) -> Any:
    guilds.remove_bot(app, app.guild_of(call["guild"]))


@route("POST", "/users/@me/channels")
def open_dm(app: Application, call: Call) -> Any:
    recipient = str(call.body["recipient_id"])
    if recipient not in app.users or recipient == app.bot["id"]:
        raise ApiError(400, 50033, "Invalid Recipient(s)")
    return app.dm_channel(recipient)


@route("GET", "/users/{user}")
def get_user(app: Application, call: Call) -> Any:
    if call["user"] not in app.users:
        raise unknown("User")
    return app.users[call["user"]]


@route("GET", "/guilds/{guild}")
def get_guild(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    counts = {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
    asked = call.query.get("with_counts", "").lower() in ("true", "1")
    return app.guild_facts(guild) | (counts if asked else {})


# ---- roles -------------------------------------------------------------------------------


def _role(guild: Guild, role_id: str) -> Json:
    if role_id not in guild.roles:
        raise unknown("Role")
    return guild.roles[role_id]


@route("GET", "/guilds/{guild}/roles")
def get_roles(app: Application, call: Call) -> Any:
    return list(app.guild_of(call["guild"]).roles.values())


@route("GET", "/guilds/{guild}/roles/{role}")
def get_role(app: Application, call: Call) -> Any:
    return _role(app.guild_of(call["guild"]), call["role"])


@route("POST", "/guilds/{guild}/roles")
def create_role(app: Application, call: Call) -> Any:
    guild, body = app.guild_of(call["guild"]), call.body or {}
    app.need_in_guild(guild, "MANAGE_ROLES")
    checks.length("name", body.get("name"), 100)
    _only_own(app, guild, body)
    if len(guild.roles) > 250:
        raise ApiError(400, 30005, "Maximum number of guild roles reached (250)")
    return guilds.make_role(app, guild, body)


def _only_own(app: Application, guild: Guild, body: Json) -> None:
    """A role can be given only permissions that the giver has."""
    wanted = int(body.get("permissions") or 0)
    if wanted & ~app.may_in_guild(app.bot["id"], guild):
        raise missing_permissions()


@route("PATCH", "/guilds/{guild}/roles/{role}")
def edit_role(app: Application, call: Call) -> Any:
    guild, body = app.guild_of(call["guild"]), call.body
    role = _role(guild, call["role"])
    app.need_in_guild(guild, "MANAGE_ROLES")
    app.need_above(guild, permissions.height(role))
    checks.length("name", body.get("name"), 100)
    changed = int(body.get("permissions") or role["permissions"]) & ~int(role["permissions"])
    _only_own(app, guild, {"permissions": changed})
    return guilds.change_role(app, guild, role, body)


@route("PATCH", "/guilds/{guild}/roles")
def move_roles(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    app.need_in_guild(guild, "MANAGE_ROLES")
    for item in call.body:
        role = _role(guild, str(item["id"]))
        app.need_above(guild, permissions.height(role))
        app.need_above(guild, (item["position"], 0))
        guilds.place_role(app, guild, role, item["position"])
    return list(guild.roles.values())


@route("DELETE", "/guilds/{guild}/roles/{role}")
def delete_role(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    role = _role(guild, call["role"])
    app.need_in_guild(guild, "MANAGE_ROLES")
    app.need_above(guild, permissions.height(role))
    if role["managed"] or role["id"] == guild.id:
        raise ApiError(400, 50028, "Invalid Role")
    guilds.delete_role(app, guild, role)


@route("PUT", "/guilds/{guild}/members/{user}/roles/{role}")
def add_role(app: Application, call: Call) -> Any:
    guild, member, role = _grantable(app, call)
    guilds.give_role(app, guild, member, role["id"])


@route("DELETE", "/guilds/{guild}/members/{user}/roles/{role}")
def remove_role(app: Application, call: Call) -> Any:
    guild, member, role = _grantable(app, call)
    guilds.take_role(app, guild, member, role["id"])


def _grantable(app: Application, call: Call) -> tuple[Guild, Json, Json]:
    """A role of a member that the bot may give and take: lower than its own, and nobody's alone."""
    guild = app.guild_of(call["guild"])
    member = app.member_of(guild, call["user"])
    role = _role(guild, call["role"])
    app.need_in_guild(guild, "MANAGE_ROLES")
    app.need_above(guild, permissions.height(role))
    if role["managed"] or role["id"] == guild.id:
        raise missing_permissions()
    return guild, member, role


# ---- members -----------------------------------------------------------------------------


@route("GET", "/guilds/{guild}/members/search")
def search_members(app: Application, call: Call) -> Any:
    guild, query = app.guild_of(call["guild"]), call.query.get("query", "").lower()
    found = [
        member for member in guild.members.values()
        if member["user"]["username"].lower().startswith(query)
        or (member["nick"] or "").lower().startswith(query)
    ]  # fmt: skip
    return found[: call.number("limit", 1, 1000)]


@route("GET", "/guilds/{guild}/members/{user}")
def get_member(app: Application, call: Call) -> Any:
    return app.member_of(app.guild_of(call["guild"]), call["user"])


@route("GET", "/guilds/{guild}/members")
def list_members(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    if not app.allowed_intents & MEMBERS:
        raise missing_access()
    after = int(call.query.get("after", 0))
    found = sorted((each for each in guild.members if int(each) > after), key=int)
    return [guild.members[each] for each in found[: call.number("limit", 1, 1000)]]


@route("PATCH", "/guilds/{guild}/members/@me")
def edit_me(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    app.need_in_guild(guild, "CHANGE_NICKNAME")
    checks.length("nick", call.body.get("nick"), 32)
    own = guild.members[app.bot["id"]]
    return guilds.change_member(app, guild, own, {"nick": call.body.get("nick") or None})


@route("PATCH", "/guilds/{guild}/members/{user}")
def edit_member(app: Application, call: Call) -> Any:
    guild, body = app.guild_of(call["guild"]), call.body
    member = app.member_of(guild, call["user"])
    change: Json = {}
    if "nick" in body:
        app.need_in_guild(guild, "MANAGE_NICKNAMES")
        app.need_above_member(guild, member)
        checks.length("nick", body["nick"], 32)
        change["nick"] = body["nick"] or None
    if "roles" in body:
        change["roles"] = _new_roles(app, guild, member, body["roles"])
    if "communication_disabled_until" in body:
        until = body["communication_disabled_until"]
        change["communication_disabled_until"] = _time_out(app, guild, member, until)
    return guilds.change_member(app, guild, member, change)


def _new_roles(app: Application, guild: Guild, member: Json, given: list[Any]) -> list[str]:
    app.need_in_guild(guild, "MANAGE_ROLES")
    wanted = list(dict.fromkeys(str(each) for each in given))
    for role_id in set(wanted) ^ set(member["roles"]):
        role = _role(guild, role_id)
        app.need_above(guild, permissions.height(role))
        if role["managed"]:
            raise missing_permissions()
    return wanted


def _time_out(app: Application, guild: Guild, member: Json, until: str | None) -> str | None:
    """Not of owners and administrators, not of members as high as the bot, not over 28 days."""
    app.need_in_guild(guild, "MODERATE_MEMBERS")
    app.need_above_member(guild, member)
    if app.may_in_guild(member["user"]["id"], guild) & permissions.ADMINISTRATOR:
        raise missing_permissions()
    if until is None:
        return None
    end = datetime.fromisoformat(until)
    if end > datetime.now(UTC) + LONGEST_TIME_OUT:
        raise invalid(
            "communication_disabled_until", "GUILD_MEMBER_TIMEOUT_TOO_LONG",
            "A time-out lasts 28 days at most.",
        )  # fmt: skip
    return end.isoformat()


@route("DELETE", "/guilds/{guild}/members/{user}")
def kick(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    member = app.member_of(guild, call["user"])
    app.need_in_guild(guild, "KICK_MEMBERS")
    app.need_above_member(guild, member)
    guilds.leave(app, guild, call["user"])


# ---- bans --------------------------------------------------------------------------------


def _ban(app: Application, guild: Guild, user_id: str) -> Json:
    return {"user": app.users[user_id], "reason": guild.bans[user_id]}


@route("GET", "/guilds/{guild}/bans")
def get_bans(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    app.need_in_guild(guild, "BAN_MEMBERS")
    return [_ban(app, guild, user_id) for user_id in sorted(guild.bans, key=int)]


@route("GET", "/guilds/{guild}/bans/{user}")
def get_ban(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    app.need_in_guild(guild, "BAN_MEMBERS")
    if call["user"] not in guild.bans:
        raise unknown("Ban")
    return _ban(app, guild, call["user"])


@route("PUT", "/guilds/{guild}/bans/{user}")
def ban(app: Application, call: Call) -> Any:
    guild, user_id = app.guild_of(call["guild"]), call["user"]
    app.need_in_guild(guild, "BAN_MEMBERS")
    if user_id not in app.users:
        raise unknown("User")
    if user_id in guild.members:
        app.need_above_member(guild, guild.members[user_id])
        guilds.leave(app, guild, user_id)
    guild.bans[user_id] = None
    app.tell("GUILD_BAN_ADD", {"guild_id": guild.id, "user": app.users[user_id]})


@route("DELETE", "/guilds/{guild}/bans/{user}")
def unban(app: Application, call: Call) -> Any:
    guild = app.guild_of(call["guild"])
    app.need_in_guild(guild, "BAN_MEMBERS")
    if call["user"] not in guild.bans:
        raise unknown("Ban")
    del guild.bans[call["user"]]
    app.tell("GUILD_BAN_REMOVE", {"guild_id": guild.id, "user": app.users[call["user"]]})
