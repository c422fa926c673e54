"""A few changed files, given to the real job process; `make faults` tries thousands."""

from pathlib import Path
from random import Random

from tests.faults import mutations, plain


def test_changed_files_harm_nobody(tmp_path: Path) -> None:
    """Each is refused or laid out as it stands; the job beside them gives its rows."""
    assert mutations.try_batch(tmp_path, 3, range(30)) == []


def test_a_row_that_is_not_in_the_file_is_told(tmp_path: Path) -> None:
    """The same check fails where what was laid out came from another file."""
    path = tmp_path / "file.csv"
    mutations.write(path, "csv", Random(1))
    laid = mutations.lay_out(path, "csv", tmp_path)
    assert plain.strange(path, "csv", laid) is None
    path.write_text(path.read_text().replace("Nederland", "Belgie"))
    assert "do not stand in it" in str(plain.strange(path, "csv", laid))
