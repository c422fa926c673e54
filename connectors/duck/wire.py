"""What goes over the pipes between parent and child: one JSON object a line.

To the child: the job, as one line. From it: `{"progress": share}` now and then, and at the end
`{"result": …}` or `{"error": code, "facts": {…}}`. Bound values keep their type.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from connectors.errors import error
from connectors.ports import Bound, Overlay, SourceFile


def pack(value: Bound | Sequence[Bound]) -> Any:
    """A bound value as JSON: dates and moments are marked, sequences become lists."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return {"moment": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case list() | tuple() | set() | frozenset():
            return [pack(one) for one in value]
        case _:
            raise error("bad-plan", problem=f"a {type(value).__name__} cannot be bound")


def unpack(packed: Any) -> Any:
    """What `pack` was given; a sequence comes back as a list."""
    match packed:
        case {"moment": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case list():
            return [unpack(one) for one in packed]
        case _:
            return packed


def pack_all(params: Mapping[str, Bound | Sequence[Bound]]) -> dict[str, Any]:
    """All parameters of a statement."""
    return {name: pack(value) for name, value in params.items()}


def unpack_all(packed: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a statement, back again."""
    return {name: unpack(value) for name, value in packed.items()}


def file_orders(file: SourceFile) -> dict[str, Any]:
    """A file to read, as orders name it."""
    return {"path": str(file.path.absolute()), "sha256": file.sha256, "bytes": file.bytes}


def overlay_orders(overlay: Overlay | None) -> dict[str, Any] | None:
    """What is laid over the files, as orders name it."""
    if overlay is None:
        return None
    return {
        "file": file_orders(overlay.file),
        "key": overlay.key,
        "columns": dict(overlay.columns),
        "added": dict(overlay.added),
    }
