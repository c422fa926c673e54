"""From a template and facts to a page: one environment, strict about what is missing."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from registry.dependencies import language_of, now_of
from registry.pages.navigation import menu, organisation_menu
from registry.pages.options import (
    dataset_choices,
    dataset_options,
    environment_options,
    meaning_of,
    merged,
    merged_answer,
    purpose_choices,
    region_choices,
    scope_choices,
    statement_choices,
    titles_of,
)
from registry.pages.sending import form_token
from registry.pages.words import LANGUAGES, Words, catalogue

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_Response = TypeVar("_Response", bound=Response)
_YEAR = 365 * 24 * 3600


@cache
def environment() -> Environment:
    """The templates; text is escaped, and a name that is not there is an error."""
    found = Environment(
        loader=PackageLoader("registry.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chosen = (
        dataset_options,
        dataset_choices,
        environment_options,
        form_token,
        scope_choices,
        titles_of,
        meaning_of,
        merged,
        merged_answer,
        organisation_menu,
        purpose_choices,
        region_choices,
        statement_choices,
    )
    found.globals.update(asset=asset, nav=menu, **{one.__name__: one for one in chosen})
    found.globals.update(parts=found.get_template("parts.html").module)
    return found


@cache
def asset(name: str) -> str:
    """The address of a static file, which changes when the file does."""
    content = files("registry.pages").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def render(
    request: Request,
    template: str,
    /,
    *,
    status: int = 200,
    under_way: bool = False,
    **facts: Any,
) -> HTMLResponse:
    """A page in the visitor's language; `error` and `values`, what was filled in, are for forms.

    :param under_way: the page shows work that goes on, and comes again until its reader stops it.
    """
    language = language_of(request)
    shared = {
        "t": Words(language),
        "language": language,
        "status": status,
        "other_language": next(other for other in LANGUAGES if other != language),
        "switch": _switch(request),
        "path": request.url.path,
        "now": now_of(request),
        "viewer": getattr(request.state, "viewer", None),
        "done": _done(request, language),
        "under_way": under_way,
        "still": request.query_params.get("still") == "yes",
        "error": None,
        "values": None,
    }
    body = environment().get_template(template).render({**shared, **facts})
    headers = {"content-language": language, "cache-control": "private, no-cache"}
    response = HTMLResponse(body, status, headers)
    if under_way and request.query_params.get("still") != "yes":
        response.headers["refresh"] = f"2; url={request.url.path}"
    if request.query_params.get("lang") in LANGUAGES:
        remember_language(response, language)
    return secured(response)


def remember_language(response: Response, language: str) -> None:
    """Keep the language that a visitor chose; it says nothing about who they are."""
    response.set_cookie("lang", language, max_age=_YEAR, httponly=True, samesite="lax")


def secured(response: _Response) -> _Response:
    """The response with the headers that every page carries."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def see(address: str, **query: str) -> RedirectResponse:
    """After a POST: on to the page that shows what was done (303)."""
    return RedirectResponse(f"{address}?{urlencode(query)}" if query else address, 303)


def _done(request: Request, language: str) -> str:
    """Which notice to show after a redirect; only ones we have words for."""
    key = request.query_params.get("done", "")
    return key if f"done.{key}" in catalogue(language) else ""


def _switch(request: Request) -> str:
    """The same page in the other language."""
    language = next(other for other in LANGUAGES if other != language_of(request))
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in {"lang", "done"}]
    address = request.url.path if request.method in {"GET", "HEAD"} else "/"
    return f"{address}?{urlencode([*kept, ('lang', language)])}"
