"""Every bad delivery gives a clear problem at the interface, on the page and at the command line.

Each is told in the same sentence, leaves nothing half-done, and leaves a way on.
"""

import io
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.sources.files import LONGEST_RECORD
from tests.journeys.three_faces import Faces, mapping_file, open_faces, refused
from tests.registry.api.world import BY, MAPPING, csv
from tests.registry.pages.visitor import Visitor

MOST = 3 * LONGEST_RECORD
"""Bytes; the largest delivery that this service takes."""


@dataclass(frozen=True)
class Bad:
    """A delivery, what is wrong with it, and where that comes out.

    :param said: a part of the English sentence.
    :param field: at the door, the field that is named.
    :param rows: rows that are accepted and refused, where the others can go on.
    """

    file_name: str
    content: Callable[[], bytes]
    said: str
    field: str = ""
    rows: tuple[int, int] | None = None
    mapping: dict[str, Any] | None = None


def _renamed() -> dict[str, Any]:
    mapping = deepcopy(MAPPING)
    mapping["columns"][2]["source"] = "nowhere"
    return mapping


def _with(*lines: str, good: int = 20) -> bytes:
    return csv(good) + "\n".join([*lines, ""]).encode()


def _long_line() -> bytes:
    return _with(f"nr-x,{BY},{'a' * LONGEST_RECORD}")


def _truncated() -> bytes:
    whole = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "licence": [BY], "title": ["Journaal"]}), whole)
    return whole.getvalue()[:-20]


