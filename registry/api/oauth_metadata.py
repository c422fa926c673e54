"""What OAuth clients may know of this service without asking anyone: RFC 8414 and RFC 9728."""

from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from fastapi import APIRouter
from pydantic import BaseModel

from registry.accounts import dpop, jwts
from registry.accounts.actors import Scope
from registry.api.oauth import AUTH_METHODS
from registry.api.problems import RESOURCE_METADATA
from registry.dependencies import RuntimeDep

router = APIRouter(tags=["oauth"])
_SCOPES = [scope.value for scope in Scope]


class ServerMetadata(BaseModel):
    """The authorization server for this service's own machines (RFC 8414)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_signing_alg_values_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    ui_locales_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    protected_resources: list[str]


class ResourceMetadata(BaseModel):
    """The service as what tokens are for (RFC 9728); tokens of these servers are taken."""

    resource: str
    authorization_servers: list[str]
    scopes_supported: list[str]
    bearer_methods_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    resource_name: str


@router.get("/.well-known/oauth-authorization-server", summary="OAuth metadata (RFC 8414)")
async def server(runtime: RuntimeDep) -> ServerMetadata:
    """Where the OAuth endpoints are and what they support."""
    origin = runtime.settings.origin
    return ServerMetadata(
        issuer=origin,
        token_endpoint=f"{origin}/oauth/token",
        token_endpoint_auth_methods_supported=AUTH_METHODS,
        token_endpoint_auth_signing_alg_values_supported=list(jwts.ALGORITHMS),
        revocation_endpoint=f"{origin}/oauth/revoke",
        revocation_endpoint_auth_methods_supported=AUTH_METHODS,
        revocation_endpoint_auth_signing_alg_values_supported=list(jwts.ALGORITHMS),
        grant_types_supported=[ClientCredentialsGrant.GRANT_TYPE],
        response_types_supported=[],
        scopes_supported=_SCOPES,
        ui_locales_supported=["nl", "en"],
        dpop_signing_alg_values_supported=list(dpop.ALGORITHMS),
        protected_resources=[origin],
    )


@router.get(RESOURCE_METADATA, summary="What takes tokens (RFC 9728)")
async def resource(runtime: RuntimeDep) -> ResourceMetadata:
    """Whose tokens count here, and how they are shown."""
    origin = runtime.settings.origin
    return ResourceMetadata(
        resource=origin,
        authorization_servers=[origin, *runtime.settings.token_issuers],
        scopes_supported=_SCOPES,
        bearer_methods_supported=["header"],
        dpop_signing_alg_values_supported=list(dpop.ALGORITHMS),
        resource_name="Vrijgave",
    )
