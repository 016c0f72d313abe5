"""Several winners by approval, against the definitions worked out the slow way."""

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools import committees
from govbot.tools.ballots import read_approvals
from govbot.tools.committees import equal_shares, pav, seq_pav, seq_phragmen
from govbot.tools.draws import random_select
from govbot.tools.results import TallyResult, TieBreaker

Voter = frozenset[str]
METHODS = {"pav": pav, "seq-pav": seq_pav, "seq-phragmen": seq_phragmen,
           "equal-shares": equal_shares}  # fmt: skip
NAMES = "abcdef"
PROFILES = st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=9)
SEATS = st.integers(1, len(NAMES))
ORDERS = st.permutations(NAMES)
ALL = pytest.mark.parametrize("method", METHODS)


def counted(
    method: str, ballots: Any, seats: int, candidates: Any = NAMES, order: Sequence[str] = ()
) -> TallyResult:
    marks = read_approvals(ballots, list(candidates))
    return METHODS[method](marks, seats, TieBreaker(order, ballots=marks.seed))


def cast(*groups: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"approvals": list(names), "count": count} for count, names in groups]


# --- worked examples -----------------------------------------------------------------------

# Lackner and Skowron 2023, Example 1: twelve voters, four seats.
BOOK = cast((3, "ab"), (3, "ac"), (2, "ad"), (1, "bcf"), (1, "e"), (1, "f"), (1, "g"))
# Phragmén's own example, after Janson, arXiv:1611.08826.
PHRAGMEN = cast((1034, "ABC"), (519, "PQR"), (90, "ABQ"), (47, "APQ"))


@pytest.mark.parametrize(
    ("method", "winners"),
    [("pav", "abcf"), ("seq-pav", "abcf"), ("seq-phragmen", "abcd"), ("equal-shares", "abcd")],
)
def test_the_example_of_the_book(method: str, winners: str) -> None:
    result = counted(method, BOOK, 4, "abcdefgh")
    assert sorted(result.winners) == list(winners)
    assert result.method == method
    assert result.ballots == 12


def test_the_loads_of_the_example_of_the_book() -> None:
    result = counted("seq-phragmen", BOOK, 4, "abcdefgh", order="abcdefgh")
    loads = [1 / Fraction(each.counts[each.elected[0]]) for each in result.rounds]
    assert loads == [Fraction(1, 8), Fraction(11, 32), Fraction(55, 128), Fraction(5, 8)]


def test_equal_shares_end_by_phragmens_method_with_the_money_left() -> None:
    result = counted("equal-shares", BOOK, 4, "abcdefgh", order="abcdefgh")
    shares = [1 / Fraction(each.counts[each.elected[0]]) for each in result.rounds]
    assert shares == [Fraction(1, 8), Fraction(1, 96), Fraction(37, 384), Fraction(7, 24)]
    assert "nobody left can be paid for" not in result.rounds[0].text
    assert all("nobody left can be paid for" in each.text for each in result.rounds[1:])


def test_the_score_of_the_best_committee_of_the_book() -> None:
    result = counted("pav", BOOK, 4, "abcdefgh")
    assert "is worth 13.83333…" in result.explanation
    assert result.counts["a"] == 5
    assert result.counts["d"] == 1


@pytest.mark.parametrize("method", ["seq-pav", "seq-phragmen"])
def test_phragmens_own_example(method: str) -> None:
    result = counted(method, PHRAGMEN, 3, "ABCPQR")
    assert result.winners == ("A", "Q", "B")
    second = result.rounds[1].counts
    if method == "seq-pav":
        assert (second["Q"], second["B"]) == (519 + Fraction(137, 2), 562)
    else:
        assert second["Q"] == 656 / (1 + Fraction(137, 1171))
        assert second["B"] == 1124 / (1 + Fraction(1124, 1171))


@pytest.mark.parametrize("method", ["pav", "seq-pav", "seq-phragmen"])
def test_parties_get_seats_as_by_dhondt(method: str) -> None:
    parties = {"red": 53, "green": 24, "blue": 16, "gold": 7}
    lists = {party: [f"{party}{n}" for n in range(8)] for party in parties}
    ballots = [{"approvals": lists[party], "count": n} for party, n in parties.items()]
    result = counted(method, ballots, 8, [name for names in lists.values() for name in names])
    won = {party: sum(name in result.winners for name in lists[party]) for party in parties}
    assert won == {"red": 5, "green": 2, "blue": 1, "gold": 0}


