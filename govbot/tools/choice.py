"""Counting single choices, approvals and scores.

Owns plurality, majorities of every fraction and base, consent, two rounds, approval, score, STAR
and cumulative voting. Pure and exact. What a threshold, a base or an abstention is comes from the
caller, who has it from a charter.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import itemgetter
from typing import Any

from govbot.errors import MemberError
from govbot.records import canonical
from govbot.tools.ballots import Marks, candidate_names, weight_of
from govbot.tools.results import (
    Exact,
    Round,
    Spoilt,
    TallyResult,
    TieBreaker,
    ballots_seed,
    exact,
    fill_seats,
    gap,
    leveled,
    listed,
    shown,
    with_account,
)

FAST = 1000  # from so many plain rankings on, their first names are counted in one go


@dataclass(frozen=True, slots=True)
class Choices:
    """One choice a ballot: how many votes each candidate has."""

    candidates: tuple[str, ...]
    counts: Mapping[str, Exact]
    spoilt: tuple[Spoilt, ...] = ()

    @property
    def total(self) -> Exact:
        return exact(sum(self.counts.values(), Fraction(0)))

    def seed(self) -> str:
        """The digest of the counts, which are all that single choices come to."""
        return ballots_seed(canonical([[name, str(self.counts[name])] for name in self.candidates]))


def read_choices(ballots: Iterable[Any], candidates: Sequence[str] | None = None) -> Choices:
    """Single choices from names, or mappings with `choice` and `count` or `weight`.

    A ranking, a list of names, counts for its first. A ballot without a name, or with that of
    nobody standing, is spoilt.
    """
    held = ballots if isinstance(ballots, list) else list(ballots)
    known = candidate_names(candidates) if candidates is not None else None
    votes: Counter[str] = Counter()
    spoilt: list[Spoilt] = []
    if (fast := _first_names(held, known)) is not None:
        votes = fast
    else:
        for place, ballot in enumerate(held, 1):
            _count(ballot, place, known, votes, spoilt)
    names = tuple(sorted(known if known is not None else candidate_names(votes)))
    return Choices(names, {name: votes[name] for name in names}, tuple(spoilt))


def _first_names(held: list[Any], known: tuple[str, ...] | None) -> Counter[str] | None:
    """The first names of very many plain lists; None where one of them needs a closer look."""
    if len(held) < FAST or set(map(type, held)) - {list, tuple}:
        return None
    try:
        votes = Counter(map(itemgetter(0), held))
    except (IndexError, TypeError):
        return None
    fine = all(isinstance(name, str) and name.strip() for name in votes)
    return votes if fine and (known is None or votes.keys() <= set(known)) else None


def _count(
    ballot: Any, place: int, known: tuple[str, ...] | None, votes: Counter[str],
    spoilt: list[Spoilt],
) -> None:  # fmt: skip
    weight: Exact = 1
    if isinstance(ballot, Mapping):
        what = f"the weight of ballot {place}"
        weight = weight_of(ballot.get("count", 1), what) * weight_of(ballot.get("weight", 1), what)
        ballot = ballot.get("choice", ballot.get("ranking"))
    if isinstance(ballot, list | tuple) and ballot:
        ballot = ballot[0]
        ballot = ballot[0] if isinstance(ballot, list | tuple) and len(ballot) == 1 else ballot
    copies = int(weight) if isinstance(weight, int) else 1
    if not isinstance(ballot, str) or not ballot.strip():
        spoilt.append(Spoilt(place, "it names nobody, or several as level", copies))
    elif known is not None and ballot not in known:
        spoilt.append(Spoilt(place, f"it names {ballot!r}, who is no candidate", copies))
    else:
        votes[ballot] += weight  # type: ignore[assignment]  # a Counter may hold fractions


# --- one choice ------------------------------------------------------------------------------


def plurality(choices: Choices, seats: int, breaker: TieBreaker) -> TallyResult:
    """Most votes win, however few they are of all."""
    return _by_votes("plurality", choices.counts, seats, choices.spoilt, choices.total, breaker)


def _by_votes(
    method: str, counts: Mapping[str, Exact], seats: int, spoilt: tuple[Spoilt, ...],
    ballots: Exact, breaker: TieBreaker, *story: str,
) -> TallyResult:  # fmt: skip
    levels = leveled(counts)
    winners = fill_seats(levels, seats, breaker)
    most = max(counts.values(), default=0)
    text = f"{listed(levels[0]) if levels else 'Nobody'}: most, with {shown(most)}."
    result = TallyResult(
        method=method, winners=winners, ranking=levels, counts=dict(counts), spoilt=spoilt,
        rounds=(Round(counts=dict(counts), text=text, elected=winners),), ballots=ballots,
        margin=gap(levels, counts, seats),
    )  # fmt: skip
    return with_account(result, breaker, *story, text, f"Elected: {listed(winners)}.")


def majority(
    choices: Choices, seats: int, breaker: TieBreaker, needs: Any = "1/2", at_least: bool = False,
    of: str = "votes", bases: Mapping[str, Any] | None = None, quorum: Any = 0,
    quorum_of: str = "ballots", abstain: Sequence[str] = (),
) -> TallyResult:  # fmt: skip
    """Whoever has more than `needs` of a base; nobody, where none has or the quorum is missed.

    `needs` is a fraction, and `at_least` lets exactly that much do. `of` names the base: "votes"
    (abstentions left out), "ballots" (abstentions counted) or one of `bases`, such as
    {"eligible": 120, "present": 80}. `abstain` names the choices that are abstentions. `quorum`
    is a number, or a fraction up to 1 of the base `quorum_of`, that the ballots must reach.
    """
    sizes = _bases(choices, bases, abstain)
    required = _needed(needs, "needs") * _base(sizes, of)
    counts = {name: n for name, n in choices.counts.items() if name not in abstain}
    missed = _missed(sizes, quorum, quorum_of)
    levels = leveled(counts)
    passing = [n for n in counts if counts[n] >= required and (at_least or counts[n] > required)]
    passing = passing if sizes["votes"] and not missed else []
    order = tuple(tuple(name for name in level if name in passing) for level in levels)
    winners = fill_seats(order, min(seats, len(passing)), breaker) if passing else ()
    words = "at least" if at_least else "more than"
    bar = f"{words} {shown(exact(required))}, {needs} of {shown(sizes[of])} {of}"
    text = missed or f"It takes {bar}: {_reached(counts, winners)}."
    result = TallyResult(
        method="majority", winners=winners, ranking=levels, counts=counts, spoilt=choices.spoilt,
        rounds=(Round(counts=counts, text=text, elected=winners),), ballots=choices.total,
        quota=exact(required), margin=_short_of(counts, exact(required), winners),
    )  # fmt: skip
    return with_account(result, breaker, text)


def _bases(
    choices: Choices, bases: Mapping[str, Any] | None, abstain: Sequence[str]
) -> dict[str, Exact]:
    cast = exact(sum((n for name, n in choices.counts.items() if name not in abstain), Fraction(0)))
    given = {name: weight_of(size, f"the number of {name}") for name, size in (bases or {}).items()}
    return {**given, "votes": cast, "ballots": choices.total}


def _base(sizes: Mapping[str, Exact], name: str) -> Exact:
    if name not in sizes:
        raise MemberError(f"nobody said how many {name!r} there are; known are {listed(sizes)}")
    return sizes[name]


def _needed(value: Any, what: str) -> Exact:
    needed = weight_of(value, what)
    if needed > 1:
        raise MemberError(f"{what} is {value}; write it as a fraction up to 1, such as 2/3")
    return needed


def _missed(sizes: Mapping[str, Exact], quorum: Any, of: str) -> str:
    """Why there is no quorum; empty if there is."""
    if not quorum:
        return ""
    wanted = weight_of(quorum, "the quorum")
    part = isinstance(wanted, Fraction) and wanted < 1
    needed = exact(wanted * _base(sizes, of)) if part else wanted
    if sizes["ballots"] >= needed:
        return ""
    base = f", {quorum} of {shown(sizes[of])} {of}" if part else ""
    return f"There is no quorum: {shown(sizes['ballots'])} took part of {shown(needed)}{base}."


def _reached(counts: Mapping[str, Exact], winners: Sequence[str]) -> str:
    if winners:
        return f"{listed(f'{name} has {shown(counts[name])}' for name in winners)}"
    best = max(counts.values(), default=0)
    return f"nobody has; the most is {shown(best)}"


def _short_of(counts: Mapping[str, Exact], required: Exact, winners: Sequence[str]) -> str:
    if winners:
        return f"{winners[-1]} is {shown(counts[winners[-1]] - required)} above what it takes."
    short = required - max(counts.values(), default=0)
    return f"{shown(short)} short of what it takes."


def consent(
    choices: Choices, seats: int, breaker: TieBreaker, yes: str = "consent", no: str = "block",
    least: Any = 1, most_blocks: int = 0,
) -> TallyResult:  # fmt: skip
    """Adopted when at least `least` consent and no more than `most_blocks` block it."""
    for name in (yes, no):
        if name not in choices.candidates:
            raise MemberError(f"{name!r} is no choice here; there are {listed(choices.candidates)}")
    blocks, agreed = choices.counts[no], choices.counts[yes]
    adopted = agreed >= weight_of(least, "least") and blocks <= most_blocks
    winners = (yes,) if adopted else (no,) if blocks > most_blocks else ()
    text = f"{shown(agreed)} chose {yes}, {shown(blocks)} chose {no}: " + (
        "adopted." if adopted else "blocked." if winners else "not enough consent."
    )
    result = TallyResult(
        method="consent", winners=winners, ranking=leveled(choices.counts),
        counts=dict(choices.counts), rounds=(Round(counts=dict(choices.counts), text=text),),
        spoilt=choices.spoilt, ballots=choices.total,
    )  # fmt: skip
    return with_account(result, breaker, text)


def two_round(
    choices: Choices, seats: int, breaker: TieBreaker, second: Iterable[Any] | None = None
) -> TallyResult:
    """Over half of the votes wins; else the first two go on to a `second` round of ballots.

    Until there is one nobody is elected, and the two stand first in the ranking.
    """
    if seats != 1:
        raise MemberError("two rounds fill one seat; use plurality or stv-scottish for more")
    levels = leveled(choices.counts)
    best = max(choices.counts.values(), default=0)
    if 2 * best > choices.total:
        text = f"{levels[0][0]} has {shown(best)} of {shown(choices.total)} votes, more than half."
        first = Round(counts=dict(choices.counts), text=text, elected=levels[0])
        return _two_round(choices, levels[0], levels, (first,), breaker)
    two = fill_seats(levels, 2, breaker, "a place in the second round")
    text = f"Nobody has more than half of {shown(choices.total)}: {listed(two)} go on."
    first = Round(counts=dict(choices.counts), text=text)
    rest = [tuple(n for n in level if n not in two) for level in levels]
    behind = tuple(level for level in rest if level)
    if second is None:
        return _two_round(choices, (), (two, *behind), (first,), breaker)
    runoff = read_choices(second, two)
    winners = fill_seats(leveled(runoff.counts), 1, breaker, "the second round")
    lost = tuple(name for name in two if name not in winners)
    text = f"Second round: {listed(f'{n} {shown(runoff.counts[n])}' for n in winners + lost)}."
    last = Round(counts=dict(runoff.counts), text=text, elected=winners)
    result = _two_round(choices, winners, (winners, lost, *behind), (first, last), breaker)
    spoilt = tuple(replace(each, why=f"{each.why} (second round)") for each in runoff.spoilt)
    return replace(result, counts=dict(runoff.counts), spoilt=result.spoilt + spoilt)


def _two_round(
    choices: Choices, winners: tuple[str, ...], ranking: tuple[tuple[str, ...], ...],
    rounds: tuple[Round, ...], breaker: TieBreaker,
) -> TallyResult:  # fmt: skip
    result = TallyResult(
        method="two-round", winners=winners, ranking=tuple(level for level in ranking if level),
        rounds=rounds, counts=dict(choices.counts), ballots=choices.total, spoilt=choices.spoilt,
        quota=exact(Fraction(choices.total) / 2),
    )  # fmt: skip
    return with_account(result, breaker, *(each.text for each in rounds))


# --- approvals and scores --------------------------------------------------------------------


def sums(marks: Marks) -> dict[str, Exact]:
    """What each candidate's marks add up to."""
    total: dict[str, Exact] = dict.fromkeys(marks.candidates, 0)
    for given, weight in marks.groups.items():
        for name, mark in given:
            total[name] += mark * weight
    return total


