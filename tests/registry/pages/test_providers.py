"""Signing in through an OpenID provider: who comes in, who does not, and what they are told."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from sqlmodel import col, select

from registry.accounts.sign_ins import Identity, SignInAttempt
from registry.accounts.tables import Organisation, Seat
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.services.accounts import SignUp, invite
from registry.services.erasing import erase_address
from tests.registry.pages.site import Site, open_site
from tests.registry.pages.visitor import Visitor
from tests.support.lying import CLIENT, SECRET, LyingProvider

BACK = "/sign-in/with/lab/back"


@dataclass
class Place:
    """A service, and the provider that it trusts."""

    site: Site
    provider: LyingProvider

    def seat(self, role: str, name: str, email: str) -> None:
        """An organisation with a person who may come in."""
        runtime = self.site.app.state.runtime
        told = {"organisation_name": name, "role": role, "country": "NL", "email": email}
        with transaction(runtime.engine) as session:
            invite(
                session,
                None,
                SignUp.model_validate(told | {"person_name": "Noor"}),
                at=runtime.clock(),
            )

    def goes(self, visitor: Visitor, path: str = "/sign-in/with/lab") -> dict[str, str]:
        """Off to the provider: what it is asked."""
        answer = visitor.http.get(path)
        assert answer.status_code == 303, answer.text
        return self.asked(answer.headers["location"])

    def asked(self, address: str) -> dict[str, str]:
        """What the provider is asked by an address that leads there."""
        assert address.startswith(f"{self.provider.name}/authorize?")
        asked = {name: one for name, (one,) in parse_qs(urlsplit(address).query).items()}
        self.provider.nonce = asked["nonce"]
        return asked

    def returns(self, visitor: Visitor, asked: dict[str, str], **told: str) -> Any:
        """Back from the provider with a code."""
        answer = {"code": "c", "state": asked["state"], "iss": self.provider.name, **told}
        return visitor.http.get(BACK, params={k: v for k, v in answer.items() if v})

    def comes_in(self, email: str, **person: Any) -> Visitor:
        """Someone who signs in at once, seen on their own page."""
        visitor = self.site.visitor("en")
        self.provider.person |= {"sub": f"of-{email}", "email": email, **person}
        asked = self.goes(visitor)
        answer = self.returns(visitor, asked)
        assert answer.status_code == 303, answer.text
        visitor.open(answer.headers["location"])
        return visitor

    def acts(self) -> list[str]:
        """Every act in the log."""
        with reading(self.site.app.state.runtime.engine) as session:
            bodies = session.exec(select(AuditEntry.body).order_by(col(AuditEntry.id))).all()
        return [json.loads(body)["act"] for body in bodies]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service that trusts one provider for the addresses of one domain."""
    with LyingProvider() as provider:
        told = {
            "issuer": provider.name,
            "title": "Het Lab",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "domains": ["lab.example"],
            "step_up": "urn:two",
        }
        home: Path = tmp_path_factory.mktemp("site")
        grouped = told | {"groups": {"lab-people": "het-lab"}}
        providers = {"lab": told, "grouped": grouped}
        with open_site(home, sign_in_providers=providers) as site:
            yield Place(site, provider)


@pytest.fixture
def place(running: Place) -> Place:
    """The provider tells the truth again before each test."""
    running.provider.honest()
    return running


def test_a_person_of_the_domain_gets_their_own_seat(place: Place) -> None:
    """PKCE, state and nonce go along, the code comes once, and the session is ours."""
    place.seat("user", "Klanklab", "noor@lab.example")
    visitor = place.site.visitor("en")
    visitor.open("/sign-in?next=/agreements")
    assert "/sign-in/with/lab?next=/agreements" in visitor.links()
    asked = place.goes(visitor, "/sign-in/with/lab?next=/agreements")
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == place.site.origin + BACK
    assert asked["scope"] == "openid email profile"
    place.provider.person |= {"email": "Noor@Lab.example"}
    answer = place.returns(visitor, asked)
    assert answer.headers["location"] == "/agreements"
    assert place.provider.posted["code_verifier"].startswith("vg_verifier_")
    assert place.provider.posted["authorization"].startswith("Basic ")
    assert "client_secret" not in place.provider.posted
    visitor.open("/home")
    assert {"actor:connected", "actor:signed-in"} <= set(place.acts()[-3:])
    again = place.returns(visitor, asked)
    assert (again.status_code, "belongs to no sign-in" in again.text) == (401, True)
    visitor.open("/sign-in/connected")
    assert "noor@lab.example" in visitor.text.lower()


def test_the_subject_counts_and_not_the_address(place: Place) -> None:
    """Whoever was connected keeps their seat when their address changes; nobody else gets it."""
    place.seat("user", "Subjectlab", "iris@lab.example")
    place.comes_in("iris@lab.example", sub="iris")
    place.comes_in("other@elsewhere.example", sub="iris")
    visitor = place.site.visitor("en")
    place.provider.person |= {"sub": "not-iris", "email": "iris@lab.example"}
    place.provider.person |= {"email_verified": "true"}
    refused = place.returns(visitor, place.goes(visitor))
    assert refused.status_code == 403
    assert "is not known here yet" in refused.text
    assert "not-iris" in refused.text, "what the provider told is shown"