def test_a_search_of_every_committee_finds_what_one_after_another_misses() -> None:
    # Twelve approve c, eleven each of a and b; but a and b together leave nobody out.
    ballots = cast((6, "ac"), (6, "bc"), (5, "a"), (5, "b"))
    assert set(counted("pav", ballots, 2, "abc").winners) == {"a", "b"}
    assert counted("seq-pav", ballots, 2, "abc").winners[0] == "c"


# --- the definitions, the slow way ---------------------------------------------------------


def worth(voters: Sequence[Voter], committee: Sequence[str]) -> Fraction:
    met = [len(voter & set(committee)) for voter in voters]
    return sum((Fraction(1, n) for each in met for n in range(1, each + 1)), Fraction(0))


@given(PROFILES, SEATS, ORDERS)
def test_pav_is_the_best_of_all_committees(
    voters: list[Voter], seats: int, order: list[str]
) -> None:
    every = list(combinations(NAMES, seats))
    best = max(worth(voters, each) for each in every)
    place = order.index
    first = min(
        (each for each in every if worth(voters, each) == best),
        key=lambda each: sorted(map(place, each)),
    )
    result = counted("pav", voters, seats, order=order)
    assert set(result.winners) == set(first)
    assert result.winners == tuple(sorted(first, key=lambda n: (-result.counts[n], n)))
    # Nobody outside would bring more than somebody inside does.
    assert min(result.counts[name] for name in result.winners) >= max(
        (result.counts[name] for name in NAMES if name not in result.winners), default=0
    )


def thiele_by_hand(voters: Sequence[Voter], seats: int, order: Sequence[str]) -> list[Any]:
    chosen: list[str] = []
    story = []
    for _ in range(seats):
        left = [name for name in order if name not in chosen]
        name = max(left, key=lambda n: worth(voters, [*chosen, n]))
        story.append(worth(voters, [*chosen, name]) - worth(voters, chosen))
        chosen.append(name)
    return [set(chosen), story]


def phragmen_by_hand(
    voters: Sequence[Voter], seats: int, order: Sequence[str], loads: list[Fraction],
    chosen: Sequence[str] = (),
) -> list[Any]:  # fmt: skip
    chosen, story = list(chosen), []
    while len(chosen) < seats:
        levels = {}
        for name in order:
            backers = [n for n, voter in enumerate(voters) if name in voter]
            if name not in chosen and backers:
                carried = sum((loads[n] for n in backers), Fraction(0))
                levels[name] = (1 + carried) / len(backers)
        if not levels:
            rest = [name for name in order if name not in chosen]
            return [set(chosen + rest[: seats - len(chosen)]), story]
        name = min(levels, key=levels.__getitem__)
        loads = [levels[name] if name in v else load for v, load in zip(voters, loads, strict=True)]
        chosen.append(name)
        story.append(1 / levels[name])
    return [set(chosen), story]


def fair_price(money: Sequence[Fraction]) -> Fraction | None:
    """The least that pays 1 in all, when who has less gives all; found by trying each number."""
    if sum(money) < 1:
        return None
    tries = []
    for poor in range(len(money)):
        rich = sorted(money)[poor:]
        tries.append((1 - sum(sorted(money)[:poor], Fraction(0))) / len(rich))
    return next(p for p in sorted(tries) if sum((min(p, m) for m in money), Fraction(0)) == 1)


def shares_by_hand(voters: Sequence[Voter], seats: int, order: Sequence[str]) -> list[Any]:
    money = [Fraction(seats, len(voters))] * len(voters)
    chosen: list[str] = []
    story = []
    while True:
        prices = {}
        for name in order:
            purse = [m for m, voter in zip(money, voters, strict=True) if name in voter]
            if name not in chosen and (price := fair_price(purse)) is not None:
                prices[name] = price
        if not prices:
            break
        name = min(prices, key=prices.__getitem__)
        money = [
            max(m - prices[name], Fraction(0)) if name in voter else m
            for m, voter in zip(money, voters, strict=True)
        ]
        chosen.append(name)
        story.append(1 / prices[name])
    rest = phragmen_by_hand(voters, seats, order, [-m for m in money], chosen)
    return [rest[0], story + rest[1]]


