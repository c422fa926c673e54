"""From text to the words that are looked up: Dutch and English, with compounds taken apart.

Words lose case, accents and endings. A Dutch compound is found by its parts too: the parts are
the catalogue's own words, as Dutch writes ``televisie`` and ``journaal`` also apart, and the words
of the trade, which a catalogue that has only just begun may not yet have apart.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

DUTCH, ENGLISH = "dutch", "english"
_LONGEST = 60
_SHORTEST_PART = 4
_TRADE = (
    "aflevering archief audio band beeld bestand bibliotheek bioscoop boek brief collectie cultuur"
    " dagblad data document dorp drama erfgoed film foto fotografie fragment gemeente geluid"
    " geschiedenis groep haven interview jeugd journaal kaart kerk kind kinder krant kunst"
    " landbouw landschap letter licht lied muziek museum nieuws omroep onderwijs ondertitel oorlog"
    " opname partij pers plaat politiek portret poster prent programma provincie radio recht"
    " reclame register reportage schilder school serie spel sport stad stads stem stomme straat"
    " studio taal tekening tekst televisie theater tijd tijdschrift toneel uitzending verzameling"
    " video water week wereld zender"
)


def _built(*filters: Filter) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for one in (Filter.remove_long(_LONGEST), Filter.lowercase(), *filters, Filter.ascii_fold()):
        builder = builder.filter(one)
    return builder.build()


PLAIN = _built()
"""Words as they were written, without case and accents."""
_BARE = _built(Filter.stemmer(DUTCH))


def analysers(parts: Iterable[str]) -> Mapping[str, TextAnalyzer]:
    """The analysers by name; compounds of these parts are taken apart in Dutch."""
    fold = Filter.ascii_fold()
    compounds = Filter.split_compound(sorted(parts))
    return {
        DUTCH: _built(fold, compounds, Filter.stemmer(DUTCH)),
        ENGLISH: _built(fold, Filter.stemmer(ENGLISH)),
    }


@cache
def _telling(language: str) -> TextAnalyzer:
    return _built(Filter.stopword(language))


def words_of(text: str, most: int) -> list[str]:
    """The words of a question, each once; those that say nothing only where there are no others."""
    found = list(dict.fromkeys(PLAIN.analyze(text)))
    telling = [
        word for word in found if all(_telling(one).analyze(word) for one in (DUTCH, ENGLISH))
    ]
    return (telling or found)[:most]


def parts_of(texts: Iterable[str]) -> frozenset[str]:
    """What compounds may be made of: words, also of these texts, that are no compound."""
    vocabulary = {
        word for text in (_TRADE, *texts) for word in PLAIN.analyze(text) if word.isalpha()
    }
    parts: set[str] = set()
    for word in sorted(vocabulary, key=lambda one: (len(one), one)):
        if not _divides(word, parts):
            parts |= {form for form in _forms(word) if len(form) >= _SHORTEST_PART}
    return frozenset(parts)


def _forms(word: str) -> set[str]:
    """How a word stands in a compound: with and without its ending, linked, or in the plural."""
    bare = {word, *_BARE.analyze(word)}
    return bare | {form + ending for form in bare for ending in ("s", "n", "en")}


def _divides(word: str, parts: set[str]) -> bool:
    """Whether the word is two or more of these parts in a row."""
    ends = {0}
    for end in range(_SHORTEST_PART, len(word) + 1):
        if any(word[start:end] in parts for start in ends):
            ends.add(end)
    return len(word) in ends
