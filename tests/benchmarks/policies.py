"""Decisions in process against Cedar, policies by the hundred thousand, and counts of an answer.

The same policy of 10 rules (6 permissions, 4 prohibitions) over user class, a hierarchy of uses,
region and time stands in ODRL and in Cedar; both answer the same requests, and the answers must be
equal before anything is timed. Cedar's side is its Python binding, the crossing in JSON included.
"""

import json
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cedarpy
import duckdb

from policies import (
    ITEM_FACTS,
    USES,
    Compiled,
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Moment,
    Operator,
    Outcome,
    Place,
    Policy,
    PolicyIndex,
    Request,
    Rule,
    cleared,
    compile_filter,
    match,
    regions_of,
    summarise,
)
from policies.regions import members
from tests.benchmarks.line import Line

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
EEA = sorted(members("EEA"))
PASSES = 20
RULES: list[tuple[bool, tuple[str, ...], str, tuple[str, ...] | None, bool]] = [
    # permits, user classes, use, processed in (None: outside the EEA for a prohibition), timed
    (True, ("research",), "vg:train", ("EEA",), True),
    (True, ("heritage",), "vg:enrich", ("EEA",), False),
    (True, ("commercial",), "vg:infer", ("EEA",), True),
    (True, ("commercial",), "vg:search", ("NL",), True),
    (True, ("education", "research"), "vg:analyse", ("EEA",), False),
    (True, ("government",), "vg:evaluate", ("EEA",), False),
    (False, ("commercial",), "vg:train.gen", (), False),
    (False, (), "vg:synthesise", (), False),
    (False, (), "vg:any", None, False),
    (False, ("commercial", "government"), "vg:infer.transform", (), True),
]


