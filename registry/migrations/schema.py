"""All tables of the product, and how their types are written down in a migration."""

from importlib import import_module
from typing import Any, Literal

from sqlalchemy import JSON, Column, MetaData
from sqlmodel import AutoString, SQLModel

from catalog.columns import UtcDateTime

TABLES = (
    "catalog.tables",
    "catalog.description_tables",
    "catalog.ledger_tables",
    "catalog.listing_tables",
    "catalog.statistics_tables",
    "registry.accounts.tables",
    "registry.accounts.mandates",
    "registry.accounts.blocks",
    "registry.accounts.erasures",
    "registry.accounts.invitations",
    "registry.access.tables",
    "registry.access.links",
    "registry.accounts.proofs",
    "registry.accounts.verifications",
    "registry.accounts.sign_ins",
    "registry.access.withdrawal_tables",
    "registry.access.reviews",
    "registry.access.lineage_tables",
    "registry.audit.tables",
)
"""Modules that declare tables."""


def metadata() -> MetaData:
    """What the code expects the database to hold."""
    for name in TABLES:
        import_module(name)
    return SQLModel.metadata


def render_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own types as SQLAlchemy's: a migration must not change when our code does."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def compare_default(
    _context: object,
    _stored: object,
    column: Column[Any],
    stored_default: str | None,
    default: object,
    _rendered: str | None,
) -> bool | None:
    """Whether a column's default differs; JSON, which PostgreSQL cannot compare, by presence."""
    if not isinstance(column.type, JSON):
        return None  # Alembic's own comparison
    return (stored_default is None) != (default is None)
