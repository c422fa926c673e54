"""One meaning, read four ways: 100,000 random pairs of a policy and a row.

The rows and cells that a policy gives are worked out one row at a time by the sentences of SPEC.md
(here, in the plainest way), by the verdict, by filter and mask in Python, and by both in DuckDB.
``VRIJGAVE_TEST_POLICIES`` asks for more policies than 500; ``make soak`` does.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from policies import (
    Collection,
    Compiled,
    Conflict,
    Constraint,
    Decision,
    Duty,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Outcome,
    Place,
    Policy,
    Request,
    Rule,
    cleared,
    column_masks,
    columns_of,
    compile_selection,
    evaluate,
)
from policies.policy import Condition, Connective
from policies.residual import condition, covers, pending

POLICIES = int(os.environ.get("VRIJGAVE_TEST_POLICIES", "500"))
ROWS_EACH = 200
BATCH = 50
EDITION = "archive/films@3"
NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
TODAY = NOW.astimezone(ZoneInfo("Europe/Amsterdam")).date()
COLUMNS = ("title", "persons", "place", "media_url")
TEXTS = ["", "a", "B", "ä", "none", "ordinary", "'; --", '"', "\U0001f3de"]
VALUES: dict[str, list[Any]] = {
    "rights": TEXTS,
    "rightsholder": TEXTS,
    "personal_data": ["none", "ordinary", "special"],
    "embargo_until": [date.min, date(2026, 11, 23), TODAY, date(2026, 11, 25), date.max],
    "opt_out": [True, False],
}
LEFT = {
    "rights": "vg:rights",
    "rightsholder": "vg:rightsholder",
    "personal_data": "vg:personalData",
    "embargo_until": "vg:embargoUntil",
    "opt_out": "vg:optOut",
}
FACT = {left: fact for fact, left in LEFT.items()}
ONE = [Operator.EQ, Operator.NEQ, Operator.LT, Operator.LTEQ, Operator.GT, Operator.GTEQ]
MANY = [
    *(Operator.IS_ANY_OF, Operator.IS_NONE_OF, Operator.IS_ALL_OF),
    *(Operator.IS_A, Operator.IS_PART_OF, Operator.HAS_PART),
]
ASKED = [
    Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EU",)),
    Constraint("vg:userClass", Operator.IS_ANY_OF, ("commercial", "research")),
    Constraint("odrl:purpose", Operator.EQ, ("dpv:PublicBenefit",)),
    Constraint("vg:secureEnvironment", Operator.EQ, (True,)),
    Constraint("vg:column", Operator.EQ, ("title",)),
]


# --- random policies, requests and rows ------------------------------------------------------


@dataclass(frozen=True)
class Dice:
    """Draws policies and all that goes with them."""

    draw: random.Random

    def row(self) -> dict[str, Any]:
        """An item's facts, about one in five of them missing."""
        return {
            fact: None if self.draw.random() < 0.2 else self.draw.choice(values)
            for fact, values in VALUES.items()
        }

    def constraint(self) -> Constraint:
        """A comparison of a fact, now and then of something that the request tells."""
        if self.draw.random() < 0.15:
            return self.draw.choice(ASKED)
        fact = self.draw.choice(list(VALUES))
        if fact == "embargo_until" and self.draw.random() < 0.4:
            return Constraint(LEFT[fact], self.draw.choice(ONE), (Moment.USE,))
        operator = self.draw.choice([*ONE, *MANY])
        count = 1 if operator in ONE else self.draw.randint(1, min(3, len(VALUES[fact])))
        return Constraint(LEFT[fact], operator, tuple(self.draw.sample(VALUES[fact], count)))

    def condition(self, depth: int = 2) -> Condition:
        """A comparison, or some of them joined."""
        if depth == 0 or self.draw.random() < 0.65:
            return self.constraint()
        operands = tuple(self.condition(depth - 1) for _ in range(self.draw.randint(1, 3)))
        return Logical(self.draw.choice(list(Connective)), operands)

    def target(self, effect: Effect) -> str | Collection:
        """The edition, or some of its columns."""
        if self.draw.random() < 0.5:
            return EDITION
        operators = [Operator.EQ, Operator.NEQ, Operator.IS_ANY_OF, Operator.IS_NONE_OF]
        if effect is Effect.PROHIBITION:
            operators += [Operator.IS_ALL_OF] * 4
        operator = self.draw.choice(operators)
        count = 1 if operator in ONE else self.draw.randint(1, 3)
        names = tuple(self.draw.sample(COLUMNS, count))
        return Collection(EDITION, (Constraint("vg:column", operator, names),))

    def rule(self, number: int) -> Rule:
        """A permission or a prohibition."""
        effect = Effect.PERMISSION if self.draw.random() < 0.6 else Effect.PROHIBITION
        duties = (Duty("odrl:obtainConsent"), Duty("odrl:attribute"))
        return Rule(
            effect=effect,
            uid=f"rule-{number}",
            action=self.draw.choice(["odrl:use", "odrl:use", "vg:train", "vg:search"]),
            target=self.target(effect),
            constraints=tuple(self.condition() for _ in range(self.draw.choice([0, 1, 1, 2]))),
            duties=tuple(self.draw.sample(duties, self.draw.choice([0, 0, 1, 2])))
            if effect is Effect.PERMISSION
            else (),
        )

    def policy(self) -> Policy:
        """A set of up to six rules."""
        rules = tuple(self.rule(number) for number in range(self.draw.randint(1, 6)))
        strategies = [Conflict.PROHIBIT] * 6 + [Conflict.PERM] * 2 + [Conflict.INVALID]
        return Policy(Kind.SET, "urn:policy", rules, conflict=self.draw.choice(strategies))

    def request(self) -> Request:
        """Who asks for what."""
        return Request(
            use=self.draw.choice(["train.gen", "train", "search"]),
            user_class=self.draw.choice(["commercial", "education"]),
            purpose=self.draw.choice([None, "PublicBenefit"]),
            assignee=None,
            target=EDITION,
            place=Place(self.draw.choice(["NL", "US", None]), "NL", self.draw.random() < 0.5),
            at=NOW,
        )


