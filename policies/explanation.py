"""Reasons in plain words, Dutch and English."""

from collections.abc import Mapping
from typing import TypeAlias

from policies.policy import Condition, Constraint, Duty, Moment
from policies.regions import region_label
from policies.residual import Part, Residual, unmet
from policies.rowfilter import FALSE, TRUE, RowFilter
from policies.verdict import Reason
from policies.vocabulary import OPERANDS, Operator, label

Item: TypeAlias = Mapping[str, object] | None
"""An item's facts; None where the request alone is explained."""

_PARTS = {
    "duty": ("een plicht die niet is nagekomen", "a duty that was not fulfilled"),
    "use": ("het gevraagde gebruik", "the use that is asked"),
    "target": ("de gevraagde editie", "the edition that is asked"),
    "assignee": ("de organisatie die vraagt", "the organisation that asks"),
}
_VOID = {
    "not-an-offer": (
        "Dit is een overeenkomst en geen aanbod.",
        "This is an agreement and not an offer.",
    ),
    "offer-never-grants": (
        "Een aanbod geeft zelf nooit toegang; daarvoor is een overeenkomst nodig.",
        "An offer never gives access itself; that takes an agreement.",
    ),
    "replaced": (
        "Deze voorwaarden zijn vervangen door nieuwere.",
        "These terms have been replaced by newer ones.",
    ),
    "lapsed": (
        "Deze voorwaarden zijn verlopen.",
        "These terms have lapsed.",
    ),
    "inheritance": (
        "Deze voorwaarden bouwen voort op andere die hier ontbreken.",
        "These terms build on others that are missing here.",
    ),
    "profile": (
        "Deze voorwaarden gebruiken een profiel dat hier niet bekend is.",
        "These terms use a profile that is not known here.",
    ),
    "conflict": (
        "Deze voorwaarden spreken elkaar tegen en gelden daarom niet.",
        "These terms contradict each other and therefore do not count.",
    ),
}
_FAR = {"use", "target", "assignee"}
_WEIGHT_OF_FAR = 100
"""A rule about another use, edition or party is no near miss."""


def void(code: str) -> Reason:
    """Why a whole policy counts for nothing."""
    nl, en = _VOID[code]
    return Reason(f"void:{code}", None, nl, en)


def permitted(by: Residual) -> Reason:
    """The rule permits the item, with its duties."""
    duties = by.rule.duties
    nl = "De voorwaarden staan dit gebruik toe." + _then(" Uw plicht: ", duties, "nl")
    en = "The terms permit this use." + _then(" Your duty: ", duties, "en")
    return Reason("permitted", by.rule.uid, nl, en)


def consent_needed(by: Residual) -> Reason:
    """The rule would permit the item after a duty that must come first."""
    first = by.pending
    later = tuple(duty for duty in by.rule.duties if duty not in first)
    nl = "Nog niet:" + _then(" ", first, "nl") + _then(" Daarna: ", later, "nl")
    en = "Not yet:" + _then(" ", first, "en") + _then(" After that: ", later, "en")
    return Reason("consent-needed", by.rule.uid, nl, en)


def _then(opening: str, duties: tuple[Duty, ...], language: str) -> str:
    if not duties:
        return ""
    return opening + "; ".join(label(duty.action, language) for duty in duties) + "."


def prohibited(by: Residual, item: Item) -> Reason:
    """The prohibition takes the item away, or might: an unknown fact counts against it."""
    open_ = [part for part in by.parts if part.filter.truth(item or {}) is None]
    if open_:
        return _unknown(open_[0], by)
    if not by.parts or by.parts[-1].condition is None:
        nl, en = "De voorwaarden verbieden dit gebruik.", "The terms prohibit this use."
        return Reason("prohibited:use", by.rule.uid, nl, en)
    part = by.parts[-1]
    nl = f"Uitgesloten door {_name(part, 'nl')}{_only(part.condition, 'nl')}."
    en = f"Ruled out by {_name(part, 'en')}{_only(part.condition, 'en')}."
    return Reason(f"prohibited:{part.name}", by.rule.uid, nl, en)


def not_permitted(permissions: tuple[Residual, ...], item: Item) -> tuple[Reason, ...]:
    """No permission covers the item: what the nearest one lacks."""
    misses = [(unmet(r.parts, item), r) for r in permissions]
    if not misses:
        nl, en = "Geen voorwaarde staat dit toe.", "No term permits this."
        return (Reason("no-permission", None, nl, en),)
    lacking, nearest = min(misses, key=lambda miss: sum(_weight(part) for part in miss[0]))
    return tuple(_missing(part, nearest, item) for part in lacking)


