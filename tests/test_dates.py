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
from govbot.tools import TOOLS, call, datetime_add, recompute
from govbot.tools.dates import (
    describe_duration,
    end_of_day,
    in_words,
    parse_duration,
    when,
    zone_named,
)

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


@pytest.mark.parametrize(
    ("start", "zone", "amounts", "end"),
    [
        pytest.param(
            datetime(2025, 12, 31, 12, tzinfo=UTC), None, {"business_days": 1},
            datetime(2026, 1, 1, 12, tzinfo=UTC), id="over a new year",
        ),
        pytest.param(
            datetime(2027, 12, 31, 12, tzinfo=UTC), None, {"months": 2},
            datetime(2028, 2, 29, 12, tzinfo=UTC), id="over a new year to a leap day",
        ),
        pytest.param(
            datetime(2028, 2, 29, 12, tzinfo=UTC), None, {"months": 12, "days": 1},
            datetime(2029, 3, 1, 12, tzinfo=UTC), id="months first, days after",
        ),
        pytest.param(
            datetime(2026, 3, 31, tzinfo=UTC), None, {"months": -1},
            datetime(2026, 2, 28, tzinfo=UTC), id="a month back from an end",
        ),
        pytest.param(
            at(2026, 12, 31, 23, 30, zone=NEW_YORK), NEW_YORK, {"days": 1},
            datetime(2027, 1, 2, 4, 30, tzinfo=UTC), id="a new year there, not here",
        ),
        pytest.param(
            at(2026, 10, 24, 2, 30, zone=BERLIN), BERLIN, {"days": 1},
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="a repeated time is the summer one",
        ),
        pytest.param(
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC), BERLIN, {"minutes": 5},
            datetime(2026, 10, 25, 1, 35, tzinfo=UTC), id="minutes within the repeated hour",
        ),
        pytest.param(
            at(2011, 12, 29, 12, zone="Pacific/Apia"), "Pacific/Apia", {"days": 1},
            datetime(2011, 12, 30, 22, tzinfo=UTC), id="the day that Samoa left out",
        ),
        pytest.param(
            at(2026, 10, 3, 2, 15, zone="Australia/Lord_Howe"), "Australia/Lord_Howe",
            {"days": 1}, datetime(2026, 10, 3, 15, 45, tzinfo=UTC), id="clocks move half an hour",
        ),
    ],
)  # fmt: skip
def test_ends_of_months_years_and_clocks(
    start: datetime, zone: str | None, amounts: dict[str, int], end: datetime
) -> None:
    assert datetime_add(start, **amounts, tz=zone).isoformat() == end.isoformat()


