"""Votes at the price of their square, and weights from metrics that do not flutter."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools.ballots import read_scores
from govbot.tools.results import Spoilt, TieBreaker
from govbot.tools.weights import MetricRule, Weighed, number_of, quadratic, read_votes, weight

OPTIONS = ["garden", "park", "pool"]
VOTES = st.dictionaries(st.sampled_from(OPTIONS), st.integers(-9, 9), min_size=1)
TENTHS = st.integers(0, 20).map(lambda n: Fraction(n, 10))


def lot() -> TieBreaker:
    return TieBreaker(seed="s")


# --- exact numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (3, 3), ("3", 3), ("-0.8", Fraction(-4, 5)), ("1/2", Fraction(1, 2)), ("4/2", 2),
        (Fraction(6, 3), 2), (Decimal("0.80"), Fraction(4, 5)), (Decimal("1E+3"), 1000),
        ("007", 7), (10**30 - 1, 10**30 - 1),
    ],
)  # fmt: skip
def test_a_number_is_read_exactly(given: Any, number: Any) -> None:
    read = number_of(given, "it")
    assert read == number
    assert type(read) is (int if number == int(number) else Fraction)


@pytest.mark.parametrize(
    "given",
    [
        0.5, 1.0, float("nan"), float("inf"), True, None, "", " 1", "1\n", "+1", "1e3", "1_000",
        "١", "½", "0x10", "1/0", "1/-2", ".5", "5.", "nan", "inf", "-", "--1", 10**30, -(10**30),
        Fraction(1, 10**30), pytest.param(10**5000, id="a huge number"),
        pytest.param("9" * 5000, id="a long text"), "1/" + "9" * 31, "0." + "1" * 31,
        Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1E+999999999999"),
        Decimal("1E-999999999999"), [1], {"a": 1}, b"1",
    ],
)  # fmt: skip
def test_what_is_no_exact_number_of_sensible_size_is_refused(given: Any) -> None:
    with pytest.raises(MemberError, match="it is .*; write it as a whole number") as refused:
        number_of(given, "it")
    assert len(str(refused.value)) < 200


# --- quadratic voting --------------------------------------------------------------------------


def test_votes_for_and_against_are_summed() -> None:
    result = quadratic(
        [{"park": 7}, {"park": -3, "pool": 5}, {"pool": 2}], 1, lot(), credits=50,
        candidates=OPTIONS,
    )  # fmt: skip
    assert result.method == "quadratic"
    assert result.counts == {"garden": 0, "park": 4, "pool": 7}
    assert result.winners == ("pool",)
    assert result.ranking == (("pool",), ("park",), ("garden",))
    assert result.margin == "pool is 3 ahead of park."
    assert result.explanation == (
        "Votes on an option cost their square in credits, of which everyone has 50."
        " garden has 0. park has 4 (7 for, 3 against). pool has 7. Elected: pool."
    )


def test_who_spends_too_much_is_not_counted_and_sees_the_sum() -> None:
    result = quadratic([{"park": 3, "pool": 8}, {"park": 1}], 1, lot(), credits=50)
    assert result.spoilt == (Spoilt(1, "it spends 3² + 8² = 73 credits of 50"),)
    assert result.counts == {"park": 1}
    assert result.ballots == 1
    assert "1 ballot could not be counted." in result.explanation


def test_the_last_credit_may_be_spent_and_a_vote_against_costs_as_much() -> None:
    assert not quadratic([{"a": 7, "b": 1}], 1, lot(), credits=50).spoilt
    over = quadratic([{"a": 7, "b": -1}, {"a": 1}], 1, lot(), credits="49.5").spoilt
    assert over[0].why == "it spends 7² + (-1)² = 50 credits of 49.5"


def test_credits_can_differ_by_member() -> None:
    ballots = [
        {"member": "ana", "votes": {"park": 3}}, {"member": "ben", "votes": {"park": 3}},
        {"member": "cy", "votes": {"park": 1}}, {"park": 1},
    ]  # fmt: skip
    read = read_votes(ballots, {"ana": 9, "ben": 8, "dan": 100})
    assert read.total == 1
    assert [spoilt.why for spoilt in read.spoilt] == [
        "it spends 3² = 9 credits of 8",
        "nobody gave 'cy' credits",
        "it does not say whose it is, and credits differ by member",
    ]


def test_two_ballots_of_one_member_would_spend_twice_so_none_counts() -> None:
    twice = [{"member": "ana", "votes": {"park": 3}}, {"member": "ana", "votes": {"pool": 3}}]
    result = quadratic([*twice, {"member": "ben", "votes": {"pool": 1}}], 1, lot(), credits=9)
    assert result.counts == {"pool": 1}
    assert {spoilt.why for spoilt in result.spoilt} == {
        "'ana' handed in 2 ballots, and one may count"
    }


def test_ballots_weigh_what_they_weigh_but_pay_the_same() -> None:
    ballots = [{"votes": {"a": 3}, "weight": "1/2"}, {"votes": {"b": 1}, "count": 2}]
    result = quadratic(ballots, 1, lot(), credits=9)
    assert result.counts == {"a": Fraction(3, 2), "b": 2}
    assert result.ballots == Fraction(5, 2)


def test_marks_already_read_are_held_to_the_same_price() -> None:
    ballots = [{"park": 3, "pool": 8}, {"park": -2}, {"park": 1}]
    marks = read_scores(ballots, lowest=-10, highest=10)
    result = quadratic(marks, 1, lot(), credits=50)
    assert (
        result.counts
        == quadratic(ballots, 1, lot(), credits=50, candidates=["park", "pool"]).counts
    )
    assert result.spoilt == (Spoilt(0, "it spends 3² + 8² = 73 credits of 50"),)


def test_with_a_least_nobody_wins_whom_more_are_against() -> None:
    ballots = [{"park": -3}, {"park": 2, "pool": 1}]
    assert quadratic(ballots, 2, lot(), credits=9).winners == ("pool", "park")
    result = quadratic(ballots, 2, lot(), credits=9, least=0)
    assert result.winners == ("pool",)
    assert "It takes at least 0." in result.explanation
    assert quadratic(ballots, 1, lot(), credits=9, least=1).winners == ("pool",)
    assert quadratic(ballots, 1, lot(), credits=9, least="1.5").winners == ()


def test_a_tie_goes_to_the_tie_breaker() -> None:
    ballots = [{"park": 3}, {"pool": 3}]
    result = quadratic(ballots, 1, TieBreaker(["pool"]), credits=9)
    assert result.winners == ("pool",)
    assert result.ties[0].broken_by == "the order fixed beforehand"
    drawn = quadratic(ballots, credits=9)
    assert drawn.ties[0].seed.startswith("ballots:")
    assert drawn.winners == quadratic(ballots[::-1], credits=9).winners


def test_no_ballots_elect_nobody() -> None:
    result = quadratic([], 1, lot(), credits=9, candidates=OPTIONS)
    assert result.winners == ()
    assert "There are no ballots to count." in result.explanation
    assert quadratic([{"park": 9}], credits=9).counts == {}


@pytest.mark.parametrize(
    ("ballot", "why"),
    [
        ({"park": 1.5}, "1.5 for 'park' is no sensible whole number"),
        ({"park": True}, "bool for 'park' is no sensible whole number"),
        ({"park": "3"}, "'3' for 'park' is no sensible whole number"),
        ({"park": 10**5000}, "a number of more than 30 digits for 'park'"),
        ({"tower": 1}, "it names 'tower', which is no option"),
        ({3: 1}, "3 in it is no option's name"),
        (["park"], "it does not give votes to each option"),
        ("park", "it does not give votes to each option"),
        (None, "it does not give votes to each option"),
    ],
)
def test_a_ballot_that_cannot_be_read_is_spoilt(ballot: Any, why: str) -> None:
    result = quadratic([ballot, {"park": 1}], 1, lot(), credits=9, candidates=OPTIONS)
    assert [spoilt.ballot for spoilt in result.spoilt] == [1]
    assert why in result.spoilt[0].why
    assert result.counts["park"] == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"credits": -1}, "it cannot be below 0"),
        ({"credits": 9.0}, "the number of credits is 9.0"),
        ({"credits": {"ana": "much"}}, "the credits of 'ana' is 'much'"),
        ({"credits": 9, "seats": 0}, "0 seats cannot be filled"),
        ({"credits": 9, "seats": 2}, "2 seats and only 1 candidates"),
        ({"credits": 9, "least": 0.5}, "the least votes is 0.5"),
        ({"credits": 9, "candidates": ["a", "a"]}, "listed twice"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(MemberError, match=why):
        quadratic([{"member": "ana", "votes": {"a": 1}}], **options)


def test_very_many_terms_are_shown_shortened() -> None:
    ballot = {f"option {n:03}": 1 for n in range(500)}
    read = read_votes([ballot], 499)
    assert read.spoilt[0].why.endswith("+ 1² + … = 500 credits of 499")
    assert len(read.spoilt[0].why) < 150
    huge = read_votes([{"a": 10**29}], 5)
    assert str(10**58) in huge.spoilt[0].why


@given(st.lists(VOTES, max_size=8), st.integers(0, 90), st.integers(1, 3), st.randoms())
def test_every_ballot_counts_in_full_or_not_at_all_whatever_the_order(
    ballots: list[dict[str, int]], purse: int, seats: int, shuffler: Any
) -> None:
    result = quadratic(ballots, seats, lot(), credits=purse, candidates=OPTIONS)
    paid = [b for b in ballots if sum(votes**2 for votes in b.values()) <= purse]
    assert result.counts == {name: sum(b.get(name, 0) for b in paid) for name in OPTIONS}
    assert result.ballots == len(paid)
    assert [spoilt.ballot for spoilt in result.spoilt] == [
        n for n, b in enumerate(ballots, 1) if b not in paid
    ]
    assert len(result.winners) == (seats if paid else 0)
    turned = [dict(reversed(b.items())) for b in ballots]
    shuffler.shuffle(turned)
    again = quadratic(turned, seats, lot(), credits=purse, candidates=OPTIONS[::-1])
    assert (again.counts, again.winners, again.ranking, again.ties, again.explanation) == (
        result.counts, result.winners, result.ranking, result.ties, result.explanation
    )  # fmt: skip


# --- weights from metrics ----------------------------------------------------------------------

TRUST = MetricRule("trust", "1/2", band="0.1")
ALERT = MetricRule("phi", "1/4", rise="0.8", fall="0.6")


def levels(rule: MetricRule, *values: str) -> list[Any]:
    """The level after each of these values in turn."""
    found: list[Any] = []
    for value in values:
        before = {rule.name: found[-1]} if found else None
        weighed = weight({rule.metric: value}, [rule], before, ceiling=100)
        found.append(weighed.levels[rule.name])
    return found


def test_a_weight_is_a_sum_that_is_shown() -> None:
    weighed = weight({"trust": "0.8"}, [MetricRule("trust", "1/2")], ceiling=3)
    assert weighed.weight == weighed.total == Fraction(7, 5)
    assert weighed.levels == {"trust": Fraction(4, 5)}
    assert weighed.explanation == "1 + 1/2 × trust 0.8 = 1.4."


def test_the_metrics_of_a_node_are_weighed_as_the_seed_has_it() -> None:
    coefficients = {
        "phi": "0.25", "coherence": "0.25", "stability": "0.20", "divergence": "-0.15",
        "consciousness_level": "0.15",
    }  # fmt: skip
    rules = [MetricRule(name, each) for name, each in coefficients.items()]
    facts = {
        "phi": "0.9", "coherence": "0.8", "stability": "1/3", "divergence": "0.5",
        "consciousness_level": 1, "name": "node_abc",
    }  # fmt: skip
    weighed = weight(facts, rules, base=0, ceiling=1)
    by_hand = Fraction(9, 40) + Fraction(1, 5) + Fraction(1, 15) - Fraction(3, 40) + Fraction(3, 20)
    assert weighed.weight == by_hand
    assert "- 3/20 × divergence 0.5" in weighed.explanation
    assert "+ 1/5 × stability 1/3" in weighed.explanation
    assert weight(facts, rules[::-1], base=0, ceiling=1) == weighed


def test_a_level_with_a_band_moves_only_when_the_metric_leaves_it() -> None:
    # Up at the edge itself, down only below it.
    assert levels(TRUST, "0.5", "0.59", "0.6", "0.5", "0.49") == [
        Fraction(1, 2), Fraction(1, 2), Fraction(3, 5), Fraction(3, 5), Fraction(49, 100),
    ]  # fmt: skip


def test_without_a_band_a_level_is_the_metric() -> None:
    assert levels(MetricRule("m", 1), "0.5", "0.51", "0.5") == [
        Fraction(1, 2), Fraction(51, 100), Fraction(1, 2),
    ]  # fmt: skip


def test_a_level_with_rise_and_fall_is_high_or_low() -> None:
    assert levels(ALERT, "0.7", "0.8", "0.7", "0.6", "0.599", "0.799", "0.9") == [
        0, 1, 1, 1, 0, 0, 1
    ]  # fmt: skip
    assert levels(ALERT, "0.79") == [0]


def test_several_rules_on_one_metric_make_steps() -> None:
    rules = [
        MetricRule("trust", 1, rise="0.5", fall="0.4", name="trusted"),
        MetricRule("trust", 2, rise="0.9", fall="0.8", name="pillar"),
    ]
    seen, weighed = [], None
    for value in ("0.45", "0.95", "0.85", "0.45", "0.3"):
        weighed = weight({"trust": value}, rules, weighed, ceiling=9)
        seen.append(weighed.weight)
    assert seen == [1, 4, 4, 2, 1]


def test_a_metric_counts_at_no_more_than_high_and_no_less_than_low() -> None:
    rule = MetricRule("posts", "1/100", low=10, high=50)
    assert levels(rule, "7", "30", "400") == [10, 30, 50]
    weighed = weight({"posts": 400}, [rule], ceiling=9)
    assert "posts is 400 and counts as 50, the most it may." in weighed.explanation


def test_a_metric_far_above_lifts_a_level_close_to_the_top() -> None:
    rule = MetricRule("m", 1, band="0.2")
    assert levels(rule, "0.9", "1", "1.5", "0.8", "0.79") == [
        Fraction(9, 10), Fraction(9, 10), 1, 1, Fraction(79, 100),
    ]  # fmt: skip


def test_the_account_says_what_holds_a_level_and_when_it_moves() -> None:
    first = weight({"trust": "0.8", "phi": "0.9"}, [TRUST, ALERT], ceiling=3)
    again = weight({"trust": "0.85", "phi": "0.7"}, [TRUST, ALERT], first, ceiling="1.2")
    assert again.levels == first.levels and again.moved == ()
    assert again.explanation == (
        "1 + 1/4 × phi 1 + 1/2 × trust 0.8 = 1.65."
        " phi is 0.7 and counts as 1 until it falls below 0.6."
        " trust is 0.85 and counts as 0.8 until it reaches 0.9 or falls below 0.7."
        " The ceiling makes it 1.2."
    )
    moved = weight({"trust": "0.95", "phi": "0.5"}, [TRUST, ALERT], again, ceiling=3)
    assert moved.moved == ("phi", "trust")


def test_a_weight_is_held_between_floor_and_ceiling() -> None:
    rule = MetricRule("m", -10, high=5)
    low = weight({"m": 1}, [rule], floor="1/2", ceiling=3)
    assert (low.weight, low.total) == (Fraction(1, 2), -9)
    assert "The floor makes it 0.5." in low.explanation
    assert weight({}, [], base=7, ceiling=3).weight == 3


def test_a_weighing_survives_its_way_through_json() -> None:
    first = weight({"trust": "0.8", "phi": 1}, [TRUST, ALERT], ceiling=3)
    kept = json.loads(json.dumps(first.plain()))
    assert kept["levels"] == {"phi": 1, "trust": "4/5"}
    facts = {"trust": "0.85", "phi": "0.7"}
    assert weight(facts, [TRUST, ALERT], kept["levels"], ceiling=3) == weight(
        facts, [TRUST, ALERT], first, ceiling=3
    )


def test_a_level_that_an_amended_rule_no_longer_knows_starts_anew() -> None:
    # With rise and fall it is as if there had been none; in a band it is brought within bounds.
    amended = MetricRule("phi", 1, high=2, rise="0.8", fall="0.6")
    assert weight({"phi": "0.7"}, [amended], {"phi": 1}, ceiling=9).levels == {"phi": 0}
    narrower = MetricRule("trust", 1, high="0.5", band="0.1")
    assert weight({"trust": "0.45"}, [narrower], {"trust": 1}, ceiling=9).levels == {
        "trust": Fraction(1, 2)
    }


def test_a_missing_metric_is_an_error_unless_the_rule_says_what_to_take() -> None:
    with pytest.raises(MemberError, match="there is no fact 'trust' of this member; record it"):
        weight({}, [TRUST], ceiling=3)
    lenient = MetricRule("trust", "1/2", missing="0.2")
    assert weight({"trust": None}, [lenient], ceiling=3).weight == Fraction(11, 10)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"metric": ""}, "a metric has no name"),
        ({"coefficient": 0.5}, "coefficient of 'm' is 0.5"),
        ({"coefficient": None}, "coefficient of 'm'"),
        ({"low": 2}, "has low 2 above high 1; swap the two"),
        ({"band": "-0.1"}, "has a band of -0.1"),
        ({"rise": "0.5"}, "only one of rise and fall"),
        ({"rise": "0.5", "fall": "0.6"}, "has fall 0.6 above rise 0.5"),
        ({"rise": "0.5", "fall": "0.4", "band": "0.1"}, "has a band beside rise and fall"),
        ({"high": "NaN"}, "high of 'm' is 'NaN'"),
        ({"missing": float("inf")}, "missing of 'm' is inf"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(MemberError, match=why):
        MetricRule(**{"metric": "m", "coefficient": 1, **rule})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"facts": {"trust": 0.8}}, "the fact 'trust' is 0.8"),
        ({"facts": {"trust": "high"}}, "the fact 'trust' is 'high'"),
        ({"facts": {"trust": 10**5000}}, "more than 30 digits"),
        ({"previous": {"trust": 0.8}}, "level of 'trust' is 0.8"),
        ({"floor": -1}, "no vote can weigh less than 0"),
        ({"floor": 4}, "the floor 4 is above the ceiling 3"),
        ({"ceiling": float("inf")}, "the ceiling is inf"),
        ({"base": "one"}, "the base is 'one'"),
        ({"rules": [TRUST, TRUST]}, "two rules are called 'trust'"),
    ],
)
def test_a_weighing_that_makes_no_sense_is_refused(given: dict[str, Any], why: str) -> None:
    asked: dict[str, Any] = {"facts": {"trust": 1}, "rules": [TRUST], "ceiling": 3, **given}
    with pytest.raises(MemberError, match=why):
        weight(**asked)


@given(st.lists(TENTHS, min_size=1, max_size=12), TENTHS)
def test_a_level_never_strays_from_the_metric_by_more_than_the_band(
    values: list[Fraction], band: Fraction
) -> None:
    rule = MetricRule("m", 1, high=2, band=band)
    weighed: Weighed | None = None
    for value in values:
        before = weighed.levels["m"] if weighed else None
        weighed = weight({"m": value}, [rule], weighed, ceiling=9)
        level = weighed.levels["m"]
        assert abs(value - level) <= band
        if before is not None and before - band <= value < before + band:
            assert level == before and weighed.moved == ()
        else:
            assert level == value


@given(st.lists(TENTHS, min_size=1, max_size=12), TENTHS, TENTHS)
def test_a_level_changes_only_at_its_edges(
    values: list[Fraction], one: Fraction, other: Fraction
) -> None:
    fall, rise = sorted((one, other))
    rule = MetricRule("m", 1, rise=rise, fall=fall)
    level: Any = 0
    for value in values:
        before = level
        level = weight({"m": value}, [rule], {"m": before}, ceiling=9).levels["m"]
        if value >= rise:
            assert level == 1
        elif value < fall:
            assert level == 0
        else:
            assert level == before


@given(st.dictionaries(st.sampled_from("abc"), TENTHS, min_size=3), TENTHS, TENTHS)
def test_a_weight_stays_within_its_bounds(
    facts: dict[str, Fraction], one: Fraction, other: Fraction
) -> None:
    floor, ceiling = sorted((one, other))
    rules = [MetricRule("a", 3), MetricRule("b", -2, high=9), MetricRule("c", "1/7", band=1)]
    weighed = weight(facts, rules, floor=floor, ceiling=ceiling)
    assert floor <= weighed.weight <= ceiling
    assert weighed.weight in (weighed.total, floor, ceiling)
