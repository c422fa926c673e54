"""Which addresses are safe to speak with."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether this host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_secure(address: str) -> bool:
    """Whether an address is HTTPS, or HTTP on this machine itself."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = parts.hostname or ""
    return (parts.scheme == "https" and host != "") or (
        parts.scheme == "http" and is_loopback(host)
    )
