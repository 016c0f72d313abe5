"""Bids: the best score wins, exactly, and every bid is scored or listed with its reason."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools.bids import judge_bids
from govbot.tools.draws import random_select
from govbot.tools.results import TallyResult, TieBreaker

ANA = {"id": "ana", "price": "100.50", "rating": 4, "time": "2026-02-08T18:30:00Z"}
BEN = {"id": "ben", "price": "67", "rating": 3, "time": "2026-02-08T19:29:59+01:00"}
CY = {"id": "cy", "price": 201, "rating": 5, "time": "2026-02-08T18:30:00.000001Z"}
BIDS: list[dict[str, Any]] = [ANA, BEN, CY]


def judged(bids: Sequence[Mapping[str, Any]], **how: Any) -> TallyResult:
    return judge_bids(bids, **{"score": "-price", "breaker": TieBreaker(seed="s"), **how})


def level(*names: str, **fields: Sequence[Any]) -> list[dict[str, Any]]:
    """Bids that cost the same and differ in these fields."""
    return [
        {"id": name, "price": 10, **{field: values[n] for field, values in fields.items()}}
        for n, name in enumerate(names)
    ]


def reasons(result: TallyResult) -> list[str]:
    return [spoilt.why for spoilt in result.spoilt]


# --- scoring -----------------------------------------------------------------------------------


def test_the_highest_score_is_awarded() -> None:
    result = judged(BIDS, score="100 * lowest_price / price + 2 * rating")
    assert result.method == "bids"
    assert result.winners == ("ben",)
    assert result.ranking == (("ben",), ("ana",), ("cy",))
    assert result.counts == {
        "ben": 106, "ana": Fraction(200, 3) + 8, "cy": Fraction(100, 3) + 10
    }  # fmt: skip
    assert result.margin == "ben is 31.33333… ahead of ana."
    assert result.explanation == (
        "Score: 100 * lowest_price / price + 2 * rating."
        " Scores: ben 106, ana 74.66666… and cy 43.33333… Awarded: ben."
    )


def test_several_can_be_awarded() -> None:
    assert judged(BIDS, seats=2).winners == ("ben", "ana")
    more = judged(BIDS, seats=5)
    assert more.winners == ("ben", "ana", "cy")
    assert "Awarded: ben, ana and cy; 5 could have been." in more.explanation


def test_prices_are_exact() -> None:
    bids: list[dict[str, Any]] = [
        {"id": "a", "price": "0.3"},
        {"id": "b", "price": Decimal("0.30")},
    ]
    result = judged(bids, score="price == 1 / 10 + 2 / 10", seats=2)
    assert result.winners == ()
    assert judged(bids, qualify="price == 1 / 10 + 2 / 10", seats=2).winners == ("a", "b")


def test_only_bids_that_qualify_are_scored_and_set_the_lowest_and_highest() -> None:
    bids = [*BIDS, {"id": "dan", "price": 1, "rating": 0}]
    score = "(highest_price - price) / (highest_price - lowest_price)"
    result = judged(bids, qualify="rating >= 3", score=score)
    assert result.counts == {"ben": 1, "ana": Fraction(3, 4), "cy": 0}
    assert reasons(result) == ["dan: it does not qualify"]
    assert "To qualify: rating >= 3." in result.explanation
    assert "Not counted: dan: it does not qualify." in result.explanation


def test_a_score_may_ask_how_many_bids_qualify_and_what_the_rules_know() -> None:
    result = judged(
        BIDS, qualify="price <= budget", score="budget / bids - price", known={"budget": 150}
    )
    assert result.counts == {"ben": 8, "ana": Fraction(-51, 2)}


def test_fields_may_be_texts_truths_and_lists() -> None:
    bids: list[dict[str, Any]] = [
        {"id": "a", "price": 9, "kind": "gpu", "open": True, "skills": ["go", "c"]},
        {"id": "b", "price": 8, "kind": "cpu", "open": True, "skills": ["go"]},
        {"id": "c", "price": 7, "kind": "gpu", "open": False, "skills": ["go"]},
        {"id": "d", "price": 6, "kind": "gpu", "open": True, "skills": []},
    ]
    rule = "kind == 'gpu' and open and 'go' in skills and id != 'z'"
    assert judged(bids, qualify=rule).ranking == (("a",),)


def test_a_moment_counts_as_seconds() -> None:
    zoned = datetime(2026, 2, 8, 20, 30, tzinfo=timezone(timedelta(hours=2)))
    bids: list[dict[str, Any]] = [
        {"id": "a", "time": zoned},
        {"id": "b", "time": "1970-01-01T00:00:00.5Z"},
    ]
    result = judged(bids, score="time")
    assert result.counts == {
        "a": int(datetime(2026, 2, 8, 18, 30, tzinfo=UTC).timestamp()), "b": Fraction(1, 2)
    }  # fmt: skip


def test_a_bid_goes_by_its_id_or_its_bidder() -> None:
    bids = [{"bidder": "ana", "price": 2}, {"id": 7, "bidder": "ana", "price": 1}]
    assert judged(bids).ranking == (("7",), ("ana",))


def test_scores_that_differ_look_different() -> None:
    bids = [{"id": "a", "price": "1/3"}, {"id": "b", "price": "333333/1000000"}]
    assert "b -0.333333 and a -0.3333333333…" in judged(bids).explanation


def test_nothing_to_judge_awards_nobody() -> None:
    result = judged([])
    assert (result.winners, result.ranking, result.ballots) == ((), (), 0)
    assert "No bid could be scored. Awarded: nobody." in result.explanation
    assert "nobody" in judged(BIDS, qualify="price < 0").explanation


# --- what is not counted -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "why"),
    [
        ({}, "x: it has no 'price'"),
        ({"price": None}, "x: it has no 'price'"),
        ({"price": 0}, "x: '100 / price' has no value: it divides by zero"),
        ({"price": 12.5}, "x: its 'price' is 12.5; write it as"),
        ({"price": float("nan")}, "x: its 'price' is nan"),
        ({"price": Decimal("Infinity")}, "x: its 'price' is Decimal('Infinity')"),
        ({"price": "9" * 5000}, "x: its 'price' is '9999"),
        ({"price": 10**5000}, "x: its 'price' is a number of more than 30 digits"),
        ({"price": "cheap"}, "x: '100 / price' has no value: 'cheap' is not a number"),
        ({"price": "1e2"}, "'1e2' is not a number"),
        ({"price": True}, "True is not a number"),
        ({"price": {"eur": 3}}, "x: its 'price' is dict"),
        ({"price": [[1]]}, "x: something in its 'price' is list"),
        ({"price": [1]}, "'100 / price' has no value: (1,) is not a number"),
    ],
)
def test_a_bid_that_has_no_score_is_listed_with_its_reason(bid: dict[str, Any], why: str) -> None:
    result = judged([{"id": "fine", "price": 4}, {"id": "x", **bid}], score="100 / price")
    assert result.winners == ("fine",)
    assert result.ballots == 1
    assert [spoilt.ballot for spoilt in result.spoilt] == [2]
    assert why in reasons(result)[0]
    assert len(reasons(result)[0]) < 400


def test_a_field_that_no_rule_asks_for_spoils_nothing() -> None:
    assert judged([{"id": "a", "price": 1, "note": 0.5, "nested": {"x": [1.5]}}]).winners == ("a",)


@pytest.mark.parametrize(
    ("time", "why"),
    [
        ("2026-02-08T18:30:00", "has no zone; add Z for UTC"),
        (datetime(2026, 2, 8), "has no zone"),  # noqa: DTZ001  # that it is refused is the point
        ("soon", "its time is 'soon'; write it as 2026-02-08T18:30:00Z or as a number"),
        (1.5, "its 'time' is 1.5"),
    ],
)
def test_a_time_that_cannot_be_read_spoils_the_bid_if_time_counts(time: Any, why: str) -> None:
    bids = [{"id": "a", "price": 1, "time": time}, {"id": "b", "price": 2}]
    assert judged(bids).winners == ("a",)
    result = judged(bids, tie_break=["earliest"])
    assert result.winners == ("b",)
    assert why in reasons(result)[0]


def test_a_score_that_is_no_number_is_not_counted() -> None:
    assert reasons(judged([ANA], score="price < 5")) == ["ana: its score is no number"]
    assert reasons(judged([ANA], score="id")) == ["ana: its score is no number"]
    assert "is not a condition" in reasons(judged([ANA], qualify="price"))[0]


def test_a_missing_field_is_not_blamed_for_another_mistake() -> None:
    assert reasons(judged([ANA], score="1 / (price - price) if rating > 1 else bonus")) == [
        "ana: '1 / (price - price) if rating > 1 else bonus' has no value: it divides by zero"
    ]
    assert judged([ANA], score="bonus if rating > 9 else 1").counts == {"ana": 1}


# --- hostile bids and expressions --------------------------------------------------------------


def test_a_bid_cannot_bring_what_only_the_rules_know() -> None:
    liar = {"id": "liar", "price": 50, "lowest_price": 10**9, "bids": 999, "budget": 10**6}
    honest = {"id": "honest", "price": 40}
    result = judged(
        [liar, honest], qualify="price <= budget", score="lowest_price / price + bids",
        known={"budget": 45},
    )  # fmt: skip
    assert result.counts == {"honest": 2}
    known = judged([honest], score="budget - price", known={"budget": 45, "price": 44})
    assert known.counts == {"honest": 1}
    alone = judged([{"id": "liar", "lowest_rate": 9}], score="lowest_rate")
    assert reasons(alone) == ["liar: it has no 'lowest_rate'"]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "().__class__", "price.real", "price.__class__.__bases__",
        "[x for x in (1, 2)]", "lambda: 1", "(y := 3)", "f'{price}'", "open('/etc/passwd')",
        "price[0]", "{'a': 1}", "exec('1')", "price; price", "import os", "1.5e300", "0x10", "",
        "9" * 400, "-" * 200 + "1", "1 + " * 200 + "1", "price\x00", "\\u0041",
        "min(*price)", "max(price, key=1)", "await price", "print(price)", "`price`",
    ],
)  # fmt: skip
def test_an_expression_that_reaches_for_more_is_refused(text: str) -> None:
    for how in ({"score": text}, {"qualify": text}):
        with pytest.raises(MemberError, match=f"^{next(iter(how))} cannot be read: "):
            judged(BIDS, **how)


@pytest.mark.parametrize(
    "text", ["9**9**9", "2**2**2**2**2**2", "price**400**2", "(9**99)**99", "'a' * 999999999"]
)
def test_an_expression_that_would_cost_too_much_has_no_value(text: str) -> None:
    result = judged(BIDS, score=text)
    assert result.winners == ()
    assert len(result.spoilt) == 3
    assert all("has no value" in why for why in reasons(result))


def test_names_of_the_machine_are_fields_that_nobody_has() -> None:
    result = judged(BIDS, score="__builtins__")
    assert reasons(result)[0] == "ana: it has no '__builtins__'"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"score": None}, "score is no text"),
        ({"score": 3}, "score is no text"),
        ({"qualify": True}, "qualify is no text"),
        ({"qualify": "price <= 2 * lowest_price"}, "qualify asks for 'lowest_price', which is"),
        ({"qualify": "bids > 2"}, "qualify asks for 'bids'"),
        ({"seats": 0}, "0 bids cannot be awarded"),
        ({"seats": True}, "True bids cannot be awarded"),
        ({"tie_break": ["erliest"]}, "no tie-break 'erliest'; did you mean 'earliest'"),
        ({"tie_break": ["lowest"]}, "there is no tie-break 'lowest'"),
        ({"tie_break": ["lowest:a.b"]}, "there is no tie-break 'lowest:a.b'"),
        ({"tie_break": ["cheapest price"]}, "there is no tie-break 'cheapest price'"),
        ({"tie_break": ["draw", "earliest"]}, "put it last"),
        ({"tie_break": ["draw", "draw"]}, "put it last"),
        ({"tie_break": "earliest"}, "no list of at most 20 rules"),
        ({"tie_break": ["earliest"] * 21}, "no list of at most 20 rules"),
        ({"tie_break": [3]}, "'3' is no tie-break"),
        ({"bids": [ANA, ANA]}, "two bids are called 'ana'"),
        ({"bids": [{"price": 3}]}, "bid 1 has no id and no bidder"),
        ({"bids": [ANA, {"id": " "}]}, "bid 2 has no id and no bidder"),
        ({"bids": [{"id": True}]}, "bid 1 has no id and no bidder"),
        ({"bids": ["ana"]}, "bid 1 is no mapping of fields"),
        ({"bids": [ANA, {"id": "b", "time": 3}], "tie_break": ["latest"]}, "write all in one way"),
    ],
)
def test_a_round_that_makes_no_sense_is_refused(how: dict[str, Any], why: str) -> None:
    with pytest.raises(MemberError, match=why):
        judged(how.pop("bids", BIDS), **how)


# --- ties --------------------------------------------------------------------------------------


def test_the_earlier_of_level_bids_comes_first() -> None:
    result = judged(BIDS, score="1", tie_break=["earliest"], seats=2)
    assert result.winners == ("ben", "ana")
    (tie,) = result.ties
    assert (tie.broken_by, tie.order) == ("the earliest time", ("ben", "ana", "cy"))
    assert "ana, ben and cy were level; the earliest time put ben first." in result.explanation
    assert judged(BIDS, score="1", tie_break=["latest"]).winners == ("cy",)


def test_times_may_be_numbers_in_a_sequence() -> None:
    bids = level("a", "b", "c", time=[10, 9, "8"])
    assert judged(bids, tie_break=["earliest"]).winners == ("c",)


@pytest.mark.parametrize("rule", ["lowest:price", "lowest price", " lowest: price"])
def test_the_lowest_of_a_field_comes_first(rule: str) -> None:
    result = judged(BIDS, score="1", tie_break=[rule])
    assert result.winners == ("ben",)
    assert result.ties[0].broken_by == "the lowest price"


def test_rules_are_asked_in_order_and_each_is_named() -> None:
    bids = level("a", "b", "c", "d", "e", rating=[5, 4, 4, 4, 1], time=[5, 4, 3, 3, 1])
    result = judged(bids, seats=3, tie_break=["highest:rating", "earliest"])
    assert result.winners == ("a", "c", "d")
    assert [(tie.among, tie.broken_by, tie.order) for tie in result.ties] == [
        (("a", "b", "c", "d", "e"), "the highest rating", ("a", "c", "d", "b", "e")),
        (("b", "c", "d"), "the earliest time", ("c", "d", "b")),
    ]
    fewer = judged(bids, seats=2, tie_break=["highest:rating", "earliest", "draw"])
    lot = random_select(["c", "d"], 2, seed="s:the award:0")
    assert fewer.winners == ("a", lot[0])
    assert [tie.broken_by for tie in fewer.ties] == [
        "the highest rating", "the earliest time", "a draw by lot"
    ]  # fmt: skip
    assert fewer.ties[2].seed == "s:the award:0"
    assert fewer.ties[0].order == ("a", *lot, "b", "e")


def test_what_no_rule_parts_is_drawn_with_the_seed() -> None:
    bids = level("a", "b", "c")
    result = judged(bids, seats=2, tie_break=["lowest:price", "earliest"])
    assert list(result.winners) == random_select("abc", 3, seed="s:the award:0")[:2]
    assert [tie.broken_by for tie in result.ties] == ["a draw by lot"]
    fixed = judged(bids, breaker=TieBreaker(["b", "a"]))
    assert fixed.winners == ("b",)
    with pytest.raises(MemberError, match="draw needs a seed"):
        judged(bids, breaker=TieBreaker())


def test_a_tie_that_decides_nothing_stays_one() -> None:
    bids = [*level("a", "b"), {"id": "c", "price": 99}, {"id": "d", "price": 99}]
    result = judged(bids, seats=2, tie_break=["earliest"])
    assert result.winners == ("a", "b")
    assert result.ties == ()
    assert result.ranking == (("a", "b"), ("c", "d"))


def test_who_has_no_number_there_comes_last() -> None:
    bids = level("a", "b", "c", rating=[None, "good", 1])
    assert judged(bids, tie_break=["highest:rating"]).winners == ("c",)
    assert judged(bids, tie_break=["lowest:rating"]).winners == ("c",)
    truth = level("a", "b", rating=[True, 0])
    assert judged(truth, tie_break=["highest:rating"]).winners == ("b",)


# --- whatever comes ----------------------------------------------------------------------------

FIELD = st.one_of(
    st.none(), st.integers(-2, 3), st.sampled_from(["0.5", "1/3", "x", ""]), st.booleans(),
    st.floats(), st.lists(st.integers(0, 2), max_size=2),
)  # fmt: skip
ROUNDS = st.lists(
    st.fixed_dictionaries({"price": FIELD, "rating": FIELD, "time": st.integers(0, 3)}), max_size=7
).map(lambda bids: [{"id": f"b{n}", **bid} for n, bid in enumerate(bids)])
RULES = st.lists(
    st.sampled_from(["earliest", "latest", "lowest:price", "highest rating"]), max_size=5
)
SCORES = st.sampled_from(["1", "price", "lowest_price / price", "rating - price * 2", "bids"])
QUALIFY = st.sampled_from([None, "price > 0", "rating >= 1 or price < 1", "time < 3"])


@given(ROUNDS, QUALIFY, SCORES, RULES, st.integers(1, 4), st.randoms(use_true_random=False))
def test_every_bid_is_scored_or_listed_and_their_order_changes_nothing(
    bids: list[dict[str, Any]], qualify: str | None, score: str, rules: list[str], seats: int,
    shuffler: Any,
) -> None:  # fmt: skip
    how: dict[str, Any] = {
        "qualify": qualify, "score": score, "tie_break": rules, "seats": seats,
    }  # fmt: skip
    result = judged(bids, **how)
    left_out = {bids[spoilt.ballot - 1]["id"] for spoilt in result.spoilt}
    assert left_out.isdisjoint(result.counts)
    assert left_out | set(result.counts) == {bid["id"] for bid in bids}
    assert result.ballots == len(result.counts) == sum(map(len, result.ranking))
    assert len(result.winners) == min(seats, len(result.counts)) == len(set(result.winners))
    lowest = min((result.counts[name] for name in result.winners), default=0)
    assert all(name in result.winners for name, n in result.counts.items() if n > lowest)
    json.dumps(result.plain())
    turned = [dict(reversed(bid.items())) for bid in bids]
    shuffler.shuffle(turned)
    again = judged(turned, **how)
    for part in ("winners", "ranking", "counts", "ties", "explanation", "margin", "ballots"):
        assert getattr(again, part) == getattr(result, part)
    assert sorted(reasons(again)) == sorted(reasons(result))


@given(ROUNDS, RULES, st.integers(1, 4))
def test_level_bids_go_by_the_rules_as_by_hand(
    bids: list[dict[str, Any]], rules: list[str], seats: int
) -> None:
    def place(name: str) -> list[Any]:
        bid, keys = next(b for b in bids if b["id"] == name), list[Any]()
        for rule in rules:
            field = {"e": "time", "l": "time"}.get(rule[0], "") if "st:" not in rule else ""
            field = field or rule.replace(" ", ":").partition(":")[2]
            sign = -1 if rule in ("latest", "highest rating") else 1
            value = bid[field if not rule.startswith("lowest") else "price"]
            try:
                keys.append((0, sign * Fraction(value)) if type(value) in (int, str) else (1, 0))
            except ValueError:
                keys.append((1, 0))
        lot = random_select([b["id"] for b in bids], len(bids), seed="s:the award:0")
        return [*keys, lot.index(name)]

    result = judged(bids, score="1", tie_break=rules, seats=seats)
    counted = sorted(result.counts, key=place)
    assert set(result.winners) == set(counted[:seats])
