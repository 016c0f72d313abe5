"""What a count comes to, and the story of it.

Owns the result types every voting method returns, the breaking of ties and the words of an
account. Pure. Promises that whatever is counted is exact (`int` or `Fraction`), and that a tie is
broken by a rule that is named, never by the order in which ballots or candidates came.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from govbot.errors import MemberError
from govbot.records import plain
from govbot.tools import charts
from govbot.tools.draws import random_select

Exact = int | Fraction


@dataclass(frozen=True, slots=True)
class Tie:
    """Candidates the method itself could not part, and how they were parted: best first."""

    among: tuple[str, ...]
    broken_by: str
    order: tuple[str, ...]
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Votes that move in a round; `to` is None for those with no further choice."""

    source: str
    to: str | None
    votes: Exact


@dataclass(frozen=True, slots=True)
class Round:
    """One step of a count: what everyone has, who is in or out after it, what moves."""

    counts: Mapping[str, Exact]
    text: str
    elected: tuple[str, ...] = ()
    eliminated: tuple[str, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    exhausted: Exact = 0


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A ballot that is not counted: where it stood (from 1), why, and how many like it."""

    ballot: int
    why: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class TallyResult:
    """The outcome of a count. `ranking` has every candidate, those that are level together.

    `counts` is the figure that decided, per candidate; `margin` says what would have changed the
    result, where that is cheap to know.
    """

    method: str
    winners: tuple[str, ...]
    ranking: tuple[tuple[str, ...], ...]
    rounds: tuple[Round, ...] = ()
    counts: Mapping[str, Exact] = field(default_factory=dict)
    ties: tuple[Tie, ...] = ()
    explanation: str = ""
    margin: str = ""
    spoilt: tuple[Spoilt, ...] = ()
    ballots: Exact = 0
    quota: Exact | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON; fractions are the text `p/q`."""
        return {
            "method": self.method,
            "winners": list(self.winners),
            "ranking": [list(level) for level in self.ranking],
            "counts": plain(self.counts),
            "ballots": plain(self.ballots),
            "quota": plain(self.quota),
            "rounds": [_plain_round(each) for each in self.rounds],
            "ties": [
                {"among": list(t.among), "broken_by": t.broken_by, "order": list(t.order)}
                | ({"seed": t.seed} if t.seed else {})
                for t in self.ties
            ],
            "spoilt": [{"ballot": s.ballot, "why": s.why, "count": s.count} for s in self.spoilt],
            "margin": self.margin,
            "explanation": self.explanation,
        }

    def svg(self) -> str:
        """A picture: the flow of votes where they move between rounds, else a bar for each."""
        title = f"{self.method}: {listed(self.winners)}"
        if any(each.transfers for each in self.rounds):
            # In STV a stage's transfers lead to its counts; in a runoff they follow from them.
            later = self.rounds[1:] if not self.rounds[0].transfers else self.rounds
            columns = [
                _column(each, self.rounds[:n], later[n] if n < len(later) else None)
                for n, each in enumerate(self.rounds)
            ]
            return charts.flow(title, self.explanation, columns)
        names = [name for level in self.ranking for name in level]
        return charts.bars(title, self.explanation, [self._bar(name) for name in names])

    def _bar(self, name: str) -> charts.Bar:
        value = self.counts.get(name, 0)
        return charts.Bar(name, value, shown(value), name in self.winners)


def _column(each: Round, before: Sequence[Round], leaving: Round | None) -> charts.Column:
    seated = {name for past in (*before, each) for name in past.elected}
    rows = [
        charts.Bar(name, n, shown(n, 2), name in seated) for name, n in each.counts.items() if n
    ]
    if each.exhausted:
        rows.append(charts.Bar(charts.LEFT, each.exhausted, shown(each.exhausted, 2)))
    if leaving is None:
        return charts.Column(tuple(rows))
    moves = tuple((t.source, t.to or charts.LEFT, t.votes) for t in leaving.transfers)
    return charts.Column(tuple(rows), moves, leaving.eliminated)


def _plain_round(each: Round) -> dict[str, Any]:
    return {
        "counts": plain(each.counts),
        "text": each.text,
        "elected": list(each.elected),
        "eliminated": list(each.eliminated),
        "transfers": [[t.source, t.to, plain(t.votes)] for t in each.transfers],
        "exhausted": plain(each.exhausted),
    }


# --- ties ------------------------------------------------------------------------------------


class TieBreaker:
    """Parts candidates that are level: by a list given beforehand, then by a draw by lot.

    `order` is a list that the rules fix before the count (a casting vote, seniority); who is not
    on it comes after who is. What it leaves level is drawn with `seed`; without one `ballots` gives
    the digest of the ballots, which no single voter chose and anyone can make again.
    """

    def __init__(
        self, order: Sequence[str] = (), seed: str = "", ballots: Callable[[], str] = str
    ) -> None:
        self.order = {candidate: place for place, candidate in enumerate(order)}
        self._seed, self._ballots = seed, ballots
        self.ties: list[Tie] = []

    @property
    def seed(self) -> str:
        # The digest of many ballots takes a moment, so it is made when a tie first needs it.
        self._seed = self._seed or self._ballots()
        return self._seed

    def best_first(self, level: Iterable[str], what: str) -> list[str]:
        """These candidates in order; `what` names the tie in the account."""
        among = sorted(level)
        if len(among) < 2:
            return among
        groups: dict[int, list[str]] = {}
        for candidate in among:
            groups.setdefault(self.order.get(candidate, len(self.order)), []).append(candidate)
        drawn = any(len(group) > 1 for group in groups.values())
        if drawn and not self.seed:
            raise MemberError("a draw needs a seed; give one that nobody chose")
        seed = f"{self.seed}:{what}:{len(self.ties)}" if drawn else ""
        parted = [
            candidate for place in sorted(groups) for candidate in _drawn(groups[place], seed)
        ]
        rule = "a draw by lot" if drawn else "the order fixed beforehand"
        self.ties.append(Tie(among=tuple(among), broken_by=rule, order=tuple(parted), seed=seed))
        return parted

    def note(self, among: Iterable[str], order: Sequence[str], rule: str) -> None:
        """A tie that a rule of the method itself broke."""
        self.ties.append(Tie(among=tuple(sorted(among)), broken_by=rule, order=tuple(order)))


def _drawn(group: list[str], seed: str) -> list[str]:
    return random_select(group, len(group), seed=seed) if len(group) > 1 else group


def ballots_seed(*parts: bytes) -> str:
    """A seed from ballots in their canonical form: SHA-256, whatever order they came in."""
    return "ballots:" + hashlib.sha256(b"\n".join(parts)).hexdigest()


def leveled(scores: Mapping[str, Exact]) -> tuple[tuple[str, ...], ...]:
    """Candidates by score, highest first, those level together and by name."""
    levels: dict[Exact, list[str]] = {}
    for candidate, score in scores.items():
        levels.setdefault(score, []).append(candidate)
    return tuple(tuple(sorted(levels[score])) for score in sorted(levels, reverse=True))


def exact(value: Exact) -> Exact:
    """A count as an int where it is whole."""
    return value.numerator if value.denominator == 1 else value


def gap(levels: Sequence[Sequence[str]], scores: Mapping[str, Exact], seats: int) -> str:
    """By how much the last elected is ahead of the first not elected."""
    order = [name for level in levels for name in level]
    if len(order) <= seats:
        return ""
    last, next_one = order[seats - 1], order[seats]
    ahead = scores[last] - scores[next_one]
    return (
        f"{last} is {shown(ahead)} ahead of {next_one}."
        if ahead
        else f"{last} and {next_one} are level."
    )


def fill_seats(
    levels: Sequence[Sequence[str]], seats: int, breaker: TieBreaker, what: str = "the last seat"
) -> tuple[str, ...]:
    """The first `seats` of a ranking; a tie across the line is broken, others stay as they are."""
    chosen: list[str] = []
    for level in levels:
        room = seats - len(chosen)
        if room <= 0:
            break
        ordered = sorted(level) if len(level) <= room else breaker.best_first(level, what)
        chosen += ordered[:room]
    return tuple(chosen)


# --- words -----------------------------------------------------------------------------------


def listed(names: Iterable[str]) -> str:
    """'Ana, Bo and Cy'."""
    *first, last = list(names) or ["nobody"]
    return f"{', '.join(first)} and {last}" if first else last


def shown(value: Exact, places: int = 5) -> str:
    """A count for people: whole where it is, else cut to `places` decimals with '…' if inexact."""
    if isinstance(value, int) or value.denominator == 1:
        return f"{int(value):,}"
    scaled = value * 10**places
    whole, rest = divmod(abs(int(scaled)), 10**places)
    sign = "-" if value < 0 else ""
    exact = scaled.denominator == 1
    return f"{sign}{whole:,}.{rest:0{places}d}".rstrip("0") + ("" if exact else "…")


def told(ties: Iterable[Tie]) -> str:
    """The ties of a count in a sentence each."""
    return " ".join(
        f"{listed(tie.among)} were level; {tie.broken_by} put {tie.order[0]} first." for tie in ties
    )


def check_seats(seats: int, candidates: Sequence[str]) -> None:
    if isinstance(seats, bool) or not isinstance(seats, int) or seats < 1:
        raise MemberError(f"{seats!r} seats cannot be filled; give a whole number from 1")
    if seats > len(candidates):
        raise MemberError(
            f"there are {seats} seats and only {len(candidates)} candidates; lower the seats"
        )


def with_account(result: TallyResult, breaker: TieBreaker, *parts: str) -> TallyResult:
    """The result with its ties and its account: the parts, then how ties were broken."""
    story = [*parts, told(breaker.ties)]
    if result.spoilt:
        count = sum(spoilt.count for spoilt in result.spoilt)
        story.append(f"{count} ballot{'s' if count != 1 else ''} could not be counted.")
    text = " ".join(part for part in story if part)
    return replace(result, ties=tuple(breaker.ties), explanation=text)
