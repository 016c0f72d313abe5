"""Dividing money among projects by approval: the most votes first, or equal shares.

Owns what a project costs, who approves it and the purses of voters who pay together. Pure and
exact: money is whole numbers of a unit fine enough, never rounded. Promises that what is funded
never costs more than the budget, and that a project nobody approves gets nothing.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Literal, get_args

from govbot.errors import MemberError
from govbot.tools.ballots import Marks, weight_of
from govbot.tools.results import (
    Exact,
    Round,
    TallyResult,
    Tie,
    TieBreaker,
    leveled,
    listed,
    shown,
    with_account,
)

Completion = Literal["none", "add1", "greedy", "add1-greedy"]
Utility = Literal["cost", "votes"]
First = Callable[[list[str]], str]

# What add1 may cost, some ten seconds: a run costs its approvals and as much again as `A_RUN`.
MOST_WORK = 40_000_000
A_RUN = 200


def exact(value: int | Fraction) -> Exact:
    return value.numerator if value.denominator == 1 else value


def much(value: Exact, noun: str) -> str:
    """'1 vote', '2.5 votes'."""
    return f"{shown(value)} {noun}{'' if value == 1 else 's'}"


# --- who approves whom -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Support:
    """Groups of equal ballots, their weights whole in units of 1/`scale`; `backers` by group."""

    approved: tuple[tuple[str, ...], ...]
    weights: tuple[int, ...]
    scale: int
    backers: Mapping[str, tuple[int, ...]]

    def votes(self, name: str) -> Exact:
        units = sum(self.weights[group] for group in self.backers.get(name, ()))
        return exact(Fraction(units, self.scale))

    @property
    def total(self) -> Exact:
        return exact(Fraction(sum(self.weights), self.scale))


def supported(marks: Marks) -> Support:
    """Who approves whom: whoever a ballot gives more than 0."""
    scale = math.lcm(*(weight.denominator for weight in marks.groups.values()))
    approved = tuple(tuple(name for name, mark in m if mark > 0) for m in marks.groups)
    weights = tuple(int(weight * scale) for weight in marks.groups.values())
    backers: dict[str, list[int]] = {name: [] for name in marks.candidates}
    for group, names in enumerate(approved):
        for name in names:
            backers[name].append(group)
    return Support(approved, weights, scale, {name: tuple(g) for name, g in backers.items()})


# --- purses ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Purchase:
    """One project bought: what each supporter pays, at most, and the rates that decided.

    A rate is worth per money paid: with worth as the cost, it is how many voters would have to
    share the cost alike ("effective votes"). `short` says that some gave all they had left.
    """

    name: str
    each: Exact
    short: bool
    rates: Mapping[str, Exact]


class Purses:
    """Voters who each hold the same share and together pay for what they approve.

    The Method of Equal Shares (Peters and Skowron 2020; with costs Peters, Pierczyński and
    Skowron 2021): of what its supporters can afford, the one of the best rate is bought; they pay
    alike, and who has less gives all of it. `costs` are whole; `worth` is what a project is worth
    to a supporter. A rate never rises, so an old one is a bound and few are worked out anew.
    """

    def __init__(
        self, support: Support, costs: Mapping[str, int], worth: Mapping[str, int], share: Fraction
    ) -> None:
        self.support, self.costs, self.worth = support, costs, worth
        self.unit = share.denominator
        self.money = [share.numerator] * len(support.weights)
        # The best rate a project can have: everyone who approves it pays alike.
        self.bounds = [
            (-support.votes(name) * Fraction(worth[name], cost), name)
            for name, cost in costs.items()
            if support.backers.get(name)
        ]
        heapify(self.bounds)

    def left(self) -> list[Fraction]:
        """What each group of voters still holds."""
        money = {held: Fraction(held, self.unit) for held in set(self.money)}
        return [money[held] for held in self.money]

    def buy(self, first: First, lazily: bool = False) -> list[Purchase]:
        """Buys until nothing can be afforded; `lazily` leaves out rates that decide nothing."""
        bought = []
        while prices := self._prices(lazily):
            top = max(rate for rate, _, _ in prices.values())
            tied = sorted(name for name, (rate, _, _) in prices.items() if rate == top)
            name = first(tied) if len(tied) > 1 else tied[0]
            _, rest, weight = prices.pop(name)
            rates = {name: exact(top)} | {n: exact(rate) for n, (rate, _, _) in prices.items()}
            each = exact(Fraction(rest, weight * self.unit))
            short = self._pay(name, rest, weight)
            bought.append(Purchase(name, each, short, rates))
            for other, (rate, _, _) in prices.items():
                heappush(self.bounds, (-rate, other))
        return bought

    def _prices(self, lazily: bool) -> dict[str, tuple[Fraction, int, int]]:
        """Rates and prices of what may be the best; what cannot be afforded is out for good."""
        top = Fraction(0)
        prices: dict[str, tuple[Fraction, int, int]] = {}
        while self.bounds and not (lazily and -self.bounds[0][0] < top):
            _, name = heappop(self.bounds)
            if (price := self._price(name)) is None:
                continue
            rest, weight = price
            rate = Fraction(self.worth[name] * weight * self.unit, rest)
            prices[name] = rate, rest, weight
            top = max(top, rate)
        return prices

    def _price(self, name: str) -> tuple[int, int] | None:
        """What each pays as a sum over a weight, once those with less have given all."""
        held: Counter[int] = Counter()
        for group in self.support.backers[name]:
            held[self.money[group]] += self.support.weights[group]
        rest = self.costs[name] * self.support.scale * self.unit
        if sum(money * weight for money, weight in held.items()) < rest:
            return None
        left = sum(held.values())
        for money in sorted(held):
            if money * left >= rest:
                break
            rest -= money * held[money]
            left -= held[money]
        return rest, left

    def _pay(self, name: str, rest: int, weight: int) -> bool:
        """Takes the price; money moves to a unit in which it is whole."""
        finer = weight // math.gcd(rest, weight)
        if finer > 1:
            self.unit *= finer
            self.money = [money * finer for money in self.money]
        each, short = rest * finer // weight, False
        for group in self.support.backers[name]:
            short = short or self.money[group] < each
            self.money[group] = max(self.money[group] - each, 0)
        return short


# --- a budget and its projects ---------------------------------------------------------------


class _Lots:
    """Ties parted alike in every run of a count: one rule and one seed for all of them."""

    def __init__(self, breaker: TieBreaker) -> None:
        self.breaker = breaker
        self.ties: list[Tie] = []

    def best_first(self, level: Iterable[str]) -> list[str]:
        order = sorted(self.breaker.order, key=self.breaker.order.__getitem__)
        once = TieBreaker(order, ballots=lambda: self.breaker.seed)
        parted = once.best_first(level, "projects that are level")
        self.ties += once.ties
        return parted

    def first(self, level: list[str]) -> str:
        return self.best_first(level)[0]


@dataclass(frozen=True, slots=True)
class _Case:
    """What can be funded: `votes` and `costs` have every project, `open` those that may win."""

    support: Support
    votes: Mapping[str, Exact]
    costs: Mapping[str, Exact]
    budget: Exact
    open: tuple[str, ...]
    left_out: tuple[str, ...]

    def cost(self, names: Iterable[str]) -> Exact:
        return sum((self.costs[name] for name in names), Fraction(0))


def _case(marks: Marks, costs: Mapping[str, Exact], budget: Exact, minimum: Exact) -> _Case:
    if not isinstance(costs, Mapping):
        raise MemberError("the costs are no table of projects and money; give every project a cost")
    for name in marks.candidates:
        if name not in costs:
            raise MemberError(f"{name!r} has no cost; give every project one")
    money = weight_of(budget, "the budget")
    least = weight_of(minimum, "the least support") if minimum != 0 else 0
    support = supported(marks)
    prices = {name: weight_of(costs[name], f"the cost of {name!r}") for name in sorted(costs)}
    votes = {name: support.votes(name) for name in prices}
    entered: list[str] = []
    left_out: list[str] = []
    for name, cost in prices.items():
        if not votes[name]:
            left_out.append(f"{name} is left out: nobody approves it.")
        elif votes[name] < least:
            left_out.append(
                f"{name} is left out: it has {much(votes[name], 'vote')} and needs {shown(least)}."
            )
        elif cost > money:
            left_out.append(f"{name} is left out: its cost of {shown(cost)} is above the budget.")
        else:
            entered.append(name)
    return _Case(support, votes, prices, money, tuple(entered), tuple(left_out))


def _result(
    method: str, case: _Case, marks: Marks, rounds: Sequence[Round], breaker: TieBreaker,
    margin: str, *story: str,
) -> TallyResult:  # fmt: skip
    funded = tuple(name for each in rounds for name in each.elected)
    rest = leveled({name: votes for name, votes in case.votes.items() if name not in funded})
    missed = sorted(set(case.open) - set(funded))
    spent = case.cost(funded)
    end = [f"Funded: {listed(funded)}." if funded else "Nothing is funded."]
    end += [f"Not funded: {listed(missed)}."] if missed else []
    end += [f"{shown(exact(Fraction(spent)))} of {shown(case.budget)} is spent."]
    result = TallyResult(
        method=method, winners=funded, ranking=(*((name,) for name in funded), *rest),
        rounds=tuple(rounds), counts=case.votes, ballots=exact(Fraction(marks.total)),
        spoilt=marks.spoilt, margin=margin,
    )  # fmt: skip
    return with_account(result, breaker, *story, *case.left_out, *end)


# --- the most votes first --------------------------------------------------------------------


def greedy_budget(
    marks: Marks, costs: Mapping[str, Exact], budget: Exact, breaker: TieBreaker,
    minimum: Exact = 0,
) -> TallyResult:  # fmt: skip
    """The most votes first; what no longer fits is skipped ("greedy" in Pabulib's files).

    `minimum` is how many votes a project needs at least. Projects with equal votes that do not
    all fit go by the tie-breaker, whatever they cost. A project in `costs` that no ballot names
    has no votes, and without a vote none is funded.
    """
    case, lots = _case(marks, costs, budget, minimum), _Lots(breaker)
    rounds, short = _most_votes_first(case, case.open, case.budget, lots, 1)
    breaker.ties += lots.ties
    margin = ""
    if short:
        margin = _missed(min(short, key=lambda pair: pair[0]), marks, costs, case.budget, minimum)
    story = "The project with the most votes is funded first; what does not fit is skipped."
    return _result("greedy-budget", case, marks, rounds, breaker, margin, story)


def _missed(
    short: tuple[Exact, str], marks: Marks, costs: Mapping[str, Exact], budget: Exact,
    minimum: Exact,
) -> str:  # fmt: skip
    """What more money would have changed, where it is certain: a tie by lot could go elsewhere."""
    missing, name = short
    case = _case(marks, costs, exact(Fraction(budget + missing)), minimum)
    lots = _Lots(TieBreaker(ballots=marks.seed))
    rounds, _ = _most_votes_first(case, case.open, case.budget, lots, 1)
    if lots.ties or not any(name in each.elected for each in rounds):
        return ""
    return f"With {shown(missing)} more, {name} would have been funded."


def _most_votes_first(
    case: _Case, names: Iterable[str], left: Exact, lots: _Lots, number: int
) -> tuple[list[Round], list[tuple[Exact, str]]]:
    """The rounds, numbered on, and by how much each project skipped was too dear."""
    votes = {name: case.votes[name] for name in names}
    rounds: list[Round] = []
    short: list[tuple[Exact, str]] = []
    for level in leveled(votes):
        fitting = sorted(name for name in level if case.costs[name] <= left)
        if len(fitting) > 1 and case.cost(fitting) > left:
            fitting = lots.best_first(fitting)
        for name in [*fitting, *(other for other in level if other not in fitting)]:
            cost, fits = case.costs[name], case.costs[name] <= left
            text = (
                f"Round {number + len(rounds)}: {name} has {much(votes[name], 'vote')}, and its "
                f"cost of {shown(cost)} {'fits' if fits else 'does not fit'} in the {shown(left)} "
                "left."
            )
            rounds.append(Round(dict(votes), text, *(((name,), ()) if fits else ((), (name,)))))
            left = exact(Fraction(left - cost)) if fits else left
            if not fits:
                short.append((exact(Fraction(cost - left)), name))
            del votes[name]
    return rounds, short


# --- equal shares ----------------------------------------------------------------------------


def equal_shares_budget(
    marks: Marks, costs: Mapping[str, Exact], budget: Exact, breaker: TieBreaker,
    completion: Completion = "add1", utility: Utility = "cost", minimum: Exact = 0,
    unit: Exact = 1,
) -> TallyResult:  # fmt: skip
    """The Method of Equal Shares (Peters, Pierczyński and Skowron 2021, arXiv:2008.13276).

    Every ballot, an empty one too, holds an equal share of the budget. Bought first is what costs
    its supporters the least for what it is worth to them: its `utility` is its cost ("cost") or 1
    ("votes"). `completion` spends what that leaves. "add1": the shares, cut to whole units, are
    raised by one `unit` and all is counted anew, until nothing more fits in the real budget, or
    the next raise would overspend it (as published at equalshares.net; Świecie 2023, Assen 2024).
    "greedy": the most votes first of the rest. "add1-greedy": both, in this order. "none": nothing.
    Equal rates go by the tie-breaker, alike in every run.
    """
    if completion not in get_args(Completion):
        raise MemberError(
            f"completion is {completion!r}; it is 'none', 'add1', 'greedy' or 'add1-greedy'"
        )
    if utility not in get_args(Utility):
        raise MemberError(f"utility is {utility!r}; it is 'cost' or 'votes'")
    step = weight_of(unit, "the unit")
    case = _case(marks, costs, budget, minimum)
    shares = _Shares(case, utility, breaker)
    story = ["Every ballot holds an equal share of the budget, and supporters pay together."]
    if shares.voters:
        story.append(f"A share is {shown(exact(shares.share))}.")
        if completion in ("add1", "add1-greedy"):
            story.append(shares.raise_by(step))
    rounds, lots = shares.rounds()
    if completion in ("greedy", "add1-greedy"):
        funded = [name for each in rounds for name in each.elected]
        rest = [name for name in case.open if name not in funded]
        left = exact(Fraction(case.budget - case.cost(funded)))
        more, _ = _most_votes_first(case, rest, left, lots, len(rounds) + 1)
        story.append("What is left goes to the most votes first." if more else "")
        rounds += more
    breaker.ties += lots.ties
    return _result("equal-shares-budget", case, marks, rounds, breaker, "", *story)


class _Shares:
    """Equal shares run with one share after another; `share` is the one that stands."""

    def __init__(self, case: _Case, utility: Utility, breaker: TieBreaker) -> None:
        self.case, self.breaker = case, breaker
        self.voters = Fraction(case.support.total)
        self.share = Fraction(case.budget) / self.voters if self.voters else Fraction(0)
        self.cents = math.lcm(*(case.costs[name].denominator for name in case.open))
        self.costs = {name: int(case.costs[name] * self.cents) for name in case.open}
        self.worth = self.costs if utility == "cost" else dict.fromkeys(case.open, 1)

    def bought(self, share: Fraction, lots: _Lots, lazily: bool) -> list[Purchase]:
        purses = Purses(self.case.support, self.costs, self.worth, share * self.cents)
        return purses.buy(lots.first, lazily)

    def raise_by(self, step: Exact) -> str:
        """Completion by "add1": the share that stands in the end, and why it does."""
        size = sum(map(len, self.case.support.approved)) + A_RUN
        names = self._names(self.share)
        whole = Fraction(self.share // step * step)
        for _ in range(MOST_WORK // size):
            left = self.case.budget - self.case.cost(names)
            rest = [name for name in self.case.open if name not in names]
            if not any(self.case.costs[name] <= left for name in rest):
                return f"{self._raised()} With it, nothing more fits in the real budget."
            raised = self._names(whole + step)
            if self.case.cost(raised) > self.case.budget:
                return f"{self._raised()} Raised by {shown(step)}, it would overspend the budget."
            names, whole = raised, whole + step
            self.share = whole
        raise MemberError(
            f"raising the shares by {shown(step)} at a time takes too long; give a larger unit"
        )

    def _raised(self) -> str:
        if self.share == Fraction(self.case.budget) / self.voters:
            return "The share stays as it is."
        return f"So that more is spent, the share is counted as {shown(exact(self.share))}."

    def _names(self, share: Fraction) -> list[str]:
        return [each.name for each in self.bought(share, _Lots(self.breaker), lazily=True)]

    def rounds(self) -> tuple[list[Round], _Lots]:
        lots = _Lots(self.breaker)
        bought = self.bought(self.share, lots, lazily=False) if self.voters else []
        rounds = []
        for number, each in enumerate(bought, 1):
            name, votes = each.name, self.case.votes[each.name]
            pay = exact(Fraction(each.each, self.cents))
            text = (
                f"Round {number}: {name} is the best buy: its {much(votes, 'supporter')} pay its "
                f"cost of {shown(self.case.costs[name])} with {'at most ' if each.short else ''}"
                f"{shown(pay)} each."
            )
            rounds.append(Round(self._counted(each.rates), text, (name,)))
        return rounds, lots

    def _counted(self, rates: Mapping[str, Exact]) -> dict[str, Exact]:
        """Rates per money, not per cent, where a project is worth 1 whatever it costs."""
        times = 1 if self.worth is self.costs else self.cents
        return {name: exact(Fraction(rates[name] * times)) for name in sorted(rates)}
