"""`vrijgave environments|agreements|accept|extract`: from a yes to an extract, over HTTP."""

from typing import Annotated, Any

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

Agreement = Annotated[str, typer.Argument(help="agr_…")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    for command in (environments, agreements, accept, extract):
        app.command(command.__name__)(command)


def environments(server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """The environments in which your organisation processes, newest first."""
    for one in _listed(server, token, "/v1/environments"):
        typer.echo(f"{one['id']}  {one['country']}  {one['operator_country']}  {one['name']}")


def agreements(server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """The agreements that your organisation is a side of, newest first."""
    for one in _listed(server, token, "/v1/agreements"):
        typer.echo(f"{one['id']}  {one['state']}  until {one['valid_until'][:10]}")


def accept(
    agreement: Agreement,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; you have read it.")] = False,
) -> None:
    """Read an agreement and accept it as it was read."""
    import json

    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        read = service.get(f"/v1/agreements/{agreement}")
        typer.echo(json.dumps(read["document"], indent=2, ensure_ascii=False))
        if not yes:
            typer.confirm("Accept this agreement?", abort=True)
        done = service.post(f"/v1/agreements/{agreement}/acceptance", {"digest": read["digest"]})
    typer.echo(f"{agreement}  {done['state']}")


def extract(
    agreement: Agreement,
    column: Annotated[list[str] | None, typer.Option(help="Only these columns.")] = None,
    edition: Annotated[
        int | None, typer.Option(help="Number of a newer edition, where the agreement covers it.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """Order an extract under an agreement, and print the address to pull it from."""
    import secrets

    from registry.client.http import Service

    wanted: dict[str, Any] = {"columns": column} if column else {}
    wanted |= {"edition": edition} if edition else {}
    with Service(server.rstrip("/"), token, lang) as service:
        path = f"/v1/agreements/{agreement}/extracts"
        ordered = service.post(path, wanted, key=secrets.token_urlsafe(16))
    typer.echo(f"{server.rstrip('/')}/v1/extracts/{ordered['id']}")


def _listed(server: str, token: str | None, path: str) -> list[dict[str, Any]]:
    from registry.client.http import Service

    with Service(server.rstrip("/"), token) as service:
        items: list[dict[str, Any]] = service.get(path)["items"]
    return items
