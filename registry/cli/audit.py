"""``vrijgave audit``: check proof on any machine; take proof out of the service on its own.

``verify`` needs neither the service nor its libraries, only ``cryptography``.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registry.audit.population_check import drawn, told
from registry.audit.populations import LARGEST_SAMPLE
from registry.audit.verifying import NOT_AS_SIGNED, exit_status, verify_file
from registry.cli import reviewing, taking, witness
from registry.cli.options import DEFAULT_SERVER, Language, Server, Token
from registry.errors import RegistryError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from registry.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The tamper-evident log: check it, take proof of it.")
app.add_typer(witness.app, name="witness")
taking.add_to(app)
reviewing.add_to(app)

Kind = Literal["requests", "decisions", "agreements", "accesses", "withdrawals"]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write, instead of stdout.")]


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An export, a receipt or a checkpoint.")],
    key: Annotated[
        list[str],
        typer.Option(help="The log's verifier key, or a file with one a line; may be repeated."),
    ],
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint you hold already; may be repeated.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Which witnesses there must be (C2SP tlog-policy).")
    ] = None,
    lang: Language = "en",
) -> None:
    """Check an export, a receipt or a checkpoint, offline.

    Exit status 0: all is as it was signed; 1: it is not; 2: it could not be checked.
    """
    with _told(lang):
        good, sentences = verify_file(file, key, checkpoint or [], lang, policy)
        typer.echo("\n".join(sentences))
        if not good:
            raise typer.Exit(NOT_AS_SIGNED)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write; must not exist.")],
    archive: Annotated[
        str | None,
        typer.Option(help="Only this archive's entries in full (id); the others as hashes."),
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="Index of the first entry.")] = 0,
    lang: Language = "en",
) -> None:
    """Write the log to a file that `vrijgave audit verify` checks; this is itself recorded."""
    from registry.audit.taking import take_export

    with _told(lang), _service() as (settings, engine):
        made = take_export(settings, engine, out, archive, first)
    typer.echo(
        f"{made.entries:,} of {made.size - made.first:,} entries, up to {made.size:,}: {out}"
    )


@app.command()
def population(
    out: Annotated[Path, typer.Argument(help="File to write; must not exist.")],
    archive: Annotated[str, typer.Option(help="Whose entries (id).")],
    kind: Annotated[Kind, typer.Option(help="Which sort of entries.")],
    since: Annotated[str, typer.Option(help="First day (2026-10-01), in the Netherlands.")],
    until: Annotated[str, typer.Option(help="Last day.")],
    sample: Annotated[int, typer.Option(help="How many to draw at random.")] = 0,
    seed: Annotated[str, typer.Option(help="What to draw with; made where none is given.")] = "",
    lang: Language = "en",
) -> None:
    """All entries of one sort in a period, with proof that none is missing; itself recorded."""
    from registry.cli.populations import take

    with _told(lang), _service() as (settings, engine):
        wanted = {"archive": archive, "kind": kind, "since": since, "until": until}
        report = take(settings, engine, out, {**wanted, "sample": sample, "seed": seed})
    typer.echo(f"{told(report).in_language(lang)} {out}")


@app.command()
def sample(
    file: Annotated[Path, typer.Argument(help="A population (.population.zip).")],
    seed: Annotated[str, typer.Option(help="What to draw with.")],
    size: Annotated[int, typer.Option(min=1, max=LARGEST_SAMPLE, help="How many to draw.")],
    lang: Language = "en",
) -> None:
    """Draw at random from a population, offline: the same seed gives the same entries anywhere."""
    with _told(lang):
        sys.stdout.writelines(drawn(file, seed, size))


@app.command()
def checkpoint(out: Out = None, lang: Language = "en") -> None:
    """Print the checkpoint published last; keep one elsewhere to find a rewritten log later."""
    from registry.audit.taking import last_note

    with _told(lang), _service() as (settings, engine):
        _give(last_note(settings, engine), out)


@app.command()
def receipt(
    entry: Annotated[str, typer.Argument(help="Id of the audit entry.")],
    out: Out = None,
    lang: Language = "en",
) -> None:
    """Print the receipt (C2SP tlog-proof) of one entry."""
    from registry.audit.taking import take_receipt

    with _told(lang), _service() as (settings, engine):
        _give(take_receipt(settings, engine, entry), out)


@app.command()
def key(
    out: Out = None,
    former: Annotated[
        bool, typer.Option("--former", help="Also the keys that it signed with before.")
    ] = False,
    lang: Language = "en",
) -> None:
    """Print the log's verifier key, to be published where the log itself is not."""
    from registry.audit.keys import open_signer
    from registry.audit.taking import former_keys

    with _told(lang), _service() as (settings, engine):
        keys = [str(open_signer(settings).verifier), *(former_keys(engine) if former else [])]
        _give("".join(f"{one}\n" for one in keys), out)


