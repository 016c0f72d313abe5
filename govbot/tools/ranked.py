"""Counting rankings: instant runoff, and the methods that compare candidates pair by pair.

Pure and exact: whole-number matrices, fractions for points. Every method here treats candidates
and ballots alike whatever their names and order; what a method leaves level goes to the
`TieBreaker`. Sources stand with each method.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from govbot.errors import MemberError
from govbot.tools.ballots import Rankings
from govbot.tools.results import (
    Exact,
    Round,
    TallyResult,
    TieBreaker,
    Transfer,
    exact,
    fill_seats,
    gap,
    leveled,
    listed,
    shown,
    with_account,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Unranked = Literal["below", "apart"]
Strength = Callable[[Exact, Exact], tuple[Exact, Exact]]


# --- pairs -----------------------------------------------------------------------------------


class Pairs:
    """How many voters put one candidate before another: `votes[a][b]`.

    `unranked` says what leaving somebody out means: "below" all that are ranked, or "apart",
    compared with nobody.
    """

    def __init__(self, rankings: Rankings, unranked: Unranked = "below") -> None:
        if unranked not in ("below", "apart"):
            raise MemberError(f"unranked is {unranked!r}; it is 'below' or 'apart'")
        self.candidates = rankings.candidates
        self.total = rankings.total
        columns = [rankings.matrix[:, place] for place in range(len(self.candidates))]
        self.votes: dict[str, dict[str, Exact]] = {name: {} for name in self.candidates}
        for i, first in enumerate(self.candidates):
            for j, second in enumerate(self.candidates):
                if i != j:
                    before = columns[i] < columns[j]
                    if unranked == "apart":
                        before &= columns[j] < rankings.unranked
                    self.votes[first][second] = rankings.votes(int(rankings.weights[before].sum()))

    def over(self, first: str, second: str) -> Exact:
        return self.votes[first][second]

    def beats(self, first: str, second: str) -> bool:
        return self.over(first, second) > self.over(second, first)

    def defeats(self, among: Iterable[str] | None = None) -> list[tuple[str, str]]:
        names = list(self.candidates if among is None else among)
        return [(a, b) for a in names for b in names if a != b and self.beats(a, b)]

    def account(self) -> str:
        """The candidate that beats all others, if there is one, in a sentence."""
        for name in self.candidates:
            others = [other for other in self.candidates if other != name]
            if others and all(self.beats(name, other) for other in others):
                return f"{name} is preferred to every other candidate, one to one."
        return "No candidate is preferred to every other, one to one."


def _winning(votes: Exact, against: Exact) -> tuple[Exact, Exact]:
    return votes, -against


def _margin(votes: Exact, against: Exact) -> tuple[Exact, Exact]:
    return votes - against, 0


STRENGTHS: Mapping[str, Strength] = {"winning": _winning, "margins": _margin}


def _strength(name: str) -> Strength:
    if name not in STRENGTHS:
        raise MemberError(f"strength is {name!r}; it is 'winning' or 'margins'")
    return STRENGTHS[name]


def _from_scores(
    method: str, scores: Mapping[str, Exact], seats: int, rankings: Rankings,
    breaker: TieBreaker, *story: str,
) -> TallyResult:  # fmt: skip
    levels = leveled(scores)
    winners = fill_seats(levels, seats, breaker)
    result = TallyResult(
        method=method, winners=winners, ranking=levels, counts=dict(scores),
        rounds=(Round(counts=dict(scores), text=story[-1], elected=winners),),
        ballots=rankings.total, spoilt=rankings.spoilt, margin=gap(levels, scores, seats),
    )  # fmt: skip
    return with_account(result, breaker, *story, f"Elected: {listed(winners)}.")


def borda(rankings: Rankings, seats: int, breaker: TieBreaker) -> TallyResult:
    """A point for every candidate put below; level ones share (Borda 1784; tied as averages)."""
    pairs = Pairs(rankings)
    scores: dict[str, Exact] = {}
    for name in pairs.candidates:
        others = [other for other in pairs.candidates if other != name]
        wins = sum((Fraction(pairs.over(name, other)) for other in others), Fraction(0))
        level = sum(
            (pairs.total - pairs.over(name, o) - pairs.over(o, name) for o in others), Fraction(0)
        )
        scores[name] = exact(wins + Fraction(level) / 2)
    best = max(scores.values(), default=0)
    story = (
        "Each ballot gives a candidate one point for everyone it puts below; most is"
        f" {shown(best)}."
    )
    return _from_scores("borda", scores, seats, rankings, breaker, story)


def copeland(rankings: Rankings, seats: int, breaker: TieBreaker) -> TallyResult:
    """One point for every rival beaten, half for every level one (Copeland 1951)."""
    pairs = Pairs(rankings)
    scores: dict[str, Exact] = {}
    for name in pairs.candidates:
        others = [other for other in pairs.candidates if other != name]
        wins = sum(pairs.beats(name, other) for other in others)
        level = sum(pairs.over(name, o) == pairs.over(o, name) for o in others)
        scores[name] = exact(wins + Fraction(level, 2))
    story = (
        "A candidate gets a point for each rival it beats one to one and half for each level one."
    )
    return _from_scores("copeland", scores, seats, rankings, breaker, pairs.account(), story)


def minimax(
    rankings: Rankings, seats: int, breaker: TieBreaker, strength: str = "winning"
) -> TallyResult:
    """Whoever's worst defeat is the smallest (Simpson 1969, Kramer 1977)."""
    pairs, measure = Pairs(rankings), _strength(strength)
    scores: dict[str, Exact] = {}
    for name in pairs.candidates:
        worst = [
            measure(pairs.over(other, name), pairs.over(name, other))[0]
            for other in pairs.candidates
            if other != name and pairs.beats(other, name)
        ]
        scores[name] = -max(worst, default=0)
    story = "Each candidate is judged by its worst defeat; the least bad one wins."
    return _from_scores("minimax", scores, seats, rankings, breaker, pairs.account(), story)


