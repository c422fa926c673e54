"""ODRL JSON-LD in and out, strict."""

import hashlib
import json
from typing import Any

from policies.policy import Policy


def parse_policy(document: dict[str, Any] | str) -> Policy:
    """The policy a JSON-LD document states."""
    raise NotImplementedError


def dump_policy(policy: Policy) -> dict[str, Any]:
    """The policy as JSON-LD with a stable order of keys."""
    raise NotImplementedError


def policy_digest(policy: Policy) -> str:
    """``sha256:<hex>`` over the canonical JSON of the policy's document."""
    canonical = json.dumps(
        dump_policy(policy), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
