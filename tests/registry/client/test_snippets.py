"""The lines to copy and paste, run as they stand against the real clients."""

import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from registry.client.snippets import snippets
from tests.registry.client.conftest import Reader
from tests.support.clients import duckdb_python, run_python

DUCKDB = """
import glob, json, site, sys, duckdb
text, folder = sys.argv[1:]
connection = duckdb.connect(config={"extension_directory": folder})
local, = glob.glob(site.getsitepackages()[0] + "/duckdb_extension_httpfs/extensions/*/httpfs.*")
connection.execute(f"INSTALL '{local}'")  # so that INSTALL httpfs finds it without a network
rows = connection.execute(text).fetchall()
count = connection.execute("SELECT count(*) FROM duckdb_secrets()").fetchone()[0]
print(json.dumps([len(rows), count]))
"""


def _lines(reader: Reader, client: str, token: str | None = None) -> str:
    made = snippets(reader.world.origin, reader.extract["id"], 1, token or reader.token)
    return next(one.text for one in made if one.client == client)


def test_the_service_shows_the_same_lines(reader: Reader) -> None:
    """The extract's answer carries them, with a place for the token."""
    shown = reader.world.startup.get(f"/extracts/{reader.extract['id']}")["snippets"]
    made = snippets(reader.world.origin, reader.extract["id"], 1)
    assert [one["text"] for one in shown] == [one.text for one in made]
    assert all("YOUR-TOKEN" in one["text"] for one in shown)


def test_pandas(reader: Reader) -> None:
    """The lines give every cleared row, and nothing without the right token."""
    given: dict[str, pd.DataFrame] = {}
    exec(_lines(reader, "pandas"), given)  # noqa: S102 -- the lines we tell people to run
    assert len(given["frame"]) == reader.extract["rows"]
    assert given["frame"]["title"].str.startswith("Journaal").all()
    with pytest.raises(OSError, match="401"):
        exec(_lines(reader, "pandas", "vg_token_wrong"), {})  # noqa: S102 -- as above


def test_duckdb_reads_what_the_lines_say(reader: Reader, tmp_path: Path) -> None:
    """A DuckDB with its httpfs extension reads over HTTP by the bearer token."""
    told = run_python(duckdb_python(), DUCKDB, _lines(reader, "DuckDB"), str(tmp_path))
    assert json.loads(told) == [reader.extract["rows"], 1]


def test_a_query_is_one_access_however_many_ranges(reader: Reader, tmp_path: Path) -> None:
    """What DuckDB reads in several ranges its archive sees as one access, with all its bytes."""
    world = reader.world
    agreement = world.agree(world.publish(60_000, "lang"), world.things["environment_id"])
    large = Reader(world, world.extract(agreement), reader.token)
    run_python(duckdb_python(), DUCKDB, _lines(large, "DuckDB"), str(tmp_path))
    until = time.monotonic() + 30
    while (used := _used(large, agreement))["ranges"] < 2:
        assert time.monotonic() < until, used
        time.sleep(0.2)
    assert used["accesses"] == 1
    assert used["bytes"] > 0


def _used(reader: Reader, agreement: str) -> Any:
    """What the archive sees of the agreement's use."""
    days = {"since": "2020-01-01", "until": "2090-01-01"}
    lines = reader.world.archive.get("/usage", params=days)["lines"]
    return next(one for one in lines if one["key"] == agreement)


def test_the_command(reader: Reader) -> None:
    """The third is our own command, with the token where other programs cannot see it."""
    assert _lines(reader, "vrijgave").startswith("VRIJGAVE_TOKEN=vg_token_")
