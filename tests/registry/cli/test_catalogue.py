"""The catalogue is registered with a register that does as NDE's says it does."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from rdflib import SH
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from registry.services.announcing import announce
from tests.catalog.renderings.shapes import findings
from tests.registry.api.world import World, open_world, serving
from tests.registry.cli.conftest import Run
from tests.support.service import free_port


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service that has no datasets yet."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        yield running


async def _take(request: Request) -> Response:
    """Fetch what is told, hold it to the requirements, and answer as the interface says."""
    told = await request.json()
    async with httpx2.AsyncClient() as client:
        found = await client.get(told["@id"])
    if found.status_code != 200:
        return Response(status_code=404)
    catalogue = found.json()
    if not catalogue["dataset"]:
        return Response(status_code=406)
    wrong = findings("nde", catalogue, SH.Violation)
    return Response("\n".join(wrong), 400 if wrong else 202)


@pytest.fixture
def register() -> Iterator[str]:
    """The address of the register's interface."""
    port = free_port()
    with serving(Starlette(routes=[Route("/api/datasets", _take, methods=["POST"])]), port):
        yield f"http://127.0.0.1:{port}/api"


def test_a_catalogue_is_taken_once_it_has_datasets(run: Run, world: World, register: str) -> None:
    """A dry run sends nothing; what scores below 95 is named with what it lacks."""
    dry = run(None, "catalogue", "register", "--dry-run")
    assert (dry.status, dry.out) == (
        0,
        f"would send {world.origin}/catalogue/nde.jsonld to"
        " https://datasetregister.netwerkdigitaalerfgoed.nl/api/datasets\n",
    )
    empty = run(None, "catalogue", "register", "--at", register)
    assert (empty.status, "no datasets" in empty.out) == (1, True)
    name = world.publish(slug="journaals-nde").partition("@")[0]
    taken = run(None, "catalogue", "register", "--at", register)
    assert taken.status == 0
    assert f"{name}\t90\tlacks coverage, inLanguage" in taken.out
    assert "the register took the catalogue" in taken.out


def test_what_the_register_refuses_is_told(world: World, register: str) -> None:
    """Not there, unknown to it, or not reached at all: each in words."""
    networks = world.app.state.runtime.settings.closed_networks
    missing = announce(f"{world.origin}/nowhere", register, networks)
    assert missing.text == "the register cannot reach the catalogue"
    away = announce(world.origin, "http://127.0.0.1:9", networks)
    assert (away.taken, away.text) == (False, "the register cannot be asked (unreachable)")
    assert "(not-public)" in announce(world.origin, "https://10.0.0.1/api", ()).text
