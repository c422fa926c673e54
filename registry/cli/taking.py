"""Commands that take proof out of a service over HTTP, with the light install."""

from pathlib import Path
from typing import Annotated

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

NewFile = Annotated[Path, typer.Argument(help="File to write; must not exist.")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("pack")(pack)
    app.command("processing-log")(processing_log)


def pack(
    about: Annotated[str, typer.Argument(help="agr_… for an agreement, dec_… for a case.")],
    out: NewFile,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """All that proves one agreement or case, signed, in one file; this is itself recorded.

    JSON, HTML, PDF and receipts; `vrijgave audit verify` checks it offline, with both keys that
    stand under /v1/keys.
    """
    from registry.client.files import take_file
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        size = take_file(service, f"/v1/audit/packs/{about}?lang={lang}", {}, out)
    typer.echo(f"{out}  {size:,} bytes")


def processing_log(
    out: NewFile,
    since: Annotated[str, typer.Option(help="First day (2026-10-01), in the Netherlands.")] = "",
    until: Annotated[str, typer.Option(help="Last day.")] = "",
    archive: Annotated[str, typer.Option(help="Whose entries (id).")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """The log of processing (Logboek Dataverwerkingen), joined to the log by entry id."""
    from registry.client.files import take_file
    from registry.client.http import Service

    said = {"since": since, "until": until, "archive": archive}
    body = {name: value for name, value in said.items() if value}
    with Service(server.rstrip("/"), token, lang) as service:
        size = take_file(service, "/v1/audit/processing-log", body, out)
    typer.echo(f"{out}  {size:,} bytes")
