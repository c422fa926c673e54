"""`vrijgave lineage` and `vrijgave usage`: where data went, over HTTP, with the light install."""

import json
from typing import Annotated

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

Json = Annotated[bool, typer.Option("--json", help="The service's answer as it came.")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("lineage")(lineage)
    app.command("usage")(usage)


def lineage(
    dataset: Annotated[str, typer.Option(help="Id of the dataset (ds_…).")],
    item: Annotated[str, typer.Option(help="The item's id, as in extracts.")] = "",
    identifier: Annotated[str, typer.Option(help="Or your own identifier of it.")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Every extract that holds an item, for whom, and what was read of it."""
    from registry.client.http import Service

    asked = {"dataset_id": dataset, "item": item, "identifier": identifier}
    with Service(server.rstrip("/"), token, lang) as service:
        found = service.get("/v1/lineage/items", asked)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        typer.echo(f"{one['extract_id']}  {one['agreement_id']}  {one['recipient']}")
        typer.echo(f"  {one['edition']}  {one['rights']}")
        for reads in one["reads"]:
            typer.echo(f"  {reads['first'][:10]} {reads['last'][:10]}  {reads['accesses']} x")


def usage(
    since: Annotated[str, typer.Option(help="First day (2026-10-01), in the Netherlands.")],
    until: Annotated[str, typer.Option(help="Last day.")],
    by: Annotated[
        str, typer.Option(help="agreement, dataset, organisation, actor, environment or address.")
    ] = "agreement",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Accesses and bytes of a period, the most bytes first."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        found = service.get("/v1/usage", {"since": since, "until": until, "by": by})
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["lines"]:
        typer.echo(f"{one['bytes']:>16,}  {one['accesses']:>8,}  {one['name']}")
    typer.echo(f"{found['bytes']:>16,}  {found['accesses']:>8,}")
