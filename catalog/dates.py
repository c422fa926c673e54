"""When a vaguely dated embargo is surely over.

A delivered date names a day that may not be known exactly. `closing_date` answers with the latest
day it can mean, so that an item stays closed as long as the text allows: "2030" is 31 December
2030, "198X" is 31 December 1989, "1-2-2030" is 1 February and not 2 January, "after 2030" never
ends. Plain Dutch and English forms are read here, everything else as EDTF (ISO 8601-2, Library of
Congress profile, levels 0 to 2) by the library `edtf`. Moments with a zone are taken to the
calendar of Europe/Amsterdam; a moment later than midnight closes that whole day.
"""

import calendar
import re
from collections.abc import Callable
from datetime import MINYEAR, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NEVER = date.max
"""What a date without an end is: the item stays closed."""

_AMSTERDAM = ZoneInfo("Europe/Amsterdam")
_LONGEST = 100  # characters
_EARLIEST = date(MINYEAR, 1, 2)  # 1 January of the year 1 means "declared without embargo"

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan",
            "februari february feb febr",
            "maart march mrt mar",
            "april apr",
            "mei may",
            "juni june jun",
            "juli july jul",
            "augustus august aug",
            "september sep sept",
            "oktober october okt oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_DECADES = {
    "tien": 10, "twintig": 20, "dertig": 30, "veertig": 40, "vijftig": 50,
    "zestig": 60, "zeventig": 70, "tachtig": 80, "negentig": 90,
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50,
    "sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90,
}  # fmt: skip
# A decade without its century is read as the later of the two it can still mean.
_LAST_RECENT_DECADE = 30
_SEASON_ENDS = {
    "lente": (6, 30), "voorjaar": (6, 30), "spring": (6, 30), "21": (6, 30),
    "zomer": (9, 30), "summer": (9, 30), "22": (9, 30),
    "herfst": (12, 31), "najaar": (12, 31), "autumn": (12, 31), "fall": (12, 31), "23": (12, 31),
    "winter": (3, 31), "24": (3, 31),
}  # fmt: skip

