"""The surface port: where members speak and are answered.

A surface only translates: its chat's messages to requests, replies and announcements back. It
knows no rules.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from govbot.errors import OperatorError
from govbot.records import Announcement, Reply, Request

log = logging.getLogger(__name__)

SORRY = (
    "I could not do that because of a fault on my side, so nothing was recorded. Those who run me"
    " can see why in my log; please try again later."
)


class Surface(Protocol):
    def inbox(self) -> AsyncIterator[Request]:
        """What members say, as it comes."""
        ...

    async def send(self, to: Request, reply: Reply) -> None: ...

    async def announce(self, told: Announcement) -> None:
        """Tells everyone. An OSError means it did not get through; it will be tried again."""
        ...


async def serve(surface: Surface, handle: Callable[[Request], Awaitable[Reply]]) -> None:
    """Answers whatever comes in, one after another; no request goes without a reply."""
    async for request in surface.inbox():
        await surface.send(request, await answered(request, handle))


async def answered(request: Request, handle: Callable[[Request], Awaitable[Reply]]) -> Reply:
    """The reply to a request, an apology where the bot itself is at fault."""
    try:
        return await handle(request)
    except OperatorError as error:
        log.error("request %s: %s", request.id, error)
    except Exception:
        # The one broad catch: a member must get an answer whatever is wrong with the bot.
        log.exception("request %s failed", request.id)
    return Reply(text=SORRY, ok=False)
