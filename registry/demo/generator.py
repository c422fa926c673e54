"""A believable newsreel collection, Dutch and English, of any size, the same for the same seed.

Rights are as mixed as in an archive: licences in several spellings, own and shared rights, vague
embargoes, opt-outs, personal data, protected sources, cells that nobody filled in. The rights of an
item fit together (old items tend to be free, embargoes lie on closed ones), because they are drawn
together, from a fixed stock of `_STOCK` coherent cases.

Drawing is done for a whole batch at once: random bytes index small stocks of ready parts, so that
ten million items need the memory of one batch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from catalog.mapping import Mapping as ColumnMapping
from catalog.mapping import parse_mapping
from registry.demo import words

_BATCH = 50_000  # items
_STOCK = 4096
_STOCK_BITS = 12
_ROW_GROUP = 100_000

FAULTS: tuple[tuple[str, str, str | None], ...] = (
    ("missing-identifier", "identifier", None),
    ("unknown-rights", "rights", "zie de balie"),
    ("missing-rights", "rights", None),
    ("unreadable-embargo", "embargo", "ooit"),
    ("unreadable-flag", "opt_out", "misschien"),
    ("unreadable-level", "personal_data", "een beetje"),
    ("wrong-type", "duration", "lang"),
    ("duplicate-identifier", "identifier", "NJ-00000001"),
)
"""What can be planted in a row: the reason it is refused for, the column, the delivered value."""

_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in (
            "identifier", "title_nl", "title_en", "abstract", "date", "subjects", "places",
            "persons", "language", "duration", "media_url", "rights", "rightsholder", "embargo",
            "opt_out", "personal_data", "source_protection",
        )
    ]
)  # fmt: skip


def write(path: Path, rows: int, *, seed: int = 1, faults: int = 0) -> Mapping[str, int]:
    """Write `rows` items to `path`, in the format its suffix names (.parquet, .csv, .jsonl).

    The first items are the same whatever the size. `faults` rows, spread evenly, are made to be
    refused on import; answers how many for each reason code.
    """
    batches = _batches(rows, seed, faults)
    _WRITERS[path.suffix](path, batches)
    kinds = [code for code, _, _ in FAULTS]
    return {code: len(range(place, faults, len(kinds))) for place, code in enumerate(kinds)}


def mapping() -> ColumnMapping:
    """The mapping by which the collection is imported, as its archive would write it."""
    roles = {
        "identifier": "identifier",
        "persons": "personal_content",
        "media_url": "media_address",
        "rights": "rights",
        "rightsholder": "rightsholder",
        "embargo": "embargo",
        "opt_out": "opt_out",
        "personal_data": "personal_data",
        "source_protection": "source_protection",
    }
    extras: dict[str, dict[str, object]] = {
        "rights": {"values": {"vrij": "https://creativecommons.org/publicdomain/zero/1.0/"}},
        "embargo": {"empty": "none"},
        "duration": {"type": "integer"},
    }
    columns = [
        {
            "source": name,
            "role": roles.get(name, "content"),
            **_titles(name, roles.get(name, "content")),
            **extras.get(name, {}),
        }
        for name in _SCHEMA.names
    ]
    return parse_mapping({"columns": columns})


def _titles(name: str, role: str) -> dict[str, str]:
    titles = {
        "title_nl": ("Titel (Nederlands)", "Title (Dutch)"),
        "title_en": ("Titel (Engels)", "Title (English)"),
        "abstract": ("Beschrijving", "Abstract"),
        "date": ("Datum", "Date"),
        "subjects": ("Onderwerpen", "Subjects"),
        "places": ("Plaatsen", "Places"),
        "persons": ("Personen", "Persons"),
        "language": ("Taal", "Language"),
        "duration": ("Duur in seconden", "Duration in seconds"),
        "media_url": ("Mediabestand", "Media file"),
    }
    if role not in {"content", "personal_content", "media_address"}:
        return {}
    return {"title_nl": titles[name][0], "title_en": titles[name][1]}


# --- stocks of coherent parts ------------------------------------------------------------------


@dataclass(frozen=True)
class _Stocks:
    """Ready parts, each `_STOCK` long; those that belong together share an index."""

    cases: Mapping[str, pa.Array]
    stories: Mapping[str, pa.Array]
    shots: pa.Array
    days: pa.Array


def _stocks(seed: int) -> _Stocks:
    random = Random(f"newsreel {seed}")
    cases = [_case(random) for _ in range(_STOCK)]
    stories = [_story(random) for _ in range(_STOCK)]
    shots = [random.choice(words.SHOTS) for _ in range(_STOCK)]
    days = [f"-{random.randint(1, 12):02}-{random.randint(1, 28):02}" for _ in range(_STOCK)]
    return _Stocks(
        {name: pa.array([case[name] for case in cases], pa.string()) for name in cases[0]},
        {name: pa.array([story[name] for story in stories], pa.string()) for name in stories[0]},
        pa.array(shots),
        pa.array(days),
    )


def _case(random: Random) -> dict[str, str | None]:
    """What belongs together in the rights of one item."""
    groups = (words.FREE, words.LICENSED, words.CLOSED)
    lines = [(group, *line) for group in groups for line in group]
    group, rights, _ = random.choices(lines, weights=[line[2] for line in lines])[0]
    year = random.randint(1908, 1939) if group is words.FREE else random.randint(1925, 2012)
    level = random.choices(("geen", "gewoon", "bijzonder", None), weights=(780, 180, 20, 20))[0]
    return {
        "rights": rights,
        "rightsholder": _rightsholder(random, group),
        "embargo": _embargo(random, group),
        "opt_out": _opt_out(random, group),
        "personal_data": level,
        "persons": None if level == "geen" else _persons(random),
        "source_protection": random.choices(("nee", "ja", None), weights=(985, 10, 5))[0],
        "year": str(year),
        "vague": _vague(random, year),
        "language": random.choices(("nl", "en", "fy", "de"), weights=(880, 70, 30, 20))[0],
    }


def _rightsholder(random: Random, group: tuple[tuple[str, int], ...]) -> str | None:
    if group is words.FREE:
        return random.choices((None, words.OWNER), weights=(3, 1))[0]
    if group is words.LICENSED:
        return random.choices((words.OWNER, words.STUDIOS[0]), weights=(4, 1))[0]
    return random.choice((*words.STUDIOS, *words.SHARED, "onbekend"))


def _embargo(random: Random, group: tuple[tuple[str, int], ...]) -> str | None:
    share = 0.12 if group is words.CLOSED else 0.02
    return random.choice(words.EMBARGOES) if random.random() < share else None


def _opt_out(random: Random, group: tuple[tuple[str, int], ...]) -> str | None:
    if group is words.FREE:
        return random.choices(("nee", None), weights=(99, 1))[0]
    return random.choices(("nee", "ja", "onbekend", None), weights=(870, 100, 10, 20))[0]


def _persons(random: Random) -> str:
    count = random.choice((1, 1, 1, 2, 2, 3))
    return "; ".join(
        f"{random.choice(words.LAST_NAMES)}, {random.choice(words.FIRST_NAMES)}"
        for _ in range(count)
    )


def _vague(random: Random, year: int) -> str | None:
    """A date as cataloguers write one they are not sure of; mostly they are."""
    forms = (f"ca. {year}", f"{year}?", f"{year}", f"{year // 10}X", f"jaren {year // 10 % 10}0")
    return random.choice(forms) if random.random() < 0.15 else None


def _story(random: Random) -> dict[str, str]:
    nl, en, subjects = random.choice(words.EVENTS)
    place, other = random.sample(words.PLACES, 2)
    return {
        "title_nl": f"{nl} in {place}, week ",
        "title_en": f"{en} in {place}, week ",
        "abstract": f"{nl} in {place}. SHOTS: ",
        "subjects": subjects,
        "places": f"Nederland; {place}" if random.random() < 0.8 else f"{place}; {other}",
    }


# --- batches -----------------------------------------------------------------------------------


def _batches(rows: int, seed: int, faults: int) -> Iterator[pa.RecordBatch]:
    stocks = _stocks(seed)
    for start in range(0, rows, _BATCH):
        random = Random(f"{seed} {start}")
        batch = _batch(random, stocks, start)
        batch = batch.slice(0, min(_BATCH, rows - start))
        yield _plant(batch, start, rows, faults) if faults else batch


def _draw(random: Random, bits: int) -> pa.Array:
    """A batch of whole numbers below two to the power of `bits`."""
    drawn = pa.Array.from_buffers(
        pa.uint16(), _BATCH, [None, pa.py_buffer(random.randbytes(2 * _BATCH))]
    )
    return pc.shift_right(drawn, pa.scalar(16 - bits, pa.uint16()))


def _batch(random: Random, stocks: _Stocks, start: int) -> pa.RecordBatch:
    case, story, day = (_draw(random, _STOCK_BITS) for _ in range(3))
    shots = [stocks.shots.take(_draw(random, _STOCK_BITS)) for _ in range(3)]
    numbers = pa.array(range(start + 1, start + _BATCH + 1), pa.int64()).cast(pa.string())
    padded = pc.utf8_lpad(numbers, 8, padding="0")
    week = pc.add(_draw(random, 5), pa.scalar(1, pa.uint16())).cast(pa.string())
    columns = {name: stock.take(case) for name, stock in stocks.cases.items()}
    told = {name: stock.take(story) for name, stock in stocks.stories.items()}
    exact = pc.binary_join_element_wise(columns["year"], stocks.days.take(day), "")
    columns |= {
        "identifier": pc.binary_join_element_wise("NJ", padded, "-"),
        "title_nl": pc.binary_join_element_wise(told["title_nl"], week, ""),
        "title_en": pc.binary_join_element_wise(told["title_en"], week, ""),
        "abstract": pc.binary_join_element_wise(
            told["abstract"], pc.binary_join_element_wise(*shots, "; "), ""
        ),
        "date": pc.coalesce(columns["vague"], exact),
        "subjects": told["subjects"],
        "places": told["places"],
        "duration": pc.add(_draw(random, 9), pa.scalar(20, pa.uint16())).cast(pa.string()),
        "media_url": pc.binary_join_element_wise(
            "https://media.journaal.example/", padded, ".mp4", ""
        ),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)


def _plant(batch: pa.RecordBatch, start: int, rows: int, faults: int) -> pa.RecordBatch:
    """Spoil the rows of this batch whose turn it is; row 0 stays whole, others repeat its id."""
    turns = {1 + turn * (rows - 1) // faults - start: turn % len(FAULTS) for turn in range(faults)}
    columns = {name: batch.column(name) for name in _SCHEMA.names}
    for kind, (_, column, value) in enumerate(FAULTS):
        mask = pa.array([turns.get(place) == kind for place in range(batch.num_rows)])
        columns[column] = pc.if_else(mask, pa.scalar(value, pa.string()), columns[column])
    return pa.RecordBatch.from_arrays([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)


# --- formats -----------------------------------------------------------------------------------


def _write_parquet(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=_ROW_GROUP)


def _write_csv(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    with csv.CSVWriter(path, _SCHEMA) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_jsonl(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    with path.open("wb") as file:
        for batch in batches:
            for row in batch.to_pylist():
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


_WRITERS = {".parquet": _write_parquet, ".csv": _write_csv, ".jsonl": _write_jsonl}