def _weight(part: Part) -> int:
    return _WEIGHT_OF_FAR if part.name in _FAR else 1


def _missing(part: Part, of: Residual, item: Item) -> Reason:
    if part.filter.truth(item or {}) is None:
        return _unknown(part, of)
    nl, en = (f"{_name(part, lang)}{_covered(part.condition, lang)}" for lang in ("nl", "en"))
    nl = f"De voorwaarden dekken dit niet vanwege {nl}."
    en = f"The terms do not cover this because of {en}."
    return Reason(f"no-permission:{part.name}", of.rule.uid, nl, en)


def _unknown(part: Part, of: Residual) -> Reason:
    nl = f"Niet bekend: {_name(part, 'nl')}. Wat onbekend is, blijft gesloten."
    en = f"Not known: {_name(part, 'en')}. What is unknown stays closed."
    return Reason(f"unknown:{part.name}", of.rule.uid, nl, en)


def part_label(part: Part, language: str) -> str:
    """What the part is about and the values it names."""
    of = part.condition
    if not isinstance(of, Constraint) or not of.right:
        return _name(part, language)
    return f"{_name(part, language)} ({of.operator}: {_values(of, language)})"


def _name(part: Part, language: str) -> str:
    if part.name in _PARTS:
        return _PARTS[part.name][language == "en"]
    constraint = part.condition
    left = constraint.left if isinstance(constraint, Constraint) else f"vg:{part.name}"
    return label(left, language)


def _only(of: Condition | None, language: str) -> str:
    """What a prohibition of everything else leaves open."""
    if isinstance(of, Constraint) and of.operator is Operator.IS_NONE_OF:
        return {"nl": " (alleen: ", "en": " (only: "}[language] + _values(of, language) + ")"
    return ""


def _covered(of: Condition | None, language: str) -> str:
    """What a permission does cover; IRIs of statements would tell a reader little."""
    if not isinstance(of, Constraint) or of.left == "vg:rights" or of.reference:
        return ""
    return {"nl": " (wel: ", "en": " (covered: "}[language] + _values(of, language) + ")"


_VALUES = {
    Moment.USE: ("het moment van gebruik", "the moment of use"),
    True: ("ja", "yes"),
    False: ("nee", "no"),
}


def _values(of: Constraint, language: str) -> str:
    region = OPERANDS[of.left].kind == "region" if of.left in OPERANDS else False
    name = region_label if region else label
    return ", ".join(
        _VALUES[value][language == "en"]
        if isinstance(value, bool | Moment)
        else name(str(value), language)
        for value in of.right
    )


def column_prohibited(by: Residual, column: str) -> Reason:
    """The column is not shown where the prohibition applies, or might."""
    nl, en = (_where(by, language) for language in ("nl", "en"))
    return Reason(
        "masked:column",
        by.rule.uid,
        f"De kolom `{column}` blijft leeg{nl}: de voorwaarden verbieden dit gebruik ervan.",
        f"The column `{column}` stays empty{en}: the terms prohibit this use of it.",
    )


def columns_apart(by: Residual, column: str, others: list[str]) -> Reason:
    """The column is not shown beside others that were asked before it."""
    nl, en = (_where(by, language) for language in ("nl", "en"))
    beside = ", ".join(f"`{other}`" for other in others)
    return Reason(
        "masked:together",
        by.rule.uid,
        f"De kolom `{column}` blijft leeg{nl} naast {beside}: samen zijn ze verboden, en deze kolom"
        " is het laatst gevraagd.",
        f"The column `{column}` stays empty{en} beside {beside}: together they are prohibited, and"
        " this column was asked last.",
    )


def column_not_permitted(column: str, permitted: RowFilter) -> Reason:
    """No permission is about the column, or none in some rows."""
    nl, en = ("", "") if permitted == FALSE else (" bij een deel van de items", " in some items")
    return Reason(
        "masked:not-permitted",
        None,
        f"De kolom `{column}` blijft leeg{nl}: geen toestemming gaat over deze kolom.",
        f"The column `{column}` stays empty{en}: no permission is about this column.",
    )


def _where(by: Residual, language: str) -> str:
    """Which items a prohibition depends on; nothing where it applies to all."""
    open_ = [part_label(part, language) for part in by.parts if part.filter != TRUE]
    if by.filter == TRUE:
        return ""
    return {"nl": " waar dit geldt of onbekend is: ", "en": " where this holds or is unknown: "}[
        language
    ] + "; ".join(open_)
