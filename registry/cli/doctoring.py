"""`vrijgave doctor`: what is not as it should be, why, and what to do."""

import typer

from registry.cli.options import Language


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("doctor")(doctor)


def doctor(lang: Language = "en") -> None:
    """Look at database, store, keys, log, disk and mail. Exit status 1: it cannot serve so.

    Changes nothing, and may run while the service does.
    """
    from registry.db import open_engine
    from registry.examining import ailments
    from registry.services.ports import open_files
    from registry.settings import Settings

    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.sqlalchemy_url)
    found = list(ailments(settings, engine, open_files(settings)))
    engine.dispose()
    for one in found:
        typer.echo(f"{'✗' if one.fatal else '–'} {one.what}: {one.cause.in_language(lang)}")
        typer.echo(f"    {one.fix.in_language(lang)}")
    if any(one.fatal for one in found):
        raise typer.Exit(1)
    typer.echo("Nothing keeps it from serving." if lang == "en" else "Niets staat het in de weg.")