@app.command("rotate-key")
def rotate_key(lang: Language = "en") -> None:
    """Replace the log's key; the old one signs its successor. Start the service again after it."""
    from registry.audit.taking import rotate_key

    with _told(lang), _service() as (settings, engine):
        typer.echo(str(rotate_key(settings, engine)))


@app.command()
def check(lang: Language = "en") -> None:
    """Hold the whole stored log to what was signed: every entry, number, tile and root."""
    from registry.audit.keys import open_head_store, open_signer
    from registry.audit.log import check_log

    with _told(lang), _service() as (settings, engine):
        last = check_log(engine, open_signer(settings).verifier, open_head_store(settings))
        typer.echo(f"{last.size if last else 0:,} entries are as they were signed")


@app.command()
def replay(
    decision: Annotated[str, typer.Argument(help="dec_… or ext_…")],
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    now: Annotated[
        bool, typer.Option("--now", help="Also how today's offer would answer the same question.")
    ] = False,
) -> None:
    """Make a decision again, over HTTP. Exit status 1: it is not as it was."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        done = service.post(f"/v1/decisions/{decision}/replays", {})
        typer.echo(f"identical: {done['identical']}  (entry {done['entry_id']})")
        if now:
            answer = service.get(f"/v1/decisions/{decision}/what-if")
            typer.echo(f"then {answer['before']}  now {answer['after']}")
    if not done["identical"]:
        typer.echo(f"differs: {', '.join(done['differences'])}", err=True)
        raise typer.Exit(NOT_AS_SIGNED)


@app.command()
def invite(
    organisation: Annotated[str, typer.Argument(help="Name of the auditor's organisation.")],
    person: Annotated[str, typer.Option(help="Name of the person.")],
    email: Annotated[str, typer.Option(help="Address of that person.")],
    days: Annotated[int, typer.Option(min=1, max=400, help="For how long.")] = 90,
    archive: Annotated[
        str | None, typer.Option(help="Only this archive's part of the log (id).")
    ] = None,
    lang: Language = "en",
) -> None:
    """Let an auditor read the log for a time, and print a sign-in address (operator)."""
    from registry.clock import system_clock
    from registry.db import transaction
    from registry.services.accounts import link_for
    from registry.services.mandates import InviteAuditor, invite_auditor

    with _told(lang), _service() as (settings, engine), transaction(engine) as session:
        at = system_clock()
        command = InviteAuditor(
            organisation_name=organisation, person_name=person, email=email, days=days
        )
        mandate, seat = invite_auditor(session, None, command, at=at, archive=archive)
        secret = link_for(session, seat, at=at)
    typer.echo(f"{mandate.id}  until {mandate.until:%Y-%m-%d}")
    typer.echo(f"{settings.origin}/sign-in/{secret}")


def _give(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


@contextmanager
def _service() -> "Iterator[tuple[Settings, Engine]]":
    from registry.db import open_engine
    from registry.settings import Settings

    settings = Settings()
    engine = open_engine(settings.sqlalchemy_url)
    try:
        yield settings, engine
    finally:
        engine.dispose()


@contextmanager
def _told(lang: str) -> Iterator[None]:
    """Say in one or two sentences what went wrong, in the language asked for."""
    try:
        yield
    except RegistryError as problem:
        help_ = problem.help.in_language(lang)
        typer.echo(f"{problem.text.in_language(lang)} {help_}".rstrip(), err=True)
        raise typer.Exit(exit_status(problem)) from None
