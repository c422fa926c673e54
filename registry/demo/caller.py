"""One participant of the demonstration, as the service sees it: an HTTP client with a token."""

import time
from pathlib import Path
from typing import Any

import httpx2

from registry.client.http import told


class Caller:
    """Calls the REST API; a problem answer becomes the client's plain error."""

    def __init__(self, origin: str, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(base_url=f"{origin}/v1", headers=headers, timeout=300)

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        return self._call("GET", path)

    def listed(self, path: str) -> list[dict[str, Any]]:
        """The first page of a list."""
        items: list[dict[str, Any]] = self.get(path)["items"]
        return items

    def post(self, path: str, body: Any = None) -> Any:
        """The answer to a POST."""
        return self._call("POST", path, json={} if body is None else body)

    def put(self, path: str, body: Any) -> Any:
        """The answer to a PUT."""
        return self._call("PUT", path, json=body)

    def upload(self, path: str, file: Path) -> Any:
        """The answer to a file sent as it is."""
        with file.open("rb") as content:
            return self._call("PUT", path, params={"file_name": file.name}, content=content)

    def download(self, path: str, body: Any, target: Path) -> None:
        """Keep the answer to a POST as a file."""
        with self._http.stream("POST", path, json=body) as response:
            if response.status_code >= 400:
                response.read()
                raise told(response)
            with target.open("wb") as file:
                for block in response.iter_bytes():
                    file.write(block)

    def wait(self, path: str, over: set[str], seconds: float = 600) -> Any:
        """Ask for a thing until its state is one of these."""
        until = time.monotonic() + seconds
        while (found := self.get(path))["state"] not in over:
            if time.monotonic() > until:
                raise TimeoutError(f"{path} is still `{found['state']}`")
            time.sleep(0.05)
        return found

    def _call(self, method: str, path: str, **options: Any) -> Any:
        response = self._http.request(method, path, **options)
        if response.status_code >= 400:
            raise told(response)
        return response.json()
