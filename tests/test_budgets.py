"""Participatory budgeting: real contests, and the definitions worked out the slow way."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools import budgets
from govbot.tools.ballots import Marks, read_approvals
from govbot.tools.budgets import equal_shares_budget, greedy_budget
from govbot.tools.draws import random_select
from govbot.tools.results import TallyResult, TieBreaker

Voter = frozenset[str]
NAMES = "abcde"
VOTERS = st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=7)
COSTS = st.fixed_dictionaries({name: st.integers(1, 60) for name in NAMES})
COMPLETIONS = st.sampled_from(["none", "add1", "greedy", "add1-greedy"])
UTILITIES = st.sampled_from(["cost", "votes"])


def greedy(ballots: Any, costs: Any, budget: Any, order: Sequence[str] = (), **more: Any) -> Any:
    marks = read_approvals(ballots, list(costs))
    return greedy_budget(marks, costs, budget, TieBreaker(order, ballots=marks.seed), **more)


def shares(ballots: Any, costs: Any, budget: Any, order: Sequence[str] = (), **more: Any) -> Any:
    marks = read_approvals(ballots, list(costs))
    breaker = TieBreaker(order, ballots=marks.seed)
    return equal_shares_budget(marks, costs, budget, breaker, **more)


def cast(*groups: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"approvals": list(names), "count": count} for count, names in groups]


# --- real contests -------------------------------------------------------------------------


def contests(shared: Path) -> dict[str, dict[str, Any]]:
    folder = shared / "elections"
    index = json.loads((folder / "INDEX.json").read_text())
    return {
        each["id"].split("/")[1]: json.loads((folder / each["file"]).read_text())
        for each in index
        if each["id"].startswith("participatory_budgeting/") and each["oracle"]
    }


def real(contest: Mapping[str, Any]) -> tuple[Marks, dict[str, Fraction], Fraction]:
    ids = [each["id"] for each in contest["candidates"]]
    ballots = [
        {"approvals": [ids[place] for place in places], "count": count}
        for count, places in contest["ballots"]
    ]
    costs = {each["id"]: Fraction(each["cost"]) for each in contest["candidates"]}
    return read_approvals(ballots, ids), costs, Fraction(contest["budget"])


def test_every_real_contest_is_decided_as_it_was(shared: Path) -> None:
    found = contests(shared)
    assert len(found) == 7
    for name, contest in found.items():
        marks, costs, budget = real(contest)
        count = greedy_budget if contest["method"].startswith("greedy") else equal_shares_budget
        result = count(marks, costs, budget, TieBreaker(ballots=marks.seed))
        assert sorted(result.winners) == sorted(contest["official"]["winners"]), name
        assert result.counts == {each["id"]: each["votes"] for each in contest["candidates"]}
        assert result.ballots == contest["official"]["num_votes"]


def test_what_was_raised_and_spent_in_swiecie(shared: Path) -> None:
    marks, costs, budget = real(contests(shared)["poland-swiecie-2023"])
    result = equal_shares_budget(marks, costs, budget, TieBreaker())
    assert "A share is 419.11476…." in result.explanation
    assert "counted as 646. With it, nothing more fits in the real budget." in result.explanation
    assert "1,040,337 of 1,070,000 is spent." in result.explanation
    assert result.rounds[0].text == (
        "Round 1: c12 is the best buy: its 1,030 supporters pay its cost of 150,000 with "
        "145.63106… each."
    )
    assert not result.ties


def test_greedy_takes_in_swiecie_what_equal_shares_do_not(shared: Path) -> None:
    marks, costs, budget = real(contests(shared)["poland-swiecie-2023"])
    greedy = greedy_budget(marks, costs, budget, TieBreaker())
    assert "c8" in greedy.winners  # 623 votes, 413,000 of the 1,070,000
    plain = equal_shares_budget(marks, costs, budget, TieBreaker(), completion="none")
    assert len(plain.winners) == 13


# --- the most votes first ------------------------------------------------------------------


def test_what_does_not_fit_is_skipped_and_said() -> None:
    result = greedy(cast((5, "a"), (4, "b"), (3, "c")), {"a": 60, "b": 50, "c": 40}, 100)
    assert result.winners == ("a", "c")
    assert result.ranking == (("a",), ("c",), ("b",))
    assert [each.text for each in result.rounds] == [
        "Round 1: a has 5 votes, and its cost of 60 fits in the 100 left.",
        "Round 2: b has 4 votes, and its cost of 50 does not fit in the 40 left.",
        "Round 3: c has 3 votes, and its cost of 40 fits in the 40 left.",
    ]
    assert result.rounds[1].eliminated == ("b",)
    assert "Not funded: b. 100 of 100 is spent." in result.explanation
    assert result.margin == "With 10 more, b would have been funded."
    assert greedy(cast((5, "a"), (4, "b"), (3, "c")), {"a": 60, "b": 50, "c": 40}, 110).winners == (
        "a", "b",
    )  # fmt: skip


def test_equal_votes_go_by_the_order_fixed_only_where_not_all_fit() -> None:
    ballots, costs = cast((2, "ab"), (1, "c")), {"a": 60, "b": 50, "c": 1}
    result = greedy(ballots, costs, 100, order="ba")
    assert result.winners == ("b", "c")
    assert result.ties[0].broken_by == "the order fixed beforehand"
    assert not greedy(ballots, costs, 111).ties
    dear = greedy(ballots, costs | {"a": 100}, 99)
    assert (dear.winners, dear.ties) == (("b", "c"), ())


@given(VOTERS, COSTS, st.integers(1, 150), st.permutations(NAMES))
def test_greedy_is_as_defined(
    voters: list[Voter], costs: dict[str, int], budget: int, order: list[str]
) -> None:
    left, funded = budget, set()
    votes = {name: sum(name in voter for voter in voters) for name in NAMES}
    for name in sorted(order, key=lambda n: -votes[n]):
        if votes[name] and costs[name] <= left:
            funded.add(name)
            left -= costs[name]
    result = greedy(voters, costs, budget, order)
    assert set(result.winners) == funded
    assert result.counts == votes
    assert f"{budget - left} of {budget} is spent." in result.explanation


@given(VOTERS, COSTS, st.integers(1, 150))
def test_what_more_money_would_have_changed_is_true(
    voters: list[Voter], costs: dict[str, int], budget: int
) -> None:
    result = greedy(voters, costs, budget)
    if result.margin:
        more, name = result.margin.removeprefix("With ").split(" more, ")
        name = name.split()[0]
        assert name not in result.winners
        assert name in greedy(voters, costs, budget + int(more), order="edcba").winners


# --- equal shares --------------------------------------------------------------------------


def test_a_share_is_spent_by_those_who_approve() -> None:
    # Ten voters hold 10 each: the six can pay 60 for theirs, the four 40.
    ballots = cast((6, "ab"), (4, "c"))
    costs = {"a": 50, "b": 50, "c": 40}
    assert greedy(ballots, costs, 100).winners in (("a", "b"), ("b", "a"))
    result = shares(ballots, costs, 100, order="abc", completion="none")
    assert result.winners == ("a", "c")
    assert [each.text for each in result.rounds] == [
        "Round 1: a is the best buy: its 6 supporters pay its cost of 50 with 8.33333… each.",
        "Round 2: c is the best buy: its 4 supporters pay its cost of 40 with 10 each.",
    ]
    assert result.rounds[0].counts == {"a": 6, "b": 6, "c": 4}


def test_who_has_less_gives_all_of_it() -> None:
    # Five hold 20 each. a takes 15 from four; b the 5 that two of them have left, and 20.
    result = shares(cast((2, "ab"), (2, "a"), (1, "b")), {"a": 60, "b": 30}, 100, completion="none")
    assert result.winners == ("a", "b")
    assert result.rounds[1].text.endswith("pay its cost of 30 with at most 20 each.")
    assert result.rounds[1].counts == {"b": Fraction(30, 20)}


def test_worth_may_be_the_cost_or_a_vote() -> None:
    ballots, costs = cast((4, "ab"), (1, "a")), {"a": 75, "b": 20}
    by_cost = shares(ballots, costs, 100, completion="none")
    by_vote = shares(ballots, costs, 100, completion="none", utility="votes")
    assert by_cost.winners == ("a", "b")
    assert by_vote.winners == ("b", "a")
    assert by_vote.rounds[0].counts["b"] == Fraction(4, 20)


def test_cents_are_exact_whatever_is_worth() -> None:
    ballots, costs = cast((4, "ab"), (1, "a")), {"a": "80.10", "b": "0.25"}
    result = shares(ballots, costs, Decimal("80.35"), completion="none", utility="votes")
    assert result.winners == ("b", "a")
    assert result.rounds[0].counts["b"] == 16
    assert result.rounds[0].text.endswith("pay its cost of 0.25 with 0.0625 each.")
    assert "80.35 of 80.35 is spent." in result.explanation


def test_completions_spend_what_is_left() -> None:
    ballots, costs = cast((4, "ab"), (3, "c"), (3, "")), {"a": 40, "b": 30, "c": 25}
    outcomes = {
        how: shares(ballots, costs, 100, order="abc", completion=how)
        for how in ("none", "greedy", "add1", "add1-greedy")
    }
    assert outcomes["none"].winners == ("a", "c")
    assert outcomes["greedy"].winners == ("a", "c", "b")
    assert outcomes["greedy"].rounds[-1].text == (
        "Round 3: b has 4 votes, and its cost of 30 fits in the 35 left."
    )
    assert outcomes["add1"].winners == ("a", "b", "c")
    assert "the share is counted as 18." in outcomes["add1"].explanation
    assert outcomes["add1-greedy"].winners == ("a", "b", "c")


def test_raising_stops_before_it_would_overspend() -> None:
    ballots, costs = cast((3, "a"), (1, "b")), {"a": 60, "b": 50}
    result = shares(ballots, costs, 100)
    assert result.winners == ("a",)
    assert "Not funded: b. 60 of 100 is spent." in result.explanation
    ballots, costs = cast((1, "ac"), (1, "b")), {"a": 60, "b": 70, "c": 35}
    result = shares(ballots, costs, 100, "abc")
    assert result.winners == ("a",)
    assert "counted as 69. Raised by 1, it would overspend the budget." in result.explanation
    assert shares(ballots, costs, 100, "abc", completion="add1-greedy").winners == ("a", "c")
    coarse = shares(ballots, costs, 100, "abc", unit=7)
    assert "counted as 63. Raised by 7, it would overspend the budget." in coarse.explanation


def least_price(money: Sequence[Fraction], cost: Fraction) -> Fraction | None:
    if sum(money) < cost:
        return None
    tries = []
    for poor in range(len(money)):
        rich = sorted(money)[poor:]
        tries.append((cost - sum(sorted(money)[:poor], Fraction(0))) / len(rich))
    return next(p for p in sorted(tries) if sum((min(p, m) for m in money), Fraction(0)) == cost)


def bought_by_hand(
    voters: Sequence[Voter], costs: Mapping[str, int], share: Fraction, order: Sequence[str],
    utility: str,
) -> list[str]:  # fmt: skip
    money = [share] * len(voters)
    bought: list[str] = []
    while True:
        dear = {}
        for name in order:
            purse = [m for m, voter in zip(money, voters, strict=True) if name in voter]
            price = least_price(purse, Fraction(costs[name])) if name not in bought else None
            if price is not None:
                dear[name] = (price / (costs[name] if utility == "cost" else 1), price)
        if not dear:
            return bought
        name = min(dear, key=lambda n: dear[n][0])
        money = [
            max(m - dear[name][1], Fraction(0)) if name in voter else m
            for m, voter in zip(money, voters, strict=True)
        ]
        bought.append(name)


def shares_by_hand(
    voters: Sequence[Voter], costs: Mapping[str, int], budget: int, order: Sequence[str],
    completion: str, utility: str,
) -> list[str]:  # fmt: skip
    """As published at https://equalshares.net, for projects that could ever be funded."""
    fair = {n: c for n, c in costs.items() if c <= budget and any(n in v for v in voters)}
    order = [name for name in order if name in fair]
    share = Fraction(budget, len(voters))
    bought = bought_by_hand(voters, fair, share, order, utility)
    whole = share // 1
    while completion.startswith("add1"):
        spent = sum(costs[name] for name in bought)
        if all(spent + costs[name] > budget for name in order if name not in bought):
            break
        whole += 1
        raised = bought_by_hand(voters, fair, Fraction(whole), order, utility)
        if sum(costs[name] for name in raised) > budget:
            break
        bought = raised
    if completion.endswith("greedy"):
        for name in sorted(order, key=lambda n: -sum(n in voter for voter in voters)):
            spent = sum(costs[name] for name in bought)
            if name not in bought and spent + costs[name] <= budget:
                bought.append(name)
    return bought


