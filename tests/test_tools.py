"""The deterministic tools: exact, repeatable by anyone, and checked when kept."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.tz import datetime_exists
from hypothesis import given
from hypothesis import strategies as st

from govbot.errors import GovbotError, MemberError, ModelError
from govbot.expression import ExpressionError
from govbot.records import Calculation, canonical, parse, plain, stamp
from govbot.tools import (
    TOOLS,
    calculate,
    call,
    datetime_add,
    random_select,
    recompute,
    tally,
)
from govbot.tools.dates import describe_duration, parse_duration, when, zone_named
from govbot.tools.draws import seed_for

START = datetime(2026, 2, 8, 18, 30, tzinfo=UTC)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
AMOUNTS = st.fixed_dictionaries(
    {
        "years": st.integers(-50, 50),
        "months": st.integers(-500, 500),
        "weeks": st.integers(-500, 500),
        "days": st.integers(-5000, 5000),
        "hours": st.integers(-5000, 5000),
        "minutes": st.integers(-5000, 5000),
    }
)
MOMENTS = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
POOLS = st.lists(NAMES, unique=True, max_size=12)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, zone: str) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


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


# --- datetime_add --------------------------------------------------------------------------


@given(MOMENTS, AMOUNTS)
def test_dates_in_utc_are_those_of_dateutil(start: datetime, amounts: dict[str, int]) -> None:
    elapsed = timedelta(hours=amounts["hours"], minutes=amounts["minutes"])
    calendar = {unit: amounts[unit] for unit in ("years", "months", "weeks", "days")}
    assert datetime_add(start, **amounts) == start + relativedelta(**calendar) + elapsed


@given(MOMENTS, st.integers(-5000, 5000), st.sampled_from([BERLIN, NEW_YORK, "Pacific/Apia"]))
def test_days_in_a_zone_keep_the_wall_or_move_past_a_gap(
    start: datetime, days: int, zone: str
) -> None:
    there = ZoneInfo(zone)
    wall = start.astimezone(there).replace(tzinfo=None) + timedelta(days=days)
    found = datetime_add(start, days=days, tz=zone)
    shown = found.astimezone(there).replace(tzinfo=None)
    assert found.tzinfo is UTC
    assert shown == wall or (shown > wall and not datetime_exists(wall, there))


@given(MOMENTS, st.integers(-50, 50), st.integers(-50, 50), st.sampled_from([BERLIN, NEW_YORK]))
def test_hours_are_elapsed_time_in_every_zone(
    start: datetime, hours: int, minutes: int, zone: str
) -> None:
    found = datetime_add(start, hours=hours, minutes=minutes, tz=zone)
    assert found - start == timedelta(hours=hours, minutes=minutes)


def test_six_days_of_discussion_end_when_the_seed_says() -> None:
    assert when(datetime_add(START, days=6)) == "February 14, 2026 at 18:30 UTC"


@pytest.mark.parametrize(
    ("start", "zone", "amounts", "end"),
    [
        pytest.param(
            at(2026, 3, 26, 18, 30, zone=BERLIN), BERLIN, {"days": 6},
            at(2026, 4, 1, 18, 30, zone=BERLIN), id="days over a spring change",
        ),
        pytest.param(
            at(2026, 10, 30, 9, 0, zone=NEW_YORK), NEW_YORK, {"weeks": 1},
            at(2026, 11, 6, 9, 0, zone=NEW_YORK), id="a week over an autumn change",
        ),
        pytest.param(
            at(2026, 3, 28, 2, 30, zone=BERLIN), BERLIN, {"days": 1},
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC), id="a skipped time moves forward",
        ),
        pytest.param(
            at(2026, 3, 30, 2, 30, zone=BERLIN), BERLIN, {"days": -1},
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC), id="a skipped time from behind, too",
        ),
        pytest.param(
            at(2026, 10, 31, 1, 30, zone=NEW_YORK), NEW_YORK, {"days": 1},
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC), id="a time that comes twice is the first",
        ),
        pytest.param(
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC), NEW_YORK, {"hours": 1},
            datetime(2026, 11, 1, 7, 30, tzinfo=UTC), id="an hour from the second time",
        ),
        pytest.param(
            at(2026, 3, 28, 12, 0, zone=BERLIN), BERLIN, {"hours": 24},
            at(2026, 3, 29, 13, 0, zone=BERLIN), id="24 hours are not a day",
        ),
        pytest.param(
            datetime(2026, 1, 31, 23, 30, tzinfo=UTC), BERLIN, {"months": 1},
            datetime(2026, 2, 28, 23, 30, tzinfo=UTC), id="a month from the zone's own date",
        ),
        pytest.param(
            datetime(2026, 1, 31, tzinfo=UTC), None, {"months": 1},
            datetime(2026, 2, 28, tzinfo=UTC), id="a month's end",
        ),
        pytest.param(
            datetime(2028, 1, 31, tzinfo=UTC), None, {"months": 1},
            datetime(2028, 2, 29, tzinfo=UTC), id="a month's end in a leap year",
        ),
        pytest.param(
            datetime(2028, 2, 29, tzinfo=UTC), None, {"years": 1},
            datetime(2029, 2, 28, tzinfo=UTC), id="a year from a leap day",
        ),
        pytest.param(
            datetime(2028, 2, 29, tzinfo=UTC), None, {"years": 4},
            datetime(2032, 2, 29, tzinfo=UTC), id="four years from a leap day",
        ),
        pytest.param(
            datetime(2100, 2, 28, tzinfo=UTC), None, {"days": 1},
            datetime(2100, 3, 1, tzinfo=UTC), id="2100 is no leap year",
        ),
        pytest.param(
            datetime(2026, 2, 6, 12, tzinfo=UTC), None, {"business_days": 1},
            datetime(2026, 2, 9, 12, tzinfo=UTC), id="Friday to Monday",
        ),
        pytest.param(
            datetime(2026, 2, 8, 12, tzinfo=UTC), None, {"business_days": 10},
            datetime(2026, 2, 20, 12, tzinfo=UTC), id="from a Sunday",
        ),
        pytest.param(
            datetime(2026, 2, 9, 12, tzinfo=UTC), None, {"business_days": -1},
            datetime(2026, 2, 6, 12, tzinfo=UTC), id="Monday back to Friday",
        ),
        pytest.param(
            datetime(2026, 2, 8, 23, 30, tzinfo=UTC), BERLIN, {"business_days": 1},
            datetime(2026, 2, 9, 23, 30, tzinfo=UTC), id="already Monday in Berlin",
        ),
    ],
)  # fmt: skip
def test_a_date_is_where_the_calendar_has_it(
    start: datetime, zone: str | None, amounts: dict[str, int], end: datetime
) -> None:
    found = datetime_add(start, **amounts, tz=zone)
    assert found.isoformat() == end.astimezone(UTC).isoformat()


@given(MOMENTS, st.integers(1, 400))
def test_business_days_are_as_many_weekdays_later(start: datetime, count: int) -> None:
    end = datetime_add(start, business_days=count)
    passed = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert end.weekday() < 5
    assert sum(day.weekday() < 5 for day in passed) == count


@pytest.mark.parametrize(
    ("amounts", "why"),
    [
        ({"years": 8000}, "beyond the calendar"),
        ({"months": -(10**6)}, "beyond the calendar"),
        ({"days": 10**12}, "beyond the calendar"),
        ({"hours": 10**400}, "beyond the calendar"),
        ({"business_days": 10**9}, "business days can be added"),
        ({"days": 1.5}, "1.5 is no whole number"),
        ({"days": True}, "True is no whole number"),
        ({"days": 1, "tz": "Berlin"}, "'Berlin' is no time zone"),
        ({"days": 1, "tz": "Europe"}, "'Europe' is no time zone"),
        ({"days": 1, "tz": "../etc/passwd"}, "is no time zone"),
        ({"days": 1, "tz": ""}, "is no time zone"),
    ],
)
def test_a_date_that_cannot_be_is_an_error(amounts: dict[str, Any], why: str) -> None:
    with pytest.raises(MemberError, match=why):
        datetime_add(START, **amounts)


def test_a_naive_time_is_refused_coming_and_going() -> None:
    naive = START.replace(tzinfo=None)
    for use in (lambda: datetime_add(naive, days=1), lambda: when(naive)):
        with pytest.raises(MemberError, match="without a time zone"):
            use()


def test_the_last_moments_of_the_calendar_are_errors_and_no_crashes() -> None:
    with pytest.raises(MemberError, match="beyond the calendar"):
        datetime_add(datetime.max.replace(tzinfo=UTC), minutes=1)
    with pytest.raises(MemberError, match="beyond the calendar"):
        datetime_add(datetime.max.replace(tzinfo=UTC), days=0, tz="Asia/Tokyo")


# --- durations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("6 days", {"days": 6}),
        ("72 hours", {"hours": 72}),
        ("2 weeks", {"weeks": 2}),
        ("1 month", {"months": 1}),
        ("10 business days", {"business_days": 10}),
        ("10 working days", {"business_days": 10}),
        ("1 week and 2 days", {"weeks": 1, "days": 2}),
        ("1 year, 2 months, and 3 minutes", {"years": 1, "months": 2, "minutes": 3}),
        ("six days", {"days": 6}),
        ("  Twenty   Hours ", {"hours": 20}),
    ],
)
def test_a_duration_in_words_is_read(text: str, amounts: dict[str, int]) -> None:
    assert parse_duration(text) == amounts


@pytest.mark.parametrize(
    "text",
    ["", "6", "days", "soon", "6.5 days", "-6 days", "6 days or so", "and", "6 days and",
     "1,000 days", "6 dayss", "٦ days", "100000 days", "6 days " + " " * 100_000 + "x"],
)  # fmt: skip
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(MemberError, match="'6 days'") as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 250


def test_a_unit_named_twice_is_refused() -> None:
    with pytest.raises(MemberError, match="names business days twice"):
        parse_duration("2 business days and 3 working days")


@given(
    st.dictionaries(
        st.sampled_from(["years", "months", "weeks", "days", "business_days", "hours", "minutes"]),
        st.integers(1, 99999),
        min_size=1,
    )
)
def test_a_described_duration_is_read_back(amounts: dict[str, int]) -> None:
    assert parse_duration(describe_duration(amounts)) == amounts


def test_a_duration_is_described_as_people_say_it() -> None:
    assert describe_duration({"days": 2, "weeks": 1}) == "1 week and 2 days"
    assert describe_duration({"business_days": 1}) == "1 business day"
    assert describe_duration({"years": 1, "days": 2, "hours": 3}) == "1 year, 2 days and 3 hours"
    assert describe_duration({}) == describe_duration({"days": 0}) == "0 minutes"


@pytest.mark.parametrize(
    ("moment", "zone", "words"),
    [
        (datetime(2026, 2, 14, 18, 30, tzinfo=UTC), "UTC", "February 14, 2026 at 18:30 UTC"),
        (datetime(2026, 2, 14, 23, 30, tzinfo=UTC), BERLIN, "February 15, 2026 at 00:30 CET"),
        (datetime(2026, 7, 1, 4, 5, 6, tzinfo=UTC), NEW_YORK, "July 1, 2026 at 00:05:06 EDT"),
        (
            datetime(2026, 12, 9, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            "UTC",
            "December 8, 2026 at 23:02 UTC",
        ),
    ],
)
def test_a_moment_in_words_names_its_zone(moment: datetime, zone: str, words: str) -> None:
    assert when(moment, zone) == words


def test_a_moment_in_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(MemberError, match="is no time zone"):
        when(START, "Middle/Earth")


def test_no_zone_named_is_utc() -> None:
    assert zone_named(None) is zone_named("UTC") is UTC


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
    assert set(TOOLS) == {"calculate", "datetime_add", "random_select", "tally"}
    with pytest.raises(TypeError):
        TOOLS["calculate"] = TOOLS["tally"]  # type: ignore[index]  # that it is refused is the point
    assert not any(tool.writes for tool in TOOLS.values())


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.tool)
def test_a_schema_knows_the_arguments_of_a_kept_call(kept: Calculation) -> None:
    schema = TOOLS[kept.tool].schema()
    json.dumps(schema)
    assert set(schema["required"]) <= set(kept.arguments) <= set(schema["properties"])
    assert schema["additionalProperties"] is False


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
    (2, "result", {"undefined": "nobody voted"}),
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
        "there is no tool 'guess'; the tools are calculate, datetime_add, random_select, tally"
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
