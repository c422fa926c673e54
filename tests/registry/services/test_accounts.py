"""Signing up, being verified, signing in by mail, and the machines of an organisation."""

import re
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session, select

from registry.accounts.actors import Actor, Scope
from registry.accounts.credentials import find_actor
from registry.accounts.tables import Credential, Organisation, Seat
from registry.db import reading, transaction
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn
from registry.services import accounts, auditing, machines
from registry.services.accounts import SignUp
from registry.services.identifying import check_secret
from tests.support.world import Startup, World


def wish(**facts: Any) -> SignUp:
    """A sign-up of a start-up, with these changes."""
    usual = {
        "organisation_name": "Klankwerk BV",
        "country": "nl",
        "person_name": " Noor ",
        "email": "Noor@Klankwerk.Example",
    }
    return SignUp.model_validate(usual | facts)


def acts(world: World, operator: Actor) -> list[str]:
    """What the log says was done, oldest first."""
    with reading(world.engine) as session:
        entries = auditing.list_entries(session, operator, at=world.clock(), limit=500)
    return [str(entry.act) for _, entry in reversed(entries)]


def test_a_user_starts_at_once_and_an_archive_waits(world: World) -> None:
    """A user of data is active after signing up; an archive is not, until it was verified."""
    operator = world.an_operator()
    with transaction(world.engine) as session:
        user = accounts.sign_up(session, wish(), at=world.clock())
        archive = accounts.sign_up(
            session,
            wish(
                role="archive",
                user_class="heritage",
                email="a@b.nl",
                organisation_name="Het Archief",
            ),
            at=world.clock(),
        )
        assert (user.organisation.state, archive.organisation.state) == ("active", "unverified")
        assert (user.organisation.country, user.seat.name) == ("NL", "Noor")
        assert user.seat.email == "noor@klankwerk.example"
        assert [o.id for o in accounts.unverified(session, operator)] == [archive.organisation.id]
        accounts.verify_organisation(session, operator, archive.organisation.id, at=world.clock())
        assert accounts.unverified(session, operator) == []
        assert archive.organisation.state == "active"
        with pytest.raises(Conflict, match="not-unverified"):
            accounts.verify_organisation(
                session, operator, archive.organisation.id, at=world.clock()
            )
    assert acts(world, operator)[1:] == [
        "organisation:signed-up",
        "organisation:signed-up",
        "organisation:changed",
    ]
    world.check_log()


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_auditors_and_operators_are_invited(sqlite_world: World, role: str) -> None:
    """Nobody makes themselves an auditor or an operator, and only the operator invites."""
    startup, operator = sqlite_world.a_startup(), sqlite_world.an_operator()
    at = sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        with pytest.raises(InvalidInput) as refused:
            accounts.sign_up(session, wish(role=role), at=at)
        assert refused.value.fields[0].path == "role"
        with pytest.raises(NotAllowed):
            accounts.invite(session, startup.actor, wish(role=role), at=at)
        made = accounts.invite(session, operator, wish(role=role), at=at)
        assert (made.organisation.role, made.organisation.state) == (role, "active")


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"user_class": "pirate"}, "user_class"),
        ({"country": "XX"}, "country"),
    ],
)
def test_a_word_nobody_knows_is_told(sqlite_world: World, facts: dict[str, str], path: str) -> None:
    """The field that is wrong is named, with the way out."""
    with transaction(sqlite_world.engine) as session, pytest.raises(InvalidInput) as refused:
        accounts.sign_up(session, wish(**facts), at=sqlite_world.clock())
    assert [field.path for field in refused.value.fields] == [path]
    with reading(sqlite_world.engine) as session:
        assert session.exec(select(Organisation)).all() == []


@pytest.mark.parametrize(
    "facts",
    [
        {"email": "no-address"},
        {"person_name": "   "},
        {"country": "Nederland"},
        {"slug": "Not A Slug"},
        {"language": "de"},
        {"surprise": 1},
    ],
)
def test_a_sign_up_is_checked_before_it_is_tried(facts: dict[str, Any]) -> None:
    """What has the wrong form never becomes a command."""
    with pytest.raises(ValidationError):
        wish(**facts)


def test_names_and_addresses_are_taken_once(sqlite_world: World) -> None:
    """An address has one seat; a name that was chosen is not shared, one that was made is."""
    at = sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        first = accounts.sign_up(session, wish(), at=at)
        second = accounts.sign_up(session, wish(email="b@b.nl"), at=at)
        third = accounts.sign_up(session, wish(email="c@b.nl"), at=at)
        assert [one.organisation.slug for one in (first, second, third)] == [
            "klankwerk-bv",
            "klankwerk-bv-2",
            "klankwerk-bv-3",
        ]
        short = accounts.sign_up(session, wish(email="d@b.nl", organisation_name="Ö"), at=at)
        assert re.fullmatch("[a-z0-9-]{3,}", short.organisation.slug)
        with pytest.raises(Conflict, match="slug-taken"):
            accounts.sign_up(session, wish(email="e@b.nl", slug="klankwerk-bv"), at=at)
        with pytest.raises(Conflict, match="email-taken"):
            accounts.sign_up(session, wish(slug="iets-anders"), at=at)


