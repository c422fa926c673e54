"""Machines of an organisation: environments, OAuth clients, access tokens."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends
from pydantic import Field

from registry.accounts.access_tokens import IssuedToken
from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    ShownDep,
    acting,
    at_once,
    looking,
)
from registry.idempotency import once
from registry.services import machines
from registry.services.identifying import introduced

router = new_router("machines")


class EnvironmentShape(Row):
    """Where a recipient processes."""

    id: str
    name: str
    country: str
    operator: str
    operator_country: str = Field(description="Jurisdiction of the operator's ultimate parent.")
    secure: bool
    networks: list[str]
    certificates: list[str]
    proven_until: datetime | None = Field(
        description="Until when the newest accepted proof holds; then every range is refused."
    )
    stored_country: str | None = Field(description="Where the data is stored.")
    place: str | None = Field(description="The named place it is; counts while it is proven.")
    created_at: datetime
    closed_at: datetime | None


class ClientShape(Row):
    """A machine of the organisation (OAuth 2.0 client); `id` is its client_id."""

    id: str
    name: str
    scopes: list[str]
    environment_id: str | None
    issuer: str | None = Field(description="Whose access tokens it shows, where not ours.")
    issuer_client: str | None = Field(description="Its `client_id` there.")
    issuer_subject: str | None = Field(description="Its `sub` there.")
    created_at: datetime
    used_at: datetime | None = Field(description="When it last showed or got a token.")
    revoked_at: datetime | None


class NewClientShape(ClientShape):
    """A machine just registered, with its secret where it has one: shown this once."""

    client_secret: str | None


class TokenShape(Row):
    """An access token of a person's tool, without its secret."""

    id: str
    name: str
    scopes: list[str]
    environment_id: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = Field(description="When it was last shown, to within a minute.")
    revoked_at: datetime | None


class NewTokenShape(TokenShape):
    """A token just made, with its secret: shown this once."""

    access_token: str


@router.post(
    "/environments",
    status_code=201,
    responses=signed_in(),
    summary="Register where data will be processed",
)
def register_environment(
    command: machines.NewEnvironment,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.REQUESTS))],
) -> EnvironmentShape:
    """Agreements and reading tokens are bound to an environment."""
    done = machines.register_environment(session, actor, command, at=at)
    return EnvironmentShape.model_validate(done)


@router.get("/environments", responses=signed_in(), summary="The organisation's environments")
def list_environments(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.REQUESTS))],
) -> Page[EnvironmentShape]:
    """Newest first; closed ones too."""
    rows = machines.list_environments(session, actor)
    return page_of(rows, part, EnvironmentShape.model_validate)


@router.get("/environments/{environment_id}", responses=signed_in(404), summary="One environment")
async def find_environment(
    environment_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.REQUESTS))],
) -> EnvironmentShape:
    """An environment of the caller's own organisation."""
    found = await at_once(
        runtime, partial(machines.find_environment, session, actor, environment_id)
    )
    return EnvironmentShape.model_validate(found)


@router.delete(
    "/environments/{environment_id}", responses=signed_in(404), summary="Close an environment"
)
def close_environment(
    environment_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.REQUESTS))],
) -> EnvironmentShape:
    """Nothing is read from it any more."""
    done = machines.close_environment(session, actor, environment_id, at=at)
    return EnvironmentShape.model_validate(done)


# Asking an issuer for its keys must keep nobody from writing: so before the transaction begins.
def _introduced(
    command: machines.NewClient, _shown: ShownDep, runtime: RuntimeDep, at: NowDep
) -> IssuedToken | None:
    return introduced(runtime.access_tokens, command.issuer_token, at)


# The answers of the next two hold a secret, which is kept nowhere: so they take no idempotency key.
@router.post("/clients", status_code=201, responses=signed_in(404), summary="Register a machine")
def register_client(
    command: machines.NewClient,
    issued: Annotated[IssuedToken | None, Depends(_introduced)],
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ACCOUNT))],
) -> NewClientShape:
    """Its secret is shown once; with that, or with a key of its own (`jwks`), the machine gets
    tokens at `/oauth/token`, all bound to its environment. A machine of an issuer that is trusted
    here is registered by showing an access token of it, and then comes with such tokens.
    """
    client, secret = machines.register_client(session, actor, command, issued=issued, at=at)
    shown = ClientShape.model_validate(client).model_dump()
    return NewClientShape(**shown, client_secret=secret)


@router.post("/tokens", status_code=201, responses=signed_in(404), summary="Make an access token")
def issue_token(
    command: machines.IssueToken,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ACCOUNT))],
) -> NewTokenShape:
    """For a tool of the caller; shown once. To read extracts it names its environment."""
    token, secret = machines.issue_token(session, actor, command, at=at)
    shown = TokenShape.model_validate(token).model_dump()
    return NewTokenShape(**shown, access_token=secret)


@router.get("/clients", responses=signed_in(), summary="The organisation's machines")
def list_clients(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ACCOUNT))],
) -> Page[ClientShape]:
    """Newest first; revoked ones too."""
    return page_of(machines.list_clients(session, actor), part, ClientShape.model_validate)


@router.delete("/clients/{client_id}", responses=signed_in(404), summary="End a machine")
def revoke_client(
    client_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ACCOUNT))],
) -> ClientShape:
    """With all its tokens, from the next request on."""
    done = machines.revoke_client(session, actor, client_id, at=at)
    return ClientShape.model_validate(done)


@router.get("/tokens", responses=signed_in(), summary="My access tokens")
def list_tokens(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ACCOUNT))],
) -> Page[TokenShape]:
    """Newest first; ended ones too; never their secrets."""
    return page_of(machines.list_tokens(session, actor), part, TokenShape.model_validate)


@router.delete("/tokens/{token_id}", responses=signed_in(404), summary="End an access token")
def revoke_token(
    token_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ACCOUNT))],
) -> TokenShape:
    """From the next request on."""
    return TokenShape.model_validate(machines.revoke_token(session, actor, token_id, at=at))
