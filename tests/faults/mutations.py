"""Files that were changed at random, each given to the real job process, beside a good job.

A stored source that changed must be refused by its hash. A delivery must end in an error of our own
tree that leaves nothing behind, or lay out only rows that a plain reader finds in that same file.
One parent process tries many files: its death would end all of them, and is told as such.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from catalog.ingest import BLOCKED, FACTS
from connectors import (
    ConnectorError,
    Delivery,
    ExtractPlan,
    OutColumn,
    SourceChanged,
    SourceFile,
    open_extractor,
)
from connectors.local import sha256_of
from connectors.ports import Format
from connectors.sources import DuckImporter
from registry.demo import generator
from tests.faults.plain import COLUMNS, strange

_ROWS = 60
_SECONDS, _MEMORY_MB = 20, 256
_BATCH = 25  # files that one parent tries in a row
_FORMATS: tuple[Format, ...] = ("parquet", "parquet", "csv", "jsonl", "json")
_COMPRESSIONS = ("zstd", "snappy", "none")
_PAUSE = 3  # seconds between two good extracts
_STORED = 5  # one file in so many is a stored source; the others are deliveries


def run(work: Path, count: int, seed: int) -> list[str]:
    """Try so many files; what was wrong, in words."""
    batches = [range(first, min(first + _BATCH, count)) for first in range(0, count, _BATCH)]
    try:
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            found = list(pool.map(partial(try_batch, work, seed), batches))
    except BrokenProcessPool:
        return ["a changed file ended the process that had only handed it on"]
    return [one for wrong in found for one in wrong]


def try_batch(work: Path, seed: int, numbers: Sequence[int]) -> list[str]:
    """These files one by one, with good extracts beside them in the same parent."""
    found: list[str] = []
    with TemporaryDirectory(dir=work) as folder, _neighbour(Path(folder), found):
        for number in numbers:
            with TemporaryDirectory(dir=folder) as place:
                problem = _try(Path(place), Random(f"{seed} {number}"), number)
            found += [f"file {number}: {problem}"] if problem else []
    return found


@contextmanager
def _neighbour(folder: Path, wrong: list[str]) -> Iterator[None]:
    """Run somebody else's extract again and again meanwhile; what was wrong with it is added."""
    path, done = folder / "good.parquet", threading.Event()
    generator.write(path, _ROWS)
    plan = partial(_plan, path, sha256_of(path), path.stat().st_size)

    def work() -> None:
        while True:
            with TemporaryDirectory(dir=folder) as out:
                try:
                    if open_extractor().extract(plan(Path(out))).rows != _ROWS:
                        wrong.append("the job beside it gave other rows")
                except ConnectorError as failed:
                    wrong.append(f"the job beside it failed: {failed}")
            if done.wait(_PAUSE):
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _plan(path: Path, sha256: str, size: int, out: Path) -> ExtractPlan:
    source = SourceFile(path, sha256, size)
    column = OutColumn("title_nl", "title_nl", "VARCHAR")
    return ExtractPlan((source,), (column,), "true", {}, {}, out, seconds=_SECONDS)


def _try(place: Path, random: Random, number: int) -> str | None:
    """What was wrong with one file, if anything was."""
    stored = number % _STORED == 0
    form: Format = "parquet" if stored else random.choice(_FORMATS)
    path = place / f"file.{form}"
    write(path, form, random)
    told = sha256_of(path), path.stat().st_size
    path.write_bytes(mutated(path.read_bytes(), random))
    try:
        if stored:
            (place / "out").mkdir()
            open_extractor().extract(_plan(path, *told, place / "out"))
            return "a stored file that had changed was used"
        return strange(path, form, lay_out(path, form, place))
    except ConnectorError as failed:
        if stored and not isinstance(failed, SourceChanged):
            return f"a stored file that had changed gave {failed.code}"
    left = [one for one in place.rglob("*") if one.is_file() and one != path]
    return f"it left {left} behind" if left else None


def lay_out(path: Path, form: Format, place: Path) -> Path:
    """Import a delivery as the service does; the laid-out file."""
    out, scratch = place / "out", place / "scratch"
    out.mkdir()
    scratch.mkdir()
    DuckImporter(scratch, seconds=_SECONDS, memory_mb=_MEMORY_MB).lay_out(
        Delivery(path, form),
        COLUMNS,
        out,
        group_by=FACTS,
        not_where=BLOCKED,
    )
    return out / "edition.parquet"


def write(path: Path, form: Format, random: Random) -> None:
    """A delivery as an archive makes it, in any of the usual ways."""
    made = path.with_name("made" + {"json": ".jsonl"}.get(form, f".{form}"))
    generator.write(made, _ROWS, seed=random.randrange(100))
    if form == "json":
        path.write_text("[" + ",\n".join(made.read_text().splitlines()) + "]")
    elif form == "parquet":
        pq.write_table(
            pq.read_table(made),
            path,
            compression=random.choice(_COMPRESSIONS),
            use_dictionary=random.random() < 0.5,
            data_page_version=random.choice(("1.0", "2.0")),
            row_group_size=random.choice((20, _ROWS)),
            # PyArrow's hint to itself, without which it reads the rows as well: where only that is
            # broken it refuses a file whose rows are whole, and would be no judge of them.
            store_schema=False,
        )
    else:
        made.rename(path)
    made.unlink(missing_ok=True)


def mutated(content: bytes, random: Random) -> bytes:
    """Another content, made by one to three changes of the kinds that disks and attackers make."""
    changed = content
    while changed == content:
        for _ in range(random.choice((1, 1, 2, 3))):
            changed = random.choice(_WAYS)(bytearray(changed), random)
    return changed


def _flip(content: bytearray, random: Random) -> bytes:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(content)


def _delete(content: bytearray, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    del content[start : start + random.choice((1, 8, 200))]
    return bytes(content)


def _insert(content: bytearray, random: Random) -> bytes:
    place, more = random.randrange(len(content) + 1), random.choice((1, 8, 200))
    start = random.randrange(len(content) + 1)
    content[place:place] = random.choice((random.randbytes(more), content[start : start + more]))
    return bytes(content)


def _truncate(content: bytearray, random: Random) -> bytes:
    return bytes(content[: random.randrange(len(content) + 1)])


def _swap(content: bytearray, random: Random) -> bytes:
    size = random.choice((1, 16, 512))
    one, other = sorted(random.randrange(max(1, len(content) - size)) for _ in range(2))
    if other - one >= size:
        first, second = content[one : one + size], content[other : other + size]
        content[one : one + size], content[other : other + size] = second, first
    return bytes(content)


def _lie(content: bytearray, random: Random) -> bytes:
    """A number of four bytes, often the one that says how long the footer is."""
    place = random.choice((len(content) - 8, random.randrange(len(content) + 1)))
    told = random.choice((0, 1, 2**31 - 1, 2**32 - 1, random.getrandbits(16)))
    content[max(0, place) : max(0, place) + 4] = told.to_bytes(4, "little")
    return bytes(content)


_WAYS = (_flip, _flip, _delete, _insert, _truncate, _swap, _lie)
