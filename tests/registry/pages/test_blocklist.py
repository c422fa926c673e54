"""The blocklist on pages without scripts."""

from tests.registry.pages.site import Site


def test_an_organisation_is_blocked_on_pages(site: Site) -> None:
    """With a reason, by its short name; then the block is lifted. Others have no such page."""
    archive, user = site.invited("archive", "Blokarchief"), site.invited("user", "Doorgever")
    archive.open("/blocklist")
    archive.send("/blocklist", organisation="niemand", reason="Weg.", status=422)
    archive.send("/blocklist", organisation="doorgever", reason="Gaf bestanden door.")
    assert "Gaf bestanden door." in archive.text
    made = (one.attrs["action"] for one in archive.page.all("form"))
    archive.send(next(one for one in made if one.startswith("/blocklist/")))
    assert "Gaf bestanden door." not in archive.text
    user.open("/blocklist", 403)
