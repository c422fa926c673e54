"""The steps of a journey through the pages, as several tests take them."""

import hashlib
import io
import re

import pyarrow.parquet

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
    declare(archive, dataset)
    set_terms(archive, dataset)
    archive.open(f"{dataset}/residency")
    archive.send("/residency", process=["EU"], operator_any="yes")
    archive.send("/publish")
    return dataset


def declare(archive: Visitor, dataset: str) -> None:
    """Say what the delivery holds that no column tells."""
    archive.open(f"{dataset}/declarations")
    archive.send("/declarations", fields=DECLARED)
    wait_for_check(archive, dataset)  # a declaration changes what unknown values mean


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
