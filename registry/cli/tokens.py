"""`vrijgave token`: an access token for a person's tools; an operator's command."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("token")(token)


def token(
    email: Annotated[str, typer.Argument(help="Address of the person's seat.")],
    environment: Annotated[
        str | None, typer.Option(help="Bind it to this environment (env_…), to read extracts.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365)] = 1,
) -> None:
    """Print a new access token with all that the person's tools may do; it is not shown again."""
    from registry.accounts.actors import MACHINE_SCOPES, person
    from registry.clock import system_clock
    from registry.db import transaction
    from registry.runtime import open_runtime
    from registry.services.accounts import find_organisation, seat_of
    from registry.services.machines import IssueToken, issue_token
    from registry.settings import Settings

    runtime = open_runtime(Settings(), system_clock, check=False)
    with transaction(runtime.engine) as session:
        seat = seat_of(session, email)
        organisation = find_organisation(session, seat.organisation_id)
        wanted = IssueToken(
            name="command line",
            scopes=tuple(sorted(MACHINE_SCOPES[organisation.role])),
            environment_id=environment,
            days=days,
        )
        actor = person(seat, organisation)
        _, secret = issue_token(session, actor, wanted, at=runtime.clock())
    typer.echo(secret)
