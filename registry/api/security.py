"""Where to report a weakness: security.txt (RFC 9116)."""

from datetime import UTC, datetime, time

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from registry.api.problems import answers, no_such_thing
from registry.dependencies import NowDep, RuntimeDep

PATH = "/.well-known/security.txt"
router = APIRouter(tags=["health"])


@router.get(
    PATH,
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **answers(404)},
    summary="Where to report a weakness (RFC 9116)",
)
async def security_txt(runtime: RuntimeDep, now: NowDep) -> Response:
    """The operator's contact, until the day that they set; after it, or without, there is none."""
    settings = runtime.settings
    if not settings.security_contact or settings.security_contact_until is None:
        raise no_such_thing()
    end = datetime.combine(settings.security_contact_until, time(23, 59, 59), UTC)
    if now > end:
        raise no_such_thing()
    lines = (
        f"Contact: {settings.security_contact}",
        f"Expires: {end:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: nl, en",
        f"Canonical: {settings.origin}{PATH}",
    )
    return PlainTextResponse("\n".join((*lines, "")))
