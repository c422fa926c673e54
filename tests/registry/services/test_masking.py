"""What an extract shows of its columns comes from the agreement's policy, and from nothing else."""

from dataclasses import dataclass, replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from connectors.ports import (
    NEVER,
    NO_PROGRESS,
    Extractor,
    ExtractPlan,
    ExtractResult,
    OnProgress,
    ShouldStop,
)
from policies import (
    Collection,
    Constraint,
    Effect,
    Operator,
    Rule,
    columns_of,
    dump_policy,
    parse_policy,
)
from registry.access.tables import Agreement, Extract
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import Conflict
from registry.services import extracts
from tests.support.extracting import Scene


def _prohibit(scene: Scene, *rules: Rule, keep: bool = True) -> None:
    """State the agreement anew: with these rules, and with or without those about columns."""
    with transaction(scene.world.engine) as session:
        agreement = session.get_one(Agreement, scene.agreement.id)
        policy = parse_policy(agreement.document)
        kept = tuple(rule for rule in policy.rules if keep or columns_of(rule) is None)
        added = [replace(r, assigner=policy.assigner, assignee=policy.assignee) for r in rules]
        agreement.document = dump_policy(replace(policy, rules=(*kept, *added)))
        agreement.digest = digest(agreement.document)
        session.add(agreement)


def _rule(scene: Scene, operator: Operator, *columns: str, **more: Any) -> Rule:
    these = Constraint("vg:column", operator, columns)
    target = Collection(f"{scene.published.name}@1", (these,))
    return Rule(Effect.PROHIBITION, "urn:rule", "odrl:use", target=target, **more)


def _cut(scene: Scene, *columns: str) -> Extract:
    made = scene.world.a_ready_extract(scene.startup, scene.agreement, columns)
    scene.world.clock.advance(seconds=1)
    return made


def _rows(scene: Scene, made: Extract) -> list[dict[str, Any]]:
    with reading(scene.world.engine) as session:
        parts = extracts.parts_of(session, made)
    return [
        row
        for part in parts
        for row in pq.read_table(scene.world.ports.store.path(part.key)).to_pylist()
    ]


def test_an_offer_states_what_it_withholds(on_sqlite: Scene) -> None:
    """The columns that the owner did not release are a prohibition in offer and agreement."""
    policy = parse_policy(on_sqlite.published.offer.document)
    withheld = {rule.uid.partition("#")[2]: columns_of(rule) for rule in policy.rules}
    named = {name: sorted(found.names) for name, found in withheld.items() if found}
    assert named == {"personal-content": ["persons"], "media-address": ["media_url"]}
    assert sorted(on_sqlite.published.offer.masked) == ["media_url", "persons"]
    agreed = parse_policy(on_sqlite.agreement.document)
    assert sum(columns_of(rule) is not None for rule in agreed.rules) == 2


def test_the_manifest_says_which_columns_are_masked_and_why(on_sqlite: Scene) -> None:
    """By column: in all rows or some, the rule, and a sentence in each language."""
    made = on_sqlite.cut()
    masks = {mask["column"]: mask for mask in made.manifest["masks"]}
    assert set(masks) == set(made.manifest["masked"]) == {"persons", "media_url"}
    (reason,) = masks["persons"]["reasons"]
    assert masks["persons"]["rows"] == "all"
    assert reason["code"] == "masked:column"
    assert reason["rule"].endswith("#personal-content")
    assert "`persons`" in reason["nl"]
    assert reason["nl"] != reason["en"]
    stored = made.snapshot["masks"]["columns"]
    assert {one["column"]: one["shown"] for one in stored} == dict.fromkeys(masks, "FALSE")


def test_a_mask_may_hang_on_the_item(on_sqlite: Scene) -> None:
    """A column prohibited for some statements is NULL there and shown in the other rows."""
    whole = _rows(on_sqlite, _cut(on_sqlite, "title_nl"))
    one = min(row["_rights"] for row in whole)
    here = Constraint("vg:rights", Operator.EQ, (one,))
    _prohibit(on_sqlite, _rule(on_sqlite, Operator.EQ, "title_nl", constraints=(here,)))
    made = _cut(on_sqlite, "title_nl", "date")
    rows = _rows(on_sqlite, made)
    assert {row["_rights"] for row in rows} > {one}
    titles = {row["_item"]: row["title_nl"] for row in whole}
    for row in rows:
        assert row["title_nl"] == (None if row["_rights"] == one else titles[row["_item"]])
    (mask,) = made.manifest["masks"]
    assert (mask["column"], mask["rows"]) == ("title_nl", "some")
    assert made.snapshot["masks"]["params"]
    on_sqlite.world.check_log()


