"""From an offer and a request to the agreement both sides sign."""

from datetime import datetime

from policies.policy import Policy
from policies.request import Request
from policies.verdict import Outcome


def agree(
    offer: Policy,
    request: Request,
    outcomes: frozenset[Outcome],
    *,
    uid: str,
    assigner: str,
    assignee: str,
    agreed_at: datetime,
    until: datetime,
    rights: frozenset[str] | None = None,
) -> Policy:
    """An ODRL Agreement, frozen for this assignee, use, purpose, place, edition and period."""
    raise NotImplementedError
