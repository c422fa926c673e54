"""An OpenID provider of our own with real keys, which lies in one thing when it is told to."""

import base64
import hashlib
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from tests.support.issuer import Claims, Issuer, signed

CLIENT, SECRET = "vrijgave", "a-secret-at-the-provider"


class LyingProvider(Issuer):
    """Answers at its token and userinfo endpoints as told; each lie stands in one dictionary.

    A value of ``None`` leaves a claim, or a part of an answer, away.
    """

    def __init__(self) -> None:
        super().__init__()
        self.metadata = {
            "authorization_endpoint": f"{self.name}/authorize",
            "token_endpoint": f"{self.name}/token",
            "userinfo_endpoint": f"{self.name}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }
        self.honest()

    def honest(self) -> None:
        """Tell the truth from now on."""
        self.nonce = ""
        self.person: Claims = {"sub": "person-1", "name": "Noor", "email_verified": True}
        self.claims: Claims = {}
        """Of the ID token, instead of the true ones."""
        self.header: Claims = {}
        self.tokens: Claims | list[str] = {}
        """Of the token endpoint's answer, instead of the true ones; a list is no answer at all."""
        self.profile: Claims | str | None = {}
        """Of the userinfo endpoint, instead of the true ones; `None`: it is not there."""
        self.signing = self.key
        self.posted: dict[str, str] = {}
        self.down = False

    def found(self, request: BaseHTTPRequestHandler) -> object:
        """The endpoints of a provider besides those of an issuer."""
        match request.path:
            case "/token":
                body = request.rfile.read(int(request.headers["content-length"])).decode()
                self.posted = {name: values[0] for name, values in parse_qs(body).items()}
                self.posted["authorization"] = request.headers.get("authorization", "")
                told = {"access_token": "opaque", "token_type": "Bearer", "id_token": self._id()}
                if not isinstance(self.tokens, dict):
                    return self.tokens
                return _without_nothing(told | self.tokens)
            case "/userinfo":
                if not isinstance(self.profile, dict):
                    return self.profile
                return _without_nothing(self.person | self.profile)
            case _:
                return super().found(request)

    def _id(self) -> str:
        now, digest = int(time.time()), hashlib.sha256(b"opaque").digest()
        true: Claims = {
            "iss": self.name,
            "aud": CLIENT,
            "sub": self.person["sub"],
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            "at_hash": base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode(),
        }
        header: dict[str, Any] = {"alg": "RS256", "kid": "first", **self.header}
        return signed(_without_nothing(header), _without_nothing(true | self.claims), self.signing)


def _without_nothing(told: Claims) -> Claims:
    return {name: value for name, value in told.items() if value is not None}
