"""A service for the tests that try what nobody may: these change nothing in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.api.world import World, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service in which one archive and one start-up have one of everything."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        reference = running.publish(automatic=False)
        environment = running.environment()
        filed = running.file_request(reference, environment)
        decision = next(d for d in filed["decisions"] if d["state"] == "pending")
        running.things["decision_id"] = decision["id"]
        approved = {"approve": True}
        running.archive.post(f"/decisions/{decision['id']}/review", approved)
        agreement = running.startup.get(f"/requests/{filed['id']}")["agreements"][0]
        running.things |= {"agreement_id": agreement["id"], "digest": agreement["digest"]}
        accepted = {"digest": agreement["digest"]}
        running.startup.post(f"/agreements/{agreement['id']}/acceptance", accepted)
        running.extract(agreement["id"])
        running.token(environment)
        client = {"name": "machine", "scopes": ["extracts"]}
        running.things["seat_id"] = running.startup.get("/me")["id"]
        guest = {"email": "gast@taalmeester.example"}
        running.things["invitation_id"] = running.startup.post("/seat-invitations", guest)["id"]
        shut_out = {"organisation_name": "Weg", "country": "NL", "person_name": "W"}
        shut_out |= {"email": "w@weg.example", "slug": "wegwerk"}
        running.anyone.post("/organisations", shut_out)
        blocked = {"organisation": "wegwerk", "reason": "Geheim."}
        running.things["block_id"] = running.archive.post("/blocks", blocked)["id"]
        running.things["client_id"] = running.startup.post("/clients", client)["id"]
        proof = {"kind": "audit", "reference": "x", "holds_until": "2099-01-01T00:00:00Z"}
        proofs = f"/environments/{environment}/proofs"
        running.things["proof_id"] = running.startup.post(proofs, proof)["id"]
        links = f"/extracts/{running.things['extract_id']}/links"
        running.things["link_id"] = running.startup.post(links)["id"]
        running.take_back()
        auditor = {"organisation_name": "Bureau", "person_name": "Bo", "email": "bo@bureau.example"}
        running.things["mandate_id"] = running.archive.post("/auditors", auditor)["id"]
        yield running
