"""What a bot listens to: sessions that number their events, and the line each is sent over.

A session outlives its line, so that a bot that comes back can be told what it missed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections import deque
from contextlib import suppress

from aiohttp import web

from fake_discord.wire import DISPATCH, Json

# How many events are kept for a bot that comes back.
KEPT = 20_000


class Line:
    """One open websocket. Whatever is sent leaves in order, and sending never waits."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, compress: bool) -> None:
        self._ws, self._request = ws, request
        self._deflate = zlib.compressobj() if compress else None
        self._waiting: asyncio.Queue[str | tuple[int, bytes]] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def send(self, payload: Json) -> None:
        self.send_text(json.dumps(payload))

    def send_text(self, text: str) -> None:
        self._waiting.put_nowait(text)

    def close(self, code: int, reason: str = "") -> None:
        """Closes with a code, after everything that was sent before."""
        self._waiting.put_nowait((code, reason.encode()))

    def end(self, code: int | None) -> None:
        """Closes with a code; with none, tears the socket down as a failing network would."""
        if code is not None:
            self.close(code)
        elif self._request.transport is not None:
            self._request.transport.abort()

    def stop(self) -> None:
        self._writer.cancel()

    async def _write(self) -> None:
        with suppress(ConnectionError, RuntimeError):
            while True:
                item = await self._waiting.get()
                if isinstance(item, tuple):
                    await self._ws.close(code=item[0], message=item[1])
                    return
                await self._send(item)

    async def _send(self, text: str) -> None:
        if self._deflate is None:
            await self._ws.send_str(text)
            return
        packed = self._deflate.compress(text.encode())
        await self._ws.send_bytes(packed + self._deflate.flush(zlib.Z_SYNC_FLUSH))


class Session:
    """One identified listener: its intents, its events in order, and its line while it has one."""

    def __init__(self, intents: int) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.seq = 0
        self.sent: deque[tuple[int, str]] = deque(maxlen=KEPT)
        self.line: Line | None = None

    def dispatch(self, event: str, data: Json) -> None:
        self.seq += 1
        text = json.dumps({"op": DISPATCH, "t": event, "s": self.seq, "d": data})
        self.sent.append((self.seq, text))
        if self.line is not None:
            self.line.send_text(text)

    def can_resume(self, after: int) -> bool:
        """Whether everything after that number is still kept."""
        return after == self.seq or any(seq == after + 1 for seq, _ in self.sent)

    def replay(self, after: int) -> None:
        assert self.line is not None
        for seq, text in self.sent:
            if seq > after:
                self.line.send_text(text)
