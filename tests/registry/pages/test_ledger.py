"""On the pages: the rights ledger, a claim from outside, and a withdrawal with its receipt."""

import re

import pytest

from tests.registry.pages.site import Site, newsreels
from tests.registry.pages.steps import (
    accept,
    deliver,
    extract,
    file_request,
    publish,
    register_environment,
)
from tests.registry.pages.visitor import Visitor


@pytest.fixture(scope="module")
def archive(site: Site) -> Visitor:
    """An archive with a published dataset."""
    visitor = site.invited("archive", "Beeldarchief")
    publish(visitor, rows=80, broken=0)
    return visitor


def ledger_of(archive: Visitor) -> str:
    """The address of the dataset's ledger."""
    archive.open("/home")
    dataset = next(link for link in archive.links() if link.startswith("/archive/datasets/ds_"))
    archive.open(dataset)
    archive.follow(f"{dataset}/ledger")
    return archive.path


def test_a_line_is_entered_and_a_wrong_one_corrected(archive: Visitor) -> None:
    """The form says which field is wrong and keeps what was filled in; a vague date is read."""
    ledger = ledger_of(archive)
    wrong = {"identifier": "1", "kind": "embargo", "date": "ooit"}
    archive.send(ledger, status=422, fields=wrong)
    assert "geen datum" in archive.text
    archive.send(ledger, date="mei 2031")
    assert "31 mei 2031" in archive.text
    assert "Embargo" in archive.text


def test_a_claim_from_outside_is_decided_on_the_page_all_read(site: Site, archive: Visitor) -> None:
    """No account is needed; another side adds its claim; the archive decides; all read why."""
    anyone = site.visitor("nl")
    anyone.open("/datasets")
    dataset = next(link for link in anyone.links() if link.startswith("/datasets/"))
    anyone.open(dataset)
    anyone.follow("/disputes/new")
    anyone.send(
        "/disputes",
        identifier="2",
        rightsholder="Erven De Vries",
        statement="Mijn vader maakte dit.",
        email="erven@example.org",
    )
    inputs = anyone.form("/claims").all("input")
    key = next(one.attrs["value"] for one in inputs if one.attrs["name"] == "key")
    page = f"{anyone.path}?key={key}"
    assert "Bewaar het adres" in anyone.text
    anyone.send("/claims", rightsholder="Omroep", share="50", statement="Ook van ons.")
    assert "Ook van ons." in anyone.text
    assert "erven@example.org" not in anyone.text
    archive.open("/disputes")
    archive.follow("/disputes/dsp_")
    assert "erven@example.org" in archive.text
    archive.send("/decision", answer="Klopt, zie de akte.", press=("answer_is", "yes"))
    anyone.open(page)
    assert "Klopt, zie de akte." in anyone.text
    anyone.open(page.partition("?")[0], status=404)


def newest(visitor: Visitor) -> str:
    """The dataset with its newest edition, as its page names it."""
    found = re.search(r"beeldarchief/journaals@\d+", visitor.text)
    assert found
    return found[0]


def test_a_withdrawal_is_followed_to_its_receipt(site: Site, archive: Visitor) -> None:
    """The archive withdraws, the recipient answers, and an auditor sees both with their times."""
    startup = site.invited("user", "Taalmeester")
    register_environment(startup)
    startup.open("/datasets/beeldarchief/journaals")
    file_request(startup, newest(startup))
    extract(startup, accept(startup))
    ledger = ledger_of(archive)
    archive.send("/withdrawals", of_rightsholder="Polygoon", reason="Verzoek van de maker")
    assert archive.path.startswith("/withdrawals/wd_")
    archive.wait_while_refreshing()
    assert "Taalmeester" in archive.text
    startup.open("/notices")
    startup.follow("/notices/ntc_")
    startup.send(startup.path, receipt="removed_but_trained", status=422)
    startup.send(startup.path, remark="model-7")
    assert "model-7" in startup.text
    auditor = site.invited("auditor", "Toezicht")
    auditor.open("/withdrawals")
    auditor.follow("/withdrawals/wd_")
    assert "model-7" in auditor.text
    archive.open(ledger)
    assert "Intrekking" in archive.text


def test_editions_are_compared_on_a_page(site: Site, archive: Visitor) -> None:
    """The dataset's page leads from its second edition to what changed since the first."""
    archive.open("/home")
    dataset = next(link for link in archive.links() if link.startswith("/archive/datasets/ds_"))
    deliver(archive, dataset, newsreels(100))
    archive.open(dataset)
    archive.send("/publish")
    anyone = site.visitor("nl")
    anyone.open("/datasets/beeldarchief/journaals")
    anyone.follow("/datasets/beeldarchief/journaals/difference?before=1")
    assert "Erbij" in anyone.text
    anyone.open("/datasets/beeldarchief/journaals/difference?before=2&after=2")
    assert "Er veranderde niets." in anyone.text
