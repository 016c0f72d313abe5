"""Liquid democracy: every weight reaches a voter or is lost with its reason, whatever the order."""

import json
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools.delegation import Delegated, Delegation, Lost, resolve

MEMBERS = list("abcdefgh")
MANY = 100_000
NAMES = [f"m{n:06}" for n in range(MANY + 1)]
TO = st.dictionaries(st.sampled_from(MEMBERS), st.sampled_from([*MEMBERS, "x"]))
VOTERS = st.sets(st.sampled_from(MEMBERS), max_size=4)
WEIGHTS = st.dictionaries(
    st.sampled_from(MEMBERS), st.fractions(min_value=0, max_value=5, max_denominator=6)
)
CAPS = st.none() | st.fractions(min_value=Fraction(1, 3), max_value=8, max_denominator=6)


def summed(result: Delegated) -> Any:
    return sum(result.carried.values()) + sum(lost.weight for lost in result.lost)


def walked(to: dict[str, str], voters: set[str], member: str) -> list[str]:
    """By hand: step after step, until a voter, the end or somebody who was there before."""
    path = [member]
    while path[-1] not in voters and path[-1] in to and path[-1] not in path[:-1]:
        path.append(to[path[-1]])
    return path


def naive(
    to: dict[str, str], voters: set[str], weights: dict[str, Fraction], cap: Fraction | None
) -> tuple[dict[str, Fraction], dict[str, str | None]]:
    by: dict[str, str | None] = {}
    carried = {voter: Fraction(weights.get(voter, 1)) for voter in voters}
    paths = {member: walked(to, voters, member) for member in {*voters, *to}}
    for member, path in sorted(paths.items(), key=lambda item: (len(item[1]), item[0])):
        end = path[-1] if path[-1] in voters else None
        weight = weights.get(member, 1)
        if end is not None and member != end:
            if cap is not None and carried[end] + weight > cap:
                end = None
            else:
                carried[end] += weight
        by[member] = end
    return carried, by


# --- whose weight goes where -------------------------------------------------------------------


def test_a_delegation_is_passed_on_to_whoever_votes() -> None:
    result = resolve({"ana": "ben", "ben": "cy", "dan": "cy"}, ["cy", "eve"])
    assert result.carried == {"cy": 4, "eve": 1}
    assert result.by == {"ana": "cy", "ben": "cy", "cy": "cy", "dan": "cy", "eve": "eve"}
    assert result.lost == ()
    assert result.chain("ana") == ("ana", "ben", "cy")


def test_a_direct_vote_comes_before_a_delegation() -> None:
    result = resolve({"ana": "ben", "ben": "cy"}, ["ben", "cy"])
    assert result.carried == {"ben": 2, "cy": 1}
    assert result.chain("ben") == ("ben",)


def test_a_vote_breaks_a_circle() -> None:
    circle = {"ana": "ben", "ben": "cy", "cy": "ana"}
    assert resolve(circle, []).carried == {}
    assert resolve(circle, ["ben"]).carried == {"ben": 3}


def test_a_circle_is_named_with_all_its_members_and_whoever_runs_into_it() -> None:
    result = resolve({"cy": "ana", "ana": "ben", "ben": "cy", "dan": "ben", "eve": "eve"}, [])
    assert result.lost == (
        Lost("cycle", ("ana", "ben", "cy"), ("ana", "ben", "cy", "dan"), 4),
        Lost("cycle", ("eve",), ("eve",), 1),
    )
    assert result.chain("dan") == ("dan", "ben", "cy", "ana", "ben")
    assert "ana → ben → cy → ana is a circle" in result.explanation
    assert "eve delegated to themselves" in result.explanation


def test_a_circle_is_told_from_its_first_member_wherever_it_is_entered() -> None:
    result = resolve({"amy": "zoe", "zoe": "kim", "kim": "zoe"}, [])
    assert result.lost == (Lost("cycle", ("kim", "zoe"), ("amy", "kim", "zoe"), 3),)


