"""Signed notes and checkpoints: what the log says about itself, and who says so.

C2SP signed-note with Ed25519 (type 0x01, for logs) and its cosignature (type 0x04, for witnesses),
and C2SP tlog-checkpoint with exactly three lines: origin, size, root. Keys are written as C2SP
verifier keys (``name+id+base64``); the secret ones as ``PRIVATE+KEY+name+id+base64``, which Go's
note package reads too. FORMAT.md section 3.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.audit.merkle import HASH_SIZE
from registry.errors import InvalidInput, Text

ED25519, COSIGNATURE = 0x01, 0x04
"""What a key signs: a note as it stands, or a checkpoint with the time of seeing it."""
LARGEST_NOTE = 1_000_000
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class MalformedNote(InvalidInput):
    """Text that is no signed note, no checkpoint or no key."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__("malformed-note", Text(nl, en))


class UntrustedNote(InvalidInput):
    """A note that none of the given keys has signed, or on which a given key's signature fails."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(
            "untrusted-note",
            Text(nl, en),
            Text(
                "Vraag de sleutel van het logboek langs een andere weg dan het logboek zelf.",
                "Obtain the log's key by another way than from the log itself.",
            ),
        )


def decode(text: str) -> bytes:
    """Bytes of canonical base64; ``ValueError`` for any other spelling of the same bytes."""
    data = b64decode(text, validate=True)
    if b64encode(data).decode() != text:
        raise ValueError("this base64 is not canonical")
    return data


def encode(data: bytes) -> str:
    """Base64 as the C2SP formats write it (RFC 4648 section 4)."""
    return b64encode(data).decode()


@dataclass(frozen=True)
class VerifierKey:
    """Who signs: a key name (for a log, its origin) and an Ed25519 public key of 32 bytes.

    :param algorithm: :data:`ED25519` for a log, :data:`COSIGNATURE` for a witness.
    """

    name: str
    public: bytes
    algorithm: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + self._typed).digest()[:4]

    @property
    def _typed(self) -> bytes:
        return bytes([self.algorithm]) + self.public

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode(self._typed)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a verifier key; :class:`MalformedNote` if it is none, or not of Ed25519."""
        name, key_id, data = _key_parts(text.strip().split("+", 2))
        key = cls(name, data[1:], data[0])
        if key.key_id.hex() != key_id:
            raise _bad_key()
        return key

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this key made this signature of the note's text."""
        if self.algorithm == COSIGNATURE:
            time, signature = signature[:TIME_SIZE], signature[TIME_SIZE:]
            text = cosigned_text(text, int.from_bytes(time, "big"))
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


TIME_SIZE = 8
"""Bytes of time before the signature proper in a cosignature (C2SP tlog-cosignature)."""


def cosigned_text(body: str, time: int) -> str:
    """What a witness signs: that it saw this checkpoint's text, in seconds since 1970."""
    return f"cosignature/v1\ntime {time}\n{body}"


@dataclass(frozen=True)
class SigningKey:
    """The secret half: a name and an Ed25519 seed of 32 bytes."""

    name: str
    seed: bytes
    algorithm: int = ED25519

    def __repr__(self) -> str:
        return f"SigningKey({self.name!r})"

    @classmethod
    def generate(cls, name: str, algorithm: int = ED25519) -> "SigningKey":
        """A new key under this name."""
        if _NAME.fullmatch(name) is None:
            raise _bad_key()
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw(), algorithm)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw(), self.algorithm)

    def to_text(self) -> str:
        """The key as its file holds it; secret."""
        data = encode(bytes([self.algorithm]) + self.seed)
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{data}"

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Read :meth:`to_text` back; :class:`MalformedNote` if it is no such key."""
        if not text.startswith("PRIVATE+KEY+"):
            raise _bad_key()
        name, key_id, data = _key_parts(text.strip().split("+", 4)[2:])
        key = cls(name, data[1:], data[0])
        if key.verifier.key_id.hex() != key_id:
            raise _bad_key()
        return key

    def sign(self, text: str) -> str:
        """The signed note of this text, which must end in a newline."""
        return f"{text}\n{self._line(self._signed(text))}"

    def cosign(self, body: str, time: int) -> str:
        """The signature line of a witness that saw a checkpoint's text at this time."""
        signature = self._signed(cosigned_text(body, time))
        return self._line(time.to_bytes(TIME_SIZE, "big") + signature)

    def _signed(self, text: str) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())

    def _line(self, signature: bytes) -> str:
        return f"— {self.name} {encode(self.verifier.key_id + signature)}\n"


