"""A population is complete and says so itself: what was left out, added or changed is found."""

import csv
import io
import random
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from pyarrow.parquet import read_table

from registry.audit import Act, Tampering
from registry.audit.acts import SHAPES
from registry.audit.log import append
from registry.audit.population_check import NoPopulation, drawn, told, verify_population
from registry.audit.populations import (
    ACTS,
    HEADER,
    LARGEST_SAMPLE,
    PROOF,
    REPORT,
    ROWS,
    TABLE,
    Report,
    Sample,
    csv_line,
)
from registry.audit.verifying import main
from registry.db import reading, transaction
from registry.errors import InvalidInput, NotFound, Unavailable
from registry.services.populations import (
    KINDS,
    PopulationOrder,
    record_population,
    write_population,
)
from tests.registry.audit.conftest import World

DAY = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
"""Midnight in Amsterdam, before the night in which summer time ends."""


def accesses(world: World, *moments: datetime, archive: str = "org_a") -> None:
    """An access opened at each of these moments."""
    for at in moments:
        with transaction(world.engine) as session:
            append(
                session,
                Act.ACCESS_OPENED,
                at=at,
                archive=archive,
                actor="seat_1",
                organisation="org_s",
                ids={"access": "acc_1", "agreement": "agr_1", "extract": "ext_1"},
                facts={"part": 1, "until": "2026-10-25T09:35:00.000Z"},
            )
    world.now = max(world.now, *moments)


@pytest.fixture
def log(sqlite_world: World) -> World:
    """Two archives read by turns, from before the day of 25 hours until after it."""
    sqlite_world.now = DAY - timedelta(days=1)
    for hours in (-1, 0, 12, 24, 25):
        at = DAY + timedelta(hours=hours)
        accesses(sqlite_world, at - timedelta(milliseconds=1), archive="org_b")
        accesses(sqlite_world, at - timedelta(milliseconds=1), at)
        sqlite_world.now = at
        sqlite_world.act("org_a")
        sqlite_world.integrate()
    sqlite_world.now = DAY + timedelta(days=3)
    return sqlite_world


Take = Callable[..., Path]


@pytest.fixture
def take(log: World, tmp_path: Path) -> Take:
    """Take a population as a file."""

    def do(since: date = date(2026, 10, 25), days: int = 1, **wanted: object) -> Path:
        asked = {"kind": "accesses", "archive": "org_a", "since": since, **wanted}
        asked.setdefault("until", since + timedelta(days=days - 1))
        order = PopulationOrder.model_validate(asked)
        with transaction(log.engine) as session:
            report = record_population(session, None, order, at=log.now)
        log.integrate()
        path = tmp_path / f"{report.record}.population.zip"
        with path.open("wb") as out, reading(log.engine) as session:
            write_population(session, out, log.key.verifier, report, tmp_path)
        return path

    return do


def contents(path: Path) -> dict[str, bytes]:
    """The files of a population."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, **changed: bytes) -> Path:
    """The population with other files in it, by the first word of their names."""
    files = contents(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, changed.get(name.partition(".")[0], data))
    return path


def found(log: World, path: Path) -> list[Tampering]:
    """What the verifier finds."""
    _, result = verify_population(path, [log.key.verifier])
    return [finding.kind for finding in result.findings]


def test_a_day_of_twenty_five_hours_is_whole(log: World, take: Take) -> None:
    """The day in which the clock is set back has 25 hours; its first and last moment belong."""
    path = take()
    report, result = verify_population(path, [log.key.verifier])
    assert (report.start, report.stop) == ("2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z")
    assert result.ok, result.sentences()
    files = contents(path)
    rows = list(csv.DictReader(io.StringIO(files[ROWS].decode())))
    assert [row["time"] for row in rows] == [
        "2026-10-24T22:00:00.000Z",
        "2026-10-25T09:59:59.999Z",
        "2026-10-25T10:00:00.000Z",
        "2026-10-25T21:59:59.999Z",
        "2026-10-25T22:00:00.000Z",
        "2026-10-25T22:59:59.999Z",
    ]
    numbers = [int(row["number"]) for row in rows]
    assert (report.count, report.first, report.last) == (6, numbers[0], numbers[-1])
    table = read_table(io.BytesIO(files[TABLE])).to_pylist()
    assert [[str(row[name] or "") for name in HEADER] for row in table] == [
        [row[name] for name in HEADER] for row in rows
    ]


def test_nothing_of_another_archive_is_in_it(log: World, take: Take) -> None:
    """The other's entries stand in it as hashes alone, and no name of it appears."""
    accesses(log, log.now, archive="org_secret")
    files = contents(take())
    for name, data in files.items():
        assert b"org_b" not in data, name
        assert b"org_secret" not in data, name


