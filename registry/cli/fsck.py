"""`vrijgave fsck`: hold rows, files and log to each other."""

from typing import Annotated, Literal

import typer


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("fsck")(fsck)


def fsck(
    lang: Annotated[Literal["nl", "en"], typer.Option("--lang", help="Language.")] = "en",
) -> None:
    """Check all that is stored: every row, entry and file. Exit status 1: something is wrong.

    Changes nothing, and may run while the service does.
    """
    from registry.audit.log import open_head_store
    from registry.clock import system_clock
    from registry.runtime import open_runtime
    from registry.services.fsck import fsck as check
    from registry.services.fsck.findings import WORDS
    from registry.settings import Settings

    settings = Settings()
    runtime = open_runtime(settings, system_clock, check=False)
    done = check(
        runtime.engine, runtime.ports.store, runtime.log_key.verifier, open_head_store(settings)
    )
    for promise, words in WORDS.items():
        broken = [one for one in done.findings if one.promise is promise]
        typer.echo(f"{words.in_language(lang)}: {done.checked.get(promise, 0):,}, {len(broken)} ✗")
        for one in broken:
            typer.echo(f"  ✗ {one.subject}: {one.text.in_language(lang)}")
    runtime.engine.dispose()
    if not done.ok:
        raise typer.Exit(1)
