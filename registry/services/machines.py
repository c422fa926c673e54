"""Machines of an organisation: clients, access tokens, and the environments they process in."""

import ipaddress
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlmodel import Session, col, select

from registry.accounts.access_tokens import IssuedToken
from registry.accounts.actors import MACHINE_SCOPES, Actor, Scope, require
from registry.accounts.credentials import (
    CLIENT_TOKEN_LIFETIME,
    hash_secret,
    issue,
)
from registry.accounts.jwts import LONGEST
from registry.accounts.tables import Client, Credential, Environment
from registry.audit.acts import Act
from registry.audit.log import append
from registry.audit.values import moment
from registry.ids import new_id
from registry.services.accounts import Command, Country, Line
from registry.services.countries import known_country
from registry.services.identifying import add_client, identify
from registry.services.noting import note
from registry.services.wording import invalid, missing


class NewEnvironment(Command):
    """Where the organisation will process: country, operator, networks."""

    name: Line
    country: Country
    operator: Line
    operator_country: Country
    secure: bool = False
    networks: tuple[str, ...] = ()
    certificates: tuple[Line, ...] = ()
    stored_country: Country | None = None
    place: Line | None = None


class NewClient(Command):
    """A machine, whose tokens are all bound to one environment.

    It proves itself with a secret of ours, unless it brings keys of its own (`jwks`, RFC 7517) or
    an access token of an issuer that is trusted here (`issuer_token`).
    """

    name: Line
    scopes: tuple[Scope, ...]
    environment_id: str | None = None
    jwks: dict[str, Any] | None = None
    issuer_token: Annotated[str, Field(max_length=LONGEST)] | None = None


class IssueToken(Command):
    """A token for a tool of the person who asks."""

    name: Line
    scopes: tuple[Scope, ...]
    environment_id: str | None = None
    days: Annotated[int, Field(ge=1, le=365)] = 30


def register_environment(
    session: Session, actor: Actor, command: NewEnvironment, *, at: datetime
) -> Environment:
    """Register where data will be processed; agreements and reading tokens are bound to it."""
    require(actor, Scope.REQUESTS)
    known_country("country", command.country)
    known_country("operator_country", command.operator_country)
    if command.stored_country is not None:
        known_country("stored_country", command.stored_country)
    environment = Environment(
        id=new_id("env", at),
        organisation_id=actor.organisation_id,
        name=command.name,
        country=command.country,
        operator=command.operator,
        operator_country=command.operator_country,
        secure=command.secure,
        networks=[_network(i, text) for i, text in enumerate(command.networks)],
        certificates=list(command.certificates),
        stored_country=command.stored_country,
        place=command.place,
        created_at=at,
    )
    session.add(environment)
    session.flush()
    note(
        session,
        Act.ENVIRONMENT_REGISTERED,
        at=at,
        actor=actor,
        archive=None,
        ids={"environment": environment.id},
        facts={
            "country": environment.country,
            "operator_country": environment.operator_country,
            "secure": environment.secure,
        },
    )
    return environment


