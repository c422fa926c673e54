"""Signing up, in and out."""

from functools import partial
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, RuntimeDep, SessionDep, language_of
from registry.errors import RegistryError
from registry.pages.forms import Posted, PostedDep, filled, query_of, shown_again
from registry.pages.rendering import remember_language, render, see
from registry.pages.visiting import (
    VisitorDep,
    end_session,
    is_own_page,
    session_secret,
    start_session,
)
from registry.services.accounts import SignUp, send_link, sign_in, sign_out, sign_up

router = APIRouter(include_in_schema=False)


@router.get("/sign-up")
def sign_up_form(request: Request, visitor: VisitorDep) -> Response:
    """Ask who someone is, and for whom they come."""
    return _sign_up_page(request, query_of(request))


def _sign_up_page(request: Request, posted: Posted, error: RegistryError | None = None) -> Response:
    return render(request, "sign_up.html", values=posted, error=error)


def _sign_up_again(
    posted: Posted, request: Request, _session: Session, error: RegistryError
) -> Response:
    return _sign_up_page(request, posted, error)


@router.post("/sign-up")
def sign_up_now(
    request: Request, posted: PostedDep, session: SessionDep, at: NowDep, runtime: RuntimeDep
) -> Response:
    """Add the organisation and its first seat, and mail a sign-in link."""
    with shown_again(partial(_sign_up_again, posted)):
        names = ("organisation_name", "role", "user_class", "country", "person_name", "email")
        command = filled(
            SignUp,
            language=language_of(request),
            **{name: posted.text(name) for name in names},
        )
        signed_up = sign_up(session, command, at=at)
    send_link(session, signed_up.seat.email, settings=runtime.settings, at=at)
    return see("/sign-in", done="link-sent")


@router.get("/sign-in")
def sign_in_form(request: Request, visitor: VisitorDep, runtime: RuntimeDep) -> Response:
    """Providers, or a link: there are no passwords. Where to go next is kept in the browser."""
    wanted = request.query_params.get("next", "")
    providers = runtime.settings.sign_in_providers
    page = render(request, "sign_in.html", providers=providers, wanted=wanted)
    if is_own_page(wanted):
        page.set_cookie("next", quote(wanted), max_age=3600, httponly=True, samesite="lax")
    return page


@router.post("/sign-in")
def mail_link(posted: PostedDep, session: SessionDep, at: NowDep, runtime: RuntimeDep) -> Response:
    """Send a link, if the address is known; the answer is the same when it is not."""
    send_link(session, posted.text("email")[:254], settings=runtime.settings, at=at)
    return see("/sign-in", done="link-sent")


@router.get("/sign-in/{secret}")
def confirm_sign_in(request: Request, secret: str, visitor: VisitorDep) -> Response:
    """A button, for mail programs open links too, and a link works once."""
    page = render(request, "sign_in_confirm.html")
    page.headers["referrer-policy"] = "no-referrer"
    page.headers["cache-control"] = "no-store"
    return page


@router.post("/sign-in/{secret}")
def use_link(request: Request, secret: str, session: SessionDep, at: NowDep) -> Response:
    """Use the link up, and start a session in this browser."""
    session_key, actor = sign_in(session, secret[:200], at=at)
    wanted = unquote(request.cookies.get("next", ""))
    response = see(wanted if is_own_page(wanted) else "/home")
    response.delete_cookie("next", httponly=True, samesite="lax")
    start_session(request, response, session_key)
    _in_own_language(request, response, actor)
    return response


def _in_own_language(request: Request, response: Response, actor: Actor) -> None:
    if "lang" not in request.cookies:
        remember_language(response, actor.language)


@router.post("/sign-out")
def end(request: Request, visitor: VisitorDep, session: SessionDep, at: NowDep) -> Response:
    """End the session, here and on the server."""
    if visitor is not None:
        sign_out(session, visitor, session_secret(request), at=at)
    response = see("/", done="signed-out")
    end_session(request, response)
    return response