# --- holidays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "holidays", "count", "end"),
    [
        # Good Friday and Easter Monday of 2026 are 3 and 6 April.
        pytest.param((2026, 4, 2), "DE", 1, (2026, 4, 7), id="Easter in Germany"),
        pytest.param((2026, 4, 2), "US", 1, (2026, 4, 3), id="not in the United States"),
        pytest.param((2026, 4, 7), "DE", -1, (2026, 4, 2), id="and back again"),
        pytest.param((2026, 12, 24), "DE", 1, (2026, 12, 28), id="Christmas, then a Saturday"),
        pytest.param((2025, 12, 31), "DE", 1, (2026, 1, 2), id="a new year"),
        # Women's Day, 8 March, is one in Berlin since 2019; it was a Friday in 2024.
        pytest.param((2024, 3, 7), "DE-BE", 1, (2024, 3, 11), id="a holiday of Berlin alone"),
        pytest.param((2024, 3, 7), "DE-BY", 1, (2024, 3, 8), id="a working day in Bavaria"),
        pytest.param((2024, 3, 7), "DE-Berlin", 1, (2024, 3, 11), id="Berlin by its name"),
        # St Andrew's Day, 30 November, is a bank holiday in Scotland: a Monday in 2026.
        pytest.param((2026, 11, 27), "GB-SCT", 1, (2026, 12, 1), id="Scotland"),
        pytest.param((2026, 11, 27), "GB-ENG", 1, (2026, 11, 30), id="England"),
        # 4 July 2026 is a Saturday, kept on the Friday; 1 January 2022 on 31 December 2021.
        pytest.param((2026, 7, 2), "US", 1, (2026, 7, 6), id="kept on a Friday"),
        pytest.param((2021, 12, 30), "US", 1, (2022, 1, 3), id="kept in the year before"),
        # Thursday is the last working day in Saudi Arabia, Sunday the first.
        pytest.param((2026, 10, 8), "SA", 1, (2026, 10, 11), id="another weekend"),
        # 10 January 2026 was a working Saturday in Hungary, for the Friday of 2 January.
        pytest.param((2026, 1, 9), "HU", 1, (2026, 1, 10), id="a working Saturday"),
        pytest.param((2026, 12, 24), ["2026-12-25"], 1, (2026, 12, 28), id="a date"),
        pytest.param((2026, 12, 24), ("2026-12-25", "2026-12-28"), 1, (2026, 12, 29), id="dates"),
        pytest.param((2026, 12, 29), ["2026-12-25", "2026-12-28"], -1, (2026, 12, 24), id="back"),
        pytest.param((2026, 12, 24), [], 1, (2026, 12, 25), id="no dates"),
        pytest.param((2026, 12, 25), ["2026-12-25"], 0, (2026, 12, 25), id="no days"),
    ],
)
def test_business_days_skip_the_holidays(
    start: tuple[int, int, int], holidays: Any, count: int, end: tuple[int, int, int]
) -> None:
    found = datetime_add(datetime(*start, 12, tzinfo=UTC), business_days=count, holidays=holidays)
    assert found == datetime(*end, 12, tzinfo=UTC)


def test_a_holiday_is_one_where_it_is_already_that_day() -> None:
    late = datetime(2026, 12, 23, 23, 30, tzinfo=UTC)  # the 24th in Berlin
    assert datetime_add(late, business_days=1, holidays="DE").day == 24
    assert datetime_add(late, business_days=1, holidays="DE", tz=BERLIN).day == 27


def test_holidays_do_not_depend_on_what_was_asked_before() -> None:
    """The package's own calendars say otherwise once other years were asked for."""
    friday = datetime(2021, 12, 30, 12, tzinfo=UTC)
    for year in (2030, 2022, 2021, 2020):
        datetime_add(friday.replace(year=year), business_days=3, holidays="US")
        assert datetime_add(friday, business_days=1, holidays="US").isoformat() == (
            "2022-01-03T12:00:00+00:00"
        )


def test_many_business_days_with_holidays_are_as_many_working_days() -> None:
    listed = ["2026-12-25", "2027-01-01", "2026-12-26"]
    end = datetime_add(START, business_days=300, holidays=listed)
    plain = datetime_add(START, business_days=302)
    assert end == plain  # 26 December 2026 is a Saturday anyway


@pytest.mark.parametrize(
    ("holidays", "why"),
    [
        ("Germany", "'Germany' is no country whose holidays are known; the nearest is 'DE'"),
        ("de", "the nearest is 'DE'"),
        ("united states", "the nearest is 'US'"),
        ("", "'' is no country"),
        ("DE-XY", "'DE-XY' is no part of DE whose holidays are known; the nearest is 'DE-"),
        ("DE-berlin", "the nearest is 'DE-BE'"),
        ("DE-", "'DE-' is no part of DE"),
        ("X" * 100_000, "is no country"),
        ("DE-" + "X" * 100_000, "is no part of DE"),
        (["25.12.2026"], r"\['25.12.2026'\] are no dates; write each holiday as text such as"),
        (["2026-02-30"], "are no dates"),
        ([20261225], "are no dates"),
        (["2026-12-25"] * 3661, "at most 3660 holidays"),
    ],
)
def test_holidays_that_are_not_known_are_an_error(holidays: Any, why: str) -> None:
    for business_days in (0, 1):
        with pytest.raises(MemberError, match=why) as caught:
            datetime_add(START, business_days=business_days, holidays=holidays)
        assert len(str(caught.value)) < 250