def test_a_dead_end_is_named() -> None:
    result = resolve({"ana": "ben", "ben": "cy", "dan": "xan", "xan": "eve"}, ["eve"], members=[
        "ana", "ben", "cy", "dan", "eve",
    ])  # fmt: skip
    assert result.lost == (
        Lost("ineligible", ("xan",), ("dan",), 1),
        Lost("silent", ("cy",), ("ana", "ben"), 2),
    )
    assert result.left_out == ("xan",)
    assert result.carried == {"eve": 1}
    assert result.by["ana"] is None and "xan" not in result.by
    assert result.told("ana") == (
        "ana's weight of 1 is lost: ana → ben → cy; cy neither voted nor delegated."
    )
    assert result.told("dan").endswith("xan is not on the roll.")


def test_weights_are_carried_exactly() -> None:
    weights = {"ana": "0.1", "ben": Decimal("0.2"), "cy": Fraction(1, 3), "stranger": "9"}
    result = resolve({"ana": "cy", "ben": "ana"}, ["cy", "dan"], weights=weights)
    assert result.carried == {"cy": Fraction(19, 30), "dan": 1}
    assert result.total == Fraction(49, 30)


def test_the_account_says_whose_weight_went_where() -> None:
    result = resolve({"ana": "ben", "ben": "cy", "dan": "eve"}, ["cy"], weights={"ben": "1/2"})
    assert result.explanation == (
        "1 member voted and 3 members delegated; of a weight of 3.5, 2.5 is carried and 1 lost."
        " cy carries 2.5: 1 of their own and 1.5 of ana and ben."
        " 1 of dan is lost: eve neither voted nor delegated."
    )
    assert result.told("ana") == "ana's weight of 1 went to cy: ana → ben → cy."
    assert result.told("cy") == "cy voted with a weight of 2.5."
    assert result.told("zoe") == "zoe neither voted nor delegated."


def test_a_result_is_plain_json() -> None:
    result = resolve({"ana": "ben", "dan": "eve"}, ["ben"], weights={"ana": "1/3"})
    kept = json.loads(json.dumps(result.plain()))
    assert kept["carried"] == {"ben": "4/3"}
    assert kept["by"] == {"ana": "ben", "ben": "ben", "dan": None}
    assert kept["lost"] == [
        {"reason": "silent", "at": ["eve"], "members": ["dan"], "weight": 1}
    ]  # fmt: skip


def test_nobody_at_all_is_no_error() -> None:
    result = resolve({}, [])
    assert (result.carried, result.lost, result.total) == ({}, (), 0)
    assert result.explanation.startswith("0 members voted and 0 members delegated")


# --- topics, and entries that follow one another -----------------------------------------------


def test_a_delegation_for_the_topic_comes_before_one_for_everything() -> None:
    given = {"ana": "ben", ("ana", "money"): "cy", ("dan", "parks"): "ben"}
    voters = ["ben", "cy"]
    assert resolve(given, voters).carried == {"ben": 2, "cy": 1}
    assert resolve(given, voters, topic="money").carried == {"ben": 1, "cy": 2}
    assert resolve(given, voters, topic="parks").carried == {"ben": 3, "cy": 1}


def test_of_two_entries_the_later_holds_and_none_takes_back() -> None:
    entries = [
        Delegation("ana", "cy", n=3), Delegation("ana", "ben", n=1),
        Delegation("dan", "ben", n=2), Delegation("dan", None, n=4),
    ]  # fmt: skip
    for order in (entries, entries[::-1]):
        assert resolve(order, ["ben", "cy"]).by == {"ana": "cy", "ben": "ben", "cy": "cy"}


def test_entries_may_come_as_json_keeps_them() -> None:
    entries = [{"member": "ana", "to": "ben", "n": 1}, {"member": "ana", "to": None, "n": 2}]
    assert resolve(entries[:1], ["ben"]).carried == {"ben": 2}  # type: ignore[arg-type]  # from JSON
    assert resolve(entries, ["ben"]).carried == {"ben": 1}  # type: ignore[arg-type]  # from JSON


def test_taking_a_topic_back_leaves_the_delegation_for_everything() -> None:
    entries = [
        Delegation("ana", "ben", n=1), Delegation("ana", "cy", "money", n=2),
        Delegation("ana", None, "money", n=3),
    ]  # fmt: skip
    assert resolve(entries[:2], ["ben", "cy"], topic="money").by["ana"] == "cy"
    assert resolve(entries, ["ben", "cy"], topic="money").by["ana"] == "ben"


