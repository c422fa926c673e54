"""Errors that several services raise, in one wording."""

from connectors.errors import ConnectorError
from registry.errors import Conflict, FieldProblem, InvalidInput, NotFound, RegistryError, Text


def missing(kind_nl: str, kind_en: str, name: str) -> NotFound:
    """Nothing of that name that this caller may know of."""
    return NotFound(
        "not-found",
        Text(f"Er is geen {kind_nl} `{name}`.", f"There is no {kind_en} `{name}`."),
        Text(
            "Kijk of de naam klopt, en of u namens de goede organisatie bent aangemeld.",
            "Check the name, and that you are signed in for the right organisation.",
        ),
    )


def invalid(path: str, nl: str, en: str, help_nl: str = "", help_en: str = "") -> InvalidInput:
    """One field that is wrong, with the way out."""
    text = Text(nl, en)
    return InvalidInput(
        "invalid-input", text, Text(help_nl, help_en), fields=(FieldProblem(path, text),)
    )


def conflict(code: str, nl: str, en: str, help_nl: str = "", help_en: str = "") -> Conflict:
    """The thing is not in a state in which this can be done."""
    return Conflict(code, Text(nl, en), Text(help_nl, help_en))


def why_failed(wrong: ConnectorError | RegistryError) -> dict[str, str]:
    """Why a job came to nothing, as its row keeps it: a code, and a sentence in both languages."""
    text = Text(wrong.nl, wrong.en) if isinstance(wrong, ConnectorError) else wrong.text
    return {"code": wrong.code, "nl": text.nl, "en": text.en}
