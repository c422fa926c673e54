"""The forms for terms and for the place of processing, read into what the services take."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from catalog.import_report import ImportReport
from catalog.licences import statement, suggestion
from catalog.terms import ResidencyRule, TermLine, Terms
from policies import DUTIES, duty_term
from registry.errors import FieldProblem, InvalidInput, Text
from registry.pages.forms import Posted
from registry.pages.words import Words
from registry.services.publishing import parse_residency, parse_terms

REGIONS = ("NL", "EU", "EEA", "adequate")
DUTY_NAMES = tuple(duty.name for duty in DUTIES.values() if duty.name != "consent")
MOST_LINES = 1000
MOST_DAYS = 36_500


@dataclass(frozen=True)
class LineField:
    """One line of the terms as the form shows it, with the reason of its suggestion."""

    number: int
    line: TermLine
    why: Text | None


@dataclass(frozen=True)
class StatementField:
    """A rights statement with its lines, and how many items of the delivery carry it."""

    iri: str
    name: Text
    items: int | None
    lines: tuple[LineField, ...]


def with_suggestions(terms: Terms | None, suggested: Terms | None) -> Terms:
    """The terms so far, and unconfirmed lines for statements that they do not speak of."""
    if terms is None:
        return suggested or Terms(lines=())
    known = {line.statement for line in terms.lines}
    new = [line for line in (suggested or Terms(lines=())).lines if line.statement not in known]
    return replace(terms, lines=(*terms.lines, *new))


def statement_fields(terms: Terms, report: ImportReport | None) -> list[StatementField]:
    """The lines gathered by statement, the most common statement first."""
    items = {one.iri: one.rows for one in report.rights} if report else {}
    fields = [LineField(n, line, _why(line)) for n, line in enumerate(terms.lines)]
    found = [
        StatementField(
            iri,
            _name(iri),
            items.get(iri),
            tuple(field for field in fields if field.line.statement == iri),
        )
        for iri in dict.fromkeys(line.statement for line in terms.lines)
    ]
    return sorted(found, key=lambda one: -(one.items or 0))


def _name(iri: str) -> Text:
    known = statement(iri)
    return Text(known.nl, known.en) if known else Text(iri, iri)


def _why(line: TermLine) -> Text | None:
    """The suggestion's reason, as long as the line still says what was suggested."""
    for user_class in line.user_classes:
        suggested = suggestion(line.statement, user_class)
        if (suggested.outcome, _duties(suggested.duties)) != (line.outcome, _duties(line.duties)):
            return None
    first = suggestion(line.statement, line.user_classes[0]) if line.user_classes else None
    return Text(first.nl, first.en) if first else None


def _duties(names: Iterable[str]) -> frozenset[str | None]:
    return frozenset(duty_term(name) for name in names)


def duty_names(line: TermLine) -> list[str]:
    """The line's duties by their short names."""
    names = {duty.term: duty.name for duty in DUTIES.values()}
    return [names.get(duty_term(duty) or "", duty) for duty in line.duties]


def duty_options(t: Words) -> list[tuple[str, str]]:
    """The duties that a line may carry."""
    return [(d.name, t.pick(d)) for d in DUTIES.values() if d.name in DUTY_NAMES]


def read_terms(posted: Posted) -> Terms:
    """The terms that the form makes up, or `InvalidInput` naming what is wrong."""
    count = posted.text("count")
    numbers = range(min(int(count), MOST_LINES) if count.isdigit() else 0)
    document = {
        "lines": [line for n in numbers if (line := _line(posted, f"line-{n}-"))["statement"]],
        "personal_data": posted.text("personal_data"),
        "release_personal_content": posted.text("release_personal_content") == "yes",
        "release_media": posted.text("release_media") == "yes",
        "purposes": posted.all("purposes") or None,
        "valid_until": _day(posted.text("valid_until")),
        "agreement_days": _days(posted.text("agreement_days")),
        "automatic": posted.text("automatic") == "yes",
    }
    return parse_terms(document)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _wrong(
            "valid_until",
            Text("Schrijf een datum als 2027-12-31.", "Write a date as 2027-12-31."),
        ) from None


def _days(text: str) -> int:
    if text.isdecimal() and 1 <= int(text[:9]) <= MOST_DAYS:
        return int(text)
    sentence = Text(
        f"Vul een aantal dagen in van 1 tot en met {MOST_DAYS}.",
        f"Fill in a number of days from 1 to {MOST_DAYS}.",
    )
    raise _wrong("agreement_days", sentence)


def _wrong(field: str, text: Text) -> InvalidInput:
    return InvalidInput("invalid-input", text, fields=(FieldProblem(field, text),))


@contextmanager
def by_field(root: str) -> Iterator[None]:
    """Name what is wrong by the form's fields: the services' paths start with ``root``."""
    try:
        yield
    except InvalidInput as wrong:
        fields = tuple(
            FieldProblem(one.path.removeprefix(f"{root}."), one.text) for one in wrong.fields
        )
        raise InvalidInput(wrong.code, wrong.text, wrong.help, fields) from wrong


def region_choices(t: Words, regions: Iterable[str]) -> list[tuple[str, str, str]]:
    """Regions to tick, with their names."""
    return [(region, _capital(t.country(region)), "") for region in regions]


def purpose_choices(t: Words) -> list[tuple[str, str, str]]:
    """Purposes to tick."""
    return [(term, _capital(text), "") for term, text in t.purposes()]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(posted: Posted, field: str) -> dict[str, object]:
    everything = posted.text("confirm_all") == "yes"
    return {
        "statement": posted.text(f"{field}statement"),
        "user_classes": posted.all(f"{field}classes"),
        "use": posted.text(f"{field}use") or "any",
        "outcome": posted.text(f"{field}outcome"),
        "duties": posted.all(f"{field}duties"),
        "confirmed": everything or posted.text(f"{field}confirmed") == "yes",
    }


def read_residency(posted: Posted) -> ResidencyRule:
    """The residency rule that the form makes up, or `InvalidInput`."""
    # Without an answer the list is empty, which the rule refuses.
    operator = None if posted.text("operator_any") == "yes" else _regions(posted, "operator")
    return parse_residency(
        {
            "process": _regions(posted, "process"),
            "operator": operator,
            "secure_only": posted.text("secure_only") == "yes",
        }
    )


def residency_fields(rule: ResidencyRule | None) -> Posted:
    """A rule as the form would have posted it; nothing is filled in where there is none."""
    if rule is None:
        return Posted({})
    return Posted(
        {
            **_region_fields("process", rule.process),
            **_region_fields("operator", rule.operator or ()),
            "operator_any": ["yes" if rule.operator is None else "no"],
            "secure_only": ["yes" if rule.secure_only else "no"],
        }
    )


def _region_fields(name: str, regions: Iterable[str]) -> dict[str, list[str]]:
    found = list(regions)
    return {
        name: [region for region in found if region in REGIONS],
        f"{name}_countries": [", ".join(region for region in found if region not in REGIONS)],
    }


def _regions(posted: Posted, name: str) -> tuple[str, ...]:
    more = posted.text(f"{name}_countries").upper().replace(",", " ").split()
    return tuple(dict.fromkeys((*posted.all(name), *more)))
