"""What is told of an offer's data before anyone has an agreement, as rows."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

import catalog.columns  # noqa: F401 -- names constraints before the table is made


class OfferStatistics(SQLModel, table=True):
    """Statistics over the items that an offer permits to everyone, on a day, at a ledger's moment.

    ``found`` has ``rows`` and ``columns``; it is empty where they could not be worked out.
    """

    __tablename__ = "offer_statistics"

    offer_id: str = Field(primary_key=True, foreign_key="offer.id")
    moment: int
    day: date
    found: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
