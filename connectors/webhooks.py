"""Telling another service something over HTTPS, signed as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks, version 1.0.0: `webhook-id`, a timestamp in
seconds, and HMAC-SHA256 over ``id.timestamp.body``, so that the receiver can tell who spoke, when,
and whether it heard it before.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime

from connectors.fetching import Networks, NotFetched, fetch

SECRET_BYTES = 32
_SECONDS = 10.0


def secret_text(secret: bytes) -> str:
    """The secret as receivers are given it (`whsec_…`)."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def headers(secret: bytes, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message of that id."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((message.encode(), stamp.encode(), body))
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def post(
    address: str, body: bytes, sent: Mapping[str, str], networks: Networks
) -> tuple[int | None, str]:
    """The receiver's status, and in a word why it did not take the message.

    The status is `None` where no answer came.
    """
    told = {"content-type": "application/json", **sent}
    try:
        answer = fetch(
            address,
            networks=networks,
            seconds=_SECONDS,
            most_bytes=None,
            headers=told,
            content=body,
        )
    except NotFetched as problem:
        return None, problem.code
    taken = 200 <= answer.status < 300
    return answer.status, "" if taken else f"status-{answer.status}"
