"""Ballots as they come, made ready to be counted.

Owns the reading of rankings, approvals and scores, the grouping of equal ballots, and what makes a
ballot spoilt. Pure. Promises that the order of ballots and candidates changes nothing, that every
ballot is either counted or listed as spoilt with its reason, and that weights stay exact.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any

from govbot.errors import MemberError
from govbot.records import canonical
from govbot.tools.results import Exact, Spoilt, ballots_seed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CANDIDATES = 1000
MOST_DIGITS = 30
LARGEST = 10**MOST_DIGITS

Ranking = tuple[tuple[str, ...], ...]  # tiers, best first; candidates in a tier are level


def weight_of(value: Any, what: str = "a weight") -> Exact:
    """An exact, positive weight from an int, Fraction, Decimal or text: '3', '1/2', '0.25'."""
    try:
        if isinstance(value, bool | float):
            raise ValueError
        if isinstance(value, int | Fraction) and value.numerator > LARGEST:
            raise ValueError  # before it is spelled out
        text = str(value)
        if len(text) > 2 * MOST_DIGITS or "e" in text.lower():
            raise ValueError
        number = Fraction(text)
    except (ValueError, ZeroDivisionError, TypeError):
        raise MemberError(
            f"{what} is {_spelled(value)}; write it as a whole number or a fraction above 0 of at"
            f" most {MOST_DIGITS} digits"
        ) from None
    if not 0 < number < LARGEST:
        raise MemberError(f"{what} is {str(number)[:40]}; it must be above 0 and not enormous")
    return number.numerator if number.denominator == 1 else number


def _spelled(value: Any) -> str:
    try:
        return repr(str(value)[:40])
    except ValueError:  # Python refuses to spell out a number of thousands of digits
        return "enormous"


@dataclass(frozen=True, slots=True)
class Rankings:
    """Grouped rankings over candidates in name order; `groups` maps a ranking to its weight.

    `matrix` has a row a group and a column a candidate: the tier they are in (0 is the first), or
    `unranked` (the number of candidates) where the ballot leaves them out. `weights` are whole
    numbers in units of 1/`scale`.
    """

    candidates: tuple[str, ...]
    matrix: "NDArray[np.int16]"
    weights: "NDArray[Any]"
    scale: int
    spoilt: tuple[Spoilt, ...]

    @property
    def unranked(self) -> int:
        return len(self.candidates)

    def votes(self, units: int) -> Exact:
        """A sum of weights as votes."""
        value = Fraction(int(units), self.scale)
        return value.numerator if value.denominator == 1 else value

    @property
    def total(self) -> Exact:
        return self.votes(int(self.weights.sum())) if len(self.weights) else 0

    def seed(self) -> str:
        """The digest of the grouped ballots, whatever order they came in."""
        import numpy as np

        order = np.lexsort(self.matrix.T[::-1]) if self.matrix.size else np.arange(len(self.matrix))
        rows = self.matrix[order].astype("<i2").tobytes()
        weights = " ".join(map(str, self.weights[order].tolist()))
        head = canonical([list(self.candidates), self.scale])
        return ballots_seed(head, rows, weights.encode())


def read_rankings(
    ballots: Iterable[Any],
    candidates: Sequence[str] | None = None,
    withdrawn: Iterable[str] = (),
) -> Rankings:
    """Rankings from lists of names, best first; a list within is a tier of names that are level.

    A ballot may also be a mapping with `ranking` and `count` or `weight`. Names in `withdrawn` are
    taken out of every ballot. A ballot that names nobody, names somebody twice or names somebody
    unknown is spoilt. Without `candidates`, whoever is named is one.
    """
    held = ballots if isinstance(ballots, list) else list(ballots)
    given = candidate_names(candidates) if candidates is not None else None
    out = frozenset(withdrawn)
    if (plain := _plain_matrix(held, given, out)) is not None:
        return plain
    groups: Counter[Ranking] = Counter()
    spoilt: list[Spoilt] = []
    known = set(given) if given is not None else None
    for place, ballot in enumerate(held, 1):
        try:
            ranking, weight = _ranking(ballot, place, known, out)
        except _SpoiltBallot as why:
            spoilt.append(Spoilt(place, str(why), why.count))
        else:
            groups[ranking] += weight  # type: ignore[assignment]  # a Counter may hold fractions
    named = given or candidate_names(
        {name for ranking in groups for tier in ranking for name in tier}
    )
    order = tuple(sorted(name for name in named if name not in out))
    return _matrix(groups, order, tuple(spoilt))


class _SpoiltBallot(Exception):
    def __init__(self, why: str, count: int = 1) -> None:
        super().__init__(why)
        self.count = count


def candidate_names(candidates: Iterable[str]) -> tuple[str, ...]:
    """The names, once it is sure that they are names and differ."""
    names = list(candidates)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise MemberError(f"{name!r} is no candidate's name; write names as text")
    if len(set(names)) < len(names):
        raise MemberError("a candidate is listed twice; names must differ")
    if len(names) > MOST_CANDIDATES:
        raise MemberError(
            f"there are {len(names)} candidates; at most {MOST_CANDIDATES} can be counted"
        )
    return tuple(names)


def _ranking(
    ballot: Any, place: int, known: set[str] | None, out: frozenset[str]
) -> tuple[Ranking, Exact]:
    weight: Exact = 1
    if isinstance(ballot, Mapping):
        what = f"the weight of ballot {place}"
        weight = weight_of(ballot.get("count", 1), what) * weight_of(ballot.get("weight", 1), what)
        ballot = ballot.get("ranking", ())
    count = int(weight) if isinstance(weight, int) else 1
    if isinstance(ballot, str) or not isinstance(ballot, Iterable):
        raise _SpoiltBallot("it is not a list of names", count)
    tiers = tuple(_tier(tier, count) for tier in ballot)
    seen = [name for tier in tiers for name in tier]
    if len(set(seen)) < len(seen):
        twice = min(name for name, times in Counter(seen).items() if times > 1)
        raise _SpoiltBallot(f"it ranks {twice!r} twice", count)
    if known is not None and (strange := sorted(set(seen) - known - out)):
        raise _SpoiltBallot(f"it names {strange[0]!r}, who is no candidate", count)
    left = tuple(tuple(sorted(n for n in tier if n not in out)) for tier in tiers)
    ranking = tuple(tier for tier in left if tier)
    if not ranking:
        raise _SpoiltBallot("it names nobody", count)
    return ranking, weight


def _tier(tier: Any, count: int) -> tuple[str, ...]:
    if isinstance(tier, str):
        return (tier,)
    if isinstance(tier, list | tuple | set | frozenset) and all(isinstance(n, str) for n in tier):
        return tuple(tier)
    raise _SpoiltBallot(f"{tier!r} in it is no name", count)


def _plain_matrix(
    held: list[Any], given: tuple[str, ...] | None, out: frozenset[str]
) -> Rankings | None:
    """The fast way for many plain lists of known names; None where the careful way is needed."""
    import numpy as np

    if out or len(held) < 1000 or any(type(b) is not list for b in held):
        return None
    try:
        named = set(chain.from_iterable(held)) if given is None else given
        order = tuple(sorted(named)) if given is not None else tuple(sorted(candidate_names(named)))
    except TypeError:
        return None  # a list within a list: a tier
    index = {name: place for place, name in enumerate(order)}
    lengths = np.fromiter(map(len, held), dtype=np.int64, count=len(held))
    if not lengths.all():
        return None
    try:
        flat = np.fromiter(
            map(index.__getitem__, chain.from_iterable(held)), np.int16, int(lengths.sum())
        )
    except (KeyError, TypeError):
        return None
    row = np.repeat(np.arange(len(held)), lengths)
    start = np.repeat(np.cumsum(lengths) - lengths, lengths)
    matrix = np.full((len(held), len(order)), len(order), dtype=np.int16)
    matrix[row, flat] = (np.arange(len(flat)) - start).astype(np.int16)
    if int((matrix < len(order)).sum()) < len(flat):
        return None  # somebody is ranked twice
    unique, weights = _group(matrix)
    return Rankings(order, unique, weights, 1, ())


def _group(matrix: "NDArray[np.int16]") -> tuple["NDArray[np.int16]", "NDArray[Any]"]:
    """Equal rows once, with how many of each there were."""
    import numpy as np

    width = matrix.shape[1]
    if (width + 1) ** width < 2**62:
        key = np.zeros(len(matrix), dtype=np.int64)
        for column in range(width):
            key = key * (width + 1) + matrix[:, column]
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return matrix[first], counts.astype(np.int64)
    rows = np.ascontiguousarray(matrix).view(np.dtype((np.void, matrix.dtype.itemsize * width)))
    _, first, counts = np.unique(rows.ravel(), return_index=True, return_counts=True)
    return matrix[first], counts.astype(np.int64)


def _matrix(
    groups: Mapping[Ranking, Exact], order: tuple[str, ...], spoilt: tuple[Spoilt, ...]
) -> Rankings:
    import numpy as np

    index = {name: place for place, name in enumerate(order)}
    matrix = np.full((len(groups), len(order)), len(order), dtype=np.int16)
    scale = math.lcm(*(Fraction(weight).denominator for weight in groups.values()))
    for row, ranking in enumerate(groups):
        for place, tier in enumerate(ranking):
            for name in tier:
                matrix[row, index[name]] = place
    units = [int(weight * scale) for weight in groups.values()]
    # Past 2**60 sums could overflow: whole numbers of any size are slower and exact.
    kind: Any = np.int64 if sum(units) * max(len(order), 1) < 2**60 else object
    return Rankings(order, matrix, np.array(units, dtype=kind), scale, spoilt)


# --- approvals and scores --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marks:
    """Grouped ballots that give each candidate a number; `groups` maps marks to their weight.

    A ballot of approvals marks the approved with 1. Marks are pairs of name and number, by name.
    """

    candidates: tuple[str, ...]
    groups: Mapping[tuple[tuple[str, int], ...], Exact]
    spoilt: tuple[Spoilt, ...]

    @property
    def total(self) -> Exact:
        return sum(self.groups.values(), Fraction(0)) if self.groups else 0

    def seed(self) -> str:
        """The digest of the grouped ballots, whatever order they came in."""
        groups = sorted(
            [[list(pair) for pair in marks], str(weight)] for marks, weight in self.groups.items()
        )
        return ballots_seed(canonical([list(self.candidates), groups]))


def read_approvals(
    ballots: Iterable[Any], candidates: Sequence[str] | None = None, most: int | None = None
) -> Marks:
    """Approvals from lists of names, or mappings with `approvals` and `count` or `weight`.

    An empty list approves nobody and counts. More than `most` names, a name twice or an unknown
    name spoils the ballot.
    """
    return _marks(ballots, candidates, "approvals", lambda b: _approved(b, most))


def read_scores(
    ballots: Iterable[Any],
    candidates: Sequence[str] | None = None,
    lowest: int = 0,
    highest: int = 5,
) -> Marks:
    """Scores from mappings of name to whole number; a candidate left out has the lowest.

    A ballot may also be a mapping with `scores` and `count` or `weight`. A score out of range, or
    one that is no whole number, spoils the ballot.
    """
    if lowest > highest:
        raise MemberError(f"scores from {lowest} to {highest} leave no choice; swap the two")
    return _marks(ballots, candidates, "scores", lambda b: _scored(b, lowest, highest))


def _marks(ballots: Iterable[Any], candidates: Sequence[str] | None, key: str, read: Any) -> Marks:
    given = candidate_names(candidates) if candidates is not None else None
    known = frozenset(given) if given is not None else None
    groups: Counter[tuple[tuple[str, int], ...]] = Counter()
    spoilt: list[Spoilt] = []
    for place, ballot in enumerate(ballots, 1):
        weight: Exact = 1
        if isinstance(ballot, Mapping) and key in ballot:
            what = f"the weight of ballot {place}"
            weight = weight_of(ballot.get("count", 1), what) * weight_of(
                ballot.get("weight", 1), what
            )
            ballot = ballot[key]
        try:
            marks = read(ballot)
            _known(marks, known)
        except _SpoiltBallot as why:
            spoilt.append(Spoilt(place, str(why), int(weight) if isinstance(weight, int) else 1))
        else:
            groups[tuple(sorted(marks.items()))] += weight  # type: ignore[assignment]  # fractions too
    named = given or candidate_names({name for marks in groups for name, _ in marks})
    return Marks(tuple(sorted(named)), dict(groups), tuple(spoilt))


def _known(marks: Mapping[str, int], known: frozenset[str] | None) -> None:
    strange = sorted(name for name in marks if known is not None and name not in known)
    if strange:
        raise _SpoiltBallot(f"it names {strange[0]!r}, who is no candidate")


def _approved(ballot: Any, most: int | None) -> dict[str, int]:
    if isinstance(ballot, str) or not isinstance(ballot, Iterable):
        raise _SpoiltBallot("it is not a list of names")
    names = list(ballot)
    if any(not isinstance(name, str) for name in names):
        raise _SpoiltBallot("something in it is no name")
    if len(set(names)) < len(names):
        raise _SpoiltBallot("it names somebody twice")
    if most is not None and len(names) > most:
        raise _SpoiltBallot(f"it names {len(names)}, and at most {most} may be")
    return dict.fromkeys(names, 1)


def _scored(ballot: Any, lowest: int, highest: int) -> dict[str, int]:
    if not isinstance(ballot, Mapping):
        raise _SpoiltBallot("it does not give a score to each name")
    marks: dict[str, int] = {}
    for name, score in ballot.items():
        if not isinstance(name, str) or isinstance(score, bool) or not isinstance(score, int):
            raise _SpoiltBallot(f"{str(score)[:40]!r} for {str(name)[:40]!r} is no whole number")
        if not lowest <= score <= highest:
            raise _SpoiltBallot(f"{score} is out of range: {lowest} to {highest}")
        marks[name] = score
    return marks


def ranked_lists(rankings: Rankings) -> Iterator[tuple[Ranking, Exact]]:
    """The grouped ballots as tiers of names, with their weight."""
    for row, units in zip(rankings.matrix.tolist(), rankings.weights.tolist(), strict=True):
        tiers: dict[int, list[str]] = {}
        for name, place in zip(rankings.candidates, row, strict=True):
            if place < rankings.unranked:
                tiers.setdefault(place, []).append(name)
        yield tuple(tuple(tiers[place]) for place in sorted(tiers)), rankings.votes(units)
