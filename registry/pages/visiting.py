"""Who visits: the session cookie, and the proof that a form was ours."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.accounts.credentials import SESSION_LIFETIME, find_actor
from registry.accounts.openid import LIFETIME
from registry.db import reading, transaction
from registry.dependencies import now_of, runtime_of
from registry.errors import NotAllowed, NotSignedIn, Text
from registry.pages.forms import PostedDep

LONGEST_SECRET = 200


def cookie_name(request: Request) -> str:
    """`__Host-` binds the cookie to this host and TLS; plain http is only served on loopback."""
    return "__Host-vrijgave" if _has_tls(request) else "vrijgave"


def _has_tls(request: Request) -> bool:
    settings = runtime_of(request).settings
    return settings.tls_in_front or settings.base_url.scheme == "https"


def start_session(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep its session; scripts cannot read it, other sites cannot post with it."""
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        secure=_has_tls(request),
        httponly=True,
        samesite="lax",
    )


def end_session(request: Request, response: Response) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(
        cookie_name(request), secure=_has_tls(request), httponly=True, samesite="lax"
    )


def session_secret(request: Request) -> str:
    """What the browser shows of its session; empty where it has none."""
    shown = request.cookies.get(cookie_name(request), "")
    return shown if len(shown) <= LONGEST_SECRET else ""


def keep_attempt(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep that it began a sign-in; only it may end that one."""
    response.set_cookie(
        _attempt_cookie(request),
        secret,
        max_age=int(LIFETIME.total_seconds()),
        secure=_has_tls(request),
        httponly=True,
        samesite="lax",
    )


def kept_attempt(request: Request) -> str:
    """What the browser shows of the sign-in it began; empty where it has begun none."""
    return request.cookies.get(_attempt_cookie(request), "")[:LONGEST_SECRET]


def forget_attempt(request: Request, response: Response) -> None:
    """Have the browser forget the sign-in that it began."""
    response.delete_cookie(
        _attempt_cookie(request), secure=_has_tls(request), httponly=True, samesite="lax"
    )


def _attempt_cookie(request: Request) -> str:
    return f"{cookie_name(request)}-sign-in"


def is_own_page(address: str) -> bool:
    """Whether it is a path on this site, and no address of another one in disguise."""
    return re.fullmatch(r"/(?![/\\])[!-\[\]-~]{0,500}", address) is not None


def find_visitor(request: Request) -> Actor | None:
    """Who is signed in here, if anyone; a session that ended counts as none."""
    secret = session_secret(request)
    request.state.viewer = None
    if secret:
        try:
            request.state.viewer = _find(request, secret)
        except NotSignedIn:
            return None
    return request.state.viewer  # type: ignore[no-any-return] # set above, to an Actor or None


def _find(request: Request, secret: str) -> Actor:
    engine, at = runtime_of(request).engine, now_of(request)
    with reading(engine) as session:
        actor = find_actor(session, secret, "session", at)
        if not session.dirty:
            return actor
        session.rollback()
    # The session's last use is due to be written down: rarely, and not in the page's transaction.
    with transaction(engine) as session:
        return find_actor(session, secret, "session", at)


def _person(request: Request, _form: PostedDep) -> Actor:
    """Whoever is signed in. The form is read before, so that it is not lost with a session."""
    visitor = find_visitor(request)
    if visitor is None:
        raise NotSignedIn(
            "sign-in-first",
            Text("Voor deze pagina moet u aangemeld zijn.", "You must be signed in for this page."),
            Text("Meld u aan; daarna kunt u verder.", "Sign in, then carry on."),
        )
    return visitor


VisitorDep = Annotated[Actor | None, Depends(find_visitor)]
"""Whoever looks at a public page."""
PersonDep = Annotated[Actor, Depends(_person)]
"""A signed-in person; the services check what they may do."""


def refuse_foreign_forms(request: Request) -> None:
    """Take a POST only from our own pages, by Fetch Metadata or else the Origin header."""
    if request.method in {"GET", "HEAD"}:
        return
    site = request.headers.get("sec-fetch-site")
    if site == "same-origin" or (site is None and _own_origin(request)):
        return
    raise NotAllowed(
        "foreign-form",
        Text(
            "Dit formulier kwam niet van deze site, en is daarom niet uitgevoerd.",
            "This form did not come from this site, so it was not carried out.",
        ),
        Text(
            "Open de pagina hier en verstuur het opnieuw.", "Open the page here and send it again."
        ),
    )


def _own_origin(request: Request) -> bool:
    origin = urlsplit(request.headers.get("origin", ""))
    ours = urlsplit(runtime_of(request).settings.origin)
    return (origin.scheme, origin.netloc) == (ours.scheme, ours.netloc)