def schulze(
    rankings: Rankings, seats: int, breaker: TieBreaker, unranked: Unranked = "below",
    strength: str = "winning",
) -> TallyResult:  # fmt: skip
    """Strongest paths (Schulze, arXiv:1804.02973): a beats b if its path to b is the stronger.

    Whoever nobody left beats comes next. Of several such, where only some of them get a seat,
    those who beat more others come first, as in Elekto; then the tie-breaker.
    """
    pairs = Pairs(rankings, unranked)
    paths = _strongest_paths(pairs, _strength(strength))
    levels = _undefeated_first(pairs.candidates, lambda a, b: paths[a][b] > paths[b][a])
    beaten: dict[str, Exact] = {
        a: sum(paths[a][b] > paths[b][a] for b in pairs.candidates if b != a)
        for a in pairs.candidates
    }
    winners = _seated(levels, beaten, seats, breaker)
    text = (
        "A candidate stands before another if its strongest chain of victories to it is stronger."
    )
    result = TallyResult(
        method="schulze", winners=winners, ranking=levels, counts=beaten,
        rounds=(Round(counts=beaten, text=text, elected=winners),),
        ballots=rankings.total, spoilt=rankings.spoilt,
    )  # fmt: skip
    return with_account(result, breaker, pairs.account(), text, f"Elected: {listed(winners)}.")


def _seated(
    levels: Sequence[Sequence[str]], beaten: Mapping[str, Exact], seats: int, breaker: TieBreaker
) -> tuple[str, ...]:
    """Of those level across the last seat, whoever beats more of all others comes first."""
    parted: list[tuple[str, ...]] = []
    taken = 0
    for level in levels:
        finer = leveled({name: beaten[name] for name in level})
        if taken < seats < taken + len(level) and len(finer) > 1:
            order = [name for group in finer for name in group]
            breaker.note(level, order, "how many others each beats")
        parted += finer if taken < seats < taken + len(level) else (tuple(level),)
        taken += len(level)
    return fill_seats(parted, seats, breaker)


