"""Every method: the same for any order and any names, exact, and plain about what is wrong."""

from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.dom import minidom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools import tally
from govbot.tools.methods import METHODS, Method, count, method_named

NAMES = ("Ana", "Bo", "Cy", "Dé")
OPTIONS: dict[str, dict[str, Any]] = {
    "quadratic": {"credits": 60},
    "consent": {"yes": "Ana", "no": "Bo"},
    "schulze-debian": {"default": "Dé"},
    "greedy-budget": {"costs": dict.fromkeys(NAMES, 3), "budget": 7},
    "bids": {"score": "price", "qualify": "price > 1"},
}
BALLOT = {
    "choice": st.sampled_from(NAMES),
    "ranking": st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    "approvals": st.lists(st.sampled_from(NAMES), unique=True),
    "scores": st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5)),
    "votes": st.dictionaries(st.sampled_from(NAMES), st.integers(-4, 4)),
}
SINGLE = {"irv", "two-round", "schulze-debian"}
COUNTED = sorted(set(METHODS) - {"bids"})  # bids are forms: tests/test_bids.py


def counted(method: str, ballots: list[Any], **more: Any) -> Any:
    return count(ballots, method, candidates=NAMES, **OPTIONS.get(method, {}), **more)


@pytest.mark.parametrize("method", COUNTED)
@given(data=st.data())
@settings(max_examples=40)
def test_the_order_of_ballots_and_candidates_changes_nothing(method: str, data: Any) -> None:
    ballots = data.draw(st.lists(BALLOT[METHODS[method].reads], max_size=12))
    seats = 1 if method in SINGLE else data.draw(st.integers(1, 3))
    shuffled = data.draw(st.permutations(ballots))
    names = data.draw(st.permutations(NAMES))
    first = counted(method, ballots, seats=seats)
    again = count(shuffled, method, candidates=names, seats=seats, **OPTIONS.get(method, {}))
    assert first.plain() == again.plain()


@pytest.mark.parametrize("method", COUNTED)
@given(data=st.data())
@settings(max_examples=40)
def test_grouping_equal_ballots_changes_nothing(method: str, data: Any) -> None:
    reads = METHODS[method].reads
    key = "scores" if reads == "votes" else reads
    ballots = data.draw(st.lists(BALLOT[reads], min_size=1, max_size=6))
    counts = data.draw(st.lists(st.integers(1, 4), min_size=len(ballots), max_size=len(ballots)))
    grouped = [{key: b, "count": n} for b, n in zip(ballots, counts, strict=True)]
    spread = [b for b, n in zip(ballots, counts, strict=True) for _ in range(n)]
    assert counted(method, grouped).plain() == counted(method, spread).plain()


@pytest.mark.parametrize("method", COUNTED)
@given(data=st.data())
@settings(max_examples=40)
def test_renaming_candidates_renames_the_winners(method: str, data: Any) -> None:
    """Where no draw is needed: a draw looks at names."""
    ballots = data.draw(st.lists(BALLOT[METHODS[method].reads], min_size=1, max_size=9))
    renamed = dict(zip(NAMES, ("Zoe", "Yan", "Xu", "Wim"), strict=True))

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {renamed.get(k, k): other(v) for k, v in value.items()}
        if isinstance(value, list):
            return [other(item) for item in value]
        return renamed.get(value, value) if isinstance(value, str) else value

    first = counted(method, ballots)
    options = {name: other(value) for name, value in OPTIONS.get(method, {}).items()}
    second = count(other(ballots), method, candidates=other(list(NAMES)), **options)
    if not any(tie.seed for tie in (*first.ties, *second.ties)):
        assert set(second.winners) == set(other(list(first.winners)))


@pytest.mark.parametrize("method", COUNTED)
@given(data=st.data())
@settings(max_examples=40)
def test_every_result_is_exact_told_and_drawn(method: str, data: Any) -> None:
    ballots = data.draw(st.lists(BALLOT[METHODS[method].reads], max_size=8))
    result = counted(method, ballots)
    assert all(type(n) in (int, Fraction) for n in result.counts.values())
    assert result.explanation and len(result.winners) <= (9 if METHODS[method].funds else 1)
    assert result.method == method and set(result.winners) <= set(NAMES)
    picture = minidom.parseString(result.svg())
    assert result.explanation.split()[0] in picture.getElementsByTagName("desc")[0].firstChild.data


