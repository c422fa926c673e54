"""One generation of the index: a folder that holds all that anyone may find, made in one go.

Later changes are written into it; the parts of compounds stay those it was made with.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType

from tantivy import Document, Index, IndexWriter, Schema, SchemaBuilder

from catalog.search.analysis import DUTCH, ENGLISH, analysers, parts_of

LAYOUT = 1
"""Rises whenever what is kept or how it is analysed changes; older generations are made anew."""
TEXTS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "title_nl": (DUTCH, 3.0),
        "title_en": (ENGLISH, 3.0),
        "text_nl": (DUTCH, 1.0),
        "text_en": (ENGLISH, 1.0),
    }
)
"""Fields that words are looked up in: language, and how much a word in it counts."""
FACETS = ("archive", "licence", "rightsholder", "language", "medium", "period")
_SAMPLE = 20_000
"""Datasets of whose words compounds may be made."""
_MEMORY = 64_000_000


@dataclass(frozen=True)
class Listed:
    """A dataset as the index keeps it: what anyone may know of it, and nothing else.

    :param newest: microseconds since 1970 at which its edition was published.
    :param terms: a digest of what its offer says and to how many items of which rights; datasets
        with the same one get the same answer to every question. Empty: no offer.
    :param facets: values by name, of :data:`FACETS`.
    """

    id: str
    title_nl: str
    title_en: str
    text_nl: str
    text_en: str
    newest: int
    items: int
    terms: str
    facets: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class State:
    """How far a generation is: changes up to then are in it."""

    layout: int
    upto: int
    """Microseconds since 1970."""
    datasets: int
    """How many there were when it was made."""
    recent: Mapping[str, str] = field(default_factory=dict)
    """Marks of the newest changes in it, by dataset."""


class Unusable(Exception):
    """A generation that is missing, broken or of another layout."""


class Generation:
    """An index that can be searched and, by one process at a time, written to."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder, self._index = folder, index
        parts = json.loads((folder / "parts.json").read_text())
        self.analysers = analysers(parts)
        for name, analyser in self.analysers.items():
            index.register_tokenizer(name, analyser)
        index.config_reader("manual")
        index.reload()
        self.schema = index.schema
        self.searcher = index.searcher()

    @classmethod
    def open(cls, folder: Path) -> "Generation":
        """One that was made before.

        :raises Unusable: it cannot be used.
        """
        try:
            found = cls(folder, Index.open(str(folder)))
            layout = found.state.layout
        except (OSError, ValueError, TypeError) as broken:
            raise Unusable(str(broken)) from broken
        if layout != LAYOUT:
            raise Unusable(f"layout {layout}")
        return found

    @classmethod
    def make(cls, folder: Path, listed: Iterable[Listed], upto: int) -> "Generation":
        """A new one of all that is listed."""
        rest = iter(listed)
        first = list(islice(rest, _SAMPLE))
        folder.mkdir(parents=True)
        parts = parts_of(text for one in first for text in (one.title_nl, one.text_nl))
        (folder / "parts.json").write_text(json.dumps(sorted(parts)))
        made = cls(folder, Index(schema(), str(folder), reuse=False))
        with made.writing(threads=0) as writer:
            for one in chain(first, rest):
                writer.add_document(document(one))
        made.keep(State(LAYOUT, upto, made.searcher.num_docs))
        return made

    @property
    def state(self) -> State:
        """How far it is, as last kept."""
        return State(**json.loads((self.folder / "state.json").read_text()))

    def keep(self, state: State) -> None:
        """Say how far it is; only after what it says is in it."""
        draft = self.folder / "state.json.new"
        draft.write_text(json.dumps(asdict(state)))
        draft.replace(self.folder / "state.json")

    @contextmanager
    def writing(self, threads: int = 1) -> Iterator[IndexWriter]:
        """Write what changed; it counts at once, and as a whole, when the block ends."""
        writer = self._index.writer(_MEMORY, threads)
        yield writer
        writer.commit()
        writer.wait_merging_threads()
        self.look_again()

    def replace(self, changed: Mapping[str, Listed | None]) -> None:
        """Keep these datasets as they are now, or no longer."""
        with self.writing() as writer:
            for dataset_id, listed in changed.items():
                writer.delete_documents_by_term("id", dataset_id)
                if listed is not None:
                    writer.add_document(document(listed))

    def look_again(self) -> None:
        """See what another process wrote."""
        self._index.reload()
        self.searcher = self._index.searcher()


def schema() -> Schema:
    """The fields of a generation."""
    builder = SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name, (analyser, _) in TEXTS.items():
        builder.add_text_field(name, tokenizer_name=analyser, index_option="freq")
    for name in (*FACETS, "terms"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("newest", "items"):
        builder.add_integer_field(name, fast=True)
    return builder.build()


def document(listed: Listed) -> Document:
    """A dataset as the index takes it."""
    texts = {name: getattr(listed, name) for name in TEXTS}
    facets = {name: list(values) for name, values in listed.facets.items()}
    return Document(
        id=listed.id,
        newest=listed.newest,
        items=listed.items,
        terms=listed.terms,
        **texts,
        **facets,
    )