@pytest.mark.parametrize("email", ["noor@elsewhere.example", "noor@sub.lab.example", None])
def test_an_address_that_the_provider_does_not_speak_for(place: Place, email: str | None) -> None:
    """An equal address alone takes over no seat."""
    place.seat("user", f"Elders {email}", email or "none@lab.example")
    visitor = place.site.visitor("nl")
    place.provider.person |= {"sub": f"thief-{email}", "email": email}
    place.provider.profile = {"email": email}
    refused = place.returns(visitor, place.goes(visitor))
    assert (refused.status_code, "nog niet bekend" in refused.text) == (403, True)


def test_a_seat_is_connected_by_whoever_has_it(place: Place) -> None:
    """Signed in by a link, one connects a provider, where one signs in anew, and comes back."""
    visitor = place.site.invited("user", "Verbinder", "en")
    visitor.open("/sign-in/connected")
    assert "connected to no provider" in visitor.text
    page = visitor.http.post("/sign-in/connected/lab", data={})
    address = page.text.split('class="act" href="')[1].split('"')[0].replace("&amp;", "&")
    asked = place.asked(address)
    assert asked["prompt"] == "login"
    place.provider.person = {"sub": "connected-person"}
    assert place.returns(visitor, asked).headers["location"] == "/sign-in/connected"
    visitor.open("/sign-in/connected")
    assert "connected-person" in visitor.text
    other = place.site.invited("user", "Een ander", "en")
    page = other.http.post("/sign-in/connected/lab", data={})
    address = page.text.split('class="act" href="')[1].split('"')[0].replace("&amp;", "&")
    refused = place.returns(other, place.asked(address))
    assert (refused.status_code, "has another seat here" in refused.text) == (409, True)


def test_an_archive_needs_a_second_factor(place: Place) -> None:
    """It is asked for once; without it nobody comes in, with it they do. A link is too little."""
    place.seat("archive", "Archieflab", "ada@lab.example")
    visitor = place.site.visitor("en")
    place.provider.person |= {"sub": "ada", "email": "ada@lab.example"}
    stepped = place.returns(visitor, place.goes(visitor))
    asked = place.asked(stepped.headers["location"])
    assert (asked["acr_values"], asked["prompt"]) == ("urn:two", "login")
    refused = place.returns(visitor, asked)
    assert (refused.status_code, "needs a second factor" in refused.text) == (403, True)
    place.provider.claims = {"amr": ["pwd", "mfa"]}
    place.comes_in("ada@lab.example", sub="ada")
    place.provider.claims = {"acr": "mfa"}
    place.comes_in("ada@lab.example", sub="ada")
    visitor.http.post("/sign-in", data={"email": "ada@lab.example"})
    operator = place.site.invited("operator", "Beheer", "en")
    operator.open("/home")
    assert "A link is too little" in operator.text or "te weinig" in operator.text


def test_a_group_gives_and_takes_a_seat(place: Place) -> None:
    """Who is in an organisation's group gets a seat there; who no longer is comes in no more."""
    place.seat("user", "Het Lab", "chief@lab.example")

    def tries(groups: list[str]) -> Any:
        visitor = place.site.visitor("en")
        place.provider.person |= {"sub": "new-one", "email": "new@lab.example", "groups": groups}
        asked = place.goes(visitor, "/sign-in/with/grouped")
        answer = {"code": "c", "state": asked["state"], "iss": place.provider.name}
        return visitor.http.get("/sign-in/with/grouped/back", params=answer)

    assert tries(["strangers"]).status_code == 403
    assert tries(["lab-people", "others"]).status_code == 303
    with reading(place.site.app.state.runtime.engine) as session:
        seat = session.exec(select(Seat).where(col(Seat.email) == "new@lab.example")).one()
        assert session.get_one(Organisation, seat.organisation_id).slug == "het-lab"
    left = tries([])
    assert (left.status_code, "does not name you" in left.text) == (403, True)


Lie = Callable[[LyingProvider], None]


def _claims(**told: Any) -> Lie:
    return lambda provider: provider.claims.update(told)


def _tokens(**told: Any) -> Lie:
    def lie(provider: LyingProvider) -> None:
        provider.tokens = told

    return lie


def _strange_key(provider: LyingProvider) -> None:
    provider.signing = RSAKey.generate_key(2048, {"kid": "first"})


def _other_person(provider: LyingProvider) -> None:
    provider.profile = {"sub": "somebody else"}


