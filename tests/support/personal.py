"""Where a person's name, address and network address would still be found."""

from pathlib import Path

from sqlalchemy import Engine, text

_TABLES = text(
    "SELECT schemaname || '.' || quote_ident(tablename) FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)


def places_of(engine: Engine, folder: Path, needles: tuple[str, ...]) -> set[tuple[str, str]]:
    """Files of the service's folder and database, and PostgreSQL tables as a dump writes them,
    with the words that stand in each.
    """
    files = {one for one in folder.rglob("*") if one.is_file()}
    if engine.dialect.name == "sqlite" and engine.url.database:
        files |= set(Path(engine.url.database).parent.glob("*.sqlite*"))
        dumped = {}
    else:
        dumped = _dump(engine)
    held = {str(file): file.read_bytes() for file in files} | dumped
    return {(place, one) for place, data in held.items() for one in needles if one.encode() in data}


def _dump(engine: Engine) -> dict[str, bytes]:
    """Every table's rows, as ``COPY`` gives them to a dump."""
    found = {}
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        for table in connection.scalars(_TABLES).all():
            with driver.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as rows:
                found[table] = b"".join(bytes(block) for block in rows)
    return found
