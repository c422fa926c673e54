"""The answer for one item, and the reasons in which every answer is given."""

from dataclasses import dataclass
from enum import StrEnum

from policies.policy import Duty


class Outcome(StrEnum):
    """The three answers; duties and ``secure_only`` are attributes of a permit."""

    PERMIT = "permit"
    REVIEW = "review"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a stable code and one plain sentence per language.

    Codes are ``permitted``, ``consent-needed``, ``prohibited:x``, ``unknown:x``,
    ``no-permission:x`` and ``void:x``, where ``x`` is the left operand's name or ``use``,
    ``target``, ``assignee``.
    """

    code: str
    rule: str | None
    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """The answer for one item: the rule that decided, if one did, and why.

    ``secure_only``: permitted, but the data may not leave a secure environment.
    """

    outcome: Outcome
    rule: str | None
    duties: tuple[Duty, ...] = ()
    reasons: tuple[Reason, ...] = ()
    secure_only: bool = False
