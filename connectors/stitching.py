"""Parquet files put together from column chunks that stand in other files, byte for byte.

What was encoded and compressed once is not so again: chunks are copied, and only the footer is
written anew (parquet.thrift of Apache Parquet). Indexes and filters beside the chunks are left out.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from connectors import thrift
from connectors.thrift import BINARY, I32, I64, LIST, STRUCT, Struct, Unreadable

_MAGIC = b"PAR1"
_TAIL = 8
_VERSION = 2
_BUFFER = 1 << 18
# fields of FileMetaData, SchemaElement, RowGroup, ColumnChunk and ColumnMetaData
_SCHEMA, _ROWS, _GROUPS, _KEY_VALUES, _CREATED_BY, _ORDERS = 2, 3, 4, 5, 6, 7
_NAME, _CHILDREN = 4, 5
_COLUMNS, _GROUP_SIZE, _GROUP_ROWS = 1, 2, 3
_GROUP_OFFSET, _GROUP_COMPRESSED = 5, 6
_CHUNK_OFFSET, _META, _CRYPTO = 2, 3, (8, 9)
_PATH, _UNCOMPRESSED, _COMPRESSED, _DATA, _INDEX, _DICTIONARY = 3, 6, 7, 9, 10, 11
_BESIDE = (14, 15)  # where a bloom filter stands


@dataclass(frozen=True)
class Column:
    """A top-level column of a file: its schema, depth first, and which leaves are its own."""

    elements: tuple[Struct, ...]
    leaves: range
    orders: tuple[Struct, ...]


class Encoded:
    """A Parquet file whose chunks are to be copied.

    :raises Unreadable: it is none, is encrypted, or names a column twice.
    """

    def __init__(self, path: Path) -> None:
        """Read its footer."""
        self.path = path
        footer = thrift.read(_footer(path))
        try:
            self.groups: list[Struct] = footer[_GROUPS][1][1]
            self.rows = [int(group[_GROUP_ROWS][1]) for group in self.groups]
            orders = footer[_ORDERS][1][1] if _ORDERS in footer else []
            self.columns = dict(_columns(footer[_SCHEMA][1][1], orders))
        except (KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError):
            raise Unreadable from None
        self.created_by: bytes = footer.get(_CREATED_BY, (BINARY, b""))[1]

    def chunks(self, group: int, column: str) -> list[Struct]:
        """The column's chunks in a row group."""
        found = self.groups[group][_COLUMNS][1][1]
        return [found[leaf] for leaf in self.columns[column].leaves]

    def bytes(self, group: int) -> int:
        """How much a row group takes up in the file."""
        chunks = self.groups[group][_COLUMNS][1][1]
        return sum(chunk[_META][1][_COMPRESSED][1] for chunk in chunks)


def _footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or length + _TAIL > size:
            raise Unreadable
        file.seek(size - _TAIL - length)
        return file.read(length)


def _columns(schema: list[Struct], orders: list[Struct]) -> Iterator[tuple[str, Column]]:
    at, leaf = 1, 0
    names = set()
    for _ in range(schema[0][_CHILDREN][1]):
        end, leaves = _subtree(schema, at)
        name = schema[at][_NAME][1].decode()
        if name in names:
            raise Unreadable
        names.add(name)
        own = range(leaf, leaf + leaves)
        yield name, Column(tuple(schema[at:end]), own, tuple(orders[leaf : leaf + leaves]))
        at, leaf = end, leaf + leaves


def _subtree(schema: list[Struct], at: int) -> tuple[int, int]:
    """Where the element's subtree ends, and how many leaves it has."""
    children = schema[at].get(_CHILDREN, (I32, 0))[1]
    end, leaves = at + 1, 0 if children else 1
    for _ in range(children):
        end, more = _subtree(schema, end)
        leaves += more
    return end, leaves


@dataclass(frozen=True)
class Piece:
    """Where a column of a row group is taken from, and its name from then on."""

    source: Encoded
    group: int
    column: str
    name: str


def stitch(
    groups: Iterable[Sequence[Piece]],
    directory: Path,
    *,
    metadata: Mapping[str, str],
    part_bytes: int,
    prefix: str,
) -> dict[str, int]:
    """Write row groups made of these pieces to files of about `part_bytes`; rows by file name.

    All groups have the same columns, and the pieces of one have equally many rows.

    :raises Unreadable: a chunk is encrypted, or is not where its footer says.
    """
    written: dict[str, int] = {}
    part: _Part | None = None
    with ExitStack() as files:
        for pieces in groups:
            if part is None:
                part = _Part(directory / f"{prefix}{len(written)}.parquet", pieces)
                files.callback(part.let_go)
            part.add(pieces)
            if part.size >= part_bytes:
                written[part.path.name] = part.finish(metadata)
                part = None
        if part is not None:
            written[part.path.name] = part.finish(metadata)
    return written


