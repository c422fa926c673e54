"""The acts beside the straight road: ending, declining, narrowing, correcting; and the walls."""

import json
from datetime import datetime, timedelta

import pytest

from registry.pages.words import AMSTERDAM
from tests.registry.pages.site import CC0, Site, newsreels
from tests.registry.pages.steps import (
    accept,
    declare,
    deliver,
    extract,
    file_request,
    parts_of,
    publish,
    register_environment,
    titles,
)
from tests.registry.pages.visitor import Visitor
from tests.support.proving import new_key

MAPPING = """
[[columns]]
source = "id"
role = "identifier"

[[columns]]
source = "licence"
role = "rights"

[[columns]]
source = "title"
role = "content"

[declared]
rightsholder = "Polygoon"
embargo = "none"
opt_out = "none"
personal_data = "none"
personal_content = "none"
source_protection = "none"
media_address = "none"
"""


@pytest.fixture(scope="module")
def archive(site: Site) -> Visitor:
    """An archive with a published dataset."""
    visitor = site.invited("archive", "Beeldarchief")
    publish(visitor, rows=80, broken=0)
    return visitor


@pytest.fixture(scope="module")
def startup(site: Site, archive: Visitor) -> Visitor:
    """A start-up with an environment, once there is something to ask for."""
    assert archive.language == "nl"
    visitor = site.invited("user", "Taalmeester")
    register_environment(visitor)
    return visitor


@pytest.fixture
def request_path(startup: Visitor) -> str:
    """A request of the start-up, decided where the terms are clear."""
    return file_request(startup, "beeldarchief/journaals@1")


def dataset_of(archive: Visitor) -> str:
    """The archive's page of its published dataset."""
    archive.open("/home")
    links = [one for one in archive.links() if one.startswith("/archive/datasets/ds_")]
    return links[-1]


def new_dataset(archive: Visitor, slug: str) -> str:
    """A fresh draft; its page."""
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug=slug, title_nl=slug, title_en=slug)
    return archive.path


def test_request_is_taken_back(startup: Visitor, request_path: str) -> None:
    """What still waited is withdrawn; the agreement that was proposed stays."""
    startup.open(request_path)
    startup.send("/withdraw")
    assert "ingetrokken" in startup.text
    assert [one for one in startup.links() if one.startswith("/agreements/")]
    assert not [f for f in startup.page.all("form") if f.attrs["action"].endswith("/withdraw")]


def test_agreement_is_declined(startup: Visitor, request_path: str) -> None:
    """A declined proposal cannot be accepted any more, from another tab either."""
    startup.open(request_path)
    startup.follow("/agreements/")
    agreement, digest = startup.path, startup.form("/accept").one("input").attrs["value"]
    startup.send("/decline")
    late = startup.http.post(f"{agreement}/accept", data={"digest": digest})
    assert late.status_code == 409
    startup.open(f"{agreement}/extract", 410)


def test_agreement_is_accepted_only_as_it_was_read(startup: Visitor, request_path: str) -> None:
    """Another digest than that of the document on the page is refused, on that page."""
    startup.open(request_path)
    startup.follow("/agreements/")
    agreement = startup.path
    answer = startup.http.post(f"{agreement}/accept", data={"digest": "sha256:" + "0" * 64})
    assert answer.status_code == 422
    startup.open(agreement)
    assert startup.form("/accept")


def test_archive_narrows_its_yes(startup: Visitor, archive: Visitor, request_path: str) -> None:
    """A no needs its reason; the requester reads it with the decision."""
    archive.open("/inbox")
    decision = [one for one in archive.links() if one.startswith("/inbox/dec_")][-1]
    archive.open(decision)
    archive.send(decision, press=("answer_is", "no"), status=422)
    archive.send(decision, press=("answer_is", "no"), answer="Vraag het als onderzoeker.")
    archive.open(decision)
    assert "Vraag het als onderzoeker." in archive.text
    assert not [f for f in archive.page.all("form") if f.attrs["action"] == decision]
    again = archive.http.post(decision, data={"answer_is": "yes"})
    assert again.status_code == 409
    startup.open(request_path)
    assert "Vraag het als onderzoeker." in startup.text


