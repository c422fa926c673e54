"""Two editions of a dataset, held beside each other."""

from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor
from registry.api.problems import answers
from registry.api.shapes import Row, new_router
from registry.dependencies import ReadingDep, RuntimeDep, maybe_looking
from registry.services.differing import compare_editions

router = new_router("datasets")
Number = Annotated[int, Query(ge=1, le=999_999_999)]


class ChangedShape(Row):
    """Items that changed in the same way."""

    change: Literal["added", "removed", "changed"]
    before: str | None = Field(description="Rights statement before; absent for small groups.")
    after: str | None
    items: int | None = Field(description="For the dataset's own archive only.")
    share: int = Field(description="Of the later edition, in whole per cents.")


class ComparedShape(BaseModel):
    """What changed from one edition to the other."""

    before: str = Field(examples=["beeldarchief/journaals@1"])
    before_sha256: str
    after: str
    after_sha256: str
    changes: list[ChangedShape]
    examples: dict[str, list[str]] = Field(description="Ids of items, for the archive only.")


@router.get(
    "/archives/{archive}/datasets/{dataset}/difference",
    responses=answers(401, 404),
    summary="What changed between two editions",
)
def difference(
    archive: str,
    dataset: str,
    before: Number,
    after: Number,
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor | None, Depends(maybe_looking)],
) -> ComparedShape:
    """Items added and removed, and rights that changed, as the rights ledger leaves them now."""
    name = f"{archive}/{dataset}"
    found = compare_editions(session, actor, name, before, after, ports=runtime.ports)
    return ComparedShape(
        before=f"{name}@{before}",
        before_sha256=found.before.sha256,
        after=f"{name}@{after}",
        after_sha256=found.after.sha256,
        changes=[ChangedShape.model_validate(one) for one in found.changes],
        examples={change: list(items) for change, items in found.examples.items()},
    )
