"""What new terms would change is told to the owner, before they are offered."""

import pytest

from catalog.terms import ResidencyRule
from policies import Outcome
from registry.accounts.actors import Actor
from registry.db import transaction
from registry.errors import Conflict, NotFound
from registry.services import impacting, publishing
from registry.services.impacting import Foretold
from tests.support.extracting import Scene, a_scene
from tests.support.world import World


@pytest.fixture
def scene(sqlite_world: World) -> Scene:
    """An agreement on an offer for processing in the EU."""
    return a_scene(sqlite_world, 60)


def _foretold(scene: Scene, who: Actor | None = None) -> Foretold:
    world = scene.world
    with transaction(world.engine) as session:
        return impacting.foretell(
            session,
            who or scene.published.archive,
            scene.published.dataset.id,
            origin=world.settings.origin,
            at=world.clock(),
        )


def _resides(scene: Scene, rule: ResidencyRule) -> None:
    world, published = scene.world, scene.published
    with transaction(world.engine) as session:
        publishing.set_residency(
            session, published.archive, published.dataset.id, rule, at=world.clock()
        )


def test_the_same_terms_change_nothing(scene: Scene) -> None:
    """Nobody gains or loses; the agreement that runs is told."""
    found = _foretold(scene)
    assert (found.impact.groups, found.impact.recorded) == ((), ())
    assert (found.agreements, found.reference) == (1, f"{scene.published.name}@1")


def test_who_has_asked_and_would_get_nothing_now(scene: Scene) -> None:
    """Moved to Belgium alone, whoever processes in the Netherlands loses what was permitted."""
    _resides(scene, ResidencyRule(process=("BE",)))
    found = _foretold(scene).impact
    [lost] = [shift for shift in found.recorded if shift.before is Outcome.PERMIT]
    assert lost.request.assignee is not None
    assert lost.request.assignee.endswith(scene.startup.actor.organisation_slug)
    assert not lost.gains
    assert lost.count > 0
    assert not any(group.gains for group in found.groups)
    assert {p.country for group in found.groups for p in group.places} == {"NL", "AT"}


def test_who_would_gain_elsewhere(scene: Scene) -> None:
    """Opened to countries with adequate protection, Japan gains and nobody loses."""
    _resides(scene, ResidencyRule(process=("EU", "adequate")))
    groups = _foretold(scene).impact.groups
    assert groups
    assert all(group.gains for group in groups)
    assert {"JP"} <= {p.country for group in groups for p in group.places} <= {"JP", "AD"}


def test_only_the_owner_and_only_what_is_offered(scene: Scene) -> None:
    """Another archive finds no such dataset; without an offer there is nothing to compare."""
    world = scene.world
    with pytest.raises(NotFound):
        _foretold(scene, world.an_archive())
    with transaction(world.engine) as session:
        publishing.withdraw_offer(
            session, scene.published.archive, scene.published.offer.id, at=world.clock()
        )
    with pytest.raises(Conflict, match="nothing-offered"):
        _foretold(scene)
