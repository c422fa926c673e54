"""Persons over HTTP: the operator erases them, and sees how long their fields are kept."""

from tests.registry.api.test_auditing import signed_in
from tests.registry.api.world import World


def test_a_person_is_erased_by_the_operator_alone(world: World) -> None:
    """Their session ends with them; nobody else erases, and nobody who is not there is erased."""
    who = {"person_name": "Wim", "email": "wim@weg.example", "country": "NL"}
    made = world.operator.post("/invitations", {**who, "organisation_name": "Weg", "role": "user"})
    seat = made["seat_id"]
    with signed_in(world, who["email"]) as person:
        for caller in (world.archive, world.auditor, person):
            assert caller.http.delete(f"/people/{seat}").status_code == 403
        assert world.operator.http.delete("/people/seat_none").status_code == 404
        for _ in range(2):
            assert world.operator.http.delete(f"/people/{seat}").json() == {"seat_id": seat}
        assert person.http.get("/me").status_code == 401
    newest = world.operator.get("/audit/entries")["items"]
    erased = next(one for one in newest if one["act"] == "actor:erased")
    assert seat not in str(erased), "the log names the person by a pseudonym without a key"


def test_whoever_has_an_address_is_erased_and_it_is_listed(world: World) -> None:
    """Once; nobody has it then. Only the operator sees erasures and periods."""
    who = {"person_name": "Sam", "email": "sam@weg.example", "country": "NL"}
    seat = world.operator.post("/invitations", {**who, "organisation_name": "Sam", "role": "user"})[
        "seat_id"
    ]
    done = world.operator.post("/erasures", {"email": "SAM@weg.example"})
    assert (done["removed"], done["reason"]) == ({"people": 1}, "on-request")
    assert done["id"] in {one["id"] for one in world.operator.get("/erasures")}
    again = world.operator.http.post("/erasures", json={"email": who["email"]})
    assert (again.status_code, again.json()["code"]) == (404, "not-found")
    assert world.operator.http.delete(f"/people/{seat}").status_code == 200
    profiles = world.operator.get("/retention")
    assert {one["name"]: one["months"] for one in profiles} == dict.fromkeys(
        ("people", "addresses", "messages", "claims"), 60
    )
    for caller in (world.archive, world.auditor, world.startup):
        assert caller.http.post("/erasures", json={"email": "x@y.nl"}).status_code == 403
        assert caller.http.get("/erasures").status_code == 403
        assert caller.http.get("/retention").status_code == 403