@pytest.mark.parametrize("method", COUNTED)
def test_no_ballots_elect_nobody_and_a_lone_candidate_is_counted(method: str) -> None:
    assert counted(method, []).winners == ()
    assert "no ballots" in counted(method, []).explanation
    reads = METHODS[method].reads
    if method in OPTIONS:
        return  # they name candidates of their own
    only = {"choice": "Ana", "ranking": ["Ana"], "approvals": ["Ana"], "scores": {"Ana": 5}}[reads]
    assert count([only], method).winners == ("Ana",)


@pytest.mark.parametrize("method", sorted(set(COUNTED) - SINGLE - {"greedy-budget", "consent"}))
def test_more_seats_than_candidates_is_an_error(method: str) -> None:
    ballots = {"choice": "Ana", "ranking": ["Ana"], "approvals": ["Ana"]}
    ballot = ballots.get(METHODS[method].reads, {"Ana": 1})
    with pytest.raises(MemberError, match="5 seats and only 4 candidates"):
        counted(method, [ballot], seats=5)


def test_names_and_options_that_are_unknown_name_the_nearest() -> None:
    with pytest.raises(MemberError, match="did you mean 'ranked-pairs'"):
        method_named("rankedpairs")
    with pytest.raises(MemberError, match="there are approval, bids"):
        method_named("zzz")
    with pytest.raises(MemberError, match="did you mean 'strength'"):
        count([["Ana"]], "schulze", strenght="margins")
    with pytest.raises(MemberError, match="cannot pass over"):
        count([["Ana", "Bo"]], "irv", passed_over=["Ana"])


@pytest.mark.parametrize(
    ("method", "ballot", "why"),
    [
        ("irv", [], "names nobody"),
        ("irv", ["Ana", "Ana"], "ranks 'Ana' twice"),
        ("irv", ["Zoe"], "no candidate"),
        ("irv", "Ana", "not a list"),
        ("plurality", "", "names nobody"),
        ("plurality", ["Ana", "Bo"], ""),
        ("plurality", {"choice": "Zoe"}, "no candidate"),
        ("approval", ["Ana", "Ana"], "twice"),
        ("score", {"Ana": 6}, "out of range"),
        ("score", {"Ana": 1.5}, "no whole number"),
        ("score", {"Ana": True}, "no whole number"),
        ("quadratic", {"Ana": 9}, "9² = 81 credits of 60"),
        ("cumulative", {"Ana": 5, "Bo": 5}, ""),
    ],
)
def test_a_ballot_that_cannot_be_counted_is_listed_with_its_reason(
    method: str, ballot: Any, why: str
) -> None:
    good = {"choice": "Ana", "ranking": ["Ana"], "approvals": ["Ana"]}
    fine = good.get(METHODS[method].reads, {"Ana": 1})
    result = counted(method, [fine, ballot])
    if why:
        assert why in result.spoilt[0].why
        assert "1 ballot could not be counted" in result.explanation
    else:
        assert result.spoilt == ()


@pytest.mark.parametrize("weight", [0, -1, 1.5, "nan", "inf", "1/0", "x", "9" * 1_000_000, 10**40])
def test_a_weight_that_is_none_is_an_error(weight: Any) -> None:
    with pytest.raises(MemberError, match="weight of ballot 1"):
        count([{"ranking": ["Ana"], "weight": weight}], "irv")


# --- what single methods promise ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "winners"),
    [
        ({}, ("yes",)),
        ({"needs": "2/3"}, ()),
        ({"needs": "3/5"}, ()),
        ({"needs": "3/5", "at_least": True}, ("yes",)),
        ({"abstain": ["maybe"], "needs": "2/3"}, ("yes",)),
        ({"abstain": ["maybe"], "of": "ballots", "needs": "3/5", "at_least": True}, ("yes",)),
        ({"of": "eligible", "bases": {"eligible": 12}}, ()),
        ({"of": "eligible", "bases": {"eligible": 11}}, ("yes",)),
        ({"quorum": 11}, ()),
        ({"quorum": "1/2", "quorum_of": "eligible", "bases": {"eligible": 20}}, ("yes",)),
        ({"quorum": "1/2", "quorum_of": "present", "bases": {"present": 21}}, ()),
    ],
)
def test_a_majority_is_of_what_the_rules_say(
    options: dict[str, Any], winners: tuple[str, ...]
) -> None:
    ballots = [{"choice": "yes", "count": 6}, {"choice": "no", "count": 2},
               {"choice": "maybe", "count": 2}]  # fmt: skip
    assert tally(ballots, method="majority", **options).winners == winners


