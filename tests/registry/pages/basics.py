"""What holds for every page: its markup, its language, its names, its headers."""

import re

import httpx2

from tests.registry.pages.html import Node

CONTROLS = ("input", "select", "textarea")
HEADINGS = ("h1", "h2", "h3", "h4")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


def check_headers(response: httpx2.Response) -> None:
    """The security headers of a page."""
    for name, value in _HEADERS.items():
        assert response.headers.get(name) == value, (str(response.url), name)
    assert response.headers["referrer-policy"] in {"same-origin", "no-referrer"}
    policy = response.headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert "unsafe" not in policy
    assert "public" not in response.headers.get("cache-control", "")


def check_page(page: Node, language: str) -> None:
    """What a reader, a screen reader and the content policy need of every page."""
    assert page.attrs["lang"] == language
    assert page.one("title").text.strip("· ")
    assert page.one("h1").text, "the first heading is empty"
    assert page.one("main").attrs["id"] == "content"
    _check_policy(page)
    ids = _check_ids(page)
    _check_names(page, ids)
    _check_headings(page)
    _check_tables(page)
    _check_text(page)


def _check_policy(page: Node) -> None:
    for node in page.walk():
        if node.tag == "script":  # a data block: a browser runs it not (HTML section 4.12.1)
            assert node.attrs == {"type": "application/ld+json"}
        assert node.tag not in {"style", "iframe", "object"}, node.tag
        for name in node.attrs:
            assert name != "style", f"<{node.tag}> is styled in place"
            assert not name.startswith("on"), f"<{node.tag}> has a handler {name}"


def _check_ids(page: Node) -> set[str]:
    ids = [node.attrs["id"] for node in page.walk() if "id" in node.attrs]
    assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1]
    known = set(ids)
    for node in page.walk():
        for name in ("for", "aria-describedby", "aria-labelledby"):
            missing = set(node.attrs.get(name, "").split()) - known
            assert not missing, f"<{node.tag} {name}> names {missing}, which is not there"
        href = node.attrs.get("href", "")
        if href.startswith("#"):
            assert href[1:] in known, f"a link leads to {href}, which is not there"
    return known


def _check_names(page: Node, ids: set[str]) -> None:
    labelled = {node.attrs["for"] for node in page.all("label") if node.text}
    for node in page.all(*CONTROLS):
        if node.attrs.get("type") in {"hidden", "submit"}:
            continue
        named = node.attrs.get("id") in labelled or node.attrs.get("aria-label")
        assert named, f"<{node.tag} name={node.attrs.get('name')}> has no label"
    for node in page.all("button", "a", "summary", "legend", "th"):
        assert node.text or node.attrs.get("aria-label"), f"an empty <{node.tag} {node.attrs}>"
    for node in page.all("fieldset"):
        assert node.all("legend"), f"a fieldset without a legend: {node.attrs}"
    for node in page.all("svg"):
        hidden = node.attrs.get("aria-hidden") == "true"
        assert hidden or node.attrs.get("aria-label"), "a picture without words"


def _check_headings(page: Node) -> None:
    before = 0
    for node in page.one("main").all(*HEADINGS):
        level = int(node.tag[1])
        assert level <= before + 1, f"<{node.tag}> {node.text!r} skips a level"
        before = level


def _check_tables(page: Node) -> None:
    for table in page.all("table"):
        for head in table.all("th"):
            assert head.attrs.get("scope") in {"col", "row"}, head.text


_PLACEHOLDER = re.compile(r"\{\w*\}|\bUndefined\b|<\w+ object")


def _check_text(page: Node) -> None:
    for node in page.walk():
        if node.tag in {"pre", "code", "textarea"} or node.within("pre", "code", "textarea"):
            continue
        for child in node.children:
            if isinstance(child, str):
                assert not _PLACEHOLDER.search(child), f"a place was not filled in: {child!r}"
