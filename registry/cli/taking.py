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
    app.command("take-export")(take_export)
    app.command("take-population")(take_population)
    app.command("take-receipt")(take_receipt)


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

    body = _said(since=since, until=until, archive=archive)
    with Service(server.rstrip("/"), token, lang) as service:
        size = take_file(service, "/v1/audit/processing-log", body, out)
    typer.echo(f"{out}  {size:,} bytes")


def take_export(
    out: NewFile,
    archive: Annotated[str, typer.Option(help="Only this archive's entries in full (id).")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """The log over HTTP, for auditors and archives; `vrijgave audit verify` checks it offline."""
    from registry.client.files import take_file
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        size = take_file(service, "/v1/audit/exports", _said(archive=archive), out)
    typer.echo(f"{out}  {size:,} bytes")


def take_population(
    out: NewFile,
    kind: Annotated[str, typer.Option(help="Which sort of entries, such as accesses.")],
    since: Annotated[str, typer.Option(help="First day (2026-10-01), in the Netherlands.")],
    until: Annotated[str, typer.Option(help="Last day.")],
    archive: Annotated[str, typer.Option(help="Whose entries (id).")] = "",
    sample: Annotated[int, typer.Option(help="How many to draw at random.")] = 0,
    seed: Annotated[str, typer.Option(help="What to draw with; made where none is given.")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """All entries of one sort in a period over HTTP, with proof that none is missing."""
    from registry.client.files import take_file
    from registry.client.http import Service

    days = {"kind": kind, "since": since, "until": until}
    body = {**days, "sample": sample, **_said(archive=archive, seed=seed)}
    with Service(server.rstrip("/"), token, lang) as service:
        size = take_file(service, "/v1/audit/populations", body, out)
    typer.echo(f"{out}  {size:,} bytes")


def take_receipt(
    about: Annotated[str, typer.Argument(help="dec_…, ext_… or the id of an audit entry.")],
    out: NewFile,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """The proof that a decision, an extract or an entry is in the log, over HTTP."""
    from registry.client.files import keep
    from registry.client.http import Service

    where = "decisions" if about.startswith(("dec_", "ext_")) else "audit/entries"
    with Service(server.rstrip("/"), token, lang) as service:
        receipt = service.text(f"/v1/{where}/{about}/receipt")
    typer.echo(f"{out}  {keep([receipt.encode()], out):,} bytes")


def _said(**values: str) -> dict[str, str]:
    """What was given on the command line."""
    return {name: value for name, value in values.items() if value}
