"""Sign-in through one OpenID provider (OpenID Connect Core 1.0, authorization code with PKCE).

Authlib makes the request and trades the code. What it leaves to its caller stands here, once: the
issuer in the answer (RFC 9207), every check of the ID token, and whether what the person's profile
adds is about the same person.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from connectors.fetching import Networks
from registry.accounts.issuers import IssuerKeys, Unreachable, ask, fetch
from registry.accounts.jwts import BadJwt, Jwt, check_times, read_jwt
from registry.accounts.sign_ins import SignInAttempt
from registry.addresses import is_secure
from registry.errors import NotFound, NotSignedIn, Text, Unavailable
from registry.settings import Settings, SignInProvider

LIFETIME = timedelta(minutes=10)
"""How long a person may take at the provider."""
_LONGEST = timedelta(days=1)
_HASHES = {"RS256": "sha256", "PS256": "sha256", "ES256": "sha256", "ES384": "sha384"}
_AGAIN = Text("Meld u opnieuw aan.", "Sign in again.")


@dataclass(frozen=True)
class Claims:
    """What a provider says of a person, checked.

    :param email: lower case, and only where the provider has verified it.
    :param factors: how the person proved themselves: `amr` (RFC 8176) and `acr`.
    :param told: all of it, as it came.
    """

    issuer: str
    subject: str
    email: str | None
    name: str
    groups: frozenset[str]
    factors: frozenset[str]
    told: Mapping[str, Any]


@dataclass(frozen=True)
class _Tokens:
    """An answer of a token endpoint, as Authlib's client reads it."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        """The answer's object."""
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        """Raise for an answer that is no OAuth answer at all."""
        raise Unreachable(f"the token endpoint answers {self.status_code}")


@dataclass(frozen=True)
class _Session:
    """What Authlib's client asks through: our own bounded requests."""

    networks: Networks

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any
    ) -> _Tokens:
        """Post a form to the provider, the client's own proof added."""
        url, told, content = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = ask(self.networks, url, headers=told, content=content.encode())
        return _Tokens(answer.status, answer.body)


class OpenIdProviders:
    """The providers that the operator trusts, by name."""

    def __init__(self, settings: Settings) -> None:
        self._by_name = {
            name: OpenIdProvider(name, one, settings.origin, settings.closed_networks)
            for name, one in settings.sign_in_providers.items()
        }

    def find(self, name: str) -> "OpenIdProvider":
        """The provider of this name."""
        found = self._by_name.get(name)
        if found is None:
            raise NotFound(
                "no-such-provider",
                Text("Deze aanbieder kennen we niet.", "This provider is not known here."),
            )
        return found


