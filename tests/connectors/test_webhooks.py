"""Messages are signed as Standard Webhooks says, and only leave for the open internet."""

import base64
import hmac
import ipaddress
from datetime import UTC, datetime

import pytest

from connectors import webhooks

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


@pytest.mark.parametrize(
    ("address", "loopback", "problem"),
    [
        ("https://127.0.0.1/hook", False, "not-public"),
        ("https://10.0.0.1/hook", False, "not-public"),
        ("https://169.254.169.254/latest", True, "not-public"),
        ("https://[::1]/hook", False, "not-public"),
        ("https://[::ffff:10.0.0.1]/", False, "not-public"),
        ("https://[64:ff9b::7f00:1]/", False, "not-public"),
        ("https://[2002:7f00:1::]/", False, "not-public"),
        ("https://[::7f00:1]/", False, "not-public"),
        ("https://[fec0::1]/", False, "not-public"),
        ("https://[ff0e::1]/", False, "not-public"),
        ("https://224.0.0.1/", False, "not-public"),
        ("http://192.0.2.1/hook", True, "not-https"),
        ("ftp://127.0.0.1/hook", True, "not-https"),
        ("https://user:secret@8.8.8.8/", False, "not-an-address"),
        ("https://8.8.8.8:99999/", False, "not-an-address"),
        ("nowhere", False, "not-an-address"),
        ("https://8.8.8.8/hook", False, None),
        ("http://127.0.0.1:8000/hook", True, None),
    ],
)
def test_only_the_open_internet_is_called(
    address: str, loopback: bool, problem: str | None
) -> None:
    """A recipient cannot have us knock on doors inside our own network."""
    assert webhooks.problem_of(address, loopback=loopback) == problem


def test_nobody_listening_is_told_in_a_word() -> None:
    """No answer is no exception."""
    assert webhooks.post("http://127.0.0.1:1/", b"{}", {}, loopback=True) == (None, "unreachable")


@pytest.mark.parametrize(
    ("address", "place", "pinned"),
    [
        ("https://r.example/a?b", "192.0.2.1", ("r.example", "https://192.0.2.1/a?b")),
        (
            "https://r.example:8443/",
            "2001:db8::1",
            ("r.example:8443", "https://[2001:db8::1]:8443/"),
        ),
    ],
)
def test_what_was_judged_is_what_is_called(
    address: str, place: str, pinned: tuple[str, str]
) -> None:
    """A name that answers otherwise a moment later is not asked again."""
    assert webhooks._pinned(address, ipaddress.ip_address(place)) == pinned
