"""The whole journey through the pages, without scripts, in both languages.

Nothing is looked up behind the pages but the operator's first sign-in link, which the operator's
own command prints.
"""

import io
import json
import re

import pytest

from registry.audit.checkpoint import VerifierKey
from registry.audit.verification import verify_export
from registry.pages.words import Words
from tests.registry.pages.site import Site, newsreels
from tests.registry.pages.steps import (
    accept,
    deliver,
    exported,
    extract,
    file_request,
    parts_of,
    publish,
    register_environment,
    sign_up,
    titles,
)
from tests.registry.pages.visitor import Visitor


@pytest.mark.parametrize("language", ["nl", "en"])
def test_whole_journey_without_scripts(site: Site, language: str) -> None:
    """Register, ask, decide, agree, extract, read, prove: all of it by pages and forms alone."""
    t = Words(language)
    operator = site.invited("operator", f"Beheer {language}", language)
    archive = sign_up(site, operator, "archive", f"Beeldarchief{language}", language)
    assert t("home_archive.unverified") in archive.text

    operator.open("/home")
    verify = [
        f.attrs["action"] for f in operator.page.all("form") if "/verify" in f.attrs["action"]
    ]
    operator.send(verify[0])
    publish(archive)
    assert t("done.published") in archive.text

    # Anyone finds it and asks whether it may be used, without signing in.
    anyone = site.visitor(language)
    anyone.open("/datasets")
    anyone.follow(f"/datasets/beeldarchief{language}/journaals")
    assert t.percent(50) in anyone.text
    reference = f"beeldarchief{language}/journaals@1"
    anyone.open(
        f"/precheck?dataset={reference}&use=train.gen&user_class=commercial&country=NL"
        "&operator_country=NL"
    )
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
    """The page names every gap; there is no button while one is left, and no way around it."""
    archive = site.invited("archive", "Stadsarchief")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="foto-s", title_nl="Foto's", title_en="Photos")
    dataset = archive.path
    deliver(archive, dataset, newsreels(40))
    archive.open(dataset)
    assert "Nog niet verklaard" in archive.text
    assert not [f for f in archive.page.all("form") if f.attrs["action"].endswith("/publish")]
    delivery = next(one for one in archive.links() if one.startswith("/archive/deliveries/"))
    stubborn = archive.http.post(f"{dataset}/publish", data={"delivery_id": delivery[20:]})
    assert stubborn.status_code == 422
    assert "Nog niet verklaard" in stubborn.text
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