def test_extract_holds_the_columns_that_were_chosen(startup: Visitor, request_path: str) -> None:
    """Only those; asking for none gives the form again."""
    startup.open(request_path)
    agreement = accept(startup)
    startup.open(f"{agreement}/extract")
    startup.send("/extract", columns=[], status=422)
    startup.open(f"{agreement}/extract")
    startup.send("/extract", columns=["title"])
    page = startup.path
    startup.wait_while_refreshing()
    assert len(titles(startup, parts_of(startup)[0])) == 40
    manifest = startup.http.get(f"{page}/manifest.json").json()
    assert manifest["manifest"]["columns"] == ["title"]
    assert set(manifest["manifest"]["rows_per_statement"]) == {CC0}
    startup.open("/extracts")
    assert page in startup.links()


def test_extract_is_stopped_at_most_once(startup: Visitor, request_path: str) -> None:
    """Stopping one that is ready, or stopped already, tells so and breaks nothing."""
    startup.open(request_path)
    page = extract(startup, accept(startup))
    answer = startup.http.post(f"{page}/cancel")
    assert answer.status_code in {303, 409}
    startup.open(page)
    assert parts_of(startup)


def test_environment_is_closed(site: Site) -> None:
    """A closed environment stays in the list and cannot be chosen."""
    startup = site.invited("user", "Sluiter")
    register_environment(startup)
    startup.send("/close")
    assert not [f for f in startup.page.all("form") if f.attrs["action"].endswith("/close")]
    startup.open("/requests/new")
    assert not [f for f in startup.page.all("form") if f.attrs["action"] == "/requests/new"]


def test_wrong_network_is_told_at_its_field(site: Site) -> None:
    """The one line that is no network is named; the others stay as they were typed."""
    startup = site.invited("user", "Netwerker")
    startup.open("/environments")
    startup.send(
        "/environments",
        status=422,
        name="AMS",
        country="NL",
        operator="X",
        operator_country="NL",
        networks="192.0.2.0/24\r\nhuis",
    )
    box = next(node for node in startup.page.all("textarea") if node.attrs["name"] == "networks")
    assert box.attrs["aria-invalid"] == "true"
    assert "192.0.2.0/24" in box.text
    assert "huis" in box.text


def test_machine_is_registered_and_ended(site: Site) -> None:
    """Its secret is shown once, gets a token, and is worth nothing once the machine is ended."""
    startup = site.invited("user", "Machinist")
    startup.open("/keys")
    startup.send("/keys/clients", name="nachtwerk", scopes=["extracts"])
    identity, secret = (node.text for node in startup.page.one("main").all("pre"))
    wanted = {"grant_type": "client_credentials"}
    assert (
        startup.http.post("/oauth/token", data=wanted, auth=(identity, secret)).status_code == 200
    )
    startup.open("/keys")
    assert secret not in startup.page.text
    startup.send("/revoke")
    assert (
        startup.http.post("/oauth/token", data=wanted, auth=(identity, secret)).status_code == 401
    )


def test_machine_brings_its_own_keys(site: Site) -> None:
    """Pasted keys are told where they are wrong; good ones register it without any secret."""
    startup = site.invited("user", "Sleutelaar")
    startup.open("/keys")
    for wrong in ("{", "[]", '{"keys": []}'):
        startup.send("/keys/clients", name="n", scopes=["extracts"], jwks=wrong, status=422)
        assert "geen JWK-set" in startup.text
    jwks = json.dumps({"keys": [new_key().as_dict(private=False)]})
    startup.send("/keys/clients", name="nachtwerk", scopes=["extracts"], jwks=jwks)
    assert "met eigen sleutels" in startup.text
    assert "nooit gebruikt" in startup.text


