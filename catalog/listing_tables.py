"""Which listings changed and when, for the search index of every machine, as rows."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

import catalog.columns  # noqa: F401 -- names constraints before the table is made


class ListingChange(SQLModel, table=True):
    """The newest change of what anyone may know of a dataset."""

    __tablename__ = "listing_change"

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id")
    mark: str
    """Another one for each change."""
    at: int = Field(sa_type=BigInteger, index=True)
    """Microseconds since 1970, by the clock of the process that made it."""
