"""Identifiers: a short prefix that tells the kind, and 26 characters that sort by time of birth."""

import secrets
from base64 import b32hexencode
from datetime import datetime


def new_id(kind: str, at: datetime) -> str:
    """For example ``ds_06b…``: 48 bits of milliseconds and 80 random bits.

    Written in base32hex, whose letters sort as the bits do (RFC 4648 section 7).
    """
    milliseconds = int(at.timestamp() * 1000).to_bytes(6, "big")
    text = b32hexencode(milliseconds + secrets.token_bytes(10)).decode().rstrip("=").lower()
    return f"{kind}_{text}"
