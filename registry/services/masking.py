"""The columns of an extract: in which rows each is shown, and why not elsewhere.

Rows and masks come from the agreement's policy through one compiler; nothing here decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from catalog.ledger import open_in
from catalog.ledger_tables import LedgerMoment
from catalog.tables import Edition, Offer
from policies import (
    Collection,
    ColumnMask,
    Constraint,
    Decision,
    Effect,
    FilterError,
    Operator,
    Outcome,
    Policy,
    Rule,
    Selection,
    cleared,
    column_masks,
    compile_selection,
    evaluate,
)
from registry.access.tables import Agreement, Extract
from registry.services.wording import conflict

ITEM_COLUMNS = {
    "rights": "_rights",
    "rightsholder": "_rightsholder",
    "embargo_until": "_embargo_until",
    "opt_out": "_opt_out",
    "personal_data": "_personal_data",
}
"""Where an edition's file keeps each fact that a policy may ask about."""
_KEPT = ("ordered", "running", "ready")


def asked_before(session: Session, agreement: Agreement) -> list[str]:
    """Columns that the recipient asked of this dataset so far, in that order.

    Items keep their id from one extract to the next, so that two extracts can be laid together:
    what may not be seen together is judged over all of them.
    """
    own = (
        select(Extract)
        .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
        .where(
            col(Extract.organisation_id) == agreement.organisation_id,
            col(Agreement.dataset_id) == agreement.dataset_id,
            col(Extract.state).in_(_KEPT),
        )
        .order_by(col(Extract.ordered_at), col(Extract.id))
    )
    asked = (name for extract in session.exec(own) for name in extract.columns)
    return list(dict.fromkeys(asked))


def masks_for(
    decision: Decision,
    offer: Offer,
    edition: Edition,
    columns: Sequence[str],
    before: Sequence[str],
) -> tuple[ColumnMask, ...]:
    """The mask of each column, in the order given.

    :raises Conflict: for a policy that names columns which the edition does not have.
    """
    answer = decision
    if offer.masked and not any(left.columns for left in decision.residuals):
        policy = _as_first_published(decision.policy, offer)
        answer = evaluate(policy, decision.request, decision.world)
    known = [column["name"] for column in edition.columns]
    earlier = [name for name in before if name in known]
    try:
        masks = column_masks(answer, known, list(dict.fromkeys([*earlier, *columns])))
    except FilterError as wrong:
        raise conflict(
            "policy-not-compiled",
            f"De overeenkomst past niet op deze editie: {wrong.probleem}.",
            f"The agreement does not fit this edition: {wrong.problem}.",
            "Vraag het archief om een nieuwe overeenkomst.",
            "Ask the archive for a new agreement.",
        ) from wrong
    by_name = {mask.column: mask for mask in masks}
    return tuple(by_name[name] for name in columns)


def _as_first_published(policy: Policy, offer: Offer) -> Policy:
    """An agreement of release 0.1, whose masks stood beside the offer, as one that states them."""
    these = Constraint("vg:column", Operator.IS_ANY_OF, tuple(offer.masked))
    targets = {rule.target for rule in policy.rules if isinstance(rule.target, str)}
    withheld = tuple(
        Rule(
            Effect.PROHIBITION,
            f"{offer.id}#withheld",
            "odrl:use",
            target=Collection(target, (these,)),
        )
        for target in sorted(targets)
    )
    return replace(policy, rules=(*policy.rules, *withheld))


def select_cleared(
    decision: Decision, masks: Iterable[ColumnMask], ledger: LedgerMoment | None = None
) -> Selection:
    """The rows and cells that decision and ledger clear, for DuckDB; hard-blocked rows never are.

    The ledger closes above the policy: what it closes no permission opens.
    """
    shown = {mask.column: mask.shown for mask in masks}
    found = compile_selection(cleared(decision, Outcome.PERMIT), shown, ITEM_COLUMNS)
    where = f"NOT _blocked AND ({found.where})"
    if ledger is None:
        return replace(found, where=where)
    closing, bound = open_in(decision.request.place.country)
    return replace(found, where=f"{where} AND {closing}", params={**found.params, **bound})


def shown_cells(
    decision: Decision,
    masks: Iterable[ColumnMask],
    classes: Iterable[tuple[Mapping[str, object], int]],
) -> dict[str, int]:
    """Cells that may hold a value, for each column that is masked somewhere."""
    permitted = [
        (facts, items)
        for facts, items in classes
        if decision.verdict(facts).outcome is Outcome.PERMIT
    ]
    return {
        mask.column: sum(items for facts, items in permitted if mask.shown.matches(facts))
        for mask in masks
        if mask.reasons
    }


def stored_masks(masks: Iterable[ColumnMask], selection: Selection) -> dict[str, Any]:
    """The masks as plain JSON, as they stand in an extract's decision."""
    return {
        "columns": [
            {
                "column": mask.column,
                "shown": selection.shown[mask.column],
                "reasons": [{"code": r.code, "rule": r.rule} for r in mask.reasons],
            }
            for mask in masks
            if mask.reasons
        ],
        "params": {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in selection.params.items()
        },
    }
