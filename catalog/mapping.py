"""What each column of a delivery is: the mapping an archive writes, or accepts when proposed.

A mapping is data (TOML, YAML or JSON). Its structure is checked when it is read; whether it says
enough to import by is asked with `problems`, so that a proposal may be incomplete.
"""

import json
import tomllib
from collections.abc import Iterator
from collections.abc import Mapping as Lookup
from enum import StrEnum
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.problems import Problem, problem

LONGEST_MAPPING = 1_000_000
"""Characters; a mapping is written by hand."""


class ColumnRole(StrEnum):
    """What a column of a delivery says about its item."""

    IDENTIFIER = "identifier"
    RIGHTS = "rights"
    RIGHTSHOLDER = "rightsholder"
    EMBARGO = "embargo"
    OPT_OUT = "opt_out"
    PERSONAL_DATA = "personal_data"
    SOURCE_PROTECTION = "source_protection"
    CONTENT = "content"
    PERSONAL_CONTENT = "personal_content"
    MEDIA_ADDRESS = "media_address"
    IGNORED = "ignored"


SHOWN = frozenset({ColumnRole.CONTENT, ColumnRole.PERSONAL_CONTENT, ColumnRole.MEDIA_ADDRESS})
"""Roles whose column stands in the edition under a name of its own."""

KINDS: tuple[str, ...] = (
    "rights",
    "rightsholder",
    "embargo",
    "opt_out",
    "personal_data",
    "personal_content",
    "source_protection",
    "media_address",
)
"""What must be declared before an edition can be published, by column, value or absence."""

NONE = "none"
"""The declared absence: "there is none of this in the dataset"."""

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp"]


class MappingError(Exception):
    """A mapping that cannot be read or imported by; `problems` says what is wrong and where."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{one.field}: {one.en}" for one in problems))


class MappedColumn(BaseModel):
    """One column of the delivery.

    `source` is its name, or for nested JSON a path. `name` is what a shown column is called in the
    edition (by default the source name). `values` translates delivered values into ones we know.
    `empty` says what an empty cell means; without it an empty cell is unknown, and closed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1, max_length=1000)
    role: ColumnRole
    name: str = Field(default="", max_length=200)
    type: ColumnType | None = None
    values: dict[str, str] = Field(default_factory=dict)
    empty: str | None = None
    title_nl: str = Field(default="", max_length=400)
    title_en: str = Field(default="", max_length=400)

    @property
    def shown_name(self) -> str:
        """Name in the edition."""
        return self.name or _last_step(self.source)


class Mapping(BaseModel):
    """What the columns of a delivery are, and what is declared for the dataset as a whole.

    `records` says where a JSON document keeps its list of records. `declared` gives, per kind, a
    value for all items or `none`; a kind given here has no column.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: str = Field(default="", max_length=1000)
    columns: tuple[MappedColumn, ...] = Field(default=(), max_length=2000)
    declared: dict[str, str] = Field(default_factory=dict)

    def of(self, role: ColumnRole) -> tuple[MappedColumn, ...]:
        """The columns of one role."""
        return tuple(column for column in self.columns if column.role == role)

    def shown(self) -> tuple[MappedColumn, ...]:
        """The columns that stand in the edition under their own name, in order."""
        return tuple(column for column in self.columns if column.role in SHOWN)

    def undeclared(self) -> tuple[str, ...]:
        """The kinds about which this mapping says nothing, neither by column nor as declared."""
        given = {column.role.value for column in self.columns} | set(self.declared)
        return tuple(kind for kind in KINDS if kind not in given)

    def declaring(self, declared: Lookup[str, str]) -> "Mapping":
        """The same mapping with further declarations; kinds it has a column for are left out."""
        by_column = {column.role.value for column in self.columns}
        added = {kind: value for kind, value in declared.items() if kind not in by_column}
        return self.model_copy(update={"declared": {**self.declared, **added}})

    def problems(self) -> tuple[Problem, ...]:
        """What keeps this mapping from being imported by; empty when nothing does."""
        return tuple(_problems(self))


def read_mapping(text: str, form: Literal["toml", "yaml", "json"]) -> Mapping:
    """A mapping from its text; `MappingError` names the line or field that is wrong."""
    if len(text) > LONGEST_MAPPING:
        raise MappingError((problem("mapping-too-long", "mapping", limit=LONGEST_MAPPING),))
    try:
        document = _PARSERS[form](text)
    except (ValueError, yaml.YAMLError, RecursionError) as wrong:
        where = str(wrong).splitlines()[-1][:200] if str(wrong) else type(wrong).__name__
        raise MappingError(
            (problem("mapping-unreadable", "mapping", form=form, where=where),)
        ) from wrong
    return parse_mapping(document)


def parse_mapping(document: object) -> Mapping:
    """A mapping from plain data, as `read_mapping` and the API have it."""
    try:
        return Mapping.model_validate(document)
    except ValidationError as wrong:
        raise MappingError(tuple(_structural(wrong))) from wrong


def dump_mapping(mapping: Mapping) -> dict[str, Any]:
    """Plain data that `parse_mapping` takes back."""
    return mapping.model_dump(mode="json", exclude_defaults=True)


def _structural(wrong: ValidationError) -> Iterator[Problem]:
    for one in wrong.errors(include_url=False, include_input=False, include_context=False):
        field = ".".join(str(step) for step in one["loc"]) or "mapping"
        yield problem("mapping-field", field, wrong=one["msg"])


def _problems(mapping: Mapping) -> Iterator[Problem]:
    if len(mapping.of(ColumnRole.IDENTIFIER)) != 1:
        yield problem("one-identifier", "columns")
    if not mapping.of(ColumnRole.RIGHTS) and "rights" not in mapping.declared:
        yield problem("no-rights", "columns")
    for kind in KINDS[:5] + KINDS[6:7]:
        if len(mapping.of(ColumnRole(kind))) > 1:
            yield problem("role-twice", "columns", role=kind)
    for kind in mapping.declared:
        if kind not in KINDS:
            yield problem("no-such-kind", f"declared.{kind}", kind=kind)
        elif mapping.of(ColumnRole(kind)) and kind != "media_address":
            yield problem("declared-twice", f"declared.{kind}", kind=kind)
    yield from _name_problems(mapping)


def _name_problems(mapping: Mapping) -> Iterator[Problem]:
    seen: set[str] = set()
    for column in mapping.shown():
        name = column.shown_name
        if name.startswith("_"):
            yield problem("reserved-name", f"columns.{column.source}", name=name)
        if name.casefold() in seen:
            yield problem("name-twice", f"columns.{column.source}", name=name)
        if not name or any(ord(character) < ord(" ") for character in name):
            yield problem("bad-name", f"columns.{column.source}")
        seen.add(name.casefold())
    if not seen:
        yield problem("nothing-shown", "columns")


def _last_step(source: str) -> str:
    """The readable end of a path: `a.dcterms:title[@language=nl].@value` → `dcterms:title`."""
    steps = [step.split("[")[0].strip('"') for step in source.split(".")]
    named = [step for step in steps if step and not step.startswith("@")]
    return named[-1] if named and "[" in source else steps[-1] or source


class _PlainYaml(yaml.SafeLoader):
    """YAML without anchors: a short text cannot grow into a huge document."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("anchors and aliases are not used in a mapping")
        return super().compose_node(parent, index)


def _read_yaml(text: str) -> object:
    return yaml.load(text, Loader=_PlainYaml)  # noqa: S506 - a SafeLoader, made stricter


_PARSERS: Lookup[str, Any] = {"toml": tomllib.loads, "yaml": _read_yaml, "json": json.loads}
