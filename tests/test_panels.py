"""Panels: the one that the rule names, whatever finds it, and by nobody's favour."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools import panels
from govbot.tools.draws import random_select, ticket
from govbot.tools.nomcom import rfc3797
from govbot.tools.panels import Declined, Panel, draw_panel

ROOT = Path(__file__).parent.parent
PEOPLE = [
    "Aylin",
    "Bálint",
    "Chloé",
    "Dîlan",
    "Eşref",
    "Fatoumata",
    "Gorō",
    "Šárka",
    "Ünal",
    "日本",
]
# Who is what, and how many of each a panel of six has: real assemblies ask for both at once.
STRATA = {
    "Aylin": {"gender": "woman", "region": "north"},
    "Bálint": {"gender": "man", "region": "north"},
    "Chloé": {"gender": "woman", "region": "south"},
    "Dîlan": {"gender": "woman", "region": "north"},
    "Eşref": {"gender": "man", "region": "south"},
    "Fatoumata": {"gender": "woman", "region": "south"},
    "Gorō": {"gender": "man", "region": "north"},
    "Šárka": {"gender": "woman", "region": "north"},
    "Ünal": {"gender": "man", "region": "south"},
    "日本": {"gender": "man", "region": "north"},
}
QUOTAS = {"gender": {"woman": [2, 3], "man": [2, 3]}, "region": {"north": [1, 2], "south": [3, 4]}}
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


def holds(members: Any, strata: Any, quotas: Any) -> bool:
    return all(
        least <= sum(strata[name][attribute] == value for name in members) <= most
        for attribute, values in quotas.items()
        for value, (least, most) in values.items()
    )


def by_hand(order: list[str], seats: int, strata: Any, quotas: Any) -> list[str] | None:
    """The rule itself: the first panel, were all written in the order of the tickets."""
    found = (each for each in combinations(order, seats) if holds(each, strata, quotas))
    return next(map(list, found), None)


def assembly(people: int, shape: dict[str, int]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """People who are what a digest says, so that every run has the same."""
    pool = [f"member {n}" for n in range(people)]
    strata = {
        name: {a: str(int(ticket(a, name)[:6], 16) % values) for a, values in shape.items()}
        for name in pool
    }
    return pool, strata


def even(shape: dict[str, int], seats: int) -> dict[str, dict[str, tuple[int, int]]]:
    return {
        a: {str(v): (seats // values, -(-seats // values)) for v in range(values)}
        for a, values in shape.items()
    }


# --- without quotas ------------------------------------------------------------------------


@given(st.lists(NAMES, unique=True, min_size=1, max_size=9), st.data())
def test_a_panel_is_the_plain_draw(pool: list[str], data: st.DataObject) -> None:
    seats = data.draw(st.integers(1, len(pool)))
    alternates = data.draw(st.integers(0, 4))
    shuffled = data.draw(st.permutations(pool))
    try:
        panel = draw_panel(shuffled, seats, seed="s", alternates=alternates)
    except MemberError as error:
        assert "look the same" in str(error)
        return
    order = random_select(pool, len(pool), seed="s")
    assert panel.members == tuple(order[:seats])
    assert panel.alternates == tuple(order[seats : seats + alternates])
    assert list(panel.tickets) == order
    assert all(panel.tickets[name] == ticket("s", name) for name in pool)
    assert panel.passed_over == panel.declined == ()


def test_who_is_excluded_is_not_drawn_and_the_others_keep_their_order() -> None:
    plain = draw_panel(PEOPLE, 4, seed="s")
    party = plain.members[1]
    panel = draw_panel(PEOPLE, 4, seed="s", excluded={party: "is a party to the dispute"})
    assert panel.excluded == {party: "is a party to the dispute"}
    assert party not in {*panel.members, *panel.alternates, *panel.tickets}
    assert panel.members[:3] == tuple(name for name in plain.members if name != party)
    assert f"{party} was excluded: is a party to the dispute." in panel.explanation


def test_who_declines_is_followed_by_the_first_alternate() -> None:
    order = random_select(PEOPLE, 10, seed="s")
    first, second, third, fourth, fifth, sixth = order[:6]
    panel = draw_panel(PEOPLE, 3, seed="s", alternates=2, declined=[second, fourth, sixth, third])
    assert panel.declined == (
        Declined(second, fourth),
        Declined(fourth, fifth),
        Declined(sixth),
        Declined(third, order[6]),
    )
    assert panel.members == (first, fifth, order[6])
    assert panel.alternates == (order[7], order[8])
    assert f"{second} declined and {fourth} took the seat." in panel.explanation
    assert f"{sixth} declined and had no seat." in panel.explanation


def test_alternates_are_fewer_where_nobody_is_left() -> None:
    panel = draw_panel(PEOPLE, 8, seed="s", alternates=5, declined=[PEOPLE[0]])
    assert len(panel.members) == 8
    assert len(panel.alternates) == 1


# --- chances -------------------------------------------------------------------------------


def test_everyone_is_drawn_about_equally_often() -> None:
    seen = Counter(
        name for n in range(2000) for name in draw_panel(PEOPLE, 3, seed=f"seed {n}").members
    )
    # 600 times are expected; five standard deviations are 102.
    assert set(seen) == set(PEOPLE)
    assert all(498 <= times <= 702 for times in seen.values())


def test_a_weight_of_three_is_drawn_three_times_as_often() -> None:
    weights = {"Aylin": 3, "Ünal": 3}
    firsts = Counter(
        draw_panel(PEOPLE, 1, seed=f"seed {n}", weights=weights).members[0] for n in range(2800)
    )
    # Of 14 tickets 3 and 1: 600 and 200 times; five standard deviations are 109 and 68.
    assert all(491 <= firsts[name] <= 709 for name in weights)
    assert all(132 <= firsts[name] <= 268 for name in PEOPLE if name not in weights)


def test_a_greater_weight_never_makes_a_place_worse_nor_moves_the_others() -> None:
    for seed in map(str, range(50)):
        light = list(draw_panel(PEOPLE, 1, seed=seed, weights={}).tickets)
        heavy = list(draw_panel(PEOPLE, 1, seed=seed, weights={"Gorō": 5}).tickets)
        assert heavy.index("Gorō") <= light.index("Gorō")
        assert [n for n in light if n != "Gorō"] == [n for n in heavy if n != "Gorō"]


def test_quotas_are_a_draw_still() -> None:
    seen = Counter(
        name
        for n in range(300)
        for name in draw_panel(PEOPLE, 5, seed=f"seed {n}", strata=STRATA, quotas=QUOTAS).members
    )
    assert set(seen) == set(PEOPLE)
    assert min(seen.values()) > 60


# --- quotas --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e"])
def test_quotas_are_met_by_the_first_panel_in_the_order_of_tickets(seed: str) -> None:
    panel = draw_panel(PEOPLE, 5, seed=seed, strata=STRATA, quotas=QUOTAS, alternates=2)
    order = random_select(PEOPLE, 10, seed=seed)
    assert list(panel.members) == by_hand(order, 5, STRATA, QUOTAS)
    assert holds(panel.members, STRATA, QUOTAS)
    last = order.index(panel.members[-1])
    assert panel.passed_over == tuple(n for n in order[:last] if n not in panel.members)
    assert panel.alternates == tuple([n for n in order if n not in panel.members][:2])


VALUES = st.integers(0, 2).map(str)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Quotas about as narrow as some panel meets them, or misses them by one."""
    attributes = [f"a{n}" for n in range(draw(st.integers(1, 4)))]
    pool = [f"p{n}" for n in range(draw(st.integers(1, 9)))]
    seats = draw(st.integers(1, len(pool)))
    strata = {name: {a: draw(VALUES) for a in attributes} for name in pool}
    some = draw(st.permutations(pool))[:seats]
    quotas: dict[str, dict[str, tuple[int, int]]] = {a: {} for a in attributes}
    for attribute in attributes:
        for value in "012":
            count = sum(strata[name][attribute] == value for name in some)
            count = max(0, count + draw(st.sampled_from([0] * 9 + [-1, 1])))
            lower, higher = draw(st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)]))
            quotas[attribute][value] = (max(0, count - lower), count + higher)
    seed = draw(st.sampled_from("stu"))
    return {"pool": pool, "seats": seats, "seed": seed, "strata": strata, "quotas": quotas}


