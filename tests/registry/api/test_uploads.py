"""Files that come in: streamed to scratch, kept whole or not at all."""

import errno
import hashlib
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from registry import uploads
from tests.registry.api.world import World, csv, sha256


@pytest.fixture(scope="module")
def dataset(world: World) -> str:
    """A dataset to deliver to."""
    body = {"slug": "uploads", "title_nl": "Leveringen", "title_en": "Deliveries"}
    return str(world.archive.post("/datasets", body)["id"])


def _put(world: World, dataset: str, name: str, content: Any) -> httpx2.Response:
    path = f"/datasets/{dataset}/deliveries"
    return world.archive.http.put(path, params={"file_name": name}, content=content)


def _left(world: World) -> list[Path]:
    return list((world.home / "scratch").glob("upload-*"))


def test_a_file_is_kept_as_it_came(world: World, dataset: str) -> None:
    """Size and hash are those of the bytes sent, in however many pieces."""
    content = csv(50_000)
    pieces = (content[n : n + 70_001] for n in range(0, len(content), 70_001))
    made = _put(world, dataset, "large.csv", pieces)
    assert made.status_code == 201
    assert made.json()["bytes"] == len(content)
    assert made.json()["sha256"] == sha256(content)
    assert made.json()["format"] == "csv"
    assert _left(world) == []


def test_the_same_file_again_is_the_same_delivery(world: World, dataset: str) -> None:
    """A repeated PUT makes nothing new."""
    first, again = (_put(world, dataset, "same.csv", csv(10)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


def test_what_cannot_be_taken_is_refused_before_its_bytes(world: World, dataset: str) -> None:
    """An unknown ending or somebody else's dataset is told without reading the body."""
    assert _put(world, dataset, "items.exe", b"x").status_code == 422
    assert _put(world, "ds_" + "a" * 26, "items.csv", b"x").status_code == 404


def test_an_empty_file(world: World, dataset: str) -> None:
    """It is refused with a way out, and nothing stays."""
    answer = _put(world, dataset, "empty.csv", b"")
    assert answer.status_code == 422
    assert answer.json()["help"]
    assert _left(world) == []


def test_a_full_disk(world: World, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """507, with nothing left behind; when there is room again the same upload works."""

    class Full:
        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, _data: memoryview) -> int:
            raise OSError(errno.ENOSPC, "no space left on device")

        def close(self) -> None:
            self._file.close()

    made = uploads._Sink.__init__

    def full(self: Any, folder: Path) -> None:
        made(self, folder)
        self._file = Full(self._file)

    with monkeypatch.context() as patched:
        patched.setattr(uploads._Sink, "__init__", full)
        answer = _put(world, dataset, "full.csv", csv(10))
    assert (answer.status_code, answer.json()["code"]) == (507, "disk-full")
    assert _left(world) == []
    assert _put(world, dataset, "full.csv", csv(10)).status_code == 201


def test_a_caller_who_leaves_half_way(world: World, dataset: str) -> None:
    """Half a file is no delivery, and its bytes are gone."""
    host, _, port = world.origin.removeprefix("http://").partition(":")
    before = len(world.archive.get(f"/datasets/{dataset}/deliveries")["items"])
    with socket.create_connection((host, int(port))) as connection:
        head = (
            f"PUT /v1/datasets/{dataset}/deliveries?file_name=half.csv HTTP/1.1\r\n"
            f"Host: {host}\r\nAuthorization: Bearer {world.archive.token}\r\n"
            "Content-Length: 5000000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 2_500_000)
        time.sleep(0.3)
    until = time.monotonic() + 5
    while _left(world) and time.monotonic() < until:
        time.sleep(0.05)
    assert _left(world) == []
    assert len(world.archive.get(f"/datasets/{dataset}/deliveries")["items"]) == before


def test_refused_rows_come_back_as_a_file(world: World, dataset: str) -> None:
    """The rows that cannot be taken, with line and reason, to correct and deliver again."""
    rows = csv(20).decode().splitlines()
    rows[3] = "nr-2,unheard-of,Journaal"
    name, content = "faults.csv", "\n".join([*rows, ""]).encode()
    delivery = _put(world, dataset, name, content).json()["id"]
    assert world.check(delivery)["state"] == "checked"
    report = world.archive.get(f"/deliveries/{delivery}/report")
    assert (report["accepted"], report["refused"]) == (19, 1)
    refused = world.archive.http.get(f"/deliveries/{delivery}/refused-rows")
    assert refused.headers["content-type"].startswith("text/csv")
    assert "unheard-of" in refused.text
    assert "_reason" in refused.text.splitlines()[0]


def test_a_file_that_is_not_what_its_name_says(world: World, dataset: str) -> None:
    """Its check fails with a reason; the proposal of a mapping says the same."""
    delivery = _put(world, dataset, "false.parquet", b"PAR0 no parquet").json()["id"]
    failed = world.check(delivery)
    assert failed["state"] == "failed"
    assert failed["problem"]["nl"]
    assert world.archive.http.get(f"/deliveries/{delivery}/report").status_code == 404


class _Body:
    """A request's body in pieces of one size, as a server hands it over."""

    def __init__(self, content: bytes, size: int) -> None:
        self._pieces = [content[n : n + size] for n in range(0, len(content), size)]
        self.scope = {
            "type": "http",
            "headers": [(b"content-type", b"multipart/form-data; boundary=b")],
        }

    async def __call__(self) -> dict[str, Any]:
        body = self._pieces.pop(0) if self._pieces else b""
        return {"type": "http.request", "body": body, "more_body": bool(self._pieces)}


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_a_form_with_a_file(tmp_path: Path, size: int) -> None:
    """Fields and file come out the same however the bytes are cut into pieces."""
    import anyio
    from starlette.requests import Request

    content = bytes(range(256)) * 20
    form = (
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nh\xc3\xa9\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + content + b"\r\n--b--\r\n"
    )
    body = _Body(form, size)
    request = Request(body.scope, body)

    async def receive() -> tuple[dict[str, str], uploads.Upload | None]:
        return await uploads.receive_form(request, tmp_path, 10_000)

    fields, upload = anyio.run(receive)
    assert fields == {"note": "hé"}
    assert upload is not None
    assert (upload.file_name, upload.bytes) == ("a.csv", len(content))
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert upload.path.read_bytes() == content


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """A scratch file that grew within the hour stays; an older one goes."""
    old, young, other = (tmp_path / name for name in ("upload-a", "upload-b", "extract-c"))
    for path in (old, young, other):
        path.write_bytes(b"x")
    now = datetime.now(UTC)
    for path in (old, other):
        os.utime(path, (now.timestamp() - 4000,) * 2)
    assert uploads.sweep_uploads(tmp_path, now) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extract-c", "upload-b"]