def test_holidays_of_a_year_that_nobody_knows_are_an_error() -> None:
    with pytest.raises(MemberError, match="the holidays of DE are known from .* not in 2300"):
        datetime_add(datetime(2300, 1, 1, tzinfo=UTC), business_days=1, holidays="DE")


@pytest.mark.parametrize("holidays", ["DE-BE", ["2026-02-09"]])
def test_a_kept_calculation_with_holidays_runs_again(holidays: Any) -> None:
    arguments = {"start": START.isoformat(), "business_days": 5, "holidays": holidays}
    kept = call("datetime_add", {**arguments, "end_of_day": True, "tz": BERLIN})
    assert recompute(kept) is None
    assert recompute(kept.model_copy(update={"result": "2026-02-14T00:00:00Z"})) is not None
    assert set(TOOLS["datetime_add"].schema()["properties"]) >= {"holidays", "end_of_day"}


# --- the end of a day ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "zone", "midnight"),
    [
        pytest.param(datetime(2026, 2, 14, 18, 30, tzinfo=UTC), "UTC", (2026, 2, 15), id="UTC"),
        pytest.param(
            datetime(2026, 2, 14, 23, 30, tzinfo=UTC), BERLIN, (2026, 2, 15, 23),
            id="already the next day in Berlin",
        ),
        pytest.param(datetime(2026, 2, 14, tzinfo=UTC), "UTC", (2026, 2, 15), id="its beginning"),
        pytest.param(
            datetime(2026, 2, 14, 23, 59, 59, 999_999, tzinfo=UTC), "UTC", (2026, 2, 15),
            id="its last moment",
        ),
        pytest.param(datetime(2028, 2, 28, 1, tzinfo=UTC), "UTC", (2028, 2, 29), id="leap year"),
        pytest.param(datetime(2026, 12, 31, 1, tzinfo=UTC), "UTC", (2027, 1, 1), id="a year"),
        pytest.param(
            datetime(2026, 3, 29, 12, tzinfo=UTC), BERLIN, (2026, 3, 29, 22), id="23 hours long"
        ),
        pytest.param(
            datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN, (2026, 10, 25, 23), id="25 hours long"
        ),
        pytest.param(
            datetime(2018, 11, 3, 12, tzinfo=UTC), "America/Sao_Paulo", (2018, 11, 4, 3),
            id="a midnight that was skipped",
        ),
        pytest.param(
            datetime(2025, 11, 1, 12, tzinfo=UTC), "America/Havana", (2025, 11, 2, 4),
            id="a midnight that came twice, the day before only once",
        ),
        pytest.param(
            datetime(2010, 11, 6, 12, tzinfo=UTC), "America/St_Johns", (2010, 11, 7, 3, 30),
            id="a day that came back after midnight",
        ),
        pytest.param(
            datetime(2011, 12, 29, 22, tzinfo=UTC), "Pacific/Apia", (2011, 12, 30, 10),
            id="before the day that Samoa left out",
        ),
    ],
)  # fmt: skip
def test_a_day_ends_at_the_local_midnight(
    moment: datetime, zone: str, midnight: tuple[int, ...]
) -> None:
    end = datetime(*midnight, tzinfo=UTC)
    assert end_of_day(moment, zone).isoformat() == end.isoformat()
    assert datetime_add(moment, tz=zone, end_of_day=True) == end


