"""Every way of counting, by name.

Owns the register of methods: what ballots each reads, which options it takes, where it is
described, how it breaks ties. Pure. Promises that an unknown method or option is refused with the
nearest one there is, and that counting the same ballots in any order gives the same result.
"""

import difflib
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from govbot.errors import MemberError
from govbot.records import canonical, plain
from govbot.tools import bids, budgets, choice, committees, ranked, stv, weights
from govbot.tools.ballots import Marks, Rankings, read_approvals, read_rankings, read_scores
from govbot.tools.choice import Choices, read_choices
from govbot.tools.results import Spoilt, TallyResult, TieBreaker, ballots_seed, check_seats

Kind = Literal["choice", "ranking", "approvals", "scores", "votes", "form"]
MOST_VOTES = 10**9


@dataclass(frozen=True, slots=True)
class Bids:
    """Forms as they came; what is in them is read when they are judged."""

    held: tuple[Mapping[str, Any], ...]
    candidates: tuple[str, ...] = ()
    spoilt: tuple[Spoilt, ...] = ()

    @property
    def total(self) -> int:
        return len(self.held)

    def seed(self) -> str:
        """The digest of the bids, whatever order they came in."""
        return ballots_seed(*sorted(canonical(plain(dict(bid))) for bid in self.held))


Read = Choices | Rankings | Marks | Bids


