"""Answers as CSV, for spreadsheets: no value of them is taken for a formula."""

from registry.audit.populations import csv_line
from registry.services.usage import Usage

_USAGE = ("key", "name", "accesses", "ranges", "bytes", "first", "last")


def usage_csv(usage: Usage) -> bytes:
    """The lines of a usage view, under a header."""
    rows = [
        (
            one.key,
            one.name,
            one.accesses,
            one.ranges,
            one.bytes,
            one.first.isoformat(timespec="seconds"),
            one.last.isoformat(timespec="seconds"),
        )
        for one in usage.lines
    ]
    return b"".join(csv_line(row) for row in (_USAGE, *rows))