def _strongest_paths(pairs: Pairs, measure: Strength) -> dict[str, dict[str, tuple[Exact, Exact]]]:
    names = pairs.candidates
    lowest: tuple[Exact, Exact] = (-1, 0)
    path = {
        a: {
            b: measure(pairs.over(a, b), pairs.over(b, a))
            if a != b and pairs.beats(a, b)
            else lowest
            for b in names
        }
        for a in names
    }
    for middle in names:
        for a in names:
            through = path[a][middle]
            if a == middle or through == lowest:
                continue
            row, onward = path[a], path[middle]
            for b in names:
                if b != a and b != middle:
                    row[b] = max(row[b], min(through, onward[b]))
    return path


def _undefeated_first(
    names: Sequence[str], beats: Callable[[str, str], bool]
) -> tuple[tuple[str, ...], ...]:
    """Levels of an order: those whom nobody left beats, then the same of the rest."""
    left, levels = list(names), []
    while left:
        top = [a for a in left if not any(beats(b, a) for b in left if b != a)]
        top = top or left  # a cycle: all of it is level
        levels.append(tuple(sorted(top)))
        left = [name for name in left if name not in top]
    return tuple(levels)


def ranked_pairs(
    rankings: Rankings, seats: int, breaker: TieBreaker, strength: str = "winning"
) -> TallyResult:
    """Victories are locked in, strongest first, unless they close a circle (Tideman 1987).

    Victories of one strength are locked together; only where they contradict one another does
    the tie-breaker order them.
    """
    pairs, measure = Pairs(rankings), _strength(strength)
    by_strength: dict[tuple[Exact, Exact], list[tuple[str, str]]] = {}
    for a, b in pairs.defeats():
        by_strength.setdefault(measure(pairs.over(a, b), pairs.over(b, a)), []).append((a, b))
    below: dict[str, set[str]] = {name: set() for name in pairs.candidates}
    for level in sorted(by_strength, reverse=True):
        possible = [(a, b) for a, b in by_strength[level] if a not in below[b]]
        if not _all_fit(below, possible):
            names = sorted({name for pair in possible for name in pair})
            place = {name: n for n, name in enumerate(breaker.best_first(names, "equal victories"))}
            possible.sort(key=lambda pair: (place[pair[0]], -place[pair[1]]))
        for a, b in possible:
            if a not in below[b]:
                _lock(below, a, b)
    levels = _undefeated_first(pairs.candidates, lambda a, b: b in below[a])
    winners = fill_seats(levels, seats, breaker)
    counts: dict[str, Exact] = {name: len(below[name]) for name in pairs.candidates}
    text = (
        "Victories one to one are locked in, the strongest first, unless they contradict"
        " stronger ones."
    )
    result = TallyResult(
        method="ranked-pairs", winners=winners, ranking=levels, counts=counts,
        rounds=(Round(counts=counts, text=text, elected=winners),),
        ballots=rankings.total, spoilt=rankings.spoilt,
    )  # fmt: skip
    return with_account(result, breaker, pairs.account(), text, f"Elected: {listed(winners)}.")


def _lock(below: dict[str, set[str]], a: str, b: str) -> None:
    """Puts b, and all below it, below a and all above a."""
    reached = {b} | below[b]
    for name in below:
        if name == a or a in below[name]:
            below[name] |= reached


def _all_fit(below: Mapping[str, set[str]], possible: Sequence[tuple[str, str]]) -> bool:
    trial = {name: set(reached) for name, reached in below.items()}
    for a, b in possible:
        if a in trial[b]:
            return False
        _lock(trial, a, b)
    return True


# --- Debian ----------------------------------------------------------------------------------


