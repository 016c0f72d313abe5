"""Dates and durations: calendar arithmetic in a zone, results in UTC.

Pure. Promises that "6 days" across a change of clocks keeps the wall-clock time of the zone asked
for, that months end where the calendar says, and that nothing naive comes in or goes out.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.relativedelta import relativedelta
from dateutil.tz import resolve_imaginary

from govbot.errors import MemberError

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty"
).split()
_UNITS = "year month week day hour minute".split()
_PART = re.compile(
    r"(?P<count>\d{1,4}|"
    + "|".join(_WORDS)
    + r")\s+(?P<unit>business day|"
    + "|".join(_UNITS)
    + r")s?",
    re.IGNORECASE,
)
_FORM = re.compile(rf"{_PART.pattern}", re.IGNORECASE)
MOST_BUSINESS_DAYS = 3660


def zone_named(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
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
    """The moment this much after `start`, in UTC.

    Years to days are counted on the calendar of the zone `tz` (UTC if none), keeping the time on
    the wall; business days skip Saturdays and Sundays; hours and minutes are then added as
    elapsed time. A local time the clocks skip moves forward; one that comes twice is the first.
    """
    if start.tzinfo is None:
        raise MemberError("a start without a time zone is ambiguous; give one with its zone")
    if abs(business_days) > MOST_BUSINESS_DAYS:
        raise MemberError(f"at most {MOST_BUSINESS_DAYS} business days can be added")
    zone = zone_named(tz)
    try:
        local = start.astimezone(zone)
        wall = local.replace(tzinfo=None) + relativedelta(
            years=years, months=months, weeks=weeks, days=days
        )
        wall = _working(wall, business_days)
        # Unmoved walls keep their fold, so that adding hours to an ambiguous time stays exact.
        moved = local if wall == local.replace(tzinfo=None) else wall.replace(tzinfo=zone)
        return resolve_imaginary(moved).astimezone(UTC) + timedelta(hours=hours, minutes=minutes)
    except (OverflowError, ValueError):
        raise MemberError("that moment lies beyond the calendar; use a shorter time") from None


def _working(wall: datetime, count: int) -> datetime:
    step = timedelta(days=1 if count > 0 else -1)
    while count:
        wall += step
        if wall.weekday() < 5:
            count -= 1 if count > 0 else -1
    return wall


def parse_duration(text: str) -> Mapping[str, int]:
    """A duration in words as arguments of `datetime_add`: '1 week and 2 days'."""
    found: dict[str, int] = {}
    for part in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", text.strip()):
        match = _FORM.fullmatch(part)
        if match is None:
            raise MemberError(
                f"{text[:60]!r} is no duration; write, for example, '6 days', '48 hours' or"
                " '10 business days'"
            )
        word, unit = match["count"].lower(), match["unit"].lower().replace(" ", "_") + "s"
        if unit in found:
            raise MemberError(f"{text[:60]!r} names {unit} twice; add them up")
        found[unit] = int(word) if word.isdigit() else _WORDS.index(word)
    return found


def when(moment: datetime, zone: str = "UTC") -> str:
    """A moment in words, with its zone: 'February 14, 2026 at 18:30 UTC'."""
    local = moment.astimezone(zone_named(zone))
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%B} {local.day}, {local.year} at {local:%H:%M}{seconds} {local.tzname()}"
