"""Write a migration from what the tables say now.

``python -m tests.support.new_migration "what changes and why"`` adds the next step;
``python -m tests.support.new_migration --initial`` writes 0001 anew, which may be done only until
the first release.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from registry.db import open_engine
from registry.migrate import upgrade

VERSIONS = Path(__file__).parents[2] / "registry" / "migrations" / "versions"


def write(message: str, number: str) -> None:
    """Compare a database that has all steps with the tables, and write the difference down."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/compared.sqlite")
        if any(VERSIONS.glob("*.py")):
            upgrade(engine)
        config = Config()
        config.set_main_option("script_location", "registry:migrations")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.set_main_option("path_separator", "os")
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=number)
        engine.dispose()


def main() -> None:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("message", nargs="?", help="what changes and why, as a short sentence")
    parser.add_argument("--initial", action="store_true", help="write 0001 anew")
    given = parser.parse_args()
    if given.initial:
        for step in VERSIONS.glob("*.py"):
            step.unlink()
        write("All tables of the first release", "0001")
        return
    if not given.message:
        parser.error("say what changes")
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    config.set_main_option("path_separator", "os")
    head = ScriptDirectory.from_config(config).get_current_head()
    write(given.message, f"{int(head or 0) + 1:04}")


if __name__ == "__main__":
    main()
