"""What a plain reader finds in a delivery: PyArrow, and Python's own readers of CSV and JSON."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from catalog.ingest import item_id, layout
from connectors.ports import Format
from registry.demo import generator

Row = Mapping[str, str | None]

COLUMNS = layout(generator.mapping(), key=b"m" * 32)
"""How these deliveries are laid out."""

# Of a changed Parquet file also the plain reader may die or ask for all memory there is.
_PLAIN = """
import json, resource, sys
import pyarrow.parquet as pq
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
json.dump(pq.ParquetFile(sys.argv[1]).read(use_threads=False).to_pylist(), sys.stdout, default=str)
"""


def strange(path: Path, form: Format, edition: Path) -> str | None:
    """Whether a row was laid out that stands not so in the file."""
    try:
        plain = {_expected(row) for row in _PLAIN_READERS[form](path)}
    except (ValueError, subprocess.SubprocessError):
        return f"a {form} was laid out that a plain reader refuses"
    names = [name for name, _ in _SHOWN]
    laid = {tuple(_text(row[name]) for name in names) for row in pq.read_table(edition).to_pylist()}
    return f"a {form} gave rows that do not stand in it: {laid - plain}" if laid - plain else None


def _expected(row: Row) -> tuple[str | None, ...]:
    """What this row is laid out as, said by the catalogue's own reading of single values."""
    found: list[str | None] = []
    for _, column in _SHOWN:
        text = _text(row.get(column.source or ""))
        if column.key is not None:
            found.append(item_id(column.key, text or ""))
        elif column.recognise is not None:
            found.append((column.empty if text is None else column.recognise(text)) or None)
        else:
            found.append(text)
    return tuple(found)


def _text(value: object) -> str | None:
    text = str(value).lower() if isinstance(value, bool) else str(value or "")
    return text.strip() or None


def _plain_parquet(path: Path) -> list[Row]:
    read = [sys.executable, "-c", _PLAIN, str(path)]
    done = subprocess.run(read, capture_output=True, timeout=60, check=True)
    return list(json.loads(done.stdout))


def _plain_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _plain_json(path: Path) -> list[Row]:
    return _whole(json.loads(path.read_bytes(), parse_int=str, parse_float=str))


def _plain_lines(path: Path) -> list[Row]:
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            found.append(json.loads(line, parse_int=str, parse_float=str))
        except ValueError:
            continue
    return _whole(found)


def _whole(found: list[object]) -> list[Row]:
    return [one for one in found if isinstance(one, dict)]


_PLAIN_READERS: Mapping[Format, Callable[[Path], list[Row]]] = {
    "parquet": _plain_parquet,
    "csv": _plain_csv,
    "json": _plain_json,
    "jsonl": _plain_lines,
}
_SHOWN = [
    (one.name, one)
    for one in COLUMNS
    if one.source is not None and (one.key or one.recognise or one.sql_type is None)
]
"""The laid columns that are compared; numbers are left to the tests of types."""