def test_columns_are_described_by_a_pasted_document(site: Site) -> None:
    """A mapping that was written down before is taken as it is, and told where it is wrong."""
    archive = site.invited("archive", "Plakker")
    dataset = new_dataset(archive, "geplakt")
    archive.send("/deliveries", file=("file", ("journaals.csv", newsreels(40))))
    delivery = archive.path
    for document, form in (("columns = 3", "toml"), ("[[columns", "toml"), ("{}", "json")):
        answer = archive.http.post(f"{delivery}/mapping", data={"document": document, "form": form})
        assert answer.status_code == 422, document
        assert 'role="alert"' in answer.text
    archive.http.post(f"{delivery}/mapping", data={"document": MAPPING, "form": "toml"})
    archive.open(delivery)
    archive.wait_while_refreshing()
    assert "40" in archive.text
    archive.open(f"{dataset}/declarations")
    kept = {n.attrs["name"] for n in archive.page.all("input") if "checked" in n.attrs}
    assert "embargo" in kept


def test_two_identifiers_are_refused_where_one_says_so(site: Site) -> None:
    """A mapping that says too much comes back as it was filled in, with what to change."""
    archive = site.invited("archive", "Dubbelgeteld")
    new_dataset(archive, "dubbel")
    archive.send("/deliveries", file=("file", ("journaals.csv", newsreels(20))))
    archive.send("/mapping", status=422, fields={"column.4.role": "identifier"})
    chosen = [
        option.attrs["value"]
        for node in archive.page.all("select")
        if node.attrs["name"] == "column.4.role"
        for option in node.all("option")
        if "selected" in option.attrs
    ]
    assert chosen == ["identifier"]


def test_terms_that_cannot_be_are_refused(archive: Visitor) -> None:
    """Days that are no number and a day that is none are told; nothing is recorded."""
    dataset = dataset_of(archive)
    for wrong in ({"agreement_days": "-1"}, {"agreement_days": "jaar"}, {"valid_until": "ooit"}):
        archive.open(f"{dataset}/terms")
        archive.send("/terms", status=422, fields=wrong)
    archive.open(f"{dataset}/terms")
    days = next(n for n in archive.page.all("input") if n.attrs.get("name") == "agreement_days")
    assert days.attrs["value"] == "365"


def test_terms_are_confirmed_one_by_one_or_all_at_once(site: Site) -> None:
    """The Enter key records what is ticked and no more; only its own button confirms all."""
    archive = site.invited("archive", "Bevestiger")
    dataset = new_dataset(archive, "bevestigd")
    deliver(archive, dataset, newsreels(40))
    archive.open(f"{dataset}/terms")
    assert not archive.page.all("table")  # nobody has said yet that there is nothing to protect
    declare(archive, dataset)
    archive.open(f"{dataset}/terms")
    form = archive.form("/terms")
    assert "name" not in form.all("button")[0].attrs
    archive.send("/terms", fields={"line.0.confirmed": "yes", "agreement_days": "30"})
    archive.open(f"{dataset}/terms")
    assert _ticked(archive) == {"line.0.confirmed"}
    archive.send("/terms", press=("confirm_all", "yes"))
    archive.open(f"{dataset}/terms")
    assert len(_ticked(archive)) == 5


def _ticked(archive: Visitor) -> set[str]:
    boxes = [node for node in archive.page.all("input") if "checked" in node.attrs]
    return {n.attrs["name"] for n in boxes if n.attrs["name"].endswith(".confirmed")}


def test_place_of_processing_must_be_said(site: Site) -> None:
    """No region ticked is no rule, and silence about the operator is no answer."""
    archive = site.invited("archive", "Plaatsloos")
    dataset = new_dataset(archive, "plaatsloos")
    archive.open(f"{dataset}/residency")
    for wrong in (
        {"operator_any": "yes"},
        {"process": ["EU"]},
        {"process": ["EU"], "operator_any": "no"},
        {"process_countries": "BE, Duitsland", "operator_any": "yes"},
        {"process": ["EU"], "operator_any": "yes", "store_any": "no"},
    ):
        archive.open(f"{dataset}/residency")
        archive.send("/residency", status=422, fields=wrong)
    archive.open(f"{dataset}/residency")
    archive.send(
        "/residency",
        process=["EU"],
        process_countries="CH",
        operator_any="no",
        operator=["EU"],
        store=["NL"],
        places="Zaal 3\nKluis",
    )
    archive.open(f"{dataset}/residency")
    named = next(n for n in archive.page.all("input") if n.attrs["name"] == "process_countries")
    assert named.attrs["value"] == "CH"
    assert archive.page.one("textarea").text == "Zaal 3 Kluis"