def schulze_debian(
    rankings: Rankings, seats: int, breaker: TieBreaker, default: str = "",
    quorum: Exact = 0, ratios: Mapping[str, Exact] | None = None,
) -> TallyResult:  # fmt: skip
    """Debian's constitution, A.5 (A.6 before 2022): cloneproof Schwartz sequential dropping.

    `default` is the default option ("further discussion"); `quorum` how many voters must put an
    option before it; `ratios` the majority an option needs over it (3 for 3:1), 1 where none is
    given. A tie goes to the casting vote, which is the tie-breaker's order.
    """
    if default not in rankings.candidates:
        raise MemberError(f"the default option {default!r} is no candidate; name one of them")
    if seats != 1:
        raise MemberError("this method fills one seat; use schulze for more")
    pairs, needed = Pairs(rankings), dict(ratios or {})
    left = [default]
    story: list[str] = []
    for name in pairs.candidates:
        if name == default:
            continue
        why = _dropped(pairs, name, default, quorum, needed.get(name, 1))
        if why:
            story.append(why)
        else:
            left.append(name)
    schwartz, dropped = _sequential_dropping(pairs, sorted(left))
    story += dropped
    order = breaker.best_first(schwartz, "the casting vote")
    winner = order[0]
    rest = tuple(sorted(name for name in pairs.candidates if name not in schwartz))
    ranking = (
        (winner,),
        *(((tuple(sorted(order[1:])),)) if order[1:] else ()),
        *((rest,) if rest else ()),
    )
    counts: dict[str, Exact] = {
        name: pairs.over(name, default) if name != default else 0 for name in pairs.candidates
    }
    rounds = (Round(counts=counts, text=" ".join(story), elected=(winner,)),)
    result = TallyResult(
        method="schulze-debian", winners=(winner,), ranking=ranking, counts=counts, rounds=rounds,
        ballots=rankings.total, spoilt=rankings.spoilt,
    )  # fmt: skip
    return with_account(result, breaker, *story, f"The winner is {winner}.")


def _dropped(pairs: Pairs, name: str, default: str, quorum: Exact, ratio: Exact) -> str:
    votes, against = pairs.over(name, default), pairs.over(default, name)
    if votes < quorum:
        return (
            f"{name} is dropped: {shown(votes)} put it before {default} and {shown(quorum)} must."
        )
    if votes <= ratio * against:
        need = f"more than {shown(ratio)} times " if ratio != 1 else "more than "
        return (
            f"{name} is dropped: {shown(votes)} to {shown(against)} over {default},"
            f" {need}is needed."
        )
    return ""


def _sequential_dropping(pairs: Pairs, names: list[str]) -> tuple[list[str], list[str]]:
    """The Schwartz set once its weakest defeats have been dropped until none is left in it."""
    defeats, story = set(pairs.defeats(names)), list[str]()
    while True:
        schwartz = _schwartz(names, defeats)
        within = [(a, b) for a, b in defeats if a in schwartz and b in schwartz]
        if not within:
            return sorted(schwartz), story
        defeats = {(a, b) for a, b in defeats if a in schwartz and b in schwartz}
        weakest = min(_winning(pairs.over(a, b), pairs.over(b, a)) for a, b in within)
        fallen = [
            (a, b) for a, b in within if _winning(pairs.over(a, b), pairs.over(b, a)) == weakest
        ]
        for a, b in sorted(fallen):
            story.append(
                f"The weakest defeat, {a} over {b} by {shown(pairs.over(a, b))} to"
                f" {shown(pairs.over(b, a))}, is dropped."
            )
        defeats -= set(fallen)
        names = sorted(schwartz)


def _schwartz(names: Sequence[str], defeats: set[tuple[str, str]]) -> set[str]:
    """Those who transitively defeat everyone who transitively defeats them."""
    reach = {a: {b for x, b in defeats if x == a} for a in names}
    for middle in names:
        for a in names:
            if middle in reach[a]:
                reach[a] |= reach[middle]
    return {a for a in names if all(b in reach[a] for b in names if a in reach[b])}


