"""Seats on pages without scripts: inviting, joining, changing and leaving."""

from tests.registry.pages.site import Site, mailed_link
from tests.registry.pages.visitor import Visitor


def _action(shown: Visitor, start: str) -> str:
    """The address of the first form on the page that begins so."""
    actions = (one.attrs["action"] for one in shown.page.all("form"))
    return next(one for one in actions if one.startswith(start))


def _invite(admin: Visitor, email: str) -> str:
    """The page where that invitation is accepted."""
    admin.open("/seats")
    admin.send("/seats", email=email, duty="member")
    return "/join/" + admin.text.partition("/join/")[2].split()[0]


def test_seats_on_pages(site: Site) -> None:
    """An admin invites, the invited joins by mail, is made an admin, and the first one leaves."""
    first, operator = site.invited("user", "Plaatswerk"), site.invited("operator", "Plaatsbeheer")
    first.open("/seats")
    own = _action(first, "/seats/seat_")
    first.send(own, press=("act", "end"), status=409)
    first.send("/seats", email="geen adres", status=422)
    address = _invite(first, "bo@plaatswerk.example")
    second = site.visitor()
    second.open(address)
    assert "Plaatswerk" in second.text
    second.send(address, person_name=" ", status=422)
    second.send(address, person_name="Bo Bakker")
    site.visitor().open(address, 401)
    second.open(mailed_link(operator))
    second.send(second.path)
    second.open("/seats")
    assert "Bo Bakker" not in second.text
    _invite(first, "cas@plaatswerk.example")
    first.open("/seats")
    first.send(_action(first, "/seats/invitations/"))
    assert "cas@" not in first.text
    first.send(_action(first, "/seats/seat_"), press=("act", "admin"))
    first.send(own, press=("act", "end"))
    assert first.path == "/"
    first.open("/seats", 401)
    cas = site.visitor()
    address = _invite(second, "cas@plaatswerk.example")
    cas.open(address)
    cas.send(address, person_name="Cas")
    second.open("/seats")
    assert "Ada" not in second.text
    second.send(_action(second, "/seats/seat_"), press=("act", "end"))
    assert "Cas" not in second.text
