"""Counting ballots.

Pure. Promises whole numbers and an order that does not depend on the order of the ballots.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from govbot.errors import MemberError
from govbot.records import canonical


def tally(ballots: Iterable[Mapping[str, Any]], field: str) -> dict[str, int]:
    """How many ballots have each value of `field`, most first, then by name.

    Values that are not text count under their JSON spelling (`true`, `3`, `null`), so the number
    3 and the text "3" count together.
    """
    counted: Counter[str] = Counter()
    for position, ballot in enumerate(ballots, 1):
        if field not in ballot:
            raise MemberError(f"ballot {position} has no {field!r}; every ballot needs one")
        counted[_spelled(ballot[field], position)] += 1
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _spelled(value: Any, position: int) -> str:
    if isinstance(value, str):
        return value
    try:
        return canonical(value).decode()
    except (TypeError, ValueError):
        raise MemberError(
            f"ballot {position} says {value!r}, which has no exact spelling; write it as text"
        ) from None