# --- instant runoff --------------------------------------------------------------------------


def irv(
    rankings: Rankings, seats: int, breaker: TieBreaker,
    overvote: Literal["exhaust", "skip"] = "exhaust",
) -> TallyResult:  # fmt: skip
    """Instant runoff: the last is eliminated until one has more than half of the votes in play.

    A ballot counts for its best candidate still in. Where two are level at its best rank it is
    exhausted ("exhaust", as in US elections) or goes on to its next rank ("skip"). Of candidates
    level at the end the one with fewer votes in the latest earlier round goes.
    """
    if seats != 1:
        raise MemberError("instant runoff fills one seat; use stv-scottish for more")
    if overvote not in ("exhaust", "skip"):
        raise MemberError(f"overvote is {overvote!r}; it is 'exhaust' or 'skip'")
    return _Runoff(rankings, breaker, overvote).run()


class _Runoff:
    def __init__(self, rankings: Rankings, breaker: TieBreaker, overvote: str) -> None:
        self.rankings, self.breaker, self.overvote = rankings, breaker, overvote
        self.left = list(rankings.candidates)
        self.history: list[dict[str, Exact]] = []
        self.rounds: list[Round] = []
        self.out: list[str] = []

    def run(self) -> TallyResult:
        choice = best_choices(self.rankings, self.left, self.overvote)
        while True:
            counts = self._counts(choice)
            self.history.append(counts)
            total = sum(counts.values(), Fraction(0))
            leader = max(self.left, key=lambda name: counts[name])
            if 2 * counts[leader] > total or len(self.left) == 1:
                return self._elect(leader, counts, total)
            last = self._last(counts)
            self.left.remove(last)
            self.out.append(last)
            after = best_choices(self.rankings, self.left, self.overvote)
            moves = moved(self.rankings, choice, after, last)
            self._note(counts, total, last, moves)
            choice = after

    def _counts(self, choice: "NDArray[np.int64]") -> dict[str, Exact]:
        return {
            name: self.rankings.votes(int(self.rankings.weights[choice == place].sum()))
            for place, name in enumerate(self.rankings.candidates)
            if name in self.left
        }

    def _last(self, counts: Mapping[str, Exact]) -> str:
        fewest = min(counts.values())
        level = [name for name in self.left if counts[name] == fewest]
        return last_of(level, self.history[:-1], self.breaker)

    def _note(
        self, counts: dict[str, Exact], total: Exact, last: str, moves: tuple[Transfer, ...]
    ) -> None:
        exhausted = self.rankings.total - total
        text = (
            f"Round {len(self.rounds) + 1}: nobody has more than half of {shown(total)}, so {last},"
            f" last with {shown(counts[last])}, is eliminated; {account_of(last, moves)}."
        )
        self.rounds.append(Round(counts, text, (), (last,), moves, exhausted))

    def _elect(self, leader: str, counts: dict[str, Exact], total: Exact) -> TallyResult:
        text = (
            f"Round {len(self.rounds) + 1}: {leader} has {shown(counts[leader])} of {shown(total)}"
        )
        text += (
            ", more than half, and is elected." if 2 * counts[leader] > total else " and is left."
        )
        self.rounds.append(Round(counts, text, (leader,), (), (), self.rankings.total - total))
        others = leveled({name: counts[name] for name in self.left if name != leader})
        ranking = ((leader,), *others, *((name,) for name in reversed(self.out)))
        rivals = sorted((counts[name] for name in self.left if name != leader), reverse=True)
        margin = (
            f"{leader} is {shown(counts[leader] - rivals[0])} ahead in the last round."
            if rivals
            else ""
        )
        result = TallyResult(
            method="irv", winners=(leader,), ranking=ranking, rounds=tuple(self.rounds),
            counts=counts, ballots=self.rankings.total, spoilt=self.rankings.spoilt, margin=margin,
        )  # fmt: skip
        return with_account(result, self.breaker, *(each.text for each in self.rounds))


