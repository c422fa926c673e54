"""Asking, answering and agreeing as the two sides do it."""

from typing import Any

from registry.access.tables import Agreement, DecisionRow
from registry.db import reading, transaction
from registry.services import agreeing, asking, requesting
from registry.services.asking import Question
from registry.services.requesting import FiledRequest, Review
from tests.support.world import PublishedDataset, Startup, World

EU = {"country": "NL", "operator_country": "NL"}
"""Where the usual question will process."""


def precheck(world: World, published: PublishedDataset, **asked: Any) -> asking.DatasetAnswer:
    """The answer to somebody who has not signed in."""
    question = Question(datasets=(published.name,), **{"use": "train.gen", **EU, **asked})
    with reading(world.engine) as session:
        return asking.precheck(session, None, question, at=world.clock()).datasets[0]


def say(world: World, published: PublishedDataset, **said: Any) -> DecisionRow:
    """The archive's answer to a part that waits for it."""
    command = Review.model_validate(said)
    with transaction(world.engine) as session:
        return requesting.review(
            session, published.archive, command, origin=world.settings.origin, at=world.clock()
        )


def waiting_part(filed: FiledRequest) -> DecisionRow:
    """The part of a request that waits for its archive."""
    return next(one for one in filed.decisions if one.part == "review")


def accept_as_read(
    world: World, startup: Startup, agreement: Agreement, digest: str = ""
) -> Agreement:
    """Accept an agreement by its digest, or by another one."""
    with transaction(world.engine) as session:
        return agreeing.accept(
            session, startup.actor, agreement.id, digest or agreement.digest, at=world.clock()
        )
