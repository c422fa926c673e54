"""Someone with a browser that runs no scripts: opens pages, follows links, sends forms.

Every page that comes by is held to what holds for all pages, so a journey checks them all.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from tests.registry.pages.basics import check_headers, check_page
from tests.registry.pages.html import Node, read_html

File = tuple[str, bytes]


@dataclass
class Visitor:
    """One browser. `page` is what it shows, `path` its address."""

    origin: str
    language: str = "nl"
    page: Node = field(default_factory=lambda: Node("html", {}))
    path: str = "/"
    status: int = 0
    refreshes: bool = False
    """Whether the page reloads by itself."""
    seen: list[str] = field(default_factory=list)
    """The paths of all pages it was shown."""

    def __post_init__(self) -> None:
        self.http = httpx2.Client(
            base_url=self.origin,
            headers={"accept-language": self.language, "sec-fetch-site": "same-origin"},
            timeout=60,
        )

    def open(self, path: str, status: int = 200) -> Node:
        """Go to an address, and on to wherever it leads."""
        return self._show(self.http.get(path), status)

    def _show(self, response: httpx2.Response, status: int) -> Node:
        for _ in range(5):
            if response.status_code != 303:
                break
            response = self.http.get(self._local(response.headers["location"]))
        check_headers(response)
        self.refreshes = "refresh" in response.headers
        self.status, self.path = response.status_code, urlsplit(str(response.url)).path
        assert self.status == status, f"{self.path} gave {self.status}: {response.text[:3000]}"
        self.page = read_html(response.text)
        try:
            check_page(self.page, self.language)
        except AssertionError as wrong:
            raise AssertionError(f"{self.path}: {wrong}") from wrong
        self.seen.append(self.path)
        return self.page

    def _local(self, location: str) -> str:
        assert urlsplit(location).netloc == "", f"a redirect leaves the site: {location}"
        return location

    @property
    def text(self) -> str:
        """The words of the page's main part."""
        return self.page.one("main").text

    def links(self) -> list[str]:
        """Where the links in the page's main part lead."""
        return [one.attrs["href"] for one in self.page.one("main").all("a")]

    def follow(self, start: str, status: int = 200) -> Node:
        """Follow the first link in the main part whose address starts so."""
        found = [one for one in self.links() if one.startswith(start)]
        assert found, f"{self.path} has no link to {start}: {self.links()}"
        return self.open(found[0], status)

    def form(self, action: str) -> Node:
        """The form that is sent to an address that ends so, whatever its query."""
        forms = [
            one
            for one in self.page.all("form")
            if (address := one.attrs["action"]).endswith(action)
            or address.partition("?")[0].endswith(action)
        ]
        assert forms, f"{self.path} has no form for {action}: " + ", ".join(
            one.attrs["action"] for one in self.page.all("form")
        )
        return forms[0]

    def send(
        self,
        action: str,
        *,
        status: int = 200,
        press: tuple[str, str] | None = None,
        file: tuple[str, File] | None = None,
        fields: Mapping[str, Any] = {},
        **answers: Any,
    ) -> Node:
        """Fill in a form as its page shows it, and send it.

        :param press: name and value of the button.
        :param file: the file input's name, and the file.
        :param fields: answers whose names are no Python names.
        """
        form = self.form(action)
        sent = filled_in(form, {**fields, **answers})
        if press is not None:
            buttons = [(b.attrs.get("name"), b.attrs.get("value")) for b in form.all("button")]
            assert press in buttons, buttons
            sent.append(press)
        return self._show(self._submit(form, sent, file), status)

    def _submit(
        self, form: Node, fields: list[tuple[str, str]], file: tuple[str, File] | None
    ) -> httpx2.Response:
        address = urljoin(self.path, form.attrs["action"])
        if form.attrs["method"] == "get":
            return self.http.get(address, params=_grouped(fields))
        headers = {"referer": self.origin + self.path, "origin": self.origin}
        if file is None:
            return self.http.post(address, data=_grouped(fields), headers=headers)
        assert form.attrs["enctype"] == "multipart/form-data"
        name, (file_name, content) = file
        assert any(one.attrs.get("name") == name for one in form.all("input")), name
        sent = {name: (file_name, content)}
        return self.http.post(address, data=_grouped(fields), files=sent, headers=headers)

    def wait_while_refreshing(self, seconds: float = 60) -> Node:
        """Reload as long as the page does so by itself."""
        end = time.monotonic() + seconds
        while self.refreshes:
            assert time.monotonic() < end, self.text
            time.sleep(0.1)
            self.open(self.path)
        return self.page


def _grouped(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in fields:
        grouped.setdefault(name, []).append(value)
    return grouped


def filled_in(form: Node, answers: dict[str, Any]) -> list[tuple[str, str]]:
    """What a browser would send: the form as shown, with these answers given.

    An answer must be one that the form offers; a list ticks several boxes.
    """
    given = {
        name: list(value) if isinstance(value, list | tuple) else [value]
        for name, value in answers.items()
    }
    controls = [node for node in form.all("input", "select", "textarea") if "name" in node.attrs]
    unknown = given.keys() - {node.attrs["name"] for node in controls}
    assert not unknown, f"the form has no {unknown}"
    for name, values in given.items():
        _check_offered([node for node in controls if node.attrs["name"] == name], values)
    fields = []
    for node in controls:
        fields += [(node.attrs["name"], value) for value in _values(node, given)]
    return fields


def _check_offered(controls: list[Node], values: list[str]) -> None:
    boxes = [node for node in controls if node.attrs.get("type") in {"radio", "checkbox"}]
    offered = {node.attrs["value"] for node in boxes}
    for node in controls:
        if node.tag == "select":
            offered |= {option.attrs["value"] for option in node.all("option")}
        elif node not in boxes:
            return
    assert set(values) <= offered, f"{values} is not among {sorted(offered)}"


def _values(node: Node, given: dict[str, list[str]]) -> list[str]:
    name, kind = node.attrs["name"], node.attrs.get("type", "text")
    if kind == "file":
        return []
    if kind in {"radio", "checkbox"}:
        value = node.attrs["value"]
        ticked = value in given[name] if name in given else "checked" in node.attrs
        return [value] if ticked else []
    if name in given:
        return given[name][:1]
    if node.tag == "select":
        options = node.all("option")
        chosen = [option for option in options if "selected" in option.attrs] or options[:1]
        return [option.attrs["value"] for option in chosen]
    if node.tag == "textarea":
        return ["".join(child for child in node.children if isinstance(child, str))]
    return [node.attrs.get("value", "")]
