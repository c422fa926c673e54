"""The rooms of the house may only lean on the rooms below them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_point_one_way() -> None:
    """Every import contract in pyproject.toml holds."""
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_auditors_tool_is_light() -> None:
    """Importing the pure audit package loads no web framework, database layer or query engine."""
    heavy = {"fastapi", "sqlmodel", "sqlalchemy", "duckdb", "pyarrow", "authlib"}
    code = "import sys, registry.audit; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not heavy & set(result.stdout.split())


def test_a_readers_commands_are_light() -> None:
    """`vrijgave pull --help` runs without the server's libraries."""
    heavy = ("fastapi", "sqlmodel", "sqlalchemy", "duckdb", "pyarrow", "authlib")
    code = (
        "import sys\n"
        f"class Absent:\n"
        f"    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {heavy!r}: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "sys.argv = ['vrijgave', 'pull', '--help']\n"
        "from registry.cli.main import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout
