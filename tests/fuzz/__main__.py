"""``make fuzz``: give parsers of what strangers send whatever comes, for so long.

Each begins with good input and changes it, more with every step: values of JSON, or single bytes.
A parser may take what comes or refuse it with the error of its own tree, within a second; anything
else is a fault, and its input is written to ``build/``.
"""

import argparse
import faulthandler
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz.parsers import PARSERS, Parser

LONGEST_SECONDS = 1.0
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1e308, "", " ", "\0", "é\u202e", "x" * 5000, [], {}, [[]], {"": {}},
    "9999-12-31T23:59:59Z", "2026-02-30", "P1Y", "https://", "../..", "@id", "NaN",
)  # fmt: skip
_STEPS = 12


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        one = left.pop()
        keys = range(len(one)) if isinstance(one, list) else one if isinstance(one, dict) else ()
        for key in keys:
            found.append((one, key))
            left.append(one[key])
    return found


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def change_value(document: str, chance: random.Random) -> str:
    """The JSON document with some values replaced, dropped, renamed or put elsewhere."""
    value = json.loads(document)
    for _ in range(chance.randint(1, _STEPS)):
        places = _places(value)
        if not places:
            break
        container, key = chance.choice(places)
        match chance.randrange(4):
            case 0:
                container[key] = _copied(chance.choice(_ODD))
            case 1:
                del container[key]
            case 2 if isinstance(container, dict):
                container[str(chance.choice(_ODD))] = container.pop(key)
            case _:
                other, there = chance.choice(places)
                container[key] = _copied(other[there]) if there in other else None
    return json.dumps(value)


def change_bytes(text: str, chance: random.Random) -> str:
    """The text with some characters put in, left out, changed or repeated."""
    for _ in range(chance.randint(1, _STEPS)):
        at, length = chance.randint(0, len(text)), chance.choice((0, 1, 1, 2, 8, 100))
        put = chance.choice((chr(chance.randrange(0xD800)), text[at : at + 20], "=", "-", ".", "9"))
        text = text[:at] + put * chance.choice((0, 1, 1, 2, 50)) + text[at + length :]
    return text


def fuzz(parser: Parser, seconds: float, seed: int) -> tuple[int, int]:
    """How many inputs were tried, and how many of them taken.

    :raises AssertionError: a fault, with where its input is.
    """
    chance, until = random.Random(seed), time.monotonic() + seconds
    tried = taken = 0
    while time.monotonic() < until:
        ways: list[Callable[[str, random.Random], str]] = [change_bytes]
        if parser.is_json:
            ways.append(change_value)
        text = chance.choice(ways)(chance.choice(parser.good), chance)
        begun = time.perf_counter()
        try:
            taken += parser.takes(text)
        except Exception as fault:
            raise AssertionError(f"{type(fault).__name__}: {_kept(parser, text)}") from fault
        assert time.perf_counter() - begun < LONGEST_SECONDS, f"slow: {_kept(parser, text)}"
        tried += 1
    return tried, taken


def _kept(parser: Parser, text: str) -> Path:
    path = Path("build") / f"fuzz-{parser.name}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, errors="surrogatepass")
    return path.absolute()


def main() -> int:
    """Fuzz each parser for so many seconds."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seconds", type=float, default=120)
    reader.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    chosen = reader.parse_args()
    for parser in PARSERS:
        faulthandler.dump_traceback_later(chosen.seconds + 60, exit=True)  # it came to no end
        tried, taken = fuzz(parser, chosen.seconds, chosen.seed)
        print(
            f"{parser.name}: {tried} inputs, {taken} taken, no fault (seed {chosen.seed})",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
