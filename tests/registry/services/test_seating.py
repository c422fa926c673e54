"""Seats: inviting, joining, who administers, leaving, and what ends with a seat."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from registry.access.tables import Agreement
from registry.accounts.actors import Actor, Scope, person
from registry.accounts.credentials import find_actor
from registry.accounts.invitations import Invitation
from registry.accounts.tables import Organisation, OutboxMail, Seat
from registry.db import reading, transaction
from registry.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from registry.services import accounts, auditing, erasing, links, machines, retention, seating
from registry.services.seating import InvitePerson, Join
from tests.support.extracting import Scene
from tests.support.world import World

EMAIL = "bo@klankwerk.example"


def invite(world: World, actor: Actor, email: str = EMAIL, *, admin: bool = False) -> str:
    """The secret of a new invitation."""
    command = InvitePerson(email=email, admin=admin)
    with transaction(world.engine) as session:
        return seating.invite_person(session, actor, command, at=world.clock())[1]


def take(world: World, secret: str) -> Actor:
    """Who took the seat of an invitation."""
    command = Join(invitation=secret, person_name="Bo")
    with transaction(world.engine) as session:
        seat = seating.join(session, command, settings=world.settings, at=world.clock())
        return _actor(session, seat)


def _actor(session: Session, seat: Seat) -> Actor:
    return person(seat, session.get_one(Organisation, seat.organisation_id))


def change(world: World, actor: Actor | None, seat: str, *, admin: bool) -> Seat:
    """Whether a seat administers, committed."""
    with transaction(world.engine) as session:
        return seating.change_seat(session, actor, seat, admin=admin, at=world.clock())


def end(world: World, actor: Actor | None, seat: str) -> Seat:
    """A seat that ends, committed."""
    with transaction(world.engine) as session:
        return seating.end_seat(session, actor, seat, at=world.clock())


def test_an_invitation_makes_one_seat(world: World) -> None:
    """It is kept as a hash, good once, and the sign-in link goes to the address invited alone."""
    operator, admin = world.an_operator(), world.a_startup().actor
    world.clock.advance(seconds=1)
    replaced = invite(world, admin)
    secret = invite(world, admin)
    with reading(world.engine) as session:
        (kept,) = seating.list_invitations(session, admin, at=world.clock())
        assert secret not in str(kept.model_dump())
        found = seating.find_invitation(session, secret, at=world.clock())
        assert found.id == admin.organisation_id
    with pytest.raises(NotSignedIn, match="unknown"):
        take(world, replaced)
    member = take(world, secret)
    assert (member.id, member.organisation_id) == (kept.id, admin.organisation_id)
    assert Scope.REQUESTS in member.scopes
    assert Scope.SEATS not in member.scopes
    with pytest.raises(NotSignedIn, match="unknown"):
        take(world, secret)
    with pytest.raises(Conflict, match="email-taken"):
        invite(world, admin)
    with reading(world.engine) as session:
        assert [one.id for one in seating.list_seats(session, admin)] == [admin.id, member.id]
        assert len(seating.list_seats(session, None, admin.organisation_id)) == 2
        (mail,) = session.exec(select(OutboxMail)).all()
        assert mail.seat_id == member.id
        entries = auditing.list_entries(session, operator, at=world.clock(), limit=9)
    acts = [str(entry.act) for _, entry in entries if entry.act.startswith("actor:")]
    assert acts == ["actor:joined", "actor:invited", "actor:invited"]
    world.check_log()


def test_an_invitation_ends(sqlite_world: World) -> None:
    """After seven days, when it is withdrawn, and when who invited leaves."""
    world = sqlite_world
    admin, rival = world.a_startup().actor, world.a_startup().actor
    second = take(world, invite(world, admin, admin=True))
    assert Scope.SEATS in second.scopes
    late = invite(world, second, "laat@klankwerk.example")
    world.clock.advance(days=7)
    with pytest.raises(NotSignedIn, match="expired"):
        take(world, late)
    with reading(world.engine) as session:
        assert seating.list_invitations(session, admin, at=world.clock()) == []
    retention.apply_periods(world.engine, world.settings, at=world.clock())
    with reading(world.engine) as session:
        assert session.exec(select(Invitation)).all() == []
    secret = invite(world, admin, "weg@klankwerk.example")
    with transaction(world.engine) as session:
        (kept,) = seating.list_invitations(session, admin, at=world.clock())
        for name in (kept.id, "seat_none"):
            with pytest.raises(NotFound):
                seating.withdraw_invitation(session, rival, name, at=world.clock())
        seating.withdraw_invitation(session, admin, kept.id, at=world.clock())
    with pytest.raises(NotSignedIn):
        take(world, secret)
    theirs = invite(world, second, "later@klankwerk.example")
    end(world, second, second.id)
    with pytest.raises(NotSignedIn):
        take(world, theirs)


def test_an_organisation_keeps_an_admin(world: World) -> None:
    """The last one cannot leave or step down; a second one frees the first."""
    admin = world.a_startup().actor
    member = take(world, invite(world, admin))
    with pytest.raises(Conflict, match="last-admin"):
        end(world, admin, admin.id)
    with pytest.raises(Conflict, match="last-admin"):
        change(world, None, admin.id, admin=False)
    change(world, admin, member.id, admin=True)
    assert change(world, admin, member.id, admin=True).admin
    change(world, admin, admin.id, admin=False)
    with pytest.raises(NotFound):
        change(world, None, "seat_none", admin=True)
    with pytest.raises(NotFound):
        end(world, world.a_startup().actor, admin.id)
    assert end(world, None, admin.id).active is False
    with pytest.raises(NotFound):
        end(world, None, admin.id)


def test_members_manage_nobody(sqlite_world: World) -> None:
    """A member may leave, and nothing else about seats."""
    world = sqlite_world
    admin = world.a_startup().actor
    member = take(world, invite(world, admin))
    with transaction(world.engine) as session:
        tries: tuple[Callable[[], object], ...] = (
            lambda: seating.list_seats(session, member),
            lambda: seating.list_invitations(session, member, at=world.clock()),
            lambda: invite(world, member, "x@y.example"),
            lambda: seating.withdraw_invitation(session, member, "seat_x", at=world.clock()),
            lambda: change(world, member, member.id, admin=True),
            lambda: end(world, member, admin.id),
            lambda: end(world, replace(admin, scopes=frozenset()), admin.id),
        )
        for refused in tries:
            with pytest.raises(NotAllowed):
                refused()
    assert end(world, member, member.id).left_email == EMAIL


def test_what_ends_with_a_seat(on_sqlite: Scene) -> None:
    """Sessions, tokens and signed links end; the agreement and what was written down stay."""
    scene, world = on_sqlite, on_sqlite.world
    ready, admin = scene.cut(), scene.startup.actor
    member = take(world, invite(world, admin))
    at = world.clock()
    with transaction(world.engine) as session:
        made = machines.IssueToken(name="notebook", scopes=(Scope.EXTRACTS,))
        _, token = machines.issue_token(session, member, made, at=at)
        link = links.issue_link(session, member, links.NewLink(extract_id=ready.id), at=at)
        shown = links.sign_link(link, 1, b"key")
        seat = session.get_one(Seat, member.id)
        secret, _ = accounts.sign_in(session, accounts.link_for(session, seat, at=at), at=at)
        assert links.find_reader(session, shown, ready.id, 1, key=b"key", at=at)
    end(world, admin, member.id)
    with reading(world.engine) as session:
        with pytest.raises(NotSignedIn):
            find_actor(session, token, "token", at)
        with pytest.raises(NotSignedIn):
            find_actor(session, secret, "session", at)
        with pytest.raises(NotSignedIn, match="seat-closed"):
            links.find_reader(session, shown, ready.id, 1, key=b"key", at=at)
        assert session.exec(select(OutboxMail)).all() == []
        assert session.get_one(Agreement, scene.agreement.id).state == "in_force"
    world.check_log()


def test_who_left_comes_back_and_can_be_erased(sqlite_world: World) -> None:
    """The address is free for a new seat; erasing it empties both and withdraws invitations."""
    world = sqlite_world
    admin, other = world.a_startup().actor, world.a_startup().actor
    first = take(world, invite(world, admin))
    end(world, admin, first.id)
    second = take(world, invite(world, other))
    assert second.id != first.id
    with transaction(world.engine) as session:
        done = erasing.erase_address(session, None, EMAIL, at=world.clock())
        assert done.removed["people"] == 1
        for one in (first, second):
            seat = session.get_one(Seat, one.id)
            assert erasing.is_erased(seat)
            assert seat.left_email is None
    invite(world, admin, "gast@klankwerk.example")
    with transaction(world.engine) as session:
        erasing.erase_address(session, None, "gast@klankwerk.example", at=world.clock())
        assert session.exec(select(Invitation)).all() == []


def test_who_left_is_erased_in_time(sqlite_world: World) -> None:
    """The period for people holds for those who left, too."""
    world = sqlite_world
    admin = world.a_startup().actor
    member = take(world, invite(world, admin))
    end(world, admin, member.id)
    world.clock.advance(days=366 * 10)
    retention.apply_periods(world.engine, world.settings, at=world.clock() + timedelta(days=1))
    with reading(world.engine) as session:
        assert erasing.is_erased(session.get_one(Seat, member.id))
