"""Signing in through an OpenID provider, and what it told."""

from datetime import datetime
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from registry.accounts.actors import Actor
from registry.db import transaction
from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.pages.rendering import render, see
from registry.pages.visiting import (
    PersonDep,
    forget_attempt,
    is_own_page,
    keep_attempt,
    kept_attempt,
    start_session,
)
from registry.runtime import Runtime
from registry.services.signing_in import begin, finish, identities_of, take

router = APIRouter(include_in_schema=False)
_MOST = 4000
"""Characters of an answer; what is longer is none of ours."""


@router.get("/sign-in/connected")
def connected(
    request: Request, person: PersonDep, session: ReadingDep, runtime: RuntimeDep
) -> Response:
    """Which providers a person is connected to, what each told of them, and which there are."""
    return _page(request, person, session, runtime)


def _page(
    request: Request, person: Actor, session: Session, runtime: Runtime, go_on: str = ""
) -> Response:
    return render(
        request,
        "connected.html",
        identities=identities_of(session, person.id),
        providers=runtime.settings.sign_in_providers,
        go_on=go_on,
    )


@router.post("/sign-in/connected/{name}")
def connect(
    request: Request,
    name: str,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """Connect a provider to one's seat: the page shows where to go on, where one signs in anew."""
    address, secret = _begun(runtime, name, "/sign-in/connected", at, seat_id=person.id)
    page = _page(request, person, session, runtime, go_on=address)
    page.headers["cache-control"] = "no-store"
    keep_attempt(request, page, secret)
    return page


@router.get("/sign-in/with/{name}")
def go(request: Request, name: str, runtime: RuntimeDep, at: NowDep) -> Response:
    """Off to the provider. A link and no form: a form may not lead on to another site."""
    wanted = request.query_params.get("next", "")
    return _off(request, _begun(runtime, name, wanted if is_own_page(wanted) else "/home", at))


@router.get("/sign-in/with/{name}/back")
def back(request: Request, name: str, runtime: RuntimeDep, at: NowDep) -> Response:
    """Back from the provider: start a session, or ask for a second factor."""
    provider = runtime.providers.find(name)
    answer = dict(parse_qsl(request.state.answer[:_MOST], max_num_fields=20))
    with transaction(runtime.engine) as session:
        attempt = take(session, name, kept_attempt(request), answer.get("state", ""), at=at)
    claims = provider.claims(answer, attempt, at)
    request.state.told = claims.told  # a page that refuses shows it: how else to set this up
    with transaction(runtime.engine) as session:
        secret = finish(session, runtime.settings, attempt, claims, at=at)
    if secret is None:
        begun = _begun(runtime, name, attempt.wanted, at, seat_id=attempt.seat_id, stepped_up=True)
        return _off(request, begun)
    response = see(attempt.wanted)
    forget_attempt(request, response)
    start_session(request, response, secret)
    return response


def _begun(
    runtime: Runtime,
    name: str,
    wanted: str,
    at: datetime,
    *,
    seat_id: str | None = None,
    stepped_up: bool = False,
) -> tuple[str, str]:
    """The provider's address for a new attempt, and the secret that the browser keeps."""
    provider = runtime.providers.find(name)
    provider.metadata(at)  # before anything is written: it may be down
    with transaction(runtime.engine) as session:
        attempt, secret = begin(
            session, name, wanted=wanted, seat_id=seat_id, stepped_up=stepped_up, at=at
        )
        return provider.address(attempt, at), secret


def _off(request: Request, begun: tuple[str, str]) -> Response:
    address, secret = begun
    response = RedirectResponse(address, 303)
    response.headers["cache-control"] = "no-store"
    keep_attempt(request, response, secret)
    return response
