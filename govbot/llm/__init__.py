"""The provider port: one call of a language model, from a prompt to a typed value.

A provider knows prompts and schemas; it knows nothing of constitutions, members or state. What it
returns is read by a reader and doubted like anything else.
"""

from typing import Literal, Protocol, TypeVar

from govbot.errors import ModelError
from govbot.records import Record

Value = TypeVar("Value", bound=Record)

Kind = Literal[
    "timeout", "unreachable", "rate_limited", "overloaded", "truncated", "refused", "invalid",
    "too_long", "wrong_key", "unknown_model", "over_budget", "unrecorded",
]  # fmt: skip


class ModelFailure(ModelError):
    """A call that gave no value: of which kind, and a sentence for whoever runs the bot."""

    def __init__(self, kind: Kind, message: str, usage: "Usage | None" = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.usage = usage  # what the call cost all the same, where the provider said so


class Prompt(Record):
    """What a model is asked. `system` comes first and changes least, so that it can be cached.

    `data` is quoted matter, such as a member's message: to be read, never to be obeyed. `most` is
    how many tokens an answer may have; a small model can go on for ever.
    """

    system: str
    task: str
    data: str = ""
    most: int = 2000


class Usage(Record):
    """What a call cost, by the provider's own count of tokens; `cached` of those read."""

    model: str
    read: int
    written: int
    cached: int = 0


class Provider(Protocol):
    name: str

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        """One value of this schema; ModelError where none could be had."""
        ...
