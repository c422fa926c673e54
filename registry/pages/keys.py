"""Keys: tokens for a person's tools, and machines with a secret of their own."""

import json
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import MACHINE_SCOPES, Actor, Scope
from registry.dependencies import NowDep, ReadingDep, SessionDep, runtime_of
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.identifying import introduced
from registry.services.machines import (
    IssueToken,
    NewClient,
    issue_token,
    list_clients,
    list_environments,
    list_tokens,
    register_client,
    revoke_client,
    revoke_token,
)

router = APIRouter(include_in_schema=False)


@router.get("/keys")
def keys(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """What there is, never with its secret, and the forms for more."""
    return _page(person, NOTHING, request, session)


def _page(
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    may_ask = Scope.REQUESTS in person.scopes
    return render(
        request,
        "keys.html",
        tokens=list_tokens(session, person),
        clients=list_clients(session, person),
        environments=list_environments(session, person) if may_ask else [],
        issuers=runtime_of(request).settings.token_issuers,
        providers=runtime_of(request).settings.sign_in_providers,
        scopes=sorted(person.scopes & MACHINE_SCOPES[person.role]),
        values=posted,
        error=error,
    )


@router.post("/keys/tokens")
def make_token(
    request: Request, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """A token, shown this once: the page of the answer, since no other page may have it."""
    with shown_again(partial(_page, person, posted)):
        command = filled(
            IssueToken,
            name=posted.text("name"),
            scopes=posted.all("scopes"),
            environment_id=posted.text("environment_id") or None,
            days=posted.text("days") or 30,
        )
        token, secret = issue_token(session, person, command, at=at)
    return _shown_once(request, token.name, secret, "token")


@router.post("/keys/clients")
def make_client(
    request: Request, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """A machine, with its secret shown this once where it has one."""
    with shown_again(partial(_page, person, posted)):
        command = filled(
            NewClient,
            name=posted.text("name"),
            scopes=posted.all("scopes"),
            environment_id=posted.text("environment_id") or None,
            jwks=_jwks(posted.text("jwks")),
            issuer_token=posted.text("issuer_token") or None,
        )
        # Before the transaction does anything: asking an issuer must keep nobody from writing.
        issued = introduced(runtime_of(request).access_tokens, command.issuer_token, at)
        client, secret = register_client(session, person, command, issued=issued, at=at)
    if secret is None:
        return see("/keys", done="client-registered")
    return _shown_once(request, client.name, secret, "client", client.id)


def _jwks(text: str) -> dict[str, Any] | None:
    """What was pasted as a JWK set, if anything; the service says what is wrong with it."""
    if not text:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown_once(
    request: Request, name: str, secret: str, kind: str, client_id: str = ""
) -> Response:
    page = render(request, "secret.html", name=name, secret=secret, kind=kind, client_id=client_id)
    page.headers["cache-control"] = "no-store"
    return page


@router.post("/keys/tokens/{token_id}/revoke")
def end_token(token_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """End a token."""
    revoke_token(session, person, token_id, at=at)
    return see("/keys", done="token-revoked")


@router.post("/keys/clients/{client_id}/revoke")
def end_client(client_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """End a machine."""
    revoke_client(session, person, client_id, at=at)
    return see("/keys", done="client-revoked")
