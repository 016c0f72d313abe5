"""The gateway: how a bot says who it is, is told what happens, and comes back after a cut."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from fake_discord.application import Application
from fake_discord.sessions import Line, Session
from fake_discord.wire import (
    ACK,
    ALL_INTENTS,
    GUILDS,
    HEARTBEAT,
    HELLO,
    IDENTIFY,
    INVALID_SESSION,
    MEMBERS,
    PRESENCE,
    PRIVILEGED,
    RECONNECT,
    REQUEST_MEMBERS,
    RESUME,
    VOICE,
    Json,
)

# What a bot may send in a minute, and how large one thing may be.
MOST_SENT, IN_SECONDS, MOST_BYTES = 120, 60.0, 4096
CHUNK = 1000


class Closed(Exception):
    """The gateway closes the connection, with one of its codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class Visit:
    """One connection, from hello to goodbye."""

    line: Line
    session: Session | None = None
    sent: deque[float] = field(default_factory=deque)


class Gateway:
    def __init__(self, app: Application, heartbeat_ms: int, compress: bool) -> None:
        self._app, self._heartbeat_ms, self._compress = app, heartbeat_ms, compress
        self.log: list[tuple[int, Any]] = []
        self.refusing = 0
        self.deaf = False
        self._operations: dict[int, Callable[[Visit, Any], None]] = {
            HEARTBEAT: self._heartbeat,
            IDENTIFY: self._identify,
            RESUME: self._resume,
            REQUEST_MEMBERS: self._request_members,
            PRESENCE: self._ignore,
            VOICE: self._ignore,
        }

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.refusing:
            return web.Response(status=self.refusing)
        ws = web.WebSocketResponse(max_msg_size=1 << 20)
        await ws.prepare(request)
        packed = self._compress and request.query.get("compress") == "zlib-stream"
        visit = Visit(Line(ws, request, packed))
        visit.line.send({"op": HELLO, "d": {"heartbeat_interval": self._heartbeat_ms}})
        try:
            async for frame in ws:
                if frame.type == WSMsgType.TEXT:
                    self._receive(visit, frame.data)
        finally:
            self._end(visit, ws.close_code)
        return ws

    def _end(self, visit: Visit, code: int | None) -> None:
        """A bot that says goodbye ends its session; one that is cut off may come back to it."""
        visit.line.stop()
        session = visit.session
        if session is None or session.line is not visit.line:
            return
        session.line = None
        if code in (1000, 1001):
            self._app.sessions.pop(session.id, None)

    def _receive(self, visit: Visit, text: str) -> None:
        try:
            self._count(visit, text)
            try:
                payload = json.loads(text)
                op, data = payload["op"], payload.get("d")
            except (ValueError, KeyError, TypeError):
                raise Closed(4002, "Error while decoding payload.") from None
            self.log.append((op, data))
            if op not in self._operations:
                raise Closed(4001, "Unknown opcode.")
            if visit.session is None and op not in (HEARTBEAT, IDENTIFY, RESUME):
                raise Closed(4003, "Not authenticated.")
            self._operations[op](visit, data)
        except Closed as closed:
            visit.line.close(closed.code, closed.reason)

    def _count(self, visit: Visit, text: str) -> None:
        if len(text.encode()) > MOST_BYTES:
            raise Closed(4002, "Error while decoding payload.")
        at = time.monotonic()
        while visit.sent and visit.sent[0] < at - IN_SECONDS:
            visit.sent.popleft()
        visit.sent.append(at)
        if len(visit.sent) > MOST_SENT:
            raise Closed(4008, "You are sending payloads too quickly.")

    def _ignore(self, visit: Visit, data: Any) -> None:
        pass

    def _heartbeat(self, visit: Visit, data: Any) -> None:
        if not self.deaf:
            visit.line.send({"op": ACK})

    def _identify(self, visit: Visit, data: Json) -> None:
        if visit.session is not None:
            raise Closed(4005, "Already authenticated.")
        if data["token"] != self._app.token:
            raise Closed(4004, "Authentication failed.")
        intents = data["intents"]
        if not 0 <= intents <= ALL_INTENTS:
            raise Closed(4013, "Invalid intent(s).")
        if intents & PRIVILEGED & ~self._app.allowed_intents:
            raise Closed(4014, "Disallowed intent(s).")
        session = visit.session = Session(intents)
        session.line = visit.line
        self._app.sessions = {session.id: session}  # one shard: the new session is the only one
        self._welcome(session, data.get("large_threshold", 50))

    def _welcome(self, session: Session, large_threshold: int) -> None:
        app = self._app
        own = app.joined_guilds()
        facts = {"id": app.app_id, "flags": app.facts()["flags"]}
        session.dispatch("READY", {
            "v": 10, "user": {**app.bot, "verified": True, "mfa_enabled": False},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in own],
            "session_id": session.id, "session_type": "normal", "application": facts,
            "resume_gateway_url": app.gateway_address,
        })  # fmt: skip
        for guild in own:
            if guild.unavailable:
                session.dispatch("GUILD_DELETE", {"id": guild.id, "unavailable": True})
            elif session.intents & GUILDS:
                shown = app.shown_guild(guild, session.intents, large_threshold)
                session.dispatch("GUILD_CREATE", shown)

    def _resume(self, visit: Visit, data: Json) -> None:
        if data["token"] != self._app.token:
            raise Closed(4004, "Authentication failed.")
        session = self._app.sessions.get(data["session_id"])
        if session is not None and (data["seq"] or 0) > session.seq:
            raise Closed(4007, "Invalid seq.")
        if session is None or not session.can_resume(data["seq"] or 0):
            visit.line.send({"op": INVALID_SESSION, "d": False})
            return
        visit.session, session.line = session, visit.line
        session.replay(data["seq"] or 0)
        session.dispatch("RESUMED", {})

    def _request_members(self, visit: Visit, data: Json) -> None:
        """Members in chunks: those named, those whose name begins so, or, with the intent, all."""
        assert visit.session is not None
        guild = self._app.guild_of(str(data["guild_id"]))
        asked = data.get("user_ids")
        wanted = [asked] if isinstance(asked, str | int) else asked or []
        ids = [str(each) for each in wanted]
        query, limit = (data.get("query") or "").lower(), data.get("limit") or 0
        if not ids and not query and not visit.session.intents & MEMBERS:
            return
        found = [
            member for member in guild.members.values()
            if (member["user"]["id"] in ids if ids else _begins(member, query))
        ]  # fmt: skip
        found = found[:limit] if limit and not ids else found
        missing = [each for each in ids if each not in guild.members]
        self._send_chunks(visit.session, guild.id, found, missing, data.get("nonce"))

    def _send_chunks(
        self, session: Session, guild_id: str, found: list[Json], missing: list[str], nonce: Any
    ) -> None:
        count = max(1, -(-len(found) // CHUNK))
        for index in range(count):
            part = found[index * CHUNK : (index + 1) * CHUNK]
            session.dispatch("GUILD_MEMBERS_CHUNK", {
                "guild_id": guild_id, "members": part, "chunk_index": index,
                "chunk_count": count, "not_found": missing, "presences": [], "nonce": nonce,
            })  # fmt: skip

    # ---- what a test may do to connections -----------------------------------------------

    @property
    def lines(self) -> list[Line]:
        return [each.line for each in self._app.sessions.values() if each.line is not None]

    def drop(self, code: int | None) -> None:
        """What happens from now on reaches the bot when it comes back, and not before."""
        for session in self._app.sessions.values():
            if session.line is not None:
                session.line.end(code)
                session.line = None

    def ask_reconnect(self) -> None:
        for line in self.lines:
            line.send({"op": RECONNECT, "d": None})

    def invalidate(self, resumable: bool) -> None:
        lines = self.lines
        if not resumable:
            self._app.sessions.clear()
        for line in lines:
            line.send({"op": INVALID_SESSION, "d": resumable})

    def send_text(self, text: str) -> None:
        for line in self.lines:
            line.send_text(text)


def _begins(member: Json, query: str) -> bool:
    names = (member["user"]["username"], member["nick"] or "")
    return any(name.lower().startswith(query) for name in names)
