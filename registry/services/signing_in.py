"""Signing in through an OpenID provider: beginning, coming back, and whose seat it is.

The provider is asked between two transactions: the first takes the attempt, so that an answer
counts once; the second starts the session.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from registry.accounts.actors import person
from registry.accounts.credentials import hash_secret, new_secret
from registry.accounts.openid import LIFETIME, Claims, refused
from registry.accounts.refusals import refuse_organisation
from registry.accounts.sign_ins import Identity, SignInAttempt
from registry.accounts.tables import Organisation, Seat
from registry.audit.acts import Act
from registry.errors import NotAllowed, NotSignedIn, Text
from registry.ids import new_id
from registry.services.accounts import add_seat, note_seat, start_session
from registry.services.wording import conflict
from registry.settings import Settings, SignInProvider

METHOD = "openid"


def begin(
    session: Session,
    provider: str,
    *,
    wanted: str,
    seat_id: str | None,
    stepped_up: bool,
    at: datetime,
) -> tuple[SignInAttempt, str]:
    """Write an attempt down; the row, and the secret that its browser keeps.

    :param seat_id: whoever is signed in already and connects the provider to their seat.
    :param stepped_up: whether a second factor is asked for.
    """
    secret = new_secret("attempt")
    attempt = SignInAttempt(
        id=hash_secret(secret),
        provider=provider,
        state=new_secret("state"),
        nonce=new_secret("nonce"),
        verifier=new_secret("verifier"),
        wanted=wanted,
        seat_id=seat_id,
        stepped_up=stepped_up,
        until=at + LIFETIME,
    )
    session.add(attempt)
    session.flush()
    return attempt, secret


def take(
    session: Session, provider: str, secret: str, state: str, *, at: datetime
) -> SignInAttempt:
    """The attempt that this browser began with this provider; from now on it is over.

    :raises NotSignedIn: there is none: the answer is old, used, or meant for another browser.
    """
    wanted = select(SignInAttempt).where(col(SignInAttempt.id) == hash_secret(secret))
    found = session.exec(wanted.with_for_update()).one_or_none()
    if found is None or found.provider != provider or found.until <= at:
        raise _lost()
    if not hmac.compare_digest(found.state.encode(), state.encode()):
        raise _lost()  # it stays: somebody else's answer does not end this browser's attempt
    session.delete(found)
    session.flush()
    session.expunge(found)
    return found


def finish(
    session: Session, settings: Settings, attempt: SignInAttempt, claims: Claims, *, at: datetime
) -> str | None:
    """Start the session of whoever came back; its secret, or ``None`` where a second factor must be
    asked for.

    :raises NotAllowed: nobody comes in so; nothing is kept of it.
    """
    provider = settings.sign_in_providers[attempt.provider]
    identity = _known(session, claims)
    seat = _seat(session, provider, attempt, claims, identity)
    organisation = _organisation(session, provider, claims, seat)
    refuse_organisation(organisation)
    _hold_to_groups(provider, claims, organisation)
    if _lacks_factor(settings, provider, claims, organisation):
        if attempt.stepped_up:
            raise _second_factor_missing(provider)
        return None
    seat = seat or _join(session, organisation, claims, at)
    identity = identity or _connect(session, seat, claims, at)
    identity.used_at, identity.claims = at, dict(claims.told)
    session.add(identity)
    return start_session(session, person(seat, organisation), METHOD, at=at)


def identities_of(session: Session, seat_id: str) -> Sequence[Identity]:
    """The providers that a person is connected to, and what each told last."""
    mine = select(Identity).where(col(Identity.seat_id) == seat_id)
    return session.exec(mine.order_by(col(Identity.id))).all()


def forget_attempts(session: Session, *, at: datetime) -> None:
    """Drop attempts that nobody came back to."""
    session.exec(delete(SignInAttempt).where(col(SignInAttempt.until) <= at))


def _known(session: Session, claims: Claims) -> Identity | None:
    return session.exec(
        select(Identity).where(
            col(Identity.issuer) == claims.issuer, col(Identity.subject) == claims.subject
        )
    ).one_or_none()


def _seat(
    session: Session,
    provider: SignInProvider,
    attempt: SignInAttempt,
    claims: Claims,
    known: Identity | None,
) -> Seat | None:
    """Whose seat it is: the one that was connected, else the one of an address that the provider
    speaks for.
    """
    mine = attempt.seat_id
    if known is not None and mine not in (None, known.seat_id):
        raise conflict(
            "identity-taken",
            "Deze persoon hoort hier bij een andere plaats.",
            "This person has another seat here.",
            "Meld u af, en daarna aan via de aanbieder.",
            "Sign out, and then in through the provider.",
        )
    if known is not None:
        return _active(session.get_one(Seat, known.seat_id))
    if mine is not None:
        return _active(session.get_one(Seat, mine))
    if claims.email is None or claims.email.rpartition("@")[2] not in provider.domains:
        raise _unknown(provider)
    found = session.exec(select(Seat).where(col(Seat.email) == claims.email)).one_or_none()
    return found and _active(found)


def _organisation(
    session: Session, provider: SignInProvider, claims: Claims, seat: Seat | None
) -> Organisation:
    """The organisation of the seat, else that of the one group there that is known here."""
    if seat is not None:
        return session.get_one(Organisation, seat.organisation_id)
    slugs = {provider.groups[group] for group in claims.groups if group in provider.groups}
    found = session.exec(select(Organisation).where(col(Organisation.slug).in_(slugs))).all()
    if len(found) != 1:
        raise _unknown(provider)
    return found[0]


def _join(session: Session, organisation: Organisation, claims: Claims, at: datetime) -> Seat:
    seat = add_seat(
        session,
        Seat(
            id=new_id("seat", at),
            organisation_id=organisation.id,
            email=str(claims.email),
            name=claims.name,
            admin=False,
            created_at=at,
        ),
    )
    facts = {"role": organisation.role, "method": METHOD}
    note_seat(session, Act.ACTOR_INVITED, None, seat, at, **facts)
    return seat


def _hold_to_groups(provider: SignInProvider, claims: Claims, organisation: Organisation) -> None:
    groups = (group for group, slug in provider.groups.items() if slug == organisation.slug)
    if provider.groups and claims.groups.isdisjoint(groups):
        raise NotAllowed(
            "not-in-group",
            Text(
                f"{provider.title} noemt u niet als iemand van {organisation.name}.",
                f"{provider.title} does not name you as someone of {organisation.name}.",
            ),
            Text(
                "Vraag de beheerder van uw organisatie om de juiste groep.",
                "Ask your organisation's administrator for the right group.",
            ),
        )


def _lacks_factor(
    settings: Settings, provider: SignInProvider, claims: Claims, organisation: Organisation
) -> bool:
    needed = organisation.role in settings.roles_without_links
    return needed and claims.factors.isdisjoint(provider.second_factor)


def _connect(session: Session, seat: Seat, claims: Claims, at: datetime) -> Identity:
    identity = Identity(
        id=new_id("idn", at),
        issuer=claims.issuer,
        subject=claims.subject,
        seat_id=seat.id,
        created_at=at,
        used_at=at,
    )
    session.add(identity)
    note_seat(session, Act.ACTOR_CONNECTED, None, seat, at, method=METHOD)
    return identity


def _active(seat: Seat) -> Seat:
    if not seat.active:
        raise NotAllowed(
            "seat-ended",
            Text("Uw plaats hier is beëindigd.", "Your seat here has ended."),
            Text("Vraag uw organisatie om een nieuwe.", "Ask your organisation for a new one."),
        )
    return seat


def _lost() -> NotSignedIn:
    return refused(
        "lost",
        "Dit antwoord hoort niet bij een aanmelding die in deze browser wacht: ze is te oud, al"
        " gebruikt, of elders begonnen.",
        "This answer belongs to no sign-in that waits in this browser: it is too old, was used"
        " already, or was begun elsewhere.",
    )


def _unknown(provider: SignInProvider) -> NotAllowed:
    return NotAllowed(
        "no-seat",
        Text(
            f"Wie u bij {provider.title} bent, is hier nog niet bekend.",
            f"Who you are at {provider.title} is not known here yet.",
        ),
        Text(
            "Hebt u hier een plaats, meld u dan aan met een link en verbind de aanbieder daarna;"
            " vraag anders uw organisatie om een uitnodiging.",
            "If you have a seat here, sign in with a link and connect the provider then; else ask"
            " your organisation for an invitation.",
        ),
    )


def _second_factor_missing(provider: SignInProvider) -> NotAllowed:
    return NotAllowed(
        "second-factor-missing",
        Text(
            f"Voor uw rol is een tweede factor nodig, en {provider.title} heeft er geen gemeld.",
            f"Your role needs a second factor, and {provider.title} told of none.",
        ),
        Text(
            "Stel daar een tweede factor in, zoals een app met codes, en meld u opnieuw aan.",
            "Set a second factor up there, such as an app with codes, and sign in again.",
        ),
    )
