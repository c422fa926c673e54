"""A file that the service makes on request, kept whole or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from registry.client.errors import ClientError
from registry.client.http import Service


def take_file(service: Service, path: str, body: Any, out: Path) -> int:
    """Post to a path and keep what comes back as `out`; its size in bytes.

    :raises ClientError: the file exists already; nothing is asked then.
    """
    return keep(service.posted(path, body), out)


def keep(blocks: Iterable[bytes], out: Path) -> int:
    """Write a new file, whole and on disk or not there at all; its size in bytes."""
    if out.exists():
        raise ClientError(f"{out} exists already.", "Choose another name.")
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            size = sum(file.write(block) for block in blocks)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return size
