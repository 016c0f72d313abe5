"""The deterministic tools, and how a call of one is kept and run again.

Owns `calculate` and the registry. Pure: no clock, network or randomness. Promises that a
`Calculation` made by `call` gives the same result whenever `recompute` runs it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from govbot.errors import GovbotError
from govbot.expression import ExpressionError, evaluate
from govbot.records import Calculation, moment, plain
from govbot.tools.counting import tally
from govbot.tools.dates import datetime_add
from govbot.tools.draws import random_select

__all__ = ["TOOLS", "Tool", "calculate", "call", "datetime_add", "random_select", "recompute",
           "tally"]  # fmt: skip

_FRACTION = re.compile(r"-?\d+/[1-9]\d*")


def _value(value: Any) -> Any:
    """A kept value back as an expression's: `p/q` is a fraction, a list a tuple."""
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return Fraction(value)
    return tuple(value) if isinstance(value, list) else value


def calculate(expression: str, variables: Mapping[str, Any]) -> Any:
    """The exact value of an expression: bool, int, Fraction or text."""
    return evaluate(expression, {name: _value(value) for name, value in variables.items()})


def _calculate(expression: str, variables: Mapping[str, Any]) -> Any:
    try:
        return calculate(expression, variables)
    except ExpressionError as error:
        return {"undefined": str(error)}


def _datetime_add(start: str, **amounts: Any) -> Any:
    return datetime_add(moment(start), **amounts)


def _random_select(pool: Iterable[str], count: int, seed: str) -> Any:
    return random_select(pool, count, seed=seed)


@dataclass(frozen=True)
class Tool:
    """`run` as the library calls it, `kept` as it is called with what an entry can hold."""

    run: Callable[..., Any]
    kept: Callable[..., Any]
    writes: bool

    def schema(self) -> dict[str, Any]:
        """The arguments as JSON schema."""
        return TypeAdapter(self.run).json_schema()  # type: ignore[arg-type]  # it takes functions too


TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        "calculate": Tool(calculate, _calculate, writes=False),
        "datetime_add": Tool(datetime_add, _datetime_add, writes=False),
        "random_select": Tool(random_select, _random_select, writes=False),
        "tally": Tool(tally, tally, writes=False),
    }
)


def call(name: str, arguments: Mapping[str, Any]) -> Calculation:
    """Runs a tool on plain arguments and keeps the call with its plain result.

    An expression without a value (a division by zero) results in `{"undefined": why}`.
    """
    result = plain(TOOLS[name].kept(**arguments))
    return Calculation(tool=name, arguments=dict(arguments), result=result)


def recompute(calculation: Calculation) -> str | None:
    """What is wrong with a kept calculation, in a sentence; None if it gives the same again."""
    if calculation.tool not in TOOLS:
        return f"there is no tool {calculation.tool!r}"
    try:
        again = call(calculation.tool, calculation.arguments).result
    except (GovbotError, TypeError, ValueError, AttributeError) as error:
        return f"{calculation.tool} cannot be run on its arguments ({error})"
    if type(again) is not type(calculation.result) or again != calculation.result:
        return f"{calculation.tool} gives {again!r}, not {calculation.result!r}"
    return None
