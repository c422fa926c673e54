"""Access tokens of a person's tools and machines: make, list, end; operator commands.

They open the database.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlmodel import Session

    from registry.accounts.actors import Actor


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("token")(token)
    app.command("tokens")(tokens)


def token(
    email: Annotated[str, typer.Argument(help="Address of the person's seat.")],
    environment: Annotated[
        str | None, typer.Option(help="Bind it to this environment (env_…), to read extracts.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365)] = 1,
) -> None:
    """Print a new access token with all that the person's tools may do; it is not shown again."""
    from registry.accounts.actors import MACHINE_SCOPES
    from registry.clock import system_clock
    from registry.db import transaction
    from registry.runtime import open_runtime
    from registry.services.machines import IssueToken, issue_token
    from registry.settings import Settings

    runtime = open_runtime(Settings(), system_clock, check=False)
    with transaction(runtime.engine) as session:
        actor = _person(session, email)
        wanted = IssueToken(
            name="command line",
            scopes=tuple(sorted(MACHINE_SCOPES[actor.role])),
            environment_id=environment,
            days=days,
        )
        _, secret = issue_token(session, actor, wanted, at=runtime.clock())
    typer.echo(secret)


def tokens(
    email: Annotated[str, typer.Argument(help="Address of the person's seat.")],
    end: Annotated[
        str | None, typer.Option(help="End this token or machine (token_…, client_…).")
    ] = None,
) -> None:
    """List a person's tokens and the machines of their organisation, or end one of them."""
    from registry.clock import system_clock
    from registry.db import transaction
    from registry.runtime import open_runtime
    from registry.services.machines import list_clients, list_tokens, revoke_client, revoke_token
    from registry.settings import Settings

    runtime = open_runtime(Settings(), system_clock, check=False)
    with transaction(runtime.engine) as session:
        actor, at = _person(session, email), runtime.clock()
        if end is not None:
            revoke = revoke_client if end.startswith("client_") else revoke_token
            revoke(session, actor, end, at=at)
        for token in list_tokens(session, actor):
            _line(token.id, token.name, token.revoked_at, token.used_at, token.expires_at)
        for client in list_clients(session, actor):
            _line(client.id, client.name, client.revoked_at, client.used_at, None)


def _person(session: "Session", email: str) -> "Actor":
    from registry.accounts.actors import person
    from registry.services.accounts import find_organisation, seat_of

    seat = seat_of(session, email)
    return person(seat, find_organisation(session, seat.organisation_id))


def _line(
    number: str,
    name: str,
    revoked: datetime | None,
    used: datetime | None,
    until: datetime | None,
) -> None:
    ends = f"until {until:%Y-%m-%d %H:%M}" if until else "no end"
    state = f"revoked {revoked:%Y-%m-%d %H:%M}" if revoked else ends
    last = f"last used {used:%Y-%m-%d %H:%M}" if used else "never used"
    typer.echo(f"{number}  {state}  {last}  {name}")
