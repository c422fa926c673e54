"""What an auditor finds in an export: nothing in an honest one, every planted tampering by name."""

import io
from collections.abc import Callable

import pytest

from registry.audit import (
    NoExport,
    Tampering,
    lines,
    verify_export,
)
from registry.audit import findings as words
from registry.audit.checkpoint import SigningKey
from registry.audit.merkle import leaf_hash
from tests.registry.audit.conftest import ORIGIN
from tests.registry.audit.exports import (
    BODIES,
    EXPORT,
    FIRST_CHECKPOINT,
    KEY,
    LEAF,
    SIZE,
    a_checkpoint,
    body,
    found,
    make,
    verify,
)


def test_an_honest_export_is_good() -> None:
    """Everything is counted, nothing is found, and what cannot be checked is said."""
    result = verify(EXPORT)
    assert result.ok
    assert (result.entries, result.leaves, result.expected) == (40, 40, 40)
    assert result.checkpoints == 2
    assert result.streams == {"org_a": (1, 14), "org_b": (1, 13), "operator": (1, 13)}
    assert result.sentences("en") == [
        f"40 of 40 entries of `{ORIGIN}` stand in the signed tree: 40 read in full, 0 as hashes;"
        " 2 checkpoints.",
        "– Not checked: whether the log showed others something else. Give a checkpoint that"
        " reached you by another way.",
        "Good: nothing was changed.",
    ]
    assert result.sentences("nl")[-1] == "In orde: er is niets gewijzigd."


def test_held_checkpoints_are_compared() -> None:
    """Checkpoints that the auditor holds agree with an honest export, at any size."""
    result = verify(EXPORT, a_checkpoint(40), a_checkpoint(7))
    assert result.ok
    assert result.unchecked == ()


def test_one_archive_without_the_others() -> None:
    """An archive's export shows its entries only, and its numbers are complete."""
    result = verify(make(BODIES, archive="org_b"))
    assert result.ok
    assert (result.entries, result.leaves) == (13, 40)
    assert result.streams == {"org_b": (1, 13)}
    assert "Not checked: the contents of 27 entries present as hashes only." in [
        text.en for text in result.unchecked
    ]
    assert b"org_a" not in b"".join(make(BODIES, archive="org_b"))


@pytest.mark.parametrize("first", [1, 15, 16, 23, 39])
def test_a_period_stands_on_the_tree_before_it(first: int) -> None:
    """An export that begins later proves its entries against the same checkpoints."""
    result = verify(make(BODIES, first=first), a_checkpoint(1))
    assert result.ok
    assert (result.entries, result.leaves) == (40 - first, 40 - first)
    assert [text.en for text in result.unchecked] == [
        f"Not checked: the contents of the entries before {first}.",
        "Not checked: the checkpoints you hold of [1], for the export begins later.",
    ]


def rows_without(*indices: int) -> list[bytes]:
    """The export with some entries' lines taken out."""
    gone = {LEAF[index] for index in indices}
    return [row for at, row in enumerate(EXPORT) if at not in gone]


def edited(index: int, **changed: object) -> list[bytes]:
    """The export with one entry's text changed, its hash left as it was."""
    rows = list(EXPORT)
    rows[LEAF[index]] = lines.leaf(index, leaf_hash(BODIES[index]), body(index, **changed))
    return rows


def rewritten(bodies: list[bytes]) -> list[bytes]:
    """An export made whole again around other entries, with the log's own checkpoints."""
    rows = make(bodies, checkpoints=())[:-1]
    for size in (SIZE, FIRST_CHECKPOINT):
        rows.insert(min(1 + size, len(rows)), lines.checkpoint(a_checkpoint(size).note))
    return [*rows, lines.end(len(bodies), len(bodies), 2)]


def swapped(rows: list[bytes], one: int, other: int) -> list[bytes]:
    """Two lines that have changed places."""
    rows = list(rows)
    rows[one], rows[other] = rows[other], rows[one]
    return rows


def inserted(row: bytes, at: int) -> list[bytes]:
    """The export with a line more."""
    return [*EXPORT[:at], row, *EXPORT[at:]]


