"""Our terms beside those of DPV and DUO, and policies to and from them.

A translation may lose reach and never gains it: a permission becomes the same or a narrower one, a
prohibition the same or a wider one. What has no such term is a finding. Codes of the Data Use
Ontology become an offer, or the purpose of a request, only if every one of them can be kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeGuard

from policies.checking import Finding
from policies.library import from_template
from policies.policy import Condition, Constraint, Duty, Policy, Rule
from policies.request import Request
from policies.residual import conditions_of
from policies.vocabulary import Effect, Operator, _read, purpose_term

_TABLE = _read("alignments/dpv-duo-1")


class Match(StrEnum):
    """How their term stands to ours, as SKOS says it (``skos:broadMatch``: theirs is wider)."""

    EXACT = "exact"
    CLOSE = "close"
    BROAD = "broad"
    NARROW = "narrow"


@dataclass(frozen=True, slots=True)
class Alignment:
    """Our term, their term (``dpv-ai:ModelTraining``), and how they match."""

    ours: str
    match: Match
    theirs: str


ALIGNMENTS = tuple(
    Alignment(each["ours"], Match(each["match"]), each["theirs"]) for each in _TABLE["terms"]
)
_SAFE = {
    Effect.PERMISSION: {Match.EXACT, Match.NARROW},
    Effect.PROHIBITION: {Match.EXACT, Match.BROAD},
    Effect.OBLIGATION: {Match.EXACT},
}
"""Which matches may stand for our term outside; a close match never may."""


def equivalents(term: str, effect: Effect) -> tuple[str, ...]:
    """Their terms that may stand for ours in a rule of this effect; DPV purposes stand as is."""
    if term.startswith("dpv:"):
        return (term,)
    return tuple(a.theirs for a in ALIGNMENTS if a.ours == term and a.match in _SAFE[effect])


@dataclass(frozen=True, slots=True)
class Rendered:
    """One rule in their terms: what is done, what for, and the duties.

    :param purposes: one group per constraint; each group must hold, by one of its purposes.
    """

    rule: str
    effect: Effect
    actions: tuple[str, ...]
    purposes: tuple[tuple[str, ...], ...]
    duties: tuple[str, ...]


def to_dpv(policy: Policy) -> tuple[tuple[Rendered, ...], tuple[Finding, ...]]:
    """Every rule in terms of DPV and DUO, and what of it they have no term for."""
    rendered = tuple(map(_rendered, policy.rules))
    return rendered, tuple(finding for rule in policy.rules for finding in _lost(rule))


def _rendered(rule: Rule) -> Rendered:
    duties = (their for d in rule.duties for their in equivalents(d.action, Effect.OBLIGATION))
    purposes = (tuple(map(str, c.right)) for c in conditions_of(rule) if _is_purpose(c))
    return Rendered(rule.uid, rule.effect, _actions(rule), tuple(purposes), tuple(duties))


def _is_purpose(of: Condition) -> TypeGuard[Constraint]:
    """Whether it asks for one of the purposes it names."""
    return (
        isinstance(of, Constraint)
        and of.left == "odrl:purpose"
        and of.operator in {Operator.EQ, Operator.IS_A, Operator.IS_ANY_OF}
        and of.reference is None
    )


def _actions(rule: Rule) -> tuple[str, ...]:
    return equivalents(rule.action or "", rule.effect)


def _lost(rule: Rule) -> Iterator[Finding]:
    if not _actions(rule):
        yield _without(rule.uid, rule.action or "*")
    for duty in rule.duties:
        if not equivalents(duty.action, Effect.OBLIGATION):
            yield _without(rule.uid, duty.action)
    for each in conditions_of(rule):
        if not _is_purpose(each):
            left = each.left if isinstance(each, Constraint) else each.connective.value
            yield _without(rule.uid, left)


def _without(rule: str | None, term: str) -> Finding:
    return Finding(
        "warning",
        "no-equivalent",
        rule,
        f"`{term}` heeft aan de andere kant geen woord dat niet meer toestaat.",
        f"`{term}` has no word on the other side that does not permit more.",
    )


def from_duo(
    codes: Iterable[str], *, uid: str, assigner: str, target: str
) -> tuple[Policy | None, tuple[Finding, ...]]:
    """An offer by codes of the Data Use Ontology (``GRU``, ``DUO:0000046``).

    None where a code cannot be kept, or where none of them permits: a limit left out would widen
    the rest. Opt-outs, embargoes and personal data stay closed, and credit is due.
    """
    names = _names(codes)
    kept = [_TABLE["codes"].get(name, {"lacking": True}) for name in names]
    findings = [_unkept(n) for n, each in zip(names, kept, strict=True) if "lacking" in each]
    if not {"GRU", "NRES"} & set(names):
        findings.append(_unkept("GRU, NRES"))
    if findings:
        return None, tuple(findings)
    offer = from_template("open-with-credit", uid=uid, assigner=assigner, target=target)
    limits = tuple(
        Constraint(left, Operator.IS_ANY_OF, tuple(each[name]))
        for each in kept
        for name, left in (("purpose", "odrl:purpose"), ("user_class", "vg:userClass"))
        if name in each
    )
    duties = tuple(Duty(term) for each in kept for term in each.get("duty", ()))
    return replace(offer, rules=tuple(_limited(r, limits, duties) for r in offer.rules)), ()


def _names(codes: Iterable[str]) -> list[str]:
    """Their short names; a code that is not known stays as it is."""
    known = {each["id"]: name for name, each in _TABLE["codes"].items()}
    return [known.get(code.replace("_", ":"), code) for code in codes]


def _limited(rule: Rule, limits: tuple[Constraint, ...], duties: tuple[Duty, ...]) -> Rule:
    if rule.effect is not Effect.PERMISSION:
        return rule
    return replace(rule, constraints=(*rule.constraints, *limits), duties=(*rule.duties, *duties))


def _unkept(code: str) -> Finding:
    return Finding(
        "error",
        "no-equivalent",
        None,
        f"DUO `{code}`: deze code is nodig of heeft hier geen woord; er komt niets van.",
        f"DUO `{code}`: this code is needed or has no word here; nothing comes of it.",
    )


_IN_A_REQUEST = frozenset(
    name for name, each in _TABLE["codes"].items() if not {"lacking", "duty"} & each.keys()
)


def request_from_duo(
    codes: Iterable[str], told: Request
) -> tuple[Request | None, tuple[Finding, ...]]:
    """The request with the purpose that these codes state (``GRU``, ``DUO:0000018``).

    Who asks, from where and for which use is told beside them, since DUO has no words for that.
    None where a code cannot be held in a request (a promise is none), where none says what for, or
    where they contradict what is told: the kind of user of a non-profit code, or another purpose.
    The widest code counts; research that is not said to be free of commerce counts as commercial.
    """
    names = _names(codes)
    findings = [_unkept(name) for name in names if name not in _IN_A_REQUEST]
    if not {"GRU", "NRES"} & set(names):
        findings.append(_unkept("GRU, NRES"))
    purpose = _purpose(set(names))
    if told.purpose is not None and purpose_term(told.purpose) != purpose:
        findings.append(_contradicts(f"purpose: {told.purpose}"))
    limits = (_TABLE["codes"][name].get("user_class") for name in names if name in _IN_A_REQUEST)
    if any(limit and told.user_class not in limit for limit in limits):
        findings.append(_contradicts(f"user_class: {told.user_class}"))
    return (None if findings else replace(told, purpose=purpose)), tuple(findings)


def _purpose(names: set[str]) -> str | None:
    """For any purpose there is no term but none at all."""
    free = {"NCU", "NPUNCU"} & names
    if "NRES" in names:
        return "dpv:NonCommercialPurpose" if free else None
    return "dpv:NonCommercialResearch" if free else "dpv:CommercialResearch"


def _contradicts(told: str) -> Finding:
    return Finding(
        "error",
        "contradiction",
        None,
        f"De DUO-codes spreken `{told}` tegen; er is geen verzoek.",
        f"The DUO codes contradict `{told}`; there is no request.",
    )