@given(MOMENTS, st.sampled_from(["UTC", BERLIN, NEW_YORK, "Pacific/Apia", "America/St_Johns"]))
def test_the_last_moment_of_a_day_is_in_time_and_midnight_is_late(
    moment: datetime, zone: str
) -> None:
    there, end = ZoneInfo(zone), end_of_day(moment, zone)
    day = moment.astimezone(there).date()
    assert end > moment
    assert (end - timedelta(microseconds=1)).astimezone(there).date() == day
    assert all((end + timedelta(hours=n)).astimezone(there).date() > day for n in range(4))


def test_the_end_of_a_day_is_that_of_the_sum() -> None:
    found = datetime_add(START, days=6, hours=5, minutes=29, end_of_day=True)
    assert found == datetime(2026, 2, 15, tzinfo=UTC)
    assert datetime_add(START, days=6, hours=5, minutes=30, end_of_day=True).day == 16


def test_a_day_without_an_end_is_an_error() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    with pytest.raises(MemberError, match="ends beyond the calendar"):
        end_of_day(last)
    with pytest.raises(MemberError, match="beyond the calendar"):
        datetime_add(last, end_of_day=True)
    with pytest.raises(MemberError, match="without a time zone"):
        end_of_day(START.replace(tzinfo=None))


# --- in words ------------------------------------------------------------------------------

DEADLINE = datetime(2026, 2, 14, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(days=6), "in 6 days"),
        (timedelta(days=6, seconds=-1), "in 5 days"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(days=2, seconds=-1), "in 47 hours"),
        (timedelta(days=1), "in 24 hours"),
        (timedelta(hours=3, minutes=59), "in 3 hours"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(hours=2, seconds=-1), "in 119 minutes"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(seconds=59), "in less than a minute"),
        (timedelta(0), "now"),
        (timedelta(microseconds=-1), "less than a minute ago"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(days=-6), "6 days ago"),
        (timedelta(days=-400, seconds=-1), "400 days ago"),
    ],
)
def test_a_deadline_in_words_promises_no_more_than_there_is(before: timedelta, words: str) -> None:
    found = in_words(DEADLINE, DEADLINE - before)
    assert found == f"{words}, Saturday 14 February 2026 18:30 UTC"


@pytest.mark.parametrize(
    ("deadline", "now", "zone", "words"),
    [
        (
            at(2026, 4, 1, 18, 30, zone=BERLIN), at(2026, 3, 26, 18, 30, zone=BERLIN), BERLIN,
            "in 6 days, Wednesday 1 April 2026 18:30 CEST",
        ),
        (
            at(2026, 10, 27, 18, 30, zone=BERLIN), at(2026, 10, 21, 18, 31, zone=BERLIN), BERLIN,
            "in 5 days, Tuesday 27 October 2026 18:30 CET",
        ),
        (
            at(2026, 3, 29, 4, zone=BERLIN), at(2026, 3, 29, 1, zone=BERLIN), BERLIN,
            "in 2 hours, Sunday 29 March 2026 04:00 CEST",
        ),
        (
            datetime(2026, 2, 15, tzinfo=UTC), datetime(2026, 2, 14, 22, tzinfo=UTC), NEW_YORK,
            "in 2 hours, Saturday 14 February 2026 19:00 EST",
        ),
        (
            datetime(2026, 7, 1, 4, 5, 6, tzinfo=UTC), START, NEW_YORK,
            "in 142 days, Wednesday 1 July 2026 00:05:06 EDT",
        ),
    ],
)  # fmt: skip
def test_a_deadline_in_words_is_in_its_zone(
    deadline: datetime, now: datetime, zone: str, words: str
) -> None:
    assert in_words(deadline, now, zone) == words


def test_a_naive_deadline_is_refused() -> None:
    naive = DEADLINE.replace(tzinfo=None)
    for deadline, now in ((naive, DEADLINE), (DEADLINE, naive)):
        with pytest.raises(MemberError, match="without a time zone"):
            in_words(deadline, now)
    with pytest.raises(MemberError, match="is no time zone"):
        in_words(DEADLINE, START, "Middle/Earth")


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
