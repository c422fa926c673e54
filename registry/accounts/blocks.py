"""Organisations that an archive, or the operator, deals with no more."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import Field, Session, SQLModel, col, select

from registry.db import UtcDateTime
from registry.errors import NotAllowed, Text

BLOCKED = "organisation-blocked"
"""Code of the reason."""


class Block(SQLModel, table=True):
    """Why an organisation gets nothing from an archive, until it is lifted."""

    __tablename__ = "block"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    archive_id: str | None = Field(default=None, index=True, foreign_key="organisation.id")
    """Whose data it is about; empty for the operator, who blocks for all archives."""
    reason: str
    """What the blocked organisation reads."""
    blocked_by: str | None = None
    blocked_at: datetime = Field(sa_type=UtcDateTime)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def standing_block(organisation: Any, archive: Any) -> Any:
    """The query of a block of the archive or the operator; ids, or columns that hold them."""
    own = or_(col(Block.archive_id) == archive, col(Block.archive_id).is_(None))
    query = select(Block.id).where(col(Block.organisation_id) == organisation, own)
    return query.where(col(Block.lifted_at).is_(None)).order_by(col(Block.id)).limit(1)


def find_block(session: Session, organisation: str, archive: str) -> Block | None:
    """What keeps the organisation from the archive's data now, if anything."""
    found = session.exec(standing_block(organisation, archive)).one_or_none()
    return None if found is None else session.get(Block, found)


def blocked(block: Block) -> NotAllowed:
    """The refusal, with the reason that was given."""
    return NotAllowed(
        BLOCKED,
        said_of(block),
        Text(
            "Neem contact op met wie uw organisatie blokkeerde.",
            "Contact whoever blocked your organisation.",
        ),
    )


def said_of(block: Block) -> Text:
    """Who blocked, and why, as one sentence."""
    nl, en = ("De beheerder", "The operator")
    if block.archive_id is not None:
        nl, en = ("Het archief", "The archive")
    return Text(
        f"{nl} heeft uw organisatie geblokkeerd: {block.reason}",
        f"{en} blocked your organisation: {block.reason}",
    )
