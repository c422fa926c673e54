"""Which witnesses are enough: C2SP tlog-policy."""

import pytest

from registry.audit import TreeHead, UntrustedNote
from registry.audit.checkpoint import COSIGNATURE, SigningKey, sign_checkpoint
from registry.audit.quorum import MalformedPolicy, WitnessPolicy
from tests.registry.audit.conftest import ORIGIN

LOG = SigningKey(ORIGIN, bytes(range(32)))
KEYS = [SigningKey(f"w{at}.example", bytes([at]) * 32, COSIGNATURE) for at in range(1, 5)]
NAMES = "abcd"
LINES = [f"witness {name} {key.verifier}" for name, key in zip(NAMES, KEYS, strict=True)]
TEXT = "\n".join(
    [
        "# two of the archives, and the auditor",
        f"log {LOG.verifier} https://{ORIGIN}",
        "",
        *LINES[:3],
        f"\t{LINES[3]} https://w4.example/submit ",
        "group archives 2 a b c",
        "group everyone all archives d",
        "quorum everyone",
        "",
    ]
)
HEAD = TreeHead(ORIGIN, 7, bytes(32))


def note(names: str) -> str:
    """A checkpoint that these have cosigned."""
    lines = [KEYS[NAMES.index(name)].cosign(HEAD.body(), 5) for name in names]
    return sign_checkpoint(HEAD, LOG).note + "".join(lines)


@pytest.mark.parametrize(
    ("names", "enough"),
    [("abd", True), ("acd", True), ("abcd", True), ("abc", False), ("ad", False), ("", False)],
)
def test_a_quorum_of_groups(names: str, enough: bool) -> None:
    """Two of three archives and the auditor: the cosignatures on the note decide, nothing else."""
    policy = WitnessPolicy.parse(TEXT)
    assert policy.logs == (LOG.verifier,)
    assert policy.witnesses[3].url == "https://w4.example/submit"
    assert policy.witnessed_by(note(names)) == list(names)
    good, said = policy.judge(note(names), 7)
    assert good is enough
    assert f"{len(names)} of 4" in said.en
    assert f"{len(names)} van 4" in said.nl


@pytest.mark.parametrize(
    ("quorum", "names", "enough"),
    [
        ("quorum none", "", True),
        ("quorum b", "b", True),
        ("quorum b", "acd", False),
        ("group g any a b\nquorum g", "b", True),
        ("group g any a b\nquorum g", "c", False),
    ],
)
def test_smaller_quorums(quorum: str, names: str, enough: bool) -> None:
    """One witness, any of a group, or none at all."""
    policy = WitnessPolicy.parse("\n".join([*LINES, quorum]))
    assert policy.reached(set(names)) is enough


def test_a_wrong_cosignature_is_no_cosignature() -> None:
    """A line that claims to be a witness's and is not is refused, not passed over."""
    policy = WitnessPolicy.parse(TEXT)
    forged = KEYS[0].cosign(TreeHead(ORIGIN, 8, bytes(32)).body(), 5)
    with pytest.raises(UntrustedNote, match="w1"):
        policy.witnessed_by(note("bd") + forged)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("quorum a", 1),
        ("quorum none\nquorum none", 2),
        ("quorum none extra", 1),
        ("witnes a b", 1),
        ("witness a rubbish\nquorum a", 1),
        (f"witness a {LOG.verifier}\nquorum a", 1),
        (f"log {KEYS[0].verifier}\nquorum none", 1),
        (f"{LINES[0]}\nwitness z {KEYS[0].verifier}\nquorum a", 2),
        (f"{LINES[0]}\nwitness a {KEYS[1].verifier}\nquorum a", 2),
        (f"witness none {KEYS[1].verifier}\nquorum none", 1),
        (f"{LINES[0]}\ngroup g 2 a\nquorum g", 2),
        (f"{LINES[0]}\ngroup g 0 a\nquorum g", 2),
        (f"{LINES[0]}\ngroup g x a\nquorum g", 2),
        (f"{LINES[0]}\ngroup g 1\nquorum g", 2),
        (f"{LINES[0]}\ngroup g 1 b\nquorum g", 2),
        (f"{LINES[0]}\ngroup g 1 a a\nquorum g", 2),
        (f"{LINES[0]}\ngroup a 1 a\nquorum a", 2),
        (f"{LINES[0]}\ngroup g 1 a\ngroup h 1 a\nquorum g", 3),
        ("#" * 100_001, 0),
    ],
)
def test_a_bad_policy_is_refused_by_line(text: str, line: int) -> None:
    """What does not say what it must is refused, naming the line, with an example."""
    with pytest.raises(MalformedPolicy, match=f"Line {line} ") as caught:
        WitnessPolicy.parse(text)
    assert "quorum" in caught.value.help.nl
