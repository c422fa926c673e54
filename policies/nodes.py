"""A place in a JSON document: its value, its path, and how to read on from there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from policies.errors import DocumentError
from policies.policy import DEEPEST
from policies.vocabulary import compact

_ALIASES = {"@id": "uid", "@type": "type"}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON value and its path in the document."""

    value: Any
    path: str
    depth: int = 0

    def fail(
        self, problem: str, remedy: str = "", probleem: str = "", uitweg: str = ""
    ) -> NoReturn:
        """Refuse the document at this place."""
        raise DocumentError(self.path, problem, remedy, probleem=probleem, uitweg=uitweg)

    def child(self, value: object, step: str) -> "Node":
        """The value one step further in."""
        if self.depth >= DEEPEST:
            self.fail(f"the document is nested more than {DEEPEST} levels deep")
        return Node(value, self.path + step, self.depth + 1)

    def fields(self, known: set[str]) -> dict[str, "Node"]:
        """The object's properties under their ODRL names; one that is not known is an error."""
        if not isinstance(self.value, dict):
            self.fail("an object is expected here")
        found: dict[str, Node] = {}
        for key, value in self.value.items():
            name = _ALIASES.get(key, key.removeprefix("odrl:"))
            node = self.child(value, f".{key}")
            if name not in known:
                node.fail(f"`{key}` is not known here", f"known are: {', '.join(sorted(known))}")
            if name in found:
                node.fail(f"`{key}` is given twice")
            found[name] = node
        return found

    def each(self) -> Iterator["Node"]:
        """The elements of a list, or the one value that stands for a list of one."""
        if isinstance(self.value, dict) and set(self.value) == {"@list"}:
            yield from self.child(self.value["@list"], ".@list").each()
        elif isinstance(self.value, list):
            if not self.value:
                self.fail("an empty list says nothing", "leave the property out")
            yield from (self.child(value, f"[{i}]") for i, value in enumerate(self.value))
        else:
            yield self

    def text(self) -> str:
        """A string that is not empty; ``{"@id": ...}`` gives its IRI."""
        value = self.value
        if isinstance(value, dict) and set(value) == {"@id"}:
            value = value["@id"]
        if not isinstance(value, str) or not value:
            self.fail("a text is expected here")
        return value

    def term(self) -> str:
        """A term in its prefixed form; a bare name is one of ODRL's."""
        text = compact(self.text())
        return text if ":" in text else f"odrl:{text}"


def many(fields: dict[str, Node], name: str, read: Callable[[Node], _T]) -> tuple[_T, ...]:
    """What ``read`` makes of each value of the property; nothing where it is absent."""
    return tuple(read(node) for node in fields[name].each()) if name in fields else ()


def one(fields: dict[str, Node], name: str, read: Callable[[Node], _T]) -> _T | None:
    """What ``read`` makes of the property's value; None where it is absent."""
    return read(fields[name]) if name in fields else None