def approval(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """Approved by most (Brams and Fishburn 1978)."""
    return _by_votes("approval", sums(marks), seats, marks.spoilt, marks.total, breaker)


def score(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """The highest sum of scores; whoever a ballot leaves out gets its lowest score."""
    return _by_votes("score", sums(marks), seats, marks.spoilt, marks.total, breaker)


def cumulative(marks: Marks, seats: int, breaker: TieBreaker, points: int = 0) -> TallyResult:
    """Each ballot spreads its points as it likes; `points` is the most it may give, 0 for any."""
    fine, spoilt = {}, list(marks.spoilt)
    for given, weight in marks.groups.items():
        spent = sum(mark for _, mark in given)
        if points and spent > points:
            copies = int(weight) if isinstance(weight, int) else 1
            spoilt.append(Spoilt(0, f"it gives {spent} points of {points}", copies))
        else:
            fine[given] = weight
    kept = replace(marks, groups=fine, spoilt=tuple(spoilt))
    return _by_votes("cumulative", sums(kept), seats, kept.spoilt, kept.total, breaker)


def star(marks: Marks, seats: int, breaker: TieBreaker) -> TallyResult:
    """Score, then automatic runoff between the two highest (Equal Vote Coalition, 2014).

    Ties by its official rules: for a place in the runoff, who is preferred by more, then who has
    more of the highest scores; in the runoff, the higher score, then more of the highest scores;
    then the tie-breaker. Several seats are filled one after another (bloc STAR).
    """
    left, rounds, elected = list(marks.candidates), list[Round](), list[str]()
    totals = sums(marks)
    for _ in range(seats):
        contest = _Star(marks, totals, left, breaker)
        winner = contest.winner(rounds)
        elected.append(winner)
        left.remove(winner)
    behind = leveled({name: totals[name] for name in left})
    result = TallyResult(
        method="star", winners=tuple(elected), counts=totals, rounds=tuple(rounds),
        ranking=(*((name,) for name in elected), *behind), ballots=marks.total, spoilt=marks.spoilt,
    )  # fmt: skip
    return with_account(result, breaker, *(each.text for each in rounds))


class _Star:
    """One seat: the two finalists, and which of them more ballots put higher."""

    def __init__(
        self, marks: Marks, totals: Mapping[str, Exact], left: list[str], breaker: TieBreaker
    ) -> None:
        self.marks, self.totals, self.left, self.breaker = marks, totals, left, breaker
        self.highest = max((mark for given in marks.groups for _, mark in given), default=0)

    def winner(self, rounds: list[Round]) -> str:
        counts = {name: self.totals[name] for name in self.left}
        if len(self.left) == 1:
            rounds.append(Round(counts, f"{self.left[0]} is the only one left.", (self.left[0],)))
            return self.left[0]
        first, second = self._finalists()
        rounds.append(
            Round(counts, f"Scores: {first} ({shown(counts[first])}) and {second}"
                  f" ({shown(counts[second])}) go into the runoff.")
        )  # fmt: skip
        for_first, for_second = self._over(first, second), self._over(second, first)
        if for_first == for_second:
            order = self._runoff_tie(first, second)
        else:
            order = [first, second] if for_first > for_second else [second, first]
        votes = {first: for_first, second: for_second}
        text = (
            f"Runoff: {shown(votes[order[0]])} ballots put {order[0]} higher,"
            f" {shown(votes[order[1]])} {order[1]}; {order[0]} is elected."
        )
        rounds.append(Round(votes, text, (order[0],)))
        return order[0]

    def _finalists(self) -> list[str]:
        chosen: list[str] = []
        for level in leveled({name: self.totals[name] for name in self.left}):
            room = 2 - len(chosen)
            if room <= 0:
                break
            chosen += list(level) if len(level) <= room else self._part(level, room)
        return chosen

    def _part(self, level: Sequence[str], room: int) -> list[str]:
        """The `room` of these who go on: by wins one to one, then top scores, then the breaker."""
        wins = {a: sum(self._over(a, b) > self._over(b, a) for b in level) for a in level}
        keys = {a: (wins[a], self._tops(a)) for a in level}
        parted: list[str] = []
        for key in sorted(set(keys.values()), reverse=True):
            group = [a for a in level if keys[a] == key]
            crossing = len(parted) < room < len(parted) + len(group)
            parted += self.breaker.best_first(group, "the runoff") if crossing else sorted(group)
        if len(set(keys.values())) > 1:
            self.breaker.note(level, parted, "preference one to one and the highest scores")
        return parted[:room]

    def _runoff_tie(self, first: str, second: str) -> list[str]:
        keys = {name: (self.totals[name], self._tops(name)) for name in (first, second)}
        if keys[first] == keys[second]:
            return self.breaker.best_first((first, second), "the runoff")
        order = sorted((first, second), key=lambda name: keys[name], reverse=True)
        self.breaker.note(order, order, "the higher score")
        return order

    def _over(self, a: str, b: str) -> Exact:
        votes: Exact = 0
        for given, weight in self.marks.groups.items():
            marks = dict(given)
            if marks.get(a, 0) > marks.get(b, 0):
                votes += weight
        return votes

    def _tops(self, name: str) -> Exact:
        return sum(
            (w for given, w in self.marks.groups.items() if dict(given).get(name) == self.highest),
            start=Fraction(0),
        )
