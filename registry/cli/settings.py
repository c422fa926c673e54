"""`vrijgave config show`: every setting with its value and where that comes from."""

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
    import os
    from pathlib import Path

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
