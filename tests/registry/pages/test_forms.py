"""Forms: only our own are carried out, what is wrong is shown where it is, nothing is lost."""

import httpx2
import pytest

from tests.registry.pages.html import read_html
from tests.registry.pages.site import Site, mailed_link


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
    ids=["cross-site", "same-site", "typed", "other-origin", "null-origin", "no-origin"],
)
def test_form_of_another_site_is_not_carried_out(site: Site, headers: dict[str, str]) -> None:
    """A POST that did not come from our own pages changes nothing, whoever is signed in."""
    startup = site.invited("user", f"Vreemd {len(headers)} {'-'.join(headers.values())[:18]}")
    cookies = dict(startup.http.cookies)
    body = {"name": "X", "country": "NL", "operator": "Y", "operator_country": "NL"}
    with httpx2.Client(base_url=site.origin, cookies=cookies) as other:
        answer = other.post("/environments", data=body, headers=headers)
    assert answer.status_code == 403
    assert "text/html" in answer.headers["content-type"]
    startup.open("/environments")
    assert "Rekenhuis" not in startup.text
    assert not [f for f in startup.page.all("form") if f.attrs["action"].endswith("/close")]


def test_browser_without_fetch_metadata_is_known_by_its_origin(site: Site) -> None:
    """The Origin header speaks for a browser that sends no Sec-Fetch-Site."""
    with httpx2.Client(base_url=site.origin) as browser:
        answer = browser.post(
            "/sign-in", data={"email": "x@example.nl"}, headers={"origin": site.origin}
        )
    assert answer.status_code == 303


def test_mistakes_are_named_first_and_at_their_fields(site: Site) -> None:
    """The form comes back with its answers, a list of mistakes that leads to each, and 422."""
    visitor = site.visitor("en")
    visitor.open("/sign-up")
    visitor.send(
        "/sign-up",
        status=422,
        role="user",
        organisation_name="Taal BV",
        person_name="  ",
        email="geen adres",
        country="NL",
    )
    summary = next(node for node in visitor.page.walk() if node.attrs.get("role") == "alert")
    targets = {link.attrs["href"] for link in summary.all("a")}
    assert targets == {"#person_name", "#email"}
    assert "Your name: Fill this in." in summary.text
    email = next(n for n in visitor.page.all("input") if n.attrs.get("name") == "email")
    assert email.attrs["aria-invalid"] == "true"
    assert email.attrs["value"] == "geen adres"
    described = email.attrs["aria-describedby"].split()
    told = [node.text for node in visitor.page.walk() if node.attrs.get("id") in described]
    assert any("e-mail" in text for text in told)
    name = next(n for n in visitor.page.all("input") if n.attrs.get("name") == "organisation_name")
    assert name.attrs["value"] == "Taal BV"


def test_nothing_is_chosen_for_who_does_not_choose(site: Site) -> None:
    """Who does not say what brings them here is asked again, and gets no role."""
    visitor = site.visitor("en")
    visitor.open("/sign-up")
    visitor.send(
        "/sign-up",
        status=422,
        organisation_name="Taal BV",
        person_name="Eva",
        email="eva@keuze.example",
        country="NL",
    )
    assert "What brings you here: Choose one of the options." in visitor.text


def test_error_of_the_whole_form_keeps_what_was_filled_in(site: Site) -> None:
    """An address that is taken: 409, the reason in words, and nothing to type again."""
    site.link("user", "Bezet")
    visitor = site.visitor()
    visitor.open("/sign-up")
    visitor.send(
        "/sign-up",
        status=409,
        role="user",
        organisation_name="Nieuw",
        person_name="Eva",
        country="NL",
        email="ada@bezet.example",
    )
    assert "heeft al een plaats" in visitor.text
    names = {n.attrs.get("name"): n.attrs.get("value") for n in visitor.page.all("input")}
    assert names["organisation_name"] == "Nieuw"


def test_what_is_filled_in_is_text_and_never_markup(site: Site) -> None:
    """Names with markup, very long names and right-to-left text come back as they were typed."""
    startup = site.invited("user", "Opmaak")
    startup.open("/environments")
    wild = '"><script>alert(1)</script>' + "א" * 50
    startup.send("/environments", name=wild, country="NL", operator="<b>O", operator_country="NL")
    assert "<script>alert(1)</script>" in startup.text
    startup.send(
        "/environments",
        status=422,
        name="x" * 10_000,
        country="NL",
        operator="O",
        operator_country="NL",
    )
    assert "200" in startup.text


def test_lost_session_loses_no_form(site: Site) -> None:
    """A form sent after the session ended comes back, to be sent again once signed in."""
    startup = site.invited("user", "Vergeetachtig")
    startup.open("/environments")
    form = startup.form("/environments")
    startup.http.cookies.clear()
    body = {
        "name": "Mijn lange verhaal",
        "country": "NL",
        "operator": "Rekenhuis",
        "operator_country": "NL",
    }
    answer = startup.http.post(form.attrs["action"], data=body)
    assert answer.status_code == 401
    page = read_html(answer.text)
    again = next(f for f in page.one("main").all("form") if f.attrs["action"] == "/environments")
    kept = {n.attrs["name"]: n.attrs["value"] for n in again.all("input")}
    assert kept == body
    link = site.link("user", "Vergeetachtig twee")
    startup.open(link)
    startup.send(link)
    answer = startup.http.post(again.attrs["action"], data=kept)
    assert answer.status_code == 303
    startup.open("/environments")
    assert "Mijn lange verhaal" in startup.text


