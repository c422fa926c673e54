"""`vrijgave serve` and `vrijgave migrate`: run the service, bring its database up to date."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("serve")(serve)
    app.command("migrate")(migrate)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    forwarded_allow_ips: Annotated[
        str, typer.Option(help="Proxies whose X-Forwarded-For is believed.")
    ] = "127.0.0.1",
) -> None:
    """Serve the site and the API until Ctrl-C; running downloads get 30 seconds to end."""
    import uvicorn

    from registry.addresses import is_loopback
    from registry.app import create_app
    from registry.listening import BACKLOG, allow_many_connections, patient
    from registry.runtime import NotReady
    from registry.settings import Settings

    settings = Settings()
    if not (settings.tls_in_front or is_loopback(host)):
        raise NotReady(
            f"listening on {host} without TLS in front would send secrets in the clear: put a proxy"
            " with TLS before the service and set VRIJGAVE_TLS_IN_FRONT=true"
        )
    allow_many_connections()
    uvicorn.run(
        create_app(settings),
        http=patient(settings.patience_seconds),
        ws="none",
        backlog=BACKLOG,
        host=host,
        port=port,
        proxy_headers=settings.tls_in_front,
        forwarded_allow_ips=forwarded_allow_ips,
        timeout_graceful_shutdown=30,
        server_header=False,
        date_header=True,
    )


def migrate() -> None:
    """Bring the database up to date; SQLite is brought so at every start."""
    from registry.runtime import bring_up_to_date
    from registry.settings import Settings

    typer.echo(bring_up_to_date(Settings()))
