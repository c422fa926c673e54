"""Problems of a mapping or an import, as values with a code, a field and a sentence.

The texts stand in one table, so that a page, the API and the command line say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TEXTS: Mapping[str, tuple[str, str]] = {
    # the mapping
    "mapping-too-long": (
        "De beschrijving is langer dan {limit} tekens.",
        "the mapping is longer than {limit} characters",
    ),
    "mapping-unreadable": (
        "Dit is geen leesbare {form}: {where}.",
        "this is not readable {form}: {where}",
    ),
    "mapping-field": (
        "Dit veld klopt niet: {wrong}.",
        "this field is wrong: {wrong}",
    ),
    "one-identifier": (
        "Wijs precies één kolom aan als kenmerk (`identifier`).",
        "name exactly one column as `identifier`",
    ),
    "no-rights": (
        "Over de rechten staat er niets: wijs een kolom aan, of verklaar één licentie voor alles.",
        "nothing is said about rights: name a column, or declare one licence for all",
    ),
    "role-twice": (
        "Meer dan één kolom heeft de rol `{role}`; kies er één.",
        "more than one column has the role `{role}`; choose one",
    ),
    "no-such-kind": (
        "`{kind}` is niets dat u kunt verklaren.",
        "`{kind}` is nothing that can be declared",
    ),
    "declared-twice": (
        "`{kind}` staat zowel in een kolom als in een verklaring; kies er één.",
        "`{kind}` is given both by a column and by a declaration; choose one",
    ),
    "reserved-name": (
        "De naam `{name}` begint met een liggend streepje; dat is voor ons gereserveerd.",
        "the name `{name}` begins with an underscore, which is reserved",
    ),
    "name-twice": (
        "Twee kolommen heten `{name}`; geef er één een andere naam.",
        "two columns are called `{name}`; give one another name",
    ),
    "bad-name": (
        "Een kolomnaam mag niet leeg zijn en geen stuurtekens bevatten.",
        "a column name must not be empty or hold control characters",
    ),
    "nothing-shown": (
        "Er is geen kolom met inhoud; wijs er ten minste één aan.",
        "no column holds content; name at least one",
    ),
    "unknown-value": (
        "`{value}` is geen bekende waarde voor `{kind}`.",
        "`{value}` is no value we know for `{kind}`",
    ),
    # rows
    "missing-identifier": (
        "Het kenmerk ontbreekt.",
        "the identifier is missing",
    ),
    "duplicate-identifier": (
        "Dit kenmerk stond al in een eerdere regel; alleen de eerste telt.",
        "this identifier stood in an earlier row; only the first counts",
    ),
    "missing-rights": (
        "De licentie of rechtenverklaring ontbreekt.",
        "the licence or rights statement is missing",
    ),
    "unknown-rights": (
        "Deze licentie of rechtenverklaring kennen we niet; vertaal haar in de beschrijving.",
        "this licence or rights statement is not known; translate it in the mapping",
    ),
    "unreadable-embargo": (
        "De embargodatum is niet te lezen.",
        "the embargo date cannot be read",
    ),
    "unreadable-flag": (
        "Dit is geen ja of nee.",
        "this is neither yes nor no",
    ),
    "unreadable-level": (
        "Dit is geen bekende soort persoonsgegevens (geen, gewoon, bijzonder).",
        "this is no known level of personal data (none, ordinary, special)",
    ),
    "wrong-type": (
        "De waarde in `{column}` past niet bij het type van de kolom.",
        "the value in `{column}` does not fit the type of its column",
    ),
    "unreadable-row": (
        "Deze regel is niet te lezen.",
        "this row cannot be read",
    ),
    # the import
    "all-refused": (
        "Geen enkele regel kon worden overgenomen. Kijk in het bestand met geweigerde regels.",
        "not one row could be accepted; see the file of refused rows",
    ),
    "most-refused": (
        "Meer dan de helft van de regels is geweigerd ({refused} van {rows}). "
        "Verbeter ze, of bevestig met `accept_refused` dat dit klopt.",
        "more than half of the rows were refused ({refused} of {rows}); "
        "correct them, or confirm with `accept_refused` that this is right",
    ),
}


@dataclass(frozen=True)
class Problem:
    """Something wrong: where, a code for programs, and a sentence with the way out."""

    field: str
    code: str
    nl: str
    en: str


def problem(code: str, field: str, **facts: str | int) -> Problem:
    """The problem of this code, its sentences filled in."""
    nl, en = TEXTS[code]
    return Problem(field, code, nl.format(**facts), en.format(**facts))
