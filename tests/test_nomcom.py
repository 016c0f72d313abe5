"""RFC 3797: its own worked example and three draws that the IETF made."""

import json
from pathlib import Path
from typing import Any

import pytest

from govbot.errors import MemberError
from govbot.tools.nomcom import key_of, rfc3797

REAL = ["rfc3797-section-6", "nomcom-2012", "nomcom-2013", "nomcom-2022"]


def drawn(case: dict[str, Any]) -> Any:
    pool = case["pool"] or [f"volunteer {n + 1}" for n in range(case["pool_size"])]
    return rfc3797(pool, case["select"], case["sources"])


def cases(shared: Path) -> dict[str, Any]:
    found = json.loads((shared / "rfc3797.json").read_text())["cases"]
    return {case["id"]: case for case in found}


@pytest.mark.parametrize("name", REAL)
def test_a_draw_of_the_ietf_comes_out_as_it_did(shared: Path, name: str) -> None:
    case = cases(shared)[name]
    draw = drawn(case)
    assert draw.key == case["key"]
    assert [pick.selected for pick in draw.picks] == case["selected"]
    assert [[p.index, p.md5, p.divisor, p.selected] for p in draw.picks] == [
        [each["index"], each["md5"], each["divisor"], each["selected"]] for each in case["expected"]
    ]
    named = [each["name"] for each in case["expected"] if "name" in each]
    assert draw.selected[: len(named)] == tuple(named)
    assert len(draw.selected) == case["select"]


def test_every_case_of_the_data_is_compared(shared: Path) -> None:
    assert sorted(cases(shared)) == sorted(REAL)


def test_the_example_of_the_rfc_is_known_without_the_data() -> None:
    pool = [f"{n + 1}" for n in range(25)]
    draw = rfc3797(pool, 3, [[9319], [2, 5, 12, 8, 10], [9, 18, 26, 34, 41, 45]])
    assert draw.key == "9319./2.5.8.10.12./9.18.26.34.41.45./"
    assert draw.picks[0].md5 == "990DD0A5692A029A98B5E01AA28F3459"
    assert draw.selected == ("17", "7", "2")
    assert draw.plain()["picks"][2] == {
        "index": 3,
        "md5": "FE814EDF564C190AC1D25753979990FA",
        "divisor": 23,
        "selected": 2,
        "name": "2",
    }


@pytest.mark.parametrize(
    ("sources", "key"),
    [
        ([["08285182"]], "8285182./"),
        ([[10, 9, 100]], "9.10.100./"),
        ([["0"], ["000"]], "0./0./"),
        ([["8.250", "0.5", 7, "7.0", "00.05"]], "0.050.57.7.8.25/"),
        ([[5, 5]], "5.5./"),
        ([[2, 1], [1, 2]], "1.2./1.2./"),
    ],
)
def test_numbers_are_spelled_as_the_rfc_says(sources: Any, key: str) -> None:
    assert key_of(sources) == key


@pytest.mark.parametrize(
    ("pool", "count", "sources", "why"),
    [
        (["a", "b"], 3, [[1]], "3 cannot be drawn from a pool of 2"),
        (["a", "b"], -1, [[1]], "-1 cannot be drawn"),
        (["a", "b"], True, [[1]], "True cannot be drawn"),
        (["a", "a"], 1, [[1]], "in the pool twice"),
        (["a", 1], 1, [[1]], "1 is in the pool and no name"),
        (["a"], 1, [], "needs sources"),
        (["a"], 1, [[1], []], "needs sources"),
        (["a"], 1, ["9319"], "'9319' is no source"),
        (["a"], 1, [9319], "9319 is no source"),
        (["a"], 1, [[8.25]], "8.25 is no number of a source"),
        (["a"], 1, [[True]], "True is no number of a source"),
        (["a"], 1, [[-1]], "'-1' is no number of a source"),
        (["a"], 1, [["٣"]], "is no number of a source"),
        (["a"], 1, [["1e5"]], "is no number of a source"),
        (["a"], 1, [["1" * 5000]], "is no number of a source"),
        ([str(n) for n in range(65_536)], 1, [[1]], "at most 65535 people"),
    ],
)
def test_a_draw_that_the_rfc_does_not_know_is_an_error(
    pool: Any, count: int, sources: Any, why: str
) -> None:
    with pytest.raises(MemberError, match=why) as caught:
        rfc3797(pool, count, sources)
    assert len(str(caught.value)) < 250


def test_the_published_order_decides() -> None:
    sources = [[9319], [2, 5, 12]]
    assert rfc3797(["a", "b", "c"], 3, sources) != rfc3797(["c", "b", "a"], 3, sources)


def test_all_of_a_large_pool_can_be_drawn() -> None:
    pool = [str(n) for n in range(3000)]
    assert sorted(rfc3797(pool, 3000, [[1]]).selected) == sorted(pool)
