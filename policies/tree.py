"""An answer on one item as text: the answer, why, and every rule with the state of its parts."""

from collections.abc import Iterator, Mapping

from policies.decision import Decision, Prospect
from policies.explanation import part_label
from policies.residual import Residual
from policies.verdict import Outcome
from policies.vocabulary import Effect, label

_WORDS = {
    Outcome.PERMIT: ("Toegestaan", "Permitted"),
    Outcome.REVIEW: ("Eerst beoordelen", "Review first"),
    Outcome.DENY: ("Niet toegestaan", "Denied"),
    Effect.PERMISSION: ("toestemming", "permission"),
    Effect.PROHIBITION: ("verbod", "prohibition"),
    True: ("ja", "yes"),
    False: ("nee", "no"),
    None: ("onbekend", "unknown"),
    "applies": ("geldt", "applies"),
    "rests": ("geldt niet", "does not apply"),
    "duty": ("plicht", "duty"),
    "first": ("plicht vooraf", "duty first"),
    "secure": ("alleen in een beveiligde omgeving", "in a secure environment only"),
}


def explain(answer: Prospect | Decision, item: Mapping[str, object], language: str = "en") -> str:
    """The explanation in Dutch (``nl``) or English, one statement a line."""
    return "\n".join(_lines(answer, item, language))


def _lines(answer: Prospect | Decision, item: Mapping[str, object], language: str) -> Iterator[str]:
    verdict = answer.verdict(item)
    inside = f" ({_word('secure', language)})" if verdict.secure_only else ""
    yield _word(verdict.outcome, language) + inside
    for reason in verdict.reasons:
        yield f"  {reason.nl if language == 'nl' else reason.en}"
    for left in answer.residuals:
        yield from _rule(left, item, language)


def _rule(left: Residual, item: Mapping[str, object], language: str) -> Iterator[str]:
    state = _word("applies" if left.filter.matches(item) else "rests", language)
    yield f"{_word(left.rule.effect, language)} {left.rule.uid}: {state}"
    for part in left.parts:
        yield f"  {part_label(part, language)}: {_word(part.filter.truth(item), language)}"
    for duty in left.rule.duties:
        kind = "first" if duty in left.pending else "duty"
        yield f"  {_word(kind, language)}: {label(duty.action, language)}"


def _word(key: object, language: str) -> str:
    nl, en = _WORDS[key]
    return nl if language == "nl" else en
