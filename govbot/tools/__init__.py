"""The deterministic tools, and how a call of one is kept and run again.

Owns `calculate` and the registry. Pure: no clock, network or randomness. Promises that a
`Calculation` made by `call` gives the same result whenever `recompute` runs it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from govbot.errors import GovbotError, ModelError
from govbot.expression import ExpressionError, evaluate
from govbot.records import MAX_INTEGER, Calculation, plain
from govbot.tools.counting import tally
from govbot.tools.dates import datetime_add
from govbot.tools.delegation import resolve
from govbot.tools.draws import random_select
from govbot.tools.results import TallyResult

__all__ = [
    "TOOLS",
    "Tool",
    "calculate",
    "call",
    "datetime_add",
    "random_select",
    "recompute",
    "tally",
]

# As many digits as an expression's numbers can have, so that a member's text is never a burden.
_FRACTION = re.compile(r"-?[0-9]{1,155}/[1-9][0-9]{0,154}")


def calculate(expression: str, variables: Mapping[str, Any]) -> Any:
    """The exact value of an expression: bool, int, Fraction or text.

    Variables may be as an entry keeps them: the text `2/3` is a fraction, a list a tuple.
    """
    return evaluate(expression, {name: _value(value) for name, value in variables.items()})


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return Fraction(value) if _FRACTION.fullmatch(value) else value
    return tuple(_value(item) for item in value) if isinstance(value, list) else value


# --- tools as an entry can hold their calls: JSON in, JSON out -----------------------------


def _calculate(expression: str, variables: Mapping[str, Any]) -> Any:
    try:
        value = calculate(expression, variables)
    except ExpressionError as error:
        return {"undefined": str(error)}
    large = type(value) is int and abs(value) > MAX_INTEGER
    return f"{value}/1" if large else value


def _datetime_add(start: str, **amounts: Any) -> datetime:
    return datetime_add(datetime.fromisoformat(start), **amounts)


def _tally(**arguments: Any) -> Any:
    result = tally(**arguments)
    return result.plain() if isinstance(result, TallyResult) else result


def _delegate_votes(**arguments: Any) -> Any:
    return resolve(**arguments).plain()


@dataclass(frozen=True)
class Tool:
    """`run` is the library's function, `kept` the same on what an entry can hold."""

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
        "random_select": Tool(random_select, random_select, writes=False),
        "tally": Tool(tally, _tally, writes=False),
        "delegate_votes": Tool(resolve, _delegate_votes, writes=False),
    }
)


def call(name: str, arguments: Mapping[str, Any]) -> Calculation:
    """Runs a tool on plain arguments and keeps the call with its plain result.

    An expression without a value (a division by zero) results in `{"undefined": why}`, a whole
    number too large for JSON in the text `n/1`.
    """
    return Calculation(tool=name, arguments=dict(arguments), result=_result(name, arguments))


def _undefined(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"undefined"}


def recompute(calculation: Calculation) -> str | None:
    """What is wrong with a kept calculation, in a sentence; None if it gives the same again."""
    try:
        again = _result(calculation.tool, calculation.arguments)
    except GovbotError as error:
        return str(error)
    # Why an expression has no value may be worded anew; that it has none may not change.
    if _same(again, calculation.result) or (_undefined(again) and _undefined(calculation.result)):
        return None
    return f"{calculation.tool} gives {_shown(again)}, not {_shown(calculation.result)}"


def _result(name: str, arguments: Mapping[str, Any]) -> Any:
    if name not in TOOLS:
        raise ModelError(f"there is no tool {name!r}; the tools are {', '.join(TOOLS)}")
    try:
        return plain(TOOLS[name].kept(**arguments))
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"{name} does not take these arguments ({error})") from None


def _same(again: Any, kept: Any) -> bool:
    """Equality as JSON has it: in Python 1 == True == 1.0, in an entry they are three things."""
    if type(again) is not type(kept):
        return False
    if isinstance(again, dict):
        return again.keys() == kept.keys() and all(_same(again[key], kept[key]) for key in again)
    if isinstance(again, list):
        return len(again) == len(kept) and all(map(_same, again, kept))
    return bool(again == kept)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:119] + "…"
