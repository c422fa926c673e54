"""The whole journey through the pages, without scripts, in both languages.

Nothing is looked up behind the pages but the operator's first sign-in link, which the operator's
own command prints.
"""

import hashlib
import io
import json
import re
from pathlib import Path

import pyarrow.parquet
import pytest

from registry.audit.checkpoint import VerifierKey
from registry.audit.verification import verify_export
from registry.pages.words import Words
from tests.registry.pages.site import Site, mailed_link, newsreels
from tests.registry.pages.visitor import Visitor

DECLARED = {
    "rights": "column",
    "rightsholder": "column",
    "embargo": "none",
    "opt_out": "none",
    "personal_data": "none",
    "personal_content": "none",
    "source_protection": "none",
    "media_address": "none",
}


def sign_up(site: Site, operator: Visitor, role: str, name: str, language: str) -> Visitor:
    """Someone new: the form, the mail that the operator passes on, the button."""
    visitor = site.visitor(language)
    visitor.open(f"/sign-up?role={role}")
    visitor.send(
        "/sign-up",
        role=role,
        organisation_name=name,
        user_class="commercial" if role == "user" else "heritage",
        country="NL",
        person_name="Eva",
        email=f"eva@{name.lower()}.example",
    )
    link = mailed_link(operator)
    visitor.open(link)
    visitor.open(link)  # a mail program that looks first does not use it up
    visitor.send(visitor.path)
    assert visitor.path == "/home"
    return visitor


def deliver(archive: Visitor, dataset: str, content: bytes) -> None:
    """Hand a file in, accept the proposal for its columns, and wait for the check."""
    archive.open(dataset)
    archive.send("/deliveries", file=("file", ("journaals.csv", content)))
    assert archive.path.startswith("/archive/deliveries/")
    archive.send("/mapping")
    archive.wait_while_refreshing()


def set_terms(archive: Visitor, dataset: str) -> None:
    """Confirm every suggested line, and let clear cases go by themselves."""
    archive.open(f"{dataset}/terms")
    boxes = [
        node.attrs["name"]
        for node in archive.form("/terms").all("input")
        if node.attrs["name"].endswith(".confirmed")
    ]
    assert len(boxes) >= 3
    confirmed = dict.fromkeys(boxes, "yes")
    archive.send("/terms", fields={**confirmed, "automatic": "yes"})


def publish(archive: Visitor, rows: int = 200, broken: int = 5) -> str:
    """Register, deliver, declare, confirm and publish; the dataset's page of the archive."""
    archive.open("/home")
    archive.follow("/archive/datasets/new")
    archive.send(
        "/archive/datasets/new",
        slug="journaals",
        title_nl="Bioscoopjournaals",
        title_en="Cinema newsreels",
        description_nl="Nieuwsfilms uit 1930.",
        description_en="News films from 1930.",
    )
    dataset = archive.path
    deliver(archive, dataset, newsreels(rows, broken=broken))
    archive.open(f"{dataset}/declarations")
    archive.send("/declarations", **DECLARED)
    wait_for_check(archive, dataset)  # a declaration changes what unknown values mean
    set_terms(archive, dataset)
    archive.open(f"{dataset}/residency")
    archive.send("/residency", process=["EU"], operator=[])
    archive.send("/publish")
    return dataset


def wait_for_check(archive: Visitor, dataset: str) -> None:
    """The newest delivery of the dataset is checked."""
    archive.open(dataset)
    archive.follow("/archive/deliveries/")
    archive.wait_while_refreshing()
    archive.open(dataset)


def register_environment(startup: Visitor) -> None:
    """The start-up processes in the Netherlands."""
    startup.open("/environments")
    startup.send(
        "/environments", name="AMS", country="NL", operator="Rekenhuis", operator_country="NL"
    )


def file_request(startup: Visitor, reference: str) -> str:
    """Ask for generative training; the request's page."""
    startup.open(f"/requests/new?dataset={reference}&use=train.gen")
    startup.send("/requests/new", note="Voor een taalmodel.")
    return startup.path


def accept(startup: Visitor) -> str:
    """Read the agreement that the page leads to, and accept it; its page."""
    startup.follow("/agreements/")
    startup.send("/accept")
    return startup.path


def extract(startup: Visitor, agreement: str) -> str:
    """Order all columns and wait for the files; the extract's page."""
    startup.open(f"{agreement}/extract")
    startup.send("/extract")
    page = startup.path
    startup.wait_while_refreshing()
    return page


def titles(startup: Visitor, part: str) -> list[str]:
    """The titles in a downloaded part, whose hash the page shows."""
    answer = startup.http.get(part)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() in startup.text
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    return [str(title) for title in table.column("title").to_pylist()]


def parts_of(startup: Visitor) -> list[str]:
    """Where the page's files are."""
    return [one for one in startup.links() if re.search(r"/parts/\d+$", one)]


