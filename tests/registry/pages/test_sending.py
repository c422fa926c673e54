"""Forms that are sent twice."""

from tests.registry.pages.site import Site

ENVIRONMENT = {
    "name": "AMS",
    "country": "NL",
    "operator": "Rekenhuis",
    "operator_country": "NL",
    "networks": "",
}


def _names(startup_page: str) -> int:
    return startup_page.count("/close")


def test_double_click_has_one_effect(site: Site) -> None:
    """The same showing of a form, sent again, leads to what it did; with other content it acts."""
    startup = site.invited("user", "Dubbelklik")
    startup.open("/environments")
    token = next(
        node.attrs["value"] for node in startup.page.all("input") if node.attrs["name"] == "once"
    )
    home = {"origin": startup.origin}
    form = {**ENVIRONMENT, "once": token}
    first = startup.http.post("/environments", data=form, headers=home)
    again = startup.http.post("/environments", data=form, headers=home)
    assert first.headers["location"] == again.headers["location"]
    assert _names(startup.http.get("/environments").text) == 1
    startup.http.post("/environments", data={**form, "name": "GRN"}, headers=home)
    assert _names(startup.http.get("/environments").text) == 2


def test_form_that_was_refused_may_be_sent_again(site: Site) -> None:
    """A mistake leaves nothing behind that would keep the corrected form from acting."""
    startup = site.invited("user", "Vergissing")
    home = {"origin": startup.origin}
    wrong = {**ENVIRONMENT, "networks": "nergens", "once": "x" * 22}
    assert startup.http.post("/environments", data=wrong, headers=home).status_code == 422
    assert startup.http.post("/environments", data=wrong, headers=home).status_code == 422
    assert _names(startup.http.get("/environments").text) == 0
