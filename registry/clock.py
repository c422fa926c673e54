"""Time is an argument: whoever needs "now" is handed a clock."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""


def system_clock() -> datetime:
    """The machine's clock; the only place in the product that reads it."""
    return datetime.now(UTC)
