"""The one shape of everything that goes wrong: an RFC 9457 problem, in the caller's language."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from connectors.errors import ConnectorError, DeliveryError, DiskFull, StoreUnavailable
from registry.dependencies import language_of
from registry.errors import (
    FieldProblem,
    InvalidInput,
    NotFound,
    RegistryError,
    StorageFull,
    Text,
    TooLarge,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"


class ProblemField(BaseModel):
    """What is wrong with one field."""

    path: str = Field(description="The field, dotted: `terms.lines.0.statement`.")
    detail: str


class Problem(BaseModel):
    """A problem (RFC 9457) with the members every answer of ours has besides."""

    type: str = Field(description="Stable address of this kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What happened and why, in the language of the request.")
    instance: str = Field(description="The address that was called.")
    code: str = Field(description="The last part of `type`, for programs.")
    help: str = Field(description="The way out; empty where there is none.")
    fields: list[ProblemField]
    request_id: str = Field(description="Name it when you ask for help.")


TITLES: Mapping[int, Text] = {
    400: Text("Het verzoek is niet te lezen", "The request cannot be read"),
    401: Text("Niet aangemeld", "Not signed in"),
    403: Text("Niet toegestaan", "Not allowed"),
    404: Text("Niet gevonden", "Not found"),
    405: Text("Deze methode kan hier niet", "Method not allowed here"),
    406: Text("Deze vorm is er niet", "Not available in that form"),
    409: Text("Nu niet mogelijk", "Not possible in this state"),
    410: Text("Beëindigd", "Ended"),
    413: Text("Te groot", "Too large"),
    415: Text("Deze inhoud nemen we hier niet aan", "Content of this type is not taken here"),
    416: Text("Dit bereik bestaat niet", "Range not satisfiable"),
    422: Text("De invoer klopt niet", "The input is wrong"),
    429: Text("Te veel verzoeken", "Too many requests"),
    500: Text("Er ging iets mis", "Something went wrong"),
    503: Text("Nu niet beschikbaar", "Not available now"),
    507: Text("Geen ruimte", "No room"),
}

_PLAIN: Mapping[int, RegistryError] = {
    400: RegistryError(
        "unreadable-request",
        Text("De inhoud van het verzoek is niet te lezen.", "the request's content is unreadable"),
        Text("Stuur geldige JSON in UTF-8.", "send valid JSON in UTF-8"),
    ),
    404: RegistryError(
        "not-found",
        Text("Op dit adres is niets.", "there is nothing at this address"),
        Text("Zie /openapi.json.", "see /openapi.json"),
    ),
    405: RegistryError(
        "method-not-allowed",
        Text("Dit adres kent deze methode niet.", "this address does not know that method"),
        Text("De kop Allow noemt wat wel kan.", "the Allow header names what it knows"),
    ),
}


def internal_error() -> RegistryError:
    """The answer to a fault of ours: it says nothing about the inside."""
    return RegistryError(
        "internal-error",
        Text("Door een fout bij ons is dit niet gelukt.", "this failed through a fault of ours"),
        Text(
            "Probeer het later opnieuw en noem dan het nummer van het verzoek.",
            "try again later, and name the request id when you ask for help",
        ),
    )


def as_registry_error(problem: Exception) -> RegistryError:
    """Whatever was raised, as a member of our error tree; a stranger becomes `internal-error`."""
    match problem:
        case RegistryError():
            return problem
        case RequestValidationError():
            return _invalid(problem.errors())
        case HTTPException():
            return _from_http(problem)
        case DiskFull():
            return StorageFull("disk-full", Text(problem.nl, problem.en))
        case DeliveryError():
            return InvalidInput(problem.code, Text(problem.nl, problem.en))
        case StoreUnavailable():
            wait = {"retry-after": "10"}
            return Unavailable(problem.code, Text(problem.nl, problem.en), headers=wait)
        case ConnectorError():
            return Unavailable(problem.code, Text(problem.nl, problem.en))
        case OperationalError() if "disk is full" in str(problem):  # as SQLite says it
            return _full()
        case OperationalError():
            return _busy()
        case _:
            return internal_error()


def status_of(error: RegistryError) -> int:
    """The HTTP status; errors of the framework carry their own in the code."""
    for status, plain in _PLAIN.items():
        if error.code == plain.code and type(error) is RegistryError:
            return status
    return error.status


def problem_response(request: Request, error: RegistryError) -> Response:
    """The problem as a response in the language of the request."""
    language = language_of(request)
    status = status_of(error)
    problem = Problem(
        type=f"{request.app.state.runtime.settings.origin}/problems/{error.code}",
        title=TITLES.get(status, TITLES[500]).in_language(language),
        status=status,
        detail=error.text.in_language(language),
        instance=request.url.path,
        code=error.code,
        help=error.help.in_language(language),
        fields=[
            ProblemField(path=field.path, detail=field.text.in_language(language))
            for field in error.fields
        ],
        request_id=request_id_of(request),
    )
    headers = {"content-language": language, "cache-control": "no-store", **error.headers}
    if status == 401:
        # Where a client finds out whose tokens count here (RFC 9728 section 5.1).
        place = f"{request.app.state.runtime.settings.origin}{RESOURCE_METADATA}"
        challenge = error.headers.get("WWW-Authenticate", 'Bearer realm="vrijgave"')
        headers["WWW-Authenticate"] = f'{challenge}, resource_metadata="{place}"'
    return Response(problem.model_dump_json(), status, headers, MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """The id that stands in the answer's `X-Request-ID` and in our log."""
    return str(request.scope.get("request_id", ""))


