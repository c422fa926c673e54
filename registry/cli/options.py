"""Options that several commands share."""

from typing import Annotated, Literal

import typer

Language = Annotated[
    Literal["nl", "en"], typer.Option("--lang", help="Language of reasons and results.")
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="VRIJGAVE_TOKEN",
        help="Access token; better in the variable VRIJGAVE_TOKEN than on the command line.",
    ),
]
Server = Annotated[
    str,
    typer.Option(envvar="VRIJGAVE_SERVER", help="Address of the service."),
]
DEFAULT_SERVER = "http://127.0.0.1:8000"