def check_by_hand(case: dict[str, Any], moves: int) -> None:
    order = random_select(case["pool"], len(case["pool"]), seed=case["seed"])
    expected = by_hand(order, case["seats"], case["strata"], case["quotas"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panels, "MOST_MOVES", moves)
        if expected is None:
            with pytest.raises(MemberError, match="quota"):
                draw_panel(**case)
        else:
            assert list(draw_panel(**case).members) == expected


@pytest.mark.parametrize("turns", [0, 100])
@pytest.mark.parametrize("moves", [0, 3, 100])
@given(case=cases())
def test_the_panel_is_the_one_of_the_rule_however_it_is_found(
    moves: int, turns: int, case: dict[str, Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panels, "MOST_TURNS", turns)
        check_by_hand(case, moves)


@pytest.mark.parametrize(
    ("people", "seats", "quotas"),
    [
        pytest.param(
            "000 011 122 110 101 111", 2, ["11 11 00", "01 11 00", "01 11 00"],
            id="only more of a kind will do",
        ),
        pytest.param(
            "012 210 202 122 000 110", 3, ["12 12 12", "01 13 12", "11 00 22"],
            id="only fewer of a kind will do",
        ),
        pytest.param(
            "101 211 121 110", 2, ["01 12 01", "01 11 01", "11 11 01"],
            id="a kind is closed at what it has",
        ),
        pytest.param(
            "011 110 111 001", 2, ["13 01 01", "11 11 00", "00 22 00"],
            id="a kind that is closed is not tried again",
        ),
    ],
)  # fmt: skip
def test_where_parts_of_people_would_mislead(people: str, seats: int, quotas: list[str]) -> None:
    """Found by leaving out a step of the search: without it these panels come out otherwise."""
    strata = {
        f"p{n}": {f"a{place}": digit for place, digit in enumerate(kind)}
        for n, kind in enumerate(people.split())
    }
    bounds = {
        f"a{place}": {
            str(value): (int(low), int(high)) for value, (low, high) in enumerate(each.split())
        }
        for place, each in enumerate(quotas)
    }
    case = {"pool": list(strata), "seats": seats, "seed": "s", "strata": strata, "quotas": bounds}
    for moves in (0, 100):
        check_by_hand(case, moves)


def test_half_people_are_no_panel() -> None:
    """Halves of four people would meet each quota, and no two whole ones do."""
    four = {"p": "000", "q": "011", "r": "101", "s": "110"}
    strata = {name: dict(zip("abc", digits, strict=True)) for name, digits in four.items()}
    quotas = {a: {"0": (1, 1), "1": (1, 1)} for a in "abc"}
    with pytest.raises(MemberError, match="nor without any one of them; widen several"):
        draw_panel(sorted(four), 2, seed="s", strata=strata, quotas=quotas)
    strata["t"] = dict.fromkeys("abc", "1")
    panel = draw_panel(sorted(strata), 2, seed="s", strata=strata, quotas=quotas)
    assert set(panel.members) == {"p", "t"}


def test_quotas_given_as_json_are_the_same() -> None:
    arguments = {"strata": STRATA, "quotas": QUOTAS, "weights": {"Chloé": 2}}
    again = json.loads(json.dumps(arguments))
    panel = draw_panel(PEOPLE, 5, seed="s", **arguments)
    assert draw_panel(PEOPLE, 5, seed="s", **again) == panel
    assert json.loads(json.dumps(panel.plain())) == panel.plain()


@pytest.mark.parametrize(
    ("quotas", "why"),
    [
        (
            {"gender": {"woman": [6, 6], "man": [0, 5]}},
            "the quota for gender 'woman' cannot be met: it asks for at least 6 and only 5 can",
        ),
        (
            {"gender": {"woman": [3, 5], "man": [3, 5]}},
            "the quotas for gender cannot be met: they ask for at least 6 of 5 seats",
        ),
        (
            {"gender": {"woman": [0, 2], "man": [0, 2]}},
            "the quotas for gender cannot be met: they allow at most 4 of 5 seats",
        ),
        (
            {"gender": {"woman": [4, 5], "man": [0, 5]}, "region": {"north": [0, 1],
             "south": [4, 5]}},
            r"cannot all be met at once; without the one for gender 'woman' \(4 to 5\) they can",
        ),
        ({"gender": {"woman": [2, 3]}}, "has the gender 'man', for which there is no quota"),
        ({"age": {"young": [0, 5]}}, "nothing says which age 'Aylin' has"),
        ({"gender": {"woman": [3, 2], "man": [0, 5]}}, r"the quota \[3, 2\] for gender 'woman'"),
        ({"gender": {"woman": [-1, 2], "man": [0, 5]}}, "give the least and the most"),
        ({"gender": {"woman": [0.5, 2], "man": [0, 5]}}, "give the least and the most"),
        ({"gender": {"woman": [True, 2], "man": [0, 5]}}, "give the least and the most"),
        ({"gender": {"woman": 3, "man": [0, 5]}}, "give the least and the most"),
    ],
)  # fmt: skip
def test_quotas_that_cannot_be_met_are_named(quotas: Any, why: str) -> None:
    with pytest.raises(MemberError, match=why) as caught:
        draw_panel(PEOPLE, 5, seed="s", strata=STRATA, quotas=quotas)
    assert "\n" not in str(caught.value)


def test_a_search_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = {"a": 3, "b": 4, "c": 5}
    pool, strata = assembly(60, shape)
    monkeypatch.setattr(panels, "MOST_WORK", 50)
    with pytest.raises(MemberError, match="too entangled to be decided; use fewer attributes"):
        draw_panel(pool, 12, seed="s", strata=strata, quotas=even(shape, 12))


# --- seats declined under quotas -----------------------------------------------------------


@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e", "f"])
def test_others_keep_their_seats_where_the_quotas_allow(seed: str) -> None:
    before = draw_panel(PEOPLE, 5, seed=seed, strata=STRATA, quotas=QUOTAS)
    gone = before.members[0]
    after = draw_panel(PEOPLE, 5, seed=seed, strata=STRATA, quotas=QUOTAS, declined=[gone])
    kept = before.members[1:]
    rest = [name for name in before.tickets if name not in before.members]
    assert list(after.members) == by_hand([*kept, *rest], 5, STRATA, QUOTAS)
    fitting = [name for name in rest if holds([*kept, name], STRATA, QUOTAS)]
    # Only for the seed "b" nobody fits to the four others, so that somebody gives way.
    assert bool(fitting) == (seed != "b")
    if fitting:
        assert after.members == (*kept, fitting[0])
        assert after.declined == (Declined(gone, fitting[0]),)
    else:
        assert len(after.declined[0].released) == len(after.declined[0].instead) > 0
    assert gone not in after.alternates + after.passed_over


def test_who_must_give_way_for_the_quotas_is_named() -> None:
    strata = {
        "A": {"gender": "woman", "region": "north"},
        "B": {"gender": "man", "region": "south"},
        "C": {"gender": "woman", "region": "south"},
        "D": {"gender": "man", "region": "north"},
    }
    one = {a: dict.fromkeys(values, (1, 1)) for a, values in
           {"gender": ("woman", "man"), "region": ("north", "south")}.items()}  # fmt: skip
    seed = next(s for s in "abcdefgh" if random_select(strata, 1, seed=s) == ["A"])
    panel = draw_panel(list(strata), 2, seed=seed, strata=strata, quotas=one, declined=["A"])
    first, second = panel.members
    assert {first, second} == {"C", "D"}
    assert panel.declined == (Declined("A", first, released=("B",), instead=(second,)),)
    assert f"{second} took the place of B" in panel.explanation


def test_a_seat_that_nobody_can_take_is_an_error() -> None:
    with pytest.raises(MemberError, match="'Aylin' declined, and the seat cannot be filled: .*5"):
        strata = {name: {"here": "yes" if name < "F" else "no"} for name in PEOPLE}
        quotas = {"here": {"yes": (5, 5), "no": (0, 0)}}
        draw_panel(PEOPLE, 5, seed="s", strata=strata, quotas=quotas, declined=["Aylin"])
    with pytest.raises(MemberError, match="10 seats and only 9 people"):
        draw_panel(PEOPLE, 10, seed="s", declined=["Aylin"])


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"seats": 11}, "there are 11 seats and only 10 people who can be drawn"),
        ({"seats": 0}, "0 seats cannot be drawn"),
        ({"seats": True}, "True seats cannot be drawn"),
        ({"alternates": -1}, "-1 alternates cannot be drawn"),
        ({"pool": []}, "nobody is in it"),
        ({"pool": "Aylin"}, "'Aylin' is no pool"),
        ({"pool": ["a", "b", "a"]}, "in the pool twice"),
        (
            {"pool": ["Chloe\u0301", "Chlo\u00e9"]},
            r"'Chloe\\u0301' and 'Chlo\\xe9' .*look the same",
        ),
        ({"pool": ["a", "\ud800"]}, "is no name that can be written"),
        ({"pool": ["a", ""]}, "'' is no name"),
        ({"pool": ["a", 1]}, "1 is in the pool and no name"),
        ({"seed": ""}, "needs a seed"),
        ({"excluded": dict.fromkeys(PEOPLE, "is a party")}, "everyone in it is excluded"),
        ({"excluded": {"Ana": "is a party"}}, "'Ana' is excluded and not in the pool"),
        ({"excluded": {"Aylin": " "}}, "'Aylin' is excluded without a reason"),
        ({"declined": ["Ana"]}, "'Ana' declined and could not be drawn"),
        ({"declined": ["Aylin", "Aylin"]}, "declined twice"),
        ({"declined": "Aylin"}, "is no list"),
        ({"declined": ["Aylin"], "excluded": {"Aylin": "ill"}}, "could not be drawn"),
        ({"weights": {"Ana": 2}}, "'Ana' has a weight and is not in the pool"),
        ({"weights": {"Aylin": 0}}, "cannot have the weight 0"),
        ({"weights": {"Aylin": 1001}}, "cannot have the weight 1001"),
        ({"weights": {"Aylin": 1.5}}, "cannot have the weight 1.5"),
        ({"weights": {"Aylin": True}}, "cannot have the weight True"),
    ],
)
def test_a_panel_that_cannot_be_fair_is_an_error(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(MemberError, match=why):
        draw_panel(**{"pool": PEOPLE, "seats": 3, "seed": "s"} | arguments)


def test_too_many_tickets_are_refused_before_they_are_drawn() -> None:
    pool = [f"member {n}" for n in range(1001)]
    with pytest.raises(MemberError, match="1001000 tickets and at most 1000000"):
        draw_panel(pool, 1, seed="s", weights=dict.fromkeys(pool, 1000))


# --- the same everywhere -------------------------------------------------------------------

CODE = """
import json, sys
from govbot.tools.panels import draw_panel
pool, arguments = json.load(sys.stdin)
if arguments.pop("as_set"):
    pool = list(set(pool))
    arguments["strata"] = {name: arguments["strata"][name] for name in set(pool)}
print(json.dumps(draw_panel(pool, 12, **arguments).plain()))
"""


def test_a_panel_does_not_depend_on_the_hash_seed_of_python() -> None:
    shape = {"gender": 2, "age": 4, "region": 5}
    pool, strata = assembly(200, shape)
    arguments = {
        "seed": "s", "strata": strata, "quotas": even(shape, 12), "alternates": 4,
        "weights": {"member 7": 9}, "excluded": {"member 3": "ill", "member 1": "a party"},
    }  # fmt: skip
    there = draw_panel(pool, 12, **arguments)
    arguments["declined"] = [there.members[4], there.members[0]]
    panel = draw_panel(pool, 12, **arguments)
    assert holds(panel.members, strata, even(shape, 12))
    said = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            input=json.dumps([pool, {**arguments, "as_set": hash_seed != "0"}]),
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "2")
    }
    assert said == {json.dumps(panel.plain()) + "\n"}


