"""A process that records acts until it is killed.

Each act is a row of the table ``act`` with the id of its entry, committed together. The database's
address is read from a file at every start of a connection, so that a server may come back on
another port; what is acknowledged is printed.
"""

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from registry.audit import Act
from registry.audit.checkpoint import SigningKey
from registry.audit.log import FileHeadStore, Recorded, append_all, integrate
from registry.db import open_engine, transaction

ACT = text("INSERT INTO act (entry) VALUES (:entry)")
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
STREAMS = ("org_a", "org_b", "org_c")


def write(url: Path, dice: random.Random) -> None:
    """Record acts, sometimes several of several archives in one transaction."""
    engine = open_engine(url.read_text())
    while True:
        streams = sorted(dice.choices(STREAMS, k=dice.randrange(1, 4)))
        with transaction(engine) as session:
            made = append_all(
                session,
                [
                    Recorded(Act.DATASET_REGISTERED, AT, stream, "se_1", None, {"dataset": "d"}, {})
                    for stream in streams
                ],
            )
            session.execute(ACT, [{"entry": entry} for entry in made])
        sys.stdout.write("".join(f"{entry}\n" for entry in made))
        sys.stdout.flush()


def sequence(url: Path, heads: Path, key: str) -> None:
    """Integrate, over and over."""
    engine, signer = open_engine(url.read_text()), SigningKey.parse(key)
    while True:
        integrate(engine, signer, FileHeadStore(heads), AT)


def main() -> None:
    """Go on through every end of the connection, until killed."""
    url, seed, *sequencer = sys.argv[1:]
    while True:
        try:
            if sequencer:
                sequence(Path(url), Path(sequencer[0]), sequencer[1])
            write(Path(url), random.Random(int(seed)))
        except DBAPIError as lost:
            if not lost.connection_invalidated and "connect" not in str(lost):
                raise


if __name__ == "__main__":
    main()