@dataclass(frozen=True)
class Method:
    """One way of counting: `count(read ballots, seats, breaker, **options)` gives the result.

    `ordered` methods seat candidates straight down their ranking; `funds` ones choose projects
    within a budget and need no seats.
    """

    name: str
    reads: Kind
    count: Callable[..., TallyResult]
    source: str
    ties: str
    cost: str
    ordered: bool = False
    funds: bool = False

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The options of the method itself."""
        names = tuple(inspect.signature(self.count).parameters)[3:]
        return tuple(name for name in names if name not in ("candidates", "rules"))

    @property
    def reading(self) -> tuple[str, ...]:
        """The options of how its ballots are read."""
        return _READING[self.reads]


_READING: Mapping[Kind, tuple[str, ...]] = {
    "choice": (),
    "ranking": (),
    "approvals": ("most",),
    "scores": ("lowest", "highest"),
    "votes": (),
    "form": (),
}


def _greedy_budget(
    marks: Marks, seats: int, breaker: TieBreaker, costs: Mapping[str, Any], budget: Any,
    minimum: Any = 0,
) -> TallyResult:  # fmt: skip
    return budgets.greedy_budget(marks, costs, budget, breaker, minimum=minimum)


def _equal_shares(
    marks: Marks, seats: int, breaker: TieBreaker, costs: Mapping[str, Any] | None = None,
    budget: Any = None, completion: Any = "add1", utility: Any = "cost", minimum: Any = 0,
    unit: Any = 1,
) -> TallyResult:  # fmt: skip
    """Seats where there are no costs, projects within a budget where there are."""
    if costs is None and budget is None:
        return committees.equal_shares(marks, seats, breaker)
    if costs is None or budget is None:
        raise MemberError("a budget and the costs belong together; give both, or seats alone")
    return budgets.equal_shares_budget(
        marks,
        costs,
        budget,
        breaker,
        completion=completion,
        utility=utility,
        minimum=minimum,
        unit=unit,
    )


def _bids(
    read: Bids, seats: int, breaker: TieBreaker, score: str = "", qualify: str | None = None,
    rules: Sequence[str] = (),
) -> TallyResult:  # fmt: skip
    return bids.judge_bids(
        read.held, score=score, qualify=qualify, tie_break=rules, seats=seats, breaker=breaker
    )


_LOT = "lot"
_ROUNDS = "latest round that parts them, then lot"
_METHODS = (
    Method("plurality", "choice", choice.plurality, "most votes", _LOT, "b", ordered=True),
    Method(
        "majority", "choice", choice.majority, "Robert's Rules of Order (12th ed.), §44", _LOT, "b"
    ),
    Method("consent", "choice", choice.consent, "consensus and consent decision-making", "-", "b"),
    Method(
        "two-round", "choice", choice.two_round, "French Constitution, Article 7", _LOT, "b"
    ),
    Method("approval", "approvals", choice.approval, "Brams and Fishburn 1978", _LOT, "b", True),
    Method("score", "scores", choice.score, "Smith 2000 (range voting)", _LOT, "b", True),
    Method(
        "star", "scores", choice.star, "Equal Vote Coalition 2014",
        "one to one, then highest scores, then lot", "s·b",
    ),
    Method(
        "cumulative", "scores", choice.cumulative, "Illinois House 1870 to 1980", _LOT, "b", True
    ),
    Method(
        "quadratic", "votes", weights.quadratic, "Lalley and Weyl 2018", _LOT, "b", ordered=True
    ),
    Method("irv", "ranking", ranked.irv, "Hare 1857; US city charters", _ROUNDS, "c·g"),
    Method("borda", "ranking", ranked.borda, "Borda 1784; level ranks share", _LOT, "c²·g", True),
    Method("copeland", "ranking", ranked.copeland, "Copeland 1951", _LOT, "c²·g", True),
    Method(
        "minimax", "ranking", ranked.minimax, "Simpson 1969, Kramer 1977", _LOT, "c²·g", True
    ),
    Method(
        "ranked-pairs", "ranking", ranked.ranked_pairs, "Tideman 1987", _LOT, "c²·g + c⁴", True
    ),
    Method("schulze", "ranking", ranked.schulze, "Schulze, arXiv:1804.02973", _LOT, "c²·g + c³",
           ordered=True),
    Method(
        "schulze-debian", "ranking", ranked.schulze_debian, "Debian Constitution, A.5 (once A.6)",
        "casting vote, then lot", "c²·g + c⁴",
    ),
    Method(
        "stv-scottish", "ranking", stv.stv_scottish, "SSI 2007/42, rules 45 to 52", _ROUNDS, "c·g"
    ),
    Method(
        "stv-meek", "ranking", stv.stv_meek, "Hill, Wichmann and Woodall 1987", _ROUNDS, "i·c·g"
    ),
    Method("pav", "approvals", committees.pav, "Thiele 1895; exact optimum", _LOT, "exponential"),
    Method("seq-pav", "approvals", committees.seq_pav, "Thiele 1895", _LOT, "s·c·g"),
    Method(
        "seq-phragmen", "approvals", committees.seq_phragmen, "Phragmén 1899; Brill et al. 2017",
        _LOT, "s·c·g",
    ),
    Method(
        "equal-shares", "approvals", _equal_shares, "Peters and Skowron 2020;"
        " with costs Peters, Pierczyński and Skowron 2021", _LOT, "s·c·g", funds=True,
    ),
    Method(
        "greedy-budget", "approvals", _greedy_budget, "Pabulib's “greedy”: most votes first",
        _LOT, "c log c + b", funds=True,
    ),
    Method("bids", "form", _bids, "Che 1993 (scoring auctions)", "its rules, then lot", "b log b"),
)  # fmt: skip
METHODS: Mapping[str, Method] = MappingProxyType({method.name: method for method in _METHODS})


def method_named(name: str) -> Method:
    """The method; a MemberError names the nearest where there is none of this name."""
    if not isinstance(name, str) or name not in METHODS:
        raise MemberError(f"there is no method {name!r}; {_nearest(str(name), METHODS)}")
    return METHODS[name]


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names) or 'none'}"


def check_options(method: Method, options: Iterable[str]) -> None:
    """A MemberError names the first option that the method does not take, and the nearest."""
    known = (*method.options, *method.reading)
    for option in options:
        if option not in known:
            raise MemberError(f"{method.name} has no option {option!r}; {_nearest(option, known)}")


def count(
    ballots: Iterable[Any],
    method: str,
    *,
    seats: int = 1,
    candidates: Sequence[str] | None = None,
    withdrawn: Iterable[str] = (),
    passed_over: Iterable[str] = (),
    tie_break: Sequence[str] = (),
    seed: str = "",
    **options: Any,
) -> TallyResult:
    """Counts ballots by a method; how a ballot looks is said where its kind is read.

    `withdrawn` candidates are taken out of every ballot before the count; those `passed_over` are
    counted and ranked, but another rule keeps them from a seat. A tie that the method leaves goes
    by `tie_break`, best first, then by a draw with `seed`, or with the ballots' own digest where
    there is none.
    """
    how = method_named(method)
    check_options(how, options)
    reading = {name: options.pop(name) for name in how.reading if name in options}
    read = _without(_read(how, ballots, candidates, withdrawn, reading), frozenset(withdrawn))
    if isinstance(read, Bids):  # bids are parted by what stands in them, not by who made them
        options["rules"], tie_break = tie_break, ()
    breaker = TieBreaker(tie_break, seed, read.seed)
    if not read.total:
        return _nothing(how, read)
    out = frozenset(passed_over) & set(read.candidates)
    if not (how.funds and "budget" in options) and not isinstance(read, Bids):
        check_seats(seats, [name for name in read.candidates if name not in out])
    if out and not how.ordered:
        raise MemberError(f"{method} cannot pass over anybody; withdraw them before the count")
    try:
        result = how.count(read, seats + len(out), breaker, **options)
    except TypeError as error:
        raise MemberError(f"{method} lacks something or was given it amiss: {error}") from None
    return _pass_over(result, out, seats) if out else result


def _read(
    how: Method, ballots: Iterable[Any], candidates: Sequence[str] | None,
    withdrawn: Iterable[str], options: Mapping[str, Any],
) -> Read:  # fmt: skip
    match how.reads:
        case "choice":
            return read_choices(ballots, candidates)
        case "ranking":
            return read_rankings(ballots, candidates, withdrawn)
        case "approvals":
            return read_approvals(ballots, candidates, **options)
        case "scores":
            return read_scores(ballots, candidates, **options)
        case "votes":
            return read_scores(ballots, candidates, -MOST_VOTES, MOST_VOTES)
        case "form":
            return Bids(tuple(ballots))


def _without(read: Read, withdrawn: frozenset[str]) -> Read:
    """Choices and marks without those who withdrew; rankings were read without them."""
    left = tuple(name for name in read.candidates if name not in withdrawn)
    if left == read.candidates or isinstance(read, Rankings | Bids):
        return read
    if isinstance(read, Choices):
        lost = tuple(
            Spoilt(0, f"it names {name!r}, who has withdrawn", int(votes))
            for name, votes in read.counts.items()
            if name in withdrawn and votes
        )
        counts = {name: read.counts[name] for name in left}
        return Choices(left, counts, read.spoilt + lost)
    groups: Counter[Any] = Counter()
    for marks, weight in read.groups.items():
        groups[tuple(pair for pair in marks if pair[0] not in withdrawn)] += weight  # type: ignore[assignment]  # fractions too
    return Marks(left, dict(groups), read.spoilt)


def _nothing(how: Method, read: Read) -> TallyResult:
    spoilt = sum(each.count for each in read.spoilt)
    beside = f" {spoilt} could not be counted." if spoilt else ""
    return TallyResult(
        method=how.name, winners=(), ranking=(read.candidates,) if read.candidates else (),
        spoilt=read.spoilt, explanation=f"There are no ballots to count.{beside}",
    )  # fmt: skip


def _pass_over(result: TallyResult, out: frozenset[str], seats: int) -> TallyResult:
    winners = tuple(name for name in result.winners if name not in out)[:seats]
    text = f" Passed over by another rule: {', '.join(sorted(out))}."
    return replace(result, winners=winners, explanation=result.explanation + text)
