"""What a button, menu or form stands for, in the hundred characters Discord keeps of it.

Owns the grammar `g:<verb>:<process>:<kind>:<rest>` and the spelling of choices too long for it.
Nothing else is needed to know what a press means, so buttons work for ever, whoever restarted.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 100
_LONGEST = "reason"  # of the verbs that carry a choice
PATTERN = re.compile(
    r"g:(?P<verb>[a-z]+):(?P<process>\d{0,9}):(?P<kind>[a-z0-9_]*):(?P<rest>.*)", re.DOTALL
)


@dataclass(frozen=True)
class Press:
    """Something pressed, picked or filled in: `rest` is what the verb makes of it."""

    verb: str
    process: int = 0
    kind: str = ""
    rest: str = ""

    def __str__(self) -> str:
        return f"g:{self.verb}:{self.process or ''}:{self.kind}:{self.rest}"


def press_of(match: re.Match[str]) -> Press:
    return Press(match["verb"], int(match["process"] or 0), match["kind"], match["rest"])


def parsed(custom_id: str) -> Press | None:
    match = PATTERN.fullmatch(custom_id)
    return press_of(match) if match else None


def spelling(process: int, kind: str, choice: str) -> str:
    """A choice as a press on this input carries it."""
    room = MOST - len(str(Press(_LONGEST, process, kind)))
    fits = len(choice) <= room and choice.isprintable() and not choice.startswith("~")
    return choice if choice and fits else f"~{_fingerprint(choice)}"


def choosing(verb: str, process: int, kind: str, choice: str) -> str:
    """The id of what stands for this choice."""
    return str(Press(verb, process, kind, spelling(process, kind, choice)))


def chosen(rest: str, choices: Iterable[str]) -> str:
    """The choice a press stands for; what names none of them is returned as it is."""
    if not rest.startswith("~"):
        return rest
    return next((choice for choice in choices if f"~{_fingerprint(choice)}" == rest), rest)


def _fingerprint(choice: str) -> str:
    return hashlib.sha256(choice.encode()).hexdigest()[:20]
