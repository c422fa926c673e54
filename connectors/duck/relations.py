"""The rows of a plan as SQL: its files, with what is laid over them in place."""

from collections.abc import Mapping
from typing import Any

from connectors.duck.session import identifier, known_type

SOURCES, OVERLAY = "vrijgave_sources", "vrijgave_overlay"
"""Names of parameters; those of the filter compiler never start so."""


def overlaid(orders: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The file that is laid over the sources, where there is one."""
    overlay = orders.get("overlay")
    return [] if overlay is None else [overlay["file"]]


def files_of(orders: Mapping[str, Any], prefix: str = "") -> dict[str, list[str]]:
    """The parameters that name the files to read."""
    found = {f"{prefix}{SOURCES}": [str(one["path"]) for one in orders["sources"]]}
    over = [str(one["path"]) for one in overlaid(orders)]
    return found | ({f"{prefix}{OVERLAY}": over} if over else {})


def relation(orders: Mapping[str, Any], prefix: str = "", *, numbered: bool = False) -> str:
    """The rows to choose from: the sources, with what is laid over them in place.

    :param numbered: with their place in the file, as `file_row_number`.
    """
    source = f"read_parquet(${prefix}{SOURCES}, hive_partitioning = false)"
    overlay = orders.get("overlay")
    number = ", source.file_row_number" if numbered else ""
    if overlay is None:
        return f"(SELECT source.*{number} FROM {source} AS source)" if numbered else source  # noqa: S608 - as below
    replaced = ", ".join(
        f"{text} AS {identifier(name)}" for name, text in overlay["columns"].items()
    )
    added = "".join(f", {text} AS {identifier(name)}" for name, text in overlay["added"].items())
    key = identifier(overlay["key"])
    return (
        f"(SELECT source.* REPLACE ({replaced}){added}{number} FROM {source} AS source "  # noqa: S608 - quoted
        f"LEFT JOIN read_parquet(${prefix}{OVERLAY}, hive_partitioning = false) AS overlay "
        f"ON overlay.{key} = source.{key})"
    )


def masked(column: Mapping[str, Any]) -> str:
    """The NULLs that a column shows where it is masked in every row."""
    return f"CAST(NULL AS {known_type(column['sql_type'])})"