@given(st.permutations(PEOPLE), st.permutations(sorted(STRATA)))
def test_nothing_that_is_given_in_another_order_changes_the_panel(
    pool: list[str], named: list[str]
) -> None:
    def drawn(pool: list[str], named: list[str]) -> Panel:
        turned = {a: dict(sorted(QUOTAS[a].items(), reverse=pool[0] > "D")) for a in QUOTAS}
        if named[0] > "D":
            turned = dict(reversed(turned.items()))
        return draw_panel(
            pool, 4, seed="s", alternates=3, quotas=turned,
            strata={name: STRATA[name] for name in named},
            weights={name: len(name) for name in named},
            excluded={name: "ill" for name in named if name in ("Ünal", "Aylin")},
        )  # fmt: skip

    assert drawn(pool, named).plain() == drawn(PEOPLE, sorted(STRATA)).plain()


@pytest.mark.parametrize(("people", "limit"), [(200, 2), (5000, 5)])
def test_a_large_assembly_is_drawn_in_time(people: int, limit: int) -> None:
    shape = {"gender": 2, "age": 4, "region": 5}
    pool, strata = assembly(people, shape)
    begun = time.perf_counter()
    panel = draw_panel(pool, 12, seed="s", strata=strata, quotas=even(shape, 12), alternates=12)
    assert time.perf_counter() - begun < limit
    assert holds(panel.members, strata, even(shape, 12))
    assert panel.members[0] == next(iter(panel.tickets))