def figures(result: TallyResult) -> list[Any]:
    return [each.counts[each.elected[0]] for each in result.rounds]


@given(PROFILES, SEATS, ORDERS)
def test_seq_pav_is_as_defined(voters: list[Voter], seats: int, order: list[str]) -> None:
    result = counted("seq-pav", voters, seats, order=order)
    winners, story = thiele_by_hand(voters, seats, order)
    assert set(result.winners) == winners
    assert sum(figures(result)) == sum(story) == worth(voters, sorted(winners))


@given(PROFILES, SEATS, ORDERS)
def test_seq_phragmen_is_as_defined(voters: list[Voter], seats: int, order: list[str]) -> None:
    result = counted("seq-phragmen", voters, seats, order=order)
    winners, story = phragmen_by_hand(voters, seats, order, [Fraction(0)] * len(voters))
    assert set(result.winners) == winners
    assert [each for each in figures(result) if each] == story


@given(PROFILES.filter(bool), SEATS, ORDERS)
def test_equal_shares_are_as_defined(voters: list[Voter], seats: int, order: list[str]) -> None:
    result = counted("equal-shares", voters, seats, order=order)
    winners, story = shares_by_hand(voters, seats, order)
    assert set(result.winners) == winners
    assert [each for each in figures(result) if each] == story


def test_the_slow_way_itself_finds_the_loads_of_the_book() -> None:
    voters = [frozenset(each["approvals"]) for each in BOOK for _ in range(each["count"])]
    winners, story = phragmen_by_hand(voters, 4, "abcdefgh", [Fraction(0)] * 12)
    assert winners == set("abcd")
    assert story == [8, Fraction(32, 11), Fraction(128, 55), Fraction(8, 5)]
    assert shares_by_hand(voters, 4, "abcdefgh")[1] == [8, 96, Fraction(384, 37), Fraction(24, 7)]


# --- whom a method must not leave out ------------------------------------------------------


def cohesive(voters: Sequence[Voter], seats: int) -> Iterator[tuple[int, list[Voter]]]:
    """Groups that deserve `many` seats: large enough, with as many candidates in common."""
    for many in range(1, seats + 1):
        for common in combinations(NAMES, many):
            group = [voter for voter in voters if voter >= set(common)]
            if group and len(group) * seats >= many * len(voters):
                yield many, group


@pytest.mark.parametrize("method", ["pav", "equal-shares"])
@given(voters=PROFILES, seats=SEATS)
def test_extended_justified_representation(method: str, voters: list[Voter], seats: int) -> None:
    winners = set(counted(method, voters, seats).winners)
    for many, group in cohesive(voters, seats):
        poor = [voter for voter in group if len(voter & winners) < many]
        assert len(poor) * seats < many * len(voters)


@given(PROFILES, SEATS)
def test_seq_phragmen_gives_proportional_justified_representation(
    voters: list[Voter], seats: int
) -> None:
    winners = set(counted("seq-phragmen", voters, seats).winners)
    for many, group in cohesive(voters, seats):
        for part in combinations(group, math.ceil(Fraction(many * len(voters), seats))):
            assert len(frozenset().union(*part) & winners) >= many


def test_most_votes_alone_would_fail_these_groups() -> None:
    voters = [frozenset("abc")] * 6 + [frozenset("d")] * 3
    groups = [(many, voter) for many, group in cohesive(voters, 3) for voter in group]
    assert (1, frozenset("d")) in groups
    assert (2, frozenset("abc")) in groups


# --- what must not matter ------------------------------------------------------------------


def outcome(result: TallyResult) -> tuple[Any, ...]:
    return result.winners, result.ranking, result.rounds, result.counts, result.ties