@settings(max_examples=150, deadline=None)
@given(VOTERS.filter(bool), COSTS, st.integers(1, 150), st.permutations(NAMES), COMPLETIONS,
       UTILITIES)  # fmt: skip
def test_equal_shares_are_as_defined(
    voters: list[Voter], costs: dict[str, int], budget: int, order: list[str], completion: str,
    utility: str,
) -> None:  # fmt: skip
    result = shares(voters, costs, budget, order, completion=completion, utility=utility)
    by_hand = shares_by_hand(voters, costs, budget, order, completion, utility)
    assert sorted(result.winners) == sorted(by_hand)
    if not completion.endswith("greedy"):
        assert list(result.winners) == by_hand


@given(VOTERS.filter(bool), COSTS, st.integers(1, 150), st.permutations(NAMES))
def test_rates_that_decide_nothing_need_not_be_worked_out(
    voters: list[Voter], costs: dict[str, int], share: int, order: list[str]
) -> None:
    support = budgets.supported(read_approvals(voters, NAMES))
    names = []
    for lazily in (True, False):
        purses = budgets.Purses(support, costs, costs, Fraction(share, 3))
        bought = purses.buy(lambda tied: min(tied, key=order.index), lazily)
        names.append([each.name for each in bought])
    assert names[0] == names[1]


