"""The single transferable vote, as Scotland counts it and as Meek defined it.

Pure and exact: votes are whole numbers of 1/100,000 (Scottish) or of 1/1,000,000,000 (Meek), cut
off as the rules say, so that a count on paper and this one agree to the last digit. Where a ballot
ranks two level it ends there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from govbot.tools.ballots import Rankings
from govbot.tools.ranked import account_of, best_choices, last_of
from govbot.tools.results import (
    Exact,
    Round,
    TallyResult,
    TieBreaker,
    Transfer,
    leveled,
    listed,
    shown,
    with_account,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIVE_PLACES = 10**5
NINE_PLACES = 10**9
SETTLED = 10**6
MOST_ITERATIONS = 10_000


def stv_scottish(rankings: Rankings, seats: int, breaker: TieBreaker) -> TallyResult:
    """Weighted inclusive Gregory, as in SSI 2007/42, rules 45 to 52.

    The quota is valid votes divided by seats and one, cut to a whole number, and one. Every paper
    of an elected candidate moves on at its value times surplus over votes, cut to five decimals.
    The largest surplus goes first; without one the candidate with fewest votes is excluded. Ties
    go by the latest stage that parts them, then by lot.
    """
    return _Scottish(rankings, seats, breaker).run()


class _Scottish:
    def __init__(self, rankings: Rankings, seats: int, breaker: TieBreaker) -> None:
        import numpy as np

        self.rankings, self.seats, self.breaker = rankings, seats, breaker
        self.unit = FIVE_PLACES
        total = int(rankings.weights.sum()) if len(rankings.weights) else 0
        # Products of value and surplus must stay exact: past this, whole numbers of any size.
        kind: Any = np.int64 if total < 2**62 // self.unit**2 else object
        self.weights = rankings.weights.astype(kind)
        self.value = np.full(len(self.weights), self.unit, dtype=kind)
        whole = total // rankings.scale
        self.quota = (whole // (seats + 1) + 1) * self.unit * rankings.scale
        self.left = list(rankings.candidates)
        self.elected: list[str] = []
        self.excluded: list[str] = []
        self.surpluses: dict[str, int] = {}
        self.holder = best_choices(rankings, self.left)
        self.history: list[dict[str, int]] = []
        self.rounds: list[Round] = []

    def run(self) -> TallyResult:
        self._count()
        self._elect_reached("", ())
        while len(self.elected) < self.seats:
            if len(self.left) <= self.seats - len(self.elected):
                self._fill()
            elif self.surpluses:
                self._transfer_surplus()
            else:
                self._exclude()
        return self._result()

    def _votes(self, units: int) -> Exact:
        value = Fraction(units, self.unit * self.rankings.scale)
        return value.numerator if value.denominator == 1 else value

    def _count(self) -> dict[str, int]:
        held = self.weights * self.value
        counts = {
            name: int(held[self.holder == place].sum())
            for place, name in enumerate(self.rankings.candidates)
        }
        # Who was elected and has passed on a surplus keeps the quota.
        for name in self.elected:
            if name not in self.surpluses and self.history:
                counts[name] = min(self.history[-1][name], self.quota)
        self.history.append(counts)
        return counts

    def _elect_reached(self, story: str, moves: tuple[Transfer, ...], out: str = "") -> None:
        counts = self.history[-1]
        reached = [name for name in self.left if counts[name] >= self.quota]
        reached.sort(key=lambda name: (-counts[name], name))
        for name in reached:
            self.left.remove(name)
            self.elected.append(name)
            if counts[name] > self.quota:
                self.surpluses[name] = counts[name] - self.quota
        quota = shown(self._votes(self.quota))
        told = (
            f" {listed(reached)} reach{'es' if len(reached) == 1 else ''} the quota of {quota}."
            if reached
            else ""
        )
        start = "" if self.rounds else f" {self.seats} to elect, quota {quota}."
        text = f"Stage {len(self.rounds) + 1}:{start}{story}{told}"
        if not reached and not self.rounds:
            text += f" Nobody reaches the quota of {quota}."
        exact = {name: self._votes(units) for name, units in counts.items()}
        lost = self._votes(int(self.rankings.weights.sum()) * self.unit - sum(counts.values()))
        gone = (out,) if out else ()
        self.rounds.append(Round(exact, text, tuple(reached), gone, moves, lost))

    def _transfer_surplus(self) -> None:
        largest = max(self.surpluses.values())
        level = [name for name, surplus in self.surpluses.items() if surplus == largest]
        source = _first_of(level, self.history[:-1], self.breaker)
        surplus = self.surpluses.pop(source)
        votes = self.history[-1][source]
        mine = self.holder == self.rankings.candidates.index(source)
        self.value[mine] = self.value[mine] * surplus // votes
        story = f" {source}'s surplus of {shown(self._votes(surplus))} is passed on: "
        self._pass_on(source, mine, story)

    def _exclude(self) -> None:
        counts = self.history[-1]
        fewest = min(counts[name] for name in self.left)
        level = [name for name in self.left if counts[name] == fewest]
        last = last_of(level, self.history[:-1], self.breaker)
        self.left.remove(last)
        self.excluded.append(last)
        mine = self.holder == self.rankings.candidates.index(last)
        story = f" {last}, last with {shown(self._votes(fewest))}, is excluded: "
        self._pass_on(last, mine, story, out=last)

    def _pass_on(self, source: str, mine: "NDArray[np.bool_]", story: str, out: str = "") -> None:
        part = Rankings(
            self.rankings.candidates, self.rankings.matrix[mine], self.weights[mine],
            self.rankings.scale, (),
        )  # fmt: skip
        after = best_choices(part, self.left)
        held = self.weights[mine] * self.value[mine]
        moves = []
        for place in sorted(set(after.tolist())):
            name = self.rankings.candidates[place] if place >= 0 else None
            moves.append(Transfer(source, name, self._votes(int(held[after == place].sum()))))
        moves.sort(key=lambda move: (move.to is None, -move.votes, move.to or ""))
        self.holder[mine] = after
        self._count()
        self._elect_reached(f"{story}{account_of(source, moves)}.", tuple(moves), out)

    def _fill(self) -> None:
        """As many are left as seats: all are elected, whatever they have."""
        rest = sorted(self.left, key=lambda name: (-self.history[-1][name], name))
        self.elected += rest
        self.left = []
        last = self.rounds[-1]
        seats = "seat" if len(rest) == 1 else "seats"
        text = f"{last.text} {listed(rest)} take{'s' if len(rest) == 1 else ''} the {seats} left."
        self.rounds[-1] = Round(
            last.counts,
            text,
            (*last.elected, *rest),
            last.eliminated,
            last.transfers,
            last.exhausted,
        )

    def _result(self) -> TallyResult:
        counts = {name: self._votes(units) for name, units in self.history[-1].items()}
        rest = leveled({name: counts[name] for name in self.left})
        ranking = (
            *((name,) for name in self.elected), *rest,
            *((name,) for name in reversed(self.excluded)),
        )  # fmt: skip
        result = TallyResult(
            method="stv-scottish", winners=tuple(self.elected), ranking=ranking,
            rounds=tuple(self.rounds), counts=counts, ballots=self.rankings.total,
            spoilt=self.rankings.spoilt, quota=self._votes(self.quota),
        )  # fmt: skip
        return with_account(result, self.breaker, *(each.text for each in self.rounds))


def _first_of(
    level: Sequence[str], history: Sequence[Mapping[str, int]], breaker: TieBreaker
) -> str:
    """Whose surplus goes first of equal ones: by the latest stage that parts them, then by lot."""
    among = list(level)
    for counts in reversed(history):
        most = max(counts[name] for name in among)
        among = [name for name in among if counts[name] == most]
    if len(level) > 1 and len(among) == 1:
        order = [among[0], *sorted(name for name in level if name != among[0])]
        breaker.note(level, order, "the votes of earlier stages")
    return among[0] if len(among) == 1 else breaker.best_first(among, "surplus")[0]


# --- Meek ------------------------------------------------------------------------------------


def stv_meek(rankings: Rankings, seats: int, breaker: TieBreaker) -> TallyResult:
    """Meek's method (Hill, Wichmann and Woodall, The Computer Journal 30(3), 1987).

    Everyone elected keeps just the share of each vote that leaves them the quota, and the quota
    falls as votes run out. Shares and votes are whole numbers of 1/1,000,000,000, cut off; a
    round has settled when the surpluses together are below a millionth of a vote.
    """
    return _Meek(rankings, seats, breaker).run()


@dataclass(slots=True)
class _Settled:
    counts: dict[str, int]
    quota: int
    excess: int


class _Meek:
    def __init__(self, rankings: Rankings, seats: int, breaker: TieBreaker) -> None:
        import numpy as np

        self.rankings, self.seats, self.breaker = rankings, seats, breaker
        self.unit = NINE_PLACES
        self.order = _preferences(rankings)
        total = int(rankings.weights.sum()) if len(rankings.weights) else 0
        self.kind: Any = np.int64 if total * self.unit < 2**62 else object
        self.weights = rankings.weights.astype(self.kind)
        self.total = total * self.unit
        self.keep = dict.fromkeys(rankings.candidates, self.unit)
        self.left = list(rankings.candidates)
        self.elected: list[str] = []
        self.excluded: list[str] = []
        self.history: list[dict[str, int]] = []
        self.rounds: list[Round] = []

    def run(self) -> TallyResult:
        while True:
            settled = self._settle()
            self.history.append(settled.counts)
            room = self.seats - len(self.elected)
            if room <= 0 or len(self.left) <= room:
                self._note(settled, self.left if room > 0 else [], "")
                self.elected += (
                    sorted(self.left, key=lambda n: (-settled.counts[n], n)) if room > 0 else []
                )
                self.left = [] if room > 0 else self.left
                return self._result(settled)
            fewest = min(settled.counts[name] for name in self.left)
            level = [name for name in self.left if settled.counts[name] == fewest]
            last = last_of(level, self.history[:-1], self.breaker)
            self._note(settled, (), last)
            self.left.remove(last)
            self.excluded.append(last)
            self.keep[last] = 0

    def _settle(self) -> _Settled:
        """Shares adjusted until nobody elected has a surplus worth speaking of.

        Cutting off leaves a crumb on every ballot, so a large count settles when the surpluses
        stop falling.
        """
        before = self.total + 1
        for _ in range(MOST_ITERATIONS):
            counts, excess = self._distribute()
            quota = (self.total - excess) // (self.seats + 1) + 1
            reached = [name for name in self.left if counts[name] >= quota]
            for name in sorted(reached, key=lambda n: (-counts[n], n)):
                if len(self.elected) < self.seats:
                    self.left.remove(name)
                    self.elected.append(name)
            surplus = sum(max(counts[name] - quota, 0) for name in self.elected)
            settled = surplus < self.unit // SETTLED or (surplus >= before and not reached)
            if len(self.elected) >= self.seats or settled:
                return _Settled(counts, quota, excess)
            before = surplus
            for name in self.elected:
                # Rounded up, so that nobody elected falls below the quota by it.
                self.keep[name] = min(-(-self.keep[name] * quota // counts[name]), self.unit)
        return _Settled(counts, quota, excess)

    def _distribute(self) -> tuple[dict[str, int], int]:
        """Votes by the present shares, and what no share takes."""
        import numpy as np

        keep = np.array([self.keep[n] for n in self.rankings.candidates] + [0], dtype=self.kind)
        counts = dict.fromkeys(self.rankings.candidates, 0)
        remaining = np.full(len(self.weights), self.unit, dtype=self.kind)
        for place in range(self.order.shape[1]):
            who = self.order[:, place]
            # Cut off upwards, as the method has it: a share never loses by rounding.
            given = np.minimum(-(-(remaining * keep[who]) // self.unit), remaining)
            held = given * self.weights
            for index in set(who.tolist()) - {len(self.rankings.candidates)}:
                counts[self.rankings.candidates[index]] += int(held[who == index].sum())
            remaining = remaining - given
        return counts, int((remaining * self.weights).sum())

    def _votes(self, units: int) -> Exact:
        value = Fraction(units, self.unit * self.rankings.scale)
        return value.numerator if value.denominator == 1 else value

    def _note(self, settled: _Settled, rest: Sequence[str], last: str) -> None:
        known = {name for each in self.rounds for name in each.elected}
        new = [name for name in self.elected if name not in known]
        parts = [f"Round {len(self.rounds) + 1}: the quota is {shown(self._votes(settled.quota))}."]
        if new:
            parts.append(f"{listed(new)} reach{'es' if len(new) == 1 else ''} it.")
        if last:
            parts.append(
                f"{last}, last with {shown(self._votes(settled.counts[last]))}, is excluded."
            )
        if rest:
            parts.append(
                f"{listed(sorted(rest))} take{'s' if len(rest) == 1 else ''} what is left."
            )
        counts = {name: self._votes(units) for name, units in settled.counts.items()}
        gone = (last,) if last else ()
        lost = self._votes(settled.excess)
        self.rounds.append(Round(counts, " ".join(parts), (*new, *sorted(rest)), gone, (), lost))

    def _result(self, settled: _Settled) -> TallyResult:
        counts = {name: self._votes(units) for name, units in settled.counts.items()}
        rest = leveled({name: counts[name] for name in self.left})
        ranking = (
            *((name,) for name in self.elected), *rest,
            *((name,) for name in reversed(self.excluded)),
        )  # fmt: skip
        result = TallyResult(
            method="stv-meek", winners=tuple(self.elected), ranking=ranking,
            rounds=tuple(self.rounds), counts=counts, ballots=self.rankings.total,
            spoilt=self.rankings.spoilt, quota=self._votes(settled.quota),
        )  # fmt: skip
        return with_account(result, self.breaker, *(each.text for each in self.rounds))


def _preferences(rankings: Rankings) -> "NDArray[np.int64]":
    """Candidates by preference, a row a ballot, ended by the number of candidates."""
    import numpy as np

    matrix, none = rankings.matrix, rankings.unranked
    order = np.argsort(matrix, axis=1, kind="stable").astype(np.int64)
    ranks = np.take_along_axis(matrix, order, axis=1)
    ended = ranks >= none
    if order.shape[1] > 1:
        level = (ranks[:, 1:] == ranks[:, :-1]) & ~ended[:, 1:]
        first = np.pad(level, ((0, 0), (0, 1)))  # the first of a level pair ends the ballot too
        ended |= np.logical_or.accumulate(first, axis=1)
    order[ended] = none
    return order


METHODS: Mapping[str, Callable[[Rankings, int, TieBreaker], TallyResult]] = {
    "stv-scottish": stv_scottish,
    "stv-meek": stv_meek,
}
