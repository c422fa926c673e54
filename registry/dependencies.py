"""What routes ask for: the runtime, a session, the actor, the language. Shared by api and pages."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeGuard, TypeVar

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from sqlmodel import Session

from registry.accounts.access_tokens import IssuedToken, find_machine
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.credentials import find_actor
from registry.accounts.dpop import Proof, check_proof
from registry.accounts.jwts import LONGEST, BadJwt
from registry.accounts.refusals import proof_refused, token_refused, unbound_refused
from registry.accounts.spent import spend
from registry.db import reading, transaction, turn_awaited
from registry.errors import NotSignedIn, Text
from registry.runtime import Runtime

LANGUAGES = ("nl", "en")


def runtime_of(request: Request) -> Runtime:
    """The runtime that the application was started with."""
    runtime: Runtime = request.app.state.runtime
    return runtime


# What only looks something up is asynchronous as a dependency: FastAPI would else hop to a thread
# and back for each of them.
async def _runtime(request: Request) -> Runtime:
    return runtime_of(request)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]


def now_of(request: Request) -> datetime:
    """The moment of this request: one for everything that is done in it."""
    at = getattr(request.state, "at", None)
    if at is None:
        at = request.state.at = runtime_of(request).clock()
    return at


async def _now(request: Request) -> datetime:
    return now_of(request)


NowDep = Annotated[datetime, Depends(_now)]


def after_commit(session: Session, step: Callable[[], Any]) -> None:
    """Do `step` once the request's transaction is committed, before the answer leaves."""
    session.info.setdefault("after_commit", []).append(step)


def refuse_when_halted(request: Request) -> None:
    """Serve nothing once the audit log was found not to match what was signed."""
    halted = request.app.state.background.halted
    if halted is not None:
        raise halted


def _session(request: Request) -> Iterator[Session]:
    refuse_when_halted(request)
    with transaction(runtime_of(request).engine) as session:
        request.state.session = session
        yield session
    for step in session.info.get("after_commit", ()):
        step()


# It takes no connection before it is used, so only its end can wait for a database, and none where
# the database is a file: a hop to a thread at each end would cost more than the read itself.
async def _reading_session(request: Request) -> AsyncIterator[Session]:
    refuse_when_halted(request)
    runtime = runtime_of(request)
    with reading(runtime.engine) as session:
        try:
            yield session
        finally:
            if runtime.changes.waits and session.in_transaction():
                await run_in_threadpool(session.close)


# Function scope: the transaction commits before the first byte of the answer leaves, and a commit
# that fails is an error answer. (A dependency of request scope ends after the response.)
SessionDep = Annotated[Session, Depends(_session, scope="function")]
"""One transaction: it commits when the route returns and rolls back when it raises."""
ReadingDep = Annotated[Session, Depends(_reading_session, scope="function")]
"""A session that only reads, and on SQLite takes no write lock."""


_Found = TypeVar("_Found")


async def at_once(runtime: Runtime, read: Callable[[], _Found]) -> _Found:
    """A short read that is asked for often: in the loop where the database is a file.

    A hop to a thread takes longer than such a read, and threads at it get in each other's way.
    """
    return await run_in_threadpool(read) if runtime.changes.waits else read()


# Many may wait to write. In a thread each would keep one from whoever writes now, who needs one for
# every step of its route.
async def _turn(session: SessionDep) -> None:
    await turn_awaited(session)


def language_of(request: Request) -> str:
    """`nl` or `en`: from `?lang=`, the `lang` cookie, then Accept-Language; else English."""
    for chosen in (request.query_params.get("lang"), request.cookies.get("lang")):
        if chosen in LANGUAGES:
            return chosen
    return accepted_language(request.headers.get("accept-language", ""))


async def _language(request: Request) -> str:
    return language_of(request)


LanguageDep = Annotated[str, Depends(_language)]


def accepted_language(header: str) -> str:
    """The best of our languages for an Accept-Language header (RFC 9110 section 12.5.4)."""
    wanted = {"nl": 0.0, "en": 0.0}
    for choice in header.split(",")[:20]:
        name, _, quality = choice.partition(";")
        primary = name.strip().lower().split("-")[0]
        if primary in wanted:
            wanted[primary] = max(wanted[primary], _quality(quality))
    return "nl" if wanted["nl"] > wanted["en"] else "en"


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


