"""Several winners by approval, so that every group of like minds gets its share of the seats.

Owns Thiele's and Phragmén's methods and the Method of Equal Shares. Pure and exact: fractions for
shares, whole numbers for the search of the best committee. Promises that only the ballots decide:
neither their order nor that of the candidates, and what a method leaves level goes to the
`TieBreaker`. Definitions as in Lackner and Skowron, "Multi-Winner Voting with Approval
Preferences" (2023).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from govbot.errors import MemberError
from govbot.tools.ballots import Marks
from govbot.tools.budgets import Purses, Support, exact, much, supported
from govbot.tools.results import (
    Exact,
    Round,
    TallyResult,
    TieBreaker,
    check_seats,
    fill_seats,
    leveled,
    listed,
    shown,
    with_account,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Partial committees the search looks at, at most, those of very many ballots counted as several:
# some ten seconds.
MOST_NODES = 100_000
CELLS_A_NODE = 20_000
MOST_CELLS = 4_000_000  # held in memory at once
DENSE = 16  # from how many places for a key on sorting is the faster way to sum


# --- one winner a round ----------------------------------------------------------------------


class _Standing:
    """Ballots by where they stand; `votes[name][place]` are the units that approve a name there.

    A method moves the ballots of whoever is elected to another place, and needs no more than this
    to see what each candidate would bring, however many different ballots there are.
    """

    def __init__(self, support: Support, places: Sequence[int]) -> None:
        self.support, self.places = support, list(places)
        self.votes: dict[str, Counter[int]] = {name: Counter() for name in support.backers}
        for names, weight, place in zip(support.approved, support.weights, places, strict=True):
            for name in names:
                self.votes[name][place] += weight

    def move(self, name: str, onward: Callable[[int], int]) -> None:
        for group in self.support.backers[name]:
            old, weight = self.places[group], self.support.weights[group]
            new = self.places[group] = onward(old)
            for other in self.support.approved[group]:
                self.votes[other][old] -= weight
                self.votes[other][new] += weight

    def units(self, name: str) -> dict[int, int]:
        return {place: units for place, units in self.votes[name].items() if units}


class _Rule(Protocol):
    """A method that elects one a round: the highest figure first, 0 for who has no supporter."""

    def figure(self, name: str) -> Exact: ...

    def elect(self, name: str) -> str:
        """Takes note of it and says why."""
        ...


class _Thiele:
    """A ballot counts 1/(m+1) for the next candidate where m it approves are elected."""

    def __init__(self, support: Support, elected: Iterable[str] = ()) -> None:
        places = [0] * len(support.weights)
        for name in elected:
            for group in support.backers[name]:
                places[group] += 1
        self.standing, self.scale = _Standing(support, places), support.scale

    def figure(self, name: str, own: int = 1) -> Exact:
        """What it adds; with `own` 0, what it has brought as one of the elected."""
        units = self.standing.units(name)
        total = sum((Fraction(each, met + own) for met, each in units.items()), Fraction(0))
        return exact(total / self.scale)

    def elect(self, name: str) -> str:
        units, gain = self.standing.units(name), self.figure(name)
        parts = [
            f"{much(exact(Fraction(units[met], self.scale)), 'vote')} "
            + (f"at 1/{met + 1}" if met else "in full")
            for met in sorted(units)
        ]
        self.standing.move(name, _next)
        return f"{name} adds the most, {shown(gain)}: {listed(parts)}."


def _next(met: int) -> int:
    return met + 1


class _Phragmen:
    """Every seat is a load of 1 that supporters carry level; the highest load is kept low.

    A figure is 1 over the load its supporters would then carry: its votes at first, fewer the more
    they carry already. `loads` are negative for money left over.
    """

    def __init__(self, support: Support, loads: Sequence[Fraction] | None = None) -> None:
        self.loads = sorted(set(loads)) if loads else [Fraction(0)]
        place = {load: number for number, load in enumerate(self.loads)}
        places = [place[load] for load in loads] if loads else [0] * len(support.weights)
        self.standing = _Standing(support, places)
        self.support, self.left_over = support, loads is not None

    def load(self, name: str) -> Fraction | None:
        units = self.standing.units(name)
        if not units:
            return None
        carried = sum((self.loads[place] * each for place, each in units.items()), Fraction(0))
        return (self.support.scale + carried) / sum(units.values())

    def figure(self, name: str) -> Exact:
        load = self.load(name)
        return 0 if load is None else exact(1 / load)

    def elect(self, name: str) -> str:
        load = self.load(name) or Fraction(0)
        self.loads.append(load)
        self.standing.move(name, lambda _: len(self.loads) - 1)
        backers, each = much(self.support.votes(name), "supporter"), shown(exact(load))
        if self.left_over:
            return (
                f"nobody left can be paid for, so all are given more at the same pace; the "
                f"{backers} of {name} are the first to have enough for a seat, at {each} each."
            )
        return f"the {backers} of {name} then carry a load of {each} each, less than any others."


def _one_by_one(
    rule: _Rule, left: Iterable[str], seats: int, breaker: TieBreaker, rounds: list[Round]
) -> None:
    """Adds rounds until the seats are filled; who has no supporter comes last, by the breaker."""
    rest = sorted(left)
    room = seats - sum(len(each.elected) for each in rounds)
    while room:
        figures = {name: rule.figure(name) for name in rest}
        top, number = max(figures.values()), len(rounds) + 1
        if not top:
            chosen = fill_seats([rest], room, breaker, "seats without supporters")
            text = (
                f"Round {number}: nobody left has a supporter; {listed(chosen)} "
                f"{'takes' if room == 1 else 'take'} what is left."
            )
            rounds.append(Round(figures, text, chosen))
            return
        tied = [name for name in rest if figures[name] == top]
        name = breaker.best_first(tied, f"round {number}")[0]
        rounds.append(Round(figures, f"Round {number}: {rule.elect(name)}", (name,)))
        rest.remove(name)
        room -= 1


def _result(
    method: str, marks: Marks, rounds: Sequence[Round], breaker: TieBreaker,
    counts: Mapping[str, Exact], story: str, quota: Exact | None = None,
) -> TallyResult:  # fmt: skip
    winners = tuple(name for each in rounds for name in each.elected)
    rest = leveled({name: count for name, count in counts.items() if name not in winners})
    levels = [leveled({name: each.counts[name] for name in each.elected}) for each in rounds]
    result = TallyResult(
        method=method, winners=winners, ranking=(*chain.from_iterable(levels), *rest),
        rounds=tuple(rounds), counts=dict(counts), ballots=exact(Fraction(marks.total)),
        spoilt=marks.spoilt, quota=quota,
    )  # fmt: skip
    texts = (each.text for each in rounds)
    return with_account(result, breaker, story, *texts, f"Elected: {listed(winners)}.")


def _last_figures(rounds: Sequence[Round]) -> dict[str, Exact]:
    """The figure each was elected with, or had in the last round."""
    figures: dict[str, Exact] = {}
    for each in rounds:
        figures |= each.counts
    return dict(sorted(figures.items()))


def seq_pav(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """Sequential proportional approval voting (Thiele 1895): whoever adds the most is next.

    A ballot counts in full until somebody it approves is elected, then 1/2, then 1/3, and so on.
    """
    check_seats(seats, marks.candidates)
    rounds: list[Round] = []
    _one_by_one(_Thiele(supported(marks)), marks.candidates, seats, breaker, rounds)
    story = "A ballot counts 1 for the first elected it approves, 1/2 for the second, then 1/3."
    return _result("seq-pav", marks, rounds, breaker, _last_figures(rounds), story)


def seq_phragmen(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """Phragmén's sequential method (1894; Brill, Freeman, Janson and Lackner, arXiv:2102.12305).

    Each elected is a load of 1 on its supporters, shared so that they all carry the same in total;
    elected next is who makes the highest load the least. Counts are 1 over that load.
    """
    check_seats(seats, marks.candidates)
    rounds: list[Round] = []
    _one_by_one(_Phragmen(supported(marks)), marks.candidates, seats, breaker, rounds)
    story = "Every seat is a load of 1 that its supporters share; the highest load is kept low."
    return _result("seq-phragmen", marks, rounds, breaker, _last_figures(rounds), story)


def equal_shares(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """The Method of Equal Shares, once Rule X (Peters and Skowron 2020, arXiv:1911.11747).

    Every ballot, an empty one too, holds an equal share of the seats, and a seat costs 1. Elected
    next is whose supporters can pay with the least for each; who has less gives all of it. When
    nobody left can be paid for, the remaining seats are filled as the authors do: by Phragmén's
    sequential method, started with the money each ballot has left (a negative load). Counts of a
    round are 1 over what a supporter pays, then 1 over what one must still be given.
    """
    check_seats(seats, marks.candidates)
    support = supported(marks)
    rounds: list[Round] = []
    left_over: list[Fraction] = []
    if voters := Fraction(support.total):
        unit = dict.fromkeys(marks.candidates, 1)
        purses = Purses(support, unit, unit, seats / voters)
        for number, bought in enumerate(purses.buy(_cheapest_first(breaker)), 1):
            text = (
                f"Round {number}: the {much(support.votes(bought.name), 'supporter')} of "
                f"{bought.name} pay for a seat with {'at most ' if bought.short else ''}"
                f"{shown(bought.each)} each, less than any others."
            )
            rounds.append(Round(dict(sorted(bought.rates.items())), text, (bought.name,)))
        left_over = [-money for money in purses.left()]
    elected = {name for each in rounds for name in each.elected}
    rule = _Phragmen(support, left_over)
    _one_by_one(rule, set(marks.candidates) - elected, seats, breaker, rounds)
    counts = {name: support.votes(name) for name in marks.candidates}
    share, quota = exact(seats / voters if voters else Fraction(0)), exact(voters / seats)
    story = f"Every ballot holds {shown(share)} of a seat, and supporters pay together."
    return _result("equal-shares", marks, rounds, breaker, counts, story, quota)


def _cheapest_first(breaker: TieBreaker) -> Callable[[list[str]], str]:
    return lambda tied: breaker.best_first(tied, "equal prices")[0]


# --- the best committee ----------------------------------------------------------------------


def pav(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """Proportional approval voting (Thiele 1895): the committee worth the most to all ballots.

    A ballot gives a committee 1 for the first member it approves, 1/2 more for the second, 1/3 for
    the third, and so on. The optimum is exact, found by branch and bound; past `MOST_NODES`
    partial committees the search gives up and says so. Of several best committees the one that is
    first in the tie-breaker's order stands. Counts are what the committee would lose without a
    member, or gain with somebody else added.
    """
    check_seats(seats, marks.candidates)
    support = supported(marks)
    search = _Search(support, seats)
    winners = _first_committee(search, breaker)
    thiele = _Thiele(support, winners)
    counts = {name: thiele.figure(name, int(name not in winners)) for name in marks.candidates}
    ordered = sorted(winners, key=lambda name: (-counts[name], name))
    score = shown(exact(Fraction(search.best, search.scale)))
    text = f"Round 1: the committee of {listed(ordered)} is worth {score}, and no other more."
    rounds = [Round(counts, text, tuple(ordered))]
    story = (
        "A ballot gives a committee 1 for the first member it approves, 1/2 for the second, then "
        "1/3; the committee worth the most wins."
    )
    return _result("pav", marks, rounds, breaker, counts, story)


def _first_committee(search: "_Search", breaker: TieBreaker) -> tuple[str, ...]:
    """Of the best committees, the one whose members stand first in the breaker's order.

    Candidates approved by the same ballots replace one another, so the search tries them in one
    order only: a committee found stands for every choice of as many of them.
    """
    twins: dict[int, list[int]] = {}
    for number, twin in enumerate(search.first_twin):
        twins.setdefault(twin, []).append(number)
    taken = [Counter(search.first_twin[each] for each in members) for members in search.found]
    contested = [
        search.names[number]
        for twin, alike in twins.items()
        if not all(each[twin] == taken[0][twin] for each in taken)
        or 0 < taken[0][twin] < len(alike)
        for number in alike
    ]
    order = breaker.best_first(contested, "the best committees") if contested else []
    place = {name: number for number, name in enumerate(order)}
    committees = []
    for each in taken:
        members: list[str] = []
        for twin, many in each.items():
            alike = [search.names[number] for number in twins[twin]]
            members += sorted(alike, key=lambda name: place.get(name, 0))[:many]
        committees.append(members)
    return tuple(min(committees, key=lambda names: sorted(place.get(name, -1) for name in names)))


@dataclass(frozen=True, slots=True)
class _Node:
    """Some members chosen, and the ballots that may still approve somebody behind the last.

    A row is a kind of ballot: bits of the candidates it approves, the lowest bit for the one behind
    the last chosen, how many it approves that are chosen, its weight.
    """

    chosen: tuple[int, ...]
    score: int
    bits: "NDArray[Any]"
    met: "NDArray[np.int64]"
    weights: "NDArray[Any]"

    @property
    def behind(self) -> int:
        return self.chosen[-1] + 1 if self.chosen else 0


class _Search:
    """Every best committee, as numbers of `names`; `best` is their score in units of 1/`scale`.

    A partial committee is given up when it falls short of the best even if each further member
    adds what it would add as the next. Ballots that no longer differ are put together, so that the
    many deep nodes are small. Of candidates that the same ballots approve, the first go first.
    """

    def __init__(self, support: Support, seats: int) -> None:
        self.seats, self.looked = seats, 0
        self.names = sorted(support.backers, key=lambda name: (-support.votes(name), name))
        whole = math.lcm(*range(1, seats + 1))
        self.scale = whole * support.scale
        self.parts = [whole // number for number in range(1, seats + 1)]
        last: dict[tuple[int, ...], int] = {}
        self.first_twin: list[int] = []
        self.twin: list[int] = []  # who must be chosen before, or -1
        for number, name in enumerate(self.names):
            twin = last.get(support.backers[name], -1)
            self.twin.append(twin)
            self.first_twin.append(number if twin < 0 else self.first_twin[twin])
            last[support.backers[name]] = number
        self.best, self.found = self._lower_bound(support), list[tuple[int, ...]]()
        branches = self._branches(self._root(support))
        while branches:
            bound, parent, member, score = branches.pop()
            if bound >= self.best:
                branches += self._branches(self._with(parent, member, score))

    def _lower_bound(self, support: Support) -> int:
        """What a committee that is easy to find is worth."""
        thiele, rest, score = _Thiele(support), list(self.names), Fraction(0)
        for _ in range(self.seats):
            gains = {name: thiele.figure(name) for name in rest}
            name = max(rest, key=gains.__getitem__)
            thiele.standing.move(name, _next)
            rest.remove(name)
            score += gains[name]
        return int(score * self.scale)

    def _root(self, support: Support) -> _Node:
        import numpy as np

        bit = {name: 1 << number for number, name in enumerate(self.names)}
        bits = [sum(bit[name] for name in names) for names in support.approved]
        # Whole numbers of any size are slower and exact, where a sum of all weights needs them.
        sums_fit = sum(support.weights) * self.parts[0] < 2**62
        return _Node(
            (), 0, np.array(bits, dtype=np.int64 if self._narrow(0) else object),
            np.zeros(len(bits), dtype=np.int64),
            np.array(support.weights, dtype=np.int64 if sums_fit else object),
        )  # fmt: skip

    def _narrow(self, behind: int) -> bool:
        """Whether a key fits: a bit for each candidate from `behind` on, and the number met."""
        return len(self.names) - behind + self.seats.bit_length() < 63

    def _with(self, node: _Node, member: int, score: int) -> _Node:
        import numpy as np

        place = member - node.behind
        met = node.met + (node.bits >> place & 1).astype(np.int64)
        bits = node.bits >> (place + 1)
        if self._narrow(member + 1):
            bits = bits.astype(np.int64)
        alive = np.flatnonzero(bits)
        bits, met, weights = bits[alive], met[alive], node.weights[alive]
        if len(bits) > 1:
            shift = self.seats.bit_length()
            key, weights = _summed(bits << shift | met, weights)
            bits, met = key >> shift, (key & (1 << shift) - 1).astype(np.int64)
        return _Node((*node.chosen, member), score, bits, met, weights)

    def _gains(self, node: _Node) -> list[int]:
        """What each candidate behind the last chosen would add."""
        import numpy as np

        worth = node.weights * np.array(self.parts, dtype=node.weights.dtype)[node.met]
        gains: list[int] = []
        width = max(1, MOST_CELLS // max(1, len(worth)))
        left = len(self.names) - node.behind
        for start in range(0, left, width):
            columns = np.arange(start, min(start + width, left))
            gains += (worth @ (node.bits[:, None] >> columns & 1)).tolist()
        return gains

    def _branches(self, node: _Node) -> list[tuple[int, _Node, int, int]]:
        """The next members worth a look: what they can come to, and the score with them.

        The last seat is filled at once.
        """
        behind = node.behind
        cells = len(node.bits) * (len(self.names) - behind)
        # A number of any size takes some twenty times as long.
        slow = object in (node.bits.dtype, node.weights.dtype)
        self._look(1 + cells * (20 if slow else 1) // CELLS_A_NODE)
        gains = self._gains(node)
        room = self.seats - len(node.chosen)
        branches: list[tuple[int, _Node, int, int]] = []
        top: list[int] = []  # the best gains of those further behind
        for number in range(len(self.names) - 1, behind - 1, -1):
            gain = gains[number - behind]
            bound = node.score + gain + sum(top)
            if len(top) == room - 1 and bound >= self.best and self._next_of_twins(node, number):
                branches.append((bound, node, number, node.score + gain))
            top = sorted([*top, gain], reverse=True)[: room - 1]
        if room > 1:
            return branches
        for score, _, number, _ in branches:
            self._keep(score, (*node.chosen, number))
        return []

    def _next_of_twins(self, node: _Node, number: int) -> bool:
        return self.twin[number] < 0 or self.twin[number] in node.chosen

    def _keep(self, score: int, chosen: tuple[int, ...]) -> None:
        if score > self.best:
            self.best, self.found = score, []
        if score == self.best:
            self._look(1)
            self.found.append(chosen)

    def _look(self, many: int) -> None:
        self.looked += many
        if self.looked > MOST_NODES:
            raise MemberError(
                f"the best committee was not found among the first {MOST_NODES:,} partial ones; "
                "use 'seq-pav', which elects one after another"
            )


def _summed(keys: "NDArray[Any]", weights: "NDArray[Any]") -> "tuple[NDArray[Any], NDArray[Any]]":
    """Each key once, with all of its weight."""
    import numpy as np

    highest = int(keys.max())
    if highest < DENSE * len(keys):
        sums = np.zeros(highest + 1, dtype=weights.dtype)
        np.add.at(sums, keys.astype(np.int64), weights)
        different = np.flatnonzero(sums)
        return different, sums[different]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return keys[starts], np.add.reduceat(weights[order], starts)
