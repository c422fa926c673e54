"""Auditors: who was asked to look at the log, for which archive, until when."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.accounts.mandates import Mandate
from registry.api.shapes import Row, new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.services import mandates
from registry.services.accounts import send_link

router = new_router("audit")


class MandateShape(Row):
    """What an auditor was asked to look at."""

    id: str
    organisation_id: str = Field(description="The auditor's organisation.")
    archive_id: str | None = Field(description="The archive that asked; absent for all archives.")
    created_at: datetime
    until: datetime
    ended_at: datetime | None


class NamedMandate(BaseModel):
    """A mandate with the name of the other side."""

    mandate: MandateShape
    name: str


def _named(mandate: Mandate, name: str) -> NamedMandate:
    return NamedMandate(mandate=MandateShape.model_validate(mandate), name=name)


@router.post(
    "/auditors", status_code=201, responses=signed_in(409), summary="Ask an auditor to look"
)
def invite(
    command: mandates.InviteAuditor,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ACCOUNT))],
) -> MandateShape:
    """An archive lets someone read its own stream, the operator all; only that, and for a time.

    The person gets a sign-in link by mail.
    """
    mandate, seat = mandates.invite_auditor(session, actor, command, at=at)
    send_link(session, seat.email, settings=runtime.settings, at=at)
    return MandateShape.model_validate(mandate)


@router.get("/auditors", responses=signed_in(), summary="Who was asked to look")
def list_invited(
    session: ReadingDep, actor: Annotated[Actor, Depends(looking(Scope.ACCOUNT))]
) -> list[NamedMandate]:
    """Newest first: whom this archive, or the operator, asked; ended ones too."""
    found = mandates.list_mandates(session, actor)
    return [_named(mandate, organisation.name) for mandate, organisation in found]


@router.delete(
    "/auditors/{mandate_id}", responses=signed_in(404), summary="End an auditor's time now"
)
def end(
    mandate_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ACCOUNT))],
) -> MandateShape:
    """From the next request on. Ending it twice is no error."""
    return MandateShape.model_validate(mandates.end_mandate(session, actor, mandate_id, at=at))


@router.get("/audit/mandates", responses=signed_in(), summary="What I was asked to look at")
def own(
    session: ReadingDep, actor: Annotated[Actor, Depends(looking(Scope.AUDIT))]
) -> list[NamedMandate]:
    """For auditors; what ended stays listed."""
    return [_named(one, name) for one, name in mandates.own_mandates(session, actor)]