BEARER = OAuth2(
    scheme_name="oauth2",
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token",
            scopes={
                Scope.ARCHIVE_READ: "read an archive's own datasets and inbox",
                Scope.ARCHIVE_WRITE: "register, publish, decide and revoke for an archive",
                Scope.REQUESTS: "file requests and accept agreements",
                Scope.EXTRACTS: "order and read extracts",
                Scope.AUDIT: "read the audit log",
                Scope.OPERATE: "run the service",
                Scope.ACCOUNT: "manage one's own organisation",
                Scope.SEATS: "invite, change and remove seats of one's own organisation",
            },
        )
    ),
    auto_error=False,
)


@dataclass(frozen=True)
class Shown:
    """What a request shows of who sends it, as far as that can be told without the rows."""

    token: str
    issued: IssuedToken | None = None
    """What the token says, where another issuer's."""
    jkt: str | None = None
    """Thumbprint of the key that was proven with it (RFC 9449)."""


async def showing(request: Request) -> Shown:
    """The access token in the Authorization header, checked (RFC 6750, 9068, 9449).

    It is found before the request's transaction begins: asking an issuer for its keys must keep
    nobody from writing.

    :raises NotSignedIn: there is none, or it does not hold.
    :raises Unavailable: its issuer cannot be reached.
    """
    scheme, token = _authorization(request)
    issued = await _issued(request, scheme, token)
    if scheme == "bearer":
        return Shown(token, issued)
    try:
        proof = proof_of(request, token)
        await run_in_threadpool(_spend, request, Shown(token, issued, proof.jkt), proof)
    except BadJwt as wrong:
        raise proof_refused(wrong) from None
    return Shown(token, issued, proof.jkt)


ShownDep = Annotated[Shown, Depends(showing)]


def _authorization(request: Request) -> tuple[Literal["bearer", "dpop"], str]:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    scheme, token = kind.lower(), token.strip()
    if len(request.headers.getlist("authorization")) == 1 and 0 < len(token) <= LONGEST:
        if scheme == "bearer":
            return "bearer", token
        if scheme == "dpop":
            return "dpop", token
    raise NotSignedIn(
        "token-missing",
        Text("Dit vraagt om een toegangstoken.", "this takes an access token"),
        Text(
            "Stuur de kop `Authorization: Bearer …`; een token maakt u op uw accountpagina.",
            "send the header `Authorization: Bearer …`; make a token on your account page",
        ),
    )


async def _issued(request: Request, scheme: str, token: str) -> IssuedToken | None:
    """What another issuer's token says; `None` for one of ours, which says nothing."""
    if token.startswith("vg_"):
        return None
    tokens, at = runtime_of(request).access_tokens, now_of(request)
    try:
        return tokens.kept(token, at) or await run_in_threadpool(tokens.check, token, at)
    except BadJwt as wrong:
        raise token_refused(wrong, scheme) from None


def proof_of(request: Request, token: str | None) -> Proof:
    """What the request's one `DPoP` header proves, for this access token or for a new one.

    :raises BadJwt: nothing.
    """
    address = runtime_of(request).settings.origin + request.scope["path"]
    shown = request.headers.getlist("dpop")
    if len(shown) != 1:
        raise BadJwt("missing", "Stuur één `DPoP`-kop.", "Send one `DPoP` header.")
    method, at = request.method, now_of(request)
    return check_proof(shown[0], method=method, address=address, at=at, token=token)


def _spend(request: Request, shown: Shown, proof: Proof) -> None:
    """Let a proof count once, whatever becomes of the request; only of who may be here at all."""
    with transaction(runtime_of(request).engine) as session:
        _found(request, session, shown)
        spend(session, proof.jkt, proof.jti, until=proof.until)


def _found(request: Request, session: Session, shown: Shown) -> Actor:
    at = now_of(request)
    if shown.issued is not None:
        actor = find_machine(session, shown.issued, at)
    else:
        actor = find_actor(session, shown.token, _kind_of(shown.token), at)
    if actor.jkt != shown.jkt:
        raise unbound_refused(bound=actor.jkt is not None)
    return actor


