"""Getting an extract whole: resume, hashes, signature, refusals in plain words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry.client import pull as pulling
from registry.client.errors import NotVerified, Refused, Unreachable
from registry.client.http import Service
from registry.client.pull import Pulled, pull, split_address
from tests.registry.api.world import sha256
from tests.registry.client.conftest import Reader


class Told:
    """Keeps what was told of the progress."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, int, int]] = []

    def waiting(self, percent: int) -> None:
        """Not asked about."""

    def part(self, name: str, there: int, of: int) -> None:
        """Keep it."""
        self.parts.append((name, there, of))


def _pull(reader: Reader, folder: Path, told: Told | None = None, **options: Any) -> Pulled:
    with Service(reader.world.origin, options.pop("token", reader.token)) as service:
        return pull(
            service, reader.extract["id"], folder, told or Told(), sleep=lambda _: None, **options
        )


def test_whole_and_verified(reader: Reader, tmp_path: Path) -> None:
    """Every part is there with the signed hash; manifest and note lie beside them."""
    told = Told()
    done = _pull(reader, tmp_path, told)
    part = reader.extract["parts"][0]
    assert [file.name for file in done.files] == ["part-1.parquet"]
    assert sha256(done.files[0].read_bytes()) == part["sha256"]
    assert (done.rows, done.fetched) == (reader.extract["rows"], part["bytes"])
    assert told.parts[-1] == ("part-1.parquet", part["bytes"], part["bytes"])
    assert json.loads((tmp_path / "manifest.json").read_text())["extract"] == reader.extract["id"]
    assert list(tmp_path.glob("*.partial")) == []


def test_what_is_there_is_not_fetched_again(reader: Reader, tmp_path: Path) -> None:
    """A second run checks and fetches nothing; a damaged file is fetched anew."""
    first = _pull(reader, tmp_path)
    assert _pull(reader, tmp_path).fetched == 0
    first.files[0].write_bytes(b"damaged")
    assert _pull(reader, tmp_path).fetched == first.fetched


def test_it_resumes_where_it_stopped(reader: Reader, tmp_path: Path) -> None:
    """Only the bytes that are missing come over the line."""
    whole = _pull(reader, tmp_path / "one").files[0].read_bytes()
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "part-1.parquet.partial").write_bytes(whole[:1000])
    done = _pull(reader, folder)
    assert done.fetched == len(whole) - 1000
    assert done.files[0].read_bytes() == whole


def test_a_partial_file_that_is_wrong_is_found(reader: Reader, tmp_path: Path) -> None:
    """Its hash does not hold: it is removed, and the next run begins anew."""
    (tmp_path / "part-1.parquet.partial").write_bytes(b"\0" * 1000)
    with pytest.raises(NotVerified, match="hash"):
        _pull(reader, tmp_path)
    assert list(tmp_path.glob("part-*")) == []
    assert _pull(reader, tmp_path).fetched > 0


def test_a_connection_that_breaks_is_taken_up_again(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each break the pull goes on from the bytes it has."""
    real = Service.stream
    breaks = iter((100, 500))

    @contextmanager
    def breaking(self: Service, address: str, headers: dict[str, str]) -> Iterator[Any]:
        with real(self, address, headers) as response:
            most = next(breaks, None)
            if most is not None:
                content = response.read()[:most]
                monkeypatch.setattr(response, "iter_bytes", lambda _size: iter([content]))
            yield response

    monkeypatch.setattr(Service, "stream", breaking)
    done = _pull(reader, tmp_path)
    assert sha256(done.files[0].read_bytes()) == reader.extract["parts"][0]["sha256"]
    assert next(breaks, None) is None


def test_another_key_than_the_one_expected(reader: Reader, tmp_path: Path) -> None:
    """With a key obtained elsewhere the manifest must be signed by it; nothing is written."""
    wrong = reader.world.anyone.http.get("/keys/log").text
    folder = tmp_path / "none"
    with pytest.raises(NotVerified, match="not signed"):
        _pull(reader, folder, key=wrong)
    assert not folder.exists()


def test_a_changed_manifest(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest other than the signed one is found before anything is fetched."""
    real = Service.bytes
    monkeypatch.setattr(
        Service, "bytes", lambda self, path: real(self, path).replace(b'"rows":', b'"rows": ')
    )
    with pytest.raises(NotVerified, match="manifest"):
        _pull(reader, tmp_path)


def test_refusals_are_said_in_words(reader: Reader, tmp_path: Path) -> None:
    """No token, a wrong one, and somebody else's extract."""
    with pytest.raises(Refused, match="access token"):
        _pull(reader, tmp_path, token=None)
    with pytest.raises(Refused, match="not known"):
        _pull(reader, tmp_path, token="vg_token_wrong")
    rival = reader.world.other_startup.token
    with pytest.raises(Refused, match="no extract"):
        _pull(reader, tmp_path, token=rival)


@pytest.mark.parametrize(
    "address", ["ftp://x/v1/extracts/e", "https://x/v1/other/e", "extracts/e", "https://x/extracts"]
)
def test_addresses_that_name_no_extract(address: str) -> None:
    """Each is told to be none."""
    with pytest.raises(Unreachable, match="not the address"):
        split_address(address)


def test_addresses_of_an_extract() -> None:
    """The API's, a page's and a part's lead to the same extract."""
    wanted = ("https://x.nl", "ext_1")
    assert split_address("https://x.nl/v1/extracts/ext_1") == wanted
    assert split_address("https://x.nl/extracts/ext_1/") == wanted
    assert split_address("https://x.nl/v1/extracts/ext_1/parts/1") == wanted
    assert pulling.split_address("https://x.nl/extracts/ext_1?lang=nl") == wanted