_DAY = re.compile(r"(?a:\d{4}-\d\d-\d\d|\d{8})")
_DAY_TIME = re.compile(
    r"(?a:\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)"
)
_YEAR_MONTH = re.compile(r"(?a:(\d{4})(?:-(0[1-9]|1[0-2]))?)")
_ABOUT = re.compile(r"(?:ca|circa|omstreeks|omstr|rond|ongeveer|about|around|approx|c)[. ]\s*(.+)")
_DOUBT = re.compile(r"(.*\d)\s*(?:\?|\(\?\)|\[\?\])")
_WITHIN = re.compile(
    r"(?:begin|medio|half|midden|eind|einde|early|mid|late|end of|in|de|the|uiterlijk|voor|vóór|"
    r"before|by|tot en met|t/m|tot|until|till|up to)[ -]\s*(.+)"
)
_AFTER = re.compile(r"(?:na|vanaf|sinds|after|from|since)\s+.*\d.*")
_EITHER = re.compile(
    r"(?:tussen|between|van|from)?\s*(.*\d.*?)\s*(?:\s+(?:of|or|en|and|tot|to|t/m)\s+|\s+-\s+)"
    r"(.*\d.*)"
)
_YEARS = re.compile(r"(\d{4})\s*[-–]\s*(\d{4})")
_NUMBERS = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:e|de|ste|st|nd|rd|th)?\.?[ -]([a-z]+)\.?[ -](\d{4})")
_MONTH_DAY = re.compile(r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_MONTH = re.compile(r"([a-z]+)\.?[ -](\d{4})")
_DECADE = re.compile(r"(?:jaren|the)?\s*['’]?(\d0|\d{3}0)(?:'?s|er jaren)?")
_DECADE_WORD = re.compile(r"(?:jaren|the)?\s*(\w+)")
_CENTURY = re.compile(r"(\d{1,2})(?:e|de|ste|st|nd|rd|th)?[ -](?:eeuw|century)")
_SEASON = re.compile(r"(\w+)(?: of)? (\d{4})")
_SEASON_ISO = re.compile(r"(\d{4})-(2[1-4])")
_EDTF = re.compile(r"[0-9XYuU?~%./\[\]{},^TZ:+S-]+")


@lru_cache(maxsize=8192)
def closing_date(raw: str) -> date | None:
    """The latest day that `raw` can mean; `None` when it cannot be read as a date at all."""
    text = " ".join(raw.split())
    if not text or len(text) > _LONGEST:
        return None
    found = _moment(text) or _worded(text.casefold()) or _edtf(text)
    return None if found is None else max(found, _EARLIEST)


def _moment(text: str) -> date | None:
    """An ISO year, month, day, or day and time."""
    if found := _YEAR_MONTH.fullmatch(text):
        return _month_end(int(found[1]), int(found[2] or 12))
    is_day = _DAY.fullmatch(text)
    if not is_day and not _DAY_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if is_day:
        return moment.date()
    try:
        local = moment if moment.tzinfo is None else moment.astimezone(_AMSTERDAM)
        return local.date() if local.time() == time.min else local.date() + timedelta(days=1)
    except OverflowError:
        return NEVER


def _worded(text: str) -> date | None:
    for read in _READERS:
        found = read(text)
        if found is not None:
            return found
    return None


def _about(text: str) -> date | None:
    """Within a year of what is named, as EDTF counts `~` and `?`."""
    found = _ABOUT.fullmatch(text) or _DOUBT.fullmatch(text)
    inner = closing_date(found[1]) if found else None
    return None if inner is None else _year_later(inner)


def _within(text: str) -> date | None:
    """Part of a period, or a moment before its end: it may be the end itself."""
    found = _WITHIN.fullmatch(text)
    return closing_date(found[1]) if found else None


def _after(text: str) -> date | None:
    return NEVER if _AFTER.fullmatch(text) and " t" not in text else None


def _either(text: str) -> date | None:
    found = _YEARS.fullmatch(text) or _EITHER.fullmatch(text)
    if found is None:
        return None
    both = (closing_date(found[1]), closing_date(found[2]))
    return None if both[0] is None or both[1] is None else max(both[0], both[1])


def _numbers(text: str) -> date | None:
    """Day and month in figures: both orders where both are dates, and the later one."""
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMBERS.fullmatch(text):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        orders = (_day(year, second, first), _day(year, first, second))
        return max((day for day in orders if day is not None), default=None)
    return None


def _named_month(text: str) -> date | None:
    if found := _DAY_MONTH.fullmatch(text):
        return _day(int(found[3]), _MONTHS.get(found[2], 0), int(found[1]))
    if found := _MONTH_DAY.fullmatch(text):
        return _day(int(found[3]), _MONTHS.get(found[1], 0), int(found[2]))
    found = _MONTH.fullmatch(text)
    if found and found[1] in _MONTHS:
        return _month_end(int(found[2]), _MONTHS[found[1]])
    return None


def _decade(text: str) -> date | None:
    if "jaren" not in text and not text.endswith("s"):
        return None
    if found := _DECADE.fullmatch(text):
        first = int(found[1])
    else:
        word = _DECADE_WORD.fullmatch(text)
        first = _DECADES.get(word[1], -1) if word else -1
    if first < 0:
        return None
    if first < 100:
        first += 2000 if first <= _LAST_RECENT_DECADE else 1900
    return date(first + 9, 12, 31)


def _century(text: str) -> date | None:
    found = _CENTURY.fullmatch(text)
    return date(int(found[1]) * 100, 12, 31) if found and int(found[1]) else None


def _season(text: str) -> date | None:
    if found := _SEASON_ISO.fullmatch(text):
        year, name = int(found[1]), found[2]
    elif found := _SEASON.fullmatch(text):
        year, name = int(found[2]), found[1]
    else:
        return None
    if name not in _SEASON_ENDS:
        return None
    month, day = _SEASON_ENDS[name]
    return _day(year + (month == 3), month, day)


_READERS: tuple[Callable[[str], date | None], ...] = (
    _about, _numbers, _named_month, _season, _decade, _century, _either, _after, _within,
)  # fmt: skip


def _edtf(text: str) -> date | None:
    text = re.sub(r"(?<=\d)x", "X", text).replace("x", "X") if "^" not in text else text
    if not _EDTF.fullmatch(text):
        return None
    from edtf import EDTFParseException, parse_edtf

    try:
        parsed = parse_edtf(text)
    except EDTFParseException:
        return None
    upper = parsed.upper_fuzzy()
    if not hasattr(upper, "tm_year"):
        return NEVER if upper == float("inf") else None
    if upper.tm_year > NEVER.year:
        return NEVER
    return _day(max(upper.tm_year, MINYEAR), upper.tm_mon, upper.tm_mday)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month_end(year: int, month: int) -> date | None:
    try:
        return _day(year, month, calendar.monthrange(year, month)[1])
    except (ValueError, calendar.IllegalMonthError):
        return None


def _year_later(day: date) -> date:
    if day.year >= NEVER.year:
        return NEVER
    later = _day(day.year + 1, day.month, day.day)
    return later if later is not None else date(day.year + 1, 3, 1)
