"""Webhooks hear of notices: each of them of each notice, until it took it, and side by side.

What is done stands in rows, one for each notice at each webhook, so that one that took it stands
for no other. A webhook that is registered later hears what its organisation has not answered yet.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine, and_, or_
from sqlmodel import Session, col, delete, select

from connectors import webhooks
from registry.access.withdrawal_tables import Notice, NoticeCall, Webhook, Withdrawal
from registry.audit.values import moment
from registry.db import reading, transaction
from registry.digests import canonical
from registry.services.hooks import end_webhook
from registry.services.locking import locked
from registry.services.ports import Ports

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""After each failed try at a webhook, as the specification advises; then the mail alone counts."""
_GONE = 410
_HOOKS_AT_ONCE, _EACH = 8, 5
"""Webhooks that are called side by side, and notices that one of them gets in a round."""
_BEYOND = _HOOKS_AT_ONCE * _EACH * 100
"""Calls looked at in a round."""


def call_webhooks(engine: Engine, ports: Ports) -> None:
    """Post the notices whose next try has come to where their recipients listen.

    Each webhook has its own turn, so that one that is slow or has much to hear delays no other.
    """
    at, call = ports.clock(), NoticeCall
    due = (
        select(Notice.id, Webhook.id)
        .join(Webhook, col(Webhook.organisation_id) == col(Notice.organisation_id))
        .outerjoin(
            call,
            and_(col(call.notice_id) == col(Notice.id), col(call.webhook_id) == col(Webhook.id)),
        )
        .where(col(Webhook.closed_at).is_(None))
        .where(
            or_(
                and_(col(call.notice_id).is_(None), col(Notice.receipt) == ""),
                col(call.next_try_at) <= at,
            )
        )
        .order_by(col(Notice.id))
        .limit(_BEYOND)
    )
    waiting: dict[str, list[str]] = {}
    with reading(engine) as session:
        for notice_id, webhook_id in session.exec(due):
            waiting.setdefault(webhook_id, []).append(notice_id)
    if not waiting:
        return
    with ThreadPoolExecutor(_HOOKS_AT_ONCE) as pool:
        for turn in [pool.submit(_turn, engine, ports, *one) for one in waiting.items()]:
            turn.result()


def _turn(engine: Engine, ports: Ports, webhook_id: str, notices: Sequence[str]) -> None:
    """One webhook's round, which ends where it does not answer or is gone."""
    for notice_id in notices[:_EACH]:
        if _call(engine, ports, notice_id, webhook_id) in {None, _GONE}:
            return


def _call(engine: Engine, ports: Ports, notice_id: str, webhook_id: str) -> int | None:
    """The status that came back; `None` where no answer did."""
    with reading(engine) as session:
        notice = session.get_one(Notice, notice_id)
        webhook = session.get_one(Webhook, webhook_id)
        body = _payload(session, ports, notice)
    # Another try is the same message, a reminder is not: receivers drop what they heard before.
    message = f"{notice.id}_{notice.reminders}" if notice.reminders else notice.id
    status, problem = _post(webhook, message, body, ports)
    with transaction(engine) as session:
        notice = locked(session, session.get_one(Notice, notice_id))
        call = session.get(NoticeCall, (notice_id, webhook_id)) or NoticeCall(
            notice_id=notice_id, webhook_id=webhook_id
        )
        _tell(call, status, problem, ports)
        session.add(call)
        session.flush()
        if status == _GONE:
            webhook = session.get_one(Webhook, webhook_id)
            end_webhook(session, None, webhook, at=ports.clock(), facts={"reason": "gone"})
        if call.delivered_at is not None and not _waiting(session, notice):
            notice.delivered_at = call.delivered_at
            session.add(notice)
    return status


def _tell(call: NoticeCall, status: int | None, problem: str, ports: Ports) -> None:
    call.problem, call.tries, call.next_try_at = problem, call.tries + 1, None
    if not problem:
        call.delivered_at = ports.clock()
    elif status != _GONE and call.tries <= len(PAUSES):
        call.next_try_at = ports.clock() + PAUSES[call.tries - 1]


def _waiting(session: Session, notice: Notice) -> bool:
    """Whether an open webhook of the recipient's has not taken it."""
    taken = select(NoticeCall.webhook_id).where(
        col(NoticeCall.notice_id) == notice.id, col(NoticeCall.delivered_at).is_not(None)
    )
    others = select(Webhook.id).where(
        col(Webhook.organisation_id) == notice.organisation_id,
        col(Webhook.closed_at).is_(None),
        col(Webhook.id).not_in(taken),
    )
    return session.exec(others.limit(1)).first() is not None


def call_again(session: Session, notice: Notice) -> None:
    """Have every webhook of the recipient's called anew, as for a reminder."""
    session.exec(delete(NoticeCall).where(col(NoticeCall.notice_id) == notice.id))


def calls_of(session: Session, notices: Sequence[Notice]) -> dict[str, list[NoticeCall]]:
    """How far each of these notices is at the webhooks that were called, by the notice's id."""
    ids = [notice.id for notice in notices]
    found: dict[str, list[NoticeCall]] = {one: [] for one in ids}
    own = select(NoticeCall).where(col(NoticeCall.notice_id).in_(ids))
    for call in session.exec(own.order_by(col(NoticeCall.webhook_id))):
        found[call.notice_id].append(call)
    return found


def last_calls(session: Session, webhook: Webhook, most: int = 10) -> list[NoticeCall]:
    """What a webhook was last called with, newest notice first."""
    own = select(NoticeCall).where(col(NoticeCall.webhook_id) == webhook.id)
    return list(session.exec(own.order_by(col(NoticeCall.notice_id).desc()).limit(most)))


def try_webhook(webhook: Webhook, ports: Ports) -> str:
    """Post a message that says nothing, and why it was not taken; empty where it was."""
    at = ports.clock()
    body = canonical({"type": "webhook.test", "timestamp": moment(at), "data": {}})
    return _post(webhook, f"{webhook.id}_{int(at.timestamp())}", body, ports)[1]


def _post(webhook: Webhook, message: str, body: bytes, ports: Ports) -> tuple[int | None, str]:
    """The status that came back, if any, and why the message was not taken; empty where it was."""
    sent = webhooks.headers(webhook.secret, message, ports.clock(), body)
    return webhooks.post(webhook.address, body, sent, ports.settings.closed_networks)


def _payload(session: Session, ports: Ports, notice: Notice) -> bytes:
    withdrawal = session.get_one(Withdrawal, notice.withdrawal_id)
    address = f"{ports.settings.origin}/v1/notices/{notice.id}"
    return canonical(
        {
            "type": "withdrawal.notice",
            "timestamp": moment(notice.made_at),
            "data": {
                "notice": address,
                "manifest": f"{address}/manifest",
                "manifest_digest": notice.manifest_digest,
                "signature": notice.signature,
                "withdrawal": withdrawal.id,
                "extracts": notice.extracts,
                "items": notice.items,
                "due": moment(withdrawal.due_at),
                "reminder": notice.reminders,
            },
        }
    )
