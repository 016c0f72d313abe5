"""Fakes that ship: a clock that is set, a surface in memory.

For tests and for the demo, where time must pass without waiting for it.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from govbot.records import Announcement, Reply, Request


class SetClock:
    """A clock that stands still until it is moved. Call it for the present."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        self.now += by
        return self.now

    def set(self, moment: datetime) -> datetime:
        self.now = moment
        return self.now


class MemorySurface:
    """A chat in a list: what is put in comes out of the inbox, what is sent is kept."""

    def __init__(self, *requests: Request) -> None:
        self.requests = list(requests)
        self.sent: list[tuple[Request, Reply]] = []
        self.announced: list[Announcement] = []
        self.down = False

    async def inbox(self) -> AsyncIterator[Request]:
        for request in self.requests:
            yield request

    async def send(self, to: Request, reply: Reply) -> None:
        self.sent.append((to, reply))

    async def announce(self, told: Announcement) -> None:
        if self.down:
            raise OSError("the chat is away")
        self.announced.append(told)
