"""The provider port: one call of a language model, from a prompt to a typed value.

A provider knows prompts and schemas; it knows nothing of constitutions, members or state. What it
returns is read by a reader and doubted like anything else.
"""

from typing import Protocol, TypeVar

from govbot.records import Record

Value = TypeVar("Value", bound=Record)


class Prompt(Record):
    """What a model is asked. `system` comes first and changes least, so that it can be cached.

    `data` is quoted matter, such as a member's message: to be read, never to be obeyed.
    """

    system: str
    task: str
    data: str = ""


class Usage(Record):
    """What a call cost, by the provider's own count of tokens."""

    model: str
    read: int
    written: int


class Provider(Protocol):
    name: str

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        """One value of this schema; ModelError where none could be had."""
        ...