NOW = int(time.time())
LIES: dict[str, tuple[Lie, str]] = {
    "another issuer": (_claims(iss="https://other.example"), "another issuer"),
    "another audience": (_claims(aud="another"), "meant for another"),
    "one audience too many": (_claims(aud=[CLIENT, "another"]), "meant for another"),
    "no audience": (_claims(aud=None), "meant for another"),
    "another party": (_claims(azp="another"), "meant for another"),
    "another nonce": (_claims(nonce="another"), "of another attempt"),
    "no nonce": (_claims(nonce=None), "of another attempt"),
    "over": (_claims(exp=NOW - 600, iat=NOW - 900), "held until"),
    "not yet": (_claims(iat=NOW + 6000, exp=NOW + 9000), "holds from"),
    "no end": (_claims(exp=None), "is missing"),
    "no subject": (_claims(sub=None), "is no name"),
    "another access token": (_claims(at_hash="AAAA"), "of another token"),
    "another key": (_strange_key, "signature does not match"),
    "another person": (_other_person, "two different persons"),
    "no ID token": (_tokens(id_token=None), "No ID token"),
    "no token at all": (_tokens(id_token="a.b.c"), "no token that can be"),
    "an access token": (lambda one: one.header.update(typ="at+jwt"), "not of this type"),
    "a key of its own": (lambda one: one.header.update(jku="https://x.example"), "foreign members"),
    "an error": (_tokens(error="invalid_grant"), "invalid_grant"),
    "no answer of OAuth's": (lambda one: setattr(one, "tokens", []), "does not answer as it"),
    "no profile": (lambda one: setattr(one, "profile", None), "does not answer as it should"),
    "a profile in words": (lambda one: setattr(one, "profile", "me"), "does not answer as it"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_lets_nobody_in(place: Place, lie: str) -> None:
    """Each lie of a provider is refused for its own reason, and no session begins."""
    tell, reason = LIES[lie]
    visitor = place.site.visitor("en")
    place.provider.person |= {"sub": "liar", "email": "noor@lab.example"}
    asked = place.goes(visitor)
    tell(place.provider)
    answer = place.returns(visitor, asked)
    assert answer.status_code in {401, 503}, answer.text
    assert reason in answer.text
    assert visitor.http.get("/home").status_code == 401


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"iss": "https://other.example"}, "another provider than"),
        ({"iss": ""}, "another provider than"),
        ({"state": "forged"}, "belongs to no sign-in"),
        ({"state": ""}, "belongs to no sign-in"),
        ({"code": "", "error": "access_denied"}, "broke the sign-in off"),
        ({"code": "", "error": "server_error"}, "(server_error)"),
        ({"code": "", "error": "<script>"}, "(?)"),
        ({"code": ""}, "ended the sign-in"),
    ],
)
def test_a_wrong_answer_lets_nobody_in(place: Place, told: dict[str, str], reason: str) -> None:
    """Of the answer in the browser every part counts."""
    visitor = place.site.visitor("en")
    answer = place.returns(visitor, place.goes(visitor), **told)
    assert (answer.status_code, reason in answer.text) == (401, True), answer.text


def test_only_the_browser_that_began_may_end(place: Place) -> None:
    """Another's address with code and state signs nobody in as them; too late neither."""
    place.seat("user", "Vreemd lab", "eva@lab.example")
    place.provider.person |= {"sub": "eva", "email": "eva@lab.example"}
    victim, attacker = place.site.visitor("en"), place.site.visitor("en")
    asked = place.goes(attacker)
    place.goes(victim)
    assert place.returns(victim, asked).status_code == 401
    place.provider.nonce = asked["nonce"]
    with transaction(place.site.app.state.runtime.engine) as session:
        for attempt in session.exec(select(SignInAttempt)):
            attempt.until = attempt.until.replace(year=2000)
    assert place.returns(attacker, asked).status_code == 401


def test_a_provider_that_is_down_is_told_so(place: Place) -> None:
    """503 and no attempt; and a name that is none of ours is not found."""
    visitor = place.site.visitor("en")
    asked = place.goes(visitor)
    place.provider.down = True
    assert place.returns(visitor, asked).status_code == 503
    assert visitor.http.get("/sign-in/with/nobody").status_code == 404
    assert visitor.http.get("/sign-in/with/nobody/back").status_code == 404


def test_a_closed_seat_stays_closed(place: Place) -> None:
    """Neither the provider nor an old connection opens it; erasing a person takes both away."""
    place.seat("user", "Weglab", "weg@lab.example")
    place.comes_in("weg@lab.example", sub="weg")
    runtime = place.site.app.state.runtime
    with transaction(runtime.engine) as session:
        session.exec(select(Seat).where(col(Seat.email) == "weg@lab.example")).one().active = False
    visitor = place.site.visitor("en")
    refused = place.returns(visitor, place.goes(visitor))
    assert (refused.status_code, "has ended" in refused.text) == (403, True)
    with transaction(runtime.engine) as session:
        erase_address(session, None, "weg@lab.example", at=runtime.clock())
        assert session.exec(select(Identity).where(col(Identity.subject) == "weg")).all() == []


def test_an_answer_is_shown_nowhere(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a page nor the server's log holds the code, or what goes with it."""
    visitor = place.site.visitor("en")
    asked = place.goes(visitor)
    with caplog.at_level(logging.INFO):
        answer = place.returns(visitor, asked, code="the-secret-code", error="x" * 5000)
    assert answer.status_code == 401
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    shown = "\n".join([answer.text, *ours])
    assert "the-secret-code" not in shown
    assert asked["state"] not in shown