def exported(person: Visitor, archive: str = "") -> bytes:
    """The export that the log's page gives."""
    person.open("/audit")
    form = person.form("/audit/export")
    answer = person.http.post(form.attrs["action"], data={"archive": archive} if archive else {})
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("language", ["nl", "en"])
def test_whole_journey_without_scripts(site: Site, language: str, tmp_path: Path) -> None:
    """Register, ask, decide, agree, extract, read, prove: all of it by pages and forms alone."""
    t = Words(language)
    operator = site.invited("operator", f"Beheer {language}", language)
    archive = sign_up(site, operator, "archive", f"Beeldarchief{language}", language)
    assert t("home_archive.unverified") in archive.text

    operator.open("/home")
    verify = [f.attrs["action"] for f in operator.page.all("form") if "/verify" in f.attrs["action"]]
    operator.send(verify[0])
    publish(archive)
    assert t("done.published") in archive.text

    # Anyone finds it and asks whether it may be used, without signing in.
    anyone = site.visitor(language)
    anyone.open("/datasets")
    anyone.follow(f"/datasets/beeldarchief{language}/journaals")
    assert t.percent(50) in anyone.text
    reference = f"beeldarchief{language}/journaals@1"
    anyone.open(f"/precheck?dataset={reference}&use=train.gen&user_class=commercial&country=NL"
                "&operator_country=NL")
    assert t.of("answer", "permit_part").format(share=t.percent(50)) in anyone.text

    startup = sign_up(site, operator, "user", f"Taalmeester{language}", language)
    register_environment(startup)
    request = file_request(startup, reference)
    assert t.of("decision_state", "permitted") in startup.text
    assert t.of("decision_state", "pending") in startup.text
    assert t.of("decision_state", "denied") in startup.text

    agreement = accept(startup)
    page = extract(startup, agreement)
    parts = parts_of(startup)
    assert len(parts) == 1
    found = titles(startup, parts[0])
    assert sorted(found) == sorted(f"Journaal {n}" for n in range(200) if n % 4 < 2)

    # What the terms leave to the archive waits in its inbox.
    archive.open("/inbox")
    archive.follow("/inbox/dec_")
    assert "Voor een taalmodel." in archive.text
    archive.send(archive.path, press=("answer_is", "no"), status=422)
    archive.send(archive.path, press=("answer_is", "yes"), answer="Akkoord voor dit model.")
    assert t("done.approved") in archive.text
    startup.open(request)
    assert "Akkoord voor dit model." in startup.text
    second = [one for one in startup.links() if one.startswith("/agreements/")]
    startup.open(next(one for one in second if one != agreement))
    startup.send("/accept")
    extract(startup, startup.path)
    shared = titles(startup, parts_of(startup)[0])
    assert sorted(shared) == sorted(f"Journaal {n}" for n in range(200) if n % 4 == 2)

    # The archive ends the first agreement: the next reading is refused.
    archive.open(agreement)
    archive.send("/revoke", reason="De rechthebbende is van mening veranderd.")
    assert startup.http.get(parts[0]).status_code == 410
    startup.open(page)
    assert parts_of(startup) == []

    # The auditor takes the log out and checks it without us.
    auditor = site.invited("auditor", f"Toezicht {language}", language)
    auditor.follow("/audit")
    assert "agreement:revoked" in auditor.text or t("act.agreement:revoked") in auditor.text
    key = VerifierKey.parse(auditor.http.get("/v1/keys/log").text)
    result = verify_export(io.BytesIO(exported(auditor)), [key])
    assert result.ok, result.findings
    assert result.entries > 20


def refused_lines(archive: Visitor) -> list[str]:
    """The rows of the file that the delivery's page offers for correction."""
    link = next(one for one in archive.links() if one.endswith("/refused.csv"))
    return archive.http.get(link).text.splitlines()


def test_archive_corrects_what_was_refused(site: Site) -> None:
    """The dry run tells what is wrong and gives the rows back, with line and reason."""
    archive = site.invited("archive", "Streekarchief")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="films", title_nl="Films", title_en="Films")
    dataset = archive.path
    deliver(archive, dataset, newsreels(40, broken=3))
    lines = refused_lines(archive)
    assert len(lines) == 4
    assert "_reason" in lines[0]
    assert all("bad-" in line for line in lines[1:])


def test_publishing_waits_for_what_is_undeclared(site: Site) -> None:
    """The page names every gap, and the button publishes nothing while one is left."""
    archive = site.invited("archive", "Stadsarchief")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="foto-s", title_nl="Foto's", title_en="Photos")
    dataset = archive.path
    deliver(archive, dataset, newsreels(40))
    archive.open(dataset)
    gaps = archive.text
    archive.send("/publish", status=422)
    assert archive.path.endswith("/publish")
    assert "Nog niet verklaard" in gaps
    assert "Foto's" not in site.visitor().open("/datasets").text


def test_secret_of_a_key_is_shown_once(site: Site) -> None:
    """A token stands on the page that made it, and on no page after that."""
    startup = site.invited("user", "Sleutelmaker")
    startup.open("/keys")
    startup.send("/keys/tokens", name="laptop", scopes=["extracts"], days="7")
    secret = re.search(r"vg_token_[A-Za-z0-9_-]+", startup.text)
    assert secret is not None
    answer = startup.http.get("/v1/me", headers={"authorization": f"Bearer {secret[0]}"})
    assert json.loads(answer.text)["scopes"] == ["extracts"]
    startup.open("/keys")
    assert "laptop" in startup.text
    assert secret[0] not in startup.page.text
    startup.send("/revoke")
    ended = startup.http.get("/v1/me", headers={"authorization": f"Bearer {secret[0]}"})
    assert ended.status_code == 401
