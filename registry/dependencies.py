"""What routes ask for: the runtime, a session, the actor, the language. Shared by api and pages."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from sqlmodel import Session

from registry.accounts.actors import Actor, Scope, require
from registry.accounts.credentials import find_actor
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


def _reading_session(request: Request) -> Iterator[Session]:
    refuse_when_halted(request)
    with reading(runtime_of(request).engine) as session:
        yield session


# Function scope: the transaction commits before the first byte of the answer leaves, and a commit
# that fails is an error answer. (A dependency of request scope ends after the response.)
SessionDep = Annotated[Session, Depends(_session, scope="function")]
"""One transaction: it commits when the route returns and rolls back when it raises."""
ReadingDep = Annotated[Session, Depends(_reading_session, scope="function")]
"""A session that only reads, and on SQLite takes no write lock."""


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


LONGEST_TOKEN = 8192

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
            },
        )
    ),
    auto_error=False,
)


def bearer_token(request: Request) -> str:
    """The access token in the Authorization header (RFC 6750 section 2.1), or `NotSignedIn`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and 0 < len(token.strip()) <= LONGEST_TOKEN:
        return token.strip()
    raise NotSignedIn(
        "token-missing",
        Text("Dit vraagt om een toegangstoken.", "this takes an access token"),
        Text(
            "Stuur de kop `Authorization: Bearer …`; een token maakt u op uw accountpagina.",
            "send the header `Authorization: Bearer …`; make a token on your account page",
        ),
    )


def _kind_of(secret: str) -> Literal["session", "token"]:
    return "session" if secret.startswith("vg_session_") else "token"


def _known(actor: Actor, scope: Scope | None) -> Actor:
    if scope is not None:
        require(actor, scope)
    return actor


def find_caller(request: Request, session: Session, scope: Scope | None) -> Actor:
    """Who sent this request with a token or a session's secret, with the scope it takes."""
    secret = bearer_token(request)
    return _known(find_actor(session, secret, _kind_of(secret), now_of(request)), scope)


def acting_in_session(request: Request, session: SessionDep) -> tuple[Actor, str]:
    """The person whose session this request shows, and the session's secret; for signing out."""
    secret = bearer_token(request)
    return find_actor(session, secret, "session", now_of(request)), secret


acting_in_session.scope = None  # type: ignore[attr-defined] # signing out takes no scope


Guard = Callable[..., Any]


def _names(scope: Scope | None) -> list[str]:
    return [] if scope is None else [scope.value]


def acting(scope: Scope | None) -> Guard:
    """Dependency of a route that changes something: the actor, in the request's transaction."""

    def find(
        request: Request,
        session: SessionDep,
        _: Annotated[str | None, Security(BEARER, scopes=_names(scope))],
        __: Annotated[None, Depends(_turn)],
    ) -> Actor:
        return find_caller(request, session, scope)

    return _guarding(find, scope)


def looking(scope: Scope | None) -> Guard:
    """Dependency of a route that only reads: the actor, found without a write lock."""

    def find(
        request: Request,
        session: ReadingDep,
        _: Annotated[str | None, Security(BEARER, scopes=_names(scope))],
    ) -> Actor:
        actor = find_caller(request, session, scope)
        if session.dirty:  # a session's last use is to be noted, which this transaction cannot
            session.rollback()
            with transaction(runtime_of(request).engine) as writing:
                find_caller(request, writing, scope)
        return actor

    return _guarding(find, scope)


def arriving(scope: Scope | None) -> Guard:
    """Dependency of a route with a long body: the actor, found in a transaction of its own."""

    def find(
        request: Request, _: Annotated[str | None, Security(BEARER, scopes=_names(scope))]
    ) -> Actor:
        with transaction(runtime_of(request).engine) as session:
            return find_caller(request, session, scope)

    return _guarding(find, scope)


def maybe_looking(
    request: Request, session: ReadingDep, _: Annotated[str | None, Security(BEARER)]
) -> Actor | None:
    """Dependency of a route for anyone: the actor where a credential was shown."""
    return find_caller_if_any(request, session)


def find_caller_if_any(request: Request, session: Session) -> Actor | None:
    """Who sent this request, where it shows a credential; a wrong one is `NotSignedIn`."""
    if "authorization" not in request.headers:
        return None
    return find_caller(request, session, None)


def _guarding(find: Guard, scope: Scope | None) -> Guard:
    find.scope = scope  # type: ignore[attr-defined] # read by the test that every route is guarded
    return find