# --- what must not matter, and what must hold ----------------------------------------------


def outcome(result: TallyResult) -> tuple[Any, ...]:
    return result.winners, result.ranking, result.rounds, result.counts, result.ties


@settings(deadline=None)
@given(VOTERS, COSTS, st.integers(1, 150), COMPLETIONS, UTILITIES, st.data())
def test_order_and_copies_change_nothing_and_nothing_is_overspent(
    voters: list[Voter], costs: dict[str, int], budget: int, completion: str, utility: str,
    data: st.DataObject,
) -> None:  # fmt: skip
    shuffled = data.draw(st.permutations(voters))
    halves = [{"approvals": v, "weight": "1/2"} for v in shuffled for _ in range(2)]
    names = data.draw(st.permutations(NAMES))
    turned = {name: Decimal(costs[name]) for name in names}
    for count, more in (
        (greedy, {}), (shares, {"completion": completion, "utility": utility}),
    ):  # fmt: skip
        once = count(voters, costs, budget, **more)
        assert outcome(once) == outcome(count(halves, turned, str(budget), **more))
        assert sum(costs[name] for name in once.winners) <= budget
        assert sorted(n for level in once.ranking for n in level) == sorted(NAMES)
        assert all(once.counts[name] > 0 for name in once.winners)


@settings(deadline=None)
@given(VOTERS, COSTS, st.integers(1, 150))
def test_nothing_that_fits_is_left_by_a_greedy_end(
    voters: list[Voter], costs: dict[str, int], budget: int
) -> None:
    for result in (
        greedy(voters, costs, budget), shares(voters, costs, budget, completion="greedy"),
        shares(voters, costs, budget, completion="add1-greedy"),
    ):  # fmt: skip
        left = budget - sum(costs[name] for name in result.winners)
        missed = [n for n in NAMES if result.counts[n] and n not in result.winners]
        assert all(costs[name] > left for name in missed)


