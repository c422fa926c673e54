"""People who use a service that keeps dying, and who remember all that they were told."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2

from registry.audit.checkpoint import TreeHead, split_note

STOPS_WITHIN = 2.0
"""Seconds after a revocation was acknowledged; no byte may come later."""
_PAUSE = 0.05


@dataclass(frozen=True)
class Stage:
    """Where the service is, whose tokens there are, and what they are about."""

    origin: str
    startup: str
    archive: str
    kept: str
    """Agreement that stays in force, and an extract under it."""
    kept_extract: str
    doomed: str
    """Agreement that will be revoked, and an extract under it."""
    doomed_extract: str


@dataclass
class History:
    """What clients were told, and what they got."""

    orders: dict[str, str] = field(default_factory=dict)
    """Extract per idempotency key."""
    received: Counter[str] = field(default_factory=Counter)
    """Bytes per extract."""
    heads: set[TreeHead] = field(default_factory=set)
    """Of the log, as it was published."""
    revoked_at: float | None = None
    wrong: list[str] = field(default_factory=list)


class Clients:
    """All of them, each in a thread of its own."""

    def __init__(self, stage: Stage) -> None:
        self.history = History()
        self._stage = stage
        self._over = threading.Event()
        self._half_way = threading.Event()
        acts = (self._order, self._read, self._revoke, self._watch)
        self._threads = [threading.Thread(target=self._live, args=(act,)) for act in acts]
        for thread in self._threads:
            thread.start()

    def half_way(self) -> None:
        """Now the archive may revoke."""
        self._half_way.set()

    def stop(self) -> History:
        """Let everyone end what they are at; what they remember."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self.history

    def _live(self, act: Callable[[httpx2.Client], None]) -> None:
        with httpx2.Client(base_url=f"{self._stage.origin}/v1", timeout=20) as http:
            act(http)

    def _moments(self) -> Iterator[None]:
        while not self._over.wait(_PAUSE):
            yield

    def _order(self, http: httpx2.Client) -> None:
        """Order extracts, each under a key of its own until the answer came, and once more."""
        key = uuid4().hex
        for _ in self._moments():
            answer = self._post(
                http,
                f"/agreements/{self._stage.kept}/extracts",
                self._stage.startup,
                key,
                {},
            )
            if answer is None:
                continue
            extract = answer.json()["id"]
            if self.history.orders.setdefault(key, extract) != extract:
                self.history.wrong.append(f"key {key} gave two extracts")
            elif answer.headers.get("idempotency-replayed"):
                key = uuid4().hex
                self._over.wait(0.5)

    def _read(self, http: httpx2.Client) -> None:
        for _ in self._moments():
            for extract in (self._stage.kept_extract, self._stage.doomed_extract):
                self._read_some(http, extract)

    def _read_some(self, http: httpx2.Client, extract: str) -> None:
        begun = time.monotonic()
        headers = {**_bearer(self._stage.startup), "Range": "bytes=0-4095"}
        try:
            with http.stream("GET", f"/extracts/{extract}/parts/1", headers=headers) as answer:
                if answer.status_code != 206:
                    self._refused(extract, answer)
                    return
                for block in answer.iter_raw():
                    self.history.received[extract] += len(block)
                    self._late(extract, begun)
        except httpx2.TransportError:
            return

    def _refused(self, extract: str, answer: httpx2.Response) -> None:
        text = answer.read().decode()[:300]
        may_be = extract == self._stage.doomed_extract and self._half_way.is_set()
        if answer.status_code < 500 and not may_be:
            self.history.wrong.append(f"read refused, {answer.status_code}: {text}")

    def _late(self, extract: str, begun: float) -> None:
        revoked = self.history.revoked_at
        if extract != self._stage.doomed_extract or revoked is None:
            return
        if begun > revoked or time.monotonic() > revoked + STOPS_WITHIN:
            self.history.wrong.append("bytes left after the revocation was acknowledged")

    def _revoke(self, http: httpx2.Client) -> None:
        self._half_way.wait()
        for _ in self._moments():
            answer = self._post(
                http,
                f"/agreements/{self._stage.doomed}/revocation",
                self._stage.archive,
                "the-revocation",
                {"reason": "Bezwaar van de maker."},
            )
            if answer is not None:
                self.history.revoked_at = time.monotonic()
                return

    def _watch(self, http: httpx2.Client) -> None:
        for _ in self._moments():
            with suppress(httpx2.TransportError):
                answer = http.get("/audit/checkpoint")
                if answer.status_code == 200:
                    self.history.heads.add(TreeHead.parse(split_note(answer.text)[0]))

    def _post(
        self, http: httpx2.Client, path: str, token: str, key: str, body: dict[str, str]
    ) -> httpx2.Response | None:
        """The answer of a service that was there; a refusal of what is allowed is remembered."""
        headers = {**_bearer(token), "Idempotency-Key": key}
        try:
            answer = http.post(path, json=body, headers=headers)
        except httpx2.TransportError:
            return None
        if answer.status_code < 400:
            return answer
        if answer.status_code < 500:
            self.history.wrong.append(f"{answer.status_code}: {answer.text[:300]}")
        return None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
