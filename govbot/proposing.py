"""An amendment on its way to people.

Owns what makes a member's words or an edited copy into the amendment that a process holds, and what
is doubted before it is opened. Pure.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from govbot.amendments import Inapplicable, applied, made, worded
from govbot.carrying import amendments_in
from govbot.charter import Charter, Reading
from govbot.constitution import Constitution
from govbot.errors import GovbotError, MemberError, OperatorError
from govbot.lint import errors
from govbot.records import Amendment

Drafted = Callable[[str, str], tuple[Constitution, Reading]]  # a template, one for disputes
_TEMPLATE = re.compile(
    r"(?:replace\s+(?:everything|the\s+constitution)\s+with\s+)?the\s+template\s+(?P<name>[\w-]+)"
    r"(?:\s+with\s+(?P<disputes>[\w-]+)(?:\s+for\s+disputes)?)?[.!]?",
    re.IGNORECASE,
)


def with_amendment(
    charter: Charter, fields: Mapping[str, Any], constitution: Constitution,
    drafted: Drafted | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The fields of an opening, with what a member said of a change as the change itself.

    Where there is `drafted`, “the template jury” is a whole other constitution with its reading.
    """
    held = dict(fields)
    for name, rule in charter.fields.items():
        value = held.get(name)
        if rule.type == "amendment" and isinstance(value, str) and value.strip():
            held[name] = as_field(said(value, constitution, drafted))
    for amendment in amendments_in(charter, held):
        _doubt(amendment, constitution)
    return held


def said(words: str, constitution: Constitution, drafted: Drafted | None = None) -> Amendment:
    """The amendment that a member's words ask for; MemberError says what is unclear in them."""
    named = _TEMPLATE.fullmatch(words.strip())
    if named is None or drafted is None:
        return worded(words, constitution)
    try:
        return from_copy(constitution, *drafted(named["name"], named["disputes"] or ""))
    except OperatorError as error:
        raise MemberError(str(error)) from None


def as_field(amendment: Amendment) -> dict[str, Any]:
    """An amendment as a process holds it."""
    data: dict[str, Any] = amendment.model_dump(mode="json")
    return data


def from_copy(
    constitution: Constitution, copy: Constitution, reading: Reading | None = None
) -> Amendment:
    """The amendment that makes an edited copy of the version in force."""
    return made(constitution.text, copy.text, reading.document if reading is not None else None)


def _doubt(amendment: Amendment, constitution: Constitution) -> None:
    """What was handed in is what it says, and what it brings along says what the text says."""
    if amendment.base != constitution.digest:
        return  # that it is of another version is for the kernel to say
    try:
        text = Constitution(applied(constitution.text, amendment))
    except Inapplicable as error:
        raise MemberError(f"the amendment cannot be applied: {error}") from None
    if not text.sections:
        raise MemberError("that would leave nothing of the constitution; say what is to hold")
    if amendment.reading is not None:
        _doubt_reading(amendment.reading, text)


def _doubt_reading(document: Mapping[str, Any], text: Constitution) -> None:
    try:
        found = errors(Reading.model_validate(document), text)
    except (ValueError, GovbotError) as error:
        raise MemberError(f"the reading that comes with it is not well-formed: {error}") from None
    if found:
        raise MemberError(
            f"the reading that comes with it says what the text does not: {found[0].where}:"
            f" {found[0].what}"
        )
