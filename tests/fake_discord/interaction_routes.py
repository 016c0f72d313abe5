"""Routes of the application: its commands, and the answers to interactions.

The first answer must come within seconds, once; whatever follows it, within fifteen minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fake_discord import checks, messages
from fake_discord.application import DAILY_CREATES, Application, Reply
from fake_discord.rest import Call, Created, route
from fake_discord.wire import (
    AUTOCOMPLETE,
    CB_CHOICES,
    CB_DEFER,
    CB_DEFER_UPDATE,
    CB_MESSAGE,
    CB_MODAL,
    CB_UPDATE,
    COMMAND,
    COMPONENT,
    EPHEMERAL,
    LOADING,
    MENU_REPLY,
    MESSAGE_MENU,
    MODAL_SUBMIT,
    REPLY,
    SLASH,
    SLASH_REPLY,
    THREADS,
    ApiError,
    Json,
    invalid,
    numbered,
    unknown,
)

# ---- commands ----------------------------------------------------------------------------


def _scope(app: Application, call: Call) -> str | None:
    return app.guild_of(call["guild"]).id if "guild" in call.params else None


@route("GET", "/applications/{app}/commands")
@route("GET", "/applications/{app}/guilds/{guild}/commands")
def get_commands(app: Application, call: Call) -> Any:
    return app.commands.get(_scope(app, call), [])


@route("PUT", "/applications/{app}/commands")
@route("PUT", "/applications/{app}/guilds/{guild}/commands")
def put_commands(app: Application, call: Call) -> Any:
    """All commands of a scope at once: what is not named any more is gone."""
    scope = _scope(app, call)
    checks.commands(call.body)
    _count_creates(app, scope, call.body)
    app.commands[scope] = [app.store_command(scope, command) for command in call.body]
    return app.commands[scope]


@route("POST", "/applications/{app}/commands")
@route("POST", "/applications/{app}/guilds/{guild}/commands")
def post_command(app: Application, call: Call) -> Any:
    """One command more; one of its name and kind is replaced."""
    scope, command = _scope(app, call), call.body
    _count_creates(app, scope, [command])
    stored = app.store_command(scope, command)
    others = [each for each in app.commands.get(scope, []) if each["id"] != stored["id"]]
    checks.commands([*others, command])
    app.commands[scope] = [*others, stored]
    return Created(stored)


def _count_creates(app: Application, scope: str | None, given: list[Json]) -> None:
    fresh = sum(app.is_new_command(scope, command) for command in given)
    if app.created_today.get(scope, 0) + fresh > DAILY_CREATES:
        raise ApiError(
            400, 30034,
            f"Max number of daily application command creates has been reached ({DAILY_CREATES})",
        )  # fmt: skip
    app.created_today[scope] = app.created_today.get(scope, 0) + fresh


def _command(app: Application, call: Call) -> tuple[str | None, Json]:
    scope = _scope(app, call)
    for command in app.commands.get(scope, []):
        if command["id"] == call["command"]:
            return scope, command
    raise unknown("application command")


@route("GET", "/applications/{app}/commands/{command}")
@route("GET", "/applications/{app}/guilds/{guild}/commands/{command}")
def get_command(app: Application, call: Call) -> Any:
    return _command(app, call)[1]


@route("PATCH", "/applications/{app}/commands/{command}")
@route("PATCH", "/applications/{app}/guilds/{guild}/commands/{command}")
def patch_command(app: Application, call: Call) -> Any:
    _, command = _command(app, call)
    checks.command_of_kind("0", command | call.body, command["type"])
    command |= call.body | {"version": app.snowflake()}
    return command


@route("DELETE", "/applications/{app}/commands/{command}")
@route("DELETE", "/applications/{app}/guilds/{guild}/commands/{command}")
def delete_command(app: Application, call: Call) -> Any:
    scope, command = _command(app, call)
    app.commands[scope].remove(command)


# ---- the gateway's address ---------------------------------------------------------------


@route("GET", "/gateway")
def get_gateway(app: Application, call: Call) -> Any:
    return {"url": app.gateway_address}


@route("GET", "/gateway/bot")
def get_gateway_bot(app: Application, call: Call) -> Any:
    starts = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
    return {"url": app.gateway_address, "shards": 1, "session_start_limit": starts}


# ---- the first answer --------------------------------------------------------------------


@route("POST", "/interactions/{interaction}/{token}/callback")
def interaction_callback(app: Application, call: Call) -> Any:
    reply = app.replies.get(call["token"])
    if reply is None or reply.id != call["interaction"]:
        raise unknown("interaction")
    if reply.callback:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    if time.monotonic() - reply.began > app.ack_seconds:
        raise unknown("interaction")
    kind, data = call.body["type"], call.body.get("data") or {}
    if kind not in ANSWERS or reply.type not in FITTING[kind] or _no_message(reply, kind):
        raise invalid("type", "BASE_TYPE_CHOICES", "This answer does not fit this interaction.")
    ANSWERS[kind](app, reply, data, call)
    reply.acknowledge(kind)
    asked = call.query.get("with_response", "").lower() in ("true", "1")
    return _told(reply, kind) if asked else None


def _no_message(reply: Reply, kind: int) -> bool:
    """Only what began on a message can change that message."""
    return kind in (CB_UPDATE, CB_DEFER_UPDATE) and reply.source is None


def _message(app: Application, reply: Reply, data: Json, call: Call) -> None:
    flags = messages.sendable_flags(data.get("flags")) | (data.get("flags") or 0) & EPHEMERAL
    reply.message = _post(app, reply, data | {"flags": flags}, call)


def _defer(app: Application, reply: Reply, data: Json, call: Call) -> None:
    flags = (data.get("flags") or 0) & EPHEMERAL | LOADING
    reply.message = _post(app, reply, {"flags": flags}, call, empty_ok=True)


def _update(app: Application, reply: Reply, data: Json, call: Call) -> None:
    assert reply.source is not None
    reply.message = messages.change(app, reply.source, data, call.uploads)


def _defer_update(app: Application, reply: Reply, data: Json, call: Call) -> None:
    reply.message = reply.source


def _choices(app: Application, reply: Reply, data: Json, call: Call) -> None:
    checks.choices(data["choices"])
    reply.choices = data["choices"]


def _modal(app: Application, reply: Reply, data: Json, call: Call) -> None:
    checks.modal(data)
    reply.modal = data | {"components": numbered(data["components"])}


ANSWERS: dict[int, Callable[[Application, Reply, Json, Call], None]] = {
    CB_MESSAGE: _message,
    CB_DEFER: _defer,
    CB_UPDATE: _update,
    CB_DEFER_UPDATE: _defer_update,
    CB_CHOICES: _choices,
    CB_MODAL: _modal,
}
FITTING = {
    CB_MESSAGE: (COMMAND, COMPONENT, MODAL_SUBMIT),
    CB_DEFER: (COMMAND, COMPONENT, MODAL_SUBMIT),
    CB_UPDATE: (COMPONENT, MODAL_SUBMIT),
    CB_DEFER_UPDATE: (COMPONENT, MODAL_SUBMIT),
    CB_CHOICES: (AUTOCOMPLETE,),
    CB_MODAL: (COMMAND, COMPONENT),
}


def _told(reply: Reply, kind: int) -> Json:
    about: Json = {"id": reply.id, "type": reply.type}
    if reply.message is None:
        return {"interaction": about}
    about |= {
        "response_message_id": reply.message["id"], "response_message_loading": kind == CB_DEFER,
        "response_message_ephemeral": reply.ephemeral,
    }  # fmt: skip
    if kind in (CB_MESSAGE, CB_DEFER, CB_UPDATE):
        return {"interaction": about, "resource": {"type": kind, "message": reply.message}}
    return {"interaction": about}


def _post(
    app: Application, reply: Reply, data: Json, call: Call, *, empty_ok: bool = False
) -> Json:
    """A message in answer to an interaction. It takes no permissions of the bot in the channel."""
    channel = reply.channel
    if channel["id"] not in app.channels:
        raise unknown("Channel")
    facts = channel.get("thread_metadata") or {}
    if channel["type"] in THREADS and facts["archived"] and facts["locked"]:
        raise ApiError(403, 50083, "Thread is archived")
    extra: Json = {
        "webhook_id": app.app_id, "application_id": app.app_id,
        "interaction_metadata": _metadata(reply),
    }  # fmt: skip
    seen_by_all = not (data.get("flags") or 0) & EPHEMERAL
    extra |= _pointing(channel, _before(app, reply), seen_by_all)
    extra |= {} if reply.callback else _kind_of_first(reply)
    return messages.post(
        app, channel, app.bot, data, call.uploads, parse=messages.USERS_ONLY,
        empty_ok=empty_ok, extra=extra,
    )  # fmt: skip


def _kind_of_first(reply: Reply) -> Json:
    """The first answer to a command says that it is one."""
    if reply.type != COMMAND:
        return {}
    return {"type": SLASH_REPLY if reply.data["type"] == SLASH else MENU_REPLY}


def _before(app: Application, reply: Reply) -> Json | None:
    """The message an answer points to: the first answer, or what the interaction began on."""
    if reply.callback and reply.message is not None:
        return None if reply.deleted else reply.message
    if reply.source is not None:
        return reply.source
    return app.messages.get(reply.data.get("target_id", ""))


def _pointing(channel: Json, before: Json | None, seen_by_all: bool) -> Json:
    """What all see does not point to what only one person sees."""
    if before is None or (seen_by_all and before["flags"] & EPHEMERAL):
        return {}
    shown = messages.alone(before)
    return {"type": REPLY, "referenced_message": shown, **messages.referring(channel, before)}


def _metadata(reply: Reply) -> Json:
    about: Json = {
        "id": reply.id, "type": reply.type, "user": reply.user,
        "authorizing_integration_owners": {"0": reply.channel.get("guild_id", "0")},
    }  # fmt: skip
    if reply.callback and reply.message is not None:
        about["original_response_message_id"] = reply.message["id"]
    if reply.type == COMMAND and reply.data["type"] == MESSAGE_MENU:
        about["target_message_id"] = reply.data["target_id"]
    if reply.type == COMPONENT and reply.source is not None:
        about["interacted_message_id"] = reply.source["id"]
    return about


# ---- what follows ------------------------------------------------------------------------


def _reply(app: Application, call: Call) -> Reply:
    """The interaction a token is for; it opens nothing before the first answer."""
    reply = app.replies.get(call["token"])
    if reply is None or time.monotonic() - reply.began > app.token_seconds:
        raise ApiError(401, 50027, "Invalid Webhook Token")
    if not reply.callback:
        raise unknown("Webhook")
    return reply


@route("POST", "/webhooks/{app}/{token}")
def followup(app: Application, call: Call) -> Any:
    reply = _reply(app, call)
    if reply.awaits_first and reply.message is not None:
        return _fill(app, reply, reply.message, call)
    data = call.body
    flags = messages.sendable_flags(data.get("flags")) | (data.get("flags") or 0) & EPHEMERAL
    message = _post(app, reply, data | {"flags": flags}, call)
    reply.followups.append(message)
    reply.changed.set()
    return message


def _target(app: Application, call: Call) -> tuple[Reply, Json]:
    reply = _reply(app, call)
    own = [reply.message] if reply.message is not None and not reply.deleted else []
    if call["message"] == "@original":
        found = own
    else:
        found = [each for each in [*own, *reply.followups] if each["id"] == call["message"]]
    if not found or found[0]["id"] not in app.messages:
        raise unknown("Message")
    return reply, found[0]


@route("GET", "/webhooks/{app}/{token}/messages/{message}")
def get_answer(app: Application, call: Call) -> Any:
    return _target(app, call)[1]


@route("PATCH", "/webhooks/{app}/{token}/messages/{message}")
def patch_answer(app: Application, call: Call) -> Any:
    reply, message = _target(app, call)
    return _fill(app, reply, message, call)


def _fill(app: Application, reply: Reply, message: Json, call: Call) -> Json:
    """Changes an answer; the first change of a deferred one is what the person waited for."""
    flags = message["flags"]
    message["flags"] &= ~LOADING
    try:
        messages.change(app, message, call.body, call.uploads)
    except ApiError:
        message["flags"] = flags
        raise
    reply.changed.set()
    return message


@route("DELETE", "/webhooks/{app}/{token}/messages/{message}")
def delete_answer(app: Application, call: Call) -> Any:
    reply, message = _target(app, call)
    messages.delete(app, message)
    if message is reply.message:
        reply.deleted = True
    reply.changed.set()
