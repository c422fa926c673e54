"""A first look into a delivery, in the child: its columns, and some values of each."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from connectors.duck.session import identifier
from connectors.errors import error
from connectors.ports import Format
from connectors.sources.paths import read_path
from connectors.sources.records import json_array, json_lines
from connectors.sources.staging import (
    MOST_COLUMNS,
    OURS,
    csv_relation,
    parquet_columns,
    read_dialect,
)

_ROWS = 1000
_RECORDS = 200
_SAMPLES = 5
_LONGEST_SAMPLE = 200  # characters
_DEEPEST = 8

Sampled = dict[str, Any]


def sample(
    connection: duckdb.DuckDBPyConnection, path: Path, form: Format, records: str
) -> tuple[list[Sampled], int | None]:
    """Columns with name, type and samples; and the rows, where the file itself tells."""
    if form == "parquet":
        return _sample_parquet(connection, path)
    if form == "csv":
        dialect = read_dialect(path)
        names = [name for name in dialect.columns if name not in OURS]
        columns = [(name, "VARCHAR") for name in names]
        return _sample_rows(connection, csv_relation(dialect), columns, path), None
    found = json_lines(path) if form == "jsonl" else json_array(path, records)
    return _sample_records([one.value for one in islice(found, _RECORDS) if one.value]), None


def _sample_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[list[Sampled], int]:
    columns = parquet_columns(connection, path)
    relation = "read_parquet([$path], hive_partitioning = false)"
    counted = connection.execute(
        f"SELECT count(*) FROM {relation}",  # noqa: S608 - a constant
        {"path": str(path)},
    ).fetchone()
    if counted is None or counted[0] == 0:
        raise error("empty-file")
    return _sample_rows(connection, relation, columns, path), counted[0]


def _sample_rows(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: list[tuple[str, str]],
    path: Path,
) -> list[Sampled]:
    names = ", ".join(f"CAST({identifier(name)} AS VARCHAR)" for name, _ in columns)
    rows = connection.execute(
        f"SELECT {names} FROM {relation} LIMIT {_ROWS}",  # noqa: S608 - names are quoted
        {"path": str(path)},
    ).fetchall()
    return [
        {"name": name, "sql_type": kind, "samples": _first(row[place] for row in rows)}
        for place, (name, kind) in enumerate(columns)
    ]


def _sample_records(records: list[dict[str, Any]]) -> list[Sampled]:
    paths: dict[str, None] = {}
    for record in records:
        for path in _paths(record, ""):
            paths.setdefault(path)
    for path in [one for one in paths if f"{one}[]" in paths]:
        del paths[path]  # a list in some records, a single value in others
    if not paths:
        raise error("empty-file")
    if len(paths) > MOST_COLUMNS:
        raise error("too-many-columns", columns=len(paths), limit=MOST_COLUMNS)
    found = []
    for path in paths:
        read = read_path(path)
        values = (value for record in records for value in read.values(record))
        kind = "VARCHAR[]" if read.many else "VARCHAR"
        found.append({"name": path, "sql_type": kind, "samples": _first(values)})
    return found


def _paths(value: dict[str, Any], start: str, depth: int = 1) -> Iterator[str]:
    """The paths to every text in an object; language-tagged ones are told apart."""
    for name, member in value.items():
        path = f"{start}.{_key(name)}" if start else _key(name)
        items = member if isinstance(member, list) else [member]
        objects = [item for item in items if isinstance(item, dict)]
        if not objects:
            yield f"{path}[]" if isinstance(member, list) else path
        elif all("@language" in item and "@value" in item for item in objects):
            for language in dict.fromkeys(str(item["@language"]) for item in objects):
                yield f"{path}[@language={_key(language)}].@value"
        elif depth < _DEEPEST:
            for item in objects:
                yield from _paths(item, path, depth + 1)


def _key(name: str) -> str:
    plain = name and not any(mark in name for mark in '."[]=\\') and not name[0].isspace()
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return name if plain else f'"{escaped}"'


def _first(values: Iterator[str | None]) -> list[str]:
    different: dict[str, None] = {}
    for value in values:
        if value and value.strip():
            different.setdefault(value[:_LONGEST_SAMPLE])
        if len(different) == _SAMPLES:
            break
    return list(different)
