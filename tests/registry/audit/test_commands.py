"""The commands of `vrijgave audit`, and the verifier that is one file."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from registry.audit import Receipt, build_verifier, verify_receipt
from registry.audit.keys import open_head_store, open_signer
from registry.audit.verifying import main
from registry.cli.audit import app
from registry.settings import Settings
from tests.registry.audit.conftest import World

LIBRARIES = {"fastapi", "sqlmodel", "sqlalchemy", "duckdb", "pydantic", "rfc8785", "typer", "rich"}


@pytest.fixture
def service(
    sqlite_world: World, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """A service with ten acts of two archives, as the commands find it in the environment."""
    monkeypatch.setenv("VRIJGAVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VRIJGAVE_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("COLUMNS", "200")
    settings = Settings()
    sqlite_world.key, sqlite_world.heads = open_signer(settings), open_head_store(settings)
    sqlite_world.acts(10, "org_a", "org_b")
    return sqlite_world


def run(*arguments: object) -> Result:
    """One command, as typed."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_an_export_goes_out_and_is_verified(service: World, tmp_path: Path) -> None:
    """Key, checkpoint and export out of the service; the verifier finds all in order."""
    key = run("key").stdout.strip()
    assert key == str(service.key.verifier)
    kept = tmp_path / "kept.txt"
    assert run("checkpoint", "--out", kept).exit_code == 0
    made = run("export", tmp_path / "log.audit.jsonl")
    assert made.exit_code == 0
    assert made.stdout.startswith("11 of 11 entries, up to 11: ")
    checked = run("verify", tmp_path / "log.audit.jsonl", "--key", key, "--checkpoint", kept)
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.startswith("11 of 11 entries")
    assert "Not checked" not in checked.stdout
    dutch = run("verify", tmp_path / "log.audit.jsonl", "--key", key, "--lang", "nl")
    assert "In orde" in dutch.stdout
    run("key", "--out", tmp_path / "log.vkey")
    named = run("verify", tmp_path / "log.audit.jsonl", "--key", tmp_path / "log.vkey")
    assert named.exit_code == 0
    service.check()


def test_an_archives_export_ends_with_its_own_record(service: World, tmp_path: Path) -> None:
    """The export of one archive is recorded with it, so its last number is its last act."""
    out = tmp_path / "a.audit.jsonl"
    assert run("export", out, "--archive", "org_a").exit_code == 0
    result = service.verify(out.read_bytes())
    assert result.ok
    assert result.streams == {"org_a": (1, 6)}
    assert b'"act":"audit:exported"' in out.read_bytes().splitlines()[11]


def test_tampering_fails_the_command(service: World, tmp_path: Path) -> None:
    """A changed byte gives exit status 1 and says which entry."""
    out = tmp_path / "log.audit.jsonl"
    run("export", out)
    out.write_bytes(out.read_bytes().replace(b'"dataset":"ds_1"', b'"dataset":"ds_9"', 1))
    result = run("verify", out, "--key", service.key.verifier)
    assert result.exit_code == 1
    assert "edited [0]" in result.stdout


def test_a_receipt_goes_out_and_is_verified(service: World, tmp_path: Path) -> None:
    """A receipt is printed, or written to a file that `verify` reads."""
    [entry_id] = service.acts(1)
    printed = run("receipt", entry_id)
    entry, _ = verify_receipt(printed.stdout, [service.key.verifier])
    assert entry.id == entry_id
    out = tmp_path / "entry.tlog-proof"
    run("receipt", entry_id, "--out", out)
    good = run("verify", out, "--key", service.key.verifier)
    assert good.exit_code == 0
    assert entry_id in good.stdout
    out.write_text(out.read_text().replace("index 10", "index 9"))
    bad = run("verify", out, "--key", service.key.verifier)
    assert bad.exit_code == 1
    assert "does not stand so" in bad.stderr