def test_listing_shows_the_place_of_its_offer(site: Site) -> None:
    """A rule set after publication holds from the next offer on, and only then stands there."""
    archive = site.invited("archive", "Verhuizer")
    dataset = publish(archive, rows=40, broken=0)
    archive.open(f"{dataset}/residency")
    archive.send("/residency", process=["NL"], operator_any="yes", secure_only="yes")
    page = site.visitor().open("/datasets/verhuizer/journaals").one("main").text
    assert "de Europese Unie · downloaden mag" in page


def test_what_new_terms_would_change_is_shown(site: Site) -> None:
    """Who gets less, in both words and items, before anything is offered."""
    archive = site.invited("archive", "Voorspeller")
    dataset = publish(archive, rows=40, broken=0)
    assert "Niemand zou een ander antwoord krijgen" in archive.open(f"{dataset}/impact").text
    archive.open(f"{dataset}/residency")
    archive.send("/residency", process=["NL"], operator_any="yes", secure_only="yes")
    page = archive.open(f"{dataset}/impact").text
    assert "krijgt minder" in page
    assert "Oostenrijk" in page


def test_offer_is_withdrawn_and_agreements_stay(site: Site) -> None:
    """Nothing new can be asked; what was agreed can still be read."""
    archive = site.invited("archive", "Intrekker")
    dataset = publish(archive, rows=80, broken=0)
    startup = site.invited("user", "Lezer")
    register_environment(startup)
    file_request(startup, "intrekker/journaals@1")
    page = extract(startup, accept(startup))
    archive.open(dataset)
    archive.send("/withdraw")
    anyone = site.visitor()
    anyone.open("/datasets/intrekker/journaals")
    assert "geen aanbod" in anyone.text
    anyone.open("/precheck?dataset=intrekker/journaals@1&use=train.gen&country=NL", 422)
    startup.open(page)
    assert len(titles(startup, parts_of(startup)[0])) == 40


@pytest.mark.parametrize(
    "query",
    [
        "dataset=niemand/niets@1",
        "dataset=geen+naam",
        "dataset=beeldarchief/journaals@99",
        "dataset=beeldarchief/journaals@1&use=toveren",
        "dataset=beeldarchief/journaals@1&country=XYZ",
        "dataset=beeldarchief/journaals@1&user_class=koning",
        "dataset=beeldarchief/journaals@1&purpose=dpv:Nonsense",
    ],
)
def test_question_that_makes_no_sense_is_told_so(site: Site, archive: Visitor, query: str) -> None:
    """A shared link with a word we do not know shows the form with the mistake, never a guess."""
    assert archive.language == "nl"
    visitor = site.visitor("en")
    visitor.open(f"/precheck?{query}", 422)
    assert next(node for node in visitor.page.walk() if node.attrs.get("role") == "alert")
    assert not [n for n in visitor.page.walk() if "verdict" in n.attrs.get("class", "").split()]


def test_question_can_be_changed_and_shared(site: Site, archive: Visitor) -> None:
    """The answer's own address asks the same again; the form on the page asks another."""
    assert archive.language == "nl"
    visitor = site.visitor("en")
    visitor.open("/precheck")
    visitor.send(
        "/precheck", dataset=["beeldarchief/journaals@1"], country="US", operator_country="US"
    )
    refused = visitor.text
    assert "only: the European Union" in refused
    link = next(one for one in visitor.links() if one.startswith("/precheck?"))
    assert site.visitor("en").open(link).one("main").text == refused
    visitor.send("/precheck", country="NL", operator_country="NL")
    assert "Yes, for 50%" in visitor.text