def test_taking_back_the_one_for_everything_leaves_that_for_the_topic() -> None:
    entries = [Delegation("ana", "cy", "money", n=1), Delegation("ana", None, n=2)]
    assert resolve(entries, ["cy"], topic="money").by["ana"] == "cy"
    assert "ana" not in resolve(entries, ["cy"]).by


# --- the cap -----------------------------------------------------------------------------------


def test_under_a_cap_the_nearest_come_first_then_names() -> None:
    to = {"zed": "vera", "bob": "zed", "amy": "zed", "tim": "amy"}
    result = resolve(to, ["vera"], cap=3)
    assert result.carried == {"vera": 3}
    assert [m for m, voter in result.by.items() if voter == "vera"] == ["amy", "vera", "zed"]
    assert result.lost == (Lost("capped", ("vera",), ("bob", "tim"), 2),)
    assert "2 of bob and tim is lost: vera may carry no more." in result.explanation
    assert result.told("bob").endswith("bob → zed → vera; vera may carry no more.")


def test_whoever_is_too_heavy_for_the_room_left_is_passed_over_whole() -> None:
    weights = {"amy": 3, "bob": "1/2", "cid": "1/2"}
    to = {"amy": "vera", "bob": "vera", "cid": "bob"}
    result = resolve(to, ["vera"], weights=weights, cap=2)
    assert result.carried == {"vera": 2}
    assert result.lost == (Lost("capped", ("vera",), ("amy",), 3),)


def test_a_voters_own_weight_counts_in_full_whatever_the_cap() -> None:
    result = resolve({"amy": "vera"}, ["vera"], weights={"vera": 5}, cap=2)
    assert result.carried == {"vera": 5}
    assert result.lost[0].members == ("amy",)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"weights": {"ana": 0.5}}, "the weight of 'ana' is 0.5"),
        ({"weights": {"ana": True}}, "the weight of 'ana' is bool"),
        ({"weights": {"ana": "NaN"}}, "the weight of 'ana' is 'NaN'"),
        ({"weights": {"ana": Decimal("Infinity")}}, "the weight of 'ana'"),
        ({"weights": {"ben": "-1"}}, "the weight of 'ben' is -1; it cannot be below 0"),
        ({"weights": {"ben": 10**5000}}, "more than 30 digits"),
        ({"cap": 0}, "the cap is 0; it must be above 0"),
        ({"cap": 1.5}, "the cap is 1.5"),
        ({"members": ["ana"]}, "'ben' voted and is not on the roll"),
        ({"members": [1]}, "'1' is a member and no name"),
        ({"voters": [""]}, "'' is a voter and no name"),
        ({"delegations": {"ana": 7}}, "'7' is a delegate and no name"),
        ({"delegations": [("ana", "ben")]}, "is no delegation"),
        ({"delegations": [{"member": "ana"}]}, "is no delegation"),
        ({"delegations": [{"member": "ana", "to": "ben", "n": 1.5}]}, "'1.5' is no number of an"),
        ({"delegations": {" ": "ben"}}, "' ' is a member and no name"),
    ],
)
def test_what_cannot_be_resolved_is_refused(given: dict[str, Any], why: str) -> None:
    asked: dict[str, Any] = {"delegations": {"ana": "ben"}, "voters": ["ben"], **given}
    with pytest.raises(MemberError, match=why):
        resolve(asked.pop("delegations"), asked.pop("voters"), **asked)


def test_two_entries_at_once_that_differ_are_refused_and_equal_ones_are_one() -> None:
    same = [Delegation("ana", "ben", n=5), Delegation("ana", "ben", n=5)]
    assert resolve(same, ["ben"]).carried == {"ben": 2}
    with pytest.raises(MemberError, match="'ana' delegated twice at 5"):
        resolve([*same, Delegation("ana", "cy", n=5)], ["ben"])


# --- whatever comes ----------------------------------------------------------------------------


@given(TO, VOTERS, WEIGHTS, CAPS)
@example({"a": "b", "b": "a", "c": "a"}, set(), {}, None)
def test_delegations_end_where_a_walk_by_hand_ends(
    to: dict[str, str], voters: set[str], weights: dict[str, Fraction], cap: Fraction | None
) -> None:
    result = resolve(to, voters, weights=weights, cap=cap)
    carried, by = naive(to, voters, weights, cap)
    assert result.carried == carried
    assert result.by == by