def _network(index: int, text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError as wrong:
        raise invalid(
            f"networks.{index}",
            f"`{text}` is geen netwerk.",
            f"`{text}` is no network.",
            "Schrijf het als 192.0.2.0/24 of 2001:db8::/32.",
            "Write it as 192.0.2.0/24 or 2001:db8::/32.",
        ) from wrong


def close_environment(
    session: Session, actor: Actor, environment_id: str, *, at: datetime
) -> Environment:
    """Close an environment: nothing is read from it any more."""
    environment = find_environment(session, actor, environment_id)
    if environment.closed_at is None:
        environment.closed_at = at
        session.add(environment)
        note(
            session,
            Act.ENVIRONMENT_CLOSED,
            at=at,
            actor=actor,
            archive=None,
            ids={"environment": environment.id},
            facts={},
        )
    return environment


def find_environment(session: Session, actor: Actor, environment_id: str) -> Environment:
    """An environment of the actor's own organisation."""
    require(actor, Scope.REQUESTS)
    found = session.get(Environment, environment_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise missing("omgeving", "environment", environment_id)
    return found


def list_environments(session: Session, actor: Actor) -> list[Environment]:
    """The organisation's environments, newest first; closed ones too."""
    require(actor, Scope.REQUESTS)
    own = select(Environment).where(col(Environment.organisation_id) == actor.organisation_id)
    return list(session.exec(own.order_by(col(Environment.id).desc())))


def _handed_on(actor: Actor, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The scopes asked for, where the actor may hand all of them to a machine."""
    allowed = actor.scopes & MACHINE_SCOPES[actor.role]
    if scopes and set(scopes) <= allowed:
        return scopes
    known = ", ".join(sorted(allowed))
    raise invalid(
        "scopes",
        f"Kies een of meer van: {known}.",
        f"Choose one or more of: {known}.",
    )


def register_client(
    session: Session,
    actor: Actor,
    command: NewClient,
    *,
    issued: IssuedToken | None = None,
    at: datetime,
) -> tuple[Client, str | None]:
    """Register a machine (OAuth 2.0 client); its secret, where it gets one, is seen once.

    :param issued: what its `issuer_token` says, once that was checked.
    """
    require(actor, Scope.ACCOUNT)
    if command.environment_id is not None:
        find_environment(session, actor, command.environment_id)
    client = Client(
        id=new_id("client", at),
        organisation_id=actor.organisation_id,
        name=command.name,
        scopes=sorted(_handed_on(actor, command.scopes)),
        environment_id=command.environment_id,
        created_at=at,
    )
    secret = identify(client, command.jwks, issued)
    add_client(session, client)
    note(
        session,
        Act.CLIENT_REGISTERED,
        at=at,
        actor=actor,
        archive=None,
        ids={"client": client.id} | _of(client.environment_id),
        facts={"scopes": list(client.scopes)},
    )
    return client, secret


def list_clients(session: Session, actor: Actor) -> list[Client]:
    """The organisation's machines, newest first."""
    require(actor, Scope.ACCOUNT)
    own = select(Client).where(col(Client.organisation_id) == actor.organisation_id)
    return list(session.exec(own.order_by(col(Client.id).desc())))


def revoke_client(session: Session, actor: Actor, client_id: str, *, at: datetime) -> Client:
    """End a machine with all its tokens, from the next request on."""
    require(actor, Scope.ACCOUNT)
    client = session.get(Client, client_id)
    if client is None or client.organisation_id != actor.organisation_id:
        raise missing("client", "client", client_id)
    if client.revoked_at is None:
        client.revoked_at = at
        session.add(client)
        note(
            session,
            Act.CLIENT_REVOKED,
            at=at,
            actor=actor,
            archive=None,
            ids={"client": client.id},
            facts={},
        )
    return client


def issue_client_token(
    session: Session,
    client: Client,
    scopes: tuple[Scope, ...],
    *,
    jkt: str | None = None,
    at: datetime,
) -> tuple[Credential, str]:
    """A token for a machine that proved itself (RFC 6749 section 4.4).

    :param jkt: thumbprint of the key that it is to be bound to.
    """
    credential, secret = issue(
        session,
        "token",
        at=at,
        lifetime=CLIENT_TOKEN_LIFETIME,
        client_id=client.id,
        name=client.name,
        scopes=scopes,
        environment_id=client.environment_id,
        jkt=jkt,
    )
    client.used_at = at
    session.add(client)
    _note_token(session, credential, client.id, client.organisation_id, at)
    return credential, secret


def issue_token(
    session: Session, actor: Actor, command: IssueToken, *, at: datetime
) -> tuple[Credential, str]:
    """A token for a tool; shown once, bound to an environment where it will read extracts."""
    require(actor, Scope.ACCOUNT)
    if command.environment_id is not None:
        find_environment(session, actor, command.environment_id)
    credential, secret = issue(
        session,
        "token",
        at=at,
        lifetime=timedelta(days=command.days),
        seat_id=actor.id,
        name=command.name,
        scopes=_handed_on(actor, command.scopes),
        environment_id=command.environment_id,
    )
    _note_token(session, credential, actor.id, actor.organisation_id, at)
    return credential, secret


def _note_token(
    session: Session, credential: Credential, actor: str, organisation: str, at: datetime
) -> None:
    append(
        session,
        Act.TOKEN_ISSUED,
        at=at,
        archive=None,
        actor=actor,
        organisation=organisation,
        ids={"token": credential.id} | _of(credential.environment_id),
        facts={
            "kind": "token",
            "scopes": list(credential.scopes),
            "until": moment(credential.expires_at),
        },
    )


def _of(environment_id: str | None) -> dict[str, str]:
    return {} if environment_id is None else {"environment": environment_id}


def list_tokens(session: Session, actor: Actor) -> list[Credential]:
    """The person's tokens, newest first, ended ones too; never their secrets."""
    require(actor, Scope.ACCOUNT)
    own = select(Credential).where(
        col(Credential.seat_id) == actor.id, col(Credential.kind) == "token"
    )
    return list(session.exec(own.order_by(col(Credential.id).desc())))


def revoke_token(session: Session, actor: Actor, token_id: str, *, at: datetime) -> Credential:
    """End one of the person's own tokens, from the next request on."""
    require(actor, Scope.ACCOUNT)
    found = session.get(Credential, token_id)
    if found is None or found.kind != "token" or found.seat_id != actor.id:
        raise missing("token", "token", token_id)
    return _end_token(session, found, actor.id, actor.organisation_id, at)


def revoke_own(session: Session, client: Client, secret: str, *, at: datetime) -> None:
    """A machine hands a token of its own back (RFC 7009); an unknown one is no error."""
    found = session.exec(
        select(Credential).where(col(Credential.hash) == hash_secret(secret))
    ).one_or_none()
    if found is not None and found.client_id == client.id:
        _end_token(session, found, client.id, client.organisation_id, at)


def _end_token(
    session: Session, token: Credential, actor: str, organisation: str, at: datetime
) -> Credential:
    if token.revoked_at is None:
        token.revoked_at = at
        session.add(token)
        append(
            session,
            Act.TOKEN_REVOKED,
            at=at,
            archive=None,
            actor=actor,
            organisation=organisation,
            ids={"token": token.id},
            facts={"kind": token.kind},
        )
    return token
