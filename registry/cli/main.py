"""`vrijgave`: mounts the groups, and ends every command in plain words and a stated exit status.

Exit statuses: 0 done, 1 could not be done, 2 wrong usage, 3 refused by the service, 4 not what was
signed, 5 service unreachable, 6 the extract was not made, 130 stopped with Ctrl-C.
"""

import importlib
import sys

import typer

from registry.client.errors import ClientError

app = typer.Typer(
    name="vrijgave",
    help="Registry and clearing house for rights-cleared media datasets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)

COMMANDS = (
    "demo",
    "serve",
    "importing",
    "organisations",
    "seats",
    "tokens",
    "settings",
    "asking",
    "agreeing",
    "pulling",
    "ledgers",
    "tracing",
    "places",
    "catalogue",
    "fsck",
    "backups",
    "doctoring",
)
"""Modules of this package whose `add_to(app)` adds commands to the top."""
GROUPS = {"audit": "audit", "policy": "policy", "search": "searching"}
"""Groups and the module that holds each one's `app`."""

OURS = {"registry", "catalog", "connectors", "policies"}


def _mount() -> None:
    for name in COMMANDS:
        importlib.import_module(f"registry.cli.{name}").add_to(app)
    for group, name in GROUPS.items():
        try:
            app.add_typer(importlib.import_module(f"registry.cli.{name}").app, name=group)
        except ModuleNotFoundError as absent:
            if (absent.name or "").partition(".")[0] in OURS:
                raise
            # A reader's light install lacks the libraries of this group.


_mount()


def main() -> None:
    """Run the command line; a known problem is one or two lines on standard error, no trace."""
    try:
        status = app(standalone_mode=False)
    except ClientError as problem:
        status = _tell(problem.sentence, problem.way_out, problem.exit_status)
    except (KeyboardInterrupt, typer.Abort):
        status = _tell("Stopped.", "", 130)
    except Exception as problem:  # noqa: BLE001 -- the last place where anything can be told
        status = _tell_other(problem)
    sys.exit(status)


def _tell(sentence: str, way_out: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    if way_out:
        print(way_out, file=sys.stderr)
    return status


def _tell_other(problem: Exception) -> int:
    """Problems of the libraries and of the operator's commands, whose classes are heavy."""
    if hasattr(problem, "format_message"):  # wrong usage, as Click says it
        print(f"Error: {problem.format_message()}", file=sys.stderr)
        return int(getattr(problem, "exit_code", 2))
    errors = sys.modules.get("registry.errors")
    if errors is not None and isinstance(problem, errors.RegistryError):
        return _tell(problem.text.en, problem.help.en, 1)
    connectors = sys.modules.get("connectors.errors")
    if connectors is not None and isinstance(problem, connectors.ConnectorError):
        return _tell(problem.en, "", 1)
    runtime = sys.modules.get("registry.runtime")
    if runtime is not None and isinstance(problem, runtime.NotReady):
        return _tell(str(problem), "", 1)
    database = sys.modules.get("sqlalchemy.exc")
    if database is not None and isinstance(problem, database.OperationalError):
        return _tell(
            f"The database cannot be used now: {problem.orig}.",
            "See that it is running and that its disk has room, then run the command again.",
            1,
        )
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(problem, pydantic.ValidationError):
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problem.errors())
        return _tell("\n".join(wrong), "", 2)
    raise problem
