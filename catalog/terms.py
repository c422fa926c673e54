"""The owner's terms: what each rights statement allows to whom, and where data may be processed.

A suggestion is only ever a suggestion: a line counts once its owner has confirmed it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from policies import Policy


@dataclass(frozen=True, slots=True)
class TermLine:
    """What the owner allows for one rights statement.

    :param statement: canonical IRI of the licence or rights statement.
    :param user_classes: for whom (commercial, research, heritage, education, government).
    :param use: a use of the tree; ``any`` covers them all.
    :param outcome: ``permit``, ``review`` or ``deny``.
    :param duties: short names (``credit``) or terms (``odrl:attribute``) of duties.
    :param confirmed: whether the owner has confirmed the line; others are suggestions.
    """

    statement: str
    user_classes: tuple[str, ...]
    use: str
    outcome: str
    duties: tuple[str, ...] = ()
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one edition.

    :param personal_data: outcome for items with ordinary personal data.
    :param release_personal_content: whether columns with personal data are given out.
    :param release_media: whether columns with media addresses are given out.
    :param purposes: DPV purposes that are accepted; None for any, also none at all.
    :param valid_until: last day of the offer, Europe/Amsterdam; None for no end.
    :param agreement_days: how long an agreement runs.
    :param automatic: whether clear cases are agreed without a person.
    """

    lines: tuple[TermLine, ...]
    personal_data: str = "deny"
    release_personal_content: bool = False
    release_media: bool = False
    purposes: tuple[str, ...] | None = None
    valid_until: date | None = None
    agreement_days: int = 365
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class ResidencyRule:
    """Where data may be processed, by whom controlled, and whether it may leave at all.

    :param process: regions (``NL``, ``EU``, ``EEA``, ``adequate``), one of which must hold.
    :param operator: regions of the operator's ultimate parent; None for any.
    :param secure_only: only inside a secure environment.
    """

    process: tuple[str, ...]
    operator: tuple[str, ...] | None = None
    secure_only: bool = False


def suggest(statements: Iterable[str]) -> Terms:
    """Terms with one unconfirmed line per statement, user classes and outcome."""
    raise NotImplementedError


def undeclared(terms: Terms | None, statements: Iterable[str]) -> tuple[str, ...]:
    """The statements for which no line has been confirmed."""
    raise NotImplementedError


def offer_for(
    terms: Terms, residency: ResidencyRule, *, uid: str, archive: str, edition: str
) -> Policy:
    """The ODRL offer of an edition: only what its owner confirmed."""
    raise NotImplementedError
