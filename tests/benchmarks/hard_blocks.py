"""Whether the time of a pre-check tells of hard-blocked items: two collections, asked by turns."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from registry.demo import generator
from tests.benchmarks._approved import approved
from tests.benchmarks.line import Line
from tests.benchmarks.precheck import ask, questions
from tests.support.service import Person

LOWEST, HIGHEST = 0.95, 1.05
ITEMS = {"ci": 20_000, "full": 1_000_000}


def run(size: str) -> Iterator[Line]:
    """The same questions to both, each first half of the time; the medians beside each other."""
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        approved(Path(one), ITEMS[size], _clear) as clear,
        approved(Path(other), ITEMS[size], _mixed) as mixed,
    ):
        askers = [Person(ready.service.origin) for ready in (clear, mixed)]
        taken = _by_turns(askers)
    without, with_them = map(statistics.median, taken)
    ratio = with_them / without
    yield Line(
        f"precheck: median with as many hard-blocked items as others, {ITEMS[size]} made",
        round(with_them, 3),
        "ms",
        peer=round(without, 3),
        ratio=round(ratio, 3),
        goal=f"ratio between {LOWEST} and {HIGHEST}",
        holds=LOWEST <= ratio <= HIGHEST,
    )


def _by_turns(askers: list[Person]) -> list[list[float]]:
    taken: list[list[float]] = [[], []]
    for number, question in enumerate(questions()):
        for which in (0, 1) if number % 2 else (1, 0):
            taken[which].append(ask(askers[which], question))
    return taken


def _clear(file: Path, items: int) -> None:
    """Made-up items without the hard-blocked ones among them."""
    generator.write(file, items, seed=1)
    table = parquet.read_table(file)
    known = pc.is_in(table["personal_data"], pa.array(["geen", "gewoon"]))
    parquet.write_table(
        table.filter(pc.and_(pc.equal(table["source_protection"], "nee"), known)), file
    )


def _mixed(file: Path, items: int) -> None:
    """The same ones, and each once more under another identifier with a source to protect."""
    _clear(file, items)
    clear = parquet.read_table(file)
    hidden = _with(clear, "source_protection", pa.repeat(pa.scalar("ja"), len(clear)))
    numbered = pc.binary_join_element_wise("geheim", clear["identifier"], "-")
    hidden = _with(hidden, "identifier", numbered)
    parquet.write_table(pa.concat_tables([clear, hidden]), file)


def _with(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.field(name), values)
