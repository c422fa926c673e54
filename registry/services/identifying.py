"""How a machine proves who it is: a secret, keys of its own, or another issuer's tokens."""

import hmac
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from registry.accounts.access_tokens import AccessTokens, IssuedToken
from registry.accounts.credentials import hash_secret, new_secret
from registry.accounts.jwts import LEEWAY, BadJwt, check_times, import_keys, read_jwt, verify
from registry.accounts.spent import spend
from registry.accounts.tables import Client
from registry.errors import FieldProblem, InvalidInput
from registry.services.wording import conflict, invalid

MOST_KEYS = 5
LONGEST_ASSERTION = timedelta(hours=1)
_TYPES = frozenset({"", "jwt", "client-authentication+jwt"})


def introduced(tokens: AccessTokens, text: str | None, at: datetime) -> IssuedToken | None:
    """What the token says that a new machine is introduced with, if it is.

    That it is shown here is what proves that the machine is the caller's. One that is bound to a
    key proves so only to whoever has the key.
    """
    if text is None:
        return None
    try:
        found = tokens.check(text, at)
    except BadJwt as wrong:
        raise InvalidInput(
            "invalid-input", wrong.text, fields=(FieldProblem("issuer_token", wrong.text),)
        ) from None
    if found.jkt is None:
        return found
    raise invalid(
        "issuer_token",
        "Dit token is gebonden aan een sleutel.",
        "This token is bound to a key.",
        "Laat de machine eerst een ongebonden token halen.",
        "Have the machine get an unbound token first.",
    )


def identify(client: Client, jwks: dict[str, Any] | None, issued: IssuedToken | None) -> str | None:
    """Give a new client its one way to prove itself; a secret, where that is it."""
    if jwks is not None and issued is not None:
        raise invalid(
            "jwks",
            "Kies sleutels of een uitgever, niet beide.",
            "Choose keys or an issuer, not both.",
        )
    if jwks is not None:
        client.keys = _own_keys(jwks)
        return None
    if issued is not None:
        client.issuer, client.issuer_client = issued.issuer, issued.client
        client.issuer_subject = issued.subject
        return None
    secret = new_secret("client")
    client.secret_hash = hash_secret(secret)
    return secret


def _own_keys(jwks: dict[str, Any]) -> list[dict[str, Any]]:
    """The public keys of a JWK set, all of which must be of use and told apart by `kid`."""
    try:
        keys = import_keys(jwks)
    except BadJwt:
        keys = ()
    told = [dict(key.as_dict(private=False)) for key in keys]
    distinct = len({key.kid for key in keys}) == len(keys)
    if 0 < len(keys) <= MOST_KEYS and len(keys) == len(jwks["keys"]) and distinct:
        return told
    raise invalid(
        "jwks",
        "Dit is geen JWK-set van openbare sleutels die we aannemen.",
        "This is no JWK set of public keys that are taken.",
        f"Geef 1 tot {MOST_KEYS} openbare sleutels (RSA vanaf 2048 bits, P-256, P-384, Ed25519),"
        " elk met een eigen `kid`.",
        f"Give 1 to {MOST_KEYS} public keys (RSA of 2048 bits or more, P-256, P-384, Ed25519),"
        " each with a `kid` of its own.",
    )


def add_client(session: Session, client: Client) -> None:
    """Store a new client; one machine of an issuer is one client here."""
    try:
        with session.begin_nested():
            session.add(client)
    except IntegrityError:
        raise conflict(
            "client-known",
            "Deze machine van deze uitgever is al geregistreerd.",
            "This machine of this issuer is registered already.",
            "Trek de andere registratie eerst in.",
            "Revoke the other registration first.",
        ) from None


def check_secret(session: Session, client_id: str, secret: str) -> Client | None:
    """The live client of this id and secret (RFC 6749 section 2.3.1), compared in equal time."""
    client = session.get(Client, client_id)
    expected = client.secret_hash if client is not None else hash_secret("")
    same = hmac.compare_digest(expected, hash_secret(secret))
    return client if same and client is not None and client.revoked_at is None else None


def check_assertion(
    session: Session, text: str, audiences: Collection[str], *, at: datetime
) -> Client:
    """The live client that signed this assertion with a key of its own (RFC 7523 section 3).

    It is good once. It must be for us alone: one that names another server too could be that
    server's to show here.

    :raises BadJwt: why it is refused; whether there is such a client does not show.
    """
    token = read_jwt(text, _TYPES)
    client_id = token.name("sub")
    client = session.get(Client, client_id)
    keys = client.keys if client is not None and client.revoked_at is None else []
    verify(token, import_keys({"keys": keys}))
    assert client is not None, "a signature was checked without a key"  # noqa: S101 -- fail closed
    if token.name("iss") != client_id:
        raise BadJwt("issuer", "`iss` en `sub` verschillen.", "`iss` and `sub` differ.")
    until = check_times(token, at, LONGEST_ASSERTION)
    told = token.claims.get("aud")
    if (told if isinstance(told, list) else [told]) not in [[one] for one in audiences]:
        raise BadJwt("audience", "Het is niet voor deze dienst.", "It is not for this service.")
    spend(session, client.id, token.name("jti"), until=until + LEEWAY)
    return client
