"""Tapes: calls of a model kept in a file, and played again without it.

A tape improvises nothing: a call that is not on it fails, and what was not asked for can be named.
"""

import json
from pathlib import Path

from pydantic import ValidationError

from govbot.errors import OperatorError
from govbot.llm import ModelFailure, Prompt, Provider, Usage, Value
from govbot.records import canonical, digest


def call_of(prompt: Prompt, schema: type[Value]) -> str:
    """The digest that names a call: all that the model is told, and what it is to answer with."""
    shape = json.dumps(schema.model_json_schema(), sort_keys=True)
    return digest(canonical([prompt.model_dump(), schema.__name__, shape]))


class Recorder:
    """Asks a provider and keeps each answer on a tape."""

    def __init__(self, provider: Provider, path: Path) -> None:
        self.provider, self.path, self.name = provider, path, provider.name

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        value, usage = await self.provider.complete(prompt, schema)
        line = {
            "call": call_of(prompt, schema), "schema": schema.__name__,
            "value": value.model_dump(mode="json"), "usage": usage.model_dump(),
        }  # fmt: skip
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return value, usage


class Tape:
    """Plays what was recorded: each call by what it asks, as often as it is asked."""

    name = "recorded"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[str, dict[str, object]] = {}
        self._played: set[str] = set()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                kept = json.loads(line)
                self._kept[kept["call"]] = kept
            except (ValueError, KeyError, TypeError):
                raise OperatorError(f"{path}, line {number} is no recorded call") from None

    @property
    def unplayed(self) -> list[str]:
        """The digests of calls that nobody asked for."""
        return sorted(set(self._kept) - self._played)

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        call = call_of(prompt, schema)
        kept = self._kept.get(call)
        if kept is None:
            raise ModelFailure(
                "unrecorded",
                f"{self.path.name} has no call for {prompt.task[:80]!r}; record it again",
            )
        self._played.add(call)
        try:
            return schema.model_validate(kept["value"]), Usage.model_validate(kept["usage"])
        except (ValidationError, KeyError):
            raise ModelFailure("invalid", f"{self.path.name} holds no {schema.__name__}") from None
