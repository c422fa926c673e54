"""OAuth 2.0 for machines, by Authlib: client credentials and revocation.

RFC 6749 sections 2.3.1 and 4.4, RFC 7009, RFC 7523 section 3, RFC 9449 section 5. Tokens are opaque
and kept hashed; errors on these addresses have the shape of RFC 6749 section 5.2, as OAuth clients
expect.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel
from sqlmodel import Session
from starlette.responses import JSONResponse, Response

from registry.accounts.actors import Scope
from registry.accounts.credentials import CLIENT_TOKEN_LIFETIME
from registry.accounts.dpop import Proof
from registry.accounts.jwts import LONGEST, BadJwt
from registry.accounts.spent import spend
from registry.accounts.tables import Client
from registry.dependencies import NowDep, SessionDep, proof_of, runtime_of
from registry.services.identifying import check_assertion, check_secret
from registry.services.machines import issue_client_token, revoke_own

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
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


class _Machine:
    """A client as Authlib asks about it; whether it exists shows only with the right secret."""

    def __init__(self, session: Session, client_id: str, client: Client | None = None) -> None:
        self._session, self._id, self.client = session, client_id, client

    def check_client_secret(self, secret: str) -> bool:
        if len(secret) <= LONGEST:
            self.client = check_secret(self._session, self._id, secret)
        return self.client is not None

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method in AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    @property
    def registered(self) -> Client:
        assert self.client is not None, "asked before it proved itself"  # noqa: S101 -- fail closed
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


class _BadProof(OAuth2Error):  # type: ignore[misc] # Authlib has no types
    error = "invalid_dpop_proof"


class _Server(AuthorizationServer):  # type: ignore[misc] # Authlib has no types
    """One request's authorization server, on the request's transaction."""

    def __init__(
        self, session: Session, at: datetime, origin: str, proof: Proof | None = None
    ) -> None:
        super().__init__(scopes_supported=[scope.value for scope in Scope])
        self.session, self.at, self._proof = session, at, proof
        self._audiences = (origin, f"{origin}/oauth/token")
        self.register_grant(_ClientCredentials)
        self.register_endpoint(_Revocation)
        self.register_token_generator("default", self._issue)
        self.register_client_auth_method("private_key_jwt", self._by_assertion)

    def query_client(self, client_id: str) -> _Machine:
        return _Machine(self.session, client_id)

    def _by_assertion(self, _query: object, request: _Form) -> _Machine | None:
        if request.form.get("client_assertion_type") != _ASSERTION:
            return None
        shown = request.form.get("client_assertion", "")
        try:
            client = check_assertion(self.session, shown, self._audiences, at=self.at)
        except BadJwt as wrong:
            raise InvalidClientError(status_code=401, description=wrong.text.en) from None
        return _Machine(self.session, client.id, client)

    def _issue(self, client: _Machine, scope: str | None, **_options: Any) -> dict[str, Any]:
        allowed = tuple(Scope(name) for name in client.get_allowed_scope(scope).split())
        jkt = self._spent_proof()
        _, secret = issue_client_token(
            self.session, client.registered, allowed, jkt=jkt, at=self.at
        )
        return {
            "access_token": secret,
            "token_type": "DPoP" if jkt else "Bearer",
            "expires_in": int(CLIENT_TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(allowed),
        }

    def _spent_proof(self) -> str | None:
        """The thumbprint of the key that was proven with this request, if one was."""
        if self._proof is None:
            return None
        try:
            spend(self.session, self._proof.jkt, self._proof.jti, until=self._proof.until)
        except BadJwt as wrong:
            raise _BadProof(wrong.text.en) from None
        return self._proof.jkt

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


DpopHeader = Annotated[
    str | None, Header(alias="DPoP", description="A proof by the key to bind the token to.")
]


def _told(error: OAuth2Error) -> Response:
    status, body, headers = error()
    return JSONResponse(body, status, dict(headers))


def _no_form() -> Response:
    wanted = "send each field once, as application/x-www-form-urlencoded"
    return _told(InvalidRequestError(wanted))


_CREDENTIALS = {
    "client_id": "where HTTP Basic is not used",
    "client_secret": "where HTTP Basic is not used",
    "client_assertion_type": f"`{_ASSERTION}`, where the client has keys of its own",
    "client_assertion": "a JWT that the client signed (RFC 7523), good once",
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
def issue(
    request: Request, form: FormDep, session: SessionDep, at: NowDep, _dpop: DpopHeader = None
) -> Response:
    """Client credentials: a token of one hour, for the client's own scopes or fewer.

    With a `DPoP` header (RFC 9449) the token is bound to the key of that proof.
    """
    if form is None:
        return _no_form()
    try:
        proof = proof_of(request, None) if "dpop" in request.headers else None
    except BadJwt as wrong:
        return _told(_BadProof(wrong.text.en))
    origin = runtime_of(request).settings.origin
    return _answered(lambda: _Server(session, at, origin, proof).create_token_response(form))


@router.post(
    "/oauth/revoke",
    response_model=dict[str, Any],
    responses=_ERRORS,
    openapi_extra=_form_schema({"token": "the token to end", "token_type_hint": "`access_token`"}),
    summary="End an access token of a machine",
)
def revoke(request: Request, form: FormDep, session: SessionDep, at: NowDep) -> Response:
    """Revocation (RFC 7009): from the next request on; an unknown token is no error."""
    if form is None:
        return _no_form()
    server = _Server(session, at, runtime_of(request).settings.origin)
    return _answered(lambda: server.create_endpoint_response("revocation", form))
