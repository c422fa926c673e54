"""`vrijgave serve` keeps to what it is told."""

import socket
from pathlib import Path

import pytest

from tests.support.service import Service


def test_half_open_connections_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that never ends its headers loses its connection after the time that is set."""
    monkeypatch.setenv("VRIJGAVE_PATIENCE_SECONDS", "0.5")
    address = "127.0.0.1"
    with Service(tmp_path) as service, socket.create_connection((address, service.port)) as half:
        half.settimeout(20)
        half.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\nX-Never")
        with pytest.raises(ConnectionResetError):
            half.recv(1)
