"""The table of security requirements says nothing that nothing shows."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def test_rows_that_are_met_name_what_shows_it() -> None:
    """Each requirement stands once; a met one names a file that is there, others say why not."""
    rows = _ROW.findall((ROOT / "docs/security.md").read_text())
    numbers = [tuple(map(int, row[0].split("."))) for row in rows]
    assert len(numbers) > 20
    assert numbers == sorted(set(numbers))
    for number, _about, state, shown in rows:
        assert state in {"met", "not met"}, number
        assert (ROOT / shown).is_file() is (state == "met"), number