def test_a_draw_is_the_same_in_every_run_and_can_be_repeated() -> None:
    ballots, costs = cast((2, "ab"), (2, "bc"), (2, "ca")), dict.fromkeys("abc", 30)
    result = shares(ballots, costs, 70)
    plain = shares(ballots, costs, 70, completion="none")
    assert result.ties
    assert result.winners[0] == plain.winners[0]
    for tie in result.ties:
        assert list(tie.order) == random_select(tie.among, len(tie.among), seed=tie.seed)
    assert len(result.ties) <= 2  # of the run that stands, not of every run


# --- who takes part ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [greedy, shares])
def test_who_is_left_out_is_said(count: Any) -> None:
    ballots = cast((5, "a"), (2, "b"), (4, "c"))
    result = count(ballots, {"a": 10, "b": 10, "c": 101, "d": 1}, 100, minimum=3)
    assert result.winners == ("a",)
    assert "b is left out: it has 2 votes and needs 3." in result.explanation
    assert "c is left out: its cost of 101 is above the budget." in result.explanation
    assert "d is left out: nobody approves it." in result.explanation
    assert count(ballots, {"a": 10, "b": 10, "c": 101}, 100, minimum=2).winners[-1] == "b"


@pytest.mark.parametrize("count", [greedy, shares])
def test_without_ballots_nothing_is_funded(count: Any) -> None:
    for ballots in ([], [[]]):
        result = count(ballots, {"a": 10, "b": 20}, 100)
        assert (result.winners, result.ballots) == ((), len(ballots))
        assert result.ranking == (("a", "b"),)
        assert "Nothing is funded. 0 of 100 is spent." in result.explanation


