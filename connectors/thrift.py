"""Thrift's compact protocol, as far as a Parquet footer needs it: read, change a field, write.

Structures stay generic, so that fields which are unknown here survive. A structure is a dictionary
of field id to `(kind, value)`; a list is `(kind of its elements, values)`.

Source: thrift-compact-protocol.md of Apache Thrift.
"""

from typing import Any, TypeAlias

TRUE, FALSE, I32, I64, BINARY, LIST, STRUCT = 1, 2, 5, 6, 8, 9, 12
_BYTE, _I16, _DOUBLE, _SET = 3, 4, 7, 10
_INTEGERS = frozenset({_I16, I32, I64})
_LONG = 15
"""In the head of a list: the number of its elements follows. In a field's: its id follows."""

Struct: TypeAlias = dict[int, tuple[int, Any]]


class Unreadable(Exception):
    """The bytes are not what a footer may hold."""


def read(data: bytes) -> Struct:
    """The structure that these bytes begin with."""
    try:
        return _Reader(data).struct()
    except (IndexError, RecursionError):
        raise Unreadable from None


def write(struct: Struct) -> bytes:
    """The structure as bytes; what :func:`read` gave comes out as it was."""
    out = bytearray()
    _struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self) -> Struct:
        found: Struct = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._integer()
            found[field] = (head & 15, self._value(head & 15))
        return found

    def _value(self, kind: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == BINARY:
            return self._take(self._varint())
        if kind == STRUCT:
            return self.struct()
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in (LIST, _SET):
            return self._list()
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._take(8)
        raise Unreadable

    def _list(self) -> tuple[int, list[Any]]:
        head = self._byte()
        size = head >> 4 if head >> 4 < _LONG else self._varint()
        kind = head & 15
        if kind in (TRUE, FALSE):
            return kind, [self._byte() == TRUE for _ in range(size)]
        return kind, [self._value(kind) for _ in range(size)]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _integer(self) -> int:
        raw = self._varint()
        return (raw >> 1) ^ -(raw & 1)

    def _take(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._data):
            raise Unreadable
        return self._data[self._at - length : self._at]


def _struct(out: bytearray, struct: Struct) -> None:
    before = 0
    for field, (kind, value) in sorted(struct.items()):
        tag = (TRUE if value else FALSE) if kind in (TRUE, FALSE) else kind
        if 0 < field - before < _LONG + 1:
            out.append((field - before) << 4 | tag)
        else:
            out.append(tag)
            _integer(out, field)
        if kind not in (TRUE, FALSE):
            _value(out, kind, value)
        before = field
    out.append(0)


def _value(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _integer(out, value)
    elif kind == BINARY:
        _varint(out, len(value))
        out += value
    elif kind == STRUCT:
        _struct(out, value)
    elif kind in (LIST, _SET):
        _list(out, *value)
    elif kind == _DOUBLE:
        out += value
    else:
        out.append(value)


def _list(out: bytearray, kind: int, values: list[Any]) -> None:
    if len(values) < _LONG:
        out.append(len(values) << 4 | kind)
    else:
        out.append(_LONG << 4 | kind)
        _varint(out, len(values))
    for value in values:
        if kind in (TRUE, FALSE):
            out.append(TRUE if value else FALSE)
        else:
            _value(out, kind, value)


def _varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _integer(out: bytearray, value: int) -> None:
    _varint(out, (value << 1) ^ (value >> 63))
