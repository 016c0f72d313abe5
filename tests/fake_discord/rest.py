"""The HTTP side: routes by their templates, who may call, and what goes wrong on the way.

A route is a plain function of the application and the call; what it returns is the answer's body,
nothing is 204, and an `ApiError` is the refusal. Anything else that is raised is a fault of this
server, kept in `crashes`, so that it cannot pass for an answer of Discord.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from fake_discord.application import Application
from fake_discord.messages import Upload
from fake_discord.traffic import Request, Traffic, answer
from fake_discord.wire import ApiError

BASE = "/api/v10"


@dataclass
class Call:
    """A request as a route sees it."""

    params: dict[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    uploads: dict[str, Upload] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.params[name]

    def number(self, name: str, default: int, most: int) -> int:
        """A number of the query, within bounds."""
        return max(0, min(int(self.query.get(name, default)), most))


@dataclass(frozen=True)
class Created:
    """An answer of 201 instead of 200."""

    body: Any


Route = Callable[[Application, Call], Any]
ROUTES: list[tuple[str, str, Route]] = []


def route(method: str, template: str) -> Callable[[Route], Route]:
    def mark(function: Route) -> Route:
        ROUTES.append((method, template, function))
        return function

    return mark


def authless(template: str) -> bool:
    """Answering an interaction takes its token, not the bot's."""
    return template.startswith(("/interactions/", "/webhooks/", "/gateway"))


class Rest:
    def __init__(self, app: Application, traffic: Traffic) -> None:
        self._app, self._traffic = app, traffic
        self.crashes: list[str] = []
        self.unknown: list[str] = []

    def mount(self, router: web.UrlDispatcher) -> None:
        for method, template, function in ROUTES:
            # Beside messages by their number there are places by name, like that of the pins.
            path = template.replace("/messages/{message}", r"/messages/{message:\d+|@original}")
            router.add_route(method, BASE + path, self._handler(template, function))
        router.add_get("/attachments/{channel}/{file}/{name}", self._file)
        router.add_route("*", "/{path:.*}", self._nothing)

    def _handler(self, template: str, function: Route) -> Callable[[web.Request], Any]:
        async def handle(http: web.Request) -> web.Response:
            request = self._logged(http, template)
            if self._traffic.latency:
                await asyncio.sleep(self._traffic.latency)
            call = await self._call(http, request)
            response = self._answer(http, request, call, function)
            request.status, request.answered = response.status, time.monotonic()
            return response

        return handle

    def _logged(self, http: web.Request, template: str) -> Request:
        params = {name: unquote(value) for name, value in http.match_info.items()}
        reason = unquote(http.headers.get("X-Audit-Log-Reason", ""))
        request = Request(time.monotonic(), http.method, template, http.path, params, reason=reason)
        self._traffic.requests.append(request)
        return request

    async def _call(self, http: web.Request, request: Request) -> Call:
        call = Call(request.params, http.query)
        if http.content_type == "multipart/form-data":
            await self._read_form(http, call)
        elif http.can_read_body:
            call.body = json.loads(await http.read() or b"{}")
        request.body = call.body
        return call

    async def _read_form(self, http: web.Request, call: Call) -> None:
        form = await http.post()
        call.body = json.loads(str(form["payload_json"]))
        for name, part in form.items():
            if isinstance(part, web.FileField):
                place = name.removeprefix("files[").removesuffix("]")
                call.uploads[place] = Upload(part.filename, part.file.read(), part.content_type)

    def _answer(
        self, http: web.Request, request: Request, call: Call, function: Route
    ) -> web.Response:
        allowed = authless(request.template) or (
            http.headers.get("Authorization") == f"Bot {self._app.token}"
        )
        if not allowed:
            return answer({"message": "401: Unauthorized", "code": 0}, 401)
        fault = self._traffic.fault_for(request)
        if fault is not None:
            return answer(fault.body, fault.status, fault.headers)
        headers, refusal = self._traffic.admit(request)
        if refusal is not None:
            return answer(refusal, 429, headers)
        return self._run(function, call, headers)

    def _run(self, function: Route, call: Call, headers: dict[str, str]) -> web.Response:
        try:
            result = function(self._app, call)
        except ApiError as error:
            return answer(error.body, error.status, headers)
        except Exception:
            self.crashes.append(traceback.format_exc())
            return answer({"message": "the test server is at fault", "code": 0}, 500, headers)
        if isinstance(result, Created):
            return answer(result.body, 201, headers)
        return answer(result, 200, headers)

    async def _file(self, http: web.Request) -> web.Response:
        content = self._app.files.get(http.match_info["file"])
        return web.Response(status=404) if content is None else web.Response(body=content)

    async def _nothing(self, http: web.Request) -> web.Response:
        self.unknown.append(f"{http.method} {http.path.removeprefix(BASE)}")
        return answer({"message": "404: Not Found", "code": 0}, 404)