class _Part:
    """A file under way."""

    def __init__(self, path: Path, pieces: Sequence[Piece]) -> None:
        self.path, self._pieces = path, pieces
        self._file = path.open("xb")
        self._file.write(_MAGIC)
        self._buffer = memoryview(bytearray(_BUFFER))
        self.size = len(_MAGIC)
        self._groups: list[Struct] = []
        self._rows = 0

    def add(self, pieces: Sequence[Piece]) -> None:
        start, uncompressed, chunks = self.size, 0, []
        (rows,) = {piece.source.rows[piece.group] for piece in pieces}
        for piece in pieces:
            with piece.source.path.open("rb") as source:
                for chunk in piece.source.chunks(piece.group, piece.column):
                    chunks.append(self._copied(source.fileno(), chunk, piece.name))
                    uncompressed += chunks[-1][_META][1][_UNCOMPRESSED][1]
        self._groups.append(
            {
                _COLUMNS: (LIST, (STRUCT, chunks)),
                _GROUP_SIZE: (I64, uncompressed),
                _GROUP_ROWS: (I64, rows),
                _GROUP_OFFSET: (I64, start),
                _GROUP_COMPRESSED: (I64, self.size - start),
            }
        )
        self._rows += rows

    def _copied(self, source: int, chunk: Struct, name: str) -> Struct:
        """The chunk as it stands here, once its bytes do."""
        if any(field in chunk for field in _CRYPTO):
            raise Unreadable
        meta: Struct = chunk[_META][1]
        places = [meta[field][1] for field in (_DICTIONARY, _DATA) if field in meta]
        start, length = min(place for place in places if place), meta[_COMPRESSED][1]
        shift = self.size - start
        self._copy(source, start, length)
        self.size += length
        moved = {
            field: (kind, value + shift if field in (_DATA, _INDEX, _DICTIONARY) else value)
            for field, (kind, value) in meta.items()
            if field not in _BESIDE
        }
        path = [name.encode(), *meta[_PATH][1][1][1:]]
        moved[_PATH] = (LIST, (BINARY, path))
        return {_CHUNK_OFFSET: (I64, 0), _META: (STRUCT, moved)}

    def _copy(self, source: int, at: int, left: int) -> None:
        """Through a small buffer: it takes less than the kernel's own ways from file to file."""
        while left:
            done = os.preadv(source, [self._buffer[:left]], at)
            if not done:
                raise Unreadable
            self._file.write(self._buffer[:done])
            at, left = at + done, left - done

    def let_go(self) -> None:
        """Close the file, whole or not."""
        self._file.close()

    def finish(self, metadata: Mapping[str, str]) -> int:
        """Write the footer; the file's rows."""
        columns = [(piece, piece.source.columns[piece.column]) for piece in self._pieces]
        root: Struct = {_NAME: (BINARY, b"schema"), _CHILDREN: (I32, len(columns))}
        schema = [root]
        for piece, column in columns:
            schema.append({**column.elements[0], _NAME: (BINARY, piece.name.encode())})
            schema += column.elements[1:]
        orders = [order for _, column in columns for order in column.orders]
        footer: Struct = {
            1: (I32, _VERSION),
            _SCHEMA: (LIST, (STRUCT, schema)),
            _ROWS: (I64, self._rows),
            _GROUPS: (LIST, (STRUCT, self._groups)),
            _KEY_VALUES: (LIST, (STRUCT, [_pair(*one) for one in sorted(metadata.items())])),
            _CREATED_BY: (BINARY, self._pieces[0].source.created_by),
        }
        if len(orders) == sum(len(column.leaves) for _, column in columns):
            footer[_ORDERS] = (LIST, (STRUCT, orders))
        encoded = thrift.write(footer)
        self._file.write(encoded + len(encoded).to_bytes(4, "little") + _MAGIC)
        self._file.close()
        return self._rows


def _pair(key: str, value: str) -> Struct:
    return {1: (BINARY, key.encode()), 2: (BINARY, value.encode())}
