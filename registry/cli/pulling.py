"""`vrijgave pull`: get an extract whole and checked; over HTTP, with the light install."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli.options import Language, Token

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("pull")(pull)


def pull(
    address: Annotated[str, typer.Argument(help="Address of the extract: https://…/v1/extracts/…")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
    token: Token = None,
    key: Annotated[
        str | None,
        typer.Option(help="The service's verifier key, obtained elsewhere (name+id+base64)."),
    ] = None,
    lang: Language = "en",
) -> None:
    """Download an extract, resuming where it stopped, and check hashes and signature.

    A file under its own name is whole and checked; run the same command again after any failure.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from registry.client.http import Service
    from registry.client.pull import pull as bring
    from registry.client.pull import split_address

    origin, extract_id = split_address(address)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True)
    with Service(origin, token, lang) as service, Progress(*columns, console=console) as bar:
        done = bring(service, extract_id, out, _Bar(bar), key=key)
    typer.echo(
        f"{len(done.files)} file(s), {done.rows} rows in {done.folder}:"
        f" hashes and manifest verified, signed by {done.signed_by}"
    )


class _Bar:
    """Shows the progress; one line a part."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def waiting(self, percent: int) -> None:
        self._show("making the extract", percent, 100)

    def part(self, name: str, there: int, of: int) -> None:
        self._show(name, there, of)

    def _show(self, name: str, completed: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=completed, total=total)