# --- the document --------------------------------------------------------------------------


def scripts() -> list[str]:
    text = (ROOT / "docs" / "draws.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(script: str) -> tuple[dict[str, Any], str]:
    names: dict[str, Any] = {}
    said = StringIO()
    with redirect_stdout(said):
        exec(script, names)
    return names, said.getvalue().strip()


def test_the_scripts_of_the_document_are_short_and_print_what_it_says() -> None:
    text = " ".join((ROOT / "docs" / "draws.md").read_text("utf-8").split())
    assert len(scripts()) == 3
    for script in scripts():
        assert len(script.splitlines()) <= 20
        assert re.findall(r"^(?:import|from) .*$", script, re.MULTILINE) == ["import hashlib"]
        assert f"It prints `{run(script)[1]}`" in text


@given(st.lists(NAMES, unique=True, max_size=8), NAMES)
def test_the_script_for_a_draw_draws_as_govbot_does(pool: list[str], seed: str) -> None:
    draw = run(scripts()[0])[0]["draw"]
    assert draw(pool, len(pool), seed) == random_select(pool, len(pool), seed=seed)


@pytest.mark.parametrize("weights", [None, {}, {"Gorō": 1000, "Aylin": 3, "日本": 2}])
@pytest.mark.parametrize("seed", ["s", "head:125", "日\n本"])
def test_the_script_for_a_panel_draws_as_govbot_does(weights: Any, seed: str) -> None:
    script = run(scripts()[1])[0]["panel"]
    panel = draw_panel(
        PEOPLE, 4, seed=seed, weights=weights, alternates=9, excluded={"Chloé": "a party"},
        declined=["Gorō", "Eşref"],
    )  # fmt: skip
    all_weights = weights if weights is None else dict.fromkeys(PEOPLE, 1) | weights
    found = script(PEOPLE, ["Chloé", "Gorō", "Eşref"], 4, seed, all_weights)
    assert found == (list(panel.members), list(panel.alternates))


def test_the_script_for_the_rfc_selects_as_govbot_does(shared: Path) -> None:
    script = run(scripts()[2])[0]["rfc3797"]
    for case in json.loads((shared / "rfc3797.json").read_text())["cases"]:
        pool = case["pool"] or [str(n + 1) for n in range(case["pool_size"])]
        found = script(pool, case["select"], case["sources"])
        assert [pool.index(name) + 1 for name in found] == case["selected"]
        assert tuple(found) == rfc3797(pool, case["select"], case["sources"]).selected
