"""Store, node and environment are held to the terms at the request and at every read."""

from datetime import timedelta
from typing import Any

import pytest

from registry.accounts.tables import Environment
from registry.db import transaction
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.services import proofs, requesting
from registry.services.proofs import DecideProof, NewProof
from registry.services.refusal import Refused
from registry.settings import Settings
from tests.support.extracting import Scene, a_scene
from tests.support.world import World


@pytest.fixture
def scene(sqlite_world: World) -> Scene:
    """An agreement for processing in the EU."""
    return a_scene(sqlite_world, 60)


def _code(answer: object) -> str:
    return answer.error.code if isinstance(answer, Refused) else "read"


def _moved(scene: Scene, **places: str) -> None:
    """The same service with its store or this node elsewhere."""
    facts = scene.world.settings.model_dump() | places
    scene.world.settings = Settings.model_validate(facts)


def _prove(scene: Scene, *, days: int = 30, by: Any = None, accept: bool = True) -> None:
    at = scene.world.clock()
    command = NewProof(
        environment_id=scene.startup.environment.id,
        kind="certificate",
        reference="ISO 27001, nr. 12",
        holds_until=at + timedelta(days=days),
    )
    with transaction(scene.world.engine) as session:
        proof = proofs.give_proof(session, scene.startup.actor, command, at=at)
    with transaction(scene.world.engine) as session:
        decided = DecideProof(proof_id=proof.id, accept=accept, reason="gezien")
        proofs.decide_proof(session, by or scene.published.archive, decided, at=at)


@pytest.mark.parametrize("place", ["store_region", "node_region"])
def test_a_store_or_node_outside_the_rule_stops_the_bytes(scene: Scene, place: str) -> None:
    """Terms for the EU: within it all is well, and a move to the US ends it with the reason."""
    ready = scene.cut()
    _moved(scene, **{place: "DE"})
    assert _code(scene.open(ready)) == "read"
    _moved(scene, **{place: "US"})
    refused = scene.open(ready)
    assert isinstance(refused, Refused)
    assert refused.error.code == "service-elsewhere"
    assert "US" in refused.error.text.en
    assert scene.entries("access:refused")[-1].facts["reasons"] == ["service-elsewhere"]


def test_the_service_s_place_counts_at_the_request_and_the_order(scene: Scene) -> None:
    """What the terms give nobody in the store's country is denied, and no extract is ordered."""
    regions = frozenset({"NL", "US"})
    ordered = scene.order_in(regions)
    assert _code(ordered) == "service-elsewhere"
    assert scene.entries("extract:refused")[-1].facts["reasons"] == ["service-elsewhere"]
    command = requesting.NewRequest(
        datasets=(scene.published.name,),
        environment_id=scene.startup.environment.id,
        use="train.gen",
    )
    world = scene.world
    with transaction(world.engine) as session:
        filed = requesting.file_request(
            session,
            scene.startup.actor,
            command,
            origin=world.settings.origin,
            at=world.clock(),
            regions=regions,
        )
    assert {one.part for one in filed.decisions} == {"deny"}


def test_a_named_place_counts_while_it_is_proven(scene: Scene) -> None:
    """What an environment says of its own place is known while a proof is accepted and holds."""
    world = scene.world

    def told() -> tuple[str | None, str | None]:
        with transaction(world.engine) as session:
            environment = session.get_one(Environment, scene.startup.environment.id)
            environment.stored_country, environment.place = "BE", "Zaal 3"
            place = requesting.place_of(environment, world.clock())
            return place.stored_country, place.name

    assert told() == ("BE", None)
    _prove(scene, days=2)
    assert told() == ("BE", "Zaal 3")
    world.clock.advance(days=2)
    assert told() == ("BE", None)


def test_a_proof_that_expires_stops_the_bytes(scene: Scene) -> None:
    """Accepted by the archive that was asked; at its end reading and asking both stop."""
    ready = scene.cut()
    _prove(scene, accept=False)
    assert _code(scene.open(ready)) == "read"
    _prove(scene, days=2)
    assert _code(scene.open(ready)) == "read"
    scene.world.clock.advance(days=2)
    assert _code(scene.open(ready)) == "proof-expired"
    with pytest.raises(NotAllowed, match="proof-expired"):
        scene.world.a_request(scene.startup, scene.published)
    _prove(scene, by=scene.world.an_operator())
    assert _code(scene.open(ready)) == "read"
    states = [entry.facts["state"] for entry in scene.entries("environment:proof-decided")]
    # The operator decides in another stream than the archive: only within one is there an order.
    assert sorted(map(str, states)) == ["accepted", "accepted", "refused"]


def test_who_may_give_and_decide(scene: Scene) -> None:
    """Nobody proves another's environment, decides on their own, or decides twice."""
    world, at = scene.world, scene.world.clock()
    other = world.an_archive()
    with pytest.raises(NotFound):
        _prove(scene, by=other)
    with pytest.raises(NotFound):
        _prove(scene, by=scene.startup.actor)
    with pytest.raises(InvalidInput):
        _prove(scene, days=0)
    operator, rival = world.an_operator(), world.a_startup().actor
    with transaction(world.engine) as session:
        waiting = proofs.waiting_proofs(session, operator)
        assert len(waiting) == 2
        assert proofs.waiting_proofs(session, None) == waiting
        accept = DecideProof(proof_id=waiting[0].id, accept=True)
        proofs.decide_proof(session, None, accept, at=at)
        with pytest.raises(Conflict, match="proof-decided"):
            proofs.decide_proof(session, operator, accept, at=at)
        own = scene.startup.environment.id
        for who in (scene.startup.actor, scene.published.archive, operator):
            assert len(proofs.list_proofs(session, who, own)) == 2
        with pytest.raises(NotFound):
            proofs.list_proofs(session, rival, own)


def test_what_is_secure_only_never_leaves(sqlite_world: World) -> None:
    """It is read inside: proven, by a token, from stated networks; in no browser and by no link."""
    published = sqlite_world.a_published_dataset(items=60, secure_only=True)
    startup = sqlite_world.a_startup(secure=True, networks=("192.0.2.0/24",))
    scene = Scene(sqlite_world, published, startup, sqlite_world.an_agreement(startup, published))
    ready, own = scene.cut(), startup.environment.id
    token: dict[str, Any] = {"environment_id": own, "credential_id": "token_x"}
    assert _code(scene.open(ready, **token)) == "secure-unproven"
    _prove(scene)
    assert _code(scene.open(ready, **token)) == "read"
    assert _code(scene.open(ready)) == "secure-only"
    assert _code(scene.open(ready, **token, by_link=True)) == "secure-only"
    with transaction(sqlite_world.engine) as session:
        session.get_one(Environment, own).networks = []
    assert _code(scene.open(ready, **token)) == "secure-only"