def _odrl(target: str) -> Policy:
    rules = []
    for number, (permits, classes, use, regions, timed) in enumerate(RULES):
        constraints = []
        if classes:
            constraints.append(Constraint("vg:userClass", Operator.IS_ANY_OF, classes))
        if regions is None:
            constraints.append(Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EEA",)))
        elif regions:
            constraints.append(Constraint("vg:processedIn", Operator.IS_ANY_OF, regions))
        if timed:
            constraints.append(Constraint("odrl:dateTime", Operator.GTEQ, (START,)))
            constraints.append(Constraint("odrl:dateTime", Operator.LT, (END,)))
        effect = Effect.PERMISSION if permits else Effect.PROHIBITION
        rules.append(Rule(effect, f"rule-{number}", use, target, constraints=tuple(constraints)))
    return Policy(
        Kind.SET, f"https://example.org/{target}", tuple(rules), conflict=Conflict.PROHIBIT
    )


def _cedar(target: str) -> str:
    lines = []
    for permits, classes, use, regions, timed in RULES:
        tests = [f'context.use in Use::"{use}"']
        if classes:
            tests.append(f"{json.dumps(classes)}.contains(context.user_class)")
        if regions is None:
            tests.append(f"!({json.dumps(EEA)}.contains(context.country))")
        elif regions:
            countries = sorted(set().union(*(members(region) for region in regions)))
            tests.append(f"{json.dumps(countries)}.contains(context.country)")
        if timed:
            start, end = int(START.timestamp()), int(END.timestamp())
            tests.append(f"context.at >= {start} && context.at < {end}")
        word = "permit" if permits else "forbid"
        where = f'principal, action == Action::"use", resource == Dataset::"{target}"'
        lines.append(f"{word}({where}) when {{ {' && '.join(tests)} }};")
    return "\n".join(lines)


def _requests(count: int, targets: int) -> list[Request]:
    draw = random.Random(1)
    uses = [term.removeprefix("vg:") for term in USES if term != "vg:any"]
    asked = [use for use in uses if not any(f"{use}." in other for other in uses)]
    return [
        Request(
            use=draw.choice(asked),
            user_class=draw.choice(
                ["commercial", "research", "heritage", "education", "government"]
            ),
            purpose=None,
            assignee=None,
            target=f"archive/films@{draw.randrange(targets)}",
            place=Place(draw.choice([*EEA * 3, "US", "CN", "GB"]), None),
            at=START + timedelta(seconds=draw.randrange(-(10**7), 10**8)),
        )
        for _ in range(count)
    ]


def _cedar_decider() -> Callable[[Request], bool]:
    entities = [
        {
            "uid": {"type": "Use", "id": term},
            "attrs": {},
            "parents": [{"type": "Use", "id": wider} for wider in use.within],
        }
        for term, use in USES.items()
    ]
    policies = cedarpy.PolicySet.from_str(_cedar("archive/films@0"))
    known = cedarpy.Entities.from_json_str(json.dumps(entities))

    def decide(request: Request) -> bool:
        question: dict[str, Any] = {
            "principal": {"type": "User", "id": "u"},
            "action": {"type": "Action", "id": "use"},
            "resource": {"type": "Dataset", "id": request.target},
            "context": {
                "user_class": request.user_class,
                "country": request.place.country,
                "at": int(request.at.timestamp()),
                "use": {"__entity": {"type": "Use", "id": request.action}},
            },
        }
        return bool(cedarpy.is_authorized(question, policies, known).allowed)

    return decide


def _rate(decide: Callable[[Request], object], requests: list[Request], seconds: float) -> float:
    """Decisions a second, for about so long."""
    count, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        for request in requests:
            decide(request)
        count += len(requests)
    return count / spent


def _against_cedar(rounds: int) -> Iterator[Line]:
    compiled, cedar = Compiled(_odrl("archive/films@0")), _cedar_decider()
    requests = _requests(400, 1)
    answers = [compiled.outcome(r) is Outcome.PERMIT for r in requests]
    assert answers == [cedar(r) for r in requests], "Cedar and we disagree"
    assert answers == [compiled.trace(r).outcome is Outcome.PERMIT for r in requests]
    assert 0.05 < sum(answers) / len(answers) < 0.95, "the requests decide too little"
    rates: dict[str, list[float]] = {"cedar": [], "trace": [], "plain": []}
    for _ in range(rounds):
        rates["cedar"].append(_rate(cedar, requests, 0.3))
        rates["trace"].append(_rate(compiled.trace, requests, 0.3))
        rates["plain"].append(_rate(compiled.outcome, requests, 0.3))
    median = {name: statistics.median(found) for name, found in rates.items()}
    for name, key, goal in (
        ("policies: decisions with every rule and constraint traced", "trace", 8.0),
        ("policies: decisions without trace", "plain", 40.0),
    ):
        ratio = median[key] / median["cedar"]
        yield Line(
            name,
            round(median[key]),
            "decisions/s",
            round(median["cedar"]),
            round(ratio, 2),
            f"ratio >= {goal:g} (cedarpy)",
            ratio >= goal,
        )


def _loaded(count: int) -> PolicyIndex:
    return PolicyIndex(_odrl(f"archive/films@{n}") for n in range(count))


def _many_policies(count: int, rounds: int) -> Iterator[Line]:
    """In slices too short to be interrupted often, and by CPU time, as other work comes between."""
    loaded = {n: (_loaded(n), _requests(2000, n)) for n in (1, count)}
    rates: dict[int, list[float]] = {1: [], count: []}
    for _ in range(rounds * 10):
        for number, (policies, requests) in loaded.items():
            rates[number].append(_slice(policies, requests))
    median = {loaded: statistics.median(found) for loaded, found in rates.items()}
    ratio = median[count] / median[1]
    name = f"policies: decisions with {count} policies loaded, CPU"
    yield Line(
        name,
        round(median[count]),
        "decisions/s",
        round(median[1]),
        round(ratio, 2),
        "ratio >= 0.7 (one policy)",
        ratio >= 0.7,
    )


def _slice(policies: PolicyIndex, requests: list[Request]) -> float:
    """Decisions a CPU second, over some passes."""
    begun = time.process_time()
    for _ in range(PASSES):
        for request in requests:
            policies.outcome(request)
    return PASSES * len(requests) / (time.process_time() - begun)


def _compiling(count: int) -> Iterator[Line]:
    policies = [_odrl(f"archive/films@{n}") for n in range(count)]
    begun = time.process_time()
    for policy in policies:
        Compiled(policy)
    built = time.process_time() - begun
    name = "policies: compiling one policy of 10 rules, CPU"
    yield Line(name, round(built / count * 1e6, 1), "µs")
    tracemalloc.start()
    index = _loaded(count)
    kept = tracemalloc.get_traced_memory()[0] / len(index)
    tracemalloc.stop()
    name = "policies: memory kept for each policy of a shared template"
    yield Line(name, round(kept), "bytes", goal="value <= 2000", holds=kept <= 2000)


def _offer() -> Policy:
    """An offer as catalogues make them: opt-out, embargo, residency and a dozen statements."""
    target = "archive/films@0"
    prohibitions = [
        Constraint("vg:optOut", Operator.EQ, (True,)),
        Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,)),
        Constraint("vg:personalData", Operator.IS_NONE_OF, ("none", "ordinary")),
        Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EU",)),
    ]
    rules = [
        Rule(Effect.PROHIBITION, f"no-{n}", "odrl:use", target, constraints=(constraint,))
        for n, constraint in enumerate(prohibitions)
    ]
    rules += [
        Rule(
            Effect.PERMISSION,
            f"line-{n}",
            "vg:any",
            target,
            constraints=(
                Constraint("vg:userClass", Operator.IS_ANY_OF, ("commercial", "research")),
                Constraint("vg:rights", Operator.EQ, (f"https://example.org/rights/{n}",)),
            ),
            duties=(Duty("odrl:obtainConsent"),) if n % 3 else (),
        )
        for n in range(20)
    ]
    return Policy(Kind.OFFER, "https://example.org/o", tuple(rules), conflict=Conflict.PROHIBIT)


