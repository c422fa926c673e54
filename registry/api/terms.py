"""The owner's terms and residency rule, and the terms that a delivery's licences suggest."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from catalog.terms import ResidencyRule, TermLine, Terms
from registry.accounts.actors import Actor, Scope
from registry.api.datasets import OwnDataset, own_shape
from registry.api.shapes import new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.services import impacting, publishing

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
    newer_editions: bool = Field(
        default=False,
        description="An agreement covers the editions after the one it is made on too.",
    )

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
            newer_editions=self.newer_editions,
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


class GroupShape(BaseModel):
    """For whom the same items change in the same way: each use, by each user class, in each place,
    for each purpose.
    """

    gains: bool
    before: Outcome
    after: Outcome
    items: int
    example: dict[str, Any] = Field(description="The facts of one of the items.")
    uses: list[str]
    user_classes: list[str]
    places: list[dict[str, Any]]
    purposes: list[str | None]


class RecordedShape(BaseModel):
    """A request on record that would be answered otherwise for some items."""

    assignee: str | None
    use: str
    gains: bool
    before: Outcome
    after: Outcome
    items: int


class ImpactShape(BaseModel):
    """Who would gain and who would lose by the dataset's present terms."""

    edition: str = Field(examples=["beeldarchief/journaals@3"])
    agreements: int = Field(description="Agreements in force, which keep their own terms.")
    asked: int = Field(description="Questions put to both the offer and the present terms.")
    groups: list[GroupShape]
    recorded: list[RecordedShape]


@router.get(
    "/datasets/{dataset_id}/impact",
    responses=signed_in(404, 409),
    summary="Who would gain and lose if the present terms were offered",
)
def foretell(
    dataset_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> ImpactShape:
    """Against the offer in force on the newest edition, item by item. No act."""
    origin = runtime.settings.origin
    found = impacting.foretell(session, actor, dataset_id, origin=origin, at=at)
    return ImpactShape(
        edition=found.reference,
        agreements=found.agreements,
        asked=found.impact.asked,
        groups=[
            GroupShape(
                gains=one.gains,
                before=one.before.value,
                after=one.after.value,
                items=one.count,
                example=dict(one.example),
                uses=list(one.uses),
                user_classes=list(one.user_classes),
                places=[asdict(place) for place in one.places],
                purposes=list(one.purposes),
            )
            for one in found.impact.groups
        ],
        recorded=[
            RecordedShape(
                assignee=one.request.assignee,
                use=one.request.use,
                gains=one.gains,
                before=one.before.value,
                after=one.after.value,
                items=one.count,
            )
            for one in found.impact.recorded
        ],
    )
