"""What catalogues tell of a dataset beside its title, as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, text
from sqlmodel import Field, SQLModel

from catalog.columns import UtcDateTime
from catalog.description import Description


class DatasetDescription(SQLModel, table=True):
    """What its archive says of a dataset, and when anything that catalogues tell last changed.

    A dataset without a row was described by its title alone and has not changed since it was
    registered. ``withdrawn_at`` makes it a tombstone: its address then tells only that, and why.
    """

    __tablename__ = "dataset_description"

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id")
    said: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What :func:`description_of` reads; empty where nothing was said."""
    changed_at: datetime = Field(sa_type=UtcDateTime, index=True)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason_nl: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    reason_en: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    successor: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """Address of what took its place, if anything did."""


def description_of(row: DatasetDescription | None) -> Description:
    """What a row says; without one, what is said of a dataset of which nothing was."""
    return Description.model_validate(row.said if row else {})
