"""The fuzzer itself: it begins with good input, and sees a fault where there is one."""

import random

import pytest

from tests.fuzz import __main__ as fuzzing
from tests.fuzz.parsers import PARSERS, Parser


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_half_a_second_of_each(parser: Parser) -> None:
    """What it begins with is taken, some of what it makes is, and most is refused."""
    assert any(parser.takes(text) for text in parser.good)
    tried, taken = fuzzing.fuzz(parser, 0.5, random.SystemRandom().randrange(10**9))
    assert 0 < taken < tried


def test_a_fault_is_seen(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that raises what it may not ends the run, and its input is kept."""
    monkeypatch.chdir(str(tmp_path))
    broken = Parser("broken", ("[1]",), lambda text: bool(1 / len(text)), is_json=True)
    with pytest.raises(AssertionError, match="ZeroDivisionError") as fault:
        fuzzing.fuzz(broken, 20, 1)
    assert str(fault.value).endswith("build/fuzz-broken.txt")
