"""What one vote weighs: votes bought at the price of their square, and weights made of metrics.

Owns the reading of exact numbers that may be negative, quadratic voting, and the rules by which a
member's metrics become a weight that does not flutter. Pure and exact. Knows no community: credits,
coefficients, thresholds, floors and ceilings come from a charter, metrics from a member's facts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from govbot.errors import MemberError
from govbot.records import plain
from govbot.tools.ballots import MOST_DIGITS, Marks, candidate_names, weight_of
from govbot.tools.choice import sums
from govbot.tools.results import (
    Exact,
    Round,
    Spoilt,
    TallyResult,
    TieBreaker,
    check_seats,
    exact,
    fill_seats,
    gap,
    leveled,
    listed,
    shown,
    with_account,
)

MOST_TERMS = 12

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+|/[0-9]+)?", re.ASCII)
_LIMIT = 10**MOST_DIGITS


# --- exact numbers ---------------------------------------------------------------------------


def number_of(value: Any, what: str) -> Exact:
    """An exact number from an int, Fraction, Decimal or text such as '3', '-0.8' or '1/2'.

    Floats are refused: 0.1 is not a tenth. So are infinities, exponents and anything with more
    than 30 digits above or below the line.
    """
    number = _number(value)
    if number is None:
        raise MemberError(
            f"{what} is {_quoted(value)}; write it as a whole number, a fraction or, in quotes, a"
            f" decimal of at most {MOST_DIGITS} digits"
        )
    return number


def looks_like_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _number(value: Any) -> Exact | None:
    if isinstance(value, Decimal):
        # Looked at before it is written out: Decimal('1e999999') is short and spells a book.
        small = value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS
        value = format(value, "f") if small else None
    if isinstance(value, str):
        fits = len(value) <= 2 * MOST_DIGITS + 2 and looks_like_number(value)
        try:
            value = Fraction(value) if fits else None
        except ZeroDivisionError:
            return None
    if type(value) not in (int, Fraction):
        return None
    fits = abs(value.numerator) < _LIMIT and value.denominator < _LIMIT
    return exact(value) if fits else None


def _quoted(value: Any) -> str:
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        # Python refuses to spell out an integer of thousands of digits.
        wide = max(abs(value.numerator), value.denominator) >= _LIMIT
        return f"a number of more than {MOST_DIGITS} digits" if wide else repr(value)
    return repr(value)[:40] if isinstance(value, str | float | Decimal) else type(value).__name__


def said(value: Exact) -> str:
    """A number for people that is never cut: 0.8 where it has few decimals, else 1/3."""
    text = shown(value)
    return f"{value.numerator}/{value.denominator}" if text.endswith("…") else text


# --- quadratic voting ------------------------------------------------------------------------


def quadratic(
    ballots: Marks | Iterable[Any], seats: int = 1, breaker: TieBreaker | None = None, *,
    credits: Any, least: Any = None, candidates: Sequence[str] | None = None,
) -> TallyResult:  # fmt: skip
    """Votes for and against, paid with their squares (Lalley and Weyl 2018, AEA P&P 108).

    Casting v votes on an option costs v² of the `credits` everybody has; what is left over is
    lost. A ballot that spends more is spoilt as a whole. The options with the most votes net of
    those against win; with `least`, only such as have at least so many. `ballots` are those
    `read_votes` reads, or `Marks` already read.
    """
    if isinstance(ballots, Marks):
        marks = _affordable(ballots, number_of(credits, "the number of credits"))
    else:
        marks = read_votes(ballots, credits, candidates)
    breaker = breaker or TieBreaker(ballots=marks.seed)
    counts = {name: exact(votes) for name, votes in sums(marks).items()}
    levels = leveled(counts)
    bar = None if least is None else number_of(least, "the least votes")
    able = [tuple(n for n in level if bar is None or counts[n] >= bar) for level in levels]
    if marks.groups:
        check_seats(seats, marks.candidates)
    winners = fill_seats(able, seats, breaker) if marks.groups else ()
    text = _sides(marks, counts) or "There are no ballots to count."
    purse = "their own" if isinstance(credits, Mapping) else said(number_of(credits, "credits"))
    bars = [] if bar is None else [f"It takes at least {said(bar)}."]
    result = TallyResult(
        method="quadratic", winners=winners, ranking=levels, counts=counts, spoilt=marks.spoilt,
        rounds=(Round(counts=counts, text=text, elected=winners),), ballots=exact(marks.total),
        margin=gap(levels, counts, seats) if winners else "",
    )  # fmt: skip
    price = f"Votes on an option cost their square in credits, of which everyone has {purse}."
    story = (price, text, *bars, f"Elected: {listed(winners)}.")
    return with_account(result, breaker, *story)


def read_votes(
    ballots: Iterable[Any], credits: Any, candidates: Sequence[str] | None = None
) -> Marks:
    """Signed votes from mappings of option to whole number, each ballot within its credits.

    A ballot may also be a mapping with `votes` and `member`, `count` or `weight`. `credits` is one
    number for all, or a mapping of member to number. Somebody who hands in two ballots would spend
    the credits twice, so none of those counts.
    """
    given = candidate_names(candidates) if candidates is not None else None
    held = [_Given.of(ballot, place) for place, ballot in enumerate(ballots, 1)]
    times = Counter(ballot.member for ballot in held if ballot.member is not None)
    purses = _Purses(credits)
    groups: Counter[tuple[tuple[str, int], ...]] = Counter()
    spoilt: list[Spoilt] = []
    for ballot in held:
        why = ballot.objection(given) or purses.objection(ballot)
        if not why and ballot.member is not None and times[ballot.member] > 1:
            why = f"{ballot.member!r} handed in {times[ballot.member]} ballots, and one may count"
        if why:
            spoilt.append(Spoilt(ballot.place, why, ballot.copies))
        else:
            groups[tuple(sorted(ballot.votes.items()))] += ballot.weight  # type: ignore[assignment]  # fractions too
    named = given or candidate_names({name for marks in groups for name, _ in marks})
    return Marks(tuple(sorted(named)), dict(groups), tuple(spoilt))


@dataclass(frozen=True, slots=True)
class _Given:
    """A ballot as it came: `votes` may be anything until `objection` has seen it."""

    place: int
    votes: Any
    member: str | None = None
    weight: Exact = 1

    @classmethod
    def of(cls, ballot: Any, place: int) -> "_Given":
        if not (isinstance(ballot, Mapping) and isinstance(ballot.get("votes"), Mapping)):
            return cls(place, ballot)
        member = ballot.get("member")
        if member is not None and not isinstance(member, str):
            raise MemberError(f"the member of ballot {place} is no name; write names as text")
        what = f"the weight of ballot {place}"
        weight = weight_of(ballot.get("count", 1), what) * weight_of(ballot.get("weight", 1), what)
        return cls(place, ballot["votes"], member, weight)

    @property
    def copies(self) -> int:
        return self.weight if isinstance(self.weight, int) else 1

    def objection(self, known: Sequence[str] | None) -> str:
        if not isinstance(self.votes, Mapping):
            return "it does not give votes to each option"
        for name, votes in self.votes.items():
            if not isinstance(name, str) or not name.strip():
                return f"{_quoted(name)} in it is no option's name"
            if known is not None and name not in known:
                return f"it names {name!r}, which is no option"
            if type(votes) is not int or abs(votes) >= _LIMIT:
                return f"{_quoted(votes)} for {name!r} is no sensible whole number of votes"
        return ""


class _Purses:
    """What each member may spend."""

    def __init__(self, credits: Any) -> None:
        self.each = credits if isinstance(credits, Mapping) else None
        self.all = 0 if self.each is not None else _credits(credits, "the number of credits")

    def objection(self, ballot: _Given) -> str:
        purse: Exact = self.all
        if self.each is not None:
            if ballot.member not in self.each:
                return f"nobody gave {ballot.member!r} credits" if ballot.member else (
                    "it does not say whose it is, and credits differ by member"
                )  # fmt: skip
            purse = _credits(self.each[ballot.member], f"the credits of {ballot.member!r}")
        return overspent(ballot.votes.items(), purse)


def _credits(value: Any, what: str) -> Exact:
    credits = number_of(value, what)
    if credits < 0:
        raise MemberError(f"{what} is {said(credits)}; it cannot be below 0")
    return credits


def _affordable(marks: Marks, credits: Exact) -> Marks:
    """The marks without the groups of ballots that spend too much."""
    purse, spoilt, fine = _credits(credits, "the number of credits"), list(marks.spoilt), {}
    for given, weight in sorted(marks.groups.items()):
        if why := overspent(given, purse):
            spoilt.append(Spoilt(0, why, weight if isinstance(weight, int) else 1))
        else:
            fine[given] = weight
    return replace(marks, groups=fine, spoilt=tuple(spoilt))


def overspent(votes: Iterable[tuple[str, int]], purse: Exact) -> str:
    """'3² + 8² = 73 credits of 50', or nothing where the credits last."""
    cast = [count for _, count in sorted(votes) if count]
    if any(abs(count) >= _LIMIT for count in cast):
        return f"it casts votes of more than {MOST_DIGITS} digits"
    spent = sum(count * count for count in cast)
    if spent <= purse:
        return ""
    terms = [f"{count}²" if count > 0 else f"({count})²" for count in cast[:MOST_TERMS]]
    more = ["…"] if len(cast) > MOST_TERMS else []
    return f"it spends {' + '.join(terms + more)} = {spent} credits of {said(purse)}"


def _sides(marks: Marks, counts: Mapping[str, Exact]) -> str:
    """What each option has, its votes for and against apart where it has both."""
    against: dict[str, Exact] = dict.fromkeys(marks.candidates, 0)
    for given, weight in marks.groups.items():
        for name, votes in given:
            against[name] += -votes * weight if votes < 0 else 0
    told = []
    for name, net in counts.items():
        pro = exact(net + against[name])
        apart = f" ({said(pro)} for, {said(exact(against[name]))} against)" if against[name] else ""
        told.append(f"{name} has {said(net)}{apart}.")
    return " ".join(told) if marks.groups else ""


# --- weights from metrics --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MetricRule:
    """What one metric of a member adds to their weight: `coefficient` times the metric's level.

    The level is what the metric counts at. It is never below `low` nor above `high`, and it has
    hysteresis (as Schmitt's trigger, 1938): it moves up only when the metric reaches `rise`, and
    down only when the metric falls below `fall`; between the two it stays what it was. There are
    two kinds of it:

    - With a `band`, `rise` is the present level plus the band and `fall` the present level minus
      it. A level that moves becomes the metric itself. With a band of 0 it always is.
    - With `rise` and `fall` given, there are two levels: `high`, once the metric has reached
      `rise`, and `low`, once it has fallen below `fall`. Who has no level yet, or one that the
      rule no longer knows, starts at `low`. Several such rules on one metric make steps.

    `name` tells the rules of one member apart; it is the metric where it is left out. `missing`
    is what a member without the metric is taken to have; without it that is an error.
    """

    metric: str
    coefficient: Any
    low: Any = 0
    high: Any = 1
    band: Any = 0
    rise: Any = None
    fall: Any = None
    name: str = ""
    missing: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.metric, str) or not self.metric.strip():
            raise MemberError("a metric has no name; name the fact of a member it is")
        object.__setattr__(self, "name", self.name or self.metric)
        for part in ("coefficient", "low", "high", "band", "rise", "fall", "missing"):
            value = getattr(self, part)
            if value is not None or part in ("coefficient", "low", "high", "band"):
                object.__setattr__(self, part, number_of(value, f"{part} of {self.name!r}"))
        if why := self._objection():
            raise MemberError(f"the rule for {self.name!r} {why}")

    def _objection(self) -> str:
        if self.low > self.high:
            return f"has low {said(self.low)} above high {said(self.high)}; swap the two"
        if self.band < 0:
            return f"has a band of {said(self.band)}; it cannot be below 0"
        if (self.rise is None) != (self.fall is None):
            return "has only one of rise and fall; give both, or a band"
        if self.rise is not None and self.band:
            return "has a band beside rise and fall; leave one of them out"
        if self.rise is not None and self.fall > self.rise:
            return f"has fall {said(self.fall)} above rise {said(self.rise)}; swap the two"
        return ""

    def level(self, value: Exact, previous: Exact | None = None) -> Exact:
        """What the metric counts at, where it counted at `previous` before."""
        rise, fall = self.edges(previous)
        if self.rise is not None:
            up = value >= rise or (previous == self.high and value >= fall)
            return self._within(self.high if up else self.low)
        stays = previous is not None and fall <= value < rise
        return self._within(previous if stays and previous is not None else value)

    def edges(self, previous: Exact | None) -> tuple[Exact, Exact]:
        """Where a level moves up, and below where it moves down."""
        if self.rise is not None:
            return self.rise, self.fall
        held = self._within(self.low if previous is None else previous)
        return held + self.band, held - self.band

    def _within(self, value: Exact) -> Exact:
        level: Exact = min(max(value, self.low), self.high)
        return level


@dataclass(frozen=True, slots=True)
class Weighed:
    """A weight, the sum it comes from and the levels to hand in the next time, by rule."""

    weight: Exact
    total: Exact
    levels: Mapping[str, Exact]
    moved: tuple[str, ...]
    explanation: str

    def plain(self) -> dict[str, Any]:
        """As JSON; fractions are the text `p/q`."""
        return {
            "weight": plain(self.weight),
            "total": plain(self.total),
            "levels": plain(self.levels),
            "moved": list(self.moved),
            "explanation": self.explanation,
        }


def weight(
    facts: Mapping[str, Any], rules: Iterable[MetricRule],
    previous: Weighed | Mapping[str, Any] | None = None, *, base: Any = 1, floor: Any = 0,
    ceiling: Any,
) -> Weighed:  # fmt: skip
    """`base` plus what each rule adds, held between `floor` and `ceiling`.

    `facts` are those of one member. `previous` are the levels of the last weighing, or that
    weighing itself; rules that are new to it start without a level.
    """
    held, before = _distinct(rules), _levels(previous)
    start, lowest, highest = _bounds(base, floor, ceiling)
    levels: dict[str, Exact] = {}
    total, terms, notes = Fraction(start), [said(start)], []
    for rule in held:
        value = _fact(facts, rule)
        level = rule.level(value, before.get(rule.name))
        levels[rule.name] = level
        total += rule.coefficient * level
        sign = "-" if rule.coefficient < 0 else "+"
        terms.append(f"{sign} {abs(rule.coefficient)} × {rule.name} {said(level)}")
        notes.append(_note(rule, value, level, before.get(rule.name)))
    given = exact(min(max(total, Fraction(lowest)), Fraction(highest)))
    if total != given:
        bound = "ceiling" if total > given else "floor"
        notes.append(f"The {bound} makes it {said(given)}.")
    moved = tuple(name for name in levels if name in before and before[name] != levels[name])
    story = " ".join([f"{' '.join(terms)} = {said(exact(total))}.", *filter(None, notes)])
    return Weighed(given, exact(total), levels, moved, story)


def _distinct(rules: Iterable[MetricRule]) -> list[MetricRule]:
    held = sorted(rules, key=lambda rule: rule.name)
    twice = [name for name, times in Counter(rule.name for rule in held).items() if times > 1]
    if twice:
        raise MemberError(f"two rules are called {twice[0]!r}; give each a name of its own")
    return held


def _levels(previous: Weighed | Mapping[str, Any] | None) -> Mapping[str, Exact]:
    if isinstance(previous, Weighed):
        return previous.levels
    return {name: number_of(at, f"level of {name!r}") for name, at in (previous or {}).items()}


def _bounds(base: Any, floor: Any, ceiling: Any) -> tuple[Exact, Exact, Exact]:
    lowest, highest = number_of(floor, "the floor"), number_of(ceiling, "the ceiling")
    if lowest < 0:
        raise MemberError(f"the floor is {said(lowest)}; no vote can weigh less than 0")
    if lowest > highest:
        raise MemberError(
            f"the floor {said(lowest)} is above the ceiling {said(highest)}; swap the two"
        )
    return number_of(base, "the base"), lowest, highest


def _fact(facts: Mapping[str, Any], rule: MetricRule) -> Exact:
    value = facts.get(rule.metric)
    if value is not None:
        return number_of(value, f"the fact {rule.metric!r}")
    if rule.missing is None:
        raise MemberError(
            f"there is no fact {rule.metric!r} of this member; record it, or say in the rule what"
            " to take where it is missing"
        )
    missing: Exact = rule.missing
    return missing


def _note(rule: MetricRule, value: Exact, level: Exact, before: Exact | None) -> str:
    """Why a metric counts at what it is not."""
    if value == level:
        return ""
    what = f"{rule.name} is {said(value)} and counts as {said(level)}"
    rise, fall = rule.edges(before)
    if rule.rise is not None:
        turn = f"falls below {said(fall)}" if level == rule.high else f"reaches {said(rise)}"
        return f"{what} until it {turn}."
    if value > level == rule.high or value < level == rule.low:
        return f"{what}, the {'most' if value > level else 'least'} it may."
    return f"{what} until it reaches {said(rise)} or falls below {said(fall)}."
