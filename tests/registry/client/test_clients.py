"""The lines we hand out, run in the real clients; and what each of them says of a refusal."""

import subprocess
from pathlib import Path

import pytest

from registry.client.errors import Refused
from registry.client.http import Service
from registry.client.pull import pull
from registry.client.snippets import snippets
from tests.registry.api.world import World
from tests.registry.client.conftest import Reader
from tests.support.clients import DATASETS, DELTA_SHARING, POLARS, python_with, run_python

PYTHON = {
    "Polars": POLARS,
    "Delta Sharing": DELTA_SHARING,
    "PyArrow": DATASETS,
    "Hugging Face datasets": DATASETS,
}
COUNTED = {
    "Delta Sharing": "print(len(frame))",
    "Polars": "print(frame.height)",
    "PyArrow": "print(table.num_rows)",
    "Hugging Face datasets": "print(data.num_rows)",
}
SAID = {
    "Delta Sharing": ("410 Client Error: Gone",),
    "Polars": ("HTTP Error 410: Gone",),
    "PyArrow": ("410", "Gone"),
    "Hugging Face datasets": ("Couldn't find any data file", "FileNotFoundError"),
}
"""What is left of our reason: most clients show the status and hide the body."""


def _lines(reader: Reader, client: str) -> str:
    made = snippets(reader.world.origin, reader.extract["id"], 1, reader.token)
    return next(one.text for one in made if one.client == client) + COUNTED[client]


@pytest.mark.parametrize("client", PYTHON)
def test_the_lines_read_the_extract(
    reader: Reader, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied as they stand, each client has every row."""
    monkeypatch.chdir(tmp_path)  # one of them writes a file
    python = python_with(*PYTHON[client])
    assert run_python(python, _lines(reader, client)).split()[-1] == str(reader.extract["rows"])


def test_datasets_streams(reader: Reader) -> None:
    """The first rows arrive without the rest."""
    lines = _lines(reader, "Hugging Face datasets").replace(
        'split="train"', 'split="train", streaming=True'
    )
    lines = lines.replace("print(data.num_rows)", "print(len(list(data.take(3))))")
    assert run_python(python_with(*DATASETS), lines).split()[-1] == "3"


def test_what_each_says_of_a_refusal(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the revocation nobody reads; ours says why in words, others as far as they can."""
    monkeypatch.chdir(tmp_path)
    world: World = reader.world
    environment = world.environment()
    agreement = world.agree("beeldarchief/journaals@1", environment)
    own = Reader(world, world.extract(agreement), world.token(environment))
    body = {"reason": "Op verzoek van de maker."}
    world.archive.post(f"/agreements/{agreement}/revocation", body)
    for client, packages in PYTHON.items():
        done = subprocess.run(
            [python_with(*packages), "-c", _lines(own, client)], capture_output=True, text=True
        )
        assert done.returncode != 0
        assert any(words in done.stderr for words in SAID[client]), done.stderr[-2000:]
    with (
        Service(world.origin, own.token) as service,
        pytest.raises(Refused, match="revoked by the archive"),
    ):
        pull(service, own.extract["id"], tmp_path, _Silent())


class _Silent:
    def waiting(self, percent: int) -> None:
        """Not asked about."""

    def part(self, name: str, there: int, of: int) -> None:
        """Not asked about."""