def test_the_proof_begins_near_the_period(log: World, take: Take) -> None:
    """What came long before stands in it as a few hashes of the tree."""
    first = contents(take())[PROOF].splitlines()[0]
    assert b'"first":5,' in first


def test_an_empty_period_is_proven_empty(log: World, take: Take) -> None:
    """A day on which nothing was read, and days before there was an archive."""
    for since in (date(2026, 10, 27), date(2020, 1, 1)):
        report, result = verify_population(take(since), [log.key.verifier])
        assert result.ok, result.sentences()
        assert (report.count, report.first, report.last) == (0, None, None)
    assert result.streams["org_a"][0] == 1


def test_a_period_that_goes_on_ends_at_its_record(log: World, take: Take) -> None:
    """What is recorded after the population was taken is not missed in it."""
    path = take(date(2026, 10, 20), days=60)
    accesses(log, log.now)
    report, result = verify_population(path, [log.key.verifier])
    assert result.ok, result.sentences()
    assert report.count == 10


def test_every_kind_is_of_acts_that_exist() -> None:
    """No population is empty because an act's name was misspelt."""
    assert set(ACTS) == set(KINDS)
    known = {act.value for act in SHAPES}
    assert {act for acts in ACTS.values() for act in acts} <= known


def test_a_sample_can_be_drawn_again_anywhere(log: World, take: Take, tmp_path: Path) -> None:
    """By the rule that is written down, with nothing of ours."""
    path = take(sample=3, seed="AFM-2026")
    report, _ = verify_population(path, [log.key.verifier])
    rows = list(csv.DictReader(io.StringIO(contents(path)[ROWS].decode())))
    ranked = sorted(rows, key=lambda row: sha256(f"AFM-2026\n{row['id']}".encode()).digest())
    assert report.sample == sorted(int(row["number"]) for row in ranked[:3])
    lines = drawn(path, "AFM-2026", 3)
    assert [int(line.split(",")[0]) for line in lines[1:]] == report.sample
    assert "AFM-2026" in told(report).en
    with pytest.raises(NoPopulation):
        drawn(Path(__file__), "x", 1)


def test_a_sample_of_none_and_of_more_than_all() -> None:
    """None draws nothing; more than there is draws all."""
    for size, numbers in ((0, []), (9, [1, 2, 3])):
        sample = Sample("seed", size)
        for number in (3, 1, 2):
            sample.offer(number, f"id-{number}")
        assert sample.numbers == numbers


def test_seed_and_size_stand_in_the_log(log: World, take: Take) -> None:
    """Drawing until a sample suits shows."""
    report, _ = verify_population(take(sample=2), [log.key.verifier])
    assert len(report.seed) == 32
    body = log.export().decode()
    assert f'"sample_size":2,"seed":"{report.seed}"' in body


def test_what_is_left_out_of_the_rows_is_found(log: World, take: Take) -> None:
    """A row taken away, changed, added, or a header that is another."""
    rows = contents(take())[ROWS]
    lines = rows.splitlines(keepends=True)
    for changed in (
        b"".join(lines[:-1]),
        b"".join([*lines[:2], *lines[3:]]),
        rows + lines[1],
        rows.replace(b"acc_1", b"acc_2"),
        rows.replace(b"number", b"nummer"),
        b"",
    ):
        assert found(log, rewritten(take(), population=changed)), changed


def test_a_report_that_says_otherwise_is_found(log: World, take: Take) -> None:
    """Count, ends, sample and tree are worked out again."""
    for name, value in {
        "count": 5,
        "first": 1,
        "last": None,
        "sample": [1],
        "root": "",
        "tree_size": 1,
    }.items():
        path = take(sample=2)
        report = Report.from_bytes(contents(path)[REPORT])
        setattr(report, name, value)
        assert found(log, rewritten(path, report=report.to_bytes())) == [Tampering.EDITED], name


def test_fewer_acts_than_the_kind_has_are_found(log: World, take: Take) -> None:
    """A report cannot leave out an act that belongs to the sort."""
    path = take()
    report = Report.from_bytes(contents(path)[REPORT])
    report.acts = ["access:closed"]
    assert Tampering.EDITED not in found(log, rewritten(path, report=report.to_bytes()))
    report.kind = "withdrawals"
    assert Tampering.EDITED in found(log, rewritten(path, report=report.to_bytes()))


