"""`make demo`: set up, run the whole job on made data, then serve the site."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from pydantic import HttpUrl

from registry.app import create_app
from registry.audit.log import open_signer
from registry.clock import system_clock
from registry.db import open_engine, transaction
from registry.demo.job import Job, Say
from registry.demo.participants import Participant, assemble, sign_in_links
from registry.errors import Conflict, Text
from registry.settings import Settings

_START_SECONDS = 30


def demonstrate(home: Path, port: int, items: int, *, serve: bool, say: Say) -> None:
    """Run the demonstration in this home folder; with ``serve``, go on until Ctrl-C."""
    started = time.perf_counter()
    origin = f"http://127.0.0.1:{port}"
    settings = Settings(home=home.absolute(), base_url=HttpUrl(origin))
    _refuse_taken(port)
    say(f"Vrijgave demonstration in {settings.home}, at {origin}")
    with _served(settings, port):
        say(f"{time.perf_counter() - started:7.2f} s  set up, database migrated, service started")
        engine = open_engine(settings.sqlalchemy_url)
        with transaction(engine) as session:
            cast = assemble(session, system_clock())
        _job(settings, cast, say).run(items)
        say(f"{time.perf_counter() - started:7.2f} s  in all")
        if serve:
            with transaction(engine) as session:
                links = sign_in_links(session, cast, system_clock())
            _invite_in(origin, cast, links, say)
            _until_interrupted(say)


def _job(settings: Settings, cast: dict[str, Participant], say: Say) -> Job:
    folder = settings.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    keys = tuple(str(open_signer(settings, use).verifier) for use in ("manifest", "audit"))
    return Job(settings.origin, cast, folder, keys, say)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise Conflict(
                "port-taken",
                Text(f"Poort {port} is in gebruik.", f"Port {port} is in use."),
                Text(
                    "Kies een andere: make demo ARGS='--port 8001'.",
                    "Choose another: make demo ARGS='--port 8001'.",
                ),
            ) from taken


@contextmanager
def _served(settings: Settings, port: int) -> Iterator[None]:
    """The real service in a thread of this process, stopped cleanly at the end."""
    config = uvicorn.Config(
        create_app(settings), host="127.0.0.1", port=port, log_level="warning", server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="service")
    thread.start()
    try:
        until = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the service did not start")
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _invite_in(origin: str, cast: dict[str, Participant], links: dict[str, str], say: Say) -> None:
    say("")
    say(f"The site:  {origin}/")
    say(f"The API:   {origin}/openapi.json")
    say("Sign in (each link works once, for a day):")
    for slug, secret in links.items():
        member = cast[slug]
        who = f"{member.seat.name}, {member.organisation.name} ({member.organisation.role})"
        say(f"  {who}\n    {origin}/sign-in/{secret}")
    say("Stop with Ctrl-C; `make demo` again goes on from here.")


def _until_interrupted(say: Say) -> None:
    """Wait for Ctrl-C or a request to end, also where whoever started us ignores Ctrl-C."""
    over = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: over.set())
    over.wait()
    say("\nStopping.")
