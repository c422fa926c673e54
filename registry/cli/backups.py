"""`vrijgave backup`, `restore` and `reopen`: everything of a service, out and in again."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from registry.cli.options import Language

Folder = Annotated[Path, typer.Argument(help="Folder of the backup.")]


class _MakeFirst(TyperGroup):
    """`vrijgave backup DIR` makes one; what is no command's name is a folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["make", *args]
        return super().parse_args(ctx, args)


backup = typer.Typer(
    no_args_is_help=True,
    cls=_MakeFirst,
    help="Copy database, log, keys and files, as of one moment: `vrijgave backup DIR`.",
)


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.add_typer(backup, name="backup")
    app.command("restore")(restore)
    app.command("reopen")(reopen)


@backup.command()
def make(folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist.")]) -> None:
    """Make a backup, also while the service runs; it holds the keys: keep it as you keep them."""
    from registry.clock import system_clock
    from registry.runtime import open_runtime
    from registry.services.backups.taking import take
    from registry.settings import Settings

    settings = Settings()
    runtime = open_runtime(settings, system_clock, check=False)
    made = take(settings, runtime.engine, runtime.ports.store, folder, at=system_clock())
    runtime.engine.dispose()
    _tell(folder, made)


@backup.command()
def verify(folder: Folder, lang: Language = "en") -> None:
    """Check a backup on any machine: every file, row and entry. Exit status 1: it is not whole."""
    from registry.services.backups.verifying import verify as check

    found = check(folder)
    _tell(folder, found.manifest)
    for one in found.findings:
        typer.echo(f"✗ {one.subject}: {one.text.in_language(lang)}")
    if not found.ok:
        raise typer.Exit(1)
    typer.echo("whole: it can be restored")


def restore(folder: Folder) -> None:
    """Put a backup back into an empty home, database and store; it serves only after `reopen`."""
    from registry.db import open_engine
    from registry.services.backups.restoring import restore as put_back
    from registry.services.ports import open_files
    from registry.settings import Settings

    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.sqlalchemy_url)
    made = put_back(settings, engine, open_files(settings), folder)
    engine.dispose()
    _tell(folder, made)
    typer.echo("It serves nothing until `vrijgave reopen` tells it what came after the backup.")


def reopen(
    later: Annotated[
        Path | None, typer.Option("--log", help="A later export of the whole log.")
    ] = None,
    nothing_later: Annotated[
        bool, typer.Option("--nothing-later", help="State that nothing came after the backup.")
    ] = False,
    withdrawn: Annotated[
        Path | None,
        typer.Option(help="CSV of items closed later: dataset, and item or identifier."),
    ] = None,
) -> None:
    """End again what was ended after the backup, record that, and let the service serve."""
    from registry.clock import system_clock
    from registry.db import open_engine
    from registry.services.backups.reopening import reopen as catch_up
    from registry.settings import Settings

    if (later is None) is not nothing_later:
        raise typer.BadParameter("give either --log FILE or --nothing-later")
    settings = Settings()
    engine = open_engine(settings.sqlalchemy_url)
    done = catch_up(settings, engine, later, withdrawn, at=system_clock())
    engine.dispose()
    typer.echo(
        f"{done.taken_in:,} entries put back, {done.repeated:,} acts repeated,"
        f" {done.closed:,} items closed: the service may be started"
    )


def _tell(folder: Path, made: Any) -> None:
    stored = sum(one.bytes for one in made.held)
    typer.echo(
        f"{folder}: {made.made_at:%Y-%m-%d %H:%M} UTC, log `{made.origin}` of {made.size:,}"
        f" entries, {len(made.held):,} files, {stored:,} bytes"
    )
