"""Dates and durations: calendar arithmetic in a zone, results in UTC.

Pure. Promises that "6 days" across a change of clocks keeps the wall-clock time of the zone asked
for, that months end where the calendar says, and that nothing naive comes in or goes out. Which
days are holidays somewhere is known by the package `holidays`, whose newer versions may know
better; a list of dates is exact for ever.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import TypedDict, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.relativedelta import relativedelta

from govbot.errors import MemberError

MOST_BUSINESS_DAYS = 3660
MOST_HOLIDAYS = 3660
LONGEST_TEXT = 200

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty"
).split()
_UNITS = ("years", "months", "weeks", "days", "business_days", "hours", "minutes")
_PART = re.compile(
    rf"(?P<count>[0-9]{{1,5}}|{'|'.join(_WORDS)})\s+"
    r"(?P<unit>(?:business |working )?day|year|month|week|hour|minute)s?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)
# Not strftime's: those follow the locale of the machine.
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


class Amounts(TypedDict, total=False):
    """How much to add: the counts among the arguments of `datetime_add`."""

    years: int
    months: int
    weeks: int
    days: int
    business_days: int
    hours: int
    minutes: int


def zone_named(name: str | None) -> tzinfo:
    """The zone of a name, UTC for none; a name of no zone is the member's to mend."""
    if name is None or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, "Europe"
        raise MemberError(f"{name!r} is no time zone; use a name such as Europe/Berlin") from None


def datetime_add(
    start: datetime,
    *,
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    hours: int = 0,
    minutes: int = 0,
    business_days: int = 0,
    tz: str | None = None,
    holidays: str | Sequence[str] | None = None,
    end_of_day: bool = False,
) -> datetime:
    """The moment this much after `start`, in UTC; negative amounts go back.

    Years to days are counted on the calendar of the zone `tz` (UTC if none), keeping the time on
    the wall; business days skip Saturdays and Sundays; hours and minutes are then added as
    elapsed time. A local time the clocks skip moves forward; one that comes twice is the first.

    `holidays` are days that are no business days: a list of dates such as ["2026-12-25"], or a
    country or a part of one such as "DE" or "DE-BE", whose public holidays, weekend and working
    Saturdays then count instead. Governments change these, and a newer version of the package
    `holidays` may know others: only a list gives the same for ever. With `end_of_day` the result
    is the local midnight that ends the day, as a deadline: whatever comes before it is in time.
    """
    # Looked at even where no business days are asked for, so that a slip is never kept.
    is_free = _free_days(holidays)
    _check_whole((years, months, weeks, days, hours, minutes, business_days))
    if abs(business_days) > MOST_BUSINESS_DAYS:
        raise MemberError(f"at most {MOST_BUSINESS_DAYS} business days can be added")
    zone = zone_named(tz)
    try:
        local = _aware(start).astimezone(zone)
        wall = local.replace(tzinfo=None)
        if years or months:
            wall += relativedelta(years=years, months=months)
        wall = _working(wall + timedelta(weeks=weeks, days=days), business_days, is_free)
        # A wall that has not moved keeps its fold, so hours after a time that comes twice are
        # exact; a wall that has moved has none, which in a gap reads as the time before it.
        moved = local if wall == local.replace(tzinfo=None) else wall.replace(tzinfo=zone)
        found = moved.astimezone(UTC) + timedelta(hours=hours, minutes=minutes)
        return _midnight_after(found, zone) if end_of_day else found
    except (OverflowError, ValueError):
        raise MemberError("that moment lies beyond the calendar; use a shorter time") from None


def end_of_day(moment: datetime, zone: str = "UTC") -> datetime:
    """The local midnight that ends the day of a moment, in UTC.

    As a deadline it excludes itself: 23:59:59 is in time, midnight is late.
    """
    there = zone_named(zone)
    try:
        return _midnight_after(_aware(moment), there)
    except (OverflowError, ValueError):
        raise MemberError("that day ends beyond the calendar; use an earlier one") from None


def parse_duration(text: str) -> Amounts:
    """A duration in words as arguments of `datetime_add`: '1 week and 2 days'."""
    # The length is looked at first: splitting costs more than the text is long.
    parts = _BETWEEN.split(text.strip()) if len(text) <= LONGEST_TEXT else [text]
    found: dict[str, int] = {}
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None:
            raise MemberError(
                f"{text[:60]!r} is no duration; write, for example, '6 days', '48 hours', '1 week"
                " and 2 days' or '10 business days'"
            )
        unit = match["unit"].lower().replace("working", "business").replace(" ", "_") + "s"
        if unit in found:
            raise MemberError(f"{text[:60]!r} names {unit.replace('_', ' ')} twice; add them up")
        word = match["count"].lower()
        found[unit] = _WORDS.index(word) if word in _WORDS else int(word)
    return cast(Amounts, found)


def describe_duration(amounts: Mapping[str, int]) -> str:
    """Arguments of `datetime_add` in words that `parse_duration` reads: '1 week and 2 days'."""
    said = []
    for unit in _UNITS:
        if count := amounts.get(unit, 0):
            words = unit.replace("_", " ")
            said.append(f"{count} {words[:-1] if count == 1 else words}")
    *first, last = said or ["0 minutes"]
    return f"{', '.join(first)} and {last}" if first else last


@lru_cache(maxsize=4096)
def when(moment: datetime, zone: str = "UTC") -> str:
    """A moment in words, with its zone: 'February 14, 2026 at 18:30 UTC'."""
    local = _aware(moment).astimezone(zone_named(zone))
    day = f"{_MONTHS[local.month - 1]} {local.day}, {local.year}"
    return f"{day} at {_clock(local)}"


