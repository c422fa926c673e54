"""The owner's terms: what each rights statement allows to whom, and where data may be processed.

A suggestion is only ever a suggestion: a line counts once its owner has confirmed it. What the
lines do not cover is denied, and no line lifts an opt-out, an embargo or a residency rule.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from catalog.licences import suggestion
from policies import (
    PROFILE,
    USER_CLASSES,
    Collection,
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Moment,
    Operator,
    Outcome,
    Policy,
    PolicyError,
    Rule,
    duty_term,
    is_region,
    purpose_term,
    use_term,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

DECLARED_KINDS = {
    "rights": ("de rechtenverklaringen", "the rights statements"),
    "rightsholder": ("de rechthebbenden", "the rightsholders"),
    "embargo": ("embargo's", "embargoes"),
    "opt_out": ("voorbehouden tegen AI-gebruik", "opt-outs from AI use"),
    "personal_data": ("persoonsgegevens in items", "personal data in items"),
    "personal_content": ("kolommen met persoonsgegevens", "columns with personal data"),
    "source_protection": ("bronbescherming", "source protection"),
    "media_address": ("adressen van mediabestanden", "addresses of media files"),
}
"""What an owner declares before anything is published, also that there is none of it."""


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
    :param newer_editions: whether an agreement covers the editions after the one it is made on too.
    """

    lines: tuple[TermLine, ...]
    personal_data: str = "deny"
    release_personal_content: bool = False
    release_media: bool = False
    purposes: tuple[str, ...] | None = None
    valid_until: date | None = None
    agreement_days: int = 365
    automatic: bool = False
    newer_editions: bool = False


@dataclass(frozen=True, slots=True)
class ResidencyRule:
    """Where data may be processed and stored, by whom controlled, whether it may leave at all.

    :param process: regions (``NL``, ``EU``, ``EEA``, ``adequate``), one of which must hold.
    :param operator: regions of the operator's ultimate parent; None for any.
    :param secure_only: only inside a secure environment.
    :param store: regions, one of which it must be stored in; None for any.
    :param places: data centres or rooms by name, in one of which it must stay; None for any.
    """

    process: tuple[str, ...]
    operator: tuple[str, ...] | None = None
    secure_only: bool = False
    store: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something the owner has not yet said.

    :param kind: a declaration's kind, ``terms``, ``residency`` or ``statement``.
    :param subject: the statement's IRI for ``statement``, else the kind.
    :param blocks: whether publication waits for it; an unconfirmed statement only stays closed.
    """

    kind: str
    subject: str
    blocks: bool
    nl: str
    en: str


def suggest(statements: Iterable[str]) -> Terms:
    """Terms with one unconfirmed line per statement and group of user classes treated alike."""
    lines = []
    for iri in dict.fromkeys(statements):
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for user_class in USER_CLASSES:
            suggested = suggestion(iri, user_class)
            groups.setdefault((suggested.outcome, suggested.duties), []).append(user_class)
        for (outcome, duties), classes in groups.items():
            lines.append(TermLine(iri, tuple(classes), "any", outcome, duties))
    return Terms(lines=tuple(lines))


def undeclared(
    declared: Iterable[str],
    terms: Terms | None,
    residency: ResidencyRule | None,
    statements: Iterable[str],
) -> tuple[Gap, ...]:
    """What the owner still has to say: declarations by kind, terms, residency and statements."""
    given = set(declared)
    gaps = [
        Gap(kind, kind, True, f"Nog niet verklaard: {nl}.", f"Not declared yet: {en}.")
        for kind, (nl, en) in DECLARED_KINDS.items()
        if kind not in given
    ]
    if terms is None:
        gaps.append(Gap("terms", "terms", True, "Er zijn nog geen voorwaarden.", "No terms yet."))
    if residency is None:
        nl, en = "Er is nog geen regel voor de plaats van verwerking.", "No residency rule yet."
        gaps.append(Gap("residency", "residency", True, nl, en))
    confirmed = {line.statement for line in terms.lines if line.confirmed} if terms else set()
    gaps.extend(
        Gap(
            "statement",
            iri,
            False,
            f"Geen bevestigde voorwaarde voor {iri}; deze items blijven gesloten.",
            f"No confirmed term for {iri}; these items stay closed.",
        )
        for iri in dict.fromkeys(statements)
        if iri not in confirmed
    )
    return tuple(gaps)


def withheld(terms: Terms, columns: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Columns that the terms do not give out, by role.

    :param columns: role by column name.
    """
    released = {
        "personal_content": terms.release_personal_content,
        "media_address": terms.release_media,
    }
    found = {
        role: tuple(name for name, has in columns.items() if has == role)
        for role, given_out in released.items()
        if not given_out
    }
    return {role: names for role, names in found.items() if names}


