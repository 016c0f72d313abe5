"""What models have cost a community, and the limit at which they are asked no more.

Owns a file with a line for each call. Money is `Decimal`, in the currency of the prices.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from govbot.errors import OperatorError
from govbot.llm import ModelFailure, Prompt, Provider, Usage, Value
from govbot.records import Record, stamp

MILLION = Decimal(1_000_000)
Prices = Mapping[str, tuple[Decimal, Decimal, Decimal]]  # read, cached, written, per million tokens


class Spent(Record):
    """What one model cost in a month; no price, no cost."""

    model: str
    calls: int
    read: int
    cached: int
    written: int
    cost: Decimal | None


class UsageLog:
    """A line of JSON a call. A line that was cut off when the machine died is passed over."""

    def __init__(self, path: Path, prices: Prices) -> None:
        self.path, self.prices = path, prices

    def add(self, usage: Usage, at: datetime) -> None:
        line = json.dumps({"at": stamp(at), **usage.model_dump()}, ensure_ascii=False)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise OperatorError(
                f"{self.path} cannot be written: {error.strerror}; models are asked no more"
            ) from None

    def month(self, at: datetime) -> list[Spent]:
        """The month of `at`, in UTC, by model."""
        start = stamp(at.astimezone(UTC))[:7]
        calls: dict[str, list[Usage]] = {}
        for when, usage in self._lines():
            if when.startswith(start):
                calls.setdefault(usage.model, []).append(usage)
        return [self._spent(model, calls[model]) for model in sorted(calls)]

    def cost(self, at: datetime) -> Decimal:
        """What the month of `at` has cost so far, of models that have a price."""
        return sum((spent.cost or Decimal(0) for spent in self.month(at)), Decimal(0))

    def _spent(self, model: str, calls: list[Usage]) -> Spent:
        read, cached, written = (
            sum(getattr(call, name) for call in calls) for name in ("read", "cached", "written")
        )
        price = self.prices.get(model)
        cost = None
        if price is not None:
            cost = ((read - cached) * price[0] + cached * price[1] + written * price[2]) / MILLION
        return Spent(
            model=model, calls=len(calls), read=read, cached=cached, written=written, cost=cost
        )

    def _lines(self) -> Iterator[tuple[str, Usage]]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                data = json.loads(line)
                yield str(data.pop("at")), Usage.model_validate(data)
            except (ValueError, KeyError, AttributeError):
                continue


class Limited:
    """A provider whose calls are noted, and that is asked no more once the limit is met."""

    def __init__(
        self, provider: Provider, log: UsageLog, limit: Decimal | None,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self.provider, self.log, self.limit, self.clock = provider, log, limit, clock
        self.name = provider.name

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        now = self.clock()
        if self.limit is not None and self.log.cost(now) >= self.limit:
            raise ModelFailure(
                "over_budget",
                f"this month's limit of {self.limit} for models is reached; phrases, buttons and"
                " commands go on; raise monthly_limit in govbot.toml",
            )
        try:
            value, usage = await self.provider.complete(prompt, schema)
        except ModelFailure as failed:
            if failed.usage is not None:
                self.log.add(failed.usage, now)
            raise
        self.log.add(usage, now)
        return value, usage
