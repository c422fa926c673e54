"""Answer questions about laid-out files, in the child. Nothing is written."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.duck.child import Job
from connectors.duck.extract import check_sources
from connectors.duck.relations import files_of, overlaid, relation
from connectors.duck.session import identifier, open_session
from connectors.duck.wire import pack, unpack_all

_BEFORE, _AFTER = "before_", "after_"


def _ask(job: Job, statement: str, *laid: tuple[str, Mapping[str, Any]]) -> list[Any]:
    """Check the files, then run one query over them."""
    files = [file for _, one in laid for file in [*one["sources"], *overlaid(one)]]
    with job.stage("hash sources"):
        check_sources(files)
    orders = job.orders
    connection = open_session(
        [Path(one["path"]) for one in files],
        Path(orders["directory"]),
        threads=orders["threads"],
        memory_mb=orders["memory_mb"],
    )
    params: dict[str, Any] = {}
    for prefix, one in laid:
        params |= unpack_all(one["params"]) | files_of(one, prefix)
    with job.stage("query"):
        return connection.execute(statement, params).fetchall()


def _chosen(laid: Mapping[str, Any], columns: Sequence[str], prefix: str = "") -> str:
    names = ", ".join(identifier(name) for name in columns)
    return f"SELECT {names} FROM {relation(laid, prefix)} WHERE ({laid['where']}\n)"  # noqa: S608 - quoted


def count(job: Job) -> list[Any]:
    """Rows per combination of columns."""
    laid, columns = job.orders["laid"], job.orders["columns"]
    names = ", ".join(identifier(name) for name in columns)
    statement = (
        f"SELECT {names}, count(*) FROM ({_chosen(laid, columns)}) GROUP BY ALL ORDER BY ALL"  # noqa: S608 - quoted
    )
    found = _ask(job, statement, ("", laid))
    return [[[pack(value) for value in row[:-1]], row[-1]] for row in found]


def keys(job: Job) -> list[Any]:
    """The keys of the rows, sorted."""
    laid, key = job.orders["laid"], job.orders["key"]
    found = _ask(job, f"{_chosen(laid, [key])} ORDER BY 1", ("", laid))
    return [row[0] for row in found]


def compare(job: Job) -> dict[str, Any]:
    """Rows by what became of them, and some keys of each change."""
    before, after = job.orders["before"], job.orders["after"]
    key, columns = job.orders["key"], job.orders["columns"]
    old = [f"a.{identifier(name)}" for name in columns]
    new = [f"b.{identifier(name)}" for name in columns]
    differs = " OR ".join(
        f"{one} IS DISTINCT FROM {other}" for one, other in zip(old, new, strict=True)
    )
    sides = ", ".join([*old, *new])
    joined = (
        f"SELECT CASE WHEN a.{identifier(key)} IS NULL THEN 'added' "  # noqa: S608 - quoted
        f"WHEN b.{identifier(key)} IS NULL THEN 'removed' ELSE 'changed' END AS change, "
        f"coalesce(a.{identifier(key)}, b.{identifier(key)}) AS item, {sides} "
        f"FROM ({_chosen(before, [key, *columns], _BEFORE)}) AS a "
        f"FULL JOIN ({_chosen(after, [key, *columns], _AFTER)}) AS b USING ({identifier(key)}) "
        f"WHERE a.{identifier(key)} IS NULL OR b.{identifier(key)} IS NULL OR {differs}"
    )
    named = ", ".join(f"c{n}" for n in range(2 * len(columns)))
    statement = (
        f"SELECT change, {named}, count(*), list_slice(list_sort(list(item)), 1, $examples) "  # noqa: S608 - our own names
        f"FROM ({joined}) AS j(change, item, {named}) GROUP BY ALL ORDER BY ALL"
    )
    after = {**after, "params": {**after["params"], "examples": job.orders["examples"]}}
    found = _ask(job, statement, (_BEFORE, before), (_AFTER, after))
    return {
        "groups": [
            [row[0], [pack(one) for one in row[1:-2]], row[-2], list(row[-1])] for row in found
        ]
    }


def describe(job: Job) -> list[Any]:
    """What each column holds; a value that few rows have leaves this process in no form."""
    orders = job.orders
    each = [
        _describing(number, orders["laid"], name) for number, name in enumerate(orders["columns"])
    ]
    bound = {"fewest_rows": orders["fewest"], "most_values": orders["most"]}
    laid = {**orders["laid"], "params": {**orders["laid"]["params"], **bound}}
    found = _ask(job, f"{' UNION ALL '.join(each)} ORDER BY 1", ("", laid))
    return [[*row[1:-1], [[one["v"], one["n"]] for one in row[-1] or ()]] for row in found]


def _describing(number: int, laid: Mapping[str, Any], name: str) -> str:
    return (
        f"SELECT * FROM (WITH chosen(v) AS ({_chosen(laid, [name])}), "  # noqa: S608 - quoted
        "frequent AS (SELECT v, count(*) AS n FROM chosen WHERE v IS NOT NULL "
        "GROUP BY v HAVING count(*) >= $fewest_rows), "
        "shown AS (SELECT v, n FROM frequent ORDER BY n DESC, v LIMIT $most_values) "
        f"SELECT {number}, (SELECT count(*) FROM chosen), (SELECT count(v) FROM chosen), "
        "(SELECT approx_count_distinct(v) FROM chosen), "
        "(SELECT min(v)::VARCHAR FROM frequent), (SELECT max(v)::VARCHAR FROM frequent), "
        "(SELECT list({'v': v::VARCHAR, 'n': n} ORDER BY n DESC, v) FROM shown))"
    )


def sample(job: Job) -> list[Any]:
    """The first rows by what is in them: the file's order could tell of rows between them."""
    laid, columns = job.orders["laid"], job.orders["columns"]
    shown = ", ".join(f"left({identifier(name)}::VARCHAR, $most_text)" for name in columns)
    ordered = f"{_chosen(laid, columns)} ORDER BY ALL LIMIT $most_rows"
    bound = {"most_rows": job.orders["most"], "most_text": job.orders["length"]}
    laid = {**laid, "params": {**laid["params"], **bound}}
    found = _ask(job, f"SELECT {shown} FROM ({ordered}) ORDER BY ALL", ("", laid))  # noqa: S608 - quoted
    return [list(row) for row in found]


TASKS: Mapping[str, Callable[[Job], Any]] = {
    "count": count,
    "keys": keys,
    "compare": compare,
    "describe": describe,
    "sample": sample,
}
