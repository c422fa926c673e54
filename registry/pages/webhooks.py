"""Webhooks of a user's organisation: registered, shown their secret once, tried and closed here."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.db import reading
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.calling import last_calls, try_webhook
from registry.services.hooks import (
    NewWebhook,
    close_webhook,
    list_webhooks,
    own_webhook,
    register_webhook,
)

router = APIRouter(include_in_schema=False)


@router.get("/webhooks")
def webhooks(
    request: Request, person: PersonDep, session: ReadingDep, failed: str = ""
) -> Response:
    """Where the organisation's own service listens, and what it was last told there."""
    return _page(person, NOTHING, request, session, failed=failed)


def _page(
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
    *,
    secret: str = "",
    failed: str = "",
) -> Response:
    found = [(one, last_calls(session, one)) for one in list_webhooks(session, person)]
    return render(
        request,
        "webhooks.html",
        webhooks=found,
        values=posted,
        error=error,
        secret=secret,
        failed=failed,
    )


@router.post("/webhooks")
def register(
    request: Request,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """A webhook with its secret, shown this once: no other page may have it."""
    with shown_again(partial(_page, person, posted)):
        command = filled(NewWebhook, address=posted.text("address"))
        networks = runtime.settings.closed_networks
        _, secret = register_webhook(session, person, command, networks=networks, at=at)
    page = _page(person, NOTHING, request, session, secret=secret)
    page.headers["cache-control"] = "no-store"
    return page


@router.post("/webhooks/{webhook_id}/try")
def try_it(webhook_id: str, person: PersonDep, runtime: RuntimeDep) -> Response:
    """Post a message that says nothing, and tell what came back."""
    with reading(runtime.engine) as session:
        webhook = own_webhook(session, person, webhook_id)
    problem = try_webhook(webhook, runtime.ports)
    if problem:
        return see("/webhooks", failed=problem)
    return see("/webhooks", done="webhook-tried")


@router.post("/webhooks/{webhook_id}/close")
def close(webhook_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Post nothing to it any more."""
    close_webhook(session, person, webhook_id, at=at)
    return see("/webhooks", done="webhook-closed")