OTHER = SigningKey(ORIGIN, bytes(32))
FORK = [*BODIES[:20], *(body(index, organisation="org_x") for index in range(20, 40))]
PLANTED: dict[str, tuple[Callable[[], list[bytes]], set[tuple[Tampering, int | None]]]] = {
    "an entry edited": (lambda: edited(20, organisation="org_x"), {(Tampering.EDITED, 20)}),
    "two entries edited": (
        lambda: edited(3, number=9)[:15] + edited(30, number=9)[15:],
        {(Tampering.EDITED, 3), (Tampering.EDITED, 30)},
    ),
    "an entry edited and hashed again": (
        lambda: rewritten([*BODIES[:20], body(20, organisation="org_x"), *BODIES[21:]]),
        {(Tampering.REWRITTEN, 16)},
    ),
    "a line deleted": (
        lambda: rows_without(20),
        {(Tampering.DELETED, 20), (Tampering.DELETED, 23), (Tampering.DELETED, None)},
    ),
    "lines deleted": (
        lambda: rows_without(20, 23, 24),
        {
            (Tampering.DELETED, 20),
            (Tampering.DELETED, 23),
            (Tampering.DELETED, 26),
            (Tampering.DELETED, 27),
            (Tampering.DELETED, None),
        },
    ),
    "an entry deleted, the rest renumbered in the tree": (
        lambda: rewritten([*BODIES[:20], *BODIES[21:]]),
        {(Tampering.DELETED, 22), (Tampering.DELETED, 39)},
    ),
    "an entry inserted, the rest renumbered in the tree": (
        lambda: rewritten([*BODIES[:20], body(17, organisation="org_x"), *BODIES[20:]]),
        {(Tampering.INSERTED, 20), (Tampering.REWRITTEN, 16), (Tampering.INSERTED, 40)},
    ),
    "a line twice": (
        lambda: inserted(EXPORT[LEAF[20]], LEAF[20] + 1),
        {(Tampering.INSERTED, 20), (Tampering.INSERTED, None)},
    ),
    "two lines swapped": (
        lambda: swapped(EXPORT, LEAF[20], LEAF[21]),
        {(Tampering.REORDERED, 20)},
    ),
    "two entries swapped and hashed again": (
        lambda: rewritten([*BODIES[:20], BODIES[21], BODIES[20], *BODIES[22:]]),
        {(Tampering.REWRITTEN, 16)},
    ),
    "two entries of one archive swapped and hashed again": (
        lambda: rewritten([*BODIES[:20], BODIES[23], *BODIES[21:23], BODIES[20], *BODIES[24:]]),
        {(Tampering.DELETED, 20), (Tampering.INSERTED, 23), (Tampering.DELETED, 26)}
        | {(Tampering.REWRITTEN, 16)},
    ),
    "cut off": (
        lambda: EXPORT[: LEAF[30]],
        {(Tampering.TRUNCATED, 30), (Tampering.INSERTED, 16)},
    ),
    "cut off in a line": (
        lambda: [*EXPORT[: LEAF[30]], EXPORT[LEAF[30]][:50]],
        {(Tampering.MALFORMED, 30), (Tampering.TRUNCATED, 31), (Tampering.INSERTED, 16)},
    ),
    "cut off before any checkpoint": (
        lambda: EXPORT[:5],
        {(Tampering.TRUNCATED, 4), (Tampering.TRUNCATED, 0)},
    ),
    "the closing line gone": (lambda: EXPORT[:-1], {(Tampering.TRUNCATED, 40)}),
    "the last checkpoint gone": (
        lambda: [*EXPORT[:-2], EXPORT[-1]],
        {(Tampering.INSERTED, 16), (Tampering.DELETED, None)},
    ),
    "more after the closing line": (
        lambda: [*EXPORT, EXPORT[1]],
        {(Tampering.INSERTED, None)},
    ),
    "two histories": (
        lambda: inserted(lines.checkpoint(a_checkpoint(40, bodies=FORK).note), len(EXPORT) - 1),
        {(Tampering.FORKED, 40), (Tampering.INSERTED, None)},
    ),
    "a checkpoint twice": (
        lambda: inserted(EXPORT[-2], len(EXPORT) - 1),
        {(Tampering.INSERTED, 40), (Tampering.INSERTED, None)},
    ),
    "a checkpoint too late": (
        lambda: swapped(EXPORT, LEAF[15] + 1, LEAF[16]),
        {(Tampering.INSERTED, 16)},
    ),
    "a checkpoint too early": (
        lambda: swapped(EXPORT, LEAF[15] + 1, LEAF[15]),
        {(Tampering.REORDERED, 15)},
    ),
    "all signed again with another key": (
        lambda: make(FORK, key=OTHER),
        {(Tampering.OTHER_KEY, size) for size in (None, 16, 40)} | {(Tampering.INSERTED, 0)},
    ),
    "one checkpoint signed with another key": (
        lambda: [*EXPORT[:-2], lines.checkpoint(a_checkpoint(40, OTHER).note), EXPORT[-1]],
        {(Tampering.OTHER_KEY, 40), (Tampering.INSERTED, 16)},
    ),
    "a checkpoint of another log": (
        lambda: inserted(
            lines.checkpoint(a_checkpoint(40, SigningKey.generate("b.example/log")).note), 5
        ),
        {(Tampering.OTHER_LOG, 4), (Tampering.INSERTED, None)},
    ),
    "a checkpoint that is none": (
        lambda: inserted(lines.checkpoint("x"), 5),
        {(Tampering.MALFORMED, 4), (Tampering.INSERTED, None)},
    ),
    "a second header": (lambda: inserted(EXPORT[0], 5), {(Tampering.MALFORMED, 4)}),
    "a line of something else": (lambda: inserted(b'{"x":1}\n', 5), {(Tampering.MALFORMED, 4)}),
    "an entry kept back": (
        lambda: swapped(
            [*EXPORT, lines.leaf(20, leaf_hash(BODIES[20]), None)], LEAF[20], len(EXPORT)
        )[:-1],
        {(Tampering.WITHHELD, 20), (Tampering.DELETED, None)},
    ),
    "an archive's entry kept back": (
        lambda: [
            lines.leaf(19, leaf_hash(BODIES[19]), None) if at == LEAF[19] else row
            for at, row in enumerate(make(BODIES, archive="org_b"))
        ],
        {(Tampering.DELETED, 22), (Tampering.DELETED, None)},
    ),
    "another archive's entry shown": (
        lambda: [
            EXPORT[LEAF[20]] if at == LEAF[20] else row
            for at, row in enumerate(make(BODIES, archive="org_b"))
        ],
        {(Tampering.INSERTED, 20), (Tampering.INSERTED, None)},
    ),
    "the tree before it changed": (
        lambda: [
            lines.header(KEY.verifier, None, 16, [bytes(32)]),
            *make(BODIES, first=16)[1:],
        ],
        {(Tampering.REWRITTEN, 16)},
    ),
    "the tree before it missing": (
        lambda: [lines.header(KEY.verifier, None, 16, []), *make(BODIES, first=16)[1:]],
        {(Tampering.MALFORMED, None)},
    ),
    "leaves that are no entries": (
        lambda: make([*BODIES[:20], b"{}", *BODIES[21:]]),
        {(Tampering.MALFORMED, 20)},
    ),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_tampering_is_named(what: str) -> None:
    """Each kind of tampering is found, under its name and with its index."""
    rows, expected = PLANTED[what]
    result = verify(rows())
    assert not result.ok
    assert expected <= set(found(result)), found(result)
    assert all(finding.text.nl != finding.text.en for finding in result.findings)
    assert result.sentences("nl")[-1].startswith("NIET in orde")
    assert result.sentences("en")[-1].startswith("NOT good")


@pytest.mark.parametrize(
    "what",
    ["an entry edited", "two lines swapped", "the closing line gone", "two entries edited"],
)
def test_what_was_not_touched_is_not_accused(what: str) -> None:
    """Where the tampering can be told exactly, nothing else is reported."""
    rows, expected = PLANTED[what]
    assert set(found(verify(rows()))) == expected


def test_a_held_checkpoint_reveals_a_second_history() -> None:
    """An export that is whole in itself but of another history is a fork, at the size held."""
    fork = make(FORK)
    assert verify(fork).ok
    assert found(verify(fork, a_checkpoint(30))) == [(Tampering.FORKED, 30)]
    assert found(verify(fork, a_checkpoint(20))) == []


def test_a_held_checkpoint_reveals_a_shorter_history() -> None:
    """An export that ends before what the auditor has seen signed was cut."""
    short = make(BODIES[:FIRST_CHECKPOINT], checkpoints=(FIRST_CHECKPOINT,))
    assert verify(short).ok
    assert found(verify(short, a_checkpoint(40))) == [(Tampering.TRUNCATED, 16)]


def test_a_held_checkpoint_of_another_log_is_told() -> None:
    """A checkpoint of another log proves nothing here, and is said to be one."""
    other = a_checkpoint(40, SigningKey.generate("b.example/log"))
    assert (Tampering.OTHER_LOG, None) in found(verify(EXPORT, other))


def test_a_held_checkpoint_on_a_broken_export() -> None:
    """Where the leaves were tampered with, no fork is claimed."""
    rewritten_rows, _ = PLANTED["an entry edited and hashed again"]
    kinds = {kind for kind, _ in found(verify(rewritten_rows(), a_checkpoint(30)))}
    assert kinds == {Tampering.REWRITTEN}


def test_a_rotated_key_is_told() -> None:
    """Under the old key alone the new one is named as the one that the log announced."""
    new = SigningKey(ORIGIN, bytes(reversed(range(32))))
    bodies = list(BODIES)
    for index, key in ((19, OTHER), (20, new)):
        facts = {"key": str(key.verifier), "previous_key": str(KEY.verifier)}
        bodies[index] = body(index, act="key:rotated", facts=facts)
    rows = make(bodies, checkpoints=(FIRST_CHECKPOINT, 25))
    rows[-1:] = [
        lines.checkpoint(a_checkpoint(40, new, bodies).note),
        lines.end(40, 40, 3),
    ]
    alone = verify(rows)
    assert (Tampering.OTHER_KEY, 40) in found(alone)
    assert f" Entry 20 announces the key: {new.verifier}" in alone.findings[0].text.en
    assert "Entry 19" not in alone.findings[0].text.en
    keys = [KEY.verifier, new.verifier]
    assert verify_export(io.BytesIO(b"".join(rows)), keys).ok


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xff\xfe",
        b"[1]\n",
        b"PK\x03\x04",
        b'{"checkpoint":"x"}\n',
        b'{"end":{"checkpoints":0,"entries":0,"leaves":0}}\n',
        b'{"end":{"checkpoints":0,"entries":"0","leaves":0}}\n',
        b'{"end":3}\n',
        b'{"checkpoint":3}\n',
        b'{"export":"vrijgave/audit-export@v1"}\n',
        EXPORT[0].replace(b"@v1", b"@v2"),
        EXPORT[0].replace(b'"first":0', b'"first":-1'),
        EXPORT[0].replace(b'"first":0', b'"first":true'),
        EXPORT[0].replace(b'"nodes":[]', b'"nodes":["AAAA"]'),
        EXPORT[0].replace(b'"nodes":[]', b'"nodes":[7]'),
        EXPORT[0].replace(b'"nodes":[]', b'"nodes":7'),
        EXPORT[0].replace(b'"archive":null', b'"archive":7'),
        EXPORT[0].replace(b":", b": ", 1),
        b"[" * 100_000,
    ],
)
def test_other_files_are_no_export(data: bytes) -> None:
    """A file that does not begin as an export is refused with a way out."""
    with pytest.raises(NoExport) as caught:
        verify_export(io.BytesIO(data), [KEY.verifier])
    assert "vrijgave audit export" in caught.value.help.en


def test_many_findings_are_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file full of rubbish does not fill the auditor's memory with findings."""
    monkeypatch.setattr(words, "MOST_TOLD", 5)
    assert len(verify([EXPORT[0], *[b"x\n"] * 50]).findings) == 5
