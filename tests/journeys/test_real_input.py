"""Real archive records, from a file to a verified extract, through the HTTP API of a process."""

import hashlib
import json
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest

from catalog import mappings
from tests.support.service import COMMAND, Person, Service
from tests.support.shared import shared

BY_SA = "https://creativecommons.org/licenses/by-sa/3.0/nl/"
PDM = "https://creativecommons.org/publicdomain/mark/1.0/"
BY = "https://creativecommons.org/licenses/by/3.0/nl/"
BY_NC_ND = "https://creativecommons.org/licenses/by-nc-nd/3.0/nl/"
BY_NC_SA = "https://creativecommons.org/licenses/by-nc-sa/3.0/nl/"


@pytest.fixture
def service(tmp_path: Path) -> Any:
    """A service of this test alone."""
    with Service(tmp_path) as running:
        yield running


def _archive(service: Service, operator: Person) -> Person:
    """An archive that signed up by itself and was verified by the operator."""
    signed_up = service.person().post(
        "/organisations",
        {
            "organisation_name": "Beeldarchief",
            "role": "archive",
            "user_class": "heritage",
            "country": "NL",
            "person_name": "Ada",
            "email": "ada@beeldarchief.example",
        },
    )
    organisation = signed_up["organisation"]
    assert organisation["state"] == "unverified"
    operator.post(f"/organisations/{organisation['id']}/verification")
    return _by_mail(service, "ada@beeldarchief.example")


def _by_mail(service: Service, address: str) -> Person:
    """Sign in by the link that was mailed; without a mail server the operator reads it."""
    service.person().post("/sign-in-links", {"email": address})
    return service.sign_in(service.run("outbox", "--limit", "1"))


def _publish(archive: Person, file: Path) -> None:
    dataset = archive.post(
        "/datasets", {"slug": "open-beelden", "title_nl": "Open Beelden", "title_en": "Open Images"}
    )["id"]
    delivery = archive.upload(f"/datasets/{dataset}/deliveries", file)["id"]
    text = Path(mappings.__path__[0], "open-beelden.toml").read_text()
    archive.put(f"/deliveries/{delivery}/mapping", tomllib.loads(text))
    archive.wait(f"/deliveries/{delivery}", "checked")
    report = archive.get(f"/deliveries/{delivery}/report")
    assert (report["rows_read"], report["accepted"], report["refused"]) == (1000, 1000, 0)
    assert {line["iri"]: line["rows"] for line in report["rights"]} == {
        BY_SA: 571, PDM: 421, BY_NC_ND: 6, BY: 1, BY_NC_SA: 1,
    }  # fmt: skip
    undeclared = archive.get(f"/datasets/{dataset}/undeclared")
    assert not undeclared["ready"]
    assert {gap["kind"] for gap in undeclared["gaps"] if gap["blocks"]} >= {"embargo", "terms"}
    refused = archive.http.post(f"/datasets/{dataset}/editions", json={"delivery_id": delivery})
    assert refused.status_code == 422
    assert refused.json()["fields"]
    _declare(archive, dataset, delivery)
    archive.post(f"/datasets/{dataset}/editions", {"delivery_id": delivery})


def _declare(archive: Person, dataset: str, delivery: str) -> None:
    mapping = archive.get(f"/deliveries/{delivery}/mapping")
    roles = {column["role"] for column in mapping["columns"]}
    kinds = {gap["subject"] for gap in archive.get(f"/datasets/{dataset}/undeclared")["gaps"]}
    said = {
        kind: mapping["declared"].get(kind, "column")
        for kind in kinds
        if kind in roles or kind in mapping["declared"]
    }
    archive.put(f"/datasets/{dataset}/declarations", {"kinds": said})
    terms = archive.get(f"/deliveries/{delivery}/suggested-terms")
    assert not any(line["confirmed"] for line in terms["lines"])
    lines = [{**line, "confirmed": True} for line in terms["lines"]]
    archive.put(f"/datasets/{dataset}/terms", {**terms, "lines": lines, "automatic": True})
    archive.put(f"/datasets/{dataset}/residency", {"process": ["EU"]})
    assert archive.get(f"/datasets/{dataset}/undeclared")["ready"]


def _start_up(service: Service) -> tuple[Person, str]:
    """A start-up with a seat, and its environment in the Netherlands."""
    service.person().post(
        "/organisations",
        {
            "organisation_name": "Taalmeester",
            "country": "NL",
            "person_name": "Bo",
            "email": "bo@taalmeester.example",
        },
    )
    startup = _by_mail(service, "bo@taalmeester.example")
    environment = startup.post(
        "/environments",
        {
            "name": "Amsterdam",
            "country": "NL",
            "operator": "Rekenhuis",
            "operator_country": "NL",
            "networks": ["127.0.0.0/8"],
        },
    )
    return startup, environment["id"]


def _expected_item_count() -> Counter[tuple[str, str, str]]:
    """Per part and statement, what a commercial generative training in the EU gets, and why."""
    return Counter(
        {
            ("permit", "permitted", PDM): 421,
            ("permit", "permitted", BY): 1,
            ("review", "consent-needed", BY_SA): 571,
            ("deny", "prohibited:rights", BY_NC_ND): 6,
            ("deny", "prohibited:rights", BY_NC_SA): 1,
        }
    )


