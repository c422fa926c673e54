"""Access tokens of issuers that the operator trusts (RFC 9068), checked once and kept.

A token says which client of which issuer shows it. Who that is here, and what it may do, says the
client that was registered beforehand, and its row is read at every use: nothing is admitted by what
a token claims.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from registry.accounts.actors import Actor, Scope, machine
from registry.accounts.issuers import USABLE, Issuers
from registry.accounts.jwts import BadJwt, Jwt, check_times, read_jwt
from registry.accounts.refusals import not_signed_in, refuse_organisation
from registry.accounts.tables import Client, Organisation
from registry.recent import Recent

LONGEST_LIFE = timedelta(hours=24)
_TYPES = frozenset({"at+jwt"})
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_TOUCH = timedelta(minutes=1)


@dataclass(frozen=True)
class IssuedToken:
    """What a token that was checked says: whose it is there, and what it may be used for."""

    issuer: str
    client: str
    subject: str
    scopes: frozenset[Scope]
    jkt: str | None
    """Thumbprint of the key that it is bound to, if it is."""
    until: datetime


class AccessTokens:
    """Checks tokens, and keeps what was found until they end.

    What is kept is checked anew after an hour, so that a key which its issuer took back ends with
    it. :param audience: this service's own address, which a token must be for.
    """

    def __init__(self, issuers: Issuers, audience: str) -> None:
        self._issuers, self._audience = issuers, audience
        self._kept: Recent[bytes, tuple[datetime, IssuedToken]] = Recent(4096)

    def kept(self, text: str, at: datetime) -> IssuedToken | None:
        """What was found of this token before, while it holds; fast, and asks nobody."""
        checked, found = self._kept.get(_digest(text), (None, None))
        if checked is None or found is None or not checked <= at < checked + USABLE:
            return None
        return found if at < found.until else None

    def check(self, text: str, at: datetime) -> IssuedToken:
        """What a token says, once its signature and claims hold; may ask its issuer for keys.

        :raises BadJwt: why it is refused.
        :raises Unavailable: its issuer cannot be reached, so that we cannot tell.
        """
        token = read_jwt(text, _TYPES)
        keys = self._issuers.find(token.claims.get("iss"))
        keys.check(token, at)
        found = self._read(token, at)
        self._kept[_digest(text)] = (at, found)
        return found

    def _read(self, token: Jwt, at: datetime) -> IssuedToken:
        until = check_times(token, at, LONGEST_LIFE)
        told = token.claims.get("aud")
        if self._audience not in (told if isinstance(told, list) else [told]):
            raise BadJwt(
                "audience", "Dit token is voor een andere dienst.", "It is for another service."
            )
        token.name("jti")
        return IssuedToken(
            issuer=token.name("iss"),
            client=token.name("client_id"),
            subject=token.name("sub"),
            scopes=_scopes(token.claims.get("scope", "")),
            jkt=_bound_to(token.claims.get("cnf")),
            until=until,
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _scopes(told: object) -> frozenset[Scope]:
    """The scopes that we know (RFC 9068 section 2.2.3); none where it names none."""
    if not isinstance(told, str):
        raise BadJwt("claims", "De claim `scope` is geen tekst.", "`scope` is no text.")
    asked = set(told.split())
    return frozenset(scope for scope in Scope if scope.value in asked)


def _bound_to(told: object) -> str | None:
    """The key that a token is bound to; another way of binding it is one we cannot check."""
    if told is None:
        return None
    named: Mapping[str, Any] = told if isinstance(told, dict) else {}
    jkt = named.get("jkt")
    if len(named) == 1 and isinstance(jkt, str) and _THUMBPRINT.fullmatch(jkt):
        return jkt
    raise BadJwt(
        "binding",
        "Dit token is gebonden op een manier die we niet kunnen nagaan.",
        "It is bound in a way that cannot be checked here.",
    )


_REGISTERED = (
    select(Client, Organisation)
    .join(Organisation, col(Organisation.id) == col(Client.organisation_id))
    .where(
        col(Client.issuer) == bindparam("issuer"),
        col(Client.issuer_client) == bindparam("client"),
        col(Client.issuer_subject) == bindparam("subject"),
        col(Client.revoked_at).is_(None),
    )
    .execution_options(populate_existing=True)
)


def find_machine(session: Session, token: IssuedToken, at: datetime) -> Actor:
    """Who shows a token of another issuer, or `NotSignedIn`: the client registered for it here.

    Its last use is noted now and then.
    """
    names = {"issuer": token.issuer, "client": token.client, "subject": token.subject}
    found = session.exec(_REGISTERED, params=names).one_or_none()
    if found is None:
        raise not_signed_in(
            "unregistered",
            "hoort bij geen machine die hier bekend is",
            "is of no machine known here",
        )
    client, organisation = found
    refuse_organisation(organisation)
    if client.used_at is None or at - client.used_at > _TOUCH:
        client.used_at = at
        session.add(client)
    return machine(
        client, organisation, token.scopes, client.environment_id, jkt=token.jkt, until=token.until
    )
