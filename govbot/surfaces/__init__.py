"""The surface port: where members speak and are answered.

A surface only translates: its chat's messages to requests, replies and announcements back. It
knows no rules. What it may know of a community it asks of a `House`.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, Protocol

from govbot.errors import OperatorError
from govbot.parts import Announcement, Card, Reply
from govbot.records import Record, Request

log = logging.getLogger(__name__)

SORRY = (
    "I could not do that because of a fault on my side, so nothing was recorded. Those who run me"
    " can see why in my log; please try again later."
)


class Capabilities(Record):
    """What a chat can show. Whatever is missing is said in text."""

    buttons: bool = False
    modals: bool = False
    ephemeral: bool = False  # messages that only one member sees
    threads: bool = False
    edit: bool = False
    direct: bool = False  # direct messages
    polls: bool = False


class Blank(Record):
    """Something a member is asked to fill in: a field of a process or of a form-shaped input."""

    name: str
    label: str
    type: Literal["text", "member", "number"] = "text"
    required: bool = True
    most: int = 4000  # characters


class Openable(Record):
    """A process type that can be opened, and what its opener is asked for."""

    type: str
    title: str
    says: str  # the sentence of the constitution that provides for it
    blanks: tuple[Blank, ...] = ()


class Giveable(Record):
    """An input that an open process takes now, as far as a surface must know it to ask for it."""

    process: int
    kind: str
    takes: str  # as in `govbot.charter.Takes`
    choices: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()  # the choices as people read them
    reasons: tuple[str, ...] = ()  # the choices that need a reason
    blanks: tuple[Blank, ...] = ()
    many: bool = False
    changeable: bool = False
    hidden: bool = False
    most: int | None = None  # how many choices one ballot may name, where that is bounded
    limits: str = ""  # what scores must keep to, in words


class House(Protocol):
    """One community, as far as a surface may know it.

    Nothing here changes anything but `handle`, and nothing here tells what is hidden.
    """

    @property
    def name(self) -> str: ...

    async def handle(self, request: Request) -> Reply: ...

    def openable(self) -> tuple[Openable, ...]: ...

    def giveable(self, process: int) -> tuple[Giveable, ...]: ...

    def card(self, process: int) -> Card | None: ...

    def open(self) -> tuple[Card, ...]:
        """Cards of the processes that have not ended, oldest first."""
        ...

    def standing(self, process: int, kind: str, member: str) -> Any:
        """What this member has standing as this kind of input, for their own eyes; else None."""
        ...

    def waiting(self, process: int) -> tuple[str, ...]:
        """The ids of those who may give the present stage's ballot and have not.

        It is for reminding each of them alone; shown to others it would tell who has voted.
        """
        ...

    def audit(self, process: int) -> bytes | None:
        """The Markdown of a process's audit."""
        ...


class Surface(Protocol):
    capabilities: Capabilities

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
