"""`vrijgave lineage` and `vrijgave usage`: where data went, over HTTP, with the light install."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

if TYPE_CHECKING:
    from registry.client.http import Service

Json = Annotated[bool, typer.Option("--json", help="The service's answer as it came.")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("lineage")(lineage)
    app.command("usage")(usage)


def lineage(
    dataset: Annotated[str, typer.Option(help="Id of the dataset (ds_…) that an item is of.")] = "",
    item: Annotated[str, typer.Option(help="The item's id, as in extracts.")] = "",
    identifier: Annotated[str, typer.Option(help="Or your own identifier of it.")] = "",
    extract: Annotated[str, typer.Option(help="Instead: what this extract holds (ext_…).")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Every extract that holds an item, for whom, and what was read of it; or an extract's items.

    With `--extract` each item stands with the rights that it was cleared with, all pages at once.
    """
    from registry.client.http import Service

    if bool(dataset) == bool(extract):
        raise typer.BadParameter("give --dataset with an item, or --extract")
    with Service(server.rstrip("/"), token, lang) as service:
        if extract:
            _extract_lineage(service, extract, as_json)
            return
        asked = {"dataset_id": dataset, "item": item, "identifier": identifier}
        found = service.get("/v1/lineage/items", asked)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        _tell_received(one)


def _extract_lineage(service: "Service", extract: str, as_json: bool) -> None:
    asked = {"extract": extract, "limit": "200"}
    while True:
        found = service.get("/v1/lineage/extracts", asked)
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
        elif "cursor" not in asked:
            _tell_received(found["received"])
        for one in () if as_json else found["items"]["items"]:
            taken = f"  withdrawn {one['withdrawn_at'][:10]}" if one["withdrawn_at"] else ""
            typer.echo(f"{one['item']}  part {one['part']}  {one['rights']}{taken}")
        if not found["items"]["next_cursor"]:
            return
        asked["cursor"] = found["items"]["next_cursor"]


def _tell_received(one: dict[str, Any]) -> None:
    typer.echo(f"{one['extract_id']}  {one['agreement_id']}  {one['recipient']}")
    decided = one["decided"][:16] or "the offer's terms"
    typer.echo(f"  {one['edition']}  {one['rights']}".rstrip())
    typer.echo(f"  decided by {decided}  {one['decision_id']}")
    for name, told in (("withdrawn_at", "withdrawn"), ("stopped_at", "not given out")):
        if one[name]:
            typer.echo(f"  {told} since {one[name][:10]}")
    for reads in one["reads"]:
        typer.echo(f"  {reads['first'][:10]} {reads['last'][:10]}  {reads['accesses']} x")


def usage(
    since: Annotated[str, typer.Option(help="First day (2026-10-01), in the Netherlands.")],
    until: Annotated[str, typer.Option(help="Last day.")],
    by: Annotated[
        str, typer.Option(help="agreement, dataset, organisation, actor, environment or address.")
    ] = "agreement",
    archive: Annotated[str, typer.Option(help="Only of this archive's datasets (id).")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Accesses and bytes of a period, the most bytes first."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        asked = {"since": since, "until": until, "by": by}
        found = service.get("/v1/usage", asked | ({"archive": archive} if archive else {}))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["lines"]:
        typer.echo(f"{one['bytes']:>16,}  {one['accesses']:>8,}  {one['name']}")
    typer.echo(f"{found['bytes']:>16,}  {found['accesses']:>8,}")
