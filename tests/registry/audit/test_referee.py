"""Other people's code judges our log: Go's ``x/mod/sumdb/{note,tlog}``."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.registry.audit.conftest import World
from tests.support.counterparts import absent

REFEREE = Path(__file__).parent / "referee_go"


@pytest.fixture(scope="module")
def referee(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built once."""
    go = shutil.which("go")
    if go is None:
        absent("Go is not installed: the referee x/mod/sumdb cannot judge")
    program = tmp_path_factory.mktemp("referee") / "referee"
    build = [go, "build", "-o", str(program), "."]
    result = subprocess.run(build, cwd=REFEREE, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return program


@pytest.fixture
def files(sqlite_world: World, tmp_path: Path) -> tuple[Path, Path]:
    """An export of 700 entries under several checkpoints, and a receipt."""
    ids = []
    for _ in range(3):
        ids += sqlite_world.acts(220, "org_a", "org_b")
        sqlite_world.integrate()
    ids += sqlite_world.acts(40)
    sqlite_world.integrate()
    export, receipt = tmp_path / "log.audit.jsonl", tmp_path / "entry.tlog-proof"
    export.write_bytes(sqlite_world.export())
    text = sqlite_world.receipt(ids[333])
    assert text is not None
    receipt.write_text(text)
    return export, receipt


def judge(referee: Path, world: World, *files: Path) -> subprocess.CompletedProcess[str]:
    """The referee's verdict."""
    command = [str(referee), *map(str, files), str(world.key.verifier)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.conformance
@pytest.mark.parametrize("apart", [1, 256, 10_000])
def test_rfc_6962_and_c2sp_go_referee_accepts_our_log(
    referee: Path,
    sqlite_world: World,
    files: tuple[Path, Path],
    apart: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Entries, leaves, root, checkpoints, their consistency and a receipt all pass."""
    monkeypatch.setattr("registry.audit.exporting.CHECKPOINTS_APART", apart)
    files[0].write_bytes(sqlite_world.export())
    result = judge(referee, sqlite_world, *files)
    assert result.returncode == 0, result.stderr
    counted = {1: 4, 256: 3, 10_000: 1}[apart]
    assert result.stdout == f"700 entries, {counted} checkpoints, 1 receipt\n"


@pytest.mark.conformance
@pytest.mark.parametrize("which", [0, 1])
def test_rfc_6962_and_c2sp_go_referee_refuses_what_we_refuse(
    referee: Path, sqlite_world: World, files: tuple[Path, Path], which: int
) -> None:
    """A changed entry, and a receipt for another index, are refused by the referee too."""
    text = files[which].read_text()
    changes = [('"dataset":"ds_1"', '"dataset":"ds_2"'), ("index 333", "index 332")]
    files[which].write_text(text.replace(*changes[which], 1))
    result = judge(referee, sqlite_world, *files)
    assert result.returncode == 1
    assert result.stderr.startswith("REFUSED")


@pytest.mark.conformance
def test_rfc_6962_and_c2sp_go_referee_accepts_one_archives_export(
    referee: Path, sqlite_world: World, files: tuple[Path, Path]
) -> None:
    """An export with foreign leaves as hashes gives the same signed root."""
    files[0].write_bytes(sqlite_world.export("org_b"))
    assert judge(referee, sqlite_world, *files).returncode == 0
