"""Being verified, and verifying, on pages without scripts."""

from tests.registry.pages.site import Site

TOLD = {
    "legal_name": "Klankwerk BV",
    "number_kind": "kvk",
    "number": "12345678",
    "country": "NL",
    "signatory": "Noor Bakker",
    "signatory_role": "directeur",
    "evidence": "https://kvk.example/12345678",
}


def test_an_organisation_is_verified_on_pages(site: Site) -> None:
    """It tells who it is, with a wrong digit first; the operator verifies and withdraws."""
    user, operator = site.invited("user", "Klankwerk"), site.invited("operator", "Kaartbeheer")
    user.open("/organisation")
    user.send("/organisation", fields=TOLD | {"number": "1234567"}, status=422)
    assert "8 cijfers" in user.text
    user.send("/organisation", fields=TOLD)
    assert "wacht op controle" in user.text
    operator.open("/verifications")
    action = next(
        form.attrs["action"]
        for form in operator.page.all("form")
        if form.attrs.get("action", "").startswith("/verifications/")
    )
    operator.send(action, press=("state", "refused"), status=422)
    operator.send(action, press=("state", "verified"), months="12")
    assert "gecontroleerd" in operator.text
    operator.send(action, press=("state", "withdrawn"), reason="Opgeheven.")
    user.open("/organisation")
    assert "ingetrokken" in user.text
    assert "Opgeheven." in user.text
    user.open("/verifications", 403)
