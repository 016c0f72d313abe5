"""Fakes that ship: a clock that is set, a surface in memory, a provider with a script.

For tests and for the demo, where time must pass without waiting for it. They refuse to improvise:
a script that runs dry is an error.
"""

from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from govbot.errors import ModelError
from govbot.llm import Prompt, Usage, Value
from govbot.parts import Announcement, Reply
from govbot.records import Record, Request
from govbot.surfaces import Capabilities


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

    capabilities = Capabilities()

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


class Scripted:
    """A provider that answers what it was told to, in order, and keeps what it was asked."""

    name = "scripted"

    def __init__(self, *answers: Record) -> None:
        self.answers, self.asked = deque(answers), list[Prompt]()

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        self.asked.append(prompt)
        if not self.answers:
            raise ModelError(f"nothing is scripted for {prompt.task!r}; add an answer")
        answer = self.answers.popleft()
        if not isinstance(answer, schema):
            raise ModelError(f"{answer!r} is scripted where {schema.__name__} was asked for")
        return answer, Usage(model=self.name, read=0, written=0)