def best_choices(
    rankings: Rankings, left: Sequence[str], overvote: str = "exhaust"
) -> "NDArray[np.int64]":
    """For each grouped ballot the place of its best candidate still in; -1 if it has none."""
    import numpy as np

    places = np.array([i for i, name in enumerate(rankings.candidates) if name in set(left)])
    if not len(places) or not len(rankings.matrix):
        return np.full(len(rankings.matrix), -1, dtype=np.int64)
    part = rankings.matrix[:, places]
    best = part.min(axis=1)
    choice = places[part.argmin(axis=1)]
    choice = np.where(best < rankings.unranked, choice, -1)
    level = (part == best[:, None]).sum(axis=1) > 1
    if overvote == "exhaust":
        return _overvoted(rankings, choice, best, level)
    for row in np.flatnonzero(level & (choice >= 0)):
        choice[row] = _single(part[row], places, rankings.unranked)
    return choice


def _overvoted(
    rankings: Rankings, choice: "NDArray[np.int64]", best: "NDArray[np.int16]",
    level: "NDArray[np.bool_]",
) -> "NDArray[np.int64]":  # fmt: skip
    """An overvote exhausts a ballot even when one of those level has left the count since."""
    import numpy as np

    matrix = rankings.matrix
    for place in range(int(matrix[matrix < rankings.unranked].max(initial=-1)) + 1):
        over = (matrix == place).sum(axis=1) > 1
        choice = np.where(over & (best >= place), -1, choice)
    return np.where(level, -1, choice)


def _single(tiers: "NDArray[np.int16]", places: "NDArray[np.int64]", unranked: int) -> int:
    for tier in sorted(set(tiers.tolist())):
        who = [int(p) for p, t in zip(places, tiers.tolist(), strict=True) if t == tier]
        if tier < unranked and len(who) == 1:
            return who[0]
    return -1


def moved(
    rankings: Rankings, before: "NDArray[np.int64]", after: "NDArray[np.int64]", source: str
) -> tuple[Transfer, ...]:
    """Where the votes of somebody who left go, most first; those without a choice last."""
    hers = before == rankings.candidates.index(source)
    gained: dict[str | None, Exact] = {}
    for place in sorted(set(after[hers].tolist())):
        name = rankings.candidates[place] if place >= 0 else None
        gained[name] = rankings.votes(int(rankings.weights[hers & (after == place)].sum()))
    order = sorted(gained.items(), key=lambda item: (item[0] is None, -item[1], item[0] or ""))
    return tuple(Transfer(source, name, votes) for name, votes in order)


def account_of(source: str, moves: Sequence[Transfer]) -> str:
    """'7 of Dana's ballots go to Ana, 3 to Bo, 2 have no further choice'."""
    parts = []
    for move in moves:
        if move.to is None:
            parts.append(f"{shown(move.votes)} have no further choice")
        elif not parts:
            parts.append(f"{shown(move.votes)} of {source}'s ballots go to {move.to}")
        else:
            parts.append(f"{shown(move.votes)} to {move.to}")
    return ", ".join(parts) or f"{source} has no ballots to pass on"


def last_of(
    level: Sequence[str], history: Sequence[Mapping[str, Exact]], breaker: TieBreaker
) -> str:
    """Who goes of those level at the end: by the latest round that parts them, else by lot."""
    among = list(level)
    for counts in reversed(history):
        if len(among) == 1:
            break
        fewest = min(counts[name] for name in among)
        among = [name for name in among if counts[name] == fewest]
    if len(level) > 1 and len(among) == 1:
        order = [*sorted(name for name in level if name != among[0]), among[0]]
        breaker.note(level, order, "the votes of earlier rounds")
    return among[0] if len(among) == 1 else breaker.best_first(among, "elimination")[-1]
