"""The vocabulary: whole, documented, and enforced when an act is recorded."""

import pytest

from registry.audit import Act, VocabularyError
from registry.audit.acts import FACTS, IDS, PERSONS, SHAPES, check
from registry.audit.values import is_act, is_name
from tests.registry.audit.vocabulary import FORMAT, MARK, tables


def test_every_act_has_its_line() -> None:
    """No act without a shape, and no shape with an id or fact that is not explained."""
    assert set(SHAPES) == set(Act)
    for shape in SHAPES.values():
        assert shape.ids <= shape.all_ids <= IDS.keys()
        assert shape.facts <= shape.all_facts <= FACTS.keys()
    assert all(map(is_act, Act))
    assert all(map(is_name, [*IDS, *FACTS]))
    assert IDS.keys() >= PERSONS


def test_every_name_is_used() -> None:
    """An id or fact that no act may carry would be a dead word."""
    ids: set[str] = set()
    facts: set[str] = set()
    for shape in SHAPES.values():
        ids |= shape.all_ids
        facts |= shape.all_facts
    assert ids == IDS.keys()
    assert facts == FACTS.keys()


def test_the_page_tells_the_vocabulary() -> None:
    """FORMAT.md section 6 is what acts.py says (``python -m tests.registry.audit.vocabulary``)."""
    assert FORMAT.read_text(encoding="utf-8").partition(MARK)[2].strip() == tables().strip()


def test_a_whole_act_is_taken() -> None:
    """What the line asks for, with something it allows, passes."""
    check(
        Act.REQUEST_DECIDED,
        {"request": "rq_1", "decision": "dc_1", "dataset": "ds_1", "environment": "env_1"},
        {"outcome": "deny", "reasons": ["embargo"], "items": 3},
    )


@pytest.mark.parametrize(
    ("ids", "facts", "told"),
    [
        ({}, {}, "id `dataset` is missing; fact `kinds` is missing"),
        ({"dataset": "ds_1"}, {"kinds": "rights"}, "fact `kinds` is not a codes: 'rights'"),
        ({"dataset": "ds 1"}, {"kinds": []}, "id `dataset` is not an id"),
        ({"dataset": "ds_1", "item": "x"}, {"kinds": []}, "id `item` does not belong to it"),
        ({"dataset": "ds_1"}, {"kinds": [], "title": "x"}, "fact `title` does not belong to it"),
        ({"dataset": "ds_1", "extract": "x"}, {"kinds": []}, "id `extract` does not belong"),
    ],
)
def test_a_wrong_act_is_a_fault_in_code(
    ids: dict[str, str], facts: dict[str, object], told: str
) -> None:
    """Missing, unknown and ill-formed ids and facts are refused, all at once, by name."""
    with pytest.raises(VocabularyError) as caught:
        check(Act.DATASET_DECLARED, ids, facts)
    assert told in str(caught.value)
