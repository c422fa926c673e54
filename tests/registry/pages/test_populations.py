"""The page that gives a population away."""

import io
import zipfile

from registry.audit.populations import PROOF, ROWS
from tests.registry.pages.site import Site


def test_an_archive_takes_its_requests(site: Site) -> None:
    """A form without scripts; wrong days bring it back with what is wrong beside them."""
    archive = site.invited("archive", "Populatiearchief")
    archive.open("/audit")
    archive.follow("/audit/populations")
    archive.send("/audit/populations", since="2026-11-02", until="2026-11-01", status=422)
    assert "De laatste dag ligt voor de eerste." in archive.text
    form = archive.form("/audit/populations")
    days = {one.attrs["name"]: one.attrs["value"] for one in form.all("input")}
    assert days["since"] == "2026-11-02"
    token = {"kind": "requests", "since": "2026-11-01", "until": "2090-01-01", "sample": "3"}
    made = archive.http.post("/audit/populations", data=token, headers={"origin": site.origin})
    assert made.headers["content-type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(made.content)).namelist()
    assert {ROWS, PROOF} <= set(names)


def test_a_startup_gets_no_form(site: Site) -> None:
    """Whoever may not read the log cannot take it out; an auditor chooses an archive."""
    startup = site.invited("user", "Geen Populatie BV", "en")
    startup.open("/audit/populations", 403)
    site.invited("archive", "Gekozen Archief")
    auditor = site.invited("auditor", "Populatietoezicht", "en")
    auditor.open("/audit/populations")
    assert auditor.form("/audit/populations").one("select").attrs["name"] == "archive"
