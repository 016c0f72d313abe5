"""The deterministic tools: exact, repeatable by anyone, and checked when kept."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.errors import GovbotError, MemberError, ModelError
from govbot.expression import ExpressionError
from govbot.records import Calculation, canonical, parse, plain, stamp
from govbot.tools import TOOLS, calculate, call, random_select, recompute, tally
from govbot.tools.draws import seed_for

START = datetime(2026, 2, 8, 18, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
POOLS = st.lists(NAMES, unique=True, max_size=12)


# --- calculate -----------------------------------------------------------------------------


def test_a_calculation_is_exact() -> None:
    assert calculate("0.1 + 0.2 == 3 / 10", {}) is True
    assert calculate("agree / (agree + disagree) >= 2 / 3", {"agree": 2, "disagree": 1}) is True


def test_a_kept_fraction_is_a_fraction_again() -> None:
    variables = {"share": "-2/3", "shares": ["1/3", "x"], "title": "either/or", "day": "1/0"}
    assert calculate("share * 3", variables) == -2
    assert calculate("1 / 3 in shares and 'x' in shares", variables) is True
    assert calculate("title == 'either/or' and day == '1/0'", variables) is True


@given(st.fractions(max_denominator=10**6), st.fractions(max_denominator=10**6))
def test_a_calculation_is_the_same_on_kept_variables(a: Fraction, b: Fraction) -> None:
    variables = {"a": a, "b": b}
    assert calculate("a * b - a", variables) == calculate("a * b - a", plain(variables))


@pytest.mark.parametrize("text", ["1" * 5000 + "/3", "١/٢", "1/2\n", " 1/2", "1/02", "+1/2"])
def test_a_text_that_only_looks_like_a_fraction_stays_a_text(text: str) -> None:
    assert calculate("title", {"title": text}) == text


def test_a_calculation_without_a_value_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="divides by zero"):
        calculate("1 / n", {"n": 0})


# --- random_select -------------------------------------------------------------------------

PEOPLE = ["ana", "ben", "chloé", "dîlan", "eva", "日本"]
KNOWN = ["dîlan", "日本", "ana"]  # worked out apart from govbot


def tickets(seed: str, pool: list[str]) -> list[tuple[str, str]]:
    """The draw done by hand, from its description alone."""
    said = [b"govbot-draw-v1\n" + seed.encode() + b"\n" + name.encode("utf-8") for name in pool]
    return sorted(zip([hashlib.sha256(text).hexdigest() for text in said], pool, strict=True))


def test_a_draw_can_be_repeated_by_anyone() -> None:
    seed = seed_for("sha256:" + "0" * 64, "125")
    assert seed == "sha256:" + "0" * 64 + ":125"
    by_hand = [name for _, name in tickets(seed, PEOPLE)]
    assert random_select(PEOPLE, 6, seed=seed) == by_hand
    assert random_select(PEOPLE, 3, seed=seed) == KNOWN


@given(POOLS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.data())
def test_a_draw_is_of_the_pool_and_does_not_heed_its_order(
    pool: list[str], seed: str, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(pool)))
    drawn = random_select(pool, count, seed=seed)
    shuffled = data.draw(st.permutations(pool))
    assert len(drawn) == len(set(drawn)) == count
    assert set(drawn) <= set(pool)
    assert random_select(shuffled, count, seed=seed) == drawn
    assert random_select(set(pool), count, seed=seed) == drawn
    assert random_select(pool, len(pool), seed=seed)[:count] == drawn


@given(POOLS.filter(lambda pool: len(pool) > 1))
def test_who_leaves_the_pool_does_not_change_the_order_of_the_others(pool: list[str]) -> None:
    order = random_select(pool, len(pool), seed="s")
    rest = [name for name in order if name != pool[0]]
    assert random_select(pool[1:], len(rest), seed="s") == rest


def test_another_seed_draws_others_and_everyone_has_a_chance() -> None:
    first = Counter(random_select(PEOPLE, 1, seed=f"seed {n}")[0] for n in range(600))
    assert set(first) == set(PEOPLE)
    assert all(60 < times < 140 for times in first.values())


def test_a_draw_does_not_depend_on_the_hash_seed_of_python() -> None:
    code = (
        "from govbot.tools import random_select;"
        "print(random_select({str(n) for n in range(50)}, 20, seed='s'))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1")
    }
    assert said == {f"{random_select(map(str, range(50)), 20, seed='s')}\n"}


@pytest.mark.parametrize(
    ("pool", "count", "seed", "why"),
    [
        (["a", "b"], -1, "s", "-1 cannot be drawn from a pool of 2"),
        (["a", "b"], 3, "s", "3 cannot be drawn from a pool of 2"),
        (["a", "b", "a"], 1, "s", "in the pool twice"),
        (["a", "b"], 1, "", "needs a seed"),
        (["a", 1], 1, "s", "1 is in the pool and no name"),
    ],
)
def test_a_draw_that_cannot_be_fair_is_an_error(
    pool: list[Any], count: int, seed: str, why: str
) -> None:
    with pytest.raises(MemberError, match=why):
        random_select(pool, count, seed=seed)


# --- tally ---------------------------------------------------------------------------------


def test_ballots_are_counted_as_the_seed_shows() -> None:
    ballots = [{"vote": "agree"}, {"vote": "agree"}, {"vote": "disagree"}]
    assert tally(ballots, "vote") == {"agree": 2, "disagree": 1}


@given(st.lists(NAMES), st.randoms(use_true_random=False))
def test_a_tally_sums_to_the_ballots_whatever_their_order(votes: list[str], shuffler: Any) -> None:
    counted = tally([{"vote": vote} for vote in votes], "vote")
    assert sum(counted.values()) == len(votes)
    assert counted == Counter(votes)
    shuffler.shuffle(votes)
    assert list(tally([{"vote": vote} for vote in votes], "vote").items()) == list(counted.items())


def test_a_tally_lists_most_first_and_equals_by_name() -> None:
    votes = ["c", "b", "a", "b"]
    assert list(tally([{"vote": vote} for vote in votes], "vote")) == ["b", "a", "c"]


def test_values_that_are_no_text_count_under_their_json_spelling() -> None:
    values = [True, "true", 3, "3", None, False, [2, 1], {"b": 1, "a": 2}]
    assert tally([{"v": value} for value in values], "v") == {
        "3": 2, "true": 2, "[2,1]": 1, "false": 1, "null": 1, '{"a":2,"b":1}': 1,
    }  # fmt: skip


def test_a_ballot_without_the_field_is_named_by_its_position() -> None:
    with pytest.raises(MemberError, match="ballot 2 has no 'vote'"):
        tally([{"vote": "agree"}, {"comment": "hm"}], "vote")


def test_a_ballot_without_an_exact_spelling_is_named_by_its_position() -> None:
    with pytest.raises(MemberError, match="ballot 1 says 0.5"):
        tally([{"vote": 0.5}], "vote")


def test_no_ballots_are_no_error() -> None:
    assert tally([], "vote") == {}


# --- the registry: calls that are kept and run again ---------------------------------------

KEPT = [
    call("calculate", {"expression": "yes > 2 * no", "variables": {"yes": 5, "no": 2}}),
    call("calculate", {"expression": "a / b", "variables": {"a": "1/2", "b": 3}}),
    call("calculate", {"expression": "a / b", "variables": {"a": 1, "b": 0}}),
    call("calculate", {"expression": "a * a", "variables": {"a": 2**52}}),
    call("datetime_add", {"start": stamp(START), "days": 6, "tz": BERLIN}),
    call("random_select", {"pool": ["ana", "ben", "eva"], "count": 2, "seed": "s"}),
    call("tally", {"ballots": [{"vote": "yes"}, {"vote": "no"}, {"vote": "no"}], "field": "vote"}),
]  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_the_registry_cannot_be_changed() -> None:
    assert set(TOOLS) == {"calculate", "datetime_add", "random_select", "tally", "delegate_votes"}
    with pytest.raises(TypeError):
        TOOLS["calculate"] = TOOLS["tally"]  # type: ignore[index]  # that it is refused is the point
    assert not any(tool.writes for tool in TOOLS.values())


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.tool)
def test_a_schema_knows_the_arguments_of_a_kept_call(kept: Calculation) -> None:
    schema = TOOLS[kept.tool].schema()
    json.dumps(schema)
    assert set(schema["required"]) <= set(kept.arguments) <= set(schema["properties"])
    assert schema.get("additionalProperties", True) is (
        kept.tool == "tally"
    )  # methods have options


def test_results_are_kept_as_plain_json() -> None:
    assert [kept.result for kept in KEPT] == [
        True,
        "1/6",
        {"undefined": "'a / b' has no value: it divides by zero"},
        f"{2**104}/1",
        "2026-02-14T18:30:00.000000Z",
        random_select(["ana", "ben", "eva"], 2, seed="s"),
        {"no": 2, "yes": 1},
    ]


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.tool)
def test_a_kept_call_recomputes_after_its_way_through_the_ledger(kept: Calculation) -> None:
    again = Calculation.model_validate(parse(canonical(kept.model_dump(mode="json"))))
    assert recompute(kept) is None
    assert recompute(again) is None


def test_a_whole_number_too_large_for_json_is_the_same_number_again() -> None:
    assert calculate("a", {"a": KEPT[3].result}) == 2**104


TAMPERED = [
    (0, "result", False),
    (0, "result", 1),
    (0, "expression", "yes > 3 * no"),
    (0, "variables", {"yes": 4, "no": 2}),
    (1, "result", "1/7"),
    (1, "result", 0.16666666666666666),
    (1, "variables", {"a": "1/2", "b": 4}),
    (2, "result", 0),
    (2, "result", {"undefined": "nobody voted", "yes": 1}),
    (2, "variables", {"a": 1, "b": 1}),
    (3, "result", 2**104),
    (4, "result", "2026-02-14T18:30:00Z"),
    (4, "result", "2026-02-14T18:30:00.000001Z"),
    (4, "start", "2026-02-08T18:31:00.000000Z"),
    (4, "start", "2026-02-08T18:30:00"),
    (4, "start", "yesterday"),
    (4, "start", 0),
    (4, "days", 7),
    (4, "days", "6"),
    (4, "tz", "Middle/Earth"),
    (4, "tz", 1),
    (4, "hours", 1),
    (5, "result", ["eva", "ben"]),
    (5, "result", ["ana"]),
    (5, "pool", ["ana", "ben"]),
    (5, "pool", ["ana", "ben", "eva", "eva"]),
    (5, "pool", None),
    (5, "count", 1),
    (5, "count", 4),
    (5, "count", "2"),
    (5, "seed", "other"),
    (5, "seed", ""),
    (6, "result", {"no": 2, "yes": True}),
    (6, "result", {"no": 2}),
    (6, "result", {"no": 2, "yes": 1, "maybe": 0}),
    (6, "result", [["no", 2], ["yes", 1]]),
    (6, "ballots", [{"vote": "no"}]),
    (6, "ballots", ["vote"]),
    (6, "ballots", 3),
    (6, "field", "voter"),
    (6, "method", "schulze"),
    *((n, "tool", "guess") for n in range(7)),
    *((n, "tool", "tally") for n in range(6)),
]


def test_why_an_expression_has_no_value_may_be_worded_anew() -> None:
    kept = call("calculate", {"expression": "1 / a", "variables": {"a": 0}})
    reworded = kept.model_copy(update={"result": {"undefined": "said otherwise"}})
    assert recompute(reworded) is None


@pytest.mark.parametrize(("n", "field", "value"), TAMPERED)
def test_whatever_is_changed_in_a_kept_call_is_caught(n: int, field: str, value: Any) -> None:
    kept = KEPT[n].model_dump()
    changed = kept if field in {"tool", "result"} else kept["arguments"]
    changed[field] = value
    why = recompute(Calculation.model_validate(kept))
    assert why is not None
    assert "\n" not in why


def test_what_is_wrong_is_said_in_a_sentence() -> None:
    def why(**changes: Any) -> str | None:
        return recompute(KEPT[1].model_copy(update=changes))

    assert why(result="1/7") == "calculate gives '1/6', not '1/7'"
    assert why(tool="guess") == (
        "there is no tool 'guess'; the tools are calculate, datetime_add, random_select, tally,"
        " delegate_votes"
    )
    assert "calculate does not take these arguments" in str(why(arguments={"formula": "1"}))


def test_a_long_result_is_shown_shortened() -> None:
    pool = [f"member {n}" for n in range(500)]
    kept = call("random_select", {"pool": pool, "count": 500, "seed": "s"})
    assert len(str(recompute(kept.model_copy(update={"result": pool})))) < 300


@given(
    st.sampled_from(sorted(TOOLS)),
    st.dictionaries(
        st.sampled_from(
            ["expression", "variables", "start", "days", "tz", "pool", "count", "seed", "ballots",
             "field", "x"]
        ),
        JSON,
        max_size=4,
    ),
    JSON,
)  # fmt: skip
def test_recomputing_never_raises(tool: str, arguments: dict[str, Any], result: Any) -> None:
    why = recompute(Calculation(tool=tool, arguments=arguments, result=result))
    assert why is None or (why and isinstance(why, str))


def test_arguments_nested_without_end_are_an_error_and_no_crash() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    arguments = {"expression": "a", "variables": {"a": deep}}
    why = recompute(Calculation.model_construct(tool="calculate", arguments=arguments, result=0))
    assert "does not take these arguments" in str(why)


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_arguments_that_do_not_fit_are_sent_back_to_the_model(tool: str) -> None:
    with pytest.raises(ModelError, match=f"{tool} does not take these arguments"):
        call(tool, {"nonsense": 1})


def test_a_call_of_no_tool_names_the_tools() -> None:
    with pytest.raises(ModelError, match="there is no tool 'roll'; the tools are calculate"):
        call("roll", {})


def test_a_refusal_of_a_tool_passes_through_a_call() -> None:
    with pytest.raises(GovbotError, match="needs a seed"):
        call("random_select", {"pool": ["ana"], "count": 1, "seed": ""})
