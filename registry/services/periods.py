"""Periods as people mean them: whole days in the Netherlands, first and last included."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry.services.wording import invalid

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
_EARLIEST, _LATEST = date(1970, 1, 2), date(9000, 1, 1)


@dataclass(frozen=True)
class Period:
    """Days in Europe/Amsterdam, and the moments in UTC at which they begin and end."""

    since: date
    until: date

    @property
    def start(self) -> datetime:
        """The first moment."""
        return _midnight(self.since)

    @property
    def stop(self) -> datetime:
        """The first moment after it."""
        return _midnight(self.until + timedelta(days=1))


def period_of(since: date, until: date, at: datetime) -> Period:
    """The period, or `InvalidInput` where it ends before it begins or has not begun yet."""
    if until < since:
        raise invalid(
            "until",
            "De laatste dag ligt voor de eerste.",
            "The last day comes before the first.",
        )
    period = Period(min(max(since, _EARLIEST), _LATEST), min(max(until, _EARLIEST), _LATEST))
    if period.start > at:
        raise invalid(
            "since",
            "Deze periode is nog niet begonnen.",
            "This period has not begun yet.",
            "Kies een eerste dag tot en met vandaag.",
            "Choose a first day up to today.",
        )
    return period


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM).astimezone(UTC)
