"""Signed notes, keys and checkpoints, and receipts made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.audit import (
    Entry,
    MalformedEntry,
    MalformedNote,
    Receipt,
    TreeHead,
    UntrustedNote,
    VerifierKey,
    open_checkpoint,
    open_note,
    verify_receipt,
)
from registry.audit.checkpoint import SigningKey, encode, sign_checkpoint, split_note
from registry.audit.merkle import inclusion_path, leaf_hash
from registry.audit.tiles import Tiles

# The example of C2SP signed-note, with the key that belongs to it in Go's note package.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
KEY = SigningKey("vrijgave.example/audit/v1", bytes(range(32)))
HEAD = TreeHead(KEY.name, 421, leaf_hash(b"x"))


def test_a_note_by_others_opens() -> None:
    """The note in the documentation of Go's note package verifies under its key."""
    key = VerifierKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    assert open_note(GO_NOTE, [key]).startswith("If you think cryptography")


def test_checkpoint_bytes_are_final() -> None:
    """A checkpoint is three lines, a blank one and the signature; these bytes never change."""
    assert sign_checkpoint(HEAD, KEY).note == (
        "vrijgave.example/audit/v1\n"
        "421\n"
        "PH6byTDck/AfppmF7yQtn56GHzxTVaokzl70tLinDMs=\n"
        "\n"
        "— vrijgave.example/audit/v1 k1HSMyZK5TqbCkgnzV9k6lv8r4QIEHQQWZeZfO2F9RFlp"
        "LFDhe8Axk6WB9+w2ywApSiZJIBsCQWnfS+6MN1s3FEEFAs=\n"
    )
    assert str(KEY.verifier) == (
        "vrijgave.example/audit/v1+9351d233+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    )


def test_keys_go_through_text() -> None:
    """Both halves of a key survive being written down; the secret is not shown by accident."""
    made = SigningKey.generate("a.example/log")
    assert SigningKey.parse(made.to_text() + "\n") == made
    assert VerifierKey.parse(f" {made.verifier}\n") == made.verifier
    assert repr(made) == "SigningKey('a.example/log')"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AQ==",
        "na me+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T!",
    ],
)
def test_other_text_is_no_key(text: str) -> None:
    """A wrong name, id, algorithm or length is refused, for either half."""
    for parse in (VerifierKey.parse, SigningKey.parse):
        for each in (text, f"PRIVATE+KEY+{text}"):
            with pytest.raises(MalformedNote):
                parse(each)


def test_a_key_needs_a_name() -> None:
    """A name with a space or a plus could not stand on a signature line."""
    for name in ("", "two words", "a+b"):
        with pytest.raises(MalformedNote):
            SigningKey.generate(name)


def test_a_checkpoint_opens_under_its_own_key_only() -> None:
    """Unknown signatures are passed over; without a good one of a known key nothing opens."""
    note = sign_checkpoint(HEAD, KEY).note
    other = SigningKey.generate("witness.example")
    cosigned = note + other.sign(HEAD.body()).split("\n\n", 1)[1]
    for each in (note, cosigned):
        assert open_checkpoint(each, [KEY.verifier]).head == HEAD
        assert len(split_note(each)[1]) >= 1
    for keys in ([], [other.verifier], [SigningKey.generate(KEY.name).verifier]):
        with pytest.raises(UntrustedNote):
            open_checkpoint(cosigned, keys)


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """A note on which one known key's signature is wrong is refused, whatever else signs it."""
    note = sign_checkpoint(HEAD, KEY).note
    wrong = SigningKey.generate("witness.example")
    forged = note + wrong.sign("other text\n").split("\n\n", 1)[1]
    with pytest.raises(UntrustedNote, match=r"witness\.example"):
        open_note(forged, [KEY.verifier, wrong.verifier])


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_every_flipped_bit_is_seen(at: int, bit: int) -> None:
    """No single changed bit of a checkpoint leaves it valid."""
    data = bytearray(sign_checkpoint(HEAD, KEY).note.encode())
    data[at % len(data)] ^= 1 << bit
    with pytest.raises((MalformedNote, UntrustedNote, UnicodeDecodeError)):
        open_checkpoint(data.decode(), [KEY.verifier])