class OpenIdProvider:
    """One provider that the operator trusts."""

    def __init__(
        self, name: str, settings: SignInProvider, origin: str, networks: Networks
    ) -> None:
        self.name, self.settings, self._networks = name, settings, networks
        self.redirect_uri = f"{origin}/sign-in/with/{name}/back"
        self._keys = IssuerKeys(settings.issuer, partial(fetch, networks))

    def address(self, attempt: SignInAttempt, at: datetime) -> str:
        """Where the person goes to sign in.

        :raises Unavailable: the provider cannot be reached.
        """
        told = self._keys.told(at)
        extra = {"nonce": attempt.nonce}
        if attempt.stepped_up and self.settings.step_up:
            extra["acr_values"] = self.settings.step_up
        if attempt.stepped_up or attempt.seat_id:
            extra["prompt"] = "login"  # who connects a seat must not find somebody else signed in
        address, _ = self._client(told).create_authorization_url(
            self._endpoint(told, "authorization_endpoint"),
            state=attempt.state,
            code_verifier=attempt.verifier,
            **extra,
        )
        return str(address)

    def claims(self, answer: Mapping[str, str], attempt: SignInAttempt, at: datetime) -> Claims:
        """Who came back, from the provider's answer.

        :raises NotSignedIn: what came is not an answer of this provider to this attempt.
        :raises Unavailable: the provider cannot be reached now.
        """
        told = self._keys.told(at)
        self._hold_to_issuer(answer, told)
        if "error" in answer or "code" not in answer:
            raise _ended(answer.get("error", ""))
        tokens = self._trade(answer["code"], attempt, told)
        try:
            found = self._id_token(tokens, attempt, at)
        except BadJwt as wrong:
            raise refused(f"id-token-{wrong.code}", wrong.text.nl, wrong.text.en) from None
        return self._read({**self._profile(tokens, told, found), **found.claims})

    def metadata(self, at: datetime) -> Mapping[str, Any]:
        """What the provider publishes of itself."""
        return self._keys.told(at)

    def _client(self, told: Mapping[str, Any]) -> OAuth2Client:
        methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = "client_secret_basic" in methods
        secret = self.settings.client_secret.get_secret_value()
        return OAuth2Client(
            _Session(self._networks),
            client_id=self.settings.client_id,
            client_secret=secret or None,
            token_endpoint_auth_method=(
                ("client_secret_basic" if basic else "client_secret_post") if secret else "none"
            ),
            scope=self.settings.scope,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )

    def _endpoint(self, told: Mapping[str, Any], name: str) -> str:
        address = told.get(name)
        if not isinstance(address, str) or not is_secure(address):
            raise self._down(f"`{name}`")
        return address

    def _hold_to_issuer(self, answer: Mapping[str, str], told: Mapping[str, Any]) -> None:
        named = answer.get("iss")
        must = told.get("authorization_response_iss_parameter_supported") is True
        if (named is None and must) or (named is not None and named != self.settings.issuer):
            raise refused(
                "wrong-issuer",
                "Het antwoord kwam van een andere aanbieder dan waar u heen ging.",
                "The answer came from another provider than the one you went to.",
            )

    def _trade(self, code: str, attempt: SignInAttempt, told: Mapping[str, Any]) -> dict[str, Any]:
        endpoint = self._endpoint(told, "token_endpoint")
        try:
            return dict(
                self._client(told).fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                    redirect_uri=self.redirect_uri,
                )
            )
        except OAuth2Error as wrong:
            raise refused(
                "code-refused",
                f"De aanbieder nam de code niet aan ({_code(wrong.error)}).",
                f"The provider refused the code ({_code(wrong.error)}).",
            ) from None
        except (OSError, ValueError):
            raise self._down("`token_endpoint`") from None

    def _id_token(self, tokens: Mapping[str, Any], attempt: SignInAttempt, at: datetime) -> Jwt:
        text = tokens.get("id_token")
        if not isinstance(text, str):
            raise BadJwt("missing", "Er kwam geen ID-token.", "No ID token came.")
        token = read_jwt(text, {"", "jwt"})
        if token.claims.get("iss") != self.settings.issuer:
            raise BadJwt("issuer", "Het is van een ander.", "It is of another issuer.")
        self._check_audience(token)
        self._keys.check(token, at)
        check_times(token, at, _LONGEST)
        if not hmac.compare_digest(str(token.claims.get("nonce")).encode(), attempt.nonce.encode()):
            raise BadJwt("nonce", "Het hoort bij een andere poging.", "It is of another attempt.")
        _check_access_token(token, tokens.get("access_token"))
        token.name("sub")
        return token

    def _check_audience(self, token: Jwt) -> None:
        told, ours = token.claims.get("aud"), self.settings.client_id
        if told not in (ours, [ours]) or token.claims.get("azp", ours) != ours:
            raise BadJwt("audience", "Het is voor een ander bestemd.", "It is meant for another.")

    def _profile(
        self, tokens: Mapping[str, Any], told: Mapping[str, Any], token: Jwt
    ) -> dict[str, Any]:
        """What the userinfo endpoint adds, where it speaks of the same person (Core 5.3.2)."""
        wanted = {"email", *([self.settings.groups_claim] if self.settings.groups else ())}
        if wanted <= token.claims.keys() or not told.get("userinfo_endpoint"):
            return {}
        endpoint = self._endpoint(told, "userinfo_endpoint")
        headers = {"authorization": f"Bearer {tokens.get('access_token')}"}
        try:
            answer = ask(self._networks, endpoint, headers=headers)
            found = json.loads(answer.body) if answer.status == 200 else None
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._down("`userinfo_endpoint`")
        if found.get("sub") != token.claims["sub"]:
            raise refused(
                "other-person",
                "De aanbieder sprak over twee verschillende personen.",
                "The provider spoke of two different persons.",
            )
        return found

    def _read(self, told: Mapping[str, Any]) -> Claims:
        email = told.get("email") if told.get("email_verified") is True else None
        groups, factors = told.get(self.settings.groups_claim), told.get("amr")
        return Claims(
            issuer=self.settings.issuer,
            subject=str(told["sub"]),
            email=email.strip().lower() if isinstance(email, str) else None,
            name=str(told.get("name") or email or told["sub"])[:200],
            groups=_names(groups),
            factors=_names(factors) | _names([told.get("acr")]),
            told=told,
        )

    def _down(self, what: str) -> Unavailable:
        return Unavailable(
            "provider-unreachable",
            Text(
                f"{self.settings.title} antwoordt nu niet zoals het hoort ({what}).",
                f"{self.settings.title} does not answer as it should now ({what}).",
            ),
            Text("Probeer het zo opnieuw.", "Try again in a moment."),
        )


def refused(code: str, nl: str, en: str) -> NotSignedIn:
    """Why a sign-in through a provider does not count."""
    return NotSignedIn(f"sign-in-{code}", Text(nl, en), _AGAIN)


def _ended(error: str) -> NotSignedIn:
    if error == "access_denied":
        return refused(
            "denied",
            "U hebt het aanmelden afgebroken, of de aanbieder staat het u niet toe.",
            "You broke the sign-in off, or the provider does not allow it.",
        )
    return refused(
        "ended",
        f"De aanbieder heeft het aanmelden beëindigd ({_code(error)}).",
        f"The provider ended the sign-in ({_code(error)}).",
    )


def _code(error: object) -> str:
    """An error code of OAuth's, fit to be shown."""
    text = str(error)[:60]
    return text if text and text.replace("_", "").isascii() and text.isidentifier() else "?"


def _names(told: object) -> frozenset[str]:
    listed = told if isinstance(told, list) else []
    return frozenset(one for one in listed if isinstance(one, str))


def _check_access_token(token: Jwt, access_token: object) -> None:
    """Hold the access token to `at_hash`, where the ID token has it (Core 3.1.3.8)."""
    told = token.claims.get("at_hash")
    if told is None or token.alg not in _HASHES:
        return
    digest = hashlib.new(_HASHES[token.alg], str(access_token).encode()).digest()
    left = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if told != left:
        raise BadJwt("at-hash", "Het hoort bij een ander token.", "It is of another token.")
