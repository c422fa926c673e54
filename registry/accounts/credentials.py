"""What callers show: sign-in links, browser sessions and access tokens.

A secret has 256 random bits, is seen once by its owner and kept here as its SHA-256; at full
entropy a slow hash would add nothing. Revocation is read on every use.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from registry.accounts.actors import Actor, Scope, machine, person
from registry.accounts.refusals import not_signed_in, refuse_organisation
from registry.accounts.tables import Client, Credential, Organisation, Seat
from registry.ids import new_id

Kind = Literal["link", "session", "token"]

LINK_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=8)
SESSION_IDLE = timedelta(minutes=30)
TOKEN_LIFETIME = timedelta(days=30)
CLIENT_TOKEN_LIFETIME = timedelta(hours=1)
_TOUCH = timedelta(minutes=1)
"""How often the last use of a session or token is written down."""


def hash_secret(secret: str) -> str:
    """How a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(kind: str) -> str:
    """A fresh secret that tells what it is: ``vg_token_…``."""
    return f"vg_{kind}_{secrets.token_urlsafe(32)}"


def issue(
    session: Session,
    kind: Kind,
    *,
    at: datetime,
    lifetime: timedelta,
    seat_id: str | None = None,
    client_id: str | None = None,
    name: str = "",
    scopes: Iterable[Scope] = (),
    environment_id: str | None = None,
    jkt: str | None = None,
) -> tuple[Credential, str]:
    """A new credential and its secret, which is not to be had again."""
    secret = new_secret(kind)
    credential = Credential(
        id=new_id(kind, at),
        kind=kind,
        hash=hash_secret(secret),
        seat_id=seat_id,
        client_id=client_id,
        name=name,
        scopes=sorted(scopes),
        environment_id=environment_id,
        jkt=jkt,
        created_at=at,
        expires_at=at + lifetime,
    )
    session.add(credential)
    session.flush()
    return credential, secret


def find(session: Session, secret: str, kind: Kind, at: datetime) -> Credential:
    """The live credential of this secret, or ``NotSignedIn`` with the reason."""
    query = select(Credential).where(
        col(Credential.hash) == hash_secret(secret), col(Credential.kind) == kind
    )
    if kind == "link":
        query = query.with_for_update()  # of two that use it at once, the second finds it used
    found = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise not_signed_in("unknown", "is hier niet bekend", "is not known here")
    return _live(found, at)


def _live(found: Credential, at: datetime) -> Credential:
    if found.revoked_at is not None:
        raise not_signed_in("revoked", "is ingetrokken", "was revoked")
    if found.expires_at <= at or _idle(found, at):
        raise not_signed_in("expired", "is verlopen", "has expired")
    if found.kind == "link" and found.used_at is not None:
        raise not_signed_in("used", "is al gebruikt", "was used already")
    return found


_WITH_OWNER = (
    select(Credential, Seat, Client, Organisation)
    .outerjoin(Seat, col(Seat.id) == col(Credential.seat_id))
    .outerjoin(Client, col(Client.id) == col(Credential.client_id))
    .outerjoin(
        Organisation,
        col(Organisation.id).in_([col(Seat.organisation_id), col(Client.organisation_id)]),
    )
    .where(col(Credential.hash) == bindparam("hash"))
    .execution_options(populate_existing=True)
)
"""A credential with whose it is, in one query: every request of a machine begins with it."""


def find_actor(session: Session, secret: str, kind: Kind, at: datetime) -> Actor:
    """Who shows this secret, or ``NotSignedIn``; its last use is noted now and then."""
    rows = session.exec(_WITH_OWNER, params={"hash": hash_secret(secret)}).one_or_none()
    credential = None if rows is None else rows[0]
    if credential is None or credential.kind != kind:
        raise not_signed_in("unknown", "is hier niet bekend", "is not known here")
    actor = _actor_of(session, _live(credential, at))
    if _use_is_due(credential, at):
        credential.used_at = at
        session.add(credential)
    return actor


def _actor_of(session: Session, credential: Credential) -> Actor:
    scopes = frozenset(Scope(scope) for scope in credential.scopes)
    bound = credential.environment_id
    if credential.client_id is not None:
        client, organisation = _client_of(session, credential.client_id)
        until = credential.expires_at
        actor = machine(client, organisation, scopes, bound, jkt=credential.jkt, until=until)
    else:
        actor = replace(_person_of(session, credential.seat_id), until=_end(credential))
        if credential.kind != "token":
            return actor
        actor = replace(actor, scopes=scopes & actor.scopes, environment_id=bound)
    return replace(actor, credential_id=credential.id)


def holder(
    session: Session, *, seat: str | None, client: str | None, credential: str | None, at: datetime
) -> Actor:
    """Who made something that outlives a request, or `NotSignedIn`: by the token it was made with,
    else by the person's seat.
    """
    if credential is not None:
        return _actor_of(session, _live(session.get_one(Credential, credential), at))
    if client is not None:
        raise not_signed_in("unknown", "is hier niet bekend", "is not known here")
    return _person_of(session, seat)


def _client_of(session: Session, client_id: str) -> tuple[Client, Organisation]:
    client = session.get_one(Client, client_id)
    if client.revoked_at is not None:
        raise not_signed_in("revoked", "hoort bij een ingetrokken client", "is of a revoked client")
    return client, _organisation(session, client.organisation_id)


def _person_of(session: Session, seat_id: str | None) -> Actor:
    seat = session.get_one(Seat, seat_id)
    if not seat.active:
        raise not_signed_in("seat-closed", "hoort bij een gesloten plaats", "is of a closed seat")
    return person(seat, _organisation(session, seat.organisation_id))


def _organisation(session: Session, organisation_id: str) -> Organisation:
    organisation = session.get_one(Organisation, organisation_id)
    refuse_organisation(organisation)
    return organisation


def _idle(credential: Credential, at: datetime) -> bool:
    last = credential.used_at or credential.created_at
    return credential.kind == "session" and at - last > SESSION_IDLE


def _use_is_due(credential: Credential, at: datetime) -> bool:
    """Whether its use now is to be written down; a link's is, by who uses it up."""
    if credential.kind == "link":
        return False
    begun = credential.created_at if credential.kind == "session" else None
    last = credential.used_at or begun
    return last is None or at - last > _TOUCH


def _end(credential: Credential) -> datetime:
    if credential.kind != "session":
        return credential.expires_at
    last = credential.used_at or credential.created_at
    return min(credential.expires_at, last + SESSION_IDLE)
