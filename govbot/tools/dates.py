"""Dates and durations: calendar arithmetic in a zone, results in UTC.

Pure. Promises that "6 days" across a change of clocks keeps the wall-clock time of the zone asked
for, that months end where the calendar says, and that nothing naive comes in or goes out.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.relativedelta import relativedelta

from govbot.errors import MemberError

MOST_BUSINESS_DAYS = 3660
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
) -> datetime:
    """The moment this much after `start`, in UTC; negative amounts go back.

    Years to days are counted on the calendar of the zone `tz` (UTC if none), keeping the time on
    the wall; business days skip Saturdays and Sundays; hours and minutes are then added as
    elapsed time. A local time the clocks skip moves forward; one that comes twice is the first.
    """
    _check_whole((years, months, weeks, days, hours, minutes, business_days))
    if abs(business_days) > MOST_BUSINESS_DAYS:
        raise MemberError(f"at most {MOST_BUSINESS_DAYS} business days can be added")
    zone = zone_named(tz)
    try:
        local = _aware(start).astimezone(zone)
        wall = local.replace(tzinfo=None)
        if years or months:
            wall += relativedelta(years=years, months=months)
        wall = _working(wall + timedelta(weeks=weeks, days=days), business_days)
        # A wall that has not moved keeps its fold, so hours after a time that comes twice are
        # exact; a wall that has moved has none, which in a gap reads as the time before it.
        moved = local if wall == local.replace(tzinfo=None) else wall.replace(tzinfo=zone)
        return moved.astimezone(UTC) + timedelta(hours=hours, minutes=minutes)
    except (OverflowError, ValueError):
        raise MemberError("that moment lies beyond the calendar; use a shorter time") from None


def parse_duration(text: str) -> dict[str, int]:
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
    return found


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
    seconds = f":{local.second:02}" if local.second else ""
    day = f"{_MONTHS[local.month - 1]} {local.day}, {local.year}"
    return f"{day} at {local.hour:02}:{local.minute:02}{seconds} {local.tzname()}"


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise MemberError("a time without a time zone is ambiguous; give it with its zone")
    return moment


def _check_whole(amounts: tuple[int, ...]) -> None:
    for amount in amounts:
        if type(amount) is not int:
            raise MemberError(f"{amount!r} is no whole number; use a smaller unit")


def _working(wall: datetime, count: int) -> datetime:
    step = 1 if count > 0 else -1
    while count:
        wall += timedelta(days=step)
        if wall.weekday() < 5:
            count -= step
    return wall
