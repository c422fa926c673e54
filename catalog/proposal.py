"""A proposed mapping: what the columns of a delivery seem to be, by their names and some values.

A proposal is a start for the archive to correct; nothing is imported by it unseen. Names are tried
in Dutch and English. What cannot be told is content.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from catalog.ingest import read_rights
from catalog.mapping import ColumnRole, MappedColumn, Mapping, parse_mapping


class SampledColumn(Protocol):
    """A column of a delivery with some of its values; `connectors.SourceColumn` is one."""

    @property
    def name(self) -> str:
        """Name, or path in nested JSON."""
        ...

    @property
    def samples(self) -> Sequence[str]:
        """Some different values, as text."""
        ...


_NAMES: tuple[tuple[ColumnRole, str], ...] = (
    (ColumnRole.SOURCE_PROTECTION, r"bron_?(bescherm|geheim)\w*|source_?protect\w*"),
    (ColumnRole.OPT_OUT, r"(ai_|tdm_)?opt_?out|tdm(_\w+)?|voorbehoud\w*|rights_reserv\w*"),
    (ColumnRole.EMBARGO, r"embargo\w*|(vrij|openbaar)_vanaf|(public|open|available)_from"),
    (ColumnRole.RIGHTSHOLDER, r"(auteurs)?recht(s|en)?_?hebbende\w*|rights_?holder\w*|"
     r"copyright_?holder\w*|attribution_?name"),
    (ColumnRole.RIGHTS, r"rechten\w*|rights(_statement|_uri)?|licen[cs]e\w*|licentie\w*|edm_rights|"
     r"gebruiksrecht\w*"),
    (ColumnRole.PERSONAL_DATA, r"persoonsgegevens\w*|personal_?data\w*|privacy\w*|avg|gdpr"),
    (ColumnRole.PERSONAL_CONTENT, r"person(s|en|_names)?|people|depicted\w*|geportretteerde\w*|"
     r"geinterviewde\w*|interviewees?|contributors?|medewerkers?"),
    (ColumnRole.MEDIA_ADDRESS, r"media_?ur[li]s?|media|bestand(en)?|files?|download\w*|stream\w*|"
     r"has_?format|content_?url"),
    (ColumnRole.IDENTIFIER, r"_?id|identifier|identificatie|kenmerk|guid|uuid|objectnummer|"
     r"object_?(id|number)|inventaris_?nummer|inventory_?number|record_?id|item_?id"),
)  # fmt: skip
_PATTERNS = tuple((role, re.compile(pattern)) for role, pattern in _NAMES)
_ONCE = frozenset(
    {
        ColumnRole.IDENTIFIER,
        ColumnRole.RIGHTS,
        ColumnRole.RIGHTSHOLDER,
        ColumnRole.EMBARGO,
        ColumnRole.OPT_OUT,
        ColumnRole.PERSONAL_DATA,
        ColumnRole.SOURCE_PROTECTION,
    }
)
_MEDIA = re.compile(r"(?i)https?://\S+\.(mp4|m4v|mov|mpe?g|mkv|webm|og[gv]|mp3|wav|flac|ts|m3u8)")


def propose(columns: Iterable[SampledColumn], *, records: str = "") -> Mapping:
    """A mapping with a line for every column; it may still have problems, such as no identifier."""
    taken: set[ColumnRole] = set()
    names: set[str] = set()
    lines = []
    for column in columns:
        role = _role(column, taken)
        taken.add(role)
        lines.append({"source": column.name, "role": role, "name": _free_name(column.name, names)})
    return parse_mapping({"records": records, "columns": lines})


def _role(column: SampledColumn, taken: set[ColumnRole]) -> ColumnRole:
    found = _by_values(column) or _by_name(column.name)
    return ColumnRole.CONTENT if found in _ONCE and found in taken else found


def _by_values(column: SampledColumn) -> ColumnRole | None:
    """Values that can be one thing only: nothing at all, rights statements, media files."""
    samples = column.samples
    if not samples:
        return ColumnRole.IGNORED
    if all(read_rights(value) is not None for value in samples):
        return ColumnRole.RIGHTS
    if all(_MEDIA.match(value) for value in samples):
        return ColumnRole.MEDIA_ADDRESS
    return None


def _by_name(name: str) -> ColumnRole:
    plain = _plain(name)
    for role, pattern in _PATTERNS:
        if pattern.fullmatch(plain):
            return role
    return ColumnRole.CONTENT


def _plain(name: str) -> str:
    """The readable end of a path, without prefix: `a.cc:attributionName` → `attribution_name`."""
    last = MappedColumn(source=name, role=ColumnRole.CONTENT).shown_name.rpartition(":")[2]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last.strip("@"))
    return re.sub(r"[\s_-]+", "_", words.casefold()).replace("ë", "e")


def _free_name(source: str, names: set[str]) -> str:
    """A name for the edition that no earlier column has and that does not start as ours do."""
    column = MappedColumn(source=source, role=ColumnRole.CONTENT)
    language = re.search(r"\[@?lang(?:uage)?=\"?([A-Za-z]{2,3})\"?\]", source)
    base = column.shown_name.removesuffix("[]").lstrip("_@") or "column"
    base = f"{base}_{language[1].lower()}" if language else base
    name, number = base, 1
    while name.casefold() in names:
        number += 1
        name = f"{base}_{number}"
    names.add(name.casefold())
    return name
