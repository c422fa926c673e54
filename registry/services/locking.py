"""Reading a row to change it: the second of two people who act on one thing waits for the first."""

from typing import TypeVar

from sqlmodel import Session, SQLModel

Row = TypeVar("Row", bound=SQLModel)


def locked(session: Session, row: Row) -> Row:
    """The row as it is now, kept from others until the transaction ends.

    On PostgreSQL another transaction may have changed it since it was read, or be about to; judge
    a row's state only after this. On SQLite a transaction that writes is alone from its start.
    Where several rows are taken, take them in the order of their archives.
    """
    session.flush()
    session.refresh(row, with_for_update=True)
    return row