def _invalid(errors: Sequence[Any]) -> InvalidInput:
    fields = tuple(FieldProblem(_path(error["loc"]), _sentence(error)) for error in errors[:100])
    return InvalidInput(
        "invalid-input",
        Text("Een of meer velden kloppen niet.", "one or more fields are wrong"),
        Text("Verbeter de genoemde velden.", "correct the fields that are named"),
        fields,
    )


def _path(location: Sequence[str | int]) -> str:
    where = location[1:] if location and location[0] in {"body", "query", "path"} else location
    return ".".join(map(str, where))


_SENTENCES: Mapping[str, Text] = {
    "missing": Text("Dit veld ontbreekt.", "this field is missing"),
    "extra_forbidden": Text("Dit veld kennen we niet.", "this field is not known"),
    "json_invalid": Text("Dit is geen geldige JSON.", "this is not valid JSON"),
    "string_type": Text("Geef hier een tekst.", "give a text here"),
    "int_type": Text("Geef hier een heel getal.", "give a whole number here"),
    "int_parsing": Text("Geef hier een heel getal.", "give a whole number here"),
    "bool_type": Text("Geef hier waar of onwaar.", "give true or false here"),
    "bool_parsing": Text("Geef hier waar of onwaar.", "give true or false here"),
    "list_type": Text("Geef hier een lijst.", "give a list here"),
    "dict_type": Text("Geef hier een object.", "give an object here"),
    "model_attributes_type": Text("Geef hier een object.", "give an object here"),
}


def _sentence(error: Mapping[str, Any]) -> Text:
    """One plain sentence; pydantic's own English where we have none in Dutch."""
    known = _SENTENCES.get(error["type"])
    if known is not None:
        return known
    facts = error.get("ctx", {})
    match error["type"]:
        case "literal_error" | "enum":
            return Text(f"Kies uit: {facts['expected']}.", f"choose one of: {facts['expected']}")
        case "string_too_short" | "too_short":
            least = facts["min_length"]
            return Text(f"Dit is te kort: minstens {least}.", f"too short: at least {least}")
        case "string_too_long" | "too_long":
            most = facts["max_length"]
            return Text(f"Dit is te lang: hoogstens {most}.", f"too long: at most {most}")
        case "string_pattern_mismatch":
            pattern = facts["pattern"]
            return Text(f"Dit moet de vorm `{pattern}` hebben.", f"must have the form `{pattern}`")
        case _:
            text = str(error["msg"]).removeprefix("Value error, ")
            return Text(f"Deze waarde kan niet: {text}", text)


def _from_http(problem: HTTPException) -> RegistryError:
    headers = dict(problem.headers or {})
    if problem.status_code == 413:
        return too_large()
    plain = _PLAIN.get(problem.status_code, internal_error())
    return RegistryError(plain.code, plain.text, plain.help, headers=headers)


def too_large() -> TooLarge:
    """A body beyond what its route takes."""
    return TooLarge(
        "body-too-large",
        Text("Het verzoek is groter dan we hier aannemen.", "the request is larger than is taken"),
        Text("Stuur minder in één keer.", "send less at once"),
    )


def no_such_thing() -> NotFound:
    """The one answer for what is absent and for what this caller may not know of."""
    return NotFound(
        "not-found",
        Text("Dit bestaat niet, of niet voor u.", "this does not exist, or not for you"),
    )


def _full() -> StorageFull:
    return StorageFull(
        "disk-full",
        Text(
            "De schijf van de dienst is vol; er is niets gedaan.",
            "the service's disk is full; nothing was done",
        ),
        Text(
            "Probeer het later opnieuw of vraag de beheerder.",
            "try again later or ask its operator",
        ),
    )


def _busy() -> Unavailable:
    return Unavailable(
        "database-busy",
        Text("De database is nu niet bereikbaar.", "the database cannot be reached now"),
        Text("Probeer het zo opnieuw.", "try again in a moment"),
        headers={"retry-after": "2"},
    )


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for the problems a route may answer, besides those all routes share."""
    return {status: {"model": Problem, "description": TITLES[status].en} for status in statuses}
