"""OAuth 2.0 for machines, by Authlib: client credentials, revocation, metadata.

RFC 6749 sections 2.3.1 and 4.4, RFC 7009, RFC 8414. Tokens are opaque and kept hashed; errors on
these addresses have the shape of RFC 6749 section 5.2, as OAuth clients expect.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sqlmodel import Session
from starlette.responses import JSONResponse, Response

from registry.accounts.actors import Scope
from registry.accounts.credentials import CLIENT_TOKEN_LIFETIME
from registry.accounts.tables import Client
from registry.dependencies import LONGEST_TOKEN, NowDep, RuntimeDep, SessionDep
from registry.services.machines import check_client, issue_client_token, revoke_own

AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
router = APIRouter(tags=["oauth"])


class TokenAnswer(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthError(BaseModel):
    """An error (RFC 6749 section 5.2)."""

    error: str
    error_description: str | None = None
    error_uri: str | None = None


class Metadata(BaseModel):
    """What an OAuth client may know of this server (RFC 8414)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    ui_locales_supported: list[str]


class _Machine:
    """A client as Authlib asks about it; whether it exists shows only with the right secret."""

    def __init__(self, session: Session, client_id: str) -> None:
        self._session, self._id = session, client_id
        self.client: Client | None = None

    def check_client_secret(self, secret: str) -> bool:
        if len(secret) <= LONGEST_TOKEN:
            self.client = check_client(self._session, self._id, secret)
        return self.client is not None

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method in AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    @property
    def registered(self) -> Client:
        assert self.client is not None, "asked before the secret was checked"  # noqa: S101 -- fail closed
        return self.client

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scopes asked for that it was registered for; all of those when it asks for none."""
        own = self.registered.scopes
        return " ".join(name for name in own if not scope or name in scope.split())


class _Form(OAuth2Request):  # type: ignore[misc] # Authlib has no types
    """A request of RFC 6749: form fields, each at most once."""

    def __init__(self, fields: Mapping[str, str], headers: Mapping[str, str]) -> None:
        # The transport is held to TLS when the service starts, so the address here is a constant.
        super().__init__("POST", "https://localhost/oauth", headers=headers)
        self._fields = dict(fields)
        self.payload = BasicOAuth2Payload(self._fields)

    @property
    def form(self) -> dict[str, str]:
        return self._fields

    @property
    def args(self) -> dict[str, str]:
        return {}


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc] # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS


class _Revocation(RevocationEndpoint):  # type: ignore[misc] # Authlib has no types
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def authenticate_token(self, request: _Form, client: _Machine) -> str:
        self.check_params(request, client)
        return request.form["token"]

    def revoke_token(self, token: str, request: _Form) -> None:
        revoke_own(self.server.session, request.client.registered, token, at=self.server.at)


class _Server(AuthorizationServer):  # type: ignore[misc] # Authlib has no types
    """One request's authorization server, on the request's transaction."""

    def __init__(self, session: Session, at: datetime) -> None:
        super().__init__(scopes_supported=[scope.value for scope in Scope])
        self.session, self.at = session, at
        self.register_grant(_ClientCredentials)
        self.register_endpoint(_Revocation)
        self.register_token_generator("default", self._issue)

    def query_client(self, client_id: str) -> _Machine:
        return _Machine(self.session, client_id)

    def _issue(self, client: _Machine, scope: str | None, **_options: Any) -> dict[str, Any]:
        allowed = tuple(Scope(name) for name in client.get_allowed_scope(scope).split())
        _, secret = issue_client_token(self.session, client.registered, allowed, at=self.at)
        return {
            "access_token": secret,
            "token_type": "Bearer",
            "expires_in": int(CLIENT_TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(allowed),
        }

    def save_token(self, token: dict[str, Any], request: _Form) -> None:
        """The token was stored, hashed, when it was issued."""

    def create_oauth2_request(self, request: _Form) -> _Form:
        return request

    def handle_response(
        self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]
    ) -> Response:
        if status == 401:
            headers = [*headers, ("WWW-Authenticate", 'Basic realm="vrijgave"')]
        return JSONResponse(body, status, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


async def _form(request: Request) -> _Form | None:
    """The form of the request; `None` when it is none, or a field stands there twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    try:
        pairs = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, max_num_fields=20
        )
    except ValueError:
        return None
    fields = dict(pairs)
    headers = {name.title(): value for name, value in request.headers.items()}
    return _Form(fields, headers) if len(fields) == len(pairs) else None


FormDep = Annotated[_Form | None, Depends(_form)]


def _no_form() -> Response:
    return JSONResponse(
        {
            "error": "invalid_request",
            "error_description": "send each field once, as application/x-www-form-urlencoded",
        },
        400,
        {"Cache-Control": "no-store"},
    )


_CREDENTIALS = {
    "client_id": "where HTTP Basic is not used",
    "client_secret": "where HTTP Basic is not used",
}


def _form_schema(fields: Mapping[str, str]) -> dict[str, Any]:
    fields = {**fields, **_CREDENTIALS}
    properties = {name: {"type": "string", "description": text} for name, text in fields.items()}
    schema = {"type": "object", "properties": properties, "required": [next(iter(fields))]}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}, "security": [{"client": []}, {}]}


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "The request is wrong (RFC 6749 section 5.2)"},
    401: {"model": OAuthError, "description": "Client and secret do not belong together"},
}


def _answered(act: Callable[[], Response]) -> Response:
    try:
        return act()
    except ValueError:  # Authlib decodes what HTTP Basic carries without looking at it first
        return _no_form()


@router.post(
    "/oauth/token",
    response_model=TokenAnswer,
    responses=_ERRORS,
    openapi_extra=_form_schema(
        {
            "grant_type": "`client_credentials`",
            "scope": "scopes, separated by spaces; all that the client has when absent",
        }
    ),
    summary="Get an access token for a machine",
)
def issue(form: FormDep, session: SessionDep, at: NowDep) -> Response:
    """Client credentials: a token of one hour, for the client's own scopes or fewer."""
    if form is None:
        return _no_form()
    return _answered(lambda: _Server(session, at).create_token_response(form))


@router.post(
    "/oauth/revoke",
    response_model=dict[str, Any],
    responses=_ERRORS,
    openapi_extra=_form_schema({"token": "the token to end", "token_type_hint": "`access_token`"}),
    summary="End an access token of a machine",
)
def revoke(form: FormDep, session: SessionDep, at: NowDep) -> Response:
    """Revocation (RFC 7009): from the next request on; an unknown token is no error."""
    if form is None:
        return _no_form()
    return _answered(lambda: _Server(session, at).create_endpoint_response("revocation", form))


@router.get("/.well-known/oauth-authorization-server", summary="OAuth metadata (RFC 8414)")
async def metadata(runtime: RuntimeDep) -> Metadata:
    """Where the OAuth endpoints are and what they support."""
    origin = runtime.settings.origin
    return Metadata(
        issuer=origin,
        token_endpoint=f"{origin}/oauth/token",
        token_endpoint_auth_methods_supported=AUTH_METHODS,
        revocation_endpoint=f"{origin}/oauth/revoke",
        revocation_endpoint_auth_methods_supported=AUTH_METHODS,
        grant_types_supported=[ClientCredentialsGrant.GRANT_TYPE],
        response_types_supported=[],
        scopes_supported=[scope.value for scope in Scope],
        ui_locales_supported=["nl", "en"],
    )
