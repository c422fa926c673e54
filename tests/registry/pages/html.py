"""A page as a tree, read strictly: what is not closed or nested right fails the test."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
SELF_CLOSED = frozenset({"path", "rect", "circle"})


@dataclass
class Node:
    """An element, with its children and the text directly in it, in order."""

    tag: str
    attrs: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)
    parent: "Node | None" = None

    def walk(self) -> Iterator["Node"]:
        """The element and all below it, in the order of the page."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, *tags: str) -> list["Node"]:
        """The elements below it of these kinds."""
        return [node for node in self.walk() if node.tag in tags]

    def one(self, tag: str) -> "Node":
        """The only element of its kind below it."""
        found = self.all(tag)
        assert len(found) == 1, f"{len(found)} elements <{tag}>"
        return found[0]

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()
                yield " "

    def within(self, *tags: str) -> bool:
        """Whether it stands inside an element of one of these kinds."""
        node = self.parent
        while node is not None:
            if node.tag in tags:
                return True
            node = node.parent
        return False


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = self.root
        self.doctype = ""

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)
        if tag not in VOID:
            last = self.open.children[-1]
            assert isinstance(last, Node)
            self.open = last

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID | SELF_CLOSED, f"<{tag}/> at line {self.getpos()[0]} closes nothing"
        self._add(tag, attrs)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs}, parent=self.open)
        self.open.children.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.tag == tag, (
            f"</{tag}> at line {self.getpos()[0]} closes <{self.open.tag} {self.open.attrs}>"
        )
        assert self.open.parent is not None
        self.open = self.open.parent

    def handle_data(self, data: str) -> None:
        self.open.children.append(data)


def read_html(text: str) -> Node:
    """The page's root; the test fails where its markup is not well formed."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    assert builder.open is builder.root, f"<{builder.open.tag}> is never closed"
    assert builder.doctype.lower() == "doctype html"
    return builder.root.one("html")