@pytest.mark.parametrize(
    "body",
    [
        "\n1\n" + encode(HEAD.root) + "\n",
        f"a.example\n01\n{encode(HEAD.root)}\n",
        f"a.example\n-1\n{encode(HEAD.root)}\n",
        f"a.example\n1\n{encode(HEAD.root)[:-4]}\n",
        "a.example\n1\nnot base64\n",
        f"a.example\n1\n{encode(HEAD.root)}\nextension\n",
        f"a.example\n1\n{encode(HEAD.root)}",
    ],
)
def test_other_text_is_no_checkpoint(body: str) -> None:
    """Missing lines, extension lines and other spellings of numbers and roots are refused."""
    with pytest.raises(MalformedNote):
        TreeHead.parse(body)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAAA\n",
        "text\n\n- name AAAAAAA=\n",
        "te\txt\n\n— name AAAAAAA=\n",
        "text\n\n— name AAAAAAA=",
        "x" * 1_000_000 + "\n\n— name AAAAAAA=\n",
    ],
)
def test_other_text_is_no_note(note: str) -> None:
    """A note without blank line, signature or last newline, or with control characters."""
    with pytest.raises(MalformedNote):
        split_note(note)


ENTRY = Entry(
    id="019aafd1-6e40-7a6b-8c1d-2e3f4a5b6c7d",
    time="2026-11-23T09:30:00.000Z",
    act="access:opened",
    archive="org_beeld",
    number=1,
)


def a_receipt() -> Receipt:
    """The receipt of the third of five entries."""
    bodies = [b"{}", b"[]", ENTRY.to_bytes(), b"1", b"2"]
    tiles = Tiles(lambda _level, _number: b"")
    tiles.grow(0, [leaf_hash(body) for body in bodies])
    note = sign_checkpoint(TreeHead(KEY.name, 5, tiles.root(5)), KEY).note
    return Receipt(2, tuple(inclusion_path(2, 5, tiles.node)), note, bodies[2])


def test_a_receipt_proves_its_entry() -> None:
    """The text of a receipt is all that is needed, with the log's key, to prove its entry."""
    made = a_receipt()
    assert Receipt.parse(made.to_text()) == made
    entry, checkpoint = verify_receipt(made.to_text(), [KEY.verifier])
    assert (entry, checkpoint.size) == (ENTRY, 5)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_bit_of_a_receipt_is_free(at: int, bit: int) -> None:
    """No single changed bit leaves a receipt valid."""
    data = bytearray(a_receipt().to_text().encode())
    data[at % len(data)] ^= 1 << bit
    with pytest.raises((MalformedNote, MalformedEntry, UntrustedNote, UnicodeDecodeError)):
        verify_receipt(data.decode(), [KEY.verifier])


def test_a_receipt_of_something_else_is_refused() -> None:
    """A leaf that is in the tree but is no entry has no receipt either."""
    tiles = Tiles(lambda _level, _number: b"")
    tiles.grow(0, [leaf_hash(b"{}")])
    note = sign_checkpoint(TreeHead(KEY.name, 1, tiles.root(1)), KEY).note
    with pytest.raises(MalformedEntry):
        verify_receipt(Receipt(0, (), note, b"{}").to_text(), [KEY.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v2\nextra e30=\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra e30=\nindex 00\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra e31=\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nmore e30=\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra e30=\nindex 0\nAAAA\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra e30=\nindex 0\nnote",
    ],
)
def test_other_text_is_no_receipt(text: str) -> None:
    """A receipt needs its first line, its entry, its index, whole hashes and a checkpoint."""
    with pytest.raises(MalformedNote):
        Receipt.parse(text)
