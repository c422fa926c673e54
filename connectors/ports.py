"""The ports: what the product asks of the outside, and what each answer promises.

Only shapes and promises stand here. A port's backend is imported when it is opened, so that
importing this module loads neither DuckDB nor PyArrow.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

MIB = 1024 * 1024

Bound = str | int | float | bool | date | datetime | None
"""One value bound into a statement; a parameter is one of these or a sequence of them."""

OnProgress = Callable[[float], None]
"""Called with the share done, 0.0 to 1.0, about five times a second, from the calling thread."""

ShouldStop = Callable[[], bool]
"""Asked about five times a second, from the calling thread; true ends the job."""

Format = Literal["parquet", "csv", "jsonl", "json"]


def _no_progress(_share: float) -> None:
    return None


def _never() -> bool:
    return False


NO_PROGRESS: OnProgress = _no_progress
NEVER: ShouldStop = _never


# --- object store ------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredObject:
    """A file as it stands in a store: its key, its size in bytes and its SHA-256 (hex)."""

    key: str
    bytes: int
    sha256: str


class OpenObject(Protocol):
    """A stored file, open for reading. Closing twice is allowed.

    Reads are positioned and share no cursor, so several threads may read one open object.
    When the key is deleted meanwhile, reads go on or raise `NoSuchObject`; none gives other bytes.
    """

    @property
    def waits(self) -> bool:
        """Whether a read may wait for a network, and so belongs in a thread of its own."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end, none beyond it."""

    def close(self) -> None:
        """Release what the open object holds."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class ObjectStore(Protocol):
    """Files under keys that never change their content.

    Durable: when `put` returns, the file survives a power cut, whole, under its key.
    Atomic: a key either does not exist or holds the whole file; no reader sees a part of it.
    Repeatable: putting equal content again is a success that changes nothing.
    Concurrent: any number of processes may use one store; of two puts of different content under
    one key exactly one wins, and the other gets `ObjectConflict`.
    Keys: letters, digits, `.`, `_`, `-` and `/`, no empty, `.` or `..` segment, at most 512 bytes.
    Errors: `StoreError` and its children, `DiskFull`; an `OSError` otherwise passes unchanged.
    """

    @property
    def waits(self) -> bool:
        """Whether opening and reading wait for a network, so that they belong in a thread."""

    def put(self, key: str, source: Path) -> StoredObject:
        """Store a copy of the file `source` under `key`; `source` stays where it is."""

    def take(self, key: str, source: Path) -> StoredObject:
        """As `put`, but the file becomes the store's own: moved where that can be, and gone.

        Only for a file that nobody else has or will write to again.
        """

    def open(self, key: str) -> OpenObject:
        """Open for reading; `NoSuchObject` when the key does not exist."""

    def path(self, key: str) -> Path:
        """A local path DuckDB can read, valid while the key exists; `NoSuchObject` otherwise."""

    def delete(self, key: str) -> None:
        """Remove the key, durably; deleting what is not there is a success."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that start with `prefix`, sorted; keys put meanwhile may be missing."""

    def check(self) -> None:
        """Raise `StoreError` where files cannot be read or put at this moment."""

    def sweep(self) -> int:
        """Remove what interrupted puts left behind; call only while no other process puts.

        Returns how many leftovers were removed.
        """


