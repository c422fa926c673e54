"""Messages to people, each in their own language; without a mail server the operator reads them."""

from datetime import datetime

from sqlmodel import Session, col, select

from registry.accounts.tables import OutboxMail, Seat
from registry.errors import Text
from registry.ids import new_id


def mail(session: Session, organisation_id: str, subject: Text, text: Text, at: datetime) -> None:
    """A message to every seat of an organisation, each in its own language."""
    seats = select(Seat).where(col(Seat.organisation_id) == organisation_id, col(Seat.active))
    for seat in session.exec(seats).all():
        session.add(
            OutboxMail(
                id=new_id("mail", at),
                seat_id=seat.id,
                subject=subject.in_language(seat.language),
                body=text.in_language(seat.language),
                created_at=at,
                next_try_at=at,
            )
        )
