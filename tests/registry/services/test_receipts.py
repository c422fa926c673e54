"""Every decision and extract comes with a receipt that verifies without us."""

import pytest

from registry.accounts.actors import Actor
from registry.audit.entry import Entry
from registry.audit.keys import open_signer
from registry.audit.receipts import verify_receipt
from registry.db import reading
from registry.errors import NotFound, Unavailable
from registry.services.receipts import receipt_of
from tests.support.extracting import Scene


def proven(scene: Scene, who: Actor, about: str) -> Entry:
    """The entry that a receipt proves under the log's key."""
    with reading(scene.world.engine) as session:
        receipt = receipt_of(session, who, about, at=scene.world.clock())
    return verify_receipt(receipt, [open_signer(scene.world.settings).verifier])[0]


def test_both_sides_and_an_auditor_get_the_receipt(scene: Scene) -> None:
    """Of the decision, and of the extract that it was made; an ordered one, of its order."""
    extract = scene.cut()
    ordered = scene.world.an_ordered_extract(scene.startup, scene.agreement)
    scene.world.check_log()
    asked = {
        scene.agreement.decision_id: ("request:decided", "decision"),
        extract.id: ("extract:made", "extract"),
        ordered.id: ("extract:ordered", "extract"),
    }
    for who in (scene.startup.actor, scene.published.archive, scene.world.an_operator()):
        for about, (act, name) in asked.items():
            entry = proven(scene, who, about)
            assert (entry.act, entry.ids[name]) == (act, about)


def test_nobody_else_gets_it_and_it_may_be_a_moment_away(on_sqlite: Scene) -> None:
    """A rival finds no such decision; before the tree has grown it is asked for again."""
    decision, world = on_sqlite.agreement.decision_id, on_sqlite.world
    with pytest.raises(NotFound):
        proven(on_sqlite, world.a_startup().actor, decision)
    with pytest.raises(Unavailable) as wait:
        proven(on_sqlite, on_sqlite.startup.actor, decision)
    assert wait.value.headers == {"retry-after": "1"}
