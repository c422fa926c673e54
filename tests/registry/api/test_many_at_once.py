"""Many who write at the same moment: each is answered, and none waits for a thread for ever."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
from sqlalchemy import text

from registry.db import transaction
from registry.turns import Turns
from tests.registry.api.world import World

CROWD = 60
"""More than the threads that a server has unless told otherwise."""


def _queue(world: World) -> Turns:
    queue: Turns = world.app.state.runtime.engine.get_execution_options()["turns"]
    return queue


def _until_waiting(world: World, count: int) -> None:
    until = time.monotonic() + 30
    while len(_queue(world)._waiting) < count:
        assert time.monotonic() < until, "they do not queue"
        time.sleep(0.01)


def test_a_crowd_in_threads_starves_nobody(world: World) -> None:
    """One waits to write without a thread, then sixty with one each: all of them are served."""
    register = {"slug": "in-a-crowd", "title_nl": "Drukte", "title_en": "Crowd"}
    world.archive.get("/me")
    origin = world.origin

    def sign_in() -> int:
        bad = {"link": "vg_link_unknown"}
        return httpx2.post(f"{origin}/v1/sessions", json=bad, timeout=60).status_code

    with ThreadPoolExecutor(CROWD + 1) as pool:
        with transaction(world.app.state.runtime.engine) as session:
            session.execute(text("DELETE FROM idempotency_key WHERE key = 'no such key'"))
            first = pool.submit(world.archive.http.post, "/datasets", json=register)
            _until_waiting(world, 1)
            crowd = [pool.submit(sign_in) for _ in range(CROWD)]
            _until_waiting(world, CROWD + 1)
        began = time.monotonic()
        assert first.result().status_code == 201
        assert {one.result() for one in crowd} == {401}
        assert time.monotonic() - began < 20
