"""Signed links: addresses that read a part for a while, for clients that cannot send a header.

The signature is an HMAC-SHA256 under the service's own key over the link, its agreement,
environment and part; the row says how long it holds and whose it is, and is read at every request.
A link is shown once: neither the database nor any log of ours holds what would let it be used.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select

from registry.access.links import SignedLink
from registry.access.tables import Agreement, Extract
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.credentials import holder
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.errors import NotSignedIn, Text
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.agreeing import standing
from registry.services.extracts import find_extract
from registry.services.noting import note
from registry.services.reading import unbound
from registry.services.wording import missing

LONGEST = timedelta(hours=24)
"""A Delta Sharing client cannot ask for a fresh address while it reads."""
SKEW = timedelta(seconds=5)
"""How far the clocks of two processes of this service may differ."""


class NewLink(Command):
    """For how long; an hour where nothing is said."""

    extract_id: str
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 60


def issue_link(session: Session, actor: Actor, command: NewLink, *, at: datetime) -> SignedLink:
    """Make a link for the parts of an extract; it ends with its agreement and its maker's token."""
    require(actor, Scope.EXTRACTS)
    extract = find_extract(session, actor, command.extract_id)
    agreement = session.get_one(Agreement, extract.agreement_id)
    wrong = standing(agreement, at) or unbound(actor, agreement.environment_id)
    if wrong is not None:
        raise wrong
    link = SignedLink(
        id=new_id("lnk", at),
        extract_id=extract.id,
        agreement_id=agreement.id,
        environment_id=agreement.environment_id,
        seat_id=actor.id if actor.is_person else None,
        client_id=None if actor.is_person else actor.id,
        credential_id=actor.credential_id,
        created_at=at,
        expires_at=min(at + timedelta(minutes=command.minutes), agreement.valid_until),
    )
    session.add(link)
    session.flush()
    _note(session, Act.TOKEN_ISSUED, actor, agreement, link, at, until=moment(link.expires_at))
    return link


def sign_link(link: SignedLink, number: int, key: bytes) -> str:
    """What stands behind `link=` in the address of this part."""
    return f"{link.id}.{_signature(link, number, key)}"


def find_reader(
    session: Session, shown: str, extract_id: str, number: int, *, key: bytes, at: datetime
) -> Actor:
    """Whoever holds the link that was shown for this part, with no more than the link gives.

    :raises NotSignedIn: changed, expired, revoked or from the future, each by its name.
    """
    link_id, _, signature = shown.partition(".")
    link = session.get(SignedLink, link_id)
    if link is None or link.extract_id != extract_id:
        raise _changed()
    if not hmac.compare_digest(_signature(link, number, key).encode(), signature.encode()):
        raise _changed()
    _in_time(link, at)
    actor = holder(
        session, seat=link.seat_id, client=link.client_id, credential=link.credential_id, at=at
    )
    scopes = actor.scopes & {Scope.EXTRACTS}
    return replace(actor, scopes=scopes, environment_id=link.environment_id, by_link=True)


def list_links(session: Session, actor: Actor, extract_id: str) -> list[SignedLink]:
    """The links of an extract, newest first, ended ones too; never their signatures."""
    find_extract(session, actor, extract_id)
    own = select(SignedLink).where(col(SignedLink.extract_id) == extract_id)
    return list(session.exec(own.order_by(col(SignedLink.id).desc())))


def revoke_link(session: Session, actor: Actor, link_id: str, *, at: datetime) -> SignedLink:
    """End a link of the actor's organisation, from the next request on."""
    require(actor, Scope.EXTRACTS)
    link = session.get(SignedLink, link_id)
    extract = None if link is None else session.get_one(Extract, link.extract_id)
    if link is None or extract is None or extract.organisation_id != actor.organisation_id:
        raise missing("leesadres", "link", link_id)
    if link.revoked_at is None:
        link.revoked_at = at
        session.add(link)
        agreement = session.get_one(Agreement, link.agreement_id)
        _note(session, Act.TOKEN_REVOKED, actor, agreement, link, at)
    return link


def _signature(link: SignedLink, number: int, key: bytes) -> str:
    bound = (link.id, link.extract_id, link.agreement_id, link.environment_id, str(number))
    mac = hmac.digest(key, "\n".join(("vrijgave-link/1", *bound)).encode(), sha256)
    return urlsafe_b64encode(mac).decode().rstrip("=")


def _in_time(link: SignedLink, at: datetime) -> None:
    clock = at.strftime("%H:%M:%S")
    if link.revoked_at is not None:
        raise _refused("revoked", "is ingetrokken", "was revoked")
    if at >= link.expires_at:
        until = link.expires_at.strftime("%H:%M:%S")
        raise _refused(
            "expired",
            f"gold tot {until} UTC en het is hier nu {clock} UTC",
            f"held until {until} UTC, and here it is {clock} UTC now",
        )
    if at < link.created_at - SKEW:
        made = link.created_at.strftime("%H:%M:%S")
        raise _refused(
            "not-yet-valid",
            f"is van {made} UTC, maar hier is het pas {clock} UTC: een klok van de dienst loopt"
            " niet gelijk",
            f"was made at {made} UTC, but here it is only {clock} UTC: a clock of the service is"
            " off",
        )


def _changed() -> NotSignedIn:
    return _refused(
        "changed",
        "is niet zoals wij het gaven: er is een teken veranderd of weggevallen, of het hoort bij"
        " een ander bestand",
        "is not as we gave it: a character was changed or lost, or it belongs to another file",
    )


def _refused(code: str, nl: str, en: str) -> NotSignedIn:
    return NotSignedIn(
        f"link-{code}",
        Text(f"Dit leesadres {nl}.", f"This link {en}."),
        Text(
            "Maak een nieuw leesadres op de pagina van het extract.",
            "Make a new link on the extract's page.",
        ),
    )


def _note(
    session: Session,
    act: Act,
    actor: Actor,
    agreement: Agreement,
    link: SignedLink,
    at: datetime,
    **facts: object,
) -> None:
    ids = {
        "token": link.id,
        "extract": link.extract_id,
        "agreement": agreement.id,
        "environment": link.environment_id,
    }
    facts = {"kind": "link", **facts}
    note(session, act, at=at, actor=actor, archive=agreement.archive_id, ids=ids, facts=facts)
