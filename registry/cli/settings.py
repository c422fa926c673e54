"""`vrijgave config`: every setting with its value and where that comes from; whether all hold."""

import os
from difflib import get_close_matches
from pathlib import Path

import typer

config = typer.Typer(no_args_is_help=True, help="The service's settings.")

SECRET = {"database_url"}
"""Settings whose value may hold a password."""


def add_to(app: typer.Typer) -> None:
    """Mount the group."""
    app.add_typer(config, name="config")


@config.command()
def show() -> None:
    """Every setting, its value and its source; passwords are masked."""
    from registry.settings import Settings

    settings = Settings()
    for name, field in Settings.model_fields.items():
        value = masked(name, str(getattr(settings, name)))
        typer.echo(f"VRIJGAVE_{name.upper()}={value}  ({_source(name)})\n    {field.description}")


@config.command()
def check() -> None:
    """Whether every setting can be used, and none is misspelt. Exit status 1 or 2: not so."""
    from registry.settings import Settings

    Settings()
    unknown = [name for name in _given() if name not in {*_names(), *_OTHERS}]
    for name in unknown:
        near = get_close_matches(name, _names(), 1, cutoff=0.85)
        typer.echo(f"{name} is no setting{f': is {near[0]} meant?' if near else ''}", err=True)
    if unknown:
        raise typer.Exit(1)
    typer.echo("every setting can be used")


_OTHERS = ("VRIJGAVE_SECRETS_DIR", "VRIJGAVE_SERVER", "VRIJGAVE_TOKEN")
"""Variables that commands read besides the settings."""


def _names() -> list[str]:
    from registry.settings import Settings

    return [f"VRIJGAVE_{name.upper()}" for name in Settings.model_fields]


def _given() -> list[str]:
    """What the environment and the secrets folder call settings."""
    folder = os.environ.get("VRIJGAVE_SECRETS_DIR")
    files = [file.name for file in Path(folder).iterdir()] if folder else []
    named = {name.upper() for name in (*os.environ, *files)}
    return sorted(name for name in named if name.startswith("VRIJGAVE_"))


@config.callback()
def _group() -> None:
    """The service's settings."""


def masked(name: str, value: str) -> str:
    """The value without what is secret in it: the password of a database's address."""
    if name not in SECRET or not value:
        return value
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(value).render_as_string(hide_password=True)
    except ArgumentError:
        return "***"


def _source(name: str) -> str:
    variable = f"VRIJGAVE_{name.upper()}"
    if variable in {key.upper() for key in os.environ}:
        return "environment"
    if f"{variable}_FILE" in {key.upper() for key in os.environ}:
        return "file"
    folder = os.environ.get("VRIJGAVE_SECRETS_DIR")
    if folder and any(
        file.name.upper() == variable for file in Path(folder).iterdir() if file.is_file()
    ):
        return "secrets folder"
    return "default"
