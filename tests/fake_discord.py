# ruff: noqa: C901, E501
"""A small Discord-compatible server on loopback, for driving the real discord.py client in tests.

It speaks the real wire protocol (REST + gateway websocket), so the client library is not patched
beyond its two addresses.  People are driven from Python:

    async with FakeDiscord() as fake:
        alice = fake.person("alice")
        with fake.redirect_discord_py():
            ...start the bot with fake.token...
            sent = await alice.say(fake.channel, f"<@{fake.bot['id']}> hello")
            reply = await alice.slash("propose", title="Buy a kettle")
            await alice.click(reply.message, "vote:yes")

Only aiohttp is needed (discord.py already depends on it).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import json
import re
import secrets
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

# gateway operations
DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE = 0, 1, 2, 3, 4
RESUME, RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 6, 7, 8, 9, 10, 11

# intents
GUILDS, MEMBERS, MESSAGES, REACTIONS, DMS, CONTENT, POLLS = (
    1 << n for n in (0, 1, 9, 10, 12, 15, 24)
)
PRIVILEGED = MEMBERS | CONTENT | (1 << 8)

# interaction types / callback types
PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 1, 2, 3, 4, 5
CB_MESSAGE, CB_DEFER, CB_DEFER_UPDATE, CB_UPDATE, CB_CHOICES, CB_MODAL = 4, 5, 6, 7, 8, 9

EPHEMERAL, HAS_THREAD, COMPONENTS_V2 = 1 << 6, 1 << 5, 1 << 15
TEXT, DM, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 11, 12, 15
ALL_PERMISSIONS = str((1 << 53) - 1)
EVENT_INTENT = {
    "MESSAGE_CREATE": MESSAGES,
    "MESSAGE_UPDATE": MESSAGES,
    "MESSAGE_DELETE": MESSAGES,
    "MESSAGE_REACTION_ADD": REACTIONS,
    "MESSAGE_REACTION_REMOVE": REACTIONS,
    "MESSAGE_POLL_VOTE_ADD": POLLS,
    "MESSAGE_POLL_VOTE_REMOVE": POLLS,
    "GUILD_MEMBER_ADD": MEMBERS,
    "GUILD_MEMBER_UPDATE": MEMBERS,
    "GUILD_MEMBER_REMOVE": MEMBERS,
    "THREAD_CREATE": GUILDS,
    "THREAD_UPDATE": GUILDS,
    "CHANNEL_CREATE": GUILDS,
    "CHANNEL_UPDATE": GUILDS,
}
ROUTES: list[tuple[str, str, str]] = []


def route(method: str, path: str):
    def mark(function):
        ROUTES.append((method, path, function.__name__))
        return function

    return mark


class ApiError(Exception):
    def __init__(self, status: int, code: int, message: str, errors: dict | None = None):
        self.status, self.body = status, {"code": code, "message": message}
        if errors:
            self.body["errors"] = errors


def invalid(path: str, code: str, message: str) -> ApiError:
    errors: dict = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        errors = {part: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors)


class InteractionFailed(Exception):
    """What a person sees as 'This interaction failed' / 'The application did not respond'."""


@dataclass
class Reply:
    """One interaction as the person who started it sees it."""

    id: str
    token: str
    created: float
    type: int
    source: dict | None = None  # message that carried the component
    acked: asyncio.Future = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    callback: int = 0
    message: dict | None = None  # the original response
    modal: dict | None = None
    choices: list | None = None
    followups: list[dict] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ephemeral(self) -> bool:
        return bool(self.message and self.message["flags"] & EPHEMERAL)

    async def final(self, timeout: float = 5) -> dict:
        """The response after a 'thinking...' deferral has been filled in."""
        while self.message is None or self.message["flags"] & (1 << 7):
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), timeout)
        return self.message


class Session:
    def __init__(self, intents: int):
        self.id, self.intents, self.seq = secrets.token_hex(16), intents, 0
        self.sent: list[dict] = []
        self.ws: web.WebSocketResponse | None = None
        self.deflate = None

    async def push(self, payload: dict) -> None:
        if self.ws is None or self.ws.closed:
            return
        text = json.dumps(payload)
        with contextlib.suppress(ConnectionError, RuntimeError):
            if self.deflate:
                await self.ws.send_bytes(
                    self.deflate.compress(text.encode()) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
                )
            else:
                await self.ws.send_str(text)

    async def dispatch(self, event: str, data: dict) -> None:
        self.seq += 1
        payload = {"op": DISPATCH, "t": event, "s": self.seq, "d": data}
        self.sent.append(payload)
        await self.push(payload)


class Person:
    """A human member of the guild; each method does what a click or a keypress in the app would."""

    def __init__(self, fake: FakeDiscord, user: dict):
        self.fake, self.user, self.id, self.name = fake, user, user["id"], user["username"]

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    async def say(self, channel: dict, content: str, **extra: Any) -> dict:
        return await self.fake.post_message(channel, self.user, {"content": content, **extra})

    async def dm(self, content: str) -> dict:
        return await self.say(self.fake.dm_channel(self.id), content)

    async def slash(
        self,
        name: str,
        /,
        *path: str,
        channel: dict | None = None,
        timeout: float = 3,
        **options: Any,
    ) -> Reply:
        command, data = self.fake.command_data(name, path, options)
        return await self.fake.interact(
            self, COMMAND, data, channel or self.fake.channel, timeout=timeout
        )

    async def autocomplete(
        self, name: str, /, *path: str, focused: str, channel: dict | None = None, **options: Any
    ) -> list[dict]:
        _, data = self.fake.command_data(name, path, options, focused)
        reply = await self.fake.interact(self, AUTOCOMPLETE, data, channel or self.fake.channel)
        return reply.choices or []

    async def click(
        self, message: dict, custom_id: str, values: list[str] | None = None, timeout: float = 3
    ) -> Reply:
        live = self.fake.messages.get(message["id"], message)
        found = next((c for c in walk(live["components"]) if c.get("custom_id") == custom_id), None)
        if found is None:
            raise AssertionError(
                f"no component {custom_id!r} on message; there are "
                f"{[c['custom_id'] for c in walk(live['components']) if 'custom_id' in c]}"
            )
        if found.get("disabled"):
            raise AssertionError(f"component {custom_id!r} is disabled")
        data = {"custom_id": custom_id, "component_type": found["type"]}
        if values is not None:
            data["values"] = values
        channel = self.fake.channels[live["channel_id"]]
        return await self.fake.interact(
            self, COMPONENT, data, channel, source=live, timeout=timeout
        )

    async def submit(self, reply: Reply, **values: Any) -> Reply:
        assert reply.modal, "no modal is open"
        data = {
            "custom_id": reply.modal["custom_id"],
            "components": [self._filled(c, values) for c in numbered(reply.modal["components"])],
        }
        return await self.fake.interact(
            self, MODAL_SUBMIT, data, self.fake.channel, source=reply.source
        )

    def _filled(self, item: dict, values: dict[str, Any]) -> dict:
        """A modal component as the app sends it back: a text, a choice, or whatever holds one."""
        sent = {"type": item["type"], "id": item["id"]}
        if "components" in item:
            return {**sent, "components": [self._filled(c, values) for c in item["components"]]}
        if "component" in item:
            return {**sent, "component": self._filled(item["component"], values)}
        if "custom_id" in item:
            many = item["type"] in (3, 5, 6, 7, 8, 22)  # selects and checkbox groups
            given = values.get(
                item["custom_id"],
                [] if many else item.get("value", False if item["type"] == 23 else ""),
            )
            if item.get("required", True) and given in ([], "") and item["type"] != 23:
                raise AssertionError(f"the app would not submit without {item['custom_id']!r}")
            return {**sent, "custom_id": item["custom_id"], "values" if many else "value": given}
        return sent

    async def react(self, message: dict, emoji: str) -> None:
        await self.fake.react(message, self.user, emoji)

    async def vote_poll(self, message: dict, answer_id: int) -> None:
        await self.fake.poll_vote(message, self.user, answer_id)


def walk(components: list[dict]):
    for item in components or []:
        yield item
        yield from walk(item.get("components") or [])
        for key in ("component", "accessory"):
            if item.get(key):
                yield from walk([item[key]])


class FakeDiscord:
    def __init__(
        self,
        *,
        heartbeat_ms: int = 41250,
        compress: bool = True,
        allowed_intents: int = (1 << 26) - 1,
        ack_seconds: float = 3.0,
    ):
        self._ids = itertools.count(1)
        self._epoch_ms = int(time.time() * 1000) - 1420070400000
        self.token = "fake." + secrets.token_hex(8)
        self.heartbeat_ms, self.compress, self.allowed_intents, self.ack_seconds = (
            heartbeat_ms,
            compress,
            allowed_intents,
            ack_seconds,
        )
        self.bot = self._user("govbot", bot=True)
        self.app_id = self.bot["id"]  # as with every modern Discord application
        self.users: dict[str, dict] = {self.bot["id"]: self.bot}
        self.channels: dict[str, dict] = {}
        self.messages: dict[str, dict] = {}
        self.members: dict[str, dict] = {}
        self.commands: dict[str | None, list[dict]] = {None: []}  # None: global
        self.replies: dict[str, Reply] = {}  # by interaction token
        self.sessions: dict[str, Session] = {}
        self.hits: Counter[str] = Counter()  # "METHOD /template" -> times
        self.gateway_log: list[tuple[int, Any]] = []
        self._limits: list[dict] = []
        self._faults: list[dict] = []
        self.bucket_remaining: dict[str, int] = {}
        guild_id = self.snowflake()
        everyone = {
            "id": guild_id,
            "name": "@everyone",
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "permissions": ALL_PERMISSIONS,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
        self.roles = {guild_id: everyone}
        self.guild_id = guild_id
        self.channel = self.add_channel("assembly")
        self._join(self.bot, [])

    # ---- building the world -------------------------------------------------------------

    def snowflake(self) -> str:
        return str((self._epoch_ms + next(self._ids)) << 22)

    def _user(self, name: str, bot: bool = False) -> dict:
        return {
            "id": self.snowflake(),
            "username": name,
            "discriminator": "0",
            "global_name": None if bot else name.title(),
            "avatar": None,
            "bot": bot,
            "flags": 0,
            "public_flags": 0,
        }

    def _join(self, user: dict, roles: list[str]) -> dict:
        member = {
            "user": user,
            "nick": None,
            "avatar": None,
            "roles": roles,
            "joined_at": now(),
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
            "premium_since": None,
            "communication_disabled_until": None,
        }
        self.members[user["id"]] = member
        return member

    def add_role(self, name: str) -> str:
        role_id = self.snowflake()
        self.roles[role_id] = {
            **self.roles[self.guild_id],
            "id": role_id,
            "name": name,
            "position": len(self.roles),
            "permissions": "0",
        }
        return role_id

    def add_channel(self, name: str, kind: int = TEXT) -> dict:
        channel = {
            "id": self.snowflake(),
            "type": kind,
            "guild_id": self.guild_id,
            "name": name,
            "position": len(self.channels),
            "permission_overwrites": [],
            "nsfw": False,
            "topic": None,
            "parent_id": None,
            "last_message_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
        }
        self.channels[channel["id"]] = channel
        return channel

    def person(self, name: str, roles: list[str] | None = None) -> Person:
        user = self._user(name)
        self.users[user["id"]] = user
        self._join(user, roles or [])
        return Person(self, user)

    def dm_channel(self, user_id: str) -> dict:
        for channel in self.channels.values():
            if channel["type"] == DM and channel["recipients"][0]["id"] == user_id:
                return channel
        channel = {
            "id": self.snowflake(),
            "type": DM,
            "recipients": [self.users[user_id]],
            "last_message_id": None,
            "flags": 0,
        }
        self.channels[channel["id"]] = channel
        return channel

    def guild(self) -> dict:
        channels = [
            c for c in self.channels.values() if c.get("guild_id") and c["type"] in (TEXT, FORUM)
        ]
        threads = [
            c
            for c in self.channels.values()
            if c["type"] in (PUBLIC_THREAD, PRIVATE_THREAD) and not c["thread_metadata"]["archived"]
        ]
        return {
            "id": self.guild_id,
            "name": "Assembly",
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "owner_id": self.bot["id"],
            "afk_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": list(self.roles.values()),
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "premium_tier": 0,
            "preferred_locale": "en-US",
            "nsfw_level": 0,
            "joined_at": now(),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "voice_states": [],
            "members": list(self.members.values()),
            "channels": channels,
            "threads": threads,
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    # ---- life cycle ---------------------------------------------------------------------

    async def __aenter__(self) -> FakeDiscord:
        app = web.Application(middlewares=[self._middleware])
        app.router.add_get("/gw/", self._gateway)
        for method, path, name in ROUTES:
            app.router.add_route(method, "/api/v10" + path, getattr(self, name))
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.api, self.gateway_url = (
            f"http://127.0.0.1:{self.port}/api/v10",
            f"ws://127.0.0.1:{self.port}/gw/",
        )
        return self

    async def __aexit__(self, *exc: Any) -> None:
        for session in self.sessions.values():
            if session.ws is not None and not session.ws.closed:
                await session.ws.close()
        await self._runner.cleanup()

    @contextlib.contextmanager
    def redirect_discord_py(self):
        """Point discord.py at this server; the only two places it keeps Discord's address."""
        import discord.gateway
        import discord.http
        import yarl

        base, gateway = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
        discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = (
            self.api,
            yarl.URL(self.gateway_url),
        )
        try:
            yield
        finally:
            discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = (
                base,
                gateway,
            )

    # ---- faults -------------------------------------------------------------------------

    def rate_limit(
        self,
        method: str,
        template: str,
        times: int = 1,
        retry_after: float = 0.3,
        global_: bool = False,
    ) -> None:
        self._limits.append(
            {
                "key": f"{method} {template}",
                "times": times,
                "retry_after": retry_after,
                "global": global_,
            }
        )

    def fail(self, method: str, template: str, status: int, code: int = 0, times: int = 1) -> None:
        self._faults.append(
            {"key": f"{method} {template}", "times": times, "status": status, "code": code}
        )

    async def drop_gateway(self, code: int | None = None) -> None:
        """Cut the websocket: with no code the socket is simply torn down, as a network failure would."""
        for session in self.sessions.values():
            if session.ws is not None and not session.ws.closed:
                if code is None:
                    session.ws._req.transport.abort()
                else:
                    await session.ws.close(code=code)

    async def ask_reconnect(self) -> None:
        for session in self.sessions.values():
            await session.push({"op": RECONNECT, "d": None})

    async def invalidate(self, resumable: bool = False) -> None:
        for session in list(self.sessions.values()):
            if not resumable:
                del self.sessions[session.id]
            await session.push({"op": INVALID_SESSION, "d": resumable})

    # ---- REST plumbing ------------------------------------------------------------------

    @web.middleware
    async def _middleware(self, request: web.Request, handler):
        resource = request.match_info.route.resource
        if resource is None or request.path.startswith("/gw"):
            if resource is None:
                self.hits[f"UNKNOWN {request.method} {request.path}"] += 1
                return self._json({"message": "404: Not Found", "code": 0}, 404)
            return await handler(request)
        template = resource.canonical.removeprefix("/api/v10")
        key = f"{request.method} {template}"
        self.hits[key] += 1
        authless = template.startswith(("/interactions/", "/webhooks/", "/gateway"))
        if not authless and request.headers.get("Authorization") != f"Bot {self.token}":
            return self._json({"message": "401: Unauthorized", "code": 0}, 401)
        for limit in self._limits:
            if limit["key"] == key and limit["times"] > 0:
                limit["times"] -= 1
                # 'Via' is what discord.py takes as proof that the 429 is Discord's and not Cloudflare's
                headers = {
                    "Via": "1.1 google",
                    "Retry-After": str(int(limit["retry_after"]) + 1),
                    "X-RateLimit-Scope": "global" if limit["global"] else "user",
                }
                if not limit["global"]:
                    headers |= {
                        "X-RateLimit-Limit": "5",
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Bucket": bucket(key),
                        "X-RateLimit-Reset-After": str(limit["retry_after"]),
                        "X-RateLimit-Reset": str(time.time() + limit["retry_after"]),
                    }
                return self._json(
                    {
                        "message": "You are being rate limited.",
                        "retry_after": limit["retry_after"],
                        "global": limit["global"],
                    },
                    429,
                    headers,
                )
        for fault in self._faults:
            if fault["key"] == key and fault["times"] > 0:
                fault["times"] -= 1
                return self._json(
                    {"message": "injected fault", "code": fault["code"]}, fault["status"]
                )
        try:
            result = await handler(request)
        except ApiError as error:
            return self._json(error.body, error.status)
        except KeyError as error:
            return self._json({"message": f"Unknown object {error}", "code": 10003}, 404)
        remaining = self.bucket_remaining.get(key, 5)
        headers = {
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": str(max(remaining - 1, 0)),
            "X-RateLimit-Bucket": bucket(key),
            "X-RateLimit-Reset-After": "0.5",
            "X-RateLimit-Reset": str(time.time() + 0.5),
        }
        if key in self.bucket_remaining:
            self.bucket_remaining[key] = remaining - 1 if remaining > 1 else 5
        return (
            web.Response(status=204, headers=headers)
            if result is None
            else self._json(result, 200, headers)
        )

    @staticmethod
    def _json(body: Any, status: int = 200, headers: dict | None = None) -> web.Response:
        # exactly 'application/json': with a charset discord.py would treat the body as text
        return web.Response(
            body=json.dumps(body).encode(),
            status=status,
            headers={**(headers or {}), "Content-Type": "application/json"},
        )

    @staticmethod
    async def _body(request: web.Request) -> dict:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            body = json.loads(form["payload_json"])
            for described in body.get("attachments") or []:
                upload = form.get(f"files[{described['id']}]")
                if upload is not None:
                    described["_bytes"] = upload.file.read()
            return body
        return await request.json() if request.can_read_body else {}

    # ---- REST: login, guild -------------------------------------------------------------

    @route("GET", "/users/@me")
    async def get_me(self, request):
        return {
            **self.bot,
            "verified": True,
            "mfa_enabled": False,
            "locale": "en-US",
            "email": None,
        }

    @route("GET", "/oauth2/applications/@me")
    @route("GET", "/applications/@me")
    async def get_application(self, request):
        return {
            "id": self.app_id,
            "name": "govbot",
            "icon": None,
            "description": "",
            "summary": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": next(u for u in self.users.values()),
            "verify_key": "0" * 64,
            "team": None,
            "flags": (1 << 15) | (1 << 19),
            "rpc_origins": [],
        }

    @route("GET", "/gateway")
    async def get_gateway(self, request):
        return {"url": self.gateway_url}

    @route("GET", "/gateway/bot")
    async def get_gateway_bot(self, request):
        return {
            "url": self.gateway_url,
            "shards": 1,
            "session_start_limit": {
                "total": 1000,
                "remaining": 999,
                "reset_after": 0,
                "max_concurrency": 1,
            },
        }

    @route("GET", "/guilds/{guild}")
    async def get_guild(self, request):
        return self.guild()

    @route("GET", "/guilds/{guild}/members/{user}")
    async def get_member(self, request):
        if request.match_info["user"] not in self.members:
            raise ApiError(404, 10007, "Unknown Member")
        return self.members[request.match_info["user"]]

    @route("PUT", "/guilds/{guild}/members/{user}/roles/{role}")
    @route("DELETE", "/guilds/{guild}/members/{user}/roles/{role}")
    async def change_role(self, request):
        member, role = self.members[request.match_info["user"]], request.match_info["role"]
        member["roles"] = [r for r in member["roles"] if r != role] + (
            [role] if request.method == "PUT" else []
        )
        await self.broadcast("GUILD_MEMBER_UPDATE", {**member, "guild_id": self.guild_id})

    @route("POST", "/users/@me/channels")
    async def open_dm(self, request):
        return self.dm_channel(str((await self._body(request))["recipient_id"]))

    # ---- REST: application commands -----------------------------------------------------

    @route("GET", "/applications/{app}/commands")
    @route("GET", "/applications/{app}/guilds/{guild}/commands")
    async def get_commands(self, request):
        return self.commands.get(request.match_info.get("guild"), [])

    @route("PUT", "/applications/{app}/commands")
    @route("PUT", "/applications/{app}/guilds/{guild}/commands")
    async def put_commands(self, request):
        guild, body = request.match_info.get("guild"), await self._body(request)
        if len(body) > 100:
            raise invalid("_", "APPLICATION_COMMANDS_MAX", "at most 100 commands")
        known = {c["name"]: c["id"] for c in self.commands.get(guild, [])}
        stored = []
        for number, command in enumerate(body):
            check_command(command, str(number))
            stored.append(
                {
                    "type": 1,
                    "default_member_permissions": None,
                    "nsfw": False,
                    "dm_permission": True,
                    **command,
                    "id": known.get(command["name"]) or self.snowflake(),
                    "application_id": self.app_id,
                    "version": self.snowflake(),
                    **({"guild_id": guild} if guild else {}),
                }
            )
        self.commands[guild] = stored
        return stored

    def command_data(
        self, name: str, path: tuple[str, ...], options: dict, focused: str | None = None
    ) -> tuple[dict, dict]:
        command = next(
            (
                c
                for scope in (self.guild_id, None)
                for c in self.commands.get(scope, [])
                if c["name"] == name
            ),
            None,
        )
        assert command, f"/{name} is not registered: the person would not see it"
        spec, level = command, []
        for step in path:
            spec = next(o for o in spec["options"] if o["name"] == step)
            level.append({"type": spec["type"], "name": step})
        given = []
        for option in spec.get("options", []):
            if option["name"] in options:
                entry = {
                    "name": option["name"],
                    "type": option["type"],
                    "value": options[option["name"]],
                }
                if focused == option["name"]:
                    entry["focused"] = True
                if option.get("choices") and entry["value"] not in [
                    c["value"] for c in option["choices"]
                ]:
                    raise AssertionError(
                        f"{entry['value']!r} is not among the choices of {option['name']}"
                    )
                given.append(entry)
            elif option.get("required") and focused is None:
                raise AssertionError(f"/{name}: the app would not send it without {option['name']}")
        for step in reversed(level):
            given = [{**step, "options": given}]
        resolved = {
            "users": {o["value"]: self.users[o["value"]] for o in given if o["type"] == 6},
            "members": {
                o["value"]: {k: v for k, v in self.members[o["value"]].items() if k != "user"}
                | {"permissions": "0"}
                for o in given
                if o["type"] == 6
            },
        }
        data = {
            "id": command["id"],
            "name": name,
            "type": 1,
            "options": given,
            "resolved": resolved,
        }
        if command.get("guild_id"):
            data["guild_id"] = command["guild_id"]
        return command, data

    # ---- REST: channels, messages, threads ----------------------------------------------

    @route("GET", "/channels/{channel}")
    async def get_channel(self, request):
        return self.channels[request.match_info["channel"]]

    @route("PATCH", "/channels/{channel}")
    async def patch_channel(self, request):
        channel, body = self.channels[request.match_info["channel"]], await self._body(request)
        for key in ("archived", "locked", "auto_archive_duration"):
            if key in body:
                channel["thread_metadata"][key] = body.pop(key)
        channel.update(body)
        await self.broadcast(
            "THREAD_UPDATE" if "thread_metadata" in channel else "CHANNEL_UPDATE", channel
        )
        return channel

    @route("POST", "/channels/{channel}/typing")
    async def typing(self, request):
        return None

    @route("GET", "/channels/{channel}/messages")
    async def get_messages(self, request):
        found = [
            m for m in self.messages.values() if m["channel_id"] == request.match_info["channel"]
        ]
        query = request.query
        if "before" in query:
            found = [m for m in found if int(m["id"]) < int(query["before"])]
        if "after" in query:
            found = [m for m in found if int(m["id"]) > int(query["after"])][
                : int(query.get("limit", 50))
            ]
        return sorted(found, key=lambda m: -int(m["id"]))[: int(query.get("limit", 50))]

    @route("GET", "/channels/{channel}/messages/{message}")
    async def get_message(self, request):
        return self._message(request)

    def _message(self, request) -> dict:
        message = self.messages.get(request.match_info["message"])
        if message is None:
            raise ApiError(404, 10008, "Unknown Message")
        return message

    @route("POST", "/channels/{channel}/messages")
    async def create_message(self, request):
        channel = self.channels[request.match_info["channel"]]
        if channel.get("thread_metadata", {}).get("locked"):
            raise ApiError(400, 50083, "Thread is archived")
        return await self.post_message(channel, self.bot, await self._body(request))

    @route("PATCH", "/channels/{channel}/messages/{message}")
    async def edit_message(self, request):
        message = self._message(request)
        if message["author"]["id"] != self.bot["id"]:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return await self.change_message(message, await self._body(request))

    @route("DELETE", "/channels/{channel}/messages/{message}")
    async def delete_message(self, request):
        message = self._message(request)
        del self.messages[message["id"]]
        await self.broadcast(
            "MESSAGE_DELETE",
            {"id": message["id"], "channel_id": message["channel_id"], "guild_id": self.guild_id},
        )

    @route("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me")
    async def add_reaction(self, request):
        await self.react(self._message(request), self.bot, request.match_info["emoji"])

    @route("PUT", "/channels/{channel}/messages/pins/{message}")
    @route("PUT", "/channels/{channel}/pins/{message}")
    async def pin(self, request):
        self._message(request)["pinned"] = True

    @route("POST", "/channels/{channel}/messages/{message}/threads")
    @route("POST", "/channels/{channel}/threads")
    async def create_thread(self, request):
        parent, body = self.channels[request.match_info["channel"]], await self._body(request)
        source = self._message(request) if "message" in request.match_info else None
        if not 1 <= len(body.get("name", "")) <= 100:
            raise invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        if source and source["id"] in self.channels:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        thread = {
            "id": source["id"] if source else self.snowflake(),
            "type": PUBLIC_THREAD if source else body.get("type", PRIVATE_THREAD),
            "guild_id": self.guild_id,
            "parent_id": parent["id"],
            "owner_id": self.bot["id"],
            "name": body["name"],
            "message_count": 0,
            "member_count": 1,
            "total_message_sent": 0,
            "rate_limit_per_user": 0,
            "last_message_id": None,
            "flags": 0,
            "applied_tags": [],
            "thread_metadata": {
                "archived": False,
                "auto_archive_duration": body.get("auto_archive_duration", 1440),
                "archive_timestamp": now(),
                "locked": False,
                "create_timestamp": now(),
            },
            "member": {"id": None, "user_id": self.bot["id"], "join_timestamp": now(), "flags": 0},
        }
        thread["member"]["id"] = thread["id"]
        self.channels[thread["id"]] = thread
        if source:
            source["flags"] |= HAS_THREAD
            source["thread"] = thread
        await self.broadcast("THREAD_CREATE", {**thread, "newly_created": True})
        if parent["type"] == FORUM:
            return {
                **thread,
                "message": await self.post_message(
                    thread, self.bot, body["message"], message_id=thread["id"]
                ),
            }
        return thread

    @route("PUT", "/channels/{channel}/thread-members/{user}")
    @route("DELETE", "/channels/{channel}/thread-members/{user}")
    async def thread_member(self, request):
        return None

    @route("POST", "/channels/{channel}/polls/{message}/expire")
    async def expire_poll(self, request):
        message = self._message(request)
        message["poll"]["results"]["is_finalized"] = True
        message["poll"]["expiry"] = now()
        await self.broadcast("MESSAGE_UPDATE", {**message, "guild_id": self.guild_id})
        return message

    @route("GET", "/channels/{channel}/polls/{message}/answers/{answer}")
    async def poll_voters(self, request):
        voters = self._message(request)["_votes"].get(request.match_info["answer"], [])
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 25))
        return {"users": [self.users[v] for v in sorted(voters, key=int) if int(v) > after][:limit]}

    # ---- REST: interactions -------------------------------------------------------------

    @route("POST", "/interactions/{interaction}/{token}/callback")
    async def interaction_callback(self, request):
        reply, body = self.replies.get(request.match_info["token"]), await self._body(request)
        if reply is None or (
            not reply.acked.done() and time.monotonic() - reply.created > self.ack_seconds
        ):
            raise ApiError(404, 10062, "Unknown interaction")
        if reply.acked.done():
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        kind, data = body["type"], body.get("data") or {}
        if kind == CB_MODAL:
            if reply.type == MODAL_SUBMIT:
                raise invalid("type", "BASE_TYPE_CHOICES", "a modal cannot answer a modal")
            if len(data["title"]) > 45:
                raise invalid(
                    "data.title", "BASE_TYPE_BAD_LENGTH", "Must be 45 or fewer in length."
                )
            reply.modal = data
        elif kind == CB_CHOICES:
            if len(data["choices"]) > 25:
                raise invalid(
                    "data.choices", "BASE_TYPE_BAD_LENGTH", "Must be 25 or fewer in length."
                )
            reply.choices = data["choices"]
        elif kind == CB_MESSAGE:
            reply.message = await self._reply_message(reply, data)
        elif kind == CB_DEFER:
            reply.message = await self._reply_message(
                reply, {**data, "flags": data.get("flags", 0) | (1 << 7)}, empty_ok=True
            )
        elif kind == CB_UPDATE:
            reply.message = await self.change_message(reply.source, data)
        elif kind == CB_DEFER_UPDATE:
            reply.message = reply.source
        reply.callback = kind
        reply.acked.set_result(kind)
        reply.changed.set()
        info = {"id": reply.id, "type": reply.type}
        if reply.message:
            info |= {
                "response_message_id": reply.message["id"],
                "response_message_loading": kind == CB_DEFER,
                "response_message_ephemeral": reply.ephemeral,
            }
        result = {"interaction": info}
        if kind in (CB_MESSAGE, CB_DEFER, CB_UPDATE):
            result["resource"] = {"type": kind, "message": reply.message}
        return result if request.query.get("with_response") else None

    async def _reply_message(self, reply: Reply, data: dict, empty_ok: bool = False) -> dict:
        metadata = {
            "id": reply.id,
            "type": reply.type,
            "user": reply.user,
            "authorizing_integration_owners": {},
        }
        return await self.post_message(
            reply.channel,
            self.bot,
            data,
            empty_ok=empty_ok,
            webhook_id=self.app_id,
            application_id=self.app_id,
            interaction_metadata=metadata,
        )

    def _reply(self, request) -> Reply:
        reply = self.replies.get(request.match_info["token"])
        if reply is None or time.monotonic() - reply.created > 900:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        if not reply.acked.done():
            raise ApiError(404, 10015, "Unknown Webhook")
        return reply

    @route("POST", "/webhooks/{app}/{token}")
    async def followup(self, request):
        reply, body = self._reply(request), await self._body(request)
        if reply.callback == CB_DEFER and not reply.followups and reply.message["flags"] & (1 << 7):
            return await self._fill(
                reply, reply.message, body
            )  # the first follow-up fills a deferral
        message = await self._reply_message(reply, body)
        reply.followups.append(message)
        reply.changed.set()
        return message

    @route("GET", "/webhooks/{app}/{token}/messages/{message}")
    async def get_reply(self, request):
        return self._reply_target(request)[1]

    @route("PATCH", "/webhooks/{app}/{token}/messages/{message}")
    async def patch_reply(self, request):
        reply, message = self._reply_target(request)
        return await self._fill(reply, message, await self._body(request))

    @route("DELETE", "/webhooks/{app}/{token}/messages/{message}")
    async def delete_reply(self, request):
        _, message = self._reply_target(request)
        self.messages.pop(message["id"], None)
        if not message["flags"] & EPHEMERAL:
            await self.broadcast(
                "MESSAGE_DELETE",
                {
                    "id": message["id"],
                    "channel_id": message["channel_id"],
                    "guild_id": self.guild_id,
                },
            )

    def _reply_target(self, request) -> tuple[Reply, dict]:
        reply, wanted = self._reply(request), request.match_info["message"]
        candidates = [reply.message, *reply.followups]
        message = (
            candidates[0]
            if wanted == "@original"
            else next((m for m in candidates if m and m["id"] == wanted), None)
        )
        if message is None:
            raise ApiError(404, 10008, "Unknown Message")
        return reply, message

    async def _fill(self, reply: Reply, message: dict, body: dict) -> dict:
        message["flags"] &= ~(1 << 7)
        await self.change_message(message, body)
        reply.changed.set()
        return message

    async def interact(
        self,
        person: Person,
        kind: int,
        data: dict,
        channel: dict,
        source: dict | None = None,
        timeout: float = 3,
    ) -> Reply:
        reply = Reply(self.snowflake(), secrets.token_urlsafe(24), time.monotonic(), kind, source)
        reply.user, reply.channel = person.user, channel
        self.replies[reply.token] = reply
        payload = {
            "id": reply.id,
            "application_id": self.app_id,
            "type": kind,
            "token": reply.token,
            "version": 1,
            "data": data,
            "channel_id": channel["id"],
            "channel": {**channel, "permissions": ALL_PERMISSIONS},
            "locale": "en-US",
            "entitlements": [],
            "app_permissions": ALL_PERMISSIONS,
            "attachment_size_limit": 10 * 2**20,
            "authorizing_integration_owners": {"0": self.guild_id},
        }
        if channel["type"] == DM:
            payload |= {"user": person.user, "context": 1}
        else:
            payload |= {
                "member": {**self.members[person.id], "permissions": ALL_PERMISSIONS},
                "guild_id": self.guild_id,
                "guild_locale": "en-US",
                "guild": {"id": self.guild_id, "locale": "en-US", "features": []},
                "context": 0,
            }
        if source is not None:
            payload["message"] = source
        await self.broadcast("INTERACTION_CREATE", payload)
        try:
            await asyncio.wait_for(asyncio.shield(reply.acked), timeout)
        except TimeoutError:
            raise InteractionFailed("The application did not respond") from None
        return reply

    # ---- shared message logic -----------------------------------------------------------

    async def post_message(
        self,
        channel: dict,
        author: dict,
        body: dict,
        *,
        empty_ok: bool = False,
        message_id: str | None = None,
        **extra: Any,
    ) -> dict:
        check_message(body, empty_ok)
        content = body.get("content") or ""
        parse = (body.get("allowed_mentions") or {}).get("parse", ["users", "roles", "everyone"])
        pinged = {str(u) for u in (body.get("allowed_mentions") or {}).get("users", [])}
        mentioned = [
            self.users[u]
            for u in dict.fromkeys(re.findall(r"<@!?(\d+)>", content))
            if u in self.users and ("users" in parse or u in pinged)
        ]
        message = {
            "id": message_id or self.snowflake(),
            "channel_id": channel["id"],
            "author": author,
            "content": content,
            "timestamp": now(),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": "everyone" in parse and "@everyone" in content,
            "mentions": mentioned,
            "mention_roles": [],
            "attachments": self._attachments(body),
            "embeds": body.get("embeds") or [],
            "reactions": [],
            "pinned": False,
            "type": 20 if extra.get("interaction_metadata") else 0,
            "flags": body.get("flags") or 0,
            "components": numbered(body.get("components") or []),
            **extra,
        }
        if body.get("nonce") is not None:
            message["nonce"] = body["nonce"]
        reference = body.get("message_reference")
        if reference:
            target = self.messages.get(str(reference["message_id"]))
            if target is None and reference.get("fail_if_not_exists", True):
                raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            message |= {
                "type": 19,
                "referenced_message": target,
                "message_reference": {
                    "type": 0,
                    "message_id": str(reference["message_id"]),
                    "channel_id": channel["id"],
                    "guild_id": self.guild_id,
                },
            }
        if body.get("poll"):
            poll = body["poll"]
            expiry = dt.datetime.now(dt.UTC) + dt.timedelta(hours=poll.get("duration", 24))
            message["poll"] = {
                "question": poll["question"],
                "allow_multiselect": poll.get("allow_multiselect", False),
                "layout_type": 1,
                "answers": [
                    {"answer_id": n, "poll_media": a["poll_media"]}
                    for n, a in enumerate(poll["answers"], 1)
                ],
                "expiry": expiry.isoformat(),
                "results": {"is_finalized": False, "answer_counts": []},
            }
            message["_votes"] = {}
        message["_ephemeral"] = ephemeral = bool(message["flags"] & EPHEMERAL)
        self.messages[message["id"]] = message
        channel["last_message_id"] = message["id"]
        if not ephemeral:
            await self.broadcast_message("MESSAGE_CREATE", message, channel)
        return message

    def _attachments(self, body: dict) -> list[dict]:
        return [
            {
                "id": self.snowflake(),
                "filename": a["filename"],
                "size": len(a.get("_bytes", b"")),
                "description": a.get("description"),
                "url": f"http://127.0.0.1:{self.port}/cdn/{a['filename']}",
                "proxy_url": f"http://127.0.0.1:{self.port}/cdn/{a['filename']}",
            }
            for a in body.get("attachments") or []
            if "filename" in a
        ]

    async def change_message(self, message: dict, body: dict) -> dict:
        check_message(
            {**{k: message[k] for k in ("content", "embeds", "components", "flags")}, **body},
            empty_ok=True,
        )
        for key in ("content", "embeds", "components"):
            if key in body:
                message[key] = (
                    body[key] if body[key] is not None else ("" if key == "content" else [])
                )
        message["components"] = numbered(message["components"])
        message["edited_timestamp"] = now()
        if not message["_ephemeral"]:
            await self.broadcast_message(
                "MESSAGE_UPDATE", message, self.channels[message["channel_id"]]
            )
        return message

    async def react(self, message: dict, user: dict, emoji: str) -> None:
        entry = next((r for r in message["reactions"] if r["emoji"]["name"] == emoji), None)
        if entry is None:
            entry = {
                "emoji": {"id": None, "name": emoji},
                "count": 0,
                "me": False,
                "count_details": {"burst": 0, "normal": 0},
                "burst_colors": [],
                "me_burst": False,
            }
            message["reactions"].append(entry)
        entry["count"] += 1
        await self.broadcast(
            "MESSAGE_REACTION_ADD",
            {
                "user_id": user["id"],
                "channel_id": message["channel_id"],
                "message_id": message["id"],
                "guild_id": self.guild_id,
                "member": self.members[user["id"]],
                "emoji": entry["emoji"],
                "burst": False,
                "type": 0,
                "message_author_id": message["author"]["id"],
            },
        )

    async def poll_vote(self, message: dict, user: dict, answer_id: int) -> None:
        poll = message["poll"]
        if poll["results"]["is_finalized"]:
            raise ApiError(400, 520001, "Poll expired")
        if not poll["allow_multiselect"]:
            for voters in message["_votes"].values():
                if user["id"] in voters:
                    voters.remove(user["id"])
        message["_votes"].setdefault(str(answer_id), []).append(user["id"])
        poll["results"]["answer_counts"] = [
            {"id": int(a), "count": len(v), "me_voted": False} for a, v in message["_votes"].items()
        ]
        await self.broadcast(
            "MESSAGE_POLL_VOTE_ADD",
            {
                "user_id": user["id"],
                "channel_id": message["channel_id"],
                "message_id": message["id"],
                "guild_id": self.guild_id,
                "answer_id": answer_id,
            },
        )

    async def broadcast_message(self, event: str, message: dict, channel: dict) -> None:
        data = {k: v for k, v in message.items() if not k.startswith("_")}
        if channel["type"] != DM:
            data["guild_id"] = self.guild_id
            member = self.members.get(message["author"]["id"])
            data["member"] = {k: v for k, v in member.items() if k != "user"} if member else {}
        await self.broadcast(event, data, dm=channel["type"] == DM)

    async def broadcast(self, event: str, data: dict, dm: bool = False) -> None:
        for session in self.sessions.values():
            needed = DMS if dm and event.startswith("MESSAGE") else EVENT_INTENT.get(event, 0)
            if needed and not session.intents & needed:
                continue
            if (
                event in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
                and not session.intents & CONTENT
                and not dm
                and data["author"]["id"] != self.bot["id"]
                and self.bot["id"] not in [m["id"] for m in data["mentions"]]
            ):
                data = {**data, "content": "", "embeds": [], "attachments": [], "components": []}
            await session.dispatch(event, data)

    # ---- gateway ------------------------------------------------------------------------

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=4096 * 4)
        await ws.prepare(request)
        deflate = (
            zlib.compressobj()
            if self.compress and request.query.get("compress") == "zlib-stream"
            else None
        )
        session = Session(0)  # replaced on IDENTIFY or RESUME
        session.ws, session.deflate = ws, deflate
        await session.push({"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for frame in ws:
            if frame.type != WSMsgType.TEXT:
                continue
            payload = json.loads(frame.data)
            op, data = payload["op"], payload.get("d")
            self.gateway_log.append((op, data))
            if op == HEARTBEAT:
                await session.push({"op": ACK})
            elif op == IDENTIFY:
                if data["token"] != self.token:
                    await ws.close(code=4004, message=b"Authentication failed.")
                    break
                if data["intents"] & PRIVILEGED & ~self.allowed_intents:
                    await ws.close(code=4014, message=b"Disallowed intent(s).")
                    break
                session = Session(data["intents"])
                session.ws, session.deflate = ws, deflate
                self.sessions = {session.id: session}  # one shard: a new session replaces the old
                await session.dispatch(
                    "READY",
                    {
                        "v": 10,
                        "user": {**self.bot, "verified": True, "mfa_enabled": False},
                        "session_id": session.id,
                        "session_type": "normal",
                        "resume_gateway_url": self.gateway_url,
                        "application": {"id": self.app_id, "flags": 0},
                        "guilds": [{"id": self.guild_id, "unavailable": True}],
                    },
                )
                guild = self.guild()
                if not session.intents & MEMBERS:
                    guild["members"] = [self.members[self.bot["id"]]]
                await session.dispatch("GUILD_CREATE", guild)
            elif op == RESUME:
                old = self.sessions.get(data["session_id"])
                if old is None or data["token"] != self.token:
                    await session.push({"op": INVALID_SESSION, "d": False})
                    continue
                session = old
                session.ws, session.deflate = ws, deflate
                for missed in [p for p in session.sent if p["s"] > data["seq"]]:
                    await session.push(missed)
                await session.dispatch("RESUMED", {})
            elif op == REQUEST_MEMBERS:
                wanted = {
                    str(u)
                    for u in (
                        [data["user_ids"]]
                        if isinstance(data.get("user_ids"), (str, int))
                        else data.get("user_ids") or []
                    )
                }
                query = (data.get("query") or "").lower()
                found = [
                    m
                    for m in self.members.values()
                    if (
                        m["user"]["id"] in wanted
                        if wanted
                        else m["user"]["username"].lower().startswith(query)
                    )
                ]
                await session.dispatch(
                    "GUILD_MEMBERS_CHUNK",
                    {
                        "guild_id": self.guild_id,
                        "members": found,
                        "chunk_index": 0,
                        "chunk_count": 1,
                        "not_found": [],
                        "presences": [],
                        "nonce": data.get("nonce"),
                    },
                )
            elif op not in (PRESENCE, VOICE):
                await ws.close(code=4001, message=b"Unknown opcode.")
                break
        return ws


# ---- what Discord checks before it accepts something --------------------------------------


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def bucket(key: str) -> str:
    return f"{zlib.crc32(key.encode()):08x}"


def numbered(components: list[dict]) -> list[dict]:
    for number, item in enumerate(walk(components), 1):
        if not item.get("id"):
            item["id"] = number
    return components


def check_message(body: dict, empty_ok: bool = False) -> None:
    content, embeds, components = (
        body.get("content") or "",
        body.get("embeds") or [],
        body.get("components") or [],
    )
    if not (
        content
        or embeds
        or components
        or body.get("poll")
        or body.get("attachments")
        or body.get("sticker_ids")
        or empty_ok
    ):
        raise ApiError(400, 50006, "Cannot send an empty message")
    if len(content) > 2000:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    if len(embeds) > 10:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = 0
    for number, embed in enumerate(embeds):
        for key, limit in (("title", 256), ("description", 4096)):
            if len(embed.get(key) or "") > limit:
                raise invalid(
                    f"embeds.{number}.{key}",
                    "BASE_TYPE_MAX_LENGTH",
                    f"Must be {limit} or fewer in length.",
                )
            total += len(embed.get(key) or "")
        fields = embed.get("fields") or []
        if len(fields) > 25:
            raise invalid(
                f"embeds.{number}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."
            )
        for index, item in enumerate(fields):
            for key, limit in (("name", 256), ("value", 1024)):
                if not item.get(key) or len(item[key]) > limit:
                    raise invalid(
                        f"embeds.{number}.fields.{index}.{key}",
                        "BASE_TYPE_MAX_LENGTH",
                        f"Must be 1 to {limit} in length.",
                    )
                total += len(item[key])
        total += len((embed.get("footer") or {}).get("text") or "") + len(
            (embed.get("author") or {}).get("name") or ""
        )
    if total > 6000:
        raise invalid(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000"
        )
    if body.get("flags", 0) & COMPONENTS_V2:
        if content or embeds or body.get("poll"):
            raise invalid(
                "flags",
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                "no content, embeds or poll with components v2",
            )
        if len(list(walk(components))) > 40:
            raise invalid(
                "components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "at most 40 components"
            )
    elif len(components) > 5:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    seen = set()
    for item in walk(components):
        if item["type"] == 1 and not 1 <= len(item["components"]) <= 5:
            raise invalid(
                "components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length."
            )
        if item["type"] == 2 and len(item.get("label") or "") > 80:
            raise invalid("components", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")
        custom_id = item.get("custom_id")
        if custom_id is not None:
            if not 1 <= len(custom_id) <= 100:
                raise invalid(
                    "components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."
                )
            if custom_id in seen:
                raise invalid(
                    "components",
                    "COMPONENT_CUSTOM_ID_DUPLICATED",
                    "Component custom id cannot be duplicated",
                )
            seen.add(custom_id)
    poll = body.get("poll")
    if poll and not (
        1 <= len(poll["answers"]) <= 10
        and 1 <= poll.get("duration", 24) <= 768
        and len(poll["question"]["text"]) <= 300
        and all(len(a["poll_media"]["text"]) <= 55 for a in poll["answers"])
    ):
        raise invalid(
            "poll", "POLL_INVALID", "1-10 answers of 55, question of 300, duration of 1-768 hours"
        )


def check_command(command: dict, path: str) -> None:
    if command.get("type", 1) == 1:
        if (
            not re.fullmatch(r"[-_'\w]{1,32}", command["name"])
            or command["name"] != command["name"].lower()
        ):
            raise invalid(
                f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"
            )
        if not 1 <= len(command.get("description", "")) <= 100:
            raise invalid(
                f"{path}.description",
                "BASE_TYPE_BAD_LENGTH",
                "Must be between 1 and 100 in length.",
            )
    options = command.get("options") or []
    if len(options) > 25:
        raise invalid(f"{path}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    optional = False
    for number, option in enumerate(options):
        if option.get("required") and optional:
            raise invalid(
                f"{path}.options.{number}",
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional |= not option.get("required") and option["type"] > 2
        if len(option.get("choices") or []) > 25:
            raise invalid(
                f"{path}.options.{number}.choices",
                "BASE_TYPE_MAX_LENGTH",
                "Must be 25 or fewer in length.",
            )
        check_command({**option, "type": 1}, f"{path}.options.{number}")