def test_what_cannot_be_done_is_said(service: World, tmp_path: Path) -> None:
    """Each wrong input ends with status 2 and one sentence, in the language asked for."""
    (tmp_path / "there").write_bytes(b"\xff")
    key = str(service.key.verifier)
    for arguments, told in (
        (["receipt", "nothing"], "There is no audit entry of this id."),
        (["export", tmp_path / "there"], "exists already. Choose another name."),
        (["export", tmp_path / "new", "--archive", "org_x"], "Nothing is recorded"),
        (["verify", tmp_path / "absent", "--key", key], "No such file"),
        (["verify", tmp_path / "there", "--key", key], "This is no audit log export."),
        (["verify", tmp_path / "there", "--key", "log+key"], "This is no Ed25519 key"),
        (["verify", tmp_path, "--key", key], "cannot be read"),
        (["verify", "x", "--key", key, "--checkpoint", tmp_path / "there"], "UTF-8"),
        (["verify", "x", "--key", key, "--checkpoint", tmp_path / "absent"], "No such file"),
        (["receipt", "nothing", "--lang", "nl"], "Er is geen auditregel met dit nummer."),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert told in result.stderr, arguments
    assert not (tmp_path / "new").exists()


def test_an_export_beyond_the_log_leaves_no_file(service: World, tmp_path: Path) -> None:
    """A first index that is not there yet is refused, and no partial file stays."""
    before = set(tmp_path.iterdir())
    result = run("export", tmp_path / "new", "--first", 500)
    assert result.exit_code == 2
    assert "no checkpoint beyond entry 500" in result.stderr
    assert set(tmp_path.iterdir()) == before
    service.check()


def test_an_empty_log_has_no_checkpoint(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first act there is nothing to keep, and that is said."""
    monkeypatch.setenv("VRIJGAVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VRIJGAVE_DATABASE_URL", sqlite_url)
    result = run("checkpoint")
    assert result.exit_code == 2
    assert "still empty" in result.stderr


def test_the_auditors_tool_needs_no_server() -> None:
    """Importing the pure package and the verifier loads the standard library and one more."""
    code = "import sys, registry.audit, registry.audit.verifying; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in result.stdout.split()}
    assert "cryptography" in loaded
    assert not loaded & LIBRARIES


def test_the_verifier_is_one_file(service: World, tmp_path: Path) -> None:
    """The zipapp verifies exports and receipts in a bare interpreter, away from our code."""
    run("export", tmp_path / "log.audit.jsonl")
    build_verifier.build(tmp_path / "out" / "verify.pyz")
    # A path of its own with `cryptography` and what that needs, and nothing else of ours.
    bare = tmp_path / "bare"
    bare.mkdir()
    site = Path(pytest.__file__).parents[1]
    for name in ("cryptography", "cffi", "_cffi_backend", "pycparser"):
        for found in site.glob(f"{name}*"):
            if not found.name.endswith((".dist-info", ".libs")):
                (bare / found.name).symlink_to(found)
    command = [sys.executable, "-S", str(tmp_path / "out" / "verify.pyz")]
    export, key = str(tmp_path / "log.audit.jsonl"), str(service.key.verifier)

    def verifier(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(bare)},
        )

    good = verifier(export, "--key", key, "--lang", "nl")
    assert good.returncode == 0, good.stderr
    assert "11 van 11 regels" in good.stdout
    Path(export).write_bytes(Path(export).read_bytes()[:-200])
    assert verifier(export, "--key", key).returncode == 1
    absent = verifier("absent", "--key", key)
    assert absent.returncode == 2
    assert absent.stderr.startswith("`absent` cannot be read")


def test_the_verifiers_answers(
    service: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program's exit status tells good from changed from impossible."""
    run("export", tmp_path / "log")
    run("checkpoint", "--out", tmp_path / "checkpoint")
    key = str(service.key.verifier)
    held = ["--checkpoint", str(tmp_path / "checkpoint")]
    assert main([str(tmp_path / "log"), "--key", key, *held]) == 0
    (tmp_path / "log").write_bytes((tmp_path / "log").read_bytes()[:-10])
    assert main([str(tmp_path / "log"), "--key", key]) == 1
    assert main([str(tmp_path / "none"), "--key", key, "--lang", "nl"]) == 2
    told = capsys.readouterr()
    assert "Good" in told.out
    assert "truncated" in told.out
    assert "is niet te lezen" in told.err


def test_the_recipe_builds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m registry.audit.build_verifier`` writes a file that runs."""
    out = tmp_path / "verify.pyz"
    monkeypatch.setattr(sys, "argv", ["build_verifier", str(out)])
    runpy.run_path(build_verifier.__file__, run_name="__main__")
    result = subprocess.run([sys.executable, str(out), "--help"], capture_output=True, text=True)
    assert "offline" in result.stdout


def test_receipts_carry_their_entry(service: World) -> None:
    """The receipt that the service gives is the one that FORMAT.md describes."""
    [entry_id] = service.acts(1)
    service.integrate()
    text = service.receipt(entry_id)
    assert text is not None
    assert Receipt.parse(text).to_text() == text


def test_the_key_is_replaced_by_command(service: World) -> None:
    """The new key is printed; the former ones on request; the whole check passes."""
    old = run("key").stdout.strip()
    new = run("rotate-key").stdout.strip()
    assert new == run("key").stdout.strip() != old
    assert run("key", "--former").stdout.split() == [new, old]
    checked = run("check")
    assert checked.stdout == "11 entries are as they were signed\n"
    service.run("UPDATE audit_entry SET body = :body WHERE tree_index = 3", body=b"{}")
    broken = run("check")
    assert broken.exit_code != 0
    assert "was changed" in broken.output


def test_a_witness_makes_its_key_once(tmp_path: Path) -> None:
    """The key of a witness is made at first use and stays."""
    home = tmp_path / "witness"
    made = run("witness", "key", "w.example", "--home", home)
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("w.example+")
    assert run("witness", "key", "other.example", "--home", home).stdout == made.stdout
