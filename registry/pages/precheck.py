"""“May I?”: a question as a link that can be shared, and its answer."""

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep
from registry.errors import Conflict, FieldProblem, InvalidInput, NotFound, RegistryError
from registry.pages.forms import Posted, filled, query_of
from registry.pages.rendering import render
from registry.pages.visiting import VisitorDep
from registry.services.asking import PrecheckAnswer, Question, precheck
from registry.services.catalogue import Listing, list_datasets

router = APIRouter(include_in_schema=False)

MOST_OFFERED = 200
"""Datasets in the form's list; beyond it one starts from the dataset's own page."""


@dataclass(frozen=True)
class Asked:
    """What someone wants to do, as the form and the address say it."""

    datasets: tuple[str, ...] = ()
    use: str = "train.gen"
    user_class: str = "commercial"
    purpose: str = ""
    country: str = "NL"
    operator_country: str = "NL"
    secure: bool = False

    @classmethod
    def by(cls, visitor: Actor | None) -> "Asked":
        """The question as it starts out for this visitor."""
        return cls(user_class=visitor.user_class) if visitor else cls()

    @classmethod
    def read(cls, posted: Posted, visitor: Actor | None) -> "Asked":
        """The question of an address; what it does not say starts out as :meth:`by` has it."""
        names = ("use", "user_class", "purpose", "country", "operator_country")
        given = {name: posted.text(name) for name in names if name in posted}
        return replace(
            cls.by(visitor),
            datasets=posted.all("dataset"),
            secure=posted.text("secure") == "yes",
            **given,
        )

    def about(self, *datasets: str) -> "Asked":
        """The same question about these datasets."""
        return replace(self, datasets=datasets)

    @property
    def query(self) -> str:
        """The question as the query of an address."""
        said = {
            "use": self.use,
            "user_class": self.user_class,
            "purpose": self.purpose,
            "country": self.country,
            "operator_country": self.operator_country,
            "secure": "yes" if self.secure else "",
        }
        kept = [(name, value) for name, value in said.items() if value]
        return urlencode([("dataset", name) for name in self.datasets] + kept)

    def question(self) -> Question:
        """The question as the service takes it, or `InvalidInput`."""
        return filled(
            Question,
            datasets=self.datasets,
            use=self.use,
            user_class=self.user_class,
            purpose=self.purpose or None,
            country=self.country or None,
            operator_country=self.operator_country or None,
            secure=self.secure,
        )


def _asked(request: Request, visitor: VisitorDep) -> Asked:
    return Asked.read(query_of(request), visitor)


AskedDep = Annotated[Asked, Depends(_asked)]


@router.get("/precheck")
def ask(
    request: Request, visitor: VisitorDep, asked: AskedDep, session: ReadingDep, at: NowDep
) -> Response:
    """The form; once a dataset is named, its answer above it."""
    listings = list_datasets(session, visitor, limit=MOST_OFFERED)
    offered = [one for one in listings if one.offer is not None]
    answer, error = None, None
    if asked.datasets:
        answer, error = answered(session, visitor, asked, at)
    if answer is not None:
        asked = asked.about(*(one.dataset for one in answer.datasets))
    return render(
        request,
        "precheck.html",
        status=error.status if error else 200,
        asked=asked,
        listings=offered,
        titles=_titles(offered),
        answer=answer,
        error=error,
    )


def answered(
    session: Session, visitor: Actor | None, asked: Asked, at: NowDep
) -> tuple[PrecheckAnswer | None, RegistryError | None]:
    """The answer, or what is wrong with the question."""
    try:
        return precheck(session, visitor, asked.question(), at=at), None
    except (InvalidInput, NotFound, Conflict) as wrong:
        return None, _by_form_field(wrong)


def _by_form_field(wrong: RegistryError) -> RegistryError:
    """The service names datasets by number; the form has one field for them."""
    fields = tuple(
        FieldProblem("dataset", one.text) if one.path.startswith("dataset") else one
        for one in wrong.fields or (FieldProblem("dataset", wrong.text),)
    )
    return InvalidInput(wrong.code, wrong.text, wrong.help, fields)


def _titles(listings: list[Listing]) -> dict[str, Listing]:
    return {listing.reference: listing for listing in listings}
