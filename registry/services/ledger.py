"""Entering lines into a dataset's rights ledger: one by one or by file; nothing is ever changed.

Each act is one moment with a number. A line may restrict, or clear what the archive may clear; it
opens nothing that the policy does not permit, and nothing that is hard-blocked. Items are taken
back by a withdrawal (:mod:`registry.services.withdrawing`), which also tells who has them.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError
from sqlmodel import Session, col, insert, select

from catalog.dates import closing_date
from catalog.ingest import item_id
from catalog.ledger import EVERYWHERE, LineKind
from catalog.ledger_tables import LedgerMoment, RightsLine
from catalog.tables import Dataset
from policies.regions import is_region, members
from registry.accounts.actors import Actor, Scope, require
from registry.audit.acts import Act
from registry.digests import digest
from registry.errors import FieldProblem, InvalidInput, Text, TooLarge
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.registration import own_dataset
from registry.services.snapshots import newest_moment
from registry.services.wording import invalid

MOST_LINES = 100_000
"""Lines that one act may enter; a longer list is several files."""
_MOST_TOLD = 20
"""Problems of a file that are told at once."""
_BATCH = 5_000
COLUMNS = (
    "identifier", "item", "kind", "rightsholder", "share", "territory", "date", "evidence", "ends",
)  # fmt: skip
"""Columns of a file of lines; only ``kind`` and one of the first two must be there."""

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]
Evidence = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]


class NewLine(Command):
    """One line: about an item by the archive's own identifier, or by its opaque id.

    ``territory`` names countries or regions, none for everywhere; ``date`` may be vague (EDTF or in
    words); ``ends`` is the line that a clearance ends.
    """

    identifier: Short = ""
    item: Annotated[str, StringConstraints(pattern="^([a-z2-7]{26})?$")] = ""
    kind: LineKind
    rightsholder: Short = ""
    share: Annotated[int, Field(ge=1, le=100)] = 100
    territory: tuple[Annotated[str, StringConstraints(to_upper=True)], ...] = ()
    date: Short = ""
    evidence: Evidence = ""
    ends: str | None = None


class EnterLines(Command):
    """Lines to enter in one act."""

    dataset_id: str
    lines: Annotated[tuple[NewLine, ...], Field(min_length=1)]


def enter(
    session: Session, actor: Actor, command: EnterLines, *, method: str = "form", at: datetime
) -> LedgerMoment:
    """Enter lines as one moment; all of them or none."""
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = locked(session, own_dataset(session, actor, command.dataset_id))
    ended = _named(session, dataset, command.lines)
    problems: list[FieldProblem] = []
    rows = []
    for number, line in enumerate(command.lines):
        wrong = _wrong(line, dataset, ended)
        problems += [FieldProblem(f"lines.{number}.{name}", text) for name, text in wrong]
        if len(problems) >= _MOST_TOLD:
            break
        if not wrong:
            rows.append(_row(dataset, line))
    if problems:
        raise InvalidInput("invalid-input", _NOTHING_DONE, fields=tuple(problems))
    return add_moment(session, dataset, rows, actor=actor, method=method, at=at)


_NOTHING_DONE = Text(
    "Er is niets ingevoerd: niet alle regels kloppen.",
    "Nothing was entered: not all lines are right.",
)


def add_moment(
    session: Session,
    dataset: Dataset,
    rows: Sequence[Mapping[str, Any]],
    *,
    actor: Actor | None,
    method: str,
    at: datetime,
    ids: Mapping[str, str] | None = None,
) -> LedgerMoment:
    """Add rows to the ledger of a locked dataset, with their moment and audit entry."""
    number = newest_moment(session, dataset.id) + 1
    decided_by = actor.id if actor else ""
    shared = {"dataset_id": dataset.id, "moment": number, "decided_by": decided_by}
    moment = LedgerMoment(
        dataset_id=dataset.id,
        number=number,
        at=at,
        decided_by=decided_by,
        method=method,
        lines=len(rows),
        digest=digest([_stated(row) for row in rows]),
    )
    session.add(moment)
    session.flush()
    whole = [{"id": new_id("line", at), **row, **shared} for row in rows]
    for start in range(0, len(whole), _BATCH):
        session.execute(insert(RightsLine), whole[start : start + _BATCH])
    kinds = {str(row["kind"]) for row in rows}
    note(
        session,
        Act.LEDGER_CHANGED,
        at=at,
        actor=actor,
        archive=dataset.archive_id,
        ids={"dataset": dataset.id, **(ids or {})},
        facts={
            "ledger_moment": number,
            "ledger_digest": moment.digest,
            "items": len({row["item"] for row in rows}),
            "method": method,
            "kind": kinds.pop() if len(kinds) == 1 else "several",
        },
    )
    return moment


def _stated(row: Mapping[str, Any]) -> dict[str, Any]:
    until = row.get("until")
    return {**row, "until": until.isoformat() if until else None}


def _row(dataset: Dataset, line: NewLine) -> dict[str, Any]:
    return {
        "item": item_of(dataset, line),
        "kind": line.kind.value,
        "rightsholder": line.rightsholder,
        "share": line.share,
        "territory": _territory(line),
        "dated": line.date,
        "until": closing_date(line.date) if line.kind is LineKind.EMBARGO else None,
        "evidence": line.evidence,
        "ends": line.ends,
    }


def item_of(dataset: Dataset, line: NewLine) -> str:
    """The opaque id of the item that a line is about."""
    return line.item or item_id(dataset.item_key, line.identifier)


def _territory(line: NewLine) -> str:
    if not line.territory:
        return EVERYWHERE
    return " ".join(sorted({code for one in line.territory for code in members(one)}))


def _named(
    session: Session, dataset: Dataset, lines: Iterable[NewLine]
) -> Mapping[str, RightsLine]:
    """The lines of this dataset that others are to end."""
    named = sorted({line.ends for line in lines if line.ends})
    found: dict[str, RightsLine] = {}
    for start in range(0, len(named), 500):
        own = select(RightsLine).where(
            col(RightsLine.id).in_(named[start : start + 500]),
            col(RightsLine.dataset_id) == dataset.id,
        )
        found |= {row.id: row for row in session.exec(own)}
    return found


def _wrong(
    line: NewLine, dataset: Dataset, ended: Mapping[str, RightsLine]
) -> list[tuple[str, Text]]:
    """What is wrong with a line, field by field."""
    wrong = []
    if bool(line.identifier) == bool(line.item):
        wrong.append(("identifier", _ONE_ITEM))
    if line.kind is LineKind.WITHDRAWAL:
        wrong.append(("kind", _BY_WITHDRAWAL))
    if line.territory and line.kind not in {LineKind.OPT_OUT, LineKind.DISPUTE}:
        wrong.append(("territory", _EVERYWHERE))
    if not all(map(is_region, line.territory)):
        wrong.append(("territory", _NO_COUNTRY))
    if (line.date or line.kind is LineKind.EMBARGO) and closing_date(line.date) is None:
        wrong.append(("date", _NO_DATE))
    if line.kind is LineKind.CLEARANCE and not line.evidence:
        wrong.append(("evidence", _NO_EVIDENCE))
    if line.ends is not None:
        other = ended.get(line.ends)
        if line.kind is not LineKind.CLEARANCE or other is None:
            wrong.append(("ends", _NO_SUCH_LINE))
        elif other.kind == LineKind.WITHDRAWAL:
            wrong.append(("ends", _FINAL))
        elif not wrong and other.item != item_of(dataset, line):
            wrong.append(("ends", _NO_SUCH_LINE))
    return wrong


_ONE_ITEM = Text(
    "Noem het item met uw eigen nummer of met zijn id, niet met beide.",
    "Name the item by your own identifier or by its id, not by both.",
)
_BY_WITHDRAWAL = Text(
    "Trek items in met een intrekking: die licht ook in wie ze heeft.",
    "Take items back by a withdrawal: it also tells who has them.",
)
_EVERYWHERE = Text(
    "Alleen een voorbehoud of een geschil kan voor een deel van de wereld gelden.",
    "Only an opt-out or a dispute can hold for a part of the world.",
)
_NO_COUNTRY = Text(
    "Noem landen met hun code van twee letters, of EU, EEA.",
    "Name countries by their two-letter code, or EU, EEA.",
)
_NO_DATE = Text("Dit is geen datum die wij kunnen lezen.", "This is no date that we can read.")
_NO_EVIDENCE = Text("Schrijf waaruit de toestemming blijkt.", "Write what shows the clearance.")
_NO_SUCH_LINE = Text(
    "Zo'n regel is er niet over dit item; alleen een vrijgave beëindigt een regel.",
    "There is no such line on this item; only a clearance ends a line.",
)
_FINAL = Text("Een intrekking eindigt niet.", "A withdrawal does not end.")


def read_lines(content: str) -> tuple[NewLine, ...]:
    """The lines of a CSV file (comma or semicolon); its first row names the columns."""
    text = content.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",")
    unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
    if unknown or "kind" not in (reader.fieldnames or ()):
        known = ", ".join(COLUMNS)
        raise invalid(
            "file",
            f"De eerste regel moet de kolommen noemen; wij kennen {known}.",
            f"The first row must name the columns; we know {known}.",
        )
    return tuple(_read(reader))


def _read(reader: "csv.DictReader[str]") -> Iterable[NewLine]:
    problems: list[FieldProblem] = []
    for number, row in enumerate(reader):
        if number >= MOST_LINES:
            raise TooLarge(
                "too-many-lines",
                Text(f"Hoogstens {MOST_LINES} regels per keer.", f"At most {MOST_LINES} lines."),
                Text("Verdeel ze over meer bestanden.", "Spread them over several files."),
            )
        try:
            yield _line(row)
        except ValidationError as wrong:
            problems += [
                FieldProblem(f"lines.{number}.{'.'.join(map(str, one['loc']))}", _UNREADABLE)
                for one in wrong.errors()
            ]
        if len(problems) >= _MOST_TOLD:
            break
    if problems:
        raise InvalidInput("invalid-input", _NOTHING_DONE, fields=tuple(problems))


_UNREADABLE = Text("Deze waarde kan hier niet.", "This value cannot be used here.")


def _line(row: Mapping[str | None, Any]) -> NewLine:
    given = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    filled: dict[str, Any] = {name: value for name, value in given.items() if value}
    if "territory" in filled:
        filled["territory"] = tuple(filled["territory"].split())
    return NewLine.model_validate(filled)


def list_lines(
    session: Session,
    actor: Actor,
    dataset_id: str,
    *,
    identifier: str = "",
    item: str = "",
    after: str | None = None,
    limit: int = 50,
) -> list[RightsLine]:
    """The ledger's lines, newest first; of one item where one is named."""
    dataset = own_dataset(session, actor, dataset_id)
    own = select(RightsLine).where(col(RightsLine.dataset_id) == dataset.id)
    if identifier or item:
        wanted = item or item_id(dataset.item_key, identifier)
        own = own.where(col(RightsLine.item) == wanted)
    if after is not None:
        own = own.where(col(RightsLine.id) < after)
    return list(session.exec(own.order_by(col(RightsLine.id).desc()).limit(limit)))


def ended_lines(session: Session, dataset_id: str) -> set[str]:
    """Ids of the lines that a later one ended."""
    ends = select(RightsLine.ends).where(
        col(RightsLine.dataset_id) == dataset_id, col(RightsLine.ends).is_not(None)
    )
    return {one for one in session.exec(ends) if one is not None}
