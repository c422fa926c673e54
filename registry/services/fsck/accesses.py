"""Accesses: nothing was read that was not agreed at that moment, and all that left was counted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlmodel import Session, col, select

from registry.access.tables import Access, AccessRange, Agreement, Extract, Part
from registry.audit.acts import Act
from registry.errors import Text
from registry.services.fsck.entries import ROWS_AT_ONCE, Recorded
from registry.services.fsck.findings import Finding, Promise

STOPS_WITHIN = timedelta(seconds=2)
"""After an agreement has ended; what was under way may still end in this time."""

Row = tuple[Access, Agreement, Extract, Part]


def check_accesses(
    session: Session, recorded: Recorded, checked: Counter[Promise]
) -> Iterator[Finding]:
    """Hold every access, and every range of it, to its agreement and its entries."""
    rows = (
        select(Access, Agreement, Extract, Part)
        .join(Agreement, col(Access.agreement_id) == Agreement.id)
        .join(Extract, col(Access.extract_id) == Extract.id)
        .join(Part, (col(Part.extract_id) == Extract.id) & (col(Part.number) == Access.part))
    )
    for access, agreement, extract, part in session.exec(rows):
        own = select(AccessRange).where(col(AccessRange.access_id) == access.id)
        ranges = session.exec(own.execution_options(yield_per=ROWS_AT_ONCE)).all()
        checked[Promise.ALLOWED] += 1
        checked[Promise.COUNTED] += len(ranges)
        yield from _allowed((access, agreement, extract, part), recorded)
        yield from _in_time(access, agreement, ranges)
        yield from _counted(access, part, ranges, recorded)


def _allowed(row: Row, recorded: Recorded) -> Iterator[Finding]:
    """The order of entries, which no clock can turn round, says what came first."""
    access, agreement, extract, _part = row
    opened = [line.position for line in recorded[Act.ACCESS_OPENED].get(access.id, [])]
    accepted = [line.position for line in recorded[Act.AGREEMENT_ACCEPTED].get(agreement.id, [])]
    revoked = [line.position for line in recorded[Act.AGREEMENT_REVOKED].get(agreement.id, [])]
    if extract.agreement_id != agreement.id:
        yield _wrong(access, "hoort bij een andere overeenkomst", "is of another agreement")
    if not accepted or any(at < accepted[0] for at in opened):
        yield _wrong(access, "begon voor het akkoord", "began before the agreement was accepted")
    if revoked and any(at > revoked[0] for at in opened):
        yield _wrong(access, "begon na de intrekking", "began after the agreement was revoked")


def _in_time(
    access: Access, agreement: Agreement, ranges: Sequence[AccessRange]
) -> Iterator[Finding]:
    end = agreement.valid_until
    if agreement.ended_at is not None:
        end = min(end, agreement.ended_at)
    if any(one.at > end + STOPS_WITHIN for one in ranges):
        yield _wrong(access, "las na het einde", "read after the agreement's end")
    if any(not access.opened_at <= one.at <= access.until for one in ranges):
        yield _wrong(access, "las buiten zijn venster", "read outside its window")


def _counted(
    access: Access, part: Part, ranges: Sequence[AccessRange], recorded: Recorded
) -> Iterator[Finding]:
    for one in ranges:
        if one.sent is None:  # a credit: bytes put on record before they leave, from anywhere
            continue
        asked = one.stop - one.start
        if not 0 <= one.start <= one.stop <= part.bytes or not 0 <= one.sent <= asked:
            text = Text(
                f"Bereik {one.start}-{one.stop} met {one.sent} bytes kan niet.",
                f"Range {one.start}-{one.stop} with {one.sent} bytes cannot be.",
            )
            yield Finding(Promise.COUNTED, access.id, text)
    sent = sum(one.stop - one.start if one.sent is None else one.sent for one in ranges)
    for line in recorded[Act.ACCESS_CLOSED].get(access.id, []):
        if (line.facts["ranges"], line.facts["bytes"]) != (len(ranges), sent):
            text = Text(
                f"Het logboek telt {line.facts['bytes']} bytes, de bereiken {sent}.",
                f"The log counts {line.facts['bytes']} bytes, the ranges {sent}.",
            )
            yield Finding(Promise.COUNTED, access.id, text)


def _wrong(access: Access, nl: str, en: str) -> Finding:
    return Finding(Promise.ALLOWED, access.id, Text(f"Deze inzage {nl}.", f"This access {en}."))
