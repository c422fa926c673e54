"""`vrijgave ledger|withdraw|withdrawals|notices|receipt|difference`: rights of items, over HTTP."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

DatasetId = Annotated[str, typer.Argument(help="ds_…")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    for command in (ledger, withdraw, withdrawals, notices, receipt, difference):
        app.command(command.__name__)(command)


def ledger(
    dataset: DatasetId,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="CSV of lines to enter.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """Show the newest lines of a dataset's rights ledger, or enter a CSV file of lines."""
    from registry.client.http import Service

    path = f"/v1/datasets/{dataset}/ledger"
    with Service(server.rstrip("/"), token, lang) as service:
        if file is not None:
            made = service.put(path, file.read_text("utf-8-sig"), "text/csv")
            typer.echo(f"moment {made['number']}: {made['lines']} lines")
            return
        for one in service.get(path)["items"]:
            typer.echo(f"{one['id']}  {one['kind']}  {one['item']}  {one['rightsholder']}")


def withdraw(
    dataset: DatasetId,
    reason: Annotated[str, typer.Option(help="Recipients read it.")],
    identifier: Annotated[list[str] | None, typer.Option(help="Your own identifier.")] = None,
    rightsholder: Annotated[str, typer.Option(help="All items of this rightsholder.")] = "",
    days: Annotated[int, typer.Option(min=1, max=90, help="Days to remove them.")] = 14,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """Take items back from everyone, at once and for good."""
    import secrets

    from registry.client.http import Service

    body: dict[str, Any] = {
        "identifiers": identifier or [],
        "rightsholder": rightsholder,
        "reason": reason,
        "days": days,
    }
    with Service(server.rstrip("/"), token, lang) as service:
        path = f"/v1/datasets/{dataset}/withdrawals"
        made = service.post(path, body, key=secrets.token_urlsafe(16))
    typer.echo(f"{made['id']}  {made['items']} items  due {made['due_at'][:10]}")


def withdrawals(
    withdrawal: Annotated[str | None, typer.Argument(help="wd_…")] = None,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Your archive's withdrawals, or who was told of one and what came back."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token) as service:
        if withdrawal is None:
            for one in service.get("/v1/withdrawals")["items"]:
                typer.echo(f"{one['id']}  {one['at'][:19]}  {one['items']} items  {one['reason']}")
            return
        found = service.get(f"/v1/withdrawals/{withdrawal}")
    typer.echo(f"{found['id']}  stopped {found['stopped_at'] or 'under way'}")
    for one in found["notices"]:
        answer = one["receipt"] or "no receipt yet"
        typer.echo(f"{one['id']}  {one['organisation_name']}  {one['items']} items  {answer}")


def notices(server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """Items that your organisation is asked to remove, and by when."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token) as service:
        for one in service.get("/v1/notices")["items"]:
            answer = one["receipt"] or f"due {one['due_at'][:10]}"
            typer.echo(f"{one['id']}  {one['items']} items  {answer}")


def receipt(
    notice: Annotated[str, typer.Argument(help="ntc_…")],
    done: Annotated[str, typer.Argument(help="removed, not_held or removed_but_trained")],
    remark: Annotated[str, typer.Option(help="Which models, when trained: a declaration.")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """Say what was done with items that were withdrawn."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        said = {"receipt": done, "remark": remark}
        made = service.post(f"/v1/notices/{notice}/receipt", said)
    typer.echo(f"{made['id']}  {made['receipt']}")


def difference(
    dataset: Annotated[str, typer.Argument(help="archive/dataset")],
    before: Annotated[int, typer.Argument(help="Number of the earlier edition.")],
    after: Annotated[int, typer.Argument(help="Number of the later edition.")],
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """What changed between two editions, as JSON."""
    from registry.client.http import Service

    archive, _, name = dataset.partition("/")
    with Service(server.rstrip("/"), token) as service:
        path = f"/v1/archives/{archive}/datasets/{name}/difference"
        found = service.get(path, {"before": str(before), "after": str(after)})
    typer.echo(json.dumps(found, indent=2))
