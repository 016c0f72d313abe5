"""What happens to requests: the log of them all, rate limits, and faults a test asks for.

Limits are counted as Discord counts them: per route and its top-level resource, in windows, told
in headers. How many requests Discord really allows is not published; the usual numbers people see
are in `USUAL`, and apply only where a test asks for them.
"""

from __future__ import annotations

import json
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from fake_discord.wire import Json

# A limit nobody meets by accident: so many requests in so many seconds.
WIDE = (100, 1.0)
# What bots have been seen to be allowed, as route: (requests, seconds). Not published.
USUAL = {
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": (1, 0.25),
    "PATCH /channels/{channel}": (2, 600.0),
    "POST /webhooks/{app}/{token}": (5, 2.0),
    "PATCH /webhooks/{app}/{token}/messages/{message}": (5, 2.0),
}
# The one limit that is published: all requests together, without those of interactions.
GLOBAL = (50, 1.0)


@dataclass
class Request:
    """One request as the log keeps it. Times are of the monotonic clock."""

    at: float
    method: str
    template: str
    path: str
    params: dict[str, str]
    body: Any = None
    status: int = 0
    reason: str = ""
    answered: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.method} {self.template}"


@dataclass
class Window:
    """How much of a limit is used, until when."""

    limit: int
    seconds: float
    ends: float = 0.0
    used: int = 0

    def take(self, at: float) -> bool:
        if at >= self.ends:
            self.ends, self.used = at + self.seconds, 0
        self.used += 1
        return self.used <= self.limit

    def headers(self, key: str, at: float) -> dict[str, str]:
        left = max(self.ends - at, 0.0)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.limit - self.used, 0)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": f"{zlib.crc32(key.encode()):08x}",
        }


@dataclass
class Fault:
    """An answer a test wants instead of the real one, to requests of one route or of all."""

    key: str
    times: float
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    every: int = 1
    seen: int = 0

    def strikes(self, key: str) -> bool:
        if self.times <= 0 or self.key not in ("", key):
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.times -= 1
        return True


class Traffic:
    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.limits: dict[str, tuple[int, float]] = {}
        self.latency = 0.0
        self.faults: list[Fault] = []
        self._windows: dict[tuple[str, str], Window] = {}
        self._all: Window | None = None

    # ---- what a test asks for ------------------------------------------------------------

    def fail(
        self, method: str, template: str, status: int, code: int = 0, times: float = 1
    ) -> None:
        """Answers the next requests of a route with an error."""
        body = {"message": "injected fault", "code": code}
        self.faults.append(Fault(f"{method} {template}", times, status, body))

    def rate_limit(
        self,
        method: str,
        template: str,
        times: int = 1,
        retry_after: float = 0.3,
        global_: bool = False,
    ) -> None:
        """Answers the next requests of a route with 429: too many for it, or for all routes."""
        self._limited(f"{method} {template}", times, retry_after, global_, every=1)

    def storm(self, times: int, retry_after: float = 0.05, every: int = 2) -> None:
        """Answers every second request, whatever its route, with 429, until so many were."""
        self._limited("", times, retry_after, False, every)

    def _limited(self, key: str, times: int, retry_after: float, global_: bool, every: int) -> None:
        body: Json = {
            "message": "You are being rate limited.", "retry_after": retry_after,
            "global": global_,
        }  # fmt: skip
        headers = refusal_headers(retry_after, global_)
        if not global_ and key:
            spent = Window(5, retry_after, time.monotonic() + retry_after, 5)
            headers = spent.headers(key, time.monotonic()) | headers
        self.faults.append(Fault(key, times, 429, body, headers, every))

    def limit_rate(self, method: str, template: str, requests: int, seconds: float) -> None:
        """From now on keeps a route to so many requests in so many seconds, per channel or so."""
        self.limits[f"{method} {template}"] = (requests, seconds)
        self._windows.clear()

    def keep_usual_limits(self) -> None:
        """The limits bots commonly meet, and the published one for all requests together."""
        self.limits |= USUAL
        self._all = Window(*GLOBAL)
        self._windows.clear()

    def mend(self) -> None:
        """Ends all faults, limits and delays."""
        self.faults.clear()
        self.limits.clear()
        self._windows.clear()
        self._all, self.latency = None, 0.0

    # ---- what a request meets ------------------------------------------------------------

    def fault_for(self, request: Request) -> Fault | None:
        return next((fault for fault in self.faults if fault.strikes(request.key)), None)

    def admit(self, request: Request) -> tuple[dict[str, str], Json | None]:
        """The headers an answer carries, and the refusal if there were too many."""
        window = self._window(request)
        if self._all is not None and bound_globally(request) and not self._all.take(request.at):
            return refused(self._all.ends - request.at, True)
        fits = window.take(request.at)
        headers = window.headers(request.key, request.at)
        if fits:
            return headers, None
        more, body = refused(window.ends - request.at, False)
        return headers | more, body

    def _window(self, request: Request) -> Window:
        names = ("channel", "guild", "token")
        major = "/".join(request.params.get(name, "") for name in names)
        key = (request.key, major)
        if key not in self._windows:
            self._windows[key] = Window(*self.limits.get(request.key, WIDE))
        return self._windows[key]

    # ---- what a test may prove -----------------------------------------------------------

    @property
    def hits(self) -> Counter[str]:
        return Counter(request.key for request in self.requests)

    def found(self, method: str, template: str, **params: str) -> Iterator[Request]:
        """The requests of a route so far, in order; of one channel, say, by `channel=`."""
        for request in self.requests:
            same = all(request.params.get(name) == value for name, value in params.items())
            if request.key == f"{method} {template}" and same:
                yield request

    def most_within(self, seconds: float, method: str, template: str, **params: str) -> int:
        """The largest number of requests of a route in any stretch of time so long."""
        times = [request.at for request in self.found(method, template, **params)]
        return max(
            (sum(start <= at < start + seconds for at in times) for start in times), default=0
        )


def bound_globally(request: Request) -> bool:
    """Answering interactions does not count for the limit on all requests."""
    return not request.template.startswith(("/interactions/", "/webhooks/"))


def refused(left: float, everywhere: bool) -> tuple[dict[str, str], Json]:
    wait = round(max(left, 0.001), 3)
    body: Json = {
        "message": "You are being rate limited.", "retry_after": wait, "global": everywhere,
    }  # fmt: skip
    return refusal_headers(wait, everywhere), body


def refusal_headers(retry_after: float, everywhere: bool) -> dict[str, str]:
    # discord.py takes 'Via' as proof that Discord refused, and not somebody on the way to it.
    headers = {
        "Via": "1.1 google", "Retry-After": str(int(retry_after) + 1),
        "X-RateLimit-Scope": "global" if everywhere else "user",
    }  # fmt: skip
    return headers | ({"X-RateLimit-Global": "true"} if everywhere else {})


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response. Its type is exactly JSON: with a charset, discord.py would not read it so."""
    if body is None:
        return web.Response(status=204, headers=headers)
    kind = {"Content-Type": "application/json"}
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers=(headers or {}) | kind
    )
