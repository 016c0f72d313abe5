"""Words that every reader understands alike: choices, members and ballots as people write them.

Pure. Knows no phrases and no model.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from govbot.charter import InputRule

MAX_MESSAGE = 8000


def plain_text(message: str) -> str:
    """A message as it is matched: composed, without controls or zero-width marks."""
    composed = unicodedata.normalize("NFC", message)
    kept = (
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") else "" for c in composed
    )
    return " ".join("".join(kept).split()) if len(composed) <= MAX_MESSAGE else ""


def spellings_of(
    rule: InputRule, choices: tuple[str, ...], members: Mapping[str, str]
) -> dict[str, str]:
    """Every way to write a choice, casefolded, to the choice itself; members by their names too."""
    chosen = set(choices)
    found = {spelling: id for spelling, id in members.items() if id in chosen}
    found |= {choice.casefold(): choice for choice in choices}
    for choice, others in rule.aliases.items():
        found.update({other.casefold(): choice for other in others})
    return found


# --- ballots in words ----------------------------------------------------------------------

_BEFORE = re.compile(r"\s*(?:>|;|\bthen\b)\s*", re.IGNORECASE)
_AND = re.compile(r"\s*(?:,|;|\band\b)\s*", re.IGNORECASE)
_GIVEN = re.compile(r"(?P<name>.+?)\s*(?:[:=]\s*|\s)(?P<value>\S.*)", re.DOTALL)
_MARK = re.compile(r"(?P<name>.+?)\s*[:=\s]\s*(?P<value>[+-]?\d{1,12})")
_NOBODY = ("nobody", "none", "nothing")


def ballot_of(text: str, rule: InputRule, spellings: Mapping[str, str]) -> Any:
    """A ballot as it is said: 'A > B = C', 'A, B and C', 'A 5, B 3', 'price 100, days 5'."""

    def known(name: str) -> str:
        return spellings.get(name.strip().casefold().lstrip("@"), name.strip())

    match rule.takes:
        case "ranking":
            parts = _parts(text, _BEFORE if _BEFORE.search(text) else _AND)
            tiers = [[known(name) for name in part.split("=") if name.strip()] for part in parts]
            return [tier[0] if len(tier) == 1 else tier for tier in tiers]
        case "approvals":
            nobody = text.strip().casefold() in _NOBODY
            return [] if nobody else [known(name) for name in _parts(text, _AND)]
        case "scores":
            marks = [_MARK.fullmatch(part) for part in _parts(text, _AND)]
            return {known(mark["name"]): int(mark["value"]) for mark in marks if mark}
        case "form":
            found = [_GIVEN.fullmatch(part) for part in _parts(text, re.compile(r"\s*[,;]\s*"))]
            return {_field_name(f["name"]): _plain_number(f["value"]) for f in found if f}
    return text


def _parts(text: str, between: re.Pattern[str]) -> list[str]:
    return [part for part in between.split(text.strip()) if part.strip()]


def _field_name(said: str) -> str:
    return "_".join(said.casefold().split())


def _plain_number(said: str) -> Any:
    return int(said) if re.fullmatch(r"-?\d{1,15}", said) else said