def _summaries(rounds: int) -> Iterator[Line]:
    draw = random.Random(1)
    classes = [
        (
            {
                "rights": f"https://example.org/rights/{draw.randrange(22)}",
                "rightsholder": f"holder {draw.randrange(40)}",
                "embargo_until": date.min
                + timedelta(days=draw.choice([0, draw.randrange(740_000)])),
                "opt_out": draw.choice([True, False, None]),
                "personal_data": draw.choice(["none", "ordinary", None]),
            },
            draw.randrange(1, 1000),
        )
        for _ in range(5000)
    ]
    offer = _offer()
    request = replace(_requests(1, 1)[0], user_class="commercial", place=Place("NL", None))
    times = []
    for _ in range(rounds * 5):
        begun = time.process_time()
        summarise(match(offer, request), classes)
        times.append((time.process_time() - begun) * 1e3)
    median = statistics.median(times)
    name = "policies: match and summarise 5,000 classes, 24 rules, CPU"
    yield Line(name, round(median, 2), "ms", goal="value <= 20", holds=median <= 20)


BY_HAND = """
    _rights IN ({rights})
    AND _opt_out = FALSE AND _embargo_until <= DATE '{day}'
    AND _personal_data IN ('none', 'ordinary')
"""


def _row_filters(rows: int, rounds: int) -> Iterator[Line]:
    """The compiled filter of the same offer against what a person would type, on one thread."""
    request = replace(_requests(1, 1)[0], user_class="commercial", place=Place("NL", None))
    prospect = match(_offer(), request)
    sql = compile_filter(cleared(prospect, Outcome.PERMIT), {f: f"_{f}" for f in ITEM_FACTS})
    statements = ", ".join(f"'https://example.org/rights/{n}'" for n in range(0, 20, 3))
    by_hand = BY_HAND.format(rights=statements, day=request.day)
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        database.execute("SET enable_progress_bar = false")
        database.execute(
            """
            CREATE TABLE items AS SELECT
              'https://example.org/rights/' || (n * 7919 % 22) AS _rights,
              DATE '2020-01-01' + (n * 104729 % 4000)::INTEGER AS _embargo_until,
              CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN TRUE ELSE FALSE END AS _opt_out,
              CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'none' ELSE 'ordinary' END AS _personal_data
            FROM range(?) AS r(n)
            """,
            [rows],
        )
        found: dict[str, list[float]] = {"ours": [], "by hand": []}
        counts = set()
        for _ in range(rounds):
            for name, text, params in (("ours", sql.text, sql.params), ("by hand", by_hand, None)):
                begun = time.process_time()
                query = f"SELECT count(*) FROM items WHERE {text}"
                counts.add(database.execute(query, params).fetchone())
                found[name].append(time.process_time() - begun)
    assert len(counts) == 1, "the filters pass different rows"
    ours, hand = (statistics.median(found[name]) * 1e3 for name in ("ours", "by hand"))
    yield Line(
        f"policies: residual filter on {rows:,} rows, CPU",
        round(ours, 1),
        "ms",
        round(hand, 1),
        round(ours / hand, 2),
        "ratio <= 1.10 (the predicate typed by hand)",
        ours / hand <= 1.10,
    )


def run(size: str) -> Iterator[Line]:
    """The lines of this benchmark."""
    rounds = 9 if size == "full" else 5
    assert regions_of("NL", date(2026, 1, 1))
    yield from _against_cedar(rounds)
    yield from _many_policies(100_000, rounds)
    yield from _compiling(2_000)
    yield from _summaries(rounds)
    yield from _row_filters(10_000_000 if size == "full" else 2_000_000, rounds)
