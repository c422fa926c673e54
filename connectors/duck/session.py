"""A locked DuckDB: exact input files, one directory to write in, nothing else; settings sealed.

Names and texts go into statements through `identifier` and `literal` only, types through
`known_type`, values as bound parameters.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors.errors import error

SPILL = "spill"
_AS_WRITTEN = ("join_order", "build_side_probe_side")
_BY_CONTENT = ("statistics_propagation",)


def open_session(
    inputs: Sequence[Path],
    directory: Path,
    *,
    threads: int,
    memory_mb: int,
    ordered: bool = False,
    withholding: bool = False,
) -> duckdb.DuckDBPyConnection:
    """A connection that reads `inputs`, writes inside `directory` and cannot be reconfigured.

    `ordered` keeps rows in the order of the source, and joins as they are written: from estimates
    of how many rows a filter leaves, the optimiser would hash the large side. `withholding` keeps
    what it knows of rows that a filter leaves out from what is written: else a column in which only
    they have NULLs becomes optional in the file's schema.
    """
    off = (*(_AS_WRITTEN if ordered else ()), *(_BY_CONTENT if withholding else ()))
    spill = directory / SPILL
    spill.mkdir(exist_ok=True)
    connection = duckdb.connect()
    paths = ", ".join(literal(str(path)) for path in inputs)
    for setting in (
        f"allowed_paths = [{paths}]",
        f"allowed_directories = [{literal(f'{directory}/')}]",
        f"temp_directory = {literal(str(spill))}",
        "max_temp_directory_size = '32GB'",
        "enable_external_access = false",
        "python_enable_replacements = false",
        "allow_community_extensions = false",
        "allow_persistent_secrets = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        f"threads = {threads}",
        f"memory_limit = '{memory_mb}MB'",
        f"preserve_insertion_order = {str(ordered).lower()}",
        f"disabled_optimizers = '{','.join(off)}'",
        "TimeZone = 'UTC'",
        # kept, so that progress can be asked for; printing it would go to standard output
        "enable_progress_bar = true",
        "enable_progress_bar_print = false",
        "progress_bar_time = 0",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def identifier(name: str) -> str:
    """A column or table name, quoted."""
    _refuse_nul(name)
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant, quoted; for the places where DuckDB takes no parameter."""
    _refuse_nul(text)
    return "'" + text.replace("'", "''") + "'"


def known_type(sql_type: str) -> str:
    """A type as DuckDB itself writes it back, so that no other text can pass for one."""
    try:
        return str(duckdb.sqltype(sql_type))
    except duckdb.Error:
        raise error("bad-plan", problem=f"unknown type `{sql_type[:100]}`") from None


def single_copy(connection: duckdb.DuckDBPyConnection, statement: str) -> str:
    """The statement itself, once DuckDB's own parser has said that it is one COPY and no more."""
    try:
        found = connection.extract_statements(statement)
    except duckdb.Error:
        raise error("bad-plan", problem="the filter cannot be parsed") from None
    if len(found) != 1 or found[0].type != duckdb.StatementType.COPY:
        raise error("bad-plan", problem="the filter is more than a filter")
    return statement


def _refuse_nul(text: str) -> None:
    if "\x00" in text:
        raise error("bad-plan", problem="a name or text holds a NUL character")