def test_a_period_cut_short_is_found(log: World, take: Take) -> None:
    """A proof of one day does not pass for two: what lies around the period must be seen."""
    day = take()
    report = Report.from_bytes(contents(day)[REPORT])
    for name, value in {
        "start": "2026-10-23T22:00:00.000Z",
        "stop": "2026-10-26T23:00:00.000Z",
    }.items():
        changed = Report.from_bytes(contents(day)[REPORT])
        setattr(changed, name, value)
        kinds = found(log, rewritten(take(), report=changed.to_bytes()))
        assert Tampering.WITHHELD in kinds, name
    report.archive = "org_b"
    assert Tampering.WITHHELD in found(log, rewritten(day, report=report.to_bytes()))


def test_a_proof_that_is_broken_is_told_first(log: World, take: Take) -> None:
    """Tampering with the export inside is found as in any export, and nothing is built on it."""
    path = take()
    proof = contents(path)[PROOF].replace(b'"part":1', b'"part":2', 1)
    _, result = verify_population(rewritten(path, proof=proof), [log.key.verifier])
    assert Tampering.EDITED in {finding.kind for finding in result.findings}
    assert "the population itself" in result.unchecked[-1].en


def test_random_damage_is_found(log: World, take: Take) -> None:
    """Any bit of the file: either it is no whole ZIP any more, or the verifier sees it."""
    path = take(sample=1)
    whole, dice = path.read_bytes(), random.Random(7)
    table = contents(path)[TABLE]
    inside = range(whole.index(table), whole.index(table) + len(table))
    before = verify_population(path, [log.key.verifier])
    for _ in range(300):
        at = dice.randrange(len(whole))
        if at in inside:
            continue  # the one file that the verifier says it did not look at
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
        try:
            after = verify_population(path, [log.key.verifier])
        except (NoPopulation, InvalidInput):
            continue
        # A bit of the directory that says nothing about the files, such as their dates.
        assert not after[1].ok or after == before


def test_what_is_no_population_is_told(log: World, take: Take, tmp_path: Path) -> None:
    """A file cut off, another ZIP, a report in another form or with other values."""
    path = take()
    report = contents(path)[REPORT]
    for bad in (
        b"[]",
        b"{",
        report.replace(b"@v1", b"@v9"),
        report.replace(b'"seed"', b'"sead"'),
        report.replace(b'"count":6', b'"count":-6'),
        report + b"\n",
    ):
        with pytest.raises(NoPopulation):
            verify_population(rewritten(take(), report=bad), [log.key.verifier])
    cut = tmp_path / "cut.population.zip"
    cut.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(NoPopulation):
        verify_population(cut, [log.key.verifier])


def test_the_verifier_says_what_it_checked(
    log: World, take: Take, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Dutch and English, by the same command as for an export."""
    path, key = take(sample=1, seed="s1"), str(log.key.verifier)
    assert main([str(path), "--key", key]) == 0
    told_en = capsys.readouterr().out
    assert "Population `accesses` of `org_a`, 2026-10-25 to 2026-10-25" in told_en
    assert "Good: nothing was changed." in told_en
    assert main([str(take(date(2026, 10, 27))), "--key", key, "--lang", "nl"]) == 0
    assert "0 regels" in capsys.readouterr().out


def test_no_value_is_taken_for_a_formula() -> None:
    """What a spreadsheet would work out gets a mark before it; other text stays as it is."""
    line = csv_line(("=1+1", "+1", "-1", "@x", "\tx", "a=b", 5, None, 'x"y')).decode()
    assert line == "'=1+1,'+1,'-1,'@x,'\tx,a=b,5,,\"x\"\"y\"\r\n"


def test_what_cannot_be_asked(log: World, take: Take) -> None:
    """A sort that does not exist, a period that is over before it begins or lies ahead."""
    with pytest.raises(ValueError, match="kind"):
        take(kind="grants")
    with pytest.raises(ValueError, match="sample"):
        take(sample=LARGEST_SAMPLE + 1)
    with pytest.raises(InvalidInput, match="comes before the first"):
        take(until=date(2026, 10, 1))
    with pytest.raises(InvalidInput, match="not begun"):
        take(date(2027, 1, 1))
    with pytest.raises(InvalidInput, match="one archive"):
        take(archive=None)
    with pytest.raises(NotFound):
        take(archive="org_unknown")


def test_not_before_the_record_is_in_the_tree(log: World, tmp_path: Path) -> None:
    """Until then it is asked to come back; nothing half is given."""
    order = PopulationOrder(
        kind="accesses", archive="org_a", since=date(2026, 10, 25), until=date(2026, 12, 1)
    )
    with transaction(log.engine) as session:
        report = record_population(session, None, order, at=log.now)
    with pytest.raises(Unavailable), reading(log.engine) as session:
        write_population(session, io.BytesIO(), log.key.verifier, report, tmp_path)
