"""The pages in a real browser: accessible, readable on a phone, usable by keyboard alone."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from registry.pages.words import Words
from tests.registry.pages.site import Site, newsreels, open_site
from tests.registry.pages.steps import (
    deliver,
    exported,
    extract,
    file_request,
    publish,
    register_environment,
    sign_up,
)
from tests.registry.pages.visitor import Visitor
from tests.support.browser import open_browser, shoot, violations

pytestmark = pytest.mark.browser
_ID = re.compile(r"(?<=/)[a-z]+_[a-z0-9]{26}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module."""
    with open_browser() as chromium:
        yield chromium


class Crowd:
    """People of every role who have done everything, with all pages each of them saw."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.operator = site.invited("operator", "Beheer", "nl")
        self.archive = sign_up(site, self.operator, "archive", "Beeldarchief", "nl")
        self.operator.open("/home")
        action = next(
            form.attrs["action"]
            for form in self.operator.page.all("form")
            if form.attrs["action"].endswith("/verify")
        )
        self.startup = sign_up(site, self.operator, "user", "Taalmeester", "nl")
        self._look_when_empty()
        self.operator.open("/home")
        self.operator.send(action.removeprefix("/operations"))
        self.operator.open("/people")
        self._work()
        self.auditor = site.invited("auditor", "Toezicht", "nl")
        self.auditor.open("/audit")
        exported(self.auditor)
        self.anyone = site.visitor("nl")

    def _look_when_empty(self) -> None:
        for path in ("/home", "/requests", "/agreements", "/extracts", "/requests/new"):
            self.startup.open(path)
        for path in ("/home", "/inbox", "/agreements"):
            self.archive.open(path)

    def _work(self) -> None:
        publish(self.archive)
        register_environment(self.startup)
        self.startup.open("/keys")
        file_request(self.startup, "beeldarchief/journaals@1")
        self.startup.open("/requests")
        self.startup.open("/home")
        self.startup.follow("/agreements/")
        accept_from = self.startup.path
        self.startup.send("/accept")
        made = extract(self.startup, accept_from)
        wait_for_lineage(self.startup, made)
        for path in ("/extracts", "/agreements", "/home", "/webhooks"):
            self.startup.open(path)
        self._wait_in_archive()

    def _wait_in_archive(self) -> None:
        self.archive.open("/inbox")
        self.archive.follow("/inbox/dec_")
        self.archive.open(accepted(self.startup))
        self.archive.open("/archive/datasets/new")
        self.archive.send("/archive/datasets/new", slug="films", title_nl="Films", title_en="Films")
        deliver(self.archive, self.archive.path, newsreels(40, broken=3))
        for path in ("/home", "/audit", "/keys"):
            self.archive.open(path)

    def pages(self) -> list[tuple[Visitor, str, str]]:
        """Who sees which page under which address: one of each kind."""
        public = ["/", "/datasets", "/datasets/beeldarchief/journaals", "/precheck", "/words"]
        public += ["/verify", "/processing", "/sign-up", "/sign-in", "/nergens", _QUESTION]
        found = [(self.anyone, "anyone", path) for path in public]
        people = {
            "startup": self.startup,
            "archive": self.archive,
            "auditor": self.auditor,
            "operator": self.operator,
        }
        for name, visitor in people.items():
            kinds = {_ID.sub("x", path): path for path in visitor.seen}
            opened = [path for path in kinds.values() if visitor.http.get(path).status_code == 200]
            found += [(visitor, name, path) for path in opened if not path.startswith("/sign-")]
        return found


def wait_for_lineage(startup: Visitor, made: str) -> None:
    """Open what an extract holds, which is written down in the seconds after it is ready."""
    address = f"/lineage/extract?extract={made.rpartition('/')[2]}"
    until = time.monotonic() + 30
    while startup.http.get(address).status_code == 409:
        assert time.monotonic() < until
        time.sleep(0.1)
    startup.open(address)


_QUESTION = (
    "/precheck?dataset=beeldarchief/journaals@1&use=train.gen&user_class=commercial"
    "&country=US&operator_country=US"
)


def accepted(startup: Visitor) -> str:
    """The agreement that the start-up saw last."""
    return [path for path in startup.seen if re.fullmatch(r"/agreements/agr_\w+", path)][-1]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """A service in which everyone has been busy."""
    home: Path = tmp_path_factory.mktemp("busy")
    with open_site(home) as site:
        yield Crowd(site)


def _context(
    browser: Browser, visitor: Visitor, language: str, **options: object
) -> BrowserContext:
    context = browser.new_context(locale=f"{language}-NL", **options)  # type: ignore[arg-type] # playwright's many
    context.set_default_timeout(20_000)
    cookies = [
        {"name": name, "value": value, "url": visitor.origin}
        for name, value in visitor.http.cookies.items()
        if name != "lang"
    ]
    context.add_cookies([*cookies, {"name": "lang", "value": language, "url": visitor.origin}])  # type: ignore[list-item] # playwright's own type of dictionary
    return context


def _name(who: str, path: str) -> str:
    return f"{who}-{_ID.sub('x', path.partition('?')[0])}{'-answer' if '?' in path else ''}"


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("nl", "light", 1280), ("en", "dark", 390)],
    ids=["nl-light-laptop", "en-dark-phone"],
)
def test_every_page_is_accessible(
    browser: Browser, crowd: Crowd, language: str, scheme: str, width: int
) -> None:
    """axe-core finds nothing at WCAG 2.2 AA, and nothing sticks out of the smallest screen."""
    pages = crowd.pages()
    assert len(pages) > 35
    wrong: dict[str, list[str]] = {}
    for visitor in {id(one): one for one, _, _ in pages}.values():
        own = [(who, path) for one, who, path in pages if one is visitor]
        viewport = {"width": width, "height": 900}
        with _context(
            browser, visitor, language, color_scheme=scheme, viewport=viewport
        ) as context:
            page = context.new_page()
            for who, path in own:
                answer = page.goto(visitor.origin + path)
                assert answer is not None
                assert answer.status == (404 if path == "/nergens" else 200), path
                shoot(page, f"{_name(who, path)}-{language}-{scheme}-{width}")
                wrong[f"{who} {path}"] = [*violations(page), *_sticking_out(page)]
    assert not {page: found for page, found in wrong.items() if found}


def _sticking_out(page: Page) -> list[str]:
    """What scrolls sideways, here and at 320 px, which is 400 % zoom (WCAG 2.2, 1.4.10)."""
    asked = page.viewport_size
    assert asked is not None
    found = []
    for width in (asked["width"], 320):
        page.set_viewport_size({"width": width, "height": asked["height"]})
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            found.append(f"at {width} px the page is {wide} px wider than the screen")
    page.set_viewport_size(asked)
    return found


def test_page_with_mistakes_is_accessible(browser: Browser, crowd: Crowd) -> None:
    """The list of mistakes and the marked fields are so too."""
    with _context(browser, crowd.anyone, "nl") as context:
        page = context.new_page()
        page.goto(crowd.site.origin + "/sign-up")
        page.evaluate("document.querySelector('form[action=\"/sign-up\"]').noValidate = true")
        page.get_by_role("button", name=Words("nl")("sign_up.submit")).click()
        page.get_by_role("alert").wait_for()
        shoot(page, "mistakes")
        assert not violations(page)


def test_question_is_asked_by_keyboard_alone(browser: Browser, crowd: Crowd) -> None:
    """Skip link, form and answer are reached and worked without a mouse."""
    t = Words("en")
    with _context(browser, crowd.anyone, "en") as context:
        page = context.new_page()
        page.goto(crowd.site.origin + "/precheck")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == t("site.skip")
        page.keyboard.press("Enter")
        for _ in range(30):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.outerHTML")
            if 'name="dataset"' in focused:
                page.keyboard.press("Space")
            if "<button" in focused and t("precheck.submit") in focused:
                break
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=t("answer.permit_part", share="50%")).wait_for()


def test_content_policy_stops_nothing_of_ours(browser: Browser, crowd: Crowd) -> None:
    """No page asks for what its own policy forbids, and no file of ours is missing."""
    told: list[str] = []
    with _context(browser, crowd.startup, "nl") as context:
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("requestfailed", lambda request: told.append(f"failed: {request.url}"))
        page.on(
            "response",
            lambda answer: (
                told.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
            ),
        )
        for path in ("/", "/datasets/beeldarchief/journaals", "/home", accepted(crowd.startup)):
            page.goto(crowd.site.origin + path, wait_until="networkidle")
    assert told == []


def test_page_weighs_little(browser: Browser, crowd: Crowd) -> None:
    """HTML and styles of the largest page ≤ 100 kB, fonts ≤ 120 kB, none from elsewhere."""
    sizes: dict[str, int] = {}
    with _context(browser, crowd.anyone, "nl") as context:
        page = context.new_page()
        page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
        page.goto(crowd.site.origin + _QUESTION, wait_until="networkidle")
    assert all(url.startswith(crowd.site.origin) for url in sizes)
    fonts = sum(size for url, size in sizes.items() if url.endswith(".woff2"))
    assert 20_000 < fonts <= 120_000
    assert sum(sizes.values()) - fonts <= 100_000


def test_agreement_prints_on_paper_without_navigation(browser: Browser, crowd: Crowd) -> None:
    """An agreement prints as it stands: its words, no menu and no buttons."""
    with _context(browser, crowd.startup, "nl") as context:
        page = context.new_page()
        page.goto(crowd.site.origin + accepted(crowd.startup))
        page.emulate_media(media="print")
        shoot(page, "agreement-on-paper")
        assert page.get_by_role("heading", level=1).is_visible()
        for unwanted in ("navigation", "button", "contentinfo"):
            assert not any(one.is_visible() for one in page.get_by_role(unwanted).all()), unwanted
        cut = "one => one.scrollHeight > one.clientHeight + 2"
        assert not any(one.evaluate(cut) for one in page.locator("pre").all())
