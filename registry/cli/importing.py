"""`vrijgave import`: take a file in, check it, and publish it; an operator's command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from registry.cli.options import Language


@contextmanager
def _progress(name: str) -> Iterator[Callable[[float], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)
        bar.update(task, completed=1.0)


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Parquet, CSV, JSON Lines or JSON.")
    ],
    mapping: Annotated[
        Path,
        typer.Option(
            "--mapping", "-m", exists=True, dir_okay=False, help="TOML, YAML or JSON file."
        ),
    ],
    dataset: Annotated[str, typer.Option(help="archive/dataset; made where there is none yet.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what it would give; store nothing.")
    ] = False,
    confirm_suggestions: Annotated[
        bool,
        typer.Option(
            "--confirm-suggestions", help="Set the terms that the licences suggest, confirmed."
        ),
    ] = False,
    automatic: Annotated[
        bool,
        typer.Option(
            "--automatic", help="With these terms, agree on clear cases without a person."
        ),
    ] = False,
    residency: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the data may be processed; may be repeated. EU where none is set."
        ),
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as an edition.")] = False,
    accept_refused: Annotated[
        bool, typer.Option("--accept-refused", help="Leaving out most of the rows is right.")
    ] = False,
    refused: Annotated[
        Path | None, typer.Option(help="File for the refused rows; FILE.refused.csv by default.")
    ] = None,
    title_nl: Annotated[str, typer.Option(help="Dutch title of a dataset that is made.")] = "",
    title_en: Annotated[str, typer.Option(help="English title of a dataset that is made.")] = "",
    lang: Language = "en",
) -> None:
    """Import a file by its mapping: rows accepted and refused with reasons, rights, what is left.

    The mapping's declarations are made in the archive's name by the operator, and so recorded.
    """
    from registry.cli.import_steps import Import, tell_report
    from registry.clock import system_clock
    from registry.runtime import open_runtime
    from registry.settings import Settings

    runtime = open_runtime(Settings(), system_clock, check=False)
    refused = refused or file.with_name(f"{file.name}.refused.csv")
    work = Import(runtime, file, mapping, dataset, refused)
    with _progress(file.name) as show:
        report = work.dry_run(show) if dry_run else work.check(show, title_nl, title_en)
    typer.echo(tell_report(report, lang))
    if report.refused:
        typer.echo(f"refused rows: {work.refused}")
    if dry_run:
        return
    if confirm_suggestions:
        work.confirm_suggestions(tuple(residency or ()), automatic=automatic)
    for gap in work.gaps():
        typer.echo(f"{'!' if gap.blocks else '-'} {gap.nl if lang == 'nl' else gap.en}")
    if publish:
        typer.echo(f"published {work.publish(accept_refused=accept_refused)}")
