"""``vrijgave audit witness``: cosign another party's log, so that it cannot show two histories.

For a partner archive or an auditor; it needs no registry of its own and no database server.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from registry.audit.checkpoint import SigningKey

app = typer.Typer(no_args_is_help=True, help="Witness another party's log (C2SP tlog-witness).")

Home = Annotated[Path, typer.Option(help="Folder of the witness's key and what it has seen.")]
HOME = Path("var-witness")
KEY_FILE, HEADS_FILE = "witness.key", "witness.sqlite"


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="The witness's name: an address without scheme.")],
    home: Home = HOME,
) -> None:
    """Make the witness's key where there is none yet, and print its verifier key."""
    from registry.audit.checkpoint import COSIGNATURE, SigningKey
    from registry.audit.keys import write_once

    path = home / KEY_FILE
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path, SigningKey.generate(name, COSIGNATURE).to_text() + "\n")
    typer.echo(str(_key_of(home).verifier))


@app.command()
def serve(
    log: Annotated[
        list[str], typer.Option(help="Verifier key of a log to witness; may be repeated.")
    ],
    home: Home = HOME,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8010,
) -> None:
    """Answer `POST /add-checkpoint`; put a proxy with TLS before it."""
    import uvicorn

    from registry.api.witness import witness_app
    from registry.audit.checkpoint import VerifierKey
    from registry.audit.witness import Heads, Witness
    from registry.clock import system_clock
    from registry.listening import Patient

    logs = [VerifierKey.parse(one) for one in log]
    witness = Witness(_key_of(home), logs, Heads(home / HEADS_FILE))
    app = witness_app(witness, system_clock)
    uvicorn.run(app, http=Patient, ws="none", host=host, port=port, server_header=False)


def _key_of(home: Path) -> "SigningKey":
    from registry.audit.checkpoint import SigningKey

    return SigningKey.parse((home / KEY_FILE).read_text(encoding="utf-8"))