def mailed(world: World, address: str) -> str:
    """The secret of the newest sign-in link in the outbox for that address."""
    with transaction(world.engine) as session:
        accounts.send_link(session, address, settings=world.settings, at=world.clock())
    with reading(world.engine) as session:
        mail = accounts.outbox(session, None)[0]
    found = re.search(r"/sign-in/(vg_link_\S+)", mail.body)
    assert found is not None
    return found[1]


def test_signing_in_by_mail(world: World) -> None:
    """A link opens one session, in the person's language, and signing out ends it on the server."""
    startup = world.a_startup(email="noor@example.org", language="nl")
    secret = mailed(world, " NOOR@example.org ")
    with transaction(world.engine) as session:
        opened, actor = accounts.sign_in(session, secret, at=world.clock())
    assert actor.id == startup.actor.id
    with transaction(world.engine) as session:
        assert accounts.outbox(session, None)[0].subject == "Uw aanmeldlink voor Vrijgave"
        with pytest.raises(NotSignedIn, match="used"):
            accounts.sign_in(session, secret, at=world.clock())
        assert find_actor(session, opened, "session", world.clock()) == actor
        for _ in range(2):
            accounts.sign_out(session, actor, opened, at=world.clock())
        with pytest.raises(NotSignedIn, match="revoked"):
            find_actor(session, opened, "session", world.clock())
    told = acts(world, world.an_operator())
    assert told.count("actor:signed-in") == told.count("actor:signed-out") == 1
    world.check_log()


def test_a_link_lapses(sqlite_world: World) -> None:
    """After a quarter of an hour a link is of no use."""
    sqlite_world.a_startup(email="noor@example.org", language="en")
    secret = mailed(sqlite_world, "noor@example.org")
    at = sqlite_world.clock.advance(minutes=15)
    with transaction(sqlite_world.engine) as session, pytest.raises(NotSignedIn, match="expired"):
        accounts.sign_in(session, secret, at=at)


def test_a_link_of_a_blocked_organisation_opens_nothing(sqlite_world: World) -> None:
    """Blocking an organisation after the mail was sent still keeps its people out."""
    startup = sqlite_world.a_startup(email="noor@example.org")
    secret = mailed(sqlite_world, "noor@example.org")
    at = sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        session.get_one(Organisation, startup.actor.organisation_id).state = "blocked"
    with transaction(sqlite_world.engine) as session, pytest.raises(NotSignedIn, match="blocked"):
        accounts.sign_in(session, secret, at=at)


def test_an_unknown_address_gets_no_mail(sqlite_world: World) -> None:
    """Asking for a link tells nobody who has a seat here, and a closed seat has none."""
    startup = sqlite_world.a_startup(email="noor@example.org")
    at = sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        accounts.send_link(session, "unknown@example.org", settings=sqlite_world.settings, at=at)
        session.get_one(Seat, startup.actor.id).active = False
        accounts.send_link(session, "noor@example.org", settings=sqlite_world.settings, at=at)
        assert accounts.outbox(session, None) == []
        assert session.exec(select(Credential)).all() == []


def test_nobody_signs_another_out(sqlite_world: World) -> None:
    """A session's secret in another's hands does not end it by signing out as oneself."""
    sqlite_world.a_startup(email="noor@example.org")
    other = sqlite_world.a_startup()
    at = sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        opened, _ = accounts.sign_in(session, _link(session, "noor@example.org", at), at=at)
        accounts.sign_out(session, other.actor, opened, at=at)
        assert find_actor(session, opened, "session", at)


def _link(session: Session, email: str, at: Any) -> str:
    return accounts.link_for(session, accounts.seat_of(session, email), at=at)


def test_the_operator_reads_the_outbox(sqlite_world: World) -> None:
    """The outbox holds other people's links: it is the operator's alone."""
    with reading(sqlite_world.engine) as session:
        assert accounts.outbox(session, sqlite_world.an_operator()) == []
        with pytest.raises(NotAllowed):
            accounts.outbox(session, sqlite_world.an_archive())
        with pytest.raises(NotFound):
            accounts.seat_of(session, "nobody@example.org")
        with pytest.raises(NotFound):
            accounts.find_organisation(session, "org_none")
    with transaction(sqlite_world.engine) as session, pytest.raises(NotFound):
        accounts.verify_organisation(session, None, "org_none", at=sqlite_world.clock())


@pytest.fixture
def startup(world: World) -> Startup:
    """A start-up with an environment."""
    return world.a_startup()