@ALL
@given(voters=PROFILES, seats=SEATS, data=st.data())
def test_the_order_of_ballots_and_candidates_changes_nothing(
    method: str, voters: list[Voter], seats: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(voters))
    candidates = data.draw(st.permutations(NAMES))
    once = counted(method, voters, seats)
    assert outcome(once) == outcome(counted(method, shuffled, seats, candidates))
    flat = [name for level in once.ranking for name in level]
    assert len(set(once.winners)) == len(once.winners) == seats
    assert sorted(flat) == sorted(NAMES)
    assert tuple(name for each in once.rounds for name in each.elected) == once.winners
    assert set(flat[:seats]) == set(once.winners)


@ALL
@given(
    groups=st.dictionaries(st.frozensets(st.sampled_from(NAMES)), st.integers(1, 6), max_size=6),
    seats=SEATS,
)
def test_weights_are_as_good_as_copies(
    method: str, groups: Mapping[Voter, int], seats: int
) -> None:
    copies = [voter for voter, count in groups.items() for _ in range(count)]
    weighted = [{"approvals": v, "weight": str(count)} for v, count in groups.items()]
    split = [
        {"approvals": v, "weight": f"{count * part}/3"} for v, count in groups.items()
        for part in (1, 2)
    ]  # fmt: skip
    once = outcome(counted(method, copies, seats))
    assert once == outcome(counted(method, weighted, seats))
    assert once == outcome(counted(method, split, seats))


@ALL
@given(voters=PROFILES, seats=SEATS)
def test_weights_of_a_third_count_a_third(method: str, voters: list[Voter], seats: int) -> None:
    order = list(NAMES)
    thirds = [{"approvals": voter, "weight": "1/3"} for voter in voters]
    small, whole = (counted(method, each, seats, order=order) for each in (thirds, voters))
    assert small.winners == whole.winners
    assert {name: 3 * count for name, count in small.counts.items()} == whole.counts


@ALL
@given(voters=PROFILES, seats=SEATS, renamed=ORDERS)
def test_other_names_mean_the_same_result(
    method: str, voters: list[Voter], seats: int, renamed: list[str]
) -> None:
    new = dict(zip(NAMES, (name.upper() for name in renamed), strict=True))
    once = counted(method, voters, seats)
    again = counted(
        method, [[new[name] for name in voter] for voter in voters], seats, new.values()
    )
    assert bool(once.ties) == bool(again.ties)
    if not once.ties:
        assert {new[name] for name in once.winners} == set(again.winners)
        assert {new[name]: count for name, count in once.counts.items()} == again.counts


# --- ties ----------------------------------------------------------------------------------


@ALL
def test_a_tie_is_broken_by_the_order_given(method: str) -> None:
    ballots = cast((2, "a"), (2, "b"), (2, "c"))
    result = counted(method, ballots, 2, "abc", order="cab")
    assert set(result.winners) == {"c", "a"}
    assert result.ties
    assert "the order fixed beforehand" in result.explanation


@ALL
def test_a_draw_by_lot_can_be_repeated(method: str) -> None:
    result = counted(method, cast((2, "a"), (2, "b"), (2, "c")), 1, "abc")
    (tie,) = result.ties
    assert tie.among == ("a", "b", "c")
    assert list(tie.order) == random_select(tie.among, 3, seed=tie.seed)
    assert result.winners == tie.order[:1]


def test_what_decides_nothing_is_no_tie() -> None:
    for ballots, seats in ((cast((2, "a"), (2, "b"), (1, "c")), 2), (cast((2, "abc")), 3)):
        result = counted("pav", ballots, seats, "abc")
        assert not result.ties
        assert result.ranking[0] == result.winners


@pytest.mark.parametrize("method", ["seq-pav", "seq-phragmen", "equal-shares"])
def test_the_order_of_election_is_a_result_too(method: str) -> None:
    result = counted(method, cast((2, "a"), (2, "b"), (1, "c")), 3, "abc", order="cba")
    assert result.winners == ("b", "a", "c")
    assert result.ranking == (("b",), ("a",), ("c",))
    assert [tie.among for tie in result.ties] == [("a", "b")]


def test_candidates_with_the_same_supporters_are_not_tried_one_for_another() -> None:
    names = [f"n{n:02d}" for n in range(40)]
    result = counted("pav", [names, names[:30]], 15, names, order=names)
    assert set(result.winners) == set(names[:15])


