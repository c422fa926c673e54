"""Our small Ed25519 check agrees with a library's, and refuses what it must."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.client.ed25519 import verify

L = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)


def test_the_rfcs_vectors() -> None:
    """Each holds, and no longer when the message changes."""
    for public, message, signature in VECTORS:
        key, text, signed = (bytes.fromhex(part) for part in (public, message, signature))
        assert verify(key, signed, text)
        assert not verify(key, signed, text + b"x")


@settings(max_examples=30)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_what_a_library_signs_we_accept(seed: bytes, message: bytes) -> None:
    """Any key, any message."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert verify(key.public_key().public_bytes_raw(), key.sign(message), message)


@settings(max_examples=60)
@given(data=st.data(), seed=st.binary(min_size=32, max_size=32))
def test_what_a_library_refuses_we_refuse(data: st.DataObject, seed: bytes) -> None:
    """One bit changed anywhere in signature or key."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = bytearray(key.public_key().public_bytes_raw()), bytearray(key.sign(b"m"))
    target = data.draw(st.sampled_from([public, signature]))
    place = data.draw(st.integers(0, len(target) * 8 - 1))
    target[place // 8] ^= 1 << place % 8
    try:
        Ed25519PublicKey.from_public_bytes(bytes(public)).verify(bytes(signature), b"m")
        accepted = True
    except (InvalidSignature, ValueError):
        accepted = False
    assert not accepted
    assert not verify(bytes(public), bytes(signature), b"m")


def test_malleable_and_misshapen_signatures() -> None:
    """A scalar not below the group's order, wrong lengths, points off the curve."""
    public, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    scalar = int.from_bytes(signature[32:], "little") + L
    assert not verify(public, signature[:32] + scalar.to_bytes(32, "little"), message)
    assert not verify(public[:31], signature, message)
    assert not verify(public, signature[:63], message)
    assert not verify(b"\x02" + bytes(31), signature, message)
    assert not verify(b"\xff" * 32, signature, message)
    assert not verify(public, b"\xff" * 32 + signature[32:], message)
