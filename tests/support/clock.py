"""A clock that tests set."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning."""


class SetClock:
    """Stands still at :data:`START` until it is moved; a :data:`registry.clock.Clock`."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now

    def advance(self, **by: float) -> datetime:
        """Move on (``advance(minutes=5)``), and say what time it is then."""
        self.now += timedelta(**by)
        return self.now