def test_the_whole_job_on_real_records(service: Service, tmp_path: Path) -> None:
    """An archive publishes 1,000 real records; a start-up gets exactly the cleared ones."""
    file = shared("data/open-beelden/items-1k.json")
    operator = service.sign_in(
        service.run(
            "organisations", "add", "Beheer", "--role", "operator",
            "--person", "Noor", "--email", "noor@beheer.example",
        )
    )  # fmt: skip
    archive = _archive(service, operator)
    _publish(archive, file)

    question = {
        "datasets": ["beeldarchief/open-beelden"],
        "use": "train.gen",
        "country": "NL",
        "operator_country": "NL",
    }
    answer = service.person().post("/precheck", question)["datasets"][0]
    assert answer["shares"] == {"permit": 42, "review": 57, "deny": 1}
    assert answer["outcome"] == "permit"

    startup, environment = _start_up(service)
    filed = startup.post(
        "/requests",
        {
            "datasets": ["beeldarchief/open-beelden"],
            "environment_id": environment,
            "use": "train.gen",
        },
    )
    counted = Counter(
        {
            (decision["part"], line["code"], statement): line["items"]
            for decision in filed["decisions"]
            for line in decision["lines"]
            for statement in line["rights"]
        }
    )
    assert counted == _expected_item_count()
    assert {d["part"]: d["state"] for d in filed["decisions"]} == {
        "permit": "permitted",
        "review": "pending",
        "deny": "denied",
    }

    agreement = startup.get(f"/agreements/{filed['agreements'][0]['id']}")
    early = startup.http.post(f"/agreements/{agreement['id']}/extracts", json={})
    assert early.status_code == 409
    startup.post(f"/agreements/{agreement['id']}/acceptance", {"digest": agreement["digest"]})
    extract = startup.post(f"/agreements/{agreement['id']}/extracts")["id"]
    ready = startup.wait(f"/extracts/{extract}", "ready", "failed")
    assert (ready["state"], ready["rows"]) == ("ready", 422)

    manifest = startup.get(f"/extracts/{extract}/manifest")
    assert manifest["rows_per_statement"] == {PDM: 421, BY: 1}
    assert sum(line["items"] for line in manifest["left_out"]) == 578

    part = ready["parts"][0]["address"]
    content = startup.http.get(part).content
    assert hashlib.sha256(content).hexdigest() == ready["parts"][0]["sha256"]
    (tmp_path / "part.parquet").write_bytes(content)
    table = pq.read_table(tmp_path / "part.parquet")
    assert Counter(table["_rights"].to_pylist()) == {PDM: 421, BY: 1}
    assert table["media_urls"].null_count == 422

    _review(archive, startup, filed)
    _revoke(archive, startup, agreement["id"], part)
    _audit(service, operator, tmp_path)


def _review(archive: Person, startup: Person, filed: dict[str, Any]) -> None:
    """The archive says yes to the part that waited; a second agreement covers it."""
    waiting = archive.get("/inbox")["items"]
    assert [item["decision"]["items"] for item in waiting] == [571]
    archive.post(
        f"/decisions/{waiting[0]['decision']['id']}/review", {"approve": True, "answer": "Goed."}
    )
    both = startup.get(f"/requests/{filed['id']}")["agreements"]
    second = next(a for a in both if a["state"] == "proposed")
    read = startup.get(f"/agreements/{second['id']}")
    startup.post(f"/agreements/{second['id']}/acceptance", {"digest": read["digest"]})
    extract = startup.post(f"/agreements/{second['id']}/extracts")["id"]
    assert startup.wait(f"/extracts/{extract}", "ready", "failed")["rows"] == 571


def _revoke(archive: Person, startup: Person, agreement: str, part: str) -> None:
    """A revoked agreement refuses the next request, and says why."""
    archive.post(f"/agreements/{agreement}/revocation", {"reason": "Op verzoek van de maker."})
    refused = startup.http.get(part, headers={"Range": "bytes=0-99"})
    assert refused.status_code == 410
    assert refused.json()["code"] == "agreement-revoked"
    assert httpx2.get(part).status_code == 401


def _audit(service: Service, operator: Person, folder: Path) -> None:
    """The log of all this verifies offline, and any change to the export is found."""
    export = folder / "audit.jsonl"
    export.write_bytes(operator.http.post("/audit/exports", json={}).content)
    key = service.run("audit", "key").strip()
    told = service.run("audit", "verify", str(export), "--key", key)
    assert "entries" in told
    acts = Counter(entry["act"] for entry in _entries(export))
    assert acts["request:decided"] == 3
    assert acts["extract:made"] == 2
    assert acts["access:opened"] == 1
    assert acts["access:refused"] == 1
    changed = folder / "changed.jsonl"
    changed.write_bytes(export.read_bytes().replace(b"agreement:revoked", b"agreement:accepted"))
    bad = subprocess.run([COMMAND, "audit", "verify", str(changed), "--key", key])
    assert bad.returncode == 1


def _entries(export: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in export.read_text().splitlines()]
    return [line["entry"] for line in lines if isinstance(line, dict) and "entry" in line]
