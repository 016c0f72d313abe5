"""The shapes that rules as data are made of: expressions, durations, names, and who may what.

Owns what a value must look like to be one; what it means is for the rooms above. Promises that what
loads can be read again: an expression parses, a duration is one.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from govbot.errors import GovbotError
from govbot.expression import parse as parse_expression
from govbot.records import Citation, Record
from govbot.tools.dates import parse_duration
from govbot.tools.weights import number_of


def _expression(text: str) -> str:
    try:
        parse_expression(text)
    except GovbotError as error:
        raise ValueError(str(error)) from None
    return text


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except GovbotError as error:
        raise ValueError(str(error)) from None
    return text


def _exactly(value: Any) -> Any:
    try:
        number_of(value, "this")
    except GovbotError as error:
        raise ValueError(str(error)) from None
    return value


Expression = Annotated[str, AfterValidator(_expression)]
Exactly = Annotated[int | str, AfterValidator(_exactly)]
Duration = Annotated[str, AfterValidator(_duration)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]


class Who(Record):
    """Who may: a condition over `roles`, `me`, `opener`, a member's facts, fields and draws."""

    who: Expression
    cite: Citation | None = None


class Lasts(Record):
    value: Duration
    cite: Citation | None = None


class Switch(Record):
    value: bool
    cite: Citation | None = None


class Condition(Record):
    when: Expression
    cite: Citation | None = None