def test_what_is_of_others_is_not_there(
    site: Site, startup: Visitor, archive: Visitor, request_path: str
) -> None:
    """A stranger gets the same answer for another's pages as for pages that never were."""
    startup.open(request_path)
    page = extract(startup, accept(startup))
    dataset = dataset_of(archive)
    archive.open(dataset)
    delivery = next(one for one in archive.links() if one.startswith("/archive/deliveries/"))
    archive.open("/inbox")
    decision = next(one for one in archive.links() if one.startswith("/inbox/dec_"))
    rival = site.invited("user", "Concurrent")
    for path in (request_path, page, f"{page}/manifest.json", f"{page}/parts/1"):
        assert rival.http.get(path).status_code == 404, path
    rival_archive = site.invited("archive", "Andersarchief")
    for path in (dataset, f"{dataset}/terms", delivery, f"{delivery}/refused.csv", decision):
        assert rival_archive.http.get(path).status_code == 404, path
    assert rival_archive.http.post(decision, data={"answer_is": "yes"}).status_code == 404
    assert rival_archive.http.post(f"{dataset}/publish", data={}).status_code == 404
    for path in ("/inbox", dataset, "/archive/datasets/new", "/audit"):
        assert startup.http.get(path).status_code in {403, 404}, path
    for path in ("/environments", "/requests", "/extracts"):
        assert archive.http.get(path).status_code == 403, path


def test_only_the_operator_verifies(site: Site) -> None:
    """An archive cannot vouch for itself."""
    archive = site.invited("archive", "Zelfverklaard")
    answer = archive.http.post("/operations/organisations/org_x/verify")
    assert answer.status_code == 403
    auditor = site.invited("auditor", "Meelezer")
    assert auditor.http.post("/operations/organisations/org_x/verify").status_code == 403


def test_receipt_of_an_entry_is_given_to_who_may_read_it(site: Site, archive: Visitor) -> None:
    """An archive reads its own entries' proofs, and none of another's."""
    archive.open("/audit")
    # The oldest one: the newest may not stand under a checkpoint yet.
    receipt = [one for one in archive.links() if one.endswith("/receipt.txt")][-1]
    assert "tlog-proof" in archive.http.get(receipt).text
    other = site.invited("archive", "Nieuwsgierig")
    assert other.http.get(receipt).status_code == 404


def test_log_is_shown_for_a_period(site: Site, archive: Visitor) -> None:
    """Days are whole Dutch days, both included; one that is none is told so."""
    assert archive.language == "nl"
    auditor = site.invited("auditor", "Periode")
    auditor.open("/audit")
    today = datetime.now(AMSTERDAM).date()
    everything = _numbers(auditor)
    for since, until, found in (
        (today, today, True),
        (today - timedelta(days=9), None, True),
        (None, today - timedelta(days=1), False),
        (today + timedelta(days=1), None, False),
    ):
        auditor.open("/audit")
        auditor.send("/audit", since=str(since or ""), until=str(until or ""))
        assert _has(auditor, everything) is found, (since, until)
    auditor.open("/audit?since=ooit", 422)
    auditor.open("/audit?since=0001-01-01&until=9999-12-31")
    assert _has(auditor, everything)


def _has(auditor: Visitor, everything: list[str]) -> bool:
    """Whether the newest of what there was is shown; looking at the log adds to it."""
    shown = _numbers(auditor)
    assert shown == [] or set(everything[:10]) <= set(shown)
    return bool(shown)


def _numbers(auditor: Visitor) -> list[str]:
    return [row.all("td")[0].text for row in auditor.page.all("tr")[1:]]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"\xff\xfe=1", 422), (b"&".join([b"a=1"] * 30_000), 422), (b"a=" + b"x" * 2_000_000, 413)],
    ids=["no-utf-8", "too-many-fields", "too-large"],
)
def test_form_that_cannot_be_a_form_is_refused(startup: Visitor, body: bytes, status: int) -> None:
    """Bytes that are no form, or far too much of one, give a page with a way on."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = startup.http.post("/environments", content=body, headers=headers)
    assert answer.status_code == status
    assert "text/html" in answer.headers["content-type"]
