"""`vrijgave catalogue`: the catalogue in other people's; the operator's commands."""

from typing import Annotated

import typer

catalogue = typer.Typer(no_args_is_help=True, help="The catalogue in other people's.")


@catalogue.callback()
def _group() -> None:
    """Keep the command's name where there is but one."""


def add_to(app: typer.Typer) -> None:
    """Mount the group."""
    app.add_typer(catalogue, name="catalogue")


@catalogue.command()
def register(
    at: Annotated[str, typer.Option(help="The register's interface; NDE's if absent.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be sent.")
    ] = False,
) -> None:
    """Tell NDE's Dataset Register of the catalogue; ends with 1 where it does not take it.

    Says first which datasets score below 95 of 100 there, and what they lack.
    """
    from registry.clock import system_clock
    from registry.db import reading
    from registry.runtime import open_runtime
    from registry.services.announcing import ENOUGH, REGISTER, address_of, announce, scores
    from registry.settings import Settings

    settings = Settings()
    runtime = open_runtime(settings, system_clock, check=False)
    with reading(runtime.engine) as session:
        for name, score, missing in scores(session, origin=settings.origin):
            if score < ENOUGH:
                typer.echo(f"{name}\t{score}\tlacks {', '.join(missing)}")
    runtime.engine.dispose()
    register_at = at or REGISTER
    if dry_run:
        typer.echo(f"would send {address_of(settings.origin)} to {register_at}/datasets")
        return
    told = announce(settings.origin, register_at, settings.closed_networks)
    typer.echo(told.text)
    if not told.taken:
        raise typer.Exit(1)
