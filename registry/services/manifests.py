"""What an extract holds and leaves out, as a signed document that needs no server to be checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.ledger_tables import LedgerMoment
from catalog.tables import Offer
from policies import ColumnMask, Decision, Outcome, Summary, label
from registry.access.tables import Agreement, Extract, Part
from registry.accounts.tables import Environment, Organisation
from registry.audit.checkpoint import SigningKey
from registry.client.snippets import snippets
from registry.digests import digest
from registry.services.catalogue import Listing

FORM = "vrijgave-manifest/1"


@dataclass(frozen=True)
class Cut:
    """Everything that a manifest speaks of."""

    extract: Extract
    agreement: Agreement
    listing: Listing
    offer: Offer
    recipient: Organisation
    environment: Environment
    decision: Decision
    summary: Summary
    masks: tuple[ColumnMask, ...]
    ledger: LedgerMoment | None


def part_metadata(cut: Cut, origin: str) -> dict[str, str]:
    """What a part says in itself: only what holds for every recipient of equal data."""
    edition = cut.listing.edition
    return {
        "vrijgave.edition": cut.listing.reference,
        "vrijgave.edition.sha256": edition.sha256 if edition else "",
        "vrijgave.offer.digest": cut.offer.digest,
        "vrijgave.attribution": attribution(cut.listing),
        "vrijgave.terms": f"{origin}/v1/offers/{cut.offer.id}",
    }


def attribution(listing: Listing) -> str:
    """How the data is credited."""
    return f"{listing.archive.name}: {listing.dataset.title_nl} ({listing.reference})"


def manifest(
    cut: Cut, parts: Iterable[Part], rows: Mapping[str, int], origin: str, at: datetime
) -> dict[str, Any]:
    """The extract's manifest. Hard-blocked items stand in none of its totals."""
    edition = cut.listing.edition
    listed = [
        {
            "file": f"part-{part.number}.parquet",
            "address": f"{origin}/v1/extracts/{cut.extract.id}/parts/{part.number}",
            "bytes": part.bytes,
            "sha256": part.sha256,
            "rows": part.rows,
        }
        for part in parts
    ]
    return {
        "form": FORM,
        "extract": cut.extract.id,
        "identity": cut.extract.identity,
        "created": at.isoformat(timespec="seconds"),
        "agreement": {
            "id": cut.agreement.id,
            "digest": cut.agreement.digest,
            "until": cut.agreement.valid_until.isoformat(timespec="seconds"),
        },
        "decision": {"id": cut.agreement.decision_id, "digest": digest(cut.extract.snapshot)},
        "recipient": {"id": cut.recipient.id, "name": cut.recipient.name},
        "environment": {
            "id": cut.environment.id,
            "country": cut.environment.country,
            "operator_country": cut.environment.operator_country,
        },
        "edition": {"name": cut.listing.reference, "sha256": edition.sha256 if edition else ""},
        "ledger": _ledger(cut.ledger),
        "offer": {"id": cut.offer.id, "digest": cut.offer.digest},
        "terms": f"{origin}/v1/offers/{cut.offer.id}",
        "attribution": attribution(cut.listing),
        "duties": _duties(cut.decision),
        "columns": cut.extract.columns,
        "masked": [mask.column for mask in cut.masks if mask.reasons],
        "masks": [_mask(mask) for mask in cut.masks if mask.reasons],
        "parts": listed,
        "read": [vars(one) for one in snippets(origin, cut.extract.id, len(listed))],
        "rows": sum(part["rows"] for part in listed),
        "rows_per_statement": dict(rows),
        "left_out": [
            {
                "outcome": str(line.outcome),
                "reason": line.code,
                "items": line.count,
                "nl": line.nl,
                "en": line.en,
            }
            for line in cut.summary.lines
            if line.outcome is not Outcome.PERMIT
        ],
    }


def _mask(mask: ColumnMask) -> dict[str, Any]:
    """Why a column is empty, in all rows or in some."""
    reasons = [{"code": r.code, "rule": r.rule, "nl": r.nl, "en": r.en} for r in mask.reasons]
    return {"column": mask.column, "rows": "some" if mask.in_some else "all", "reasons": reasons}


def _ledger(moment: LedgerMoment | None) -> dict[str, Any] | None:
    """The moment of the rights ledger that the extract was cut at; none where nothing was said."""
    if moment is None:
        return None
    return {
        "moment": moment.number,
        "at": moment.at.isoformat(timespec="seconds"),
        "sha256": moment.sha256,
    }


def _duties(decision: Decision) -> list[dict[str, str]]:
    found = {duty.action for rule in decision.policy.rules for duty in rule.duties}
    return [{"duty": d, "nl": label(d, "nl"), "en": label(d, "en")} for d in sorted(found)]


def sign(document: Mapping[str, Any], key: SigningKey) -> str:
    """A signed note (C2SP signed-note) over the manifest's digest."""
    return key.sign(f"{key.name}\n{document['extract']}\n{digest(document)}\n")
