"""Counting ballots: `tally`.

Pure. Promises that the order of the ballots changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, overload

from govbot.errors import MemberError
from govbot.records import canonical
from govbot.tools.methods import count
from govbot.tools.results import TallyResult


@overload
def tally(ballots: Iterable[Mapping[str, Any]], field: str) -> dict[str, int]: ...
@overload
def tally(ballots: Iterable[Any], *, method: str, **options: Any) -> TallyResult: ...
def tally(
    ballots: Iterable[Any], field: str | None = None, *, method: str | None = None, **options: Any
) -> dict[str, int] | TallyResult:
    """Counts by a field, or by a voting method.

    With `field`: how many ballots have each value of it, most first, then by name. Values that are
    not text count under their JSON spelling (`true`, `3`, `null`), so the number 3 and the text "3"
    count together. With `method`: what `govbot.tools.methods.count` makes of them.
    """
    if method is not None and field is None:
        return count(ballots, method, **options)
    if field is None or method is not None or options:
        raise MemberError("ballots are counted by a field, or by a method with its options")
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
