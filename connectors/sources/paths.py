"""Where a value stands in a JSON record: a small path language.

- `title` is the value under that key; `_source.@graph` goes down one key at a time.
- `"dc.title"` in double quotes is one key, whatever characters it holds.
- `[language=nl]` keeps the objects whose `language` is `nl`; quotes are allowed on both sides.
- A list on the way is gone through item by item; one object counts as a list of one, as JSON-LD
  writes it.
- `[0]` takes one item of a list; `[]` at the end gives all values found, as a list. Without it the
  first value found counts.

A value that is itself an object or list becomes JSON text; numbers and booleans become their text.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connectors.errors import error

_STEP = re.compile(
    r"""
    (?P<dot>\.)? (?: "(?P<quoted>(?:[^"\\]|\\.)+)" | (?P<key>[^\s."\[\]][^."\[\]]*) )
    | \[ (?: (?P<index>\d{1,6}) | (?P<all>)
           | (?P<name>"[^"]+"|[^"\]=]+) = (?P<value>"[^"]*"|[^"\]]*) ) \]
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Key:
    """Down one key of an object."""

    name: str


@dataclass(frozen=True)
class Index:
    """One item of a list, counted from 0."""

    number: int


@dataclass(frozen=True)
class Having:
    """Only objects whose member has this text."""

    name: str
    value: str


@dataclass(frozen=True)
class Path:
    """A path, read: its steps, and whether all values are wanted."""

    steps: tuple[Key | Index | Having, ...]
    many: bool

    def values(self, record: Any) -> list[str]:
        """The texts found, in document order; empties and nulls are left out."""
        found: Iterable[Any] = (record,)
        for step in self.steps:
            found = list(_take(step, found))
        texts = (_text(value) for value in _flat(found))
        return [text for text in texts if text]

    def value(self, record: Any) -> str | None:
        """The first text found."""
        return next(iter(self.values(record)), None)


@lru_cache(maxsize=4096)
def read_path(text: str) -> Path:
    """A path from its text; `DeliveryError` (`bad-path`) says what is wrong with it."""
    steps: list[Key | Index | Having] = []
    position, many = 0, False
    while position < len(text):
        step = _STEP.match(text, position)
        is_key = step is not None and step["index"] is None and step[0][:1] != "["
        if step is None or many or (is_key and bool(step["dot"]) != bool(position)):
            raise error("bad-path", path=text, problem=f"character {position + 1} is out of place")
        position = step.end()
        many = _add(steps, step)
    if not steps:
        raise error("bad-path", path=text, problem="it is empty")
    return Path(tuple(steps), many)


def _add(steps: list[Key | Index | Having], step: re.Match[str]) -> bool:
    if step["all"] is not None:
        return True
    if step["index"] is not None:
        steps.append(Index(int(step["index"])))
    elif step["name"] is not None:
        steps.append(Having(step["name"].strip('"'), step["value"].strip('"')))
    else:
        quoted = step["quoted"]
        steps.append(Key(re.sub(r"\\(.)", r"\1", quoted) if quoted else step["key"]))
    return False


def _take(step: Key | Index | Having, found: Iterable[Any]) -> Iterator[Any]:
    match step:
        case Key(name):
            for value in _flat(found):
                if isinstance(value, dict) and name in value:
                    yield value[name]
        case Index(number):
            for value in found:
                items = value if isinstance(value, list) else [value]
                yield from items[number : number + 1]
        case Having(name, wanted):
            for value in _flat(found):
                if isinstance(value, dict) and _text(value.get(name)) == wanted:
                    yield value


def _flat(found: Iterable[Any]) -> Iterator[Any]:
    """Items of lists, and of lists within them; a stack, so that depth costs no recursion."""
    stack = [iter(found)]
    while stack:
        for value in stack[-1]:
            if isinstance(value, list):
                stack.append(iter(value))
                break
            yield value
        else:
            stack.pop()


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)
