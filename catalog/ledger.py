"""What a dataset's rights ledger says of each item, beside the facts in the edition's own columns.

Pure. A line is added and never changed: what stands for an item is worked out from all its lines.
A line restricts (opt-out, withdrawal, embargo, dispute) or clears; a clearance that names a line
ends it. A withdrawal ends never: it is the tombstone that keeps an item out when it is delivered
again. Clearances of all shares together lift what the edition says of opt-out and embargo, and
nothing else: the policy must still permit the item, and a hard block stands above both.

:func:`effective` and :data:`COLUMNS` say the same in Python and in SQL; a test holds them equal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from catalog.ingest import NO_EMBARGO

EVERYWHERE = "*"
"""The territory of a line that holds in every country."""
WHOLE = 100
"""Per cent: the shares of all rightsholders of an item together."""
CLOSED_IN = "_closed_in"
"""Column that a ledger adds to an edition: the countries in which the item is closed."""


class LineKind(StrEnum):
    """What a line of the ledger says."""

    OPT_OUT = "opt_out"
    WITHDRAWAL = "withdrawal"
    EMBARGO = "embargo"
    DISPUTE = "dispute"
    CLEARANCE = "clearance"


RESTRICTING = frozenset(LineKind) - {LineKind.CLEARANCE}


@dataclass(frozen=True, slots=True)
class Said:
    """One line, as far as its meaning goes.

    :param share: per cent of the rights that the rightsholder claims.
    :param territory: ISO 3166-1 codes with spaces between, or :data:`EVERYWHERE`.
    :param until: last day of an embargo's closing, Europe/Amsterdam.
    :param ends: id of the line that this clearance ends.
    """

    id: str
    item: str
    kind: str
    rightsholder: str = ""
    share: int = WHOLE
    territory: str = EVERYWHERE
    until: date | None = None
    ends: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for one item: a row of the ledger's snapshot.

    :param opt_out: true where a rightsholder reserved the item everywhere.
    :param closed_in: countries in which it is closed, :data:`EVERYWHERE`, or empty for none.
    :param cleared: all shares gave clearance.
    """

    item: str
    opt_out: bool = False
    embargo_until: date | None = None
    closed_in: str = ""
    withdrawn: bool = False
    cleared: bool = False

    @property
    def says_nothing(self) -> bool:
        """Whether all that was ever said of the item has ended."""
        return self == Standing(self.item)

    def closes(self, country: str | None) -> bool:
        """Whether the item is closed to who processes in this country; unknown counts as closed."""
        if not self.closed_in:
            return False
        return country is None or EVERYWHERE in self.closed_in or country in self.closed_in.split()


@dataclass(slots=True)
class _Gathered:
    lines: dict[str, Said] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)


def in_force(lines: Iterable[Said]) -> list[Said]:
    """The lines that no later one ended, in their order."""
    gathered = _Gathered()
    for line in lines:
        gathered.lines[line.id] = line
        if line.ends is not None:
            gathered.ended.add(line.ends)
    return [
        line
        for line in gathered.lines.values()
        if line.ends is None and (line.id not in gathered.ended or line.kind == "withdrawal")
    ]


def standing(item: str, lines: Iterable[Said]) -> Standing:
    """What all lines on one item come to."""
    opt_out = withdrawn = False
    embargo: date | None = None
    closed: set[str] = set()
    shares: dict[str, int] = {}
    for line in in_force(lines):
        match line.kind:
            case LineKind.OPT_OUT if line.territory == EVERYWHERE:
                opt_out = True
            case LineKind.OPT_OUT | LineKind.DISPUTE:
                closed.update(line.territory.split())
            case LineKind.WITHDRAWAL:
                withdrawn = True
            case LineKind.EMBARGO:
                until = line.until or date.max
                embargo = until if embargo is None else max(embargo, until)
            case _:
                shares[line.rightsholder] = max(line.share, shares.get(line.rightsholder, 0))
    everywhere = withdrawn or EVERYWHERE in closed
    return Standing(
        item,
        opt_out=opt_out,
        embargo_until=embargo,
        closed_in=EVERYWHERE if everywhere else " ".join(sorted(closed)),
        withdrawn=withdrawn,
        cleared=sum(shares.values()) >= WHOLE,
    )


def snapshot(lines: Iterable[Said]) -> list[Standing]:
    """What stands for every item that the ledger speaks of, in the order of their ids."""
    by_item: dict[str, list[Said]] = {}
    for line in lines:
        by_item.setdefault(line.item, []).append(line)
    found = (standing(item, by_item[item]) for item in sorted(by_item))
    return [one for one in found if not one.says_nothing]


def effective(facts: Mapping[str, object], stands: Standing | None) -> dict[str, object]:
    """An item's facts as the ledger leaves them, under the names that policies use."""
    if stands is None:
        return dict(facts)
    opt_out = True if stands.opt_out else False if stands.cleared else facts["opt_out"]
    own, closing = facts["embargo_until"], stands.embargo_until
    embargo: object = own
    if stands.cleared:
        embargo = closing or date.fromisoformat(NO_EMBARGO)
    elif closing is not None and isinstance(own, date):
        embargo = max(own, closing)
    return {**facts, "opt_out": opt_out, "embargo_until": embargo}


COLUMNS: Mapping[str, str] = {
    "_opt_out": (
        "CASE WHEN overlay._opt_out THEN true WHEN overlay._cleared THEN false "
        "ELSE source._opt_out END"
    ),
    "_embargo_until": (
        f"CASE WHEN overlay._cleared THEN coalesce(overlay._embargo_until, DATE '{NO_EMBARGO}') "
        "WHEN overlay._embargo_until IS NULL OR source._embargo_until IS NULL "
        "THEN source._embargo_until "
        "ELSE greatest(source._embargo_until, overlay._embargo_until) END"
    ),
}
"""The edition's columns as the ledger leaves them: SQL over ``source`` and ``overlay``."""
ADDED: Mapping[str, str] = {
    CLOSED_IN: "overlay._closed_in",
    "_withdrawn": "coalesce(overlay._withdrawn, false)",
}
"""Columns that only the ledger has."""


def open_in(country: str | None) -> tuple[str, dict[str, str]]:
    """SQL for the items that no line closes to who processes in this country, and what it binds.

    Codes have two capitals and a space between, so that none is found inside others.
    """
    if country is None:
        return f"{CLOSED_IN} IS NULL", {}
    return (
        f"({CLOSED_IN} IS NULL OR NOT (contains({CLOSED_IN}, '{EVERYWHERE}')"
        f" OR contains({CLOSED_IN}, $ledger_country)))",
        {"ledger_country": country},
    )
