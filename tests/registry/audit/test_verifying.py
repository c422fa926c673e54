"""The verifier on a checkpoint, on two histories, and under an auditor's own witness policy."""

from pathlib import Path

import pytest

from registry.audit import TreeHead, lines
from registry.audit.checkpoint import COSIGNATURE, SigningKey, sign_checkpoint
from registry.audit.keys import open_witness_policy
from registry.audit.verifying import NOT_AS_SIGNED, TROUBLE, main
from registry.settings import Settings
from tests.registry.audit import exports

WITNESS = SigningKey("w.example", bytes(range(3, 35)), COSIGNATURE)
KEY = str(exports.KEY.verifier)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """An export, its checkpoint with and without cosignature, a fork of it, and a policy."""
    honest = exports.a_checkpoint(exports.SIZE)
    fork = sign_checkpoint(TreeHead(exports.KEY.name, exports.SIZE, bytes(32)), exports.KEY)
    seen = honest.note + WITNESS.cosign(honest.head.body(), 1_795_000_000)
    for name, text in {
        "honest": honest.note,
        "fork": fork.note,
        "seen": seen,
        "earlier": exports.a_checkpoint(16).note,
        "policy": f"witness w {WITNESS.verifier}\nquorum w\n",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "export").write_bytes(b"".join(exports.EXPORT))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "options", "status", "told"),
    [
        ("honest", [], 0, "has signed 40 entries"),
        ("honest", ["--checkpoint", "honest"], 0, "Good."),
        ("honest", ["--checkpoint", "earlier"], 0, "Good."),
        ("honest", ["--checkpoint", "fork"], NOT_AS_SIGNED, "has shown two histories"),
        ("honest", ["--policy", "policy"], NOT_AS_SIGNED, "0 of 1 witnesses"),
        ("seen", ["--policy", "policy"], 0, "1 of 1 witnesses: w"),
        ("seen", ["--policy", "policy", "--lang", "nl"], 0, "1 van 1 getuigen: w"),
        ("honest", ["--policy", "honest"], TROUBLE, "Line 1 of the witness policy"),
        ("honest", ["--policy", "absent"], TROUBLE, "cannot be read"),
        ("export", ["--policy", "policy"], NOT_AS_SIGNED, "too few witnesses"),
        (
            "export",
            ["--checkpoint", "honest", "--checkpoint", "fork"],
            NOT_AS_SIGNED,
            "you hold two checkpoints of 40 entries with different roots",
        ),
    ],
)
def test_checkpoints_and_witnesses(
    files: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    options: list[str],
    status: int,
    told: str,
) -> None:
    """Each is named plainly, with its exit status."""
    monkeypatch.chdir(files)
    assert main([file, "--key", KEY, *options]) == status
    said = capsys.readouterr()
    assert told in said.out + said.err


def test_a_forged_cosignature_in_an_export_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that claims to be a witness's and is of another checkpoint does not pass."""
    rows = list(exports.EXPORT)
    head = exports.a_checkpoint(exports.SIZE)
    forged = head.note + WITNESS.cosign(exports.a_checkpoint(16).head.body(), 5)
    rows[-2] = lines.checkpoint(forged)
    (tmp_path / "export").write_bytes(b"".join(rows))
    (tmp_path / "policy").write_text(f"witness w {WITNESS.verifier}\nquorum w\n")
    given = [str(tmp_path / "export"), "--key", KEY, "--policy", str(tmp_path / "policy")]
    assert main(given) == NOT_AS_SIGNED
    assert "The signature of `w.example` is wrong" in capsys.readouterr().out


def test_a_file_may_hold_several_keys(files: Path) -> None:
    """A key file has one key on each line, the present one and those before it."""
    other = SigningKey.generate(exports.KEY.name).verifier
    (files / "keys").write_text(f"{other}\n{KEY}\n")
    assert main([str(files / "honest"), "--key", str(files / "keys")]) == 0


def test_the_services_own_policy(tmp_path: Path) -> None:
    """A setting names the file; without it there are no witnesses."""
    assert open_witness_policy(Settings(home=tmp_path)) is None
    (tmp_path / "policy").write_text("quorum none\n")
    policy = open_witness_policy(Settings(home=tmp_path, witness_policy=tmp_path / "policy"))
    assert policy is not None
    assert policy.reached(set())