# --- the plainest reading --------------------------------------------------------------------


def _truth(of: Condition, request: Request, row: Mapping[str, Any]) -> bool | None:
    if isinstance(of, Logical):
        return _joined(of.connective, [_truth(each, request, row) for each in of.operands])
    if of.left not in FACT:
        return condition(of, request).truth({})
    value = row[FACT[of.left]]
    return None if value is None else _compared(value, of.operator, of.right)


def _joined(connective: Connective, states: list[bool | None]) -> bool | None:
    if connective is Connective.OR:
        return True if True in states else None if None in states else False
    if connective is Connective.XONE:
        if states.count(True) > 1:
            return False
        return None if None in states else states.count(True) == 1
    return False if False in states else None if None in states else True


def _compared(value: Any, operator: Operator, right: tuple[Any, ...]) -> bool:
    given = [TODAY if each is Moment.USE else each for each in right]
    match operator:
        case Operator.EQ:
            return bool(value == given[0])
        case Operator.NEQ:
            return bool(value != given[0])
        case Operator.LT:
            return bool(value < given[0])
        case Operator.LTEQ:
            return bool(value <= given[0])
        case Operator.GT:
            return bool(value > given[0])
        case Operator.GTEQ:
            return bool(value >= given[0])
        case Operator.IS_NONE_OF:
            return value not in given
        case Operator.IS_ALL_OF | Operator.HAS_PART:
            return all(value == each for each in given)
        case _:
            return value in given


def _applies(rule: Rule, request: Request, row: Mapping[str, Any]) -> bool:
    about = covers(rule.effect, rule.action or "odrl:use", request.action)
    states = [about, *(_truth(each, request, row) for each in rule.constraints)]
    if rule.effect is Effect.PERMISSION:
        return all(state is True for state in states)
    return all(state is not False for state in states)


def _by_the_sentences(
    answer: Decision, asked: list[str], row: Mapping[str, Any]
) -> tuple[Outcome, list[str]]:
    """The outcome for the row and, where it is permitted, the columns shown."""
    policy, request = answer.policy, answer.request
    if answer.void:
        return Outcome.DENY, []
    live = [rule for rule in policy.rules if _applies(rule, request, row)]
    permissions = [rule for rule in live if rule.effect is Effect.PERMISSION]
    prohibitions = [rule for rule in live if rule.effect is Effect.PROHIBITION]
    if policy.conflict is Conflict.PERM:
        prohibitions = []
    if not permissions or any(columns_of(rule) is None for rule in prohibitions):
        return Outcome.DENY, []
    now = [rule for rule in permissions if not pending(rule)]
    if not now:
        return Outcome.REVIEW, []
    shown: list[str] = []
    for column in asked:
        if any(_names(rule, column) for rule in now) and not any(
            _names(rule, column) or _completes(rule, column, shown) for rule in prohibitions
        ):
            shown.append(column)
    return Outcome.PERMIT, shown


def _names(rule: Rule, column: str) -> bool:
    found = columns_of(rule)
    if found is None:
        return True
    names = set(found.names)
    match found.operator:
        case Operator.IS_ALL_OF:
            return names == {column}
        case Operator.EQ | Operator.IS_ANY_OF:
            return column in names
        case _:
            return column not in names


