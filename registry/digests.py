"""Canonical bytes (RFC 8785) and their digests, as documents, manifests and the log name them."""

import hashlib
from typing import Any

import rfc8785


def canonical(document: Any) -> bytes:
    """The one way to write a JSON document as bytes (RFC 8785)."""
    return rfc8785.dumps(document)


def digest(document: Any) -> str:
    """``sha256:`` and the hexadecimal SHA-256 of the canonical bytes."""
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()