# --- extracts ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SourceFile:
    """A Parquet file to read, with the hash and size it was registered with."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Overlay:
    """A Parquet file with at most one row per key, laid over the sources by their equal keys.

    `columns` gives columns of the sources another value and `added` adds columns, both as SQL of
    our own over `source` and `overlay`; a row without a match sees NULL in every column of
    `overlay`.
    """

    file: SourceFile
    key: str
    columns: Mapping[str, str]
    added: Mapping[str, str]


@dataclass(frozen=True)
class OutColumn:
    """A column of an extract: the source column it shows, or `None` when it is masked (all NULL).

    `sql_type` is the DuckDB type of a masked column; a shown column keeps its own. `shown` is text
    from our own filter compiler over the plan's parameters: the column is NULL where it is not
    true; `None` shows it in every row.
    """

    name: str
    expression: str | None
    sql_type: str
    shown: str | None = None


@dataclass(frozen=True)
class ExtractPlan:
    """Scan, overlay, filter, mask, write: one extract, with its budgets.

    `where` is text from our own filter compiler, values bound by name through `params`.
    `metadata` becomes the key-value metadata of every part. `out_dir` is an empty directory of
    this job alone. Parts aim at `part_bytes`; `memory_mb` is DuckDB's own limit, the process may
    use somewhat more; `seconds` is wall-clock time.
    """

    sources: tuple[SourceFile, ...]
    columns: tuple[OutColumn, ...]
    where: str
    params: Mapping[str, Bound | Sequence[Bound]]
    metadata: Mapping[str, str]
    out_dir: Path
    part_bytes: int = 48 * MIB
    threads: int = 2
    memory_mb: int = 512
    seconds: int = 3600
    overlay: Overlay | None = None


@dataclass(frozen=True)
class WrittenFile:
    """A file a job wrote: its name within `out_dir`, size in bytes, SHA-256 (hex) and rows."""

    name: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class Usage:
    """What a job's process used: CPU seconds, peak resident bytes, wall seconds per stage.

    `cpu` gives CPU seconds per stage; `cpu_seconds` is the whole process with its start.
    """

    cpu_seconds: float
    peak_rss: int
    wall: Mapping[str, float] = field(default_factory=dict)
    cpu: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ExtractResult:
    """What an extract wrote. `files` is sorted by name; no rows still gives one (empty) file."""

    rows: int
    files: tuple[WrittenFile, ...]
    usage: Usage


class Extractor(Protocol):
    """Runs extract plans.

    Durable: parts are synced to disk before `extract` returns; publishing them is the caller's.
    Repeatable: the same plan gives the same rows; bytes may differ, so a retry uses a fresh
    directory. Concurrent: any number at once, each in a process of its own.
    On any error nothing is left in `out_dir`.
    Errors: `SourceChanged`, `JobError` and its children, `PlanError`.
    """

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Write the extract's parts into `plan.out_dir`."""


# --- questions about laid-out files --------------------------------------------------------------


@dataclass(frozen=True)
class Laid:
    """Laid-out files with what is laid over them, and which of their rows are meant.

    `where` is text of our own over the columns, values bound by name through `params`.
    """

    sources: tuple[SourceFile, ...]
    where: str
    params: Mapping[str, Bound | Sequence[Bound]] = field(default_factory=dict)
    overlay: Overlay | None = None


@dataclass(frozen=True)
class Group:
    """How many rows have these values, in the order of the columns asked for."""

    values: tuple[Bound, ...]
    rows: int


@dataclass(frozen=True)
class Difference:
    """How two laid-out files differ, row by row of equal keys.

    `groups` counts per change (`added`, `removed`, `changed`), values before and values after;
    `examples` names some keys of each change, in their order.
    """

    groups: tuple[tuple[str, tuple[Bound, ...], tuple[Bound, ...], int], ...]
    examples: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Described:
    """What one column holds: rows, those not NULL, and about how many different values.

    `values` lists, most rows first, those that enough rows have, as text with their rows; `least`
    and `most` are the first and last of all such values in the column's own order.
    """

    rows: int
    filled: int
    distinct: int
    least: str | None
    most: str | None
    values: tuple[tuple[str, int], ...]


class Inquirer(Protocol):
    """Answers questions about laid-out files.

    Repeatable, concurrent; each question runs in a process of its own and writes nothing.
    Errors: `SourceChanged`, `JobError` and its children, `PlanError`.
    """

    def count(self, laid: Laid, columns: Sequence[str]) -> tuple[Group, ...]:
        """Count the rows per combination of these columns."""

    def keys(self, laid: Laid, key: str) -> tuple[str, ...]:
        """The keys of the rows, in their order."""

    def compare(
        self, before: Laid, after: Laid, key: str, columns: Sequence[str], *, examples: int
    ) -> Difference:
        """What changed from one to the other, by key and these columns."""

    def describe(
        self, laid: Laid, columns: Sequence[str], *, fewest: int, most: int
    ) -> tuple[Described, ...]:
        """Each of these columns; values that fewer than `fewest` rows have are not named."""

    def sample(
        self, laid: Laid, columns: Sequence[str], *, most: int, length: int
    ) -> tuple[tuple[str | None, ...], ...]:
        """The first rows by these columns, their values as text of at most `length` characters."""


