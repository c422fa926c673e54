"""The blocklist: an organisation gets nothing from an archive any more, from the next request on.

Agreements stay as they are, and give nothing while the block stands.
"""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints
from sqlmodel import Session, col, or_, select

from registry.accounts.actors import Actor, Scope, require
from registry.accounts.blocks import Block, blocked, find_block, said_of
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.errors import Text
from registry.ids import new_id
from registry.services.accounts import Command, Line
from registry.services.mailing import mail
from registry.services.noting import note
from registry.services.wording import conflict, missing


class BlockOrganisation(Command):
    """Whom to block, by id or short name, and the reason that they will read."""

    organisation: Line
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


def block(
    session: Session, actor: Actor | None, command: BlockOrganisation, *, at: datetime
) -> Block:
    """Block a user of data: for the actor's archive, or by the operator for all.

    :param actor: ``None`` for the operator at the machine.
    """
    archive = _blocking(actor)
    named = or_(
        col(Organisation.id) == command.organisation, col(Organisation.slug) == command.organisation
    )
    found = session.exec(
        select(Organisation).where(named, col(Organisation.role) == "user")
    ).first()
    if found is None:
        raise missing("gebruiker van data", "user of data", command.organisation)
    if any(one.organisation_id == found.id for one, _ in list_blocks(session, actor)):
        raise conflict(
            "blocked-already",
            "Deze organisatie is al geblokkeerd.",
            "This organisation is blocked already.",
        )
    made = Block(
        id=new_id("blk", at),
        organisation_id=found.id,
        archive_id=archive,
        reason=command.reason,
        blocked_by=actor.id if actor else None,
        blocked_at=at,
    )
    session.add(made)
    session.flush()
    _note(session, actor, made, "blocked", at)
    mail(session, found.id, _SUBJECT, said_of(made), at)
    return made


_SUBJECT = Text("Uw organisatie is geblokkeerd", "Your organisation was blocked")


def lift(session: Session, actor: Actor | None, block_id: str, *, at: datetime) -> Block:
    """End a block of one's own; lifting it twice is no error."""
    archive = _blocking(actor)
    found = session.get(Block, block_id, with_for_update=True)
    if found is None or found.archive_id != archive:
        raise missing("blokkade", "block", block_id)
    if found.lifted_at is None:
        found.lifted_at = at
        session.add(found)
        _note(session, actor, found, "lifted", at)
    return found


def list_blocks(session: Session, actor: Actor | None) -> list[tuple[Block, Organisation]]:
    """The blocks of the actor's archive, or the operator's, that stand now; newest first."""
    own = select(Block, Organisation).where(
        col(Block.archive_id) == _blocking(actor),
        col(Block.lifted_at).is_(None),
        col(Organisation.id) == col(Block.organisation_id),
    )
    return list(session.exec(own.order_by(col(Block.id).desc())))


def require_unblocked(session: Session, organisation: str, archive: str) -> None:
    """Pass, or raise why the organisation gets nothing from the archive."""
    found = find_block(session, organisation, archive)
    if found is not None:
        raise blocked(found)


def _blocking(actor: Actor | None) -> str | None:
    """The archive that blocks; ``None`` for the operator."""
    if actor is None:
        return None
    if actor.role == "operator":
        require(actor, Scope.OPERATE)
        return None
    require(actor, Scope.ARCHIVE_WRITE)
    return actor.organisation_id


def _note(session: Session, actor: Actor | None, made: Block, state: str, at: datetime) -> None:
    note(
        session,
        Act.ORGANISATION_BLOCKED,
        at=at,
        actor=actor,
        archive=made.archive_id,
        ids={"organisation": made.organisation_id},
        facts={"state": state},
    )
