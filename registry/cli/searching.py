"""`vrijgave search`: find datasets over HTTP, with the light install; make the index anew."""

import json
from typing import Annotated, Any

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server

app = typer.Typer(help="Find datasets; make the search index anew.", no_args_is_help=True)


@app.command("find")
def find(
    words: Annotated[list[str], typer.Argument(help="Words that a dataset must have.")],
    use: Annotated[str | None, typer.Option(help="Only what this use opens: train.gen, …")] = None,
    user_class: Annotated[
        str, typer.Option(help="commercial, research, heritage, …")
    ] = "commercial",
    country: Annotated[str | None, typer.Option(help="Where you process (ISO 3166-1).")] = None,
    operator_country: Annotated[
        str | None, typer.Option(help="Jurisdiction of the operator's ultimate parent.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most datasets to show.")] = 20,
    server: Server = DEFAULT_SERVER,
    lang: Language = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The answer as it came.")] = False,
) -> None:
    """Find datasets by words, and by what one may do with them. Needs no account."""
    from registry.client.http import Service

    asked = {"q": " ".join(words), "limit": limit, "use": use, "user_class": user_class}
    asked |= {"country": country, "operator_country": operator_country}
    query = {name: str(value) for name, value in asked.items() if value is not None}
    with Service(server.rstrip("/"), None, lang) as service:
        found = service.get("/v1/search", query)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else _told(found, lang))


def _told(found: Any, lang: str) -> str:
    lines = [f"{found['total']} dataset(s)"]
    if found["similar"]:
        lines.append("No dataset has these words as written; these are like it.")
    if not found["searched"]:
        lines.append("The index is being made: these are the newest datasets, whatever was asked.")
    for one in found["items"]:
        edition = one["edition"]
        name = edition["reference"] if edition else one["name"]
        lines.append(f"{name}: {one['title'][lang]} ({one['archive_name']})")
    return "\n".join(lines)


@app.command("rebuild")
def rebuild() -> None:
    """Make the search index anew from the database; the service may run and goes on searching."""
    from registry.clock import system_clock
    from registry.runtime import open_runtime
    from registry.services.indexing import rebuild as make
    from registry.settings import Settings

    runtime = open_runtime(Settings(), system_clock, check=False)
    made = make(runtime.engine, runtime.search, runtime.clock, wait=True)
    runtime.engine.dispose()
    if made is not None:
        typer.echo(f"{made.searcher.num_docs:,} dataset(s) in the new index")