# --- imports -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """A file as an archive handed it over.

    `records` says where in a JSON document the list of records stands, as dotted keys
    (`hits.hits`); empty means that the document is the list.
    """

    path: Path
    format: Format
    records: str = ""


@dataclass(frozen=True)
class SourceColumn:
    """A column of a delivery: its name (for JSON a path), DuckDB type and some sampled values."""

    name: str
    sql_type: str
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A first look at a delivery: its columns, size, hash, and its rows where cheaply known."""

    columns: tuple[SourceColumn, ...]
    bytes: int
    sha256: str
    rows: int | None
    usage: Usage


class LaidColumn(Protocol):
    """How one column of the laid-out file comes to be; a plain value made by the catalogue.

    Exactly one of `source`, `constant` and `true_unless` says where values come from, or none of
    them: then the column is NULL throughout.
    """

    @property
    def name(self) -> str:
        """Name in the laid-out file."""

    @property
    def source(self) -> str | None:
        """Column name (Parquet, CSV, flat JSON) or path (nested JSON) in the delivery."""

    @property
    def sql_type(self) -> str | None:
        """DuckDB type of the result; `None` keeps the type of the source."""

    @property
    def constant(self) -> str | None:
        """One value for all rows, as text that casts to `sql_type`."""

    @property
    def true_unless(self) -> Mapping[str, tuple[str, ...]] | None:
        """True unless each named laid column holds one of the values listed; NULL never does."""

    @property
    def recognise(self) -> Callable[[str], str | None] | None:
        """Maps a delivered text to its result; `""` is NULL, `None` refuses the row.

        Called once for each *different* value, in the calling process.
        """

    @property
    def empty(self) -> str | None:
        """Result for an empty cell, as `recognise` would give it; `None` is NULL."""

    @property
    def key(self) -> bytes | None:
        """Replace the value by an opaque id: HMAC-SHA256 under this key, 26 base32 characters."""

    @property
    def unreadable(self) -> str:
        """Reason code for a value that cannot be recognised or cast."""

    @property
    def missing(self) -> str | None:
        """Reason code that refuses a row whose result is NULL; `None` lets it pass."""

    @property
    def duplicate(self) -> str | None:
        """Reason code that refuses rows whose value stood in an earlier row; `None` lets pass."""

    @property
    def tally(self) -> bool:
        """Count the rows per value of this column."""


@dataclass(frozen=True)
class LaidOut:
    """What laying out a delivery gave.

    `rows_read` = `accepted` + `refused`. A row refused for several reasons counts under each in
    `reasons`. `refused_file` has the original columns with `_line` and `_reason` (codes, comma
    separated), `None` when no row was refused. `nulls` counts NULLs per laid column, `tallies`
    rows per value, both of all accepted rows. `file` lacks those that are withheld, and so do
    `groups`, which counts rows per combination of the columns asked for.
    """

    file: WrittenFile
    refused_file: WrittenFile | None
    rows_read: int
    accepted: int
    refused: int
    reasons: Mapping[str, int]
    columns: tuple[SourceColumn, ...]
    nulls: Mapping[str, int]
    tallies: Mapping[str, Mapping[str | None, int]]
    groups: tuple[tuple[tuple[Bound, ...], int], ...]
    delivery_sha256: str
    usage: Usage


class Importer(Protocol):
    """Reads deliveries.

    Repeatable: the same delivery and columns give the same rows in the same order. Concurrent: any
    number at once, each in a process of its own. On any error nothing is left in `out_dir`.
    Errors: `DeliveryError` for the file, `JobError` and its children, `PlanError`.
    """

    def profile(self, delivery: Delivery) -> Profile:
        """Look at the first records of a delivery; a few seconds at most."""

    def lay_out(
        self,
        delivery: Delivery,
        columns: Sequence[LaidColumn],
        out_dir: Path,
        *,
        group_by: Sequence[str] = (),
        not_where: str | None = None,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> LaidOut:
        """Write the laid-out Parquet file and the file of refused rows into `out_dir`.

        `group_by` names laid columns whose combinations are counted, and by which the file is
        sorted. Rows in which the boolean column `not_where` is true or NULL are withheld: they
        stand in neither, and nothing in the file depends on them.
        """