def _bad_key() -> MalformedNote:
    return MalformedNote(
        "Dit is geen Ed25519-sleutel in de vorm `naam+nummer+base64`.",
        "This is no Ed25519 key of the form `name+id+base64`.",
    )


def _key_parts(parts: list[str]) -> tuple[str, str, bytes]:
    try:
        name, key_id, text = parts
        data = decode(text)
    except ValueError:
        raise _bad_key() from None
    known = len(data) == 33 and data[0] in (ED25519, COSIGNATURE)
    if _NAME.fullmatch(name) is None or not known:
        raise _bad_key()
    return name, key_id, data


@dataclass(frozen=True)
class Signature:
    """One signature line of a note: whose it claims to be, and its bytes."""

    name: str
    key_id: bytes
    signature: bytes


def split_note(note: str) -> tuple[str, tuple[Signature, ...]]:
    """A note's text and its signature lines; :class:`MalformedNote` if it is no signed note."""
    text, blank, tail = note.rpartition("\n\n")
    controls = any(character < " " and character != "\n" for character in note)
    if not blank or not tail.endswith("\n") or controls or len(note) > LARGEST_NOTE:
        raise _bad_note()
    return text + "\n", tuple(_signature(line) for line in tail[:-1].split("\n"))


def _bad_note() -> MalformedNote:
    return MalformedNote("Dit is geen ondertekende notitie.", "This is no signed note.")


def _signature(line: str) -> Signature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise _bad_note()
    try:
        data = decode(match[2])
    except ValueError:
        raise _bad_note() from None
    if len(data) < 5:
        raise _bad_note()
    return Signature(match[1], data[:4], data[4:])


def open_note(note: str, keys: Iterable[VerifierKey]) -> str:
    """The text of a note that at least one of the keys has signed.

    :raises MalformedNote: it is no note.
    :raises UntrustedNote: no key given has signed it, or one has and its signature is wrong.
    """
    text, _ = split_note(note)
    if not signers(note, keys):
        raise UntrustedNote(
            "Dit is niet ondertekend met een van de opgegeven sleutels.",
            "This is not signed with any of the given keys.",
        )
    return text


def signers(note: str, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Which of the keys have signed a note.

    :raises MalformedNote: it is no note.
    :raises UntrustedNote: a signature that claims to be of one of the keys is wrong.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    good = []
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verify(text, signature.signature):
            raise UntrustedNote(
                f"De handtekening van `{key.name}` klopt niet.",
                f"The signature of `{key.name}` is wrong.",
            )
        good.append(key)
    return good


@dataclass(frozen=True)
class TreeHead:
    """A log's tree at one size: the three lines of a checkpoint."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"

    @classmethod
    def parse(cls, body: str) -> "TreeHead":
        """Read :meth:`body` back; extension lines are refused, for nobody could audit them."""
        lines = body.split("\n")
        if len(lines) != 4 or lines[3] or _NAME.fullmatch(lines[0]) is None:
            raise _bad_checkpoint()
        try:
            root = decode(lines[2])
        except ValueError:
            raise _bad_checkpoint() from None
        if _SIZE.fullmatch(lines[1]) is None or len(root) != HASH_SIZE:
            raise _bad_checkpoint()
        return cls(lines[0], int(lines[1]), root)


def _bad_checkpoint() -> MalformedNote:
    return MalformedNote(
        "Dit is geen controlepunt: het moet precies herkomst, grootte en wortel bevatten.",
        "This is no checkpoint: it must hold exactly origin, size and root.",
    )


@dataclass(frozen=True)
class Checkpoint:
    """A signed tree head."""

    head: TreeHead
    note: str

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self.head.size

    @property
    def root(self) -> bytes:
        """The tree's root hash."""
        return self.head.root


def sign_checkpoint(head: TreeHead, key: SigningKey) -> Checkpoint:
    """A checkpoint of the log whose origin is the key's name."""
    return Checkpoint(head, key.sign(head.body()))


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """A checkpoint signed by one of the keys under the log's own name.

    :raises MalformedNote: it is no checkpoint.
    :raises UntrustedNote: the log of its origin has not signed it with any of the keys.
    """
    head = TreeHead.parse(split_note(note)[0])
    logs = [key for key in keys if key.name == head.origin and key.algorithm == ED25519]
    open_note(note, logs)
    return Checkpoint(head, note)
