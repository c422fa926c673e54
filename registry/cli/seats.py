"""Operator commands on the seats of an organisation. They open the database."""

from typing import Annotated, Literal

import typer

seats = typer.Typer(no_args_is_help=True, help="Seats of an organisation (operator).")
_Organisation = Annotated[str, typer.Argument(help="org_…")]
_Address = Annotated[str, typer.Argument(help="Address of the person's seat.")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.add_typer(seats, name="seats")


@seats.command("list")
def list_all(organisation_id: _Organisation) -> None:
    """Who has a seat in an organisation, oldest first."""
    from registry.cli.organisations import operating
    from registry.services.seating import list_seats

    with operating() as (_, session):
        for one in list_seats(session, None, organisation_id):
            duty = "admin" if one.admin else "member"
            typer.echo(f"{one.id}  {duty:6}  {one.email}  {one.name}")


@seats.command()
def invite(
    organisation_id: _Organisation,
    email: Annotated[str, typer.Argument(help="Whom to invite.")],
    admin: Annotated[
        bool, typer.Option("--admin", help="They may invite and remove others.")
    ] = False,
) -> None:
    """Print the address at which someone takes a seat in an organisation; it is good once."""
    from registry.cli.organisations import operating
    from registry.services.seating import InvitePerson, invite_person

    command = InvitePerson(email=email, admin=admin)
    with operating() as (runtime, session):
        _, secret = invite_person(
            session, None, command, organisation_id=organisation_id, at=runtime.clock()
        )
        typer.echo(f"{runtime.settings.origin}/join/{secret}")


@seats.command()
def change(
    email: _Address,
    duty: Annotated[Literal["admin", "member"], typer.Argument(help="admin or member.")],
) -> None:
    """Make someone an admin of their organisation, or a member."""
    from registry.cli.organisations import operating
    from registry.services.accounts import seat_of
    from registry.services.seating import change_seat

    with operating() as (runtime, session):
        seat = seat_of(session, email)
        change_seat(session, None, seat.id, admin=duty == "admin", at=runtime.clock())
        typer.echo(f"{seat.id} is {duty}")


@seats.command()
def end(email: _Address) -> None:
    """Take someone's seat away: their sessions, tokens and signed links end at once."""
    from registry.cli.organisations import operating
    from registry.services.accounts import seat_of
    from registry.services.seating import end_seat

    with operating() as (runtime, session):
        seat = end_seat(session, None, seat_of(session, email).id, at=runtime.clock())
        typer.echo(f"{seat.id} is closed")
