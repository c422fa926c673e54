"""Which form of a thing an Accept header wants (RFC 9110 sections 12.4 and 12.5.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HTML = "text/html"
_LONGEST = 4000
_RANGE = re.compile(
    r"""\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)((?:\s*;\s*[\w-]+=(?:"[^"]*"|[^\s;,"]*))*)\s*(?:,|$)"""
)
_PARAMETER = re.compile(r""";\s*([\w-]+)=(?:"([^"]*)"|([^\s;,"]*))""")


@dataclass(frozen=True)
class Form:
    """A media type that is offered, with the address of its profile (RFC 6906) if it has one."""

    media_type: str
    profile: str = ""

    @property
    def content_type(self) -> str:
        """As a Content-Type header has it."""
        return f'{self.media_type};profile="{self.profile}"' if self.profile else self.media_type


@dataclass(frozen=True)
class _Range:
    kind: str
    sub: str
    profiles: tuple[str, ...]
    q: float

    def matches(self, form: Form) -> bool:
        kind, _, sub = form.media_type.partition("/")
        if self.profiles and form.profile not in self.profiles:
            return False
        return self.kind in {"*", kind} and self.sub in {"*", sub}

    @property
    def precision(self) -> tuple[bool, bool, bool]:
        return self.kind != "*", self.sub != "*", bool(self.profiles)


def preferred(accept: str, offered: Sequence[Form]) -> Form | None:
    """The form that the header wants most; the first of those it wants alike; None for none.

    A header that cannot be read, or none at all, wants the first.
    """
    ranges = [_read(*one) for one in _RANGE.findall(accept[:_LONGEST])]
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda form: _quality(form, ranges))
    return best if _quality(best, ranges) > 0 else None


def _quality(form: Form, ranges: Sequence[_Range]) -> float:
    matching = [one for one in ranges if one.matches(form)]
    return max(matching, key=lambda one: one.precision).q if matching else 0.0


def _read(kind: str, sub: str, parameters: str) -> _Range:
    said = {name.lower(): a or b for name, a, b in _PARAMETER.findall(parameters)}
    profiles = tuple(said.get("profile", "").split())
    return _Range(kind.lower(), sub.lower(), profiles, _weight(said.get("q", "1")))


def _weight(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 <= found <= 1 else 0.0