BAD = {
    "an empty file": Bad("items.csv", lambda: b"", "The file is empty.", field="file"),
    "a file of no format": Bad("film.mov", lambda: b"x", "no ending that we know", field="file"),
    "a Parquet that is none": Bad("items.parquet", lambda: b"x" * 99, "not a readable Parquet"),
    "half a Parquet": Bad("items.parquet", _truncated, "not a readable Parquet"),
    "a JSON that is none": Bad("items.json", lambda: b"[{\"id\": ", "not readable JSON"),
    "another encoding": Bad("items.csv", lambda: csv(20) + b"nr-x,caf\xe9", "not UTF-8"),
    "an archive of files": Bad("items.csv", lambda: b"PK\x03\x04" + b"x" * 99, "unpack it first"),
    "an endless line": Bad("items.csv", _long_line, f"longer than {LONGEST_RECORD} bytes"),
    "a wrong mapping": Bad("items.csv", lambda: csv(20), "`nowhere`", mapping=_renamed()),
    "a licence nobody knows": Bad(
        "items.csv", lambda: _with("nr-x,free to use,Journaal"), "rights", rows=(20, 1)
    ),
    "duplicate ids": Bad(
        "items.csv", lambda: _with(f"nr-3,{BY},Journaal"), "identifier", rows=(20, 1)
    ),
    "many bad rows": Bad(
        "items.csv",
        lambda: _with(*(f"bad-{n},vrij,Journaal" for n in range(100)), good=9_900),
        "rights",
        rows=(9_900, 100),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faces]:
    """One service for all of these: nothing here may harm it for the next."""
    with open_faces(tmp_path_factory.mktemp("home"), upload_limit_bytes=MOST) as running:
        yield running


@pytest.fixture(scope="module")
def browser(faces: Faces) -> Iterator[Visitor]:
    """The archive's person at the pages."""
    visitor = faces.visitor(faces.world.archive.token)
    yield visitor
    visitor.http.close()


@pytest.mark.parametrize("name", BAD)
def test_at_the_interface(faces: Faces, name: str) -> None:
    """A problem with its field, or a failed or partial check with its reason in both languages."""
    bad, path = BAD[name], f"/datasets/{faces.dataset}/deliveries"
    sent = faces.world.archive.http.put(
        path, params={"file_name": f"api-{bad.file_name}"}, content=bad.content()
    )
    if bad.field:
        problem = refused(sent, 422)
        assert bad.said in problem["detail"]
        assert problem["help"]
        assert problem["fields"]
    else:
        found = faces.world.check(sent.json()["id"], bad.mapping or MAPPING)
        _told(faces, bad, found)
    assert faces.half_done() == []


def _told(faces: Faces, bad: Bad, found: dict[str, Any]) -> None:
    if bad.rows is None:
        assert found["state"] == "failed", found
        assert bad.said in found["problem"]["en"]
        assert found["problem"]["nl"] != found["problem"]["en"]
        return
    assert found["state"] == "checked", found
    report = faces.world.archive.get(f"/deliveries/{found['id']}/report")
    assert (report["accepted"], report["refused"]) == bad.rows
    assert any(bad.said in reason["en"] for reason in report["reasons"])
    rows = faces.world.archive.http.get(f"/deliveries/{found['id']}/refused-rows").text
    assert len(rows.splitlines()) == 1 + bad.rows[1]


@pytest.mark.parametrize("name", BAD)
def test_on_the_page(faces: Faces, browser: Visitor, name: str) -> None:
    """The form again with the mistake, or the delivery's own page with the reason and a way on."""
    bad = BAD[name]
    browser.open(f"/archive/datasets/{faces.dataset}")
    file = ("file", (f"page-{bad.file_name}", bad.content()))
    browser.send("/deliveries", file=file, status=422 if bad.field else 200)
    if not bad.field:
        _map(faces, browser, bad)
        browser.wait_while_refreshing()
    assert bad.said.casefold() in browser.text.casefold(), browser.text
    if bad.rows is not None:
        browser.http.get(next(one for one in browser.links() if one.endswith("refused.csv")))
    elif not bad.field:
        assert browser.page.all("textarea"), "no way on"
    assert faces.half_done() == []


def _map(faces: Faces, browser: Visitor, bad: Bad) -> None:
    """Paste the mapping, as the page offers to."""
    document = mapping_file(faces.home, bad.mapping or MAPPING)
    pasted = {"form": "json", "document": document.read_text()}
    document.unlink()
    headers = {"referer": faces.world.origin + browser.path, "origin": faces.world.origin}
    sent = browser.http.post(f"{browser.path}/mapping", data=pasted, headers=headers)
    assert sent.status_code == 303, sent.text
    browser.open(browser.path)


@pytest.mark.parametrize("name", BAD)
def test_at_the_command_line(faces: Faces, tmp_path: Path, name: str) -> None:
    """One sentence and a status, or the report with the file of refused rows."""
    bad, file = BAD[name], tmp_path / BAD[name].file_name
    file.write_bytes(bad.content())
    faces.dataset  # noqa: B018 -- made where there is none yet
    mapping = mapping_file(tmp_path, bad.mapping or MAPPING)
    status, said = faces.command(
        "import", file, "--mapping", mapping, "--dataset", "beeldarchief/proef"
    )
    assert bad.said.casefold() in said.casefold(), said
    assert status == (0 if bad.rows else 1)
    refused_rows = file.with_name(f"{file.name}.refused.csv")
    assert refused_rows.exists() == bool(bad.rows)
    assert faces.half_done() == []


def test_more_than_is_taken(faces: Faces, browser: Visitor) -> None:
    """What is larger than the service takes is refused while it comes in, whoever sends it."""
    large = csv(20) + b"x" * 2 * MOST
    path = f"/datasets/{faces.dataset}/deliveries"
    params = {"file_name": "large.csv"}
    problem = refused(faces.world.archive.http.put(path, params=params, content=large), 413)
    browser.open(f"/archive/datasets/{faces.dataset}")
    browser.send("/deliveries", file=("file", ("large.csv", large)), status=413)
    assert problem["detail"].casefold() in browser.text.casefold()
    assert faces.half_done() == []


def test_the_way_on(faces: Faces, browser: Visitor, tmp_path: Path) -> None:
    """After all that, a good delivery is taken at each of the three."""
    delivery = faces.world.deliver(faces.dataset, csv(30), "good.csv")
    assert faces.world.check(delivery)["state"] == "checked"
    browser.open(f"/archive/datasets/{faces.dataset}")
    browser.send("/deliveries", file=("file", ("better.csv", csv(31))))
    _map(faces, browser, BAD["duplicate ids"])
    browser.wait_while_refreshing()
    assert "31" in browser.text
    (tmp_path / "best.csv").write_bytes(csv(32))
    mapping = mapping_file(tmp_path, MAPPING)
    file = tmp_path / "best.csv"
    status, said = faces.command(
        "import", file, "--mapping", mapping, "--dataset", "beeldarchief/proef"
    )
    assert (status, "32 accepted" in said) == (0, True), said
