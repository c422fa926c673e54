"""Forms: what was posted, as commands; and the form again, with what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends
from pydantic import BaseModel, ValidationError
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import Conflict, FieldProblem, InvalidInput, RegistryError, Text

MOST_FIELDS = 20_000
_Model = TypeVar("_Model", bound=BaseModel)


class Posted(Mapping[str, str]):
    """The fields of a form. A field that was sent more than once counts in its last value."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def text(self, name: str) -> str:
        """The field without white space around it; empty where it was not sent."""
        return self.get(name, "").strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be sent more than once; empty ones left out."""
        return tuple(value.strip() for value in self._fields.get(name, ()) if value.strip())

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every name with each of its values."""
        return ((name, value) for name, values in self._fields.items() for value in values)

    def lines(self, name: str) -> tuple[str, ...]:
        """A text area as its lines; empty ones left out."""
        return tuple(line.strip() for line in self.text(name).splitlines() if line.strip())


def query_of(request: Request) -> Posted:
    """The fields of a form that was sent with GET."""
    names = dict.fromkeys(request.query_params.keys())
    return Posted({name: request.query_params.getlist(name) for name in names})


_FORM = "application/x-www-form-urlencoded"


async def _posted(request: Request) -> Posted:
    """The form of this request; empty where it is none. Kept for the page of an error."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    posted = _parsed(await request.body() if kind == _FORM else b"")
    request.state.posted = posted
    return posted


def _parsed(body: bytes) -> Posted:
    try:
        fields = parse_qs(
            body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise InvalidInput(
            "unreadable-form",
            Text("Dit formulier is niet te lezen.", "This form cannot be read."),
            Text("Open de pagina opnieuw en probeer het nog eens.", "Open the page and try again."),
        ) from None
    return Posted(fields)


PostedDep = Annotated[Posted, Depends(_posted)]

Show = Callable[[Request, Session, RegistryError], Response]
"""Shows a form again, with its error, in a session of its own."""


class FormRefused(RegistryError):
    """A form could not be carried out: nothing was done, and its page shows what to correct."""

    def __init__(self, error: RegistryError, show: Show) -> None:
        super().__init__(error.code, error.text, error.help, error.fields)
        self.error = error
        self.show = show
        self.status = error.status


@contextmanager
def shown_again(show: Show) -> Iterator[None]:
    """What a person can correct shows their form again; the transaction is rolled back."""
    try:
        yield
    except (InvalidInput, Conflict) as wrong:
        raise FormRefused(wrong, show) from wrong


def filled(model: type[_Model], /, **values: Any) -> _Model:
    """The command that these fields make up, or `InvalidInput` naming those that are wrong."""
    try:
        return model(**values)
    except ValidationError as wrong:
        fields = tuple(
            FieldProblem(".".join(map(str, one["loc"])), _sentence(one)) for one in wrong.errors()
        )
    raise InvalidInput("invalid-input", _WRONG, _CORRECT, fields)


_WRONG = Text("Nog niet alles is goed ingevuld.", "Not everything is filled in correctly yet.")
_CORRECT = Text("Verbeter de genoemde velden.", "Correct the fields that are named.")
_EMPTY = Text("Vul dit in.", "Fill this in.")
_CHOOSE = Text("Kies een van de mogelijkheden.", "Choose one of the options.")


def _sentence(one: Mapping[str, Any]) -> Text:
    facts = one.get("ctx", {})
    match one["type"]:
        case "string_too_short" | "missing" | "too_short":
            return _EMPTY
        case "literal_error" | "enum":
            return _CHOOSE
        case "string_too_long":
            most = facts["max_length"]
            return Text(f"Gebruik hoogstens {most} tekens.", f"Use at most {most} characters.")
        case "string_pattern_mismatch" if "@" in facts["pattern"]:
            return Text("Vul een e-mailadres in.", "Fill in an e-mail address.")
        case "string_pattern_mismatch":
            return (
                Text(
                    "Deze tekens kunnen hier niet: gebruik kleine letters, cijfers en streepjes.",
                    "These characters cannot be used: use lower-case letters, digits and hyphens.",
                )
                if "a-z" in facts["pattern"]
                else _CHOOSE
            )
        case "int_parsing" | "int_type" | "greater_than_equal" | "less_than_equal":
            return _range(facts)
        case _:
            return Text("Deze waarde kan hier niet.", "This value cannot be used here.")


def _range(facts: Mapping[str, Any]) -> Text:
    if "ge" in facts:
        return Text(f"Vul minstens {facts['ge']} in.", f"Fill in at least {facts['ge']}.")
    if "le" in facts:
        return Text(f"Vul hoogstens {facts['le']} in.", f"Fill in at most {facts['le']}.")
    return Text("Vul een heel getal in.", "Fill in a whole number.")


NOTHING = Posted({})
"""A form as it is first shown."""


def to_field(wrong: RegistryError, prefix: str, name: str) -> RegistryError:
    """The same problem with paths like ``networks.0`` led to the one field that shows them."""
    fields = tuple(
        FieldProblem(name, one.text) if one.path.startswith(prefix) else one for one in wrong.fields
    )
    return InvalidInput(wrong.code, wrong.text, wrong.help, fields)
