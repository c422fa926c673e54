"""Secrets are seen once, kept as hashes, end in time, and give no more than they were given."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from registry.accounts.actors import MACHINE_SCOPES, ROLE_SCOPES, Scope, require
from registry.accounts.credentials import (
    SESSION_IDLE,
    SESSION_LIFETIME,
    find_actor,
    hash_secret,
    issue,
)
from registry.accounts.tables import ROLES, Client, Credential, Organisation, Seat
from registry.db import transaction
from registry.errors import NotAllowed, NotSignedIn
from tests.support.rows import AT, actor_of, asked, dataset, party, put

DAY = timedelta(days=1)


@pytest.fixture
def engine_with_user(engine: Engine) -> Engine:
    """A database with one user of data, its environment and its client."""
    put(engine, *party("archive"), *party("user"), *dataset(), *asked("pending"))
    robot = Client(
        id="client_1",
        organisation_id="org_user",
        name="Robot",
        secret_hash="0" * 64,
        scopes=["requests", "extracts"],
        created_at=AT,
    )
    put(engine, robot)
    return engine


def refusal(session: Session, secret: str, kind: str, **later: float) -> str:
    """The code with which a secret is refused after some time."""
    with pytest.raises(NotSignedIn) as refused:
        find_actor(session, secret, kind, AT + timedelta(**later))  # type: ignore[arg-type]  # wrong kinds are tried too
    return refused.value.code


def test_only_the_hash_is_kept(engine_with_user: Engine) -> None:
    """The row of a credential holds nothing from which its secret could be made."""
    with transaction(engine_with_user) as session:
        row, secret = issue(session, "token", at=AT, lifetime=DAY, seat_id="seat_user", name="t")
        kept = session.get_one(Credential, row.id)
        assert kept.hash == hash_secret(secret)
        assert secret.startswith("vg_token_")
        assert len(secret) == len("vg_token_") + 43
        assert secret not in repr(kept)


def test_kinds_are_not_exchanged(engine_with_user: Engine) -> None:
    """A sign-in link is no token, and a token is no session."""
    with transaction(engine_with_user) as session:
        _, link = issue(session, "link", at=AT, lifetime=DAY, seat_id="seat_user")
        _, token = issue(session, "token", at=AT, lifetime=DAY, seat_id="seat_user")
        assert refusal(session, link, "token") == "credential-unknown"
        assert refusal(session, token, "session") == "credential-unknown"
        assert refusal(session, "vg_token_made-up", "token") == "credential-unknown"


def test_a_token_ends_at_its_moment(engine_with_user: Engine) -> None:
    """A token is good until the moment of its end, and not at it."""
    with transaction(engine_with_user) as session:
        _, token = issue(
            session, "token", at=AT, lifetime=DAY, seat_id="seat_user", scopes=[Scope.EXTRACTS]
        )
        assert find_actor(session, token, "token", AT + DAY - timedelta(seconds=1))
        assert refusal(session, token, "token", days=1) == "credential-expired"


def test_a_revoked_token_is_refused_at_once(engine_with_user: Engine) -> None:
    """Revocation is read on every use."""
    with transaction(engine_with_user) as session:
        row, token = issue(session, "token", at=AT, lifetime=DAY, seat_id="seat_user")
        assert find_actor(session, token, "token", AT)
        row.revoked_at = AT
        session.add(row)
        assert refusal(session, token, "token") == "credential-revoked"


def test_a_session_ends_when_idle(engine_with_user: Engine) -> None:
    """Half an hour without a request ends a session; a request in between keeps it."""
    with transaction(engine_with_user) as session:
        _, secret = issue(session, "session", at=AT, lifetime=SESSION_LIFETIME, seat_id="seat_user")
        step = SESSION_IDLE - timedelta(minutes=1)
        assert find_actor(session, secret, "session", AT + step)
        assert find_actor(session, secret, "session", AT + 2 * step)
        idle = AT + 2 * step + SESSION_IDLE + timedelta(seconds=1)
        with pytest.raises(NotSignedIn, match="expired"):
            find_actor(session, secret, "session", idle)


def test_a_session_ends_after_eight_hours(engine_with_user: Engine) -> None:
    """Whoever keeps clicking signs in again after eight hours."""
    with transaction(engine_with_user) as session:
        _, secret = issue(session, "session", at=AT, lifetime=SESSION_LIFETIME, seat_id="seat_user")
        at = AT
        while at + timedelta(minutes=20) < AT + SESSION_LIFETIME:
            at += timedelta(minutes=20)
            assert find_actor(session, secret, "session", at)
        with pytest.raises(NotSignedIn, match="expired"):
            find_actor(session, secret, "session", AT + SESSION_LIFETIME)


def test_a_closed_seat_and_a_blocked_organisation_lose_their_credentials(
    engine_with_user: Engine,
) -> None:
    """Closing a seat or blocking an organisation takes effect at the next request."""
    with transaction(engine_with_user) as session:
        _, token = issue(session, "token", at=AT, lifetime=DAY, seat_id="seat_user")
        organisation = session.get_one(Organisation, "org_user")
        organisation.state = "blocked"
        assert refusal(session, token, "token") == "credential-organisation-blocked"
        organisation.state = "active"
        session.get_one(Seat, "seat_user").active = False
        assert refusal(session, token, "token") == "credential-seat-closed"


def test_a_token_gives_no_more_than_it_was_given(engine_with_user: Engine) -> None:
    """A person's token has its own scopes and environment, not all of the person's."""
    with transaction(engine_with_user) as session:
        _, token = issue(
            session,
            "token",
            at=AT,
            lifetime=DAY,
            seat_id="seat_user",
            scopes=[Scope.EXTRACTS, Scope.OPERATE],
            environment_id="env_1",
        )
        actor = find_actor(session, token, "token", AT)
    assert actor.scopes == {Scope.EXTRACTS}
    assert actor.environment_id == "env_1"
    assert actor.is_person
    assert actor.id == "seat_user"


def test_a_machine_has_what_its_client_was_registered_for(engine_with_user: Engine) -> None:
    """A client's token has the scopes that token, client and role have in common."""
    with transaction(engine_with_user) as session:
        _, token = issue(
            session,
            "token",
            at=AT,
            lifetime=DAY,
            client_id="client_1",
            scopes=[Scope.EXTRACTS, Scope.ACCOUNT, Scope.ARCHIVE_WRITE],
        )
        actor = find_actor(session, token, "token", AT)
        assert actor.scopes == {Scope.EXTRACTS}
        assert not actor.is_person
        session.get_one(Client, "client_1").revoked_at = AT
        assert refusal(session, token, "token") == "credential-revoked"


def test_a_missing_scope_is_named(engine_with_user: Engine) -> None:
    """The refusal names the scope that is missing, in both languages."""
    actor = actor_of(engine_with_user, "user")
    require(actor, Scope.REQUESTS)
    with pytest.raises(NotAllowed) as refused:
        require(actor, Scope.ARCHIVE_WRITE)
    assert "archive:write" in refused.value.text.en
    assert "archive:write" in refused.value.text.nl


def test_no_role_reaches_into_another() -> None:
    """Only archives write, only users ask, only operators operate; no machine keeps accounts."""
    assert set(ROLE_SCOPES) == set(ROLES)
    for scope, roles in {
        Scope.ARCHIVE_WRITE: {"archive"},
        Scope.REQUESTS: {"user"},
        Scope.EXTRACTS: {"user"},
        Scope.OPERATE: {"operator"},
        Scope.AUDIT: {"archive", "auditor", "operator"},
    }.items():
        assert {role for role, scopes in ROLE_SCOPES.items() if scope in scopes} == roles
    assert all(Scope.ACCOUNT not in scopes for scopes in MACHINE_SCOPES.values())
