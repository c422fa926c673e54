"""Agreements: reading, accepting and declining one, and the archive's revoking it."""

import json
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.terms import covers_newer
from registry.access.tables import AccessRequest, Agreement, DecisionRow
from registry.accounts.actors import Actor
from registry.accounts.tables import Environment, Organisation
from registry.dependencies import NowDep, ReadingDep, SessionDep, now_of
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.agreeing import (
    Revoke,
    accept,
    decline,
    find_agreement,
    list_agreements,
    revoke,
    standing,
)
from registry.services.asking import policy_of
from registry.services.catalogue import listing_of

router = APIRouter(include_in_schema=False)

PAGE = 25


@router.get("/agreements")
def agreements(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    at: NowDep,
    after: str | None = None,
) -> Response:
    """The agreements this organisation is a side of, newest first."""
    found = list_agreements(session, person, after=after, limit=PAGE + 1)
    following = f"/agreements?after={found[PAGE - 1].id}" if len(found) > PAGE else ""
    return render(
        request,
        "agreements.html",
        agreements=[_row(session, one, at) for one in found[:PAGE]],
        first="/agreements" if after else "",
        following=following,
    )


def _row(session: Session, agreement: Agreement, at: NowDep) -> dict[str, Any]:
    return {
        "agreement": agreement,
        "listing": listing_of(session, agreement.dataset_id, agreement.edition_id),
        "user": session.get_one(Organisation, agreement.organisation_id),
        "state": state_of(agreement, at),
    }


def state_of(agreement: Agreement, at: NowDep) -> str:
    """Its state as people see it: one whose time is over has lapsed."""
    ended = standing(agreement, at)
    return "lapsed" if ended is not None and agreement.state == "in_force" else agreement.state


@router.get("/agreements/{agreement_id}")
def agreement_page(
    request: Request, agreement_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """In plain words, and beside them the document that binds."""
    return _page(person, agreement_id, NOTHING, request, session)


def _page(
    person: Actor,
    agreement_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    agreement = find_agreement(session, person, agreement_id)
    decision = session.get_one(DecisionRow, agreement.decision_id)
    duties = {duty.action for rule in policy_of(agreement).rules for duty in rule.duties}
    return render(
        request,
        "agreement.html",
        **_row(session, agreement, now_of(request)),
        decision=decision,
        filed=session.get_one(AccessRequest, decision.request_id),
        environment=session.get_one(Environment, agreement.environment_id),
        duties=sorted(duties),
        newer=covers_newer(policy_of(agreement)),
        document=json.dumps(agreement.document, ensure_ascii=False, indent=2),
        own=agreement.organisation_id == person.organisation_id,
        values=posted,
        error=error,
    )


@router.post("/agreements/{agreement_id}/accept")
def accept_it(
    agreement_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Accept the document whose digest the page showed."""
    with shown_again(partial(_page, person, agreement_id, posted)):
        accept(session, person, agreement_id, posted.text("digest"), at=at)
    return see(f"/agreements/{agreement_id}", done="accepted")


@router.post("/agreements/{agreement_id}/decline")
def decline_it(agreement_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Leave the proposal."""
    decline(session, person, agreement_id, at=at)
    return see(f"/agreements/{agreement_id}", done="declined")


@router.post("/agreements/{agreement_id}/revoke")
def revoke_it(
    agreement_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """End it, with the reason that the other side reads."""
    with shown_again(partial(_page, person, agreement_id, posted)):
        command = filled(Revoke, agreement_id=agreement_id, reason=posted.text("reason"))
        revoke(session, person, command, at=at)
    return see(f"/agreements/{agreement_id}", done="revoked")
