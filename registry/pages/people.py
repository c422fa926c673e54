"""Persons beside the log: erasing one, and how long their fields are kept. For the operator."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, SessionDep, now_of, runtime_of
from registry.errors import NotFound, RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.erasing import erase_address, list_erasures
from registry.services.retention import profiles
from registry.services.wording import invalid

router = APIRouter(include_in_schema=False)


@router.get("/people")
def people(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """Every period, what was erased, and the form to erase someone."""
    return _page(NOTHING, person, request, session)


def _page(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    settings = runtime_of(request).settings
    return render(
        request,
        "people.html",
        profiles=profiles(session, person, settings, at=now_of(request)),
        erasures=list_erasures(session, person),
        values=posted,
        error=error,
    )


@router.post("/people/erase")
def erase(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Erase whoever has the address that was filled in; asked twice whether that is meant."""
    with shown_again(partial(_page, posted, person)):
        if posted.text("sure") != "yes":
            raise invalid(
                "sure",
                "Bevestig dat u dit wilt: het is niet terug te draaien.",
                "Confirm that you mean it: it cannot be undone.",
            )
        try:
            erase_address(session, person, posted.text("email"), at=at)
        except NotFound as nobody:
            raise invalid("email", nobody.text.nl, nobody.text.en) from nobody
    return see("/people", done="erased")
