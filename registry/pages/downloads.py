"""Downloading a file of an extract in a browser: the same checks and records as for tools."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.responses import Response, StreamingResponse

from connectors.ports import OpenObject
from registry.access.tables import Part
from registry.accounts.actors import Actor
from registry.db import transaction
from registry.dependencies import RuntimeDep, refuse_when_halted
from registry.pages.rendering import secured
from registry.pages.visiting import PersonDep
from registry.runtime import Runtime
from registry.services.reading import Readable, check_part, close_range, open_range
from registry.services.refusal import Refused

router = APIRouter(include_in_schema=False)

_BLOCK = 1024 * 1024
_RECHECK = timedelta(seconds=1)


@dataclass(frozen=True)
class _Download:
    """One person reading one file from one address."""

    runtime: Runtime
    person: Actor
    extract_id: str
    number: int
    address: str

    def check(self, session: Session) -> Readable | Refused:
        """Whether they may, now."""
        return check_part(
            session,
            self.person,
            self.extract_id,
            self.number,
            address=self.address,
            origin=self.runtime.settings.origin,
            at=self.runtime.clock(),
        )

    def open(self) -> tuple[Part, OpenObject, int]:
        """Check, and write down that the bytes will leave; raises the error of a refusal."""
        with ExitStack() as unless_committed:
            with transaction(self.runtime.engine) as session:
                found = self.check(session)
                if isinstance(found, Readable):
                    at, part = self.runtime.clock(), found.part
                    file = self.runtime.ports.store.open(part.key)
                    unless_committed.callback(file.close)
                    range_id = open_range(session, self.person, found, 0, part.bytes, at=at)
            unless_committed.pop_all()
        # Raised only now: the entry of the refusal is committed.
        if isinstance(found, Refused):
            raise found.error
        return part, file, range_id

    def stream(self, file: OpenObject, range_id: int) -> Iterator[bytes]:
        """The file block by block; ended within a second of the agreement's end."""
        sent, looked = 0, self.runtime.clock()
        try:
            with file:
                while block := file.read(sent, _BLOCK):
                    now = self.runtime.clock()
                    if now - looked >= _RECHECK:
                        self.check_again()
                        looked = now
                    yield block
                    sent += len(block)
        finally:
            with transaction(self.runtime.engine) as session:
                close_range(session, range_id, sent)

    def check_again(self) -> None:
        """Break the stream off where its reader may not go on; a refusal is written down."""
        with transaction(self.runtime.engine) as session:
            found = self.check(session)
        if isinstance(found, Refused):
            raise found.error


@router.get("/extracts/{extract_id}/parts/{number}")
def download(
    request: Request,
    extract_id: str,
    number: Annotated[int, Path(ge=1, le=1_000_000)],
    person: PersonDep,
    runtime: RuntimeDep,
) -> Response:
    """The whole file; that it was opened is written down before its first byte leaves."""
    refuse_when_halted(request)
    address = request.client.host if request.client else ""
    wanted = _Download(runtime, person, extract_id, number, address)
    part, file, range_id = wanted.open()
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f'attachment; filename="{extract_id}-{number}.parquet"',
        "content-length": str(part.bytes),
        "etag": f'"{part.sha256}"',
    }
    kind = "application/vnd.apache.parquet"
    return secured(StreamingResponse(wanted.stream(file, range_id), 200, headers, kind))