def test_form_of_another_site_is_not_kept_for_sending_again(site: Site) -> None:
    """A foreign POST without a session gives no form that would be ours once pressed."""
    body = {"name": "Val", "country": "NL", "operator": "Y", "operator_country": "NL"}
    with httpx2.Client(base_url=site.origin) as other:
        answer = other.post("/environments", data=body, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "Val" not in answer.text


def test_signing_in_leads_back_to_where_one_was(site: Site) -> None:
    """A page that asks to sign in is where one arrives afterwards."""
    site.link("user", "Terugkeer")
    operator = site.invited("operator", "Terugkeerbeheer")
    visitor = site.visitor()
    visitor.open("/environments", 401)
    visitor.follow("/sign-in?next=")
    visitor.send("/sign-in", email="ada@terugkeer.example")
    visitor.open(mailed_link(operator))
    visitor.send(visitor.path)
    assert visitor.path == "/environments"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(site: Site, target: str) -> None:
    """An address to return to counts only where it is one of our own pages."""
    link = site.link("user", f"Omleiding {abs(hash(target))}")
    visitor = site.visitor()
    visitor.http.get("/sign-in", params={"next": target})
    visitor.http.post("/sign-in", data={"email": "x@example.nl", "next": target})
    visitor.open(link)
    form = visitor.form(link)
    answer = visitor.http.post(form.attrs["action"])
    assert answer.headers["location"] == "/home"


def test_sign_in_link_works_once(site: Site) -> None:
    """Pressing its button a second time, or in another browser, says that it was used."""
    link = site.link("user", "Eenmalig")
    first, second = site.visitor(), site.visitor()
    first.open(link)
    second.open(link)
    first.send(link)
    second.send(link, status=401)
    assert "al gebruikt" in second.text


def test_unknown_address_gets_the_same_answer(site: Site) -> None:
    """Asking for a link does not tell whether an address has a seat."""
    site.link("user", "Bekend")
    answers = []
    for address in ("ada@bekend.example", "niemand@bekend.example"):
        visitor = site.visitor()
        visitor.open("/sign-in")
        visitor.send("/sign-in", email=address)
        answers.append(visitor.text)
    assert answers[0] == answers[1]


def test_double_click_makes_one_thing(site: Site) -> None:
    """The same dataset registered twice, the same agreement accepted twice: one of each."""
    archive = site.invited("archive", "Dubbel")
    archive.open("/archive/datasets/new")
    given = {"slug": "films", "title_nl": "Films", "title_en": "Films"}
    archive.send("/archive/datasets/new", fields=given)
    made = archive.path
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", status=409, fields=given)
    assert "al een dataset" in archive.text
    archive.open("/home")
    assert [one for one in archive.links() if one.startswith(made)] == [made]


def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    """The cookie that was worth a session is worth nothing afterwards."""
    startup = site.invited("user", "Afmelder")
    kept = dict(startup.http.cookies)
    startup.send("/sign-out")
    assert startup.path == "/"
    with httpx2.Client(base_url=site.origin, cookies=kept) as thief:
        assert thief.get("/home").status_code == 401


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    """HttpOnly and SameSite; over plain http on loopback it cannot be `__Host-`."""
    link = site.link("user", "Koekje")
    visitor = site.visitor()
    answer = visitor.http.post(link, headers={"origin": site.origin})
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("vrijgave="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie


def test_upload_without_a_file_and_of_a_strange_kind(site: Site) -> None:
    """No file, an empty file, a file of another kind: the form again, with what to do."""
    archive = site.invited("archive", "Uploader")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="films", title_nl="Films", title_en="Films")
    dataset = archive.path
    for name, content, words in (
        ("films.docx", b"PK", "ending"),
        ("films.csv", b"", "leeg"),
    ):
        archive.open(dataset)
        archive.send("/deliveries", status=422, file=("file", (name, content)))
        assert words in archive.text
    archive.open(dataset)
    assert not [one for one in archive.links() if one.startswith("/archive/deliveries/")]


def test_file_that_is_no_data_is_told_so_on_its_page(site: Site) -> None:
    """A picture named .parquet: its page says that it cannot be read, and offers a way on."""
    archive = site.invited("archive", "Plaatjes")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="films", title_nl="Films", title_en="Films")
    archive.send("/deliveries", file=("file", ("films.parquet", b"\x89PNG\r\n\x1a\n" * 100)))
    assert "Parquet" in archive.text
    assert next(node for node in archive.page.walk() if node.attrs.get("role") == "alert")
