"""A decision opened again: as it was, made again, and as it would be now."""

import json

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.looking import record_look
from registry.pages.rendering import render, secured, see
from registry.pages.visiting import PersonDep
from registry.services.receipts import receipt_of
from registry.services.replaying import open_decision, replay_decision, what_if_now

router = APIRouter(include_in_schema=False)


@router.get("/decisions/{decision_id}")
def decision_page(
    request: Request,
    decision_id: str,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """Inputs, policy and reasons as they were; on request, the answer of today beside it."""
    opened = open_decision(session, person, decision_id, at=at)
    record_look(runtime, person, "decision", opened.archive_id, at, opened.ids)
    asked = request.query_params.get("now") == "yes"
    differences = request.query_params.get("differs", "")[:200]
    return render(
        request,
        "decision.html",
        opened=opened,
        asked=opened.stored["request"],
        policy=json.dumps(opened.document, indent=2, ensure_ascii=False),
        today=what_if_now(session, person, decision_id, at=at) if asked else None,
        differs=[code for code in differences.split(",") if code],
    )


@router.post("/decisions/{decision_id}/replay")
def replay(decision_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Make the decision again; what came out is recorded."""
    done = replay_decision(session, person, decision_id, at=at)
    if done.identical:
        return see(f"/decisions/{decision_id}", done="replayed")
    return see(f"/decisions/{decision_id}", differs=",".join(done.differences))


@router.get("/decisions/{decision_id}/receipt.txt")
def receipt(
    decision_id: str, person: PersonDep, session: ReadingDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """The proof that the decision, or the extract, is in the log."""
    proof = receipt_of(session, person, decision_id, at=at)
    opened = open_decision(session, person, decision_id, at=at)
    record_look(runtime, person, "receipt", opened.archive_id, at, opened.ids)
    return secured(PlainTextResponse(proof))
