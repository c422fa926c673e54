"""Messages are signed as Standard Webhooks says, and only leave for the open internet."""

import base64
import hmac
from datetime import UTC, datetime

from connectors import webhooks
from connectors.fetching import LOOPBACK

# The example of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_is_the_specifications() -> None:
    """The published example comes out byte for byte."""
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))
    found = webhooks.headers(secret, MESSAGE, AT, BODY)
    assert found == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }
    assert webhooks.secret_text(secret) == SECRET
    assert hmac.compare_digest(found["webhook-signature"], SIGNATURE)


def test_nobody_listening_is_told_in_a_word() -> None:
    """No answer is no exception."""
    assert webhooks.post("http://127.0.0.1:1/", b"{}", {}, LOOPBACK) == (None, "unreachable")
    assert webhooks.post("http://10.0.0.1/", b"{}", {}, LOOPBACK) == (None, "not-https")
