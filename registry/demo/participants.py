"""Who takes part in the demonstration; made once, found again by a second run."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from registry.accounts.actors import MACHINE_SCOPES, person
from registry.accounts.tables import Environment, Organisation, Seat
from registry.services.accounts import SignUp, invite, link_for
from registry.services.machines import (
    IssueToken,
    NewEnvironment,
    issue_token,
    register_environment,
)

_LINKS_LIVE = timedelta(hours=24)

CAST = (
    SignUp(
        organisation_name="Polderarchief", slug="polderarchief", role="archive",
        user_class="heritage", country="NL", person_name="Annelies de Vries",
        email="annelies@polderarchief.example",
    ),
    SignUp(
        organisation_name="Omroep De Dijk", slug="omroep-de-dijk", role="archive",
        user_class="heritage", country="NL", person_name="Karim Bouzid",
        email="karim@omroepdedijk.example",
    ),
    SignUp(
        organisation_name="Taalmeester BV", slug="taalmeester", country="NL",
        person_name="Sanne Jansen", email="sanne@taalmeester.example",
    ),
    SignUp(
        organisation_name="Overseas Models Inc", slug="overseas-models", country="US",
        person_name="Riley Carter", email="riley@overseasmodels.example", language="en",
    ),
    SignUp(
        organisation_name="Toets & Partners", slug="toets-en-partners", role="auditor",
        user_class="government", country="NL", person_name="Pieter Smit",
        email="pieter@toetsenpartners.example",
    ),
    SignUp(
        organisation_name="Beheer Vrijgave", slug="beheer", role="operator",
        user_class="heritage", country="NL", person_name="Noor Bakker",
        email="noor@beheer.example",
    ),
)  # fmt: skip

ENVIRONMENTS = {
    "taalmeester": NewEnvironment(
        name="Rekencentrum Amsterdam", country="NL", operator="Rekenhuis BV", operator_country="NL"
    ),
    "overseas-models": NewEnvironment(
        name="us-east", country="US", operator="Big Cloud Inc", operator_country="US"
    ),
}


@dataclass(frozen=True)
class Participant:
    """One of the cast, with a fresh token and, for a user of data, the environment."""

    organisation: Organisation
    seat: Seat
    token: str
    environment_id: str | None


def assemble(session: Session, at: datetime) -> dict[str, Participant]:
    """The whole cast by the organisations' slugs; whoever is missing is invited first."""
    return {member.slug or "": _participant(session, member, at) for member in CAST}


def _participant(session: Session, member: SignUp, at: datetime) -> Participant:
    found = session.exec(
        select(Organisation).where(col(Organisation.slug) == member.slug)
    ).one_or_none()
    if found is None:
        found = invite(session, None, member, at=at).organisation
    seat = session.exec(select(Seat).where(col(Seat.organisation_id) == found.id)).first()
    if seat is None:
        raise LookupError(f"{found.slug} has no seat")
    actor = person(seat, found)
    environment_id = None
    if found.slug in ENVIRONMENTS:
        environment_id = _environment(session, found, seat, at)
    scopes = tuple(sorted(MACHINE_SCOPES[found.role]))
    wanted = IssueToken(name="demo", scopes=scopes, environment_id=environment_id, days=1)
    _, token = issue_token(session, actor, wanted, at=at)
    return Participant(found, seat, token, environment_id)


def _environment(session: Session, organisation: Organisation, seat: Seat, at: datetime) -> str:
    own = select(Environment).where(col(Environment.organisation_id) == organisation.id)
    found = session.exec(own).first()
    if found is None:
        new = ENVIRONMENTS[organisation.slug]
        found = register_environment(session, person(seat, organisation), new, at=at)
    return found.id


def sign_in_links(session: Session, cast: dict[str, Participant], at: datetime) -> dict[str, str]:
    """A one-time sign-in secret for every seat of the cast, good for a day."""
    return {
        slug: link_for(session, member.seat, at=at, lifetime=_LINKS_LIVE)
        for slug, member in cast.items()
    }
