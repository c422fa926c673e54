"""A POST repeated with the same key has one effect and the same answer.

The answer is kept in the transaction of the act itself, so there is never an act without its
answer or an answer without its act. Two at once: the second one's commit fails on the key, its
act rolls back with it, and it is answered as a repetition. Keys are kept for a day.
"""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete

from registry.accounts.actors import Actor, Scope
from registry.accounts.tables import IdempotencyKey
from registry.db import reading, turn_awaited
from registry.dependencies import Guard, SessionDep, acting, now_of, runtime_of
from registry.errors import FieldProblem, InvalidInput, Text

KEPT_FOR = timedelta(hours=24)
ANYONE = "anyone"

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any text of your choice; a repetition with the same key and body gets the"
        " first answer again and does nothing. Kept for 24 hours.",
    ),
]


class Repeated(Exception):
    """Carries the answer that was given when this key was first used."""

    def __init__(self, kept: IdempotencyKey) -> None:
        self.response = Response(
            kept.body, kept.status, {**kept.headers, "idempotency-replayed": "true"}
        )


async def _digest(request: Request) -> str:
    parts = (request.method, request.url.path, request.url.query)
    head = "\n".join(parts).encode() + b"\n"
    return hashlib.sha256(head + await request.body()).hexdigest()


def once(scope: Scope) -> Guard:
    """Dependency of a POST route: the actor, or the answer that this key got before."""

    async def find(
        request: Request,
        actor: Annotated[Actor, Depends(acting(scope))],
        session: SessionDep,
        digest: Annotated[str, Depends(_digest)],
        key: KeyHeader = None,
    ) -> Actor:
        if key is not None:
            await run_in_threadpool(_recall, request, session, actor.id, key, digest)
        return actor

    return find


async def _once_for_anyone(
    request: Request,
    session: SessionDep,
    digest: Annotated[str, Depends(_digest)],
    key: KeyHeader = None,
) -> None:
    if key is not None:
        await turn_awaited(session)
        await run_in_threadpool(_recall, request, session, ANYONE, key, digest)


OnceForAnyone = Depends(_once_for_anyone)
"""The same for a POST route that needs no sign-in."""


def _recall(request: Request, session: Session, caller: str, key: str, digest: str) -> None:
    kept = session.get(IdempotencyKey, (caller, key))
    if kept is not None:
        raise _repeated(kept, digest)
    request.state.idempotency = (caller, key, digest, now_of(request))


def _repeated(kept: IdempotencyKey, digest: str) -> Exception:
    if kept.request_hash == digest:
        return Repeated(kept)
    return InvalidInput(
        "idempotency-key-reused",
        Text(
            "Deze Idempotency-Key hoort bij een ander verzoek.",
            "this Idempotency-Key belongs to another request",
        ),
        Text(
            "Gebruik voor een nieuw verzoek een nieuwe sleutel.", "use a new key for a new request"
        ),
        (FieldProblem("Idempotency-Key", Text("Al gebruikt.", "already used")),),
    )


class OnceRoute(APIRoute):
    """A route that keeps its answer beside its act when the caller sent an Idempotency-Key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, followed by keeping the answer in the same transaction."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            response = await handle(request)
            pending = getattr(request.state, "idempotency", None)
            if pending is None or response.status_code >= 400:
                return response
            try:
                await run_in_threadpool(_keep, request.state.session, response, *pending)
            except IntegrityError:
                raise await run_in_threadpool(_lost_race, request, *pending[:3]) from None
            return response

        return handle_once


def _keep(
    session: Session, response: Response, caller: str, key: str, digest: str, at: datetime
) -> None:
    kept = IdempotencyKey(
        caller=caller,
        key=key,
        request_hash=digest,
        status=response.status_code,
        headers={
            name: value
            for name, value in response.headers.items()
            if name in {"content-type", "location", "content-language", "retry-after"}
        },
        body=bytes(response.body),
        created_at=at,
    )
    session.add(kept)
    session.flush()


def _lost_race(request: Request, caller: str, key: str, digest: str) -> Exception:
    """The answer of the twin that committed first."""
    request.state.session.rollback()
    with reading(runtime_of(request).engine) as session:
        return _repeated(session.get_one(IdempotencyKey, (caller, key)), digest)


def forget_old_keys(session: Session, *, at: datetime) -> None:
    """Drop the answers older than a day."""
    session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < at - KEPT_FOR))