def in_words(deadline: datetime, now: datetime, zone: str = "UTC") -> str:
    """How far a deadline is from `now`, and when: 'in 6 days, Saturday 14 February 2026 18:30 UTC'.

    From two days on the days of the zone's calendar are counted, nearer hours or minutes that
    pass; never more is promised than there is.
    """
    there = zone_named(zone)
    local = _aware(deadline).astimezone(there)
    day = f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{_distance(local, _aware(now).astimezone(there))}, {day} {_clock(local)}"


def _distance(local: datetime, now: datetime) -> str:
    apart = local.astimezone(UTC) - now.astimezone(UTC)
    if not apart:
        return "now"
    minutes = abs(apart) // timedelta(minutes=1)
    # By the wall, so that 6 days over a change of clocks are 6 days and not 5 and 23 hours.
    days = abs(local.replace(tzinfo=None) - now.replace(tzinfo=None)).days
    if days >= 2:
        said = describe_duration({"days": days})
    elif minutes >= 120:
        said = describe_duration({"hours": minutes // 60})
    else:
        said = describe_duration({"minutes": minutes}) if minutes else "less than a minute"
    return f"in {said}" if apart > timedelta() else f"{said} ago"


def _clock(local: datetime) -> str:
    seconds = f":{local.second:02}" if local.second else ""
    return f"{local.hour:02}:{local.minute:02}{seconds} {local.tzname()}"


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise MemberError("a time without a time zone is ambiguous; give it with its zone")
    return moment


def _check_whole(amounts: tuple[int, ...]) -> None:
    for amount in amounts:
        if type(amount) is not int:
            raise MemberError(f"{amount!r} is no whole number; use a smaller unit")


def _working(wall: datetime, count: int, is_free: Callable[[date], bool]) -> datetime:
    step = 1 if count > 0 else -1
    while count:
        wall += timedelta(days=step)
        if not is_free(wall.date()):
            count -= step
    return wall


def _midnight_after(moment: datetime, zone: tzinfo) -> datetime:
    day = moment.astimezone(zone).date()
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=zone)
    # A midnight the clocks skip is the moment they do so, which fold 0 gives.
    first, second = (midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # Where clocks go back just after midnight the day comes back too, and ends a second time.
    returned = (second - timedelta(microseconds=1)).astimezone(zone).date()
    return second if second > first and returned == day else first


# --- holidays --------------------------------------------------------------------------------


def _free_days(holidays: str | Sequence[str] | None) -> Callable[[date], bool]:
    """Whether a day is no business day, by these holidays."""
    if isinstance(holidays, str):
        country, _, part = _calendar_named(holidays)
        return lambda day: day in _free_in(country, part, day.year)
    listed = _dates(holidays or ())
    return lambda day: day.weekday() >= 5 or day in listed


def _dates(texts: Sequence[str]) -> frozenset[date]:
    if len(texts) > MOST_HOLIDAYS:
        raise MemberError(f"at most {MOST_HOLIDAYS} holidays can be listed; leave out past years")
    try:
        return frozenset(date.fromisoformat(text) for text in texts)
    except (TypeError, ValueError):
        raise MemberError(
            f"{list(texts)[:5]!r} are no dates; write each holiday as text such as '2026-12-25'"
        ) from None


def _calendar_named(name: str) -> tuple[str, str, str]:
    """The country of a name and its part, as the package `holidays` knows them."""
    from holidays.utils import list_supported_countries

    country, dash, part = name.partition("-")
    countries = list_supported_countries()
    if country not in countries:
        raise MemberError(
            f"{country[:60]!r} is no country whose holidays are known; the nearest is"
            f" {_nearest_country(country, countries)!r}, or list the dates"
        )
    parts = _parts(country)
    if dash and part not in parts:
        nearest = f"{country}-{_nearest(part, parts)}" if parts else country
        raise MemberError(
            f"{name[:60]!r} is no part of {country} whose holidays are known; the nearest is"
            f" {nearest!r}, or list the dates"
        )
    return country, dash, part


def _nearest(word: str, known: Mapping[str, str]) -> str:
    """What the most similar of the known words stands for; how it is written does not count."""
    folded = {each.casefold().replace("_", " "): code for each, code in known.items()}
    # Similarity takes time, so a long text is compared by its beginning.
    return folded[get_close_matches(word[:60].casefold(), sorted(folded), n=1, cutoff=0)[0]]


def _nearest_country(word: str, codes: Iterable[str]) -> str:
    from holidays.registry import COUNTRIES

    names = {name: entry[1] for name, entry in COUNTRIES.items()}
    # Codes of two letters: whoever writes UK should not be sent to Ukraine, the code UKR.
    return _nearest(word, names | {code: code for code in codes if len(code) == 2})


@lru_cache(maxsize=64)
def _parts(country: str) -> Mapping[str, str]:
    """The parts of a country by code and by name, each with its code."""
    from holidays import country_holidays

    found = country_holidays(country)
    names = {name: code for name, code in found.subdivisions_aliases.items()}
    return names | {code: code for code in found.subdivisions}


@lru_cache(maxsize=256)
def _free_in(country: str, part: str, year: int) -> frozenset[date]:
    """The days of a year on which nobody has to work there."""
    from holidays import country_holidays

    # A new calendar with its year fixed: one that is kept says otherwise of a weekend, and could of
    # a day made up for, once it has been asked about other years.
    found = country_holidays(country, subdiv=part or None, years=year, expand=False)
    if not found.start_year <= year <= found.end_year:
        raise MemberError(
            f"the holidays of {country} are known from {found.start_year} to {found.end_year} and"
            f" not in {year}; list the dates instead"
        )
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    return frozenset(day for day in days if not found.is_working_day(day))
