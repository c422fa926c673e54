"""A form that is sent twice (a double click, the back button) has one effect."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from registry.accounts.actors import Actor
from registry.accounts.tables import IdempotencyKey
from registry.errors import Conflict, Text
from registry.pages.forms import Posted


def form_token() -> str:
    """What tells one showing of a form from another; it stands in the form, hidden."""
    return secrets.token_urlsafe(16)


def once(
    session: Session, person: Actor, posted: Posted, at: datetime, act: Callable[[], Response]
) -> Response:
    """Do what the form asks, or lead to what it did when it was sent before.

    The same form with other content is another act. The row that remembers commits with the act.
    """
    key = _key(posted)
    kept = session.get(IdempotencyKey, (person.id, key))
    if kept is not None:
        return RedirectResponse(kept.headers["location"], 303)
    kept = IdempotencyKey(
        caller=person.id, key=key, request_hash="", status=303, body=b"", created_at=at
    )
    session.add(kept)
    try:
        # Before the act: where two arrive at once, the second waits here for the first.
        session.flush()
    except IntegrityError as twice:
        raise _sent_twice() from twice
    response = act()
    if "location" in response.headers:
        kept.headers = {"location": response.headers["location"]}
    else:
        session.delete(kept)  # a refusal: there is nothing to lead to
    return response


def _key(posted: Posted) -> str:
    said = "\0".join(f"{name}={value}" for name, value in posted.pairs())
    return "form:" + hashlib.sha256(said.encode()).hexdigest()


def _sent_twice() -> Conflict:
    return Conflict(
        "sent-twice",
        Text("Dit formulier is twee keer verstuurd.", "This form was sent twice."),
        Text(
            "Er is één keer gedaan wat u vroeg; u vindt het in uw overzicht.",
            "What you asked was done once; you find it in your overview.",
        ),
    )
