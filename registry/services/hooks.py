"""Where an organisation's own service listens: registered, shown its secret once, closed."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints
from sqlmodel import Session, col, select

from connectors import webhooks
from connectors.fetching import Networks, problem_of
from registry.access.withdrawal_tables import Webhook
from registry.accounts.actors import Actor, Scope, require
from registry.audit.acts import Act
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.noting import note
from registry.services.wording import invalid, missing


class NewWebhook(Command):
    """The address that notices are posted to."""

    address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


def register_webhook(
    session: Session, actor: Actor, command: NewWebhook, *, networks: Networks, at: datetime
) -> tuple[Webhook, str]:
    """Register an address; the secret to check signatures with is shown this once.

    :param networks: closed networks in which the address may be.
    """
    require(actor, Scope.REQUESTS)
    if problem_of(command.address, networks) is not None:
        raise invalid(
            "address",
            "Dit is geen https-adres op het open internet.",
            "This is no https address on the open internet.",
        )
    webhook = Webhook(
        id=new_id("hook", at),
        organisation_id=actor.organisation_id,
        address=command.address,
        secret=secrets.token_bytes(webhooks.SECRET_BYTES),
        created_at=at,
    )
    session.add(webhook)
    session.flush()
    _note(session, actor, Act.WEBHOOK_REGISTERED, webhook, at)
    return webhook, webhooks.secret_text(webhook.secret)


def own_webhook(session: Session, actor: Actor, webhook_id: str) -> Webhook:
    """A webhook of the actor's organisation."""
    require(actor, Scope.REQUESTS)
    webhook = session.get(Webhook, webhook_id)
    if webhook is None or webhook.organisation_id != actor.organisation_id:
        raise missing("webhook", "webhook", webhook_id)
    return webhook


def close_webhook(session: Session, actor: Actor, webhook_id: str, *, at: datetime) -> Webhook:
    """Post nothing to it any more; closing it twice is no error."""
    webhook = own_webhook(session, actor, webhook_id)
    if webhook.closed_at is None:
        end_webhook(session, actor, webhook, at=at)
    return webhook


def end_webhook(
    session: Session,
    actor: Actor | None,
    webhook: Webhook,
    *,
    at: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Close a webhook, with the entry of it."""
    webhook.closed_at = at
    session.add(webhook)
    _note(session, actor, Act.WEBHOOK_CLOSED, webhook, at, facts)


def list_webhooks(session: Session, actor: Actor) -> list[Webhook]:
    """The organisation's own, newest first."""
    require(actor, Scope.REQUESTS)
    own = select(Webhook).where(col(Webhook.organisation_id) == actor.organisation_id)
    return list(session.exec(own.order_by(col(Webhook.id).desc())))


def _note(
    session: Session,
    actor: Actor | None,
    act: Act,
    webhook: Webhook,
    at: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    ids = {"webhook": webhook.id, "organisation": webhook.organisation_id}
    note(session, act, at=at, actor=actor, archive=None, ids=ids, facts=facts)
