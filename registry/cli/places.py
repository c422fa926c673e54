"""`vrijgave places`: archives' own buckets, read where they stand; the operator's commands."""

import typer

places = typer.Typer(no_args_is_help=True, help="Archives' own buckets, read where they stand.")


def add_to(app: typer.Typer) -> None:
    """Mount the group."""
    app.add_typer(places, name="places")


@places.command("list")
def list_places() -> None:
    """Every place that is set up: its archive, address and country; never its keys."""
    from registry.settings import Settings

    for name, place in sorted(Settings().places.items()):
        typer.echo(f"{name}\t{place.archive}\t{place.url}\t{place.country}")


@places.command()
def check() -> None:
    """Read every registered file where it stands; ends with 1 where one is not as it was.

    A place of which no file is registered yet is asked for a list of its files instead.
    """
    from registry.clock import system_clock
    from registry.db import reading
    from registry.runtime import open_runtime
    from registry.services.places import check_left, check_unused
    from registry.settings import Settings

    runtime = open_runtime(Settings(), system_clock, check=False)
    wrong = 0
    with reading(runtime.engine) as session:
        unused = check_unused(session, runtime.settings)
        left = check_left(session, runtime.settings, system_clock())
        for found, good in ((unused, "answers"), (left, "as registered")):
            for name, problem in found:
                typer.echo(f"{name}\t{problem or good}")
                wrong += bool(problem)
    runtime.engine.dispose()
    if wrong:
        raise typer.Exit(1)