def test_a_majority_that_is_asked_amiss_says_so() -> None:
    for options, says in (
        ({"of": "eligible"}, "how many 'eligible'"),
        ({"needs": "3/2"}, "fraction up to 1"),
        ({"needs": 0.5}, "whole number or a fraction"),
    ):
        with pytest.raises(MemberError, match=says):
            tally(["yes"], method="majority", **options)


def test_two_rounds_go_on_with_the_first_two() -> None:
    first = [{"choice": n, "count": c} for n, c in (("Ana", 4), ("Bo", 3), ("Cy", 2))]
    open = tally(first, method="two-round")
    assert open.winners == () and open.ranking[0] == ("Ana", "Bo")
    done = tally(first, method="two-round", second=[{"choice": "Bo", "count": 5}, "Ana", "Cy"])
    assert done.winners == ("Bo",) and "second round" in done.spoilt[0].why
    assert tally(["Ana", "Ana", "Bo"], method="two-round").winners == ("Ana",)


def test_consent_is_blocked_by_one_unless_the_rules_bear_more() -> None:
    ballots = ["consent", "consent", "block"]
    assert tally(ballots, method="consent").winners == ("block",)
    assert tally(ballots, method="consent", most_blocks=1).winners == ("consent",)
    names = ("consent", "block")
    assert tally(["consent"], method="consent", candidates=names, least=2).winners == ()


def test_star_breaks_ties_by_its_own_rules() -> None:
    level = [{"Ana": 5, "Bo": 0, "Cy": 3}, {"Ana": 0, "Bo": 5, "Cy": 3}]
    result = tally(level, method="star")
    assert result.rounds[0].counts == {"Ana": 5, "Bo": 5, "Cy": 6}
    assert result.ties and result.winners == ("Cy",)


def test_a_tie_is_drawn_so_that_anyone_can_repeat_it() -> None:
    first = tally(["Ana", "Bo"], method="plurality")
    (tie,) = first.ties
    assert set(tie.among) == {"Ana", "Bo"} and tie.seed.startswith("ballots:")
    assert tally(["Bo", "Ana"], method="plurality").winners == first.winners
    fixed = tally(["Ana", "Bo"], method="plurality", tie_break=["Bo"])
    assert fixed.winners == ("Bo",) and fixed.ties[0].seed == ""
    seeds = {tally(["Ana", "Bo"], method="plurality", seed=f"s{n}").winners for n in range(20)}
    assert len(seeds) == 2


def test_withdrawn_candidates_leave_every_ballot() -> None:
    ranked = tally([["Ana", "Bo"], ["Ana", "Cy"], ["Bo"]], method="irv", withdrawn=["Ana"])
    assert ranked.winners == ("Bo",) and "Ana" not in ranked.counts
    chosen = tally(["Ana", "Ana", "Bo"], method="plurality", withdrawn=["Ana"])
    assert chosen.winners == ("Bo",) and "withdrawn" in chosen.spoilt[0].why
    approved = tally([["Ana"], ["Ana", "Bo"]], method="approval", withdrawn=["Ana"])
    assert approved.winners == ("Bo",)


def test_the_condorcet_methods_part_ways_where_the_books_say() -> None:
    """Wikipedia's and Schulze's own example of 45 voters and five candidates."""
    rows = ((5, "ACBED"), (5, "ADECB"), (8, "BEDAC"), (3, "CABED"), (7, "CAEBD"), (2, "CBADE"),
            (7, "DCEBA"), (8, "EBADC"))  # fmt: skip
    ballots = [{"ranking": list(order), "count": n} for n, order in rows]
    schulze = tally(ballots, method="schulze")
    assert [name for level in schulze.ranking for name in level] == ["E", "A", "C", "B", "D"]
    assert tally(ballots, method="ranked-pairs").winners == ("A",)


# --- the page ----------------------------------------------------------------------------------


def row(method: Method) -> str:
    options = ", ".join(f"`{name}`" for name in (*method.options, *method.reading)) or "–"
    return (
        f"| `{method.name}` | {method.reads} | {options} | {method.source} | {method.ties} |"
        f" {method.cost} |"
    )


def test_the_page_lists_every_method_as_it_is() -> None:
    page = (Path(__file__).parent.parent / "docs" / "tools.md").read_text()
    missing = [row(method) for method in METHODS.values() if row(method) not in page]
    assert not missing, "\n".join(missing)
