"""Real clients in environments of their own: what they pin must not reach ours."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.support.counterparts import absent

FOLDER = Path(__file__).parents[2] / "build" / "clients"
DUCKDB = ("duckdb==1.5.5", "duckdb-extension-httpfs==1.5.5")
"""The newest DuckDB whose `httpfs` extension can be had from the package index."""


POLARS = ("polars==2.1.0",)
DATASETS = ("datasets==5.2.0", "fsspec", "aiohttp", "requests")
"""With what they bring: PyArrow and pandas."""
DELTA_SHARING = ("delta-sharing==1.4.2",)


def duckdb_python() -> Path:
    """A Python with DuckDB and its `httpfs` extension."""
    return python_with(*DUCKDB)


@cache
def python_with(*packages: str) -> Path:
    """A Python of its own with these packages; a skip by name where it cannot be made."""
    name = packages[0].partition("==")[0]
    python = FOLDER / name / "bin" / "python"
    if not python.exists():
        _make(python, packages)
    return python


def _make(python: Path, packages: tuple[str, ...], base: Path | None = None) -> None:
    uv = Path(sys.executable).with_name("uv")
    commands: tuple[list[str | Path], ...] = (
        [uv, "venv", "--quiet", "--clear", "--python", base or sys.executable, python.parents[1]],
        [uv, "pip", "install", "--quiet", "--python", python, *packages],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            python.unlink(missing_ok=True)
            absent(f"{' and '.join(packages)} cannot be installed: {done.stderr[-300:]}")


def run_python(python: Path, code: str, *arguments: str) -> str:
    """What the code prints in that Python; its error fails the test."""
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


AICS_TLOG = "aics-tlog==0.2.1"
"""A verifier of C2SP logs by others; it needs Python 3.12."""


@cache
def aics_tlog() -> Path:
    """The command `aics-tlog`; a skip by name where there is no Python that it runs on."""
    python = FOLDER / "aics-tlog" / "bin" / "python"
    if not python.exists():
        _make(python, (AICS_TLOG,), _newer_python())
    return python.with_name("aics-tlog")


def _newer_python() -> Path:
    """A Python of 3.12 or newer: on the path, or installed beside the one that runs this."""
    names = [f"python3.{minor}" for minor in range(14, 11, -1)]
    beside = Path(sys.base_prefix).parent
    found = [
        Path(path)
        for name in names
        for path in [shutil.which(name), *beside.glob(f"*/bin/{name}")]
        if path and subprocess.run([path, "-V"], capture_output=True).returncode == 0
    ]
    if not found:
        absent("aics-tlog: there is no Python 3.12 or newer here")
    return found[0]