def test_a_project_that_no_ballot_names_needs_no_candidate() -> None:
    marks = read_approvals([["a"]])
    result = greedy_budget(marks, {"a": 1, "b": 1}, 2, TieBreaker())
    assert result.counts == {"a": 1, "b": 0}
    assert result.winners == ("a",)


@pytest.mark.parametrize("count", [greedy_budget, equal_shares_budget])
@pytest.mark.parametrize(
    ("costs", "budget", "why"),
    [
        ({"a": 1}, 10, "'b' has no cost"),
        ({"a": 0, "b": 1}, 10, "the cost of 'a' is 0; it must be above 0"),
        ({"a": -5, "b": 1}, 10, "the cost of 'a' is -5; it must be above 0"),
        ({"a": float("nan"), "b": 1}, 10, "the cost of 'a' is 'nan'"),
        ({"a": Decimal("NaN"), "b": 1}, 10, "the cost of 'a' is 'NaN'"),
        ({"a": Decimal("Infinity"), "b": 1}, 10, "the cost of 'a' is 'Infinity'"),
        ({"a": 0.5, "b": 1}, 10, "write it as a whole number or a fraction"),
        ({"a": True, "b": 1}, 10, "the cost of 'a' is 'True'"),
        ({"a": 1, "b": 1}, 0, "the budget is 0; it must be above 0"),
        ({"a": 1, "b": 1}, "much", "the budget is 'much'"),
        ([1, 2], 10, "no table of projects and money"),
    ],
)
def test_money_that_is_none_is_an_error(count: Any, costs: Any, budget: Any, why: str) -> None:
    with pytest.raises(MemberError, match=why):
        count(read_approvals([["a", "b"]]), costs, budget, TieBreaker())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"completion": "add2"}, "completion is 'add2'"),
        ({"utility": "joy"}, "utility is 'joy'"),
        ({"minimum": -1}, "the least support is -1"),
        ({"unit": 0}, "the unit is 0"),
    ],
)
def test_options_that_are_none_are_an_error(more: Any, why: str) -> None:
    with pytest.raises(MemberError, match=why):
        shares([["a"]], {"a": 1}, 1, **more)


def test_raising_without_end_asks_for_a_larger_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    ballots, costs = cast((1, "a"), (9, "b")), {"a": 9_000, "b": 10}
    assert shares(ballots, costs, 10_000).winners == ("b", "a")
    monkeypatch.setattr(budgets, "MOST_WORK", 10_000)
    with pytest.raises(MemberError, match="give a larger unit"):
        shares(ballots, costs, 10_000)
    assert shares(ballots, costs, 10_000, unit=1_000).winners == ("b", "a")
