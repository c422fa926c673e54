"""Withdrawals: take items back from everyone, see who was told, and answer a notice."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from registry.access.withdrawal_tables import Notice, Webhook, Withdrawal
from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.looking import record_look_at_all, record_look_at_dataset
from registry.services import hooks, withdrawing
from registry.services.withdrawing import Acknowledge, Identifiers, ItemIds, Told, Withdraw

router = new_router("withdrawals")

Receipt = Literal["removed", "not_held", "removed_but_trained"]


class NewWithdrawal(BaseModel):
    """Which items, why, and how long recipients get to remove them."""

    identifiers: Identifiers = Field(default=(), description="By the archive's own identifiers.")
    items: ItemIds = Field(default=(), description="By opaque id.")
    rightsholder: str = Field(default="", max_length=400, description="All of one rightsholder.")
    reason: str = Field(min_length=1, max_length=2000, description="Recipients read it.")
    days: int = Field(default=14, ge=1, le=90)


class WithdrawalShape(Row):
    """One act that takes items back."""

    id: str
    dataset_id: str
    moment: int = Field(description="Of the dataset's ledger.")
    reason: str
    items: int
    at: datetime
    due_at: datetime
    stopped_at: datetime | None = Field(description="When every extract that holds one was found.")


class CallShape(Row):
    """How far a notice is at one webhook."""

    notice_id: str
    webhook_id: str
    tries: int
    next_try_at: datetime | None
    delivered_at: datetime | None
    problem: str = Field(description="Why the last try failed; empty where it did not.")


class ToldShape(Row):
    """What one recipient was told and answered."""

    id: str
    organisation_id: str
    organisation_name: str
    extracts: list[str]
    items: int
    manifest_digest: str
    mailed_at: datetime | None
    delivered_at: datetime | None = Field(description="When its last webhook had taken it.")
    calls: list[CallShape] = Field(description="At each of its webhooks that was called.")
    reminders: int
    escalated_at: datetime | None
    receipt: Literal["", "removed", "not_held", "removed_but_trained"]
    remark: str
    received_at: datetime | None


class WholeWithdrawal(WithdrawalShape):
    """A withdrawal with all who were told; times from event to stop, notice and receipt."""

    notices: list[ToldShape]


class NoticeShape(Row):
    """A notice to us: what to remove, and by when."""

    id: str
    withdrawal_id: str
    reason: str
    due_at: datetime
    extracts: list[str]
    items: int
    manifest_digest: str
    signature: str = Field(description="C2SP signed note over the manifest's digest.")
    receipt: Literal["", "removed", "not_held", "removed_but_trained"]
    remark: str
    received_at: datetime | None


class NewReceipt(BaseModel):
    """What was done. What it says of trained models is a declaration, enforced by nobody."""

    receipt: Receipt
    remark: str = Field(default="", max_length=2000, description="Which models, where trained.")


class WebhookShape(Row):
    """Where our own service listens."""

    id: str
    address: str
    created_at: datetime
    closed_at: datetime | None


class NewWebhookShape(WebhookShape):
    """A webhook with the secret to check its messages with, shown this once."""

    secret: str


class WebhookAddress(BaseModel):
    """An https address on the open internet."""

    address: str = Field(max_length=1000)


def _shape(row: Withdrawal) -> WithdrawalShape:
    return WithdrawalShape.model_validate(row)


def _told(told: Told) -> WholeWithdrawal:
    return WholeWithdrawal(
        **_shape(told.withdrawal).model_dump(),
        notices=[
            ToldShape(
                **notice.model_dump(include=set(ToldShape.model_fields)),
                calls=[CallShape.model_validate(call) for call in told.calls[notice.id]],
                organisation_name=organisation.name,
            )
            for notice, organisation in told.notices
        ],
    )


def _notice(row: tuple[Notice, Withdrawal]) -> NoticeShape:
    notice, withdrawal = row
    shown: dict[str, Any] = notice.model_dump(include=set(NoticeShape.model_fields))
    return NoticeShape(**shown, reason=withdrawal.reason, due_at=withdrawal.due_at)


def _webhook(row: Webhook) -> WebhookShape:
    return WebhookShape.model_validate(row)


@router.post(
    "/datasets/{dataset_id}/withdrawals",
    status_code=201,
    responses=signed_in(404),
    summary="Take items back from everyone",
)
def withdraw(
    dataset_id: str,
    given: NewWithdrawal,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> WithdrawalShape:
    """Blocked in every edition, extract, stream and token at once, and in editions to come."""
    command = Withdraw(dataset_id=dataset_id, **given.model_dump())
    return _shape(withdrawing.withdraw(session, actor, command, ports=runtime.ports, at=at))


@router.get("/withdrawals", responses=signed_in(), summary="Withdrawals (archive, auditor)")
def list_withdrawals(
    session: ReadingDep,
    runtime: RuntimeDep,
    part: SliceDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> Page[WithdrawalShape]:
    """Newest first: an archive's own, for an auditor those of the archives it may look at."""
    rows = withdrawing.list_withdrawals(
        session, actor, at=at, after=part.after, limit=part.limit + 1
    )
    record_look_at_all(runtime, actor, "withdrawals", at)
    return page_of(rows, part, _shape)


