"""The owner's terms and residency rule, and the terms that a delivery's licences suggest."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from catalog.terms import ResidencyRule, TermLine, Terms
from registry.accounts.actors import Actor, Scope
from registry.api.datasets import OwnDataset, own_shape
from registry.api.shapes import new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, SessionDep, acting, looking
from registry.services import publishing

router = new_router("terms")
Outcome = Literal["permit", "review", "deny"]


class _Strict(BaseModel):
    # A field misspelt could be a restriction lost, so unknown fields are refused.
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class TermLineShape(_Strict):
    """What the owner allows for one rights statement."""

    statement: str = Field(
        max_length=500, examples=["https://creativecommons.org/licenses/by-sa/4.0/"]
    )
    user_classes: list[str] = Field(max_length=10, examples=[["commercial"]])
    use: str = Field(default="any", max_length=50, examples=["train.gen"])
    outcome: Outcome
    duties: list[str] = Field(default=[], max_length=20, examples=[["credit"]])
    confirmed: bool = Field(default=False, description="Only confirmed lines reach an offer.")

    def line(self) -> TermLine:
        """The line as the catalogue has it."""
        return TermLine(
            self.statement,
            tuple(self.user_classes),
            self.use,
            self.outcome,
            tuple(self.duties),
            self.confirmed,
        )


class TermsShape(_Strict):
    """The terms of a dataset's next edition or offer."""

    lines: list[TermLineShape] = Field(max_length=1000)
    personal_data: Outcome = Field(
        default="deny", description="For items with ordinary personal data."
    )
    release_personal_content: bool = False
    release_media: bool = False
    purposes: list[str] | None = Field(
        default=None, description="Purposes that are accepted (DPV); absent for any."
    )
    valid_until: date | None = Field(
        default=None, description="Last day of the offer, Europe/Amsterdam."
    )
    agreement_days: int = Field(default=365, ge=1, le=36_500)
    automatic: bool = Field(default=False, description="Clear cases are agreed without a person.")

    def terms(self) -> Terms:
        """The terms as the catalogue has them."""
        return Terms(
            lines=tuple(line.line() for line in self.lines),
            personal_data=self.personal_data,
            release_personal_content=self.release_personal_content,
            release_media=self.release_media,
            purposes=None if self.purposes is None else tuple(self.purposes),
            valid_until=self.valid_until,
            agreement_days=self.agreement_days,
            automatic=self.automatic,
        )


class ResidencyShape(_Strict):
    """Where data may be processed, by whom controlled, and whether it may leave at all."""

    process: list[str] = Field(min_length=1, max_length=300, examples=[["EU"]])
    operator: list[str] | None = Field(
        default=None,
        min_length=1,
        description="Regions of the operator's ultimate parent; absent for any.",
    )
    secure_only: bool = False
    store: list[str] | None = Field(
        default=None, min_length=1, description="Regions of storage; absent for any."
    )
    places: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=300,
        description="Data centres or rooms by name, in one of which it must stay; absent for any.",
    )

    def rule(self) -> ResidencyRule:
        """The rule as the catalogue has it."""
        return ResidencyRule(
            tuple(self.process),
            _tuple(self.operator),
            self.secure_only,
            _tuple(self.store),
            _tuple(self.places),
        )


def _tuple(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


@router.get(
    "/deliveries/{delivery_id}/suggested-terms",
    responses=signed_in(404, 409),
    summary="Terms that the delivery's licences suggest",
)
def suggested_terms(
    delivery_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> TermsShape:
    """A suggestion is only that: no line counts before its owner has confirmed it."""
    return TermsShape.model_validate(publishing.suggested_terms(session, actor, delivery_id))


@router.put(
    "/datasets/{dataset_id}/terms", responses=signed_in(404), summary="Set and confirm terms"
)
def set_terms(
    dataset_id: str,
    terms: TermsShape,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> OwnDataset:
    """They hold from the next edition or offer on; what was published stays as it was."""
    return own_shape(publishing.set_terms(session, actor, dataset_id, terms.terms(), at=at))


@router.put(
    "/datasets/{dataset_id}/residency",
    responses=signed_in(404),
    summary="Set where the data may be processed",
)
def set_residency(
    dataset_id: str,
    rule: ResidencyShape,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> OwnDataset:
    """By country or region, and under whose jurisdiction."""
    return own_shape(publishing.set_residency(session, actor, dataset_id, rule.rule(), at=at))