def test_a_machine_gets_tokens_for_its_secret(world: World, startup: Startup) -> None:
    """A client proves itself by its secret, gets tokens for an hour, and may hand them back."""
    with transaction(world.engine) as session:
        client, secret = machines.register_client(
            session,
            startup.actor,
            machines.NewClient(name="Pijplijn", scopes=(Scope.EXTRACTS, Scope.REQUESTS)),
            at=world.clock(),
        )
        assert machines.list_clients(session, startup.actor) == [client]
        assert secret is not None
        assert check_secret(session, client.id, secret + "x") is None
        assert check_secret(session, "client_none", "") is None
        known = check_secret(session, client.id, secret)
        assert known is not None
        _, token = machines.issue_client_token(session, known, (Scope.EXTRACTS,), at=world.clock())
        assert find_actor(session, token, "token", world.clock()).scopes == {Scope.EXTRACTS}
        machines.revoke_own(session, known, token, at=world.clock())
        machines.revoke_own(session, known, "vg_token_unknown", at=world.clock())
        with pytest.raises(NotSignedIn, match="revoked"):
            find_actor(session, token, "token", world.clock())
    world.check_log()


def test_revoking_a_client_ends_its_tokens(world: World, startup: Startup) -> None:
    """A client that is revoked proves nothing any more, nor do the tokens it had."""
    command = machines.NewClient(name="Pijplijn", scopes=(Scope.EXTRACTS,))
    with transaction(world.engine) as session:
        client, secret = machines.register_client(session, startup.actor, command, at=world.clock())
        _, token = machines.issue_client_token(session, client, (Scope.EXTRACTS,), at=world.clock())
        for _ in range(2):
            machines.revoke_client(session, startup.actor, client.id, at=world.clock())
        assert check_secret(session, client.id, secret or "") is None
        with pytest.raises(NotSignedIn, match="revoked"):
            find_actor(session, token, "token", world.clock())


def test_a_persons_token(world: World, startup: Startup) -> None:
    """A token for a tool is bound to an environment, ends in time, and is listed without secret."""
    command = machines.IssueToken(
        name="notebook", scopes=(Scope.EXTRACTS,), environment_id=startup.environment.id, days=1
    )
    with transaction(world.engine) as session:
        row, secret = machines.issue_token(session, startup.actor, command, at=world.clock())
        listed = machines.list_tokens(session, startup.actor)
        assert [(one.name, one.environment_id) for one in listed] == [
            ("notebook", startup.environment.id)
        ]
        assert row.expires_at == world.clock() + timedelta(days=1)
        assert find_actor(session, secret, "token", world.clock()).environment_id
        for _ in range(2):
            machines.revoke_token(session, startup.actor, row.id, at=world.clock())
        with pytest.raises(NotSignedIn, match="revoked"):
            find_actor(session, secret, "token", world.clock())


@pytest.mark.parametrize("scopes", [(), (Scope.ACCOUNT,), (Scope.EXTRACTS, Scope.ARCHIVE_WRITE)])
def test_nobody_hands_on_what_they_lack(sqlite_world: World, scopes: tuple[Scope, ...]) -> None:
    """Machines get scopes that their person has, and never the account itself."""
    startup = sqlite_world.a_startup()
    with transaction(sqlite_world.engine) as session:
        for ask in (
            lambda: machines.issue_token(
                session,
                startup.actor,
                machines.IssueToken(name="t", scopes=scopes),
                at=sqlite_world.clock(),
            ),
            lambda: machines.register_client(
                session,
                startup.actor,
                machines.NewClient(name="t", scopes=scopes),
                at=sqlite_world.clock(),
            ),
        ):
            with pytest.raises(InvalidInput, match="extracts, requests"):
                ask()


def test_environments(world: World, startup: Startup) -> None:
    """Networks are kept in their canonical form; closing twice is no error."""
    command = machines.NewEnvironment(
        name="Cluster",
        country="de",
        operator="Rechenhaus",
        operator_country="US",
        networks=("192.0.2.7/24", " 2001:db8::/32 "),
    )
    with transaction(world.engine) as session:
        made = machines.register_environment(session, startup.actor, command, at=world.clock())
        assert (made.country, made.networks) == ("DE", ["192.0.2.0/24", "2001:db8::/32"])
        for _ in range(2):
            machines.close_environment(session, startup.actor, made.id, at=world.clock())
        listed = machines.list_environments(session, startup.actor)
        assert [one.closed_at is None for one in listed if one.id == made.id] == [False]
        assert len(listed) == 2
    told = acts(world, world.an_operator())
    assert told.count("environment:registered") == 2
    assert told.count("environment:closed") == 1


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"country": "XX"}, "country"),
        ({"operator_country": "ZZ"}, "operator_country"),
        ({"networks": ("10.0.0.0/8", "everywhere")}, "networks.1"),
    ],
)
def test_an_environment_that_cannot_be(
    sqlite_world: World, facts: dict[str, Any], path: str
) -> None:
    """Countries and networks that do not exist are named by their field."""
    usual = {"name": "X", "country": "NL", "operator": "X", "operator_country": "NL"}
    command = machines.NewEnvironment.model_validate(usual | facts)
    actor = sqlite_world.a_startup().actor
    with transaction(sqlite_world.engine) as session, pytest.raises(InvalidInput) as refused:
        machines.register_environment(session, actor, command, at=sqlite_world.clock())
    assert [field.path for field in refused.value.fields] == [path]
