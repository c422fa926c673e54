"""From raw rows to laid-out rows, in the child: judge each row, write the good, list the refused.

Everything is one DuckDB statement per step, over Parquet: lookups are joined, identifiers hashed,
types cast. What a vocabulary says about a value was found out beforehand, once per different value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from connectors.duck.session import identifier, known_type, literal
from connectors.errors import error
from connectors.sources.staging import LINE, RAW, REASON, Raw

UNREADABLE = "unreadable-row"
"""The reason code of a row that could not even be split into columns."""

PLACE = "_place"
"""Column for the place of a row in the delivery: a join keeps no order."""

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_BLOCK = 64  # bytes of a SHA-256 block, as RFC 2104 needs it


def keyed_digest(text: str, key: bytes, params: dict[str, Any]) -> str:
    """SQL for HMAC-SHA256 of a text, in hex (RFC 2104): two plain hashes, which DuckDB has."""
    block = key.ljust(_BLOCK, b"\x00")
    if len(block) > _BLOCK:
        raise error("bad-plan", problem="a key for opaque ids has at most 64 bytes")
    params["outer_key"] = bytes(byte ^ 0x5C for byte in block)
    params["inner_key"] = bytes(byte ^ 0x36 for byte in block)
    return f"sha256($outer_key::BLOB || unhex(sha256($inner_key::BLOB || encode({text}))))"


def opaque_id(digest: str, params: dict[str, Any]) -> str:
    """SQL for the first 130 bits of a hex digest in base32 (RFC 4648), lower case.

    Two digits at a time from a table of pairs: ten times quicker than translating characters.
    """
    params["pairs"] = _PAIRS
    halves = [f"('0x' || substr({digest}, {start}, 15))::BIGINT" for start in (1, 16)]
    pieces = [f"(({half} >> {shift}) & 1023)" for half in halves for shift in range(50, -1, -10)]
    pieces.append(f"(('0x' || substr({digest}, 31, 3))::BIGINT >> 2)")
    return " || ".join(f"($pairs::VARCHAR[])[{piece} + 1]" for piece in pieces)


@dataclass(frozen=True)
class Column:
    """One laid column as SQL: its value, and when a row is refused, with the code."""

    name: str
    value: str
    refusals: tuple[tuple[str, str], ...] = ()


class Judge:
    """Builds the relation that judges every raw row.

    The relation has the raw columns under `r0`, `r1`, …, the place in the raw file as `_n`, the
    laid columns under `v0`, `v1`, … and a condition per way to be refused.
    """

    def __init__(self, raw: Raw, plans: Sequence[Mapping[str, Any]]) -> None:
        self.raw = raw
        self.params: dict[str, Any] = {}  # what the values need, beyond the raw file itself
        self._places = {name: place for place, (name, _) in enumerate(raw.columns)}
        self._joins: list[str] = []
        self.columns = [self._column(place, plan) for place, plan in enumerate(plans)]
        by_name = {column.name: f"v{place}" for place, column in enumerate(self.columns)}
        self.outer = {
            plan["name"]: _true_unless(plan["true_unless"], by_name)
            for plan in plans
            if plan["true_unless"] is not None
        } | {
            plan["name"]: opaque_id(by_name[plan["name"]], self.params)
            for plan in plans
            if plan["key"] is not None
        }

    @property
    def refusals(self) -> list[tuple[str, str]]:
        """Every condition under which a row is refused, with its code."""
        return [line for column in self.columns for line in column.refusals]

    @property
    def refused(self) -> str:
        """The condition under which a row is refused at all."""
        return " OR ".join(condition for condition, _ in self.refusals) or "false"

    def relation(self) -> str:
        """Raw rows, numbered, with every lookup joined."""
        return " ".join([self.numbered(), *self._joins])

    def numbered(self) -> str:
        """Raw rows, numbered, with nothing joined."""
        raw = ", ".join(
            f"{identifier(name)} AS r{place}" for place, (name, _) in enumerate(self.raw.columns)
        )
        line = f", {LINE}" if self.raw.lines == LINE else ""
        return (
            f"(SELECT file_row_number + 1 AS _n, {raw}{line} "  # noqa: S608 - names are quoted
            "FROM read_parquet([$raw], hive_partitioning = false, file_row_number = true)) AS raw"
        )

    def text(self, source: str) -> str:
        """A raw value as text without surrounding space; an empty cell is NULL."""
        return f"nullif(trim(CAST(r{self._place(source)} AS VARCHAR)), '')"

    def _place(self, source: str) -> int:
        if source not in self._places:
            raise error("no-such-column", column=source)
        return self._places[source]

    def _column(self, place: int, plan: Mapping[str, Any]) -> Column:
        name, kind = plan["name"], plan["sql_type"]
        if plan["source"] is None:
            fixed = "NULL" if plan["constant"] is None else literal(plan["constant"])
            return Column(name, f"CAST({fixed} AS {known_type(kind)})")
        if plan["key"] is not None:
            return self._keyed(plan)
        if plan["lookup"]:
            return self._looked_up(place, plan)
        raw = f"r{self._place(plan['source'])}"
        if kind is None:
            return Column(name, raw)
        text = self.text(plan["source"])
        value = f"TRY_CAST({text} AS {known_type(kind)})"
        return Column(
            name, value, ((f"{text} IS NOT NULL AND {value} IS NULL", plan["unreadable"]),)
        )

    def _keyed(self, plan: Mapping[str, Any]) -> Column:
        text = self.text(plan["source"])
        refusals = []
        if plan["missing"] is not None:
            refusals.append((f"{text} IS NULL", plan["missing"]))
        if plan["duplicate"] is not None:
            self._joins.append("LEFT JOIN duplicates ON duplicates.place = raw._n")
            refusals.append(("duplicates.place IS NOT NULL", plan["duplicate"]))
        return Column(
            plan["name"],
            keyed_digest(text, bytes.fromhex(plan["key"]), self.params),
            tuple(refusals),
        )

    def _looked_up(self, place: int, plan: Mapping[str, Any]) -> Column:
        text, table = self.text(plan["source"]), f"l{place}"
        self._joins.append(
            f"LEFT JOIN {identifier(lookup_table(plan['name']))} AS {table} ON {table}.raw = {text}"
        )
        empty = "NULL" if plan["empty"] is None else literal(plan["empty"])
        meaning = f"CASE WHEN {text} IS NULL THEN {empty} ELSE {table}.meaning END"
        unreadable = f"{text} IS NOT NULL AND {table}.meaning IS NULL"
        refusals = [(unreadable, plan["unreadable"])]
        if plan["missing"] is not None:
            nothing = f"({text} IS NULL OR {table}.meaning IS NOT NULL)"
            refusals.append((f"{nothing} AND nullif({meaning}, '') IS NULL", plan["missing"]))
        value = f"CAST(nullif({meaning}, '') AS {known_type(plan['sql_type'])})"
        return Column(plan["name"], value, tuple(refusals))


def lookup_table(column: str) -> str:
    """Name of the temporary table with the meanings for a laid column."""
    return f"meanings of {column}"


def load_lookups(
    connection: duckdb.DuckDBPyConnection, lookups: Mapping[str, Mapping[str, str | None]]
) -> None:
    """A table per looked-up column: delivered text and meaning; NULL where it is unreadable."""
    for column, meanings in lookups.items():
        connection.execute(
            f"CREATE TEMP TABLE {identifier(lookup_table(column))} AS SELECT "
            "unnest($raws::VARCHAR[]) AS raw, unnest($meanings::VARCHAR[]) AS meaning",
            {"raws": list(meanings), "meanings": list(meanings.values())},
        )


def find_duplicates(
    connection: duckdb.DuckDBPyConnection, judge: Judge, plans: Sequence[Mapping[str, Any]]
) -> None:
    """The places of rows whose identifier stood in an earlier row, as the table `duplicates`.

    Two passes, so that memory holds a hash per row at most: which hashes occur twice, then only
    those rows are compared by their text.
    """
    unique = next((plan for plan in plans if plan["duplicate"] is not None), None)
    if unique is None:
        return
    text = judge.text(unique["source"])
    relation = judge.numbered()
    connection.execute(
        "CREATE TEMP TABLE duplicates AS "  # noqa: S608 - made of quoted names only
        f"WITH twice AS (SELECT hash({text}) AS mark FROM {relation} WHERE {text} IS NOT NULL "
        "GROUP BY mark HAVING count(*) > 1), "
        f"suspects AS (SELECT _n, {text} AS id FROM {relation} "
        f"WHERE hash({text}) IN (SELECT mark FROM twice)) "
        "SELECT _n AS place FROM (SELECT _n, row_number() OVER (PARTITION BY id ORDER BY _n) AS k "
        "FROM suspects) WHERE k > 1",
        {"raw": judge.raw.path},
    )


def list_refused(connection: duckdb.DuckDBPyConnection, judge: Judge) -> None:
    """The refused rows with all their raw columns, as the table `refused`."""
    texts = ", ".join(f"CAST(r{n} AS VARCHAR) AS r{n}" for n in range(len(judge.raw.columns)))
    codes = ", ".join(
        f"CASE WHEN {condition} THEN {literal(code)} END" for condition, code in judge.refusals
    )
    line = f", {LINE} AS line" if judge.raw.lines == LINE else ""
    connection.execute(
        f"CREATE TEMP TABLE refused AS SELECT _n, {texts}, "  # noqa: S608 - made of quoted names
        f"list_filter([{codes}], lambda code: code IS NOT NULL) AS codes{line} "
        f"FROM {judge.relation()} WHERE {judge.refused}",
        {"raw": judge.raw.path},
    )


def write_refused(
    connection: duckdb.DuckDBPyConnection, judge: Judge, target: str
) -> dict[str, int]:
    """The refused and the unreadable rows as CSV, in order of line; answers rows per code."""
    raw = judge.raw
    names = [identifier(name) for name, _ in raw.columns]
    shown = ", ".join(f"r{n} AS {name}" for n, name in enumerate(names))
    rows = (
        f"SELECT {shown}, {_line(raw)} AS {LINE}, "  # noqa: S608 - made of quoted names only
        f"array_to_string(codes, '; ') AS {REASON}, NULL::VARCHAR AS {RAW} FROM refused"
    )
    params = {"target": target}
    if raw.unreadable:
        empty = ", ".join("NULL" for _ in names)
        rows = (
            f"SELECT * FROM ({rows}) UNION ALL "  # noqa: S608 - made of quoted names only
            f"SELECT {empty}, {LINE}, '{UNREADABLE}', {RAW} "
            "FROM read_parquet($gaps)"
        )
        params["gaps"] = raw.gaps
    connection.execute(
        f"COPY (SELECT * FROM ({rows}) ORDER BY {LINE}) "  # noqa: S608 - made of quoted names only
        "TO $target (FORMAT csv, HEADER)",
        params,
    )
    counted = connection.execute(
        "SELECT code, count(*) FROM (SELECT unnest(list_distinct(codes)) AS code FROM refused) "
        "GROUP BY code ORDER BY count(*) DESC, code"
    ).fetchall()
    unreadable = {UNREADABLE: raw.unreadable} if raw.unreadable else {}
    return {**dict(counted), **unreadable}


def _line(raw: Raw) -> str:
    """SQL for the line of a refused row, as `Raw.lines` tells."""
    if raw.lines == LINE:
        return "line"
    if raw.lines == "number":
        return "_n"
    before = (
        f"(SELECT count(*) FROM (SELECT {LINE} - 1 - row_number() "  # noqa: S608 - our own names
        f"OVER (ORDER BY {LINE}) AS whole "
        "FROM read_parquet($gaps)) WHERE whole < _n)"
    )
    return f"_n + 1 + {before}" if raw.unreadable else "_n + 1"


def accepted(judge: Judge) -> str:
    """SQL of the laid-out rows, each with its place in the delivery."""
    inner = ", ".join(f"{column.value} AS v{n}" for n, column in enumerate(judge.columns))
    outer = ", ".join(
        f"{judge.outer.get(column.name, f'v{n}')} AS {identifier(column.name)}"
        for n, column in enumerate(judge.columns)
    )
    return (
        f"SELECT {outer}, _n AS {identifier(PLACE)} "  # noqa: S608 - as above
        f"FROM (SELECT {inner}, _n FROM {judge.relation()} "
        f"WHERE NOT ({judge.refused}))"
    )


def _true_unless(allowed: Mapping[str, Sequence[str]], by_name: Mapping[str, str]) -> str:
    """True unless each column holds one of its values; NULL holds none."""
    held = (
        f"coalesce(CAST({by_name[name]} AS VARCHAR) IN "
        f"({', '.join(literal(value) for value in values)}), false)"
        for name, values in allowed.items()
    )
    return f"NOT ({' AND '.join(held)})"