def test_columns_apart_stay_apart_over_extracts(on_sqlite: Scene) -> None:
    """Items keep their id, so two extracts can be laid together: the second column stays empty."""
    _prohibit(on_sqlite, _rule(on_sqlite, Operator.IS_ALL_OF, "date", "title_nl"))
    both = _cut(on_sqlite, "title_nl", "date")
    assert both.manifest["masked"] == ["date"]
    assert both.manifest["masks"][0]["reasons"][0]["code"] == "masked:together"
    alone = _cut(on_sqlite, "date")
    assert alone.manifest["masked"] == ["date"]
    assert {row["date"] for row in _rows(on_sqlite, alone)} == {None}
    turned = _cut(on_sqlite, "date", "title_nl")
    assert turned.columns == ["date", "title_nl"]
    assert turned.manifest["masked"] == ["date"]
    again = _cut(on_sqlite, "title_nl", "date")
    assert again.identity == both.identity


def test_a_column_not_asked_before_may_be_shown(on_sqlite: Scene) -> None:
    """Who asks first for the one gets the one; an extract that was cancelled counts for nothing."""
    world = on_sqlite.world
    _prohibit(on_sqlite, _rule(on_sqlite, Operator.IS_ALL_OF, "date", "title_nl"))
    ordered = world.an_ordered_extract(on_sqlite.startup, on_sqlite.agreement)
    with transaction(world.engine) as session:
        extracts.cancel_extract(session, on_sqlite.startup.actor, ordered.id, at=world.clock())
    assert _cut(on_sqlite, "date").manifest["masked"] == []
    assert _cut(on_sqlite, "title_nl").manifest["masked"] == ["title_nl"]


def test_the_mask_is_part_of_what_an_extract_is(on_sqlite: Scene) -> None:
    """Equal rows and columns with another mask are another extract."""
    before = _cut(on_sqlite, "title_nl")
    _prohibit(on_sqlite, _rule(on_sqlite, Operator.EQ, "title_nl"))
    assert _cut(on_sqlite, "title_nl").identity != before.identity


def test_an_agreement_of_the_first_release_keeps_its_masks(on_sqlite: Scene) -> None:
    """Its policy says nothing of columns; what its offer masked stays masked."""
    _prohibit(on_sqlite, keep=False)
    made = on_sqlite.cut()
    assert set(made.manifest["masked"]) == {"persons", "media_url"}
    assert {row["persons"] for row in _rows(on_sqlite, made)} == {None}
    rules = {mask["reasons"][0]["rule"] for mask in made.manifest["masks"]}
    assert rules == {f"{on_sqlite.published.offer.id}#withheld"}


def test_a_policy_about_other_columns_is_refused(on_sqlite: Scene) -> None:
    """A rule about a column that is not there may be about one of another name: nothing is cut."""
    _prohibit(on_sqlite, _rule(on_sqlite, Operator.EQ, "names"))
    with pytest.raises(Conflict, match="policy-not-compiled") as caught:
        on_sqlite.order()
    assert "`names`" in caught.value.text.en
    assert caught.value.text.nl != caught.value.text.en
    assert on_sqlite.entries("extract:ordered") == []


@dataclass
class Unmasking:
    """An extractor that shows what it should mask."""

    inner: Extractor

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Cut with every column shown in every row."""
        shown = tuple(replace(one, expression=one.name, shown=None) for one in plan.columns)
        return self.inner.extract(
            replace(plan, columns=shown), on_progress=on_progress, should_stop=should_stop
        )


def test_a_value_where_none_was_cleared_lets_nothing_out(on_sqlite: Scene) -> None:
    """The cells written are counted too: one too many, and the extract fails closed."""
    made = on_sqlite.cut(Unmasking(on_sqlite.world.ports.extractor))
    assert (made.state, made.problem["code"]) == ("failed", "rows-disagree")
    assert "cleared" in made.problem["en"]
    assert made.problem["nl"] != made.problem["en"]
    assert list(on_sqlite.world.ports.store.keys("parts/")) == []