def offer_for(
    terms: Terms,
    residency: ResidencyRule,
    *,
    uid: str,
    archive: str,
    edition: str,
    columns: Mapping[str, str],
) -> Policy:
    """The ODRL offer of an edition: prohibitions that always hold, and the confirmed lines.

    :param archive: the assigner, as policies name it.
    :param edition: the target, ``archive/dataset@3``.
    :param columns: the edition's columns, role by name.
    :raises PolicyError: for a word in the terms that the vocabulary does not know, with its path.
    """
    _check(terms, residency)
    target = _and_newer(edition) if terms.newer_editions else edition
    maker = _OfferMaker(terms, residency, uid, archive, target, withheld(terms, columns))
    return Policy(
        kind=Kind.OFFER,
        uid=uid,
        rules=(*maker.prohibitions(), *maker.permissions()),
        profiles=(PROFILE,),
        conflict=Conflict.PROHIBIT,
        valid_until=_end_of(terms.valid_until),
        assigner=archive,
    )


def _end_of(day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), AMSTERDAM).astimezone(UTC)


def _and_newer(edition: str) -> Collection:
    """The edition's dataset from this edition on."""
    dataset, _, number = edition.rpartition("@")
    return Collection(dataset, (Constraint("vg:edition", Operator.GTEQ, (int(number),)),))


def covers_newer(policy: Policy) -> bool:
    """Whether an offer or agreement is about editions after the one it was made on too."""
    return any(
        isinstance(refinement, Constraint) and refinement.left == "vg:edition"
        for rule in policy.rules
        if rule.effect is Effect.PERMISSION and isinstance(rule.target, Collection)
        for refinement in rule.target.refinements
    )


@dataclass(frozen=True, slots=True)
class _OfferMaker:
    terms: Terms
    residency: ResidencyRule
    uid: str
    archive: str
    target: str | Collection
    withheld: Mapping[str, tuple[str, ...]]

    def prohibitions(self) -> Iterator[Rule]:
        """What no line lifts; each applies also where its fact is unknown."""
        yield self._prohibit("opt-out", Constraint("vg:optOut", Operator.EQ, (True,)))
        yield self._prohibit("embargo", Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,)))
        allowed = ("none",) if self.terms.personal_data == "deny" else ("none", "ordinary")
        yield self._prohibit("personal-data", _none_of("vg:personalData", allowed))
        yield self._prohibit("residency", _none_of("vg:processedIn", self.residency.process))
        if self.residency.operator is not None:
            operator = _none_of("vg:operatorJurisdiction", self.residency.operator)
            yield self._prohibit("operator", operator)
        if self.residency.store is not None:
            yield self._prohibit("store", _none_of("vg:storedIn", self.residency.store))
        if self.residency.places is not None:
            yield self._prohibit("place", _none_of("vg:place", self.residency.places))
        for role, names in self.withheld.items():
            yield self._withhold(role.replace("_", "-"), names)
        for number, line in self._confirmed():
            if line.outcome == Outcome.DENY:
                yield self._prohibit(f"line-{number}", *_for(line), action=use_term(line.use))

    def permissions(self) -> Iterator[Rule]:
        """The confirmed lines; a direct permit becomes two where personal data needs review."""
        split = self.terms.personal_data == "review"
        for number, line in self._confirmed():
            name = f"line-{number}"
            if line.outcome == Outcome.REVIEW:
                yield self._permit(name, line, consent=True)
            elif line.outcome == Outcome.PERMIT and not split:
                yield self._permit(name, line, consent=False)
            elif line.outcome == Outcome.PERMIT:
                yield self._permit(name, line, _personal("none"), consent=False)
                yield self._permit(f"{name}-personal", line, _personal("ordinary"), consent=True)

    def _confirmed(self) -> Iterator[tuple[int, TermLine]]:
        numbered = enumerate(self.terms.lines, start=1)
        return ((number, line) for number, line in numbered if line.confirmed)

    def _prohibit(
        self, name: str, *constraints: Constraint, action: str | None = "odrl:use"
    ) -> Rule:
        return Rule(
            effect=Effect.PROHIBITION,
            uid=f"{self.uid}#{name}",
            action=action or "odrl:use",
            target=self.target,
            assigner=self.archive,
            constraints=constraints,
        )

    def _withhold(self, name: str, columns: tuple[str, ...]) -> Rule:
        these = Constraint("vg:column", Operator.IS_ANY_OF, columns)
        whole = self.target if isinstance(self.target, Collection) else Collection(self.target)
        target = replace(whole, refinements=(*whole.refinements, these))
        return replace(self._prohibit(name), target=target)

    def _permit(self, name: str, line: TermLine, *more: Constraint, consent: bool) -> Rule:
        return Rule(
            effect=Effect.PERMISSION,
            uid=f"{self.uid}#{name}",
            action=use_term(line.use) or line.use,
            target=self.target,
            assigner=self.archive,
            constraints=(*self._everywhere(), *_for(line), *more),
            duties=tuple(self._duties(line, consent=consent)),
        )

    def _everywhere(self) -> Iterator[Constraint]:
        if self.residency.secure_only:
            yield Constraint("vg:secureEnvironment", Operator.EQ, (True,))
        if self.terms.purposes is not None:
            purposes = tuple(purpose_term(p) or p for p in self.terms.purposes)
            yield Constraint("odrl:purpose", Operator.IS_ANY_OF, purposes)

    def _duties(self, line: TermLine, *, consent: bool) -> Iterator[Duty]:
        if consent:
            yield Duty("odrl:obtainConsent", parties=(("consentingParty", self.archive),))
        yield from (Duty(duty_term(duty) or duty) for duty in line.duties)


