"""The compact protocol: what is written reads the same, and nothing else passes for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import thrift
from connectors.thrift import BINARY, FALSE, I32, I64, LIST, STRUCT, TRUE, Struct, Unreadable

BYTE, I16, DOUBLE, SET, MAP = 3, 4, 7, 10, 11
_PLAIN = {
    BYTE: st.integers(0, 255),
    I16: st.integers(-(2**15), 2**15 - 1),
    I32: st.integers(-(2**31), 2**31 - 1),
    I64: st.integers(-(2**63), 2**63 - 1),
    DOUBLE: st.binary(min_size=8, max_size=8),
    BINARY: st.binary(max_size=20),
}
_FLAGS = st.booleans().map(lambda flag: (TRUE if flag else FALSE, flag))
_VALUES = st.one_of(*(st.tuples(st.just(kind), some) for kind, some in _PLAIN.items()), _FLAGS)
_LISTS = st.one_of(
    *(
        st.tuples(st.sampled_from((LIST, SET)), st.tuples(st.just(kind), st.lists(some)))
        for kind, some in {**_PLAIN, TRUE: st.booleans()}.items()
    )
)
STRUCTS = st.recursive(
    st.dictionaries(st.integers(1, 2**15 - 1), _VALUES | _LISTS),
    lambda inner: st.dictionaries(
        st.integers(1, 40), _VALUES | st.tuples(st.just(STRUCT), inner), max_size=20
    ),
    max_leaves=10,
)


@given(STRUCTS)
def test_what_is_written_reads_the_same(struct: Struct) -> None:
    """Every kind of value, in fields near and far, in lists short and long."""
    assert thrift.read(thrift.write(struct)) == struct


@given(STRUCTS)
def test_what_is_cut_short_is_unreadable(struct: Struct) -> None:
    """No beginning of a structure is taken for the whole."""
    whole = thrift.write(struct)
    for length in range(len(whole)):
        with pytest.raises(Unreadable):
            thrift.read(whole[:length])


@pytest.mark.parametrize("kind", [MAP, 13, 15])
def test_kinds_that_no_footer_has_are_unreadable(kind: int) -> None:
    """Maps and what the protocol does not know."""
    with pytest.raises(Unreadable):
        thrift.read(bytes([1 << 4 | kind, 0, 0]))


def test_endless_nesting_is_unreadable() -> None:
    """A structure within a structure, and so on: refused, not a crash."""
    with pytest.raises(Unreadable):
        thrift.read(bytes([1 << 4 | STRUCT]) * 100_000)
