"""The operator's page of persons, for people without scripts."""

from tests.registry.pages.site import Site


def test_the_operator_erases_a_person_on_a_page(site: Site) -> None:
    """After saying twice that it is meant; then the person is out, and it is on record."""
    operator = site.invited("operator", "Wisbeheer")
    person = site.invited("user", "Vertrekker", "en")
    operator.open("/people")
    assert "Netwerkadressen van inzages" in operator.text
    action, email = "/people/erase", "ada@vertrekker.example"
    operator.send(action, email=email, status=422)
    assert "niet terug te draaien" in operator.text
    person.open("/home")
    operator.send(action, email="niemand@example.org", sure="yes", status=422)
    assert "niemand@example.org" in operator.text
    operator.send(action, email=email, sure="yes")
    assert "De persoon is gewist" in operator.text
    assert "Op verzoek" in operator.text
    assert person.http.get("/home", follow_redirects=False).status_code != 200
    operator.open("/audit")
    assert "actor:erased" in operator.text


def test_nobody_else_sees_persons(site: Site) -> None:
    """Neither the page nor the form is for an archive."""
    archive = site.invited("archive", "Persoonsarchief")
    archive.open("/people", 403)
    said = {"email": "ada@persoonsarchief.example", "sure": "yes"}
    headers = {"origin": site.origin}
    assert archive.http.post("/people/erase", data=said, headers=headers).status_code == 403
