"""`vrijgave policy check` on bad policies: one line with the place, status 1, no trace."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.cli.policy import app
from tests.policies.test_bad_input import BAD


@pytest.mark.parametrize(
    ("name", "text", "place", "word"),
    [case[1:] for case in BAD],
    ids=[case[0] for case in BAD],
)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_bad_policy_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, place: str, word: str, language: str
) -> None:
    """The same finding as the library's, in the reader's language where we have a sentence."""
    (tmp_path / name).write_text(text)
    found = CliRunner().invoke(app, ["check", str(tmp_path / name), "--lang", language])
    assert found.exit_code == 1
    assert place in found.output
    assert word in found.output or language == "nl"
    assert "Traceback" not in found.output