def _for(line: TermLine) -> tuple[Constraint, Constraint]:
    """For whom, and for which items."""
    return (
        Constraint("vg:userClass", Operator.IS_ANY_OF, line.user_classes),
        Constraint("vg:rights", Operator.EQ, (line.statement,)),
    )


def _none_of(left: str, values: tuple[str, ...]) -> Constraint:
    return Constraint(left, Operator.IS_NONE_OF, values)


def _personal(level: str) -> Constraint:
    return Constraint("vg:personalData", Operator.EQ, (level,))


def _check(terms: Terms, residency: ResidencyRule) -> None:
    """Refuse words that the vocabulary does not know, with the field's path."""
    outcomes = {outcome.value for outcome in Outcome}
    _require(terms.personal_data in outcomes, "terms.personal_data", terms.personal_data)
    _require(terms.purposes != (), "terms.purposes", "()")
    for i, purpose in enumerate(terms.purposes or ()):
        _require(purpose_term(purpose) is not None, f"terms.purposes.{i}", purpose)
    for i, line in enumerate(terms.lines):
        at = f"terms.lines.{i}"
        _require(use_term(line.use) is not None, f"{at}.use", line.use)
        _require(line.outcome in outcomes, f"{at}.outcome", line.outcome)
        _require(bool(line.user_classes), f"{at}.user_classes", "()")
        for user_class in line.user_classes:
            _require(user_class in USER_CLASSES, f"{at}.user_classes", user_class)
        for duty in line.duties:
            _require(duty_term(duty) is not None, f"{at}.duties", duty)
    for i, place in enumerate(residency.places or ()):
        _require(bool(place.strip()), f"residency.places.{i}", place)
    _require(residency.places != (), "residency.places", "()")
    for name in ("process", "operator", "store"):
        regions = getattr(residency, name)
        _require(regions != (), f"residency.{name}", "()")
        for region in regions or ():
            _require(is_region(region), f"residency.{name}", region)


def _require(known: bool, path: str, value: str) -> None:
    if not known:
        raise PolicyError(
            path,
            f"`{value}` is not known here",
            "choose one of the values that the form or the documentation lists",
            probleem=f"`{value}` is hier niet bekend",
            uitweg="kies een van de waarden uit het formulier of de documentatie",
        )
