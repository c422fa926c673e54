"""What went wrong, as a page: what happened, why, what to do, and the number to name."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from registry.db import reading
from registry.dependencies import language_of, runtime_of
from registry.errors import RegistryError, Text
from registry.pages.forms import FormRefused
from registry.pages.rendering import render, secured
from registry.pages.words import Words, catalogue


def error_page(request: Request, error: RegistryError) -> Response:
    """The page of an error; of a form that could not be carried out, the form again."""
    if isinstance(error, FormRefused):
        with reading(runtime_of(request).engine) as session:
            page = error.show(request, session, error.error)
            page.status_code = error.status
            return page
    status = _status(error)
    page = render(
        request,
        "error.html",
        status=status,
        heading=_heading(request, status),
        problem=_in_our_words(error, status),
        request_id=request.scope.get("request_id", ""),
        again=getattr(request.state, "posted", None) if status == 401 else None,
        back=_back(request),
        told=getattr(request.state, "told", None),
    )
    page.headers.update(error.headers)
    page.headers["cache-control"] = "no-store"
    return secured(page)


def _back(request: Request) -> str:
    """Where to return to after signing in: this page, or the one whose form was sent."""
    if request.url.path.startswith("/sign-in/"):
        return "/home"
    if request.method in {"GET", "HEAD"}:
        query = request.url.query
        return f"{request.url.path}?{query}" if query else request.url.path
    return urlsplit(request.headers.get("referer", "/home")).path or "/home"


def _in_our_words(error: RegistryError, status: int) -> RegistryError:
    """The framework's own errors as a person at a page needs to read them."""
    if type(error) is not RegistryError or f"error.text_{status}" not in catalogue("nl"):
        return error
    text, help_ = (
        Text(
            Words("nl").of("error", f"{name}_{status}"), Words("en").of("error", f"{name}_{status}")
        )
        for name in ("text", "help")
    )
    return RegistryError(error.code, text, help_, headers=error.headers)


def _status(error: RegistryError) -> int:
    """Errors of the framework come as bare errors whose code tells what they are."""
    plain = {"unreadable-request": 400, "not-found": 404, "method-not-allowed": 405}
    return plain.get(error.code, 500) if type(error) is RegistryError else error.status


def _heading(request: Request, status: int) -> str:
    words = Words(language_of(request))
    known = f"error.title_{status}" in catalogue(words.language)
    return words.of("error", f"title_{status}" if known else "title_500")