def _kind_of(secret: str) -> Literal["session", "token"]:
    return "session" if secret.startswith("vg_session_") else "token"


def _known(actor: Actor, scope: Scope | None) -> Actor:
    if scope is not None:
        require(actor, scope)
    return actor


def find_caller(request: Request, session: Session, shown: Shown, scope: Scope | None) -> Actor:
    """Who sent this request with what it shows, with the scope it takes; looks at the rows."""
    return _known(_found(request, session, shown), scope)


def look_at_caller(request: Request, session: Session, shown: Shown, scope: Scope | None) -> Actor:
    """As :func:`find_caller`, in a session that only reads; asks the rows when any has changed."""
    runtime, at = runtime_of(request), now_of(request)
    mark, actor = runtime.callers.look(shown, at)
    if not _still(actor, at):
        actor = _found(request, session, shown)
        if session.dirty:  # a last use is to be noted, which this transaction cannot
            session.rollback()
            with transaction(runtime.engine) as writing:
                _found(request, writing, shown)
        runtime.callers.keep(shown, mark, at, actor)
    return _known(actor, scope)


def _still(actor: Actor | None, at: datetime) -> TypeGuard[Actor]:
    return actor is not None and actor.until is not None and at < actor.until


def acting_in_session(request: Request, shown: ShownDep, session: SessionDep) -> tuple[Actor, str]:
    """The person whose session this request shows, and the session's secret; for signing out."""
    return find_actor(session, shown.token, "session", now_of(request)), shown.token


acting_in_session.scope = None  # type: ignore[attr-defined] # signing out takes no scope


Guard = Callable[..., Any]


def _names(scope: Scope | None) -> list[str]:
    return [] if scope is None else [scope.value]


def acting(scope: Scope | None) -> Guard:
    """Dependency of a route that changes something: the actor, in the request's transaction."""

    def find(
        request: Request,
        shown: ShownDep,
        session: SessionDep,
        _: Annotated[str | None, Security(BEARER, scopes=_names(scope))],
        __: Annotated[None, Depends(_turn)],
    ) -> Actor:
        return find_caller(request, session, shown, scope)

    return _guarding(find, scope)


def looking(scope: Scope | None) -> Guard:
    """Dependency of a route that only reads: the actor, found without a write lock."""

    async def find(
        request: Request,
        session: ReadingDep,
        _: Annotated[str | None, Security(BEARER, scopes=_names(scope))],
    ) -> Actor:
        shown = await showing(request)
        runtime, at = runtime_of(request), now_of(request)
        actor = None if runtime.changes.waits else runtime.callers.look(shown, at)[1]
        if _still(actor, at):
            return _known(actor, scope)
        return await run_in_threadpool(look_at_caller, request, session, shown, scope)

    return _guarding(find, scope)


def arriving(scope: Scope | None) -> Guard:
    """Dependency of a route with a long body: the actor, found in a transaction of its own."""

    def find(
        request: Request,
        shown: ShownDep,
        _: Annotated[str | None, Security(BEARER, scopes=_names(scope))],
    ) -> Actor:
        with transaction(runtime_of(request).engine) as session:
            return find_caller(request, session, shown, scope)

    return _guarding(find, scope)


async def maybe_showing(request: Request) -> Shown | None:
    """What the request shows of who sends it, where it shows anything."""
    return await showing(request) if "authorization" in request.headers else None


MaybeShownDep = Annotated[Shown | None, Depends(maybe_showing)]


def maybe_looking(
    request: Request,
    shown: MaybeShownDep,
    session: ReadingDep,
    _: Annotated[str | None, Security(BEARER)],
) -> Actor | None:
    """Dependency of a route for anyone: the actor where a credential was shown."""
    return None if shown is None else look_at_caller(request, session, shown, None)


def _guarding(find: Guard, scope: Scope | None) -> Guard:
    find.scope = scope  # type: ignore[attr-defined] # read by the test that every route is guarded
    return find
