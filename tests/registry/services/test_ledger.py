"""The ledger restricts at once, clears within the policy, and is cut against as of a moment."""

from typing import Any

import pytest
from sqlmodel import select

from catalog.ledger_tables import LedgerMoment, RightsLine
from registry.db import reading, transaction
from registry.errors import Gone, InvalidInput, NotFound, TooLarge
from registry.services import ledger
from registry.services.counting import CLOSED, classes_of, judged
from registry.services.extracts import decide
from registry.services.reading import Readable
from registry.services.refusal import Refused
from tests.support.asking import precheck
from tests.support.extracting import Scene
from tests.support.ledgers import Ledger


@pytest.fixture
def book(scene: Scene) -> Ledger:
    """The ledger of a dataset of 400 items."""
    return Ledger(scene)


@pytest.fixture
def small(on_sqlite: Scene) -> Ledger:
    """The same on fewer items, where the kind of database makes no difference."""
    return Ledger(on_sqlite)


def test_a_new_line_stops_only_the_extract_that_holds_its_item(book: Ledger) -> None:
    """The next read of what holds it is refused with its successor; other extracts read on."""
    made = book.scene.cut()
    assert isinstance(book.scene.open(made), Readable)
    other = next(row["_item"] for row in book.rows() if row["_item"] not in book.items(made))
    book.enter({"item": other, "kind": "opt_out"})
    assert isinstance(book.scene.open(made), Readable)
    held = book.items(made)[0]
    book.enter({"item": held, "kind": "dispute", "rightsholder": "Erven De Vries"})
    refused = book.scene.open(made)
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, Gone)
    stopped = book.scene.extract(made.id)
    assert str(stopped.successor_id) in refused.error.help.en
    (entry,) = book.scene.entries("extract:stopped")
    assert entry.facts["ledger_moment"] == 2
    fresh = book.cut_again(stopped)
    assert held not in book.items(fresh)
    assert sorted([*book.items(fresh), held]) == sorted(book.items(made))
    assert isinstance(book.scene.open(fresh), Readable)
    assert fresh.manifest["ledger"]["moment"] == 2
    assert made.manifest["ledger"] is None
    assert fresh.identity != made.identity
    book.scene.world.check_log()


def test_a_line_for_elsewhere_stops_nothing_here(small: Ledger) -> None:
    """A dispute over Belgium leaves a recipient in the Netherlands what it has."""
    made = small.scene.cut()
    item = small.items(made)[0]
    small.enter({"item": item, "kind": "dispute", "territory": ["BE"]})
    assert isinstance(small.scene.open(made), Readable)
    small.enter({"item": item, "kind": "dispute", "territory": ["EU"]})
    assert isinstance(small.scene.open(made), Refused)


def test_what_the_ledger_closes_is_denied_in_every_answer(small: Ledger) -> None:
    """Pre-check and decision count it as denied, with a reason that names nobody."""
    made = small.scene.cut()
    closed = small.items(made)[:12]
    before = precheck(small.scene.world, small.scene.published).shares
    small.enter(*({"item": item, "kind": "dispute"} for item in closed))
    small.bring_up()
    after = precheck(small.scene.world, small.scene.published).shares
    assert before is not None
    assert after is not None
    assert after.permit < before.permit
    assert after.deny > before.deny
    with reading(small.scene.world.engine) as session:
        decision = decide(
            session,
            small.scene.agreement,
            small.scene.agreement.edition_id,
            small.scene.world.settings.origin,
            small.scene.world.clock(),
        )
        summary = judged(decision, classes_of(session, small.scene.published.edition.id))
    (line,) = (line for line in summary.lines if line.code == CLOSED)
    assert line.count == len(closed)
    assert sum(one.count for one in summary.lines) == summary.total == small.total()


def test_a_clearance_opens_what_was_unknown_and_nothing_else(small: Ledger) -> None:
    """With all shares cleared an unknown opt-out counts as none; the hard-blocked are not there."""
    rows = small.rows()
    held = set(small.items(small.scene.cut()))
    assert not any(row["_blocked"] for row in rows)
    unknown = [
        row["_item"] for row in rows if row["_item"] not in held and row["_opt_out"] is not False
    ]
    assert unknown
    small.enter(
        *({"item": item, "kind": "clearance", "evidence": "Brief van 3 mei"} for item in unknown)
    )
    fresh = small.scene.cut()
    opened = set(small.items(fresh)) - held
    assert opened
    assert opened <= set(unknown)
    assert fresh.state == "ready"


