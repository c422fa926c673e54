"""Proofs about environments: given by who processes there, accepted for a time by who can look."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, StringConstraints
from sqlmodel import Session, col, select

from registry.access.tables import AccessRequest, DecisionRow
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.proofs import EnvironmentProof
from registry.accounts.tables import Environment
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.locking import locked
from registry.services.machines import find_environment
from registry.services.noting import note
from registry.services.wording import conflict, invalid, missing


class NewProof(Command):
    """A certificate, contract or audit report, where it can be seen, and until when it holds."""

    environment_id: str
    kind: Literal["certificate", "contract", "audit", "other"]
    reference: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)
    ]
    holds_until: AwareDatetime


class DecideProof(Command):
    """Whether it proves what was registered, and why not."""

    proof_id: str
    accept: bool
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


def give_proof(
    session: Session, actor: Actor, command: NewProof, *, at: datetime
) -> EnvironmentProof:
    """Hand in a proof; it counts once an archive or the operator has accepted it."""
    environment = find_environment(session, actor, command.environment_id)
    if command.holds_until <= at:
        raise invalid(
            "holds_until",
            "Dit bewijs is al verlopen.",
            "This proof has expired already.",
            "Geef een bewijs dat nog geldt.",
            "Give one that still holds.",
        )
    proof = EnvironmentProof(
        id=new_id("prf", at),
        environment_id=environment.id,
        kind=command.kind,
        reference=command.reference,
        holds_until=command.holds_until,
        given_by=actor.id,
        given_at=at,
    )
    session.add(proof)
    session.flush()
    _note(session, Act.ENVIRONMENT_PROOF_GIVEN, actor, proof, at)
    return proof


def decide_proof(
    session: Session, actor: Actor | None, command: DecideProof, *, at: datetime
) -> EnvironmentProof:
    """Accept or refuse a proof; the newest accepted one says until when the environment is proven.

    :param actor: an archive that was asked for data to be processed there, or the operator;
        ``None`` for the operator at the machine.
    """
    proof = session.get(EnvironmentProof, command.proof_id)
    if proof is None or not _may_look(session, actor, proof.environment_id):
        raise missing("bewijs", "proof", command.proof_id)
    proof = locked(session, proof)
    if proof.state != "given":
        raise conflict(
            "proof-decided",
            "Over dit bewijs is al besloten.",
            "This proof has been decided on already.",
        )
    proof.state = "accepted" if command.accept else "refused"
    proof.decided_by, proof.decided_at = actor.id if actor else None, at
    proof.reason = command.reason
    session.add(proof)
    if command.accept:
        environment = locked(session, session.get_one(Environment, proof.environment_id))
        environment.proven_until = proof.holds_until
        session.add(environment)
    _note(session, Act.ENVIRONMENT_PROOF_DECIDED, actor, proof, at)
    return proof


def _may_look(session: Session, actor: Actor | None, environment_id: str) -> bool:
    if actor is None or Scope.OPERATE in actor.scopes:
        return True
    return Scope.ARCHIVE_WRITE in actor.scopes and _asked(session, actor, environment_id)


def _asked(session: Session, actor: Actor, environment_id: str) -> bool:
    """Whether the archive was asked for data to be processed there."""
    asked = (
        select(DecisionRow.id)
        .join(AccessRequest, col(AccessRequest.id) == col(DecisionRow.request_id))
        .where(
            col(AccessRequest.environment_id) == environment_id,
            col(DecisionRow.archive_id) == actor.organisation_id,
        )
        .limit(1)
    )
    return session.exec(asked).first() is not None


def list_proofs(session: Session, actor: Actor, environment_id: str) -> list[EnvironmentProof]:
    """What was given about an environment, newest first; for its organisation and who decides."""
    if not _may_look(session, actor, environment_id):
        find_environment(session, actor, environment_id)
    own = select(EnvironmentProof).where(col(EnvironmentProof.environment_id) == environment_id)
    return list(session.exec(own.order_by(col(EnvironmentProof.id).desc())))


def waiting_proofs(session: Session, actor: Actor | None) -> list[EnvironmentProof]:
    """Proofs that nobody has decided on, oldest first: for the operator."""
    if actor is not None:
        require(actor, Scope.OPERATE)
    given = select(EnvironmentProof).where(col(EnvironmentProof.state) == "given")
    return list(session.exec(given.order_by(col(EnvironmentProof.id))))


def _note(
    session: Session, act: Act, actor: Actor | None, proof: EnvironmentProof, at: datetime
) -> None:
    note(
        session,
        act,
        at=at,
        actor=actor,
        archive=None,
        ids={"environment": proof.environment_id},
        facts={"kind": proof.kind, "state": proof.state, "until": moment(proof.holds_until)},
    )
