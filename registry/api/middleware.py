"""What every request passes: an id for it, a cap on its body, and headers for every answer."""

import re
import secrets
from base64 import b32encode
from urllib.parse import unquote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_CAP = 1024 * 1024
"""Bytes of a body where the route has not set its own cap (:func:`set_body_cap`)."""


_SAID = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""What an answer says that says nothing of its own; a page allows more."""
_KEPT_TO = "max-age=31536000; includeSubDomains"


def set_body_cap(scope: Scope, most: int) -> None:
    """Let this request carry a body of `most` bytes; called before the body is read."""
    scope["body_cap"] = most


class RequestId:
    """Gives each request an id, and puts it on the answer with what every answer says.

    :param tls: the service is only reached through TLS, which browsers then keep to (RFC 6797).
    """

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._said = {**_SAID, **({"Strict-Transport-Security": _KEPT_TO} if tls else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under an id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = "rq_" + b32encode(secrets.token_bytes(10)).decode().lower()
        scope["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in self._said.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_id)


class HideLinks:
    """Takes what opens a door out of the address, before any log or page can show it.

    The server's own access log is written from the same scope, when the answer begins. A signed
    link's signature and a sign-in provider's answer go at once; a sign-in link or an invitation is
    read from the path, and so goes then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the link beside its address (:func:`link_of`)."""
        if scope["type"] == "http" and _ANSWER.fullmatch(scope["path"]):
            scope["state"]["answer"] = scope["query_string"].decode("latin-1")
            scope["query_string"] = b""
        elif scope["type"] == "http" and b"link=" in scope["query_string"]:
            found = _LINK.search(scope["query_string"])
            if found is not None:
                scope["link"] = unquote(found[2].decode("latin-1"))
                scope["query_string"] = _LINK.sub(rb"\1link=\3.hidden", scope["query_string"])
        if scope["type"] == "http" and _SECRET_PATH.fullmatch(scope["path"]):
            send = _hiding(scope, send)
        await self._app(scope, receive, send)


_ANSWER = re.compile("/sign-in/with/[^/]+/back")
_SECRET_PATH = re.compile("/(sign-in|join)/[^/]+")


def _hiding(scope: Scope, send: Send) -> Send:
    async def send_hiding(message: Message) -> None:
        scope["path"] = f"/{scope['path'].split('/')[1]}/hidden"
        await send(message)

    return send_hiding


_LINK = re.compile(rb"(^|&)link=(([A-Za-z0-9_]*)[^&]*)")


def link_of(request: Request) -> str | None:
    """The signed link that came with this request, whole."""
    return request.scope.get("link")


class BodyCap:
    """Ends a request whose body is larger than its route takes, announced or counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = _announced(scope)
        taken = 0

        async def receive_capped() -> Message:
            nonlocal taken
            most: int = scope.get("body_cap", JSON_CAP)
            if announced > most:
                raise HTTPException(413)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_capped, send)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