@router.get(
    "/withdrawals/{withdrawal_id}",
    responses=signed_in(404),
    summary="One withdrawal, with receipts",
)
def find_withdrawal(
    withdrawal_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> WholeWithdrawal:
    """Who has the items, when each was stopped, told and reminded, and what came back."""
    found = withdrawing.find_withdrawal(session, actor, withdrawal_id, at=at)
    dataset, ids = found.withdrawal.dataset_id, {"withdrawal": withdrawal_id}
    record_look_at_dataset(runtime, actor, "withdrawal", dataset, at, ids)
    return _told(found)


@router.get("/notices", responses=signed_in(), summary="What we are asked to remove")
def list_notices(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.REQUESTS))],
) -> Page[NoticeShape]:
    """Newest first."""
    rows = withdrawing.list_notices(session, actor, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, _notice, key=lambda row: str(row[0].id))


@router.get(
    "/notices/{notice_id}/manifest",
    response_model=dict[str, Any],
    responses=signed_in(404),
    summary="The removal manifest",
)
def manifest(
    notice_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> Response:
    """Canonical JSON (RFC 8785): ids of items, hashes of files; its digest is what was signed."""
    found = withdrawing.removal_manifest(session, actor, notice_id, runtime.ports.store, at=at)
    withdrawal = session.get_one(Withdrawal, session.get_one(Notice, notice_id).withdrawal_id)
    ids = {"notice": notice_id, "withdrawal": withdrawal.id}
    record_look_at_dataset(runtime, actor, "manifest", withdrawal.dataset_id, at, ids)
    headers = {"cache-control": "private, no-store"}
    return Response(found, media_type="application/json", headers=headers)


@router.post("/notices/{notice_id}/receipt", responses=signed_in(404), summary="Say what was done")
def acknowledge(
    notice_id: str,
    given: NewReceipt,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.REQUESTS))],
) -> NoticeShape:
    """A second receipt replaces the first; the log keeps both."""
    command = Acknowledge(notice_id=notice_id, **given.model_dump())
    notice = withdrawing.acknowledge(session, actor, command, at=at)
    return _notice((notice, session.get_one(Withdrawal, notice.withdrawal_id)))


@router.post("/webhooks", status_code=201, responses=signed_in(), summary="Register a webhook")
def register_webhook(
    given: WebhookAddress,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.REQUESTS))],
) -> NewWebhookShape:
    """Notices are posted there, signed as Standard Webhooks says; the secret is shown once."""
    command = hooks.NewWebhook(address=given.address)
    networks = runtime.settings.closed_networks
    made, secret = hooks.register_webhook(session, actor, command, networks=networks, at=at)
    return NewWebhookShape(**_webhook(made).model_dump(), secret=secret)


@router.get("/webhooks", responses=signed_in(), summary="Our webhooks")
def list_webhooks(
    session: ReadingDep, actor: Annotated[Actor, Depends(looking(Scope.REQUESTS))]
) -> list[WebhookShape]:
    """Newest first; closed ones too."""
    return [_webhook(one) for one in hooks.list_webhooks(session, actor)]


@router.delete("/webhooks/{webhook_id}", responses=signed_in(404), summary="Close a webhook")
def close_webhook(
    webhook_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.REQUESTS))],
) -> WebhookShape:
    """Nothing is posted to it any more; e-mail goes on."""
    return _webhook(hooks.close_webhook(session, actor, webhook_id, at=at))