def _completes(rule: Rule, column: str, shown: list[str]) -> bool:
    found = columns_of(rule)
    together = found is not None and found.operator is Operator.IS_ALL_OF
    return together and found is not None and found.names <= {column, *shown}


# --- and the other three ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB on one thread."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def _load(database: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    kinds = {"embargo_until": pa.date32(), "opt_out": pa.bool_()}
    columns = {
        f"_{fact}": pa.array([row[fact] for row in rows], kinds.get(fact, pa.string()))
        for fact in VALUES
    }
    texts = {name: pa.array([f"{name} {n}" for n in range(len(rows))]) for name in COLUMNS}
    items = pa.table({"n": pa.array(range(len(rows))), **columns, **texts})
    database.register("delivered", items)
    database.execute("CREATE OR REPLACE TABLE items AS SELECT * FROM delivered")
    database.unregister("delivered")


def _in_sql(
    database: duckdb.DuckDBPyConnection, answer: Decision, asked: list[str], first: int
) -> list[tuple[Outcome, list[str]]]:
    """What one statement per outcome gives, as an extract is cut."""
    found: dict[int, tuple[Outcome, list[str]]] = {}
    columns = {fact: f"_{fact}" for fact in VALUES}
    for outcome in Outcome:
        masks = column_masks(answer, COLUMNS, asked) if outcome is Outcome.PERMIT else ()
        shown = {mask.column: mask.shown for mask in masks}
        selection = compile_selection(cleared(answer, outcome), shown, columns)
        cells = "".join(
            f', CASE WHEN ({text}) THEN "{name}" END' for name, text in selection.shown.items()
        )
        rows = database.execute(
            f"SELECT n{cells} FROM items WHERE n BETWEEN {first} AND {first + ROWS_EACH - 1} "  # noqa: S608 - the compiled text is what is tested
            f"AND ({selection.where})",
            selection.params or None,
        ).fetchall()
        for n, *values in rows:
            assert n not in found, "a row passed two filters"
            for name, value in zip(selection.shown, values, strict=True):
                assert value in (None, f"{name} {n}")
            shown_here = [
                name for name, v in zip(selection.shown, values, strict=True) if v is not None
            ]
            found[n] = (outcome, shown_here)
    return [found[n] for n in range(first, first + ROWS_EACH)]


def _in_python(
    answer: Decision, asked: list[str], rows: list[dict[str, Any]]
) -> list[tuple[Outcome, list[str]]]:
    filters = {outcome: cleared(answer, outcome) for outcome in Outcome}
    masks = column_masks(answer, COLUMNS, asked)
    found = []
    for row in rows:
        (outcome,) = (each for each, passes in filters.items() if passes.matches(row))
        permitted = outcome is Outcome.PERMIT
        found.append((outcome, [m.column for m in masks if permitted and m.shown.matches(row)]))
    return found


@pytest.mark.timeout(0)
def test_five_readings_of_a_policy_agree(database: duckdb.DuckDBPyConnection) -> None:
    """For every random policy and row: outcome and shown columns are the same (F5, M4, M5, M9)."""
    dice = Dice(random.Random(20261123))
    seen: Counter[str] = Counter()
    for begin in range(0, POLICIES, BATCH):
        rows = [dice.row() for _ in range(BATCH * ROWS_EACH)]
        _load(database, rows)
        for number in range(min(BATCH, POLICIES - begin)):
            mine = rows[number * ROWS_EACH : (number + 1) * ROWS_EACH]
            policy, request = dice.policy(), dice.request()
            answer, compiled = evaluate(policy, request), Compiled(policy)
            asked = dice.draw.sample(COLUMNS, dice.draw.randint(1, len(COLUMNS)))
            expected = [_by_the_sentences(answer, asked, row) for row in mine]
            assert [answer.verdict(row).outcome for row in mine] == [o for o, _ in expected]
            assert [compiled.outcome(request, row) for row in mine] == [o for o, _ in expected]
            assert _in_python(answer, asked, mine) == expected, answer.policy
            assert _in_sql(database, answer, asked, number * ROWS_EACH) == expected, answer.policy
            seen.update(outcome.value for outcome, _ in expected)
            seen["masked"] += sum(len(shown) < len(asked) for o, shown in expected if o == "permit")
    assert seen.total() - seen["masked"] == POLICIES * ROWS_EACH
    least = POLICIES * ROWS_EACH // 50 if POLICIES >= 500 else -1  # a few policies may be lopsided
    assert min(seen[kind] for kind in ("permit", "review", "deny", "masked")) > least, seen
