"""How an item looks to a policy: equal signatures, equal verdicts.

A policy sees of an item only the truth of the comparisons it makes with it. That is worked out
once per value of a fact, so that judging many items costs a few look-ups each.
"""

from collections.abc import Iterable, Mapping

from policies.rowfilter import IS_KIND, Atom
from policies.vocabulary import ITEM_FACTS

Signature = tuple[int, ...]


class _Truths(dict[object, int]):
    """Value of one fact → number of its truth pattern; filled as values come by."""

    def __init__(self, fact: str, atoms: tuple[Atom, ...]) -> None:
        self._is_known = IS_KIND[ITEM_FACTS[fact].kind]
        self._tests = [atom.holds for atom in atoms]
        self._patterns: dict[tuple[bool, ...] | None, int] = {}

    def __missing__(self, value: object) -> int:
        pattern = tuple([test(value) for test in self._tests]) if self._is_known(value) else None
        number = self[value] = self._patterns.setdefault(pattern, len(self._patterns))
        return number


class Signatures:
    """Gives items their signature under a fixed set of comparisons."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        by_fact: dict[str, dict[Atom, None]] = {}
        for atom in atoms:
            by_fact.setdefault(atom.fact, {})[atom] = None
        self._facts = [(fact, _Truths(fact, tuple(found))) for fact, found in by_fact.items()]

    def of(self, item: Mapping[str, object]) -> Signature:
        """The item's signature; a fact it lacks counts as missing."""
        get = item.get
        return tuple([truths[get(fact)] for fact, truths in self._facts])
