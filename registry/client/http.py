"""Speaking to the service: JSON in and out, problems as plain words, patience where it helps."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx2

from registry.client.errors import ClientError, Refused, Unreachable

TRIES = 5
LONGEST_WAIT = 30.0
_REFUSALS = {401, 403, 404, 410}
_BUSY = {429, 502, 503, 504}


class Service:
    """One service of Vrijgave, as one caller sees it.

    :param origin: scheme, host and port, without a slash at the end.
    :param token: an access token, or `None` for what anyone may ask.
    :param language: `nl` or `en`: in which language problems and reasons come back.
    """

    def __init__(
        self,
        origin: str,
        token: str | None = None,
        language: str = "en",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Accept-Language": language, "User-Agent": "vrijgave"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx2.Client(base_url=origin, headers=headers, timeout=httpx2.Timeout(60.0))
        self._sleep = sleep
        self.origin = origin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON at a path."""
        return self._json("GET", path, params=dict(params or {}))

    def text(self, path: str) -> str:
        """The text at a path."""
        return self._send("GET", path).text

    def posted(self, path: str, body: Any) -> Iterator[bytes]:
        """The answer to a POST of JSON, block by block; asked again while the service is busy."""
        for attempt in range(1, TRIES + 1):
            try:
                with self._http.stream("POST", path, json=body) as response:
                    if response.status_code < 400:
                        yield from response.iter_bytes()
                        return
                    response.read()
            except httpx2.TransportError as problem:
                raise self._unreachable(problem) from problem
            if response.status_code not in _BUSY or attempt == TRIES:
                raise told(response)
            self._sleep(wait_asked(response))

    def bytes(self, path: str) -> bytes:
        """The bytes at a path."""
        return self._send("GET", path).content

    def post(self, path: str, body: Any, key: str | None = None) -> Any:
        """Post JSON; with an idempotency key, so that trying again has one effect."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._json("POST", path, json=body, headers=headers)

    def put(self, path: str, body: str, kind: str) -> Any:
        """Put a text of that media type."""
        return self._json("PUT", path, content=body.encode(), headers={"Content-Type": kind})

    @contextmanager
    def stream(self, address: str, headers: Mapping[str, str]) -> Iterator[httpx2.Response]:
        """An answer whose bytes are still to come; network failures inside become `Unreachable`."""
        try:
            with self._http.stream("GET", address, headers=dict(headers)) as response:
                if response.status_code >= 400:
                    response.read()
                    raise told(response)
                yield response
        except httpx2.TransportError as problem:
            raise self._unreachable(problem) from problem

    def _json(self, method: str, path: str, **options: Any) -> Any:
        response = self._send(method, path, **options)
        try:
            return response.json()
        except ValueError:
            raise Unreachable(
                f"{self.origin} gave an answer that is not of Vrijgave.", "Check the address."
            ) from None

    def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        for attempt in range(1, TRIES + 1):
            try:
                response = self._http.request(method, path, **options)
            except httpx2.TransportError as problem:
                if attempt == TRIES or method != "GET":
                    raise self._unreachable(problem) from problem
                self._sleep(min(2.0**attempt, LONGEST_WAIT) / 4)
                continue
            if response.status_code in _BUSY and attempt < TRIES:
                self._sleep(wait_asked(response))
                continue
            if response.status_code >= 400:
                raise told(response)
            return response
        raise AssertionError("the last try returns or raises")

    def _unreachable(self, problem: Exception) -> Unreachable:
        return Unreachable(
            f"{self.origin} cannot be reached ({type(problem).__name__}).",
            "Check the address and your connection, then run the same command again.",
        )


def wait_asked(response: httpx2.Response) -> float:
    """Seconds that the service asks us to wait, within reason."""
    asked = response.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT) if asked.isdigit() else 1.0


def told(response: httpx2.Response) -> ClientError:
    """A problem answer in plain words; anything else by its status."""
    kind = Refused if response.status_code in _REFUSALS else ClientError
    if response.status_code >= 500:
        kind = Unreachable
    try:
        problem = response.json()
        lines = [str(problem["detail"])]
        lines += [f"  {field['path']}: {field['detail']}" for field in problem.get("fields", [])]
        way_out = str(problem.get("help", ""))
    except (ValueError, KeyError, TypeError):
        return kind(f"the service answered with status {response.status_code}")
    if problem.get("request_id"):
        lines.append(f"  (request {problem['request_id']})")
    return kind("\n".join(lines), way_out)
