"""What an archive or a start-up may do wrong: each gives a plain problem and a way on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.mapping import dump_mapping
from registry.demo import generator
from tests.support.service import Person, Service

Problem = dict[str, Any]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all of these: nothing here may harm it for the next."""
    with Service(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def archive(service: Service) -> Person:
    """A verified archive."""
    added = service.run(
        "organisations", "add", "Polderarchief", "--role", "archive",
        "--person", "Ada", "--email", "ada@polderarchief.example",
    )  # fmt: skip
    return service.sign_in(added)


@pytest.fixture(scope="module")
def dataset(archive: Person) -> str:
    """A dataset to deliver to."""
    new = {"slug": "proef", "title_nl": "Proef", "title_en": "Trial"}
    return str(archive.post("/datasets", new)["id"])


def _deliver(archive: Person, dataset: str, file: Path) -> str:
    return str(archive.upload(f"/datasets/{dataset}/deliveries", file)["id"])


def _check(archive: Person, delivery: str, mapping: dict[str, Any]) -> Problem:
    archive.put(f"/deliveries/{delivery}/mapping", mapping)
    found: Problem = archive.wait(f"/deliveries/{delivery}", "checked", "failed")
    return found


def _refused(response: Any, status: int) -> Problem:
    """The problem of a refusal, which has all that RFC 9457 and our own promise ask."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem: Problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["code"]
    assert problem["request_id"]
    return problem


def test_an_empty_file(archive: Person, dataset: str) -> None:
    """An empty file is refused at the door, in the reader's language."""
    path = f"/datasets/{dataset}/deliveries"
    options: dict[str, Any] = {"params": {"file_name": "leeg.csv"}, "content": b""}
    problem = _refused(archive.http.put(path, headers={"Accept-Language": "nl"}, **options), 422)
    assert "leeg" in problem["detail"]


def test_a_file_of_no_format(archive: Person, dataset: str) -> None:
    """A file whose name tells no format we know is refused before its bytes are taken."""
    path = f"/datasets/{dataset}/deliveries"
    options: dict[str, Any] = {"params": {"file_name": "film.mov"}, "content": b"x"}
    problem = _refused(archive.http.put(path, **options), 422)
    assert problem["fields"][0]["path"] == "file_name"


def test_a_parquet_that_is_none(archive: Person, dataset: str, tmp_path: Path) -> None:
    """A file that only calls itself Parquet fails its check with a reason; nothing else does."""
    file = tmp_path / "geen.parquet"
    file.write_bytes(b"this is no Parquet file, though long enough to hold a footer")
    delivery = _deliver(archive, dataset, file)
    _refused(archive.http.get(f"/deliveries/{delivery}/mapping"), 422)
    failed = _check(archive, delivery, dump_mapping(generator.mapping()))
    assert failed["state"] == "failed"
    assert failed["problem"]["code"] == "not-parquet"
    assert "Parquet" in failed["problem"]["nl"]


def test_a_mapping_that_is_wrong(archive: Person, dataset: str, tmp_path: Path) -> None:
    """A mapping without identifier, or that names no column of the file, says which field."""
    file = tmp_path / "goed.csv"
    generator.write(file, 50)
    delivery = _deliver(archive, dataset, file)
    without = {"columns": [{"source": "title_nl", "role": "content"}]}
    path = f"/deliveries/{delivery}/mapping"
    problem = _refused(archive.http.put(path, json=without), 422)
    assert {field["path"] for field in problem["fields"]} == {"columns"}
    elsewhere = dump_mapping(generator.mapping())
    elsewhere["columns"][0]["source"] = "nergens"
    failed = _check(archive, delivery, elsewhere)
    assert failed["state"] == "failed"
    assert "nergens" in failed["problem"]["en"]
    # The way on: the same delivery, with the mapping put right.
    assert _check(archive, delivery, dump_mapping(generator.mapping()))["state"] == "checked"


def test_bad_rows_come_back_to_be_corrected(archive: Person, dataset: str, tmp_path: Path) -> None:
    """Wrong rows are refused with line and reason in a file; the others are accepted."""
    file = tmp_path / "gemengd.csv"
    planted = generator.write(file, 400, faults=16)
    delivery = _deliver(archive, dataset, file)
    assert _check(archive, delivery, dump_mapping(generator.mapping()))["state"] == "checked"
    report = archive.get(f"/deliveries/{delivery}/report")
    assert (report["accepted"], report["refused"]) == (384, 16)
    assert {line["code"]: line["rows"] for line in report["reasons"]} == planted
    rows = archive.http.get(f"/deliveries/{delivery}/refused-rows").text.splitlines()
    assert len(rows) == 17
    assert "_line" in rows[0]
    assert "_reason" in rows[0]
    assert any("unknown-rights" in row for row in rows)
    assert any("duplicate-identifier" in row for row in rows)


def test_mostly_bad_rows_need_an_explicit_word(
    archive: Person, dataset: str, tmp_path: Path
) -> None:
    """Publishing a delivery of which most rows were refused is itself refused."""
    file = tmp_path / "slecht.csv"
    generator.write(file, 40, faults=40)
    delivery = _deliver(archive, dataset, file)
    _check(archive, delivery, dump_mapping(generator.mapping()))
    problem = _refused(
        archive.http.post(f"/datasets/{dataset}/editions", json={"delivery_id": delivery}), 422
    )
    assert problem["fields"]


def test_a_post_that_is_repeated(archive: Person) -> None:
    """The same key and body give the same answer and one effect; another body is refused."""
    new = {"slug": "eenmaal", "title_nl": "Eenmaal", "title_en": "Once"}
    key = {"Idempotency-Key": "a-key-of-our-own"}
    first = archive.post("/datasets", new, headers=key)
    assert archive.post("/datasets", new, headers=key) == first
    other = archive.http.post("/datasets", json={**new, "slug": "anders"}, headers=key)
    _refused(other, 422)
    _refused(archive.http.post("/datasets", json=new), 409)


def test_a_question_about_a_draft(service: Service) -> None:
    """A dataset that is not published does not exist for anyone but its archive."""
    question = {"datasets": ["polderarchief/proef"], "use": "train.gen"}
    problem = _refused(service.person().http.post("/precheck", json=question), 404)
    absent = {**question, "datasets": ["polderarchief/bestaat-niet"]}
    twin = _refused(service.person().http.post("/precheck", json=absent), 404)
    assert problem["code"] == twin["code"] == "not-found"


def test_the_service_took_no_harm(service: Service, archive: Person, dataset: str) -> None:
    """Whatever was tried before this, the service is ready and the archive can work on."""
    assert service.person().http.get(f"{service.origin}/readyz").status_code == 200
    assert archive.get(f"/datasets/{dataset}")["state"] == "draft"