@given(TO, VOTERS, WEIGHTS, CAPS, st.none() | st.sets(st.sampled_from([*MEMBERS, "x"])))
def test_what_is_carried_and_what_is_lost_is_all_there_is(
    to: dict[str, str], voters: set[str], weights: dict[str, Fraction], cap: Fraction | None,
    roll: set[str] | None,
) -> None:  # fmt: skip
    roll = roll if roll is None else roll | voters
    result = resolve(to, voters, weights=weights, cap=cap, members=roll)
    taking_part = {m for m in {*voters, *to} if roll is None or m in roll}
    assert summed(result) == result.total == sum(weights.get(m, 1) for m in taking_part)
    lost = [member for each in result.lost for member in each.members]
    assert sorted(lost) == sorted(m for m, voter in result.by.items() if voter is None)
    assert set(result.by) == taking_part
    for voter, weight in result.carried.items():
        assert cap is None or weight <= max(cap, result.own[voter])
        assert weight == sum(result.own[m] for m, carrier in result.by.items() if carrier == voter)
    for each in result.lost:
        if each.reason == "cycle":
            steps = zip(each.at, (*each.at[1:], each.at[0]), strict=True)
            assert all(to[a] == b for a, b in steps) and each.at[0] == min(each.at)


@given(TO, TO, VOTERS, WEIGHTS, CAPS, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_voters_changes_nothing(
    first: dict[str, str], second: dict[str, str], voters: set[str],
    weights: dict[str, Fraction], cap: Fraction | None, shuffler: Any,
) -> None:  # fmt: skip
    entries = [Delegation(m, to, n=1) for m, to in first.items()]
    entries += [Delegation(m, to, "t", n=2) for m, to in second.items()]
    entries += [Delegation(m, None, n=3) for m in list(second)[:2]]
    listed, turned = sorted(voters), entries[:]
    straight = resolve(entries, listed, topic="t", weights=weights, cap=cap)
    shuffler.shuffle(turned)
    shuffler.shuffle(listed)
    shuffled = dict(sorted(weights.items(), reverse=True))
    again = resolve(turned, listed, topic="t", weights=shuffled, cap=cap)
    assert again == straight
    assert again.explanation == straight.explanation
    assert json.dumps(again.plain()) == json.dumps(straight.plain())


# --- very many ---------------------------------------------------------------------------------


def scattered(n: int) -> int:
    """A number below MANY that looks like chance and is none."""
    return (n * n * 7919 + n * 104_729 + 13) % MANY


SHAPES: dict[str, tuple[dict[str, str], list[str]]] = {
    "chain": ({NAMES[n]: NAMES[n + 1] for n in range(MANY)}, [NAMES[MANY]]),
    "chain told backwards": ({NAMES[n + 1]: NAMES[n] for n in range(MANY)}, [NAMES[0]]),
    "star": ({NAMES[n]: NAMES[MANY] for n in range(MANY)}, [NAMES[MANY]]),
    "one circle": ({NAMES[n]: NAMES[(n + 1) % MANY] for n in range(MANY)}, []),
    "themselves": ({NAMES[n]: NAMES[n] for n in range(MANY)}, []),
    "scattered": ({NAMES[n]: NAMES[scattered(n)] for n in range(MANY)}, NAMES[:1000]),
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("cap", [None, 500])
def test_a_hundred_thousand_delegations_take_a_moment(shape: str, cap: int | None) -> None:
    to, voters = SHAPES[shape]
    start = time.process_time()
    result = resolve(to, voters, cap=cap)
    assert len(result.explanation) < 10_000
    assert time.process_time() - start < 4  # half of it, on a machine with nothing else to do
    assert summed(result) == len({*to, *voters})


def test_the_longest_chain_has_all_its_members() -> None:
    to, voters = SHAPES["chain"]
    result = resolve(to, voters)
    assert result.chain(NAMES[0]) == tuple(NAMES)
    assert result.carried == {NAMES[MANY]: MANY + 1}
    assert "m000000" in result.explanation and "more" in result.explanation
