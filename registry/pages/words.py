"""Words on the pages: one catalogue per language; numbers, dates and names as people write them.

Catalogues are TOML: a table per page, a key per sentence, with ``{name}`` where a value comes in.
Both hold the same keys; a key that is missing is an error, never an empty place.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup, escape

from policies import label, region_label
from policies.vocabulary import PURPOSES, USER_CLASSES, USES

LANGUAGES = ("nl", "en")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
_LOCALES = {"nl": Locale("nl", "NL"), "en": Locale("en", "GB")}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of a language by dotted key."""
    text = files("registry.pages").joinpath("words", f"{language}.toml").read_text("utf-8")
    return dict(_flat("", tomllib.loads(text)))


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, str):
            yield name, value
        else:
            yield from _flat(name, value)


@dataclass(frozen=True)
class Words:
    """A language: sentences by key, and values as text. Moments are shown in Dutch local time."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of that key. Values that are markup keep it; other values are escaped."""
        sentence = catalogue(self.language)[key]
        if not any(isinstance(value, Markup) for value in values.values()):
            return sentence.format(**values) if values else sentence
        # The sentence is escaped here, and `format` escapes what is put into it.
        return Markup(escape(sentence)).format(**values)  # noqa: S704 -- see above

    def of(self, family: str, member: str) -> str:
        """The sentence of one member of a family of keys (``state.ready``)."""
        return self(f"{family}.{member}")

    def count(self, stem: str, n: int, **values: object) -> str:
        """The sentence for one (``stem_one``) or for another number (``stem_many``) of things."""
        return self(f"{stem}_{'one' if n == 1 else 'many'}", n=self.number(n), **values)

    def about(self, path: str) -> str:
        """The name of the form field a problem is about, with a colon; empty if it has none."""
        name = path.partition(".")[0]
        known = f"field.{name}" in catalogue(self.language)
        return f"{self.of('field', name)}: " if known else ""

    def pick(self, value: Any, stem: str = "") -> str:
        """The text of this language of something that has both, as attributes or as keys."""
        name = f"{stem}_{self.language}" if stem else self.language
        found = value[name] if isinstance(value, Mapping) else getattr(value, name)
        return str(found)

    def number(self, value: float) -> str:
        """A number with this language's separators."""
        return format_decimal(value, locale=_LOCALES[self.language])

    def percent(self, hundredths: float) -> str:
        """Whole per cents: 42 → 42%."""
        return format_percent(hundredths / 100, locale=_LOCALES[self.language])

    def size(self, octets: int) -> str:
        """A size in bytes, kB, MB or GB."""
        size, unit = float(octets), "bytes"
        for bigger in ("kB", "MB", "GB", "TB"):
            if size < 1000:
                break
            size, unit = size / 1000, bigger
        return f"{self.number(round(size, 1 if size < 100 and unit != 'bytes' else 0))} {unit}"

    def fact(self, value: object) -> str:
        """A fact of an audit entry in one line; a dash where it holds nothing."""
        if isinstance(value, Mapping):
            return ", ".join(f"{name} {one}" for name, one in value.items()) or "–"
        if isinstance(value, list):
            return ", ".join(map(str, value)) or "–"
        return str(value)

    def day(self, value: date | datetime) -> str:
        """14 november 2026; a moment is the day it falls on in the Netherlands."""
        day = value.astimezone(AMSTERDAM).date() if isinstance(value, datetime) else value
        return format_date(day, format="long", locale=_LOCALES[self.language])

    def moment(self, value: datetime) -> str:
        """14 november 2026 09:30."""
        shown = value.astimezone(AMSTERDAM).replace(tzinfo=None)
        pattern = "d MMMM y HH:mm"
        return format_datetime(shown, format=pattern, locale=_LOCALES[self.language])

    def left(self, until: datetime, now: datetime) -> str:
        """How long is left until a moment, or that it has passed."""
        left = until - now
        if left <= timedelta():
            return self("clock.passed")
        if left.days >= 1:
            return self("clock.days" if left.days > 1 else "clock.day", n=self.number(left.days))
        hours = max(1, round(left.seconds / 3600))
        return self("clock.hours" if hours > 1 else "clock.hour", n=self.number(hours))

    def country(self, code: str | None) -> str:
        """The country's name; a region has its own; an unknown code shows as it is."""
        if code is None:
            return self("common.unknown")
        region = region_label(code, self.language)
        return region if region != code else _LOCALES[self.language].territories.get(code, code)

    def countries(self) -> list[tuple[str, str]]:
        """Code and name of all countries, by name."""
        names = _LOCALES[self.language].territories
        found = [(c, n) for c, n in names.items() if len(c) == 2 and c.isalpha()]
        return sorted(
            (c, n) for c, n in found if c not in {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
        )

    def use(self, name: str) -> str:
        """A use of the taxonomy in words (``train.gen``)."""
        return label(f"vg:{name}", self.language)

    def term(self, name: str) -> str:
        """A purpose, duty, user class or other term of the vocabulary in words."""
        return label(name, self.language)

    def uses(self) -> list[tuple[str, str]]:
        """The uses one can ask for: short name and words."""
        closed = {"any", "preview", "redistribute", "sublicense"}
        names = (term.removeprefix("vg:") for term in USES)
        return [(name, self.use(name)) for name in names if name not in closed]

    def purposes(self) -> list[tuple[str, str]]:
        """The purposes one can state."""
        return [(term, self.term(term)) for term in PURPOSES]

    def user_classes(self) -> list[tuple[str, str]]:
        """The kinds of organisation."""
        return [(term, self.term(term)) for term in USER_CLASSES]
