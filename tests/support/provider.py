"""npm oidc-provider as a process: a real provider whose access tokens machines show here."""

import json
import subprocess
from pathlib import Path
from typing import Self

import httpx2
from joserfc.jwk import RSAKey

from tests.support.service import free_port

NODE = Path(__file__).parent / "node"
IS_THERE = (NODE / "node_modules" / "oidc-provider").is_dir()
ABSENT = "no oidc-provider: run `make .venv/node` (needs npm)"
SECRET = "a-secret-of-the-machine-at-its-own-issuer"


class Provider:
    """The provider with a signing key that we know, until the block ends."""

    def __init__(self, audience: str) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self._audience, self._port = audience, free_port()
        self.name = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        keys = json.dumps({"keys": [self.key.as_dict(private=True)]})
        self._process = subprocess.Popen(
            ["node", "issuer.mjs", str(self._port), self._audience, keys],
            cwd=NODE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert "ready" in self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def token(self, proof: str | None = None) -> str:
        """An access token for the machine, as the provider mints it."""
        answer = httpx2.post(
            f"{self.name}/token",
            data={"grant_type": "client_credentials", "scope": "extracts requests"},
            auth=("pipeline", SECRET),
            headers={"DPoP": proof} if proof else {},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def person(self, name: str, claims: dict[str, object], *factors: str) -> None:
        """Who sits at the browser from now on, and how they prove themselves (`amr`)."""
        told = {"id": name, "claims": claims, "amr": factors}
        httpx2.post(f"{self.name}/person", json=told).raise_for_status()

    @property
    def token_endpoint(self) -> str:
        """Where tokens are asked for."""
        return f"{self.name}/token"
