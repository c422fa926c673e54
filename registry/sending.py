"""Files that are made for one answer: written to scratch, sent in blocks, never left behind."""

import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

from sqlmodel import Session
from starlette.responses import StreamingResponse

from registry.db import reading
from registry.runtime import Runtime

_BLOCK = 1024 * 1024


def send_file(
    runtime: Runtime, write: Callable[[Session, BinaryIO], object], name: str, media_type: str
) -> StreamingResponse:
    """What `write` writes, as a file to keep under `name`, whole before the first byte leaves.

    The scratch file has no name, so that nothing of it can stay behind.
    """
    file: BinaryIO = tempfile.TemporaryFile(dir=runtime.ports.scratch)  # noqa: SIM115 -- closed when sent
    with reading(runtime.engine) as session:
        write(session, file)
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, no-store",
        "content-length": str(file.seek(0, 2)),
    }
    file.seek(0)
    return StreamingResponse(_blocks(file), headers=headers, media_type=media_type)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