def test_a_settled_dispute_opens_the_item_again(small: Ledger) -> None:
    """A clearance that names the line ends it; the whole history stays."""
    made = small.scene.cut()
    item = small.items(made)[0]
    small.enter({"item": item, "kind": "dispute"})
    with reading(small.scene.world.engine) as session:
        line = session.exec(select(RightsLine)).one()
    small.bring_up()
    small.enter({"item": item, "kind": "clearance", "evidence": "Vonnis", "ends": line.id})
    assert isinstance(small.scene.open(made), Readable)
    assert item in small.items(small.scene.cut())
    with reading(small.scene.world.engine) as session:
        assert len(session.exec(select(RightsLine)).all()) == 2
        assert ledger.ended_lines(session, small.scene.published.dataset.id) == {line.id}


def test_snapshots_are_the_same_mended_or_made_anew(small: Ledger) -> None:
    """Mending the last snapshot and making one from all lines give the same bytes."""
    items = sorted(row["_item"] for row in small.rows())[:9]
    for number, item in enumerate(items):
        small.enter({"item": item, "kind": "embargo", "date": f"20{30 + number}"})
        small.bring_up()
    small.enter({"item": items[0], "kind": "opt_out"})
    small.bring_up()
    with transaction(small.scene.world.engine) as session:
        moments = session.exec(select(LedgerMoment)).all()
        mended = moments[-1].sha256
        for moment in moments:
            moment.key = ""
            session.add(moment)
    small.bring_up()
    with reading(small.scene.world.engine) as session:
        made = session.get_one(LedgerMoment, (small.scene.published.dataset.id, len(moments)))
        assert made.sha256 == mended
        assert made.items == 9


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("identifier", {"kind": "opt_out"}),
    ("identifier", {"kind": "opt_out", "identifier": "1", "item": "a" * 26}),
    ("kind", {"kind": "withdrawal", "identifier": "1"}),
    ("territory", {"kind": "embargo", "identifier": "1", "date": "2030", "territory": ["NL"]}),
    ("territory", {"kind": "dispute", "identifier": "1", "territory": ["ATLANTIS"]}),
    ("date", {"kind": "embargo", "identifier": "1"}),
    ("date", {"kind": "opt_out", "identifier": "1", "date": "ooit"}),
    ("evidence", {"kind": "clearance", "identifier": "1"}),
    ("ends", {"kind": "clearance", "identifier": "1", "evidence": "x", "ends": "line_none"}),
]


@pytest.mark.parametrize(("field", "line"), WRONG)
def test_a_wrong_line_enters_nothing(small: Ledger, field: str, line: dict[str, Any]) -> None:
    """Each fault names its line and field, and the good lines beside it are not entered either."""
    with pytest.raises(InvalidInput) as caught:
        small.enter({"identifier": "2", "kind": "opt_out"}, line)
    assert [one.path for one in caught.value.fields] == [f"lines.1.{field}"]
    with reading(small.scene.world.engine) as session:
        assert session.exec(select(RightsLine)).all() == []


def test_a_file_gives_lines() -> None:
    """Comma or semicolon; regions with spaces between; an empty cell is the default."""
    found = ledger.read_lines(
        "identifier;kind;territory;share;date\n7;dispute;NL BE;40;\n8;embargo;;;1 mei 2031\n"
    )
    assert [(one.kind, one.territory, one.share, one.date) for one in found] == [
        ("dispute", ("NL", "BE"), 40, ""),
        ("embargo", (), 100, "1 mei 2031"),
    ]


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("a,b\n1,2\n", "file"),
        ("", "file"),
        ("identifier,kind\n1,opt_out\n2,whim\n", "lines.1.kind"),
        ("identifier,kind,share\n1,opt_out,all\n", "lines.0.share"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(content: str, path: str) -> None:
    """The column or the row and field that is wrong is named."""
    with pytest.raises(InvalidInput) as caught:
        ledger.read_lines(content)
    assert caught.value.fields[0].path == path


def test_a_file_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """More lines than one act may enter are refused before any is."""
    monkeypatch.setattr(ledger, "MOST_LINES", 2)
    with pytest.raises(TooLarge):
        ledger.read_lines("identifier,kind\n1,opt_out\n2,opt_out\n3,opt_out\n")


def test_only_its_archive_reads_and_writes_a_ledger(small: Ledger) -> None:
    """Another archive does not even learn that the dataset is there."""
    other = small.scene.world.an_archive()
    small.enter({"identifier": "x", "kind": "opt_out"})
    with reading(small.scene.world.engine) as session:
        own = ledger.list_lines(
            session, small.scene.published.archive, small.scene.published.dataset.id, identifier="x"
        )
        assert [one.kind for one in own] == ["opt_out"]
        with pytest.raises(NotFound):
            ledger.list_lines(session, other, small.scene.published.dataset.id)
