"""The residency rule in all its parts, and what new terms would change, over the interface."""

from tests.registry.api.world import World


def test_a_residency_rule_is_kept_whole_and_its_impact_told(world: World) -> None:
    """Stored where, and in which room: whoever did not say loses, as the request on record does."""
    reference = world.publish(slug="vooruitzicht")
    startup, archive = world.startup, world.archive
    environment = world.environment(name="Zaal 4", stored_country="NL", place="Zaal 4")
    assert startup.get(f"/environments/{environment}")["place"] == "Zaal 4"
    world.file_request(reference, environment)
    dataset = world.things["dataset_id"]
    rule = {
        "process": ["EU"],
        "operator": ["EU"],
        "store": ["NL"],
        "places": ["Zaal 3"],
        "secure_only": False,
    }
    assert archive.put(f"/datasets/{dataset}/residency", rule)["residency"] == rule
    told = archive.get(f"/datasets/{dataset}/impact")
    assert told["edition"] == reference
    assert told["asked"] > 0
    assert told["groups"]
    assert not any(group["gains"] for group in told["groups"])
    kept = {"name": "Zaal 3", "country": "NL", "stored_country": "NL", "operator_country": "NL"}
    assert all({**kept, "secure": False} not in group["places"] for group in told["groups"])
    assert told["recorded"]
    assert {one["after"] for one in told["recorded"]} == {"deny"}
