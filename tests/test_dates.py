"""Dates and durations: the calendar of a zone, the clock of UTC."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.tz import datetime_exists
from hypothesis import given
from hypothesis import strategies as st

from govbot.errors import MemberError
from govbot.tools import datetime_add
from govbot.tools.dates import describe_duration, parse_duration, when, zone_named

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


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, zone: str) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


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