def test_candidates_with_the_same_supporters_replace_one_another() -> None:
    ballots = cast((5, "abc"), (3, "d"))
    result = counted("pav", ballots, 3, "abcd", order="cbad")
    assert set(result.winners) == {"c", "b", "d"}
    assert [tie.among for tie in result.ties] == [("a", "b", "c")]


# --- edges ---------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("ballots", [[], [[], []]])
def test_without_any_approval_the_seats_are_drawn(method: str, ballots: list[Any]) -> None:
    result = counted(method, ballots, 2, "abcd")
    assert result.ballots == len(ballots)
    assert set(result.winners) == set(result.ties[0].order[:2])
    assert result.ties[0].among == tuple("abcd")
    assert not counted(method, ballots, 4, "abcd").ties


@ALL
def test_one_candidate_takes_the_one_seat(method: str) -> None:
    result = counted(method, cast((3, "a")), 1, "a")
    assert result.winners == ("a",)
    assert result.rounds[0].text.startswith("Round 1: ")


@ALL
@pytest.mark.parametrize("seats", [0, 4, True])
def test_seats_that_cannot_be_filled_are_an_error(method: str, seats: int) -> None:
    with pytest.raises(MemberError, match="seats"):
        counted(method, cast((3, "a")), seats, "abc")


@pytest.mark.parametrize("method", ["seq-pav", "seq-phragmen", "equal-shares"])
def test_who_has_no_supporter_comes_last(method: str) -> None:
    result = counted(method, cast((3, "a"), (1, "b")), 3, "abcd", order="dc")
    assert result.winners == ("a", "b", "d")
    assert result.rounds[-1].text == "Round 3: nobody left has a supporter; d takes what is left."


def test_spoilt_ballots_are_told() -> None:
    result = counted("seq-phragmen", [["a"], ["a"], ["x"]], 1, "ab")
    assert (result.winners, result.ballots) == (("a",), 2)
    assert "1 ballot could not be counted" in result.explanation


def test_a_search_that_takes_too_long_names_the_other_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ballots = cast(*((1, "".join(pair)) for pair in combinations("abcdefghij", 2)))
    assert len(counted("pav", ballots, 4, "abcdefghij").winners) == 4
    monkeypatch.setattr(committees, "MOST_NODES", 100)
    with pytest.raises(MemberError, match="use 'seq-pav'"):
        counted("pav", ballots, 4, "abcdefghij")


@pytest.mark.parametrize("kind", ["many candidates", "enormous weights", "few cells"])
@settings(max_examples=20, deadline=None)
@given(voters=PROFILES, seats=st.integers(1, 3))
def test_numbers_of_any_size_are_searched_alike(kind: str, voters: list[Voter], seats: int) -> None:
    plain = counted("pav", voters, seats, order=NAMES)
    candidates, times = list(NAMES), 1
    with pytest.MonkeyPatch.context() as patch:
        if kind == "many candidates":
            # Without a supporter, but each needs a bit.
            candidates += [f"x{n}" for n in range(70)]
        elif kind == "enormous weights":
            times = 10**20
        else:
            patch.setattr(committees, "MOST_CELLS", 1)
            patch.setattr(committees, "DENSE", 0)
        weighted = [{"approvals": voter, "weight": times} for voter in voters]
        result = counted("pav", weighted, seats, candidates, order=NAMES)
    assert set(result.winners) == set(plain.winners)
    assert {name: result.counts[name] for name in NAMES} == {
        name: count * times for name, count in plain.counts.items()
    }


def test_the_best_pair_of_many_candidates() -> None:
    names = [f"n{n:02d}" for n in range(70)]
    voters = [frozenset(names[(n * k * k + 7 * n) % 70] for k in range(6)) for n in range(60)]
    best = max(worth(voters, pair) for pair in combinations(names, 2))
    result = counted("pav", voters, 2, names)
    assert worth(voters, result.winners) == best


def test_a_hundred_thousand_ballots_are_no_burden() -> None:
    names = [f"n{n:02d}" for n in range(20)]
    ballots = [{names[n % 20], names[n // 20 % 20], names[n * n % 19]} for n in range(100_000)]
    marks = read_approvals(ballots, names)
    for count in METHODS.values():
        result = count(marks, 5, TieBreaker(ballots=marks.seed))
        assert result.ballots == 100_000
        assert len(result.winners) == 5
