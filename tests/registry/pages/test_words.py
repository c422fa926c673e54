"""The words on the pages: complete in both languages, used, and never typed into a template."""

import ast
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

import registry.pages
from catalog.mapping import KINDS, ColumnRole
from registry.accounts.actors import MACHINE_SCOPES
from registry.audit.acts import Act
from registry.errors import Text
from registry.pages.words import Words, catalogue

ROOM = Path(registry.pages.__file__).parent
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))
_SAID = re.compile(r"""\bt\(\s*["']([a-z0-9_.-]+)["']""")
_OF = re.compile(r"""(?:\.of\(|parts\.state\(t,)\s*["']([a-z0-9_]+)["']\s*,""")
_QUOTED = re.compile(r"""["']([a-z0-9_]+\.[A-Za-z0-9_.:-]+)["']""")


def _sources() -> Iterator[tuple[str, str]]:
    for path in (*TEMPLATES, *ROOM.glob("*.py")):
        yield path.name, path.read_text("utf-8")


def _said() -> set[str]:
    """Every whole key that a template or module asks for."""
    return {key for _, text in _sources() for key in _SAID.findall(text)}


def _quoted() -> set[str]:
    """Everything that stands between quotes: a key may be chosen before it is asked for."""
    return {text for _, source in _sources() for text in _QUOTED.findall(source)}


def _families() -> set[str]:
    """Families of which a member is chosen when the page is made."""
    return {family for _, text in _sources() for family in _OF.findall(text)}


def _stem(key: str) -> str:
    """The name under which a sentence for one and a sentence for many are asked for."""
    return key.removesuffix("_one").removesuffix("_many")


def _places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_both_languages_say_the_same_things() -> None:
    """Each key stands in both catalogues, with the same places to fill in, and is not empty."""
    dutch, english = catalogue("nl"), catalogue("en")
    assert dutch.keys() == english.keys()
    for key, sentence in dutch.items():
        assert sentence.strip(), key
        assert english[key].strip(), key
        assert _places(sentence) == _places(english[key]), key


def test_every_key_that_is_named_exists() -> None:
    """A page cannot name a sentence that is not there."""
    missing = {key for key in _said() if key not in catalogue("nl")}
    assert not missing


def test_no_sentence_is_left_over() -> None:
    """Each sentence is named by a template or module, or belongs to a family that is."""
    families, quoted = _families() | {"done"}, _quoted()
    unused = {
        key
        for key in catalogue("nl")
        if _stem(key) not in quoted and key not in quoted and key.partition(".")[0] not in families
    }
    assert not unused


@pytest.mark.parametrize(
    ("family", "members"),
    [
        ("role", [role.value for role in ColumnRole]),
        ("kind", KINDS),
        ("kind", [f"{kind}_hint" for kind in KINDS]),
        (
            "scope",
            sorted({s.value.replace(":", "_") for own in MACHINE_SCOPES.values() for s in own}),
        ),
        ("act", [act.value.replace(":", "_").replace("-", "_") for act in Act]),
        ("outcome", ["permit", "permit_with_duties", "review", "deny"]),
        ("answer", ["permit", "permit_with_duties", "review", "deny"]),
        ("dataset_state", ["draft", "published", "withdrawn"]),
        ("delivery_state", ["received", "checking", "checked", "failed", "published"]),
        (
            "decision_state",
            ["permitted", "pending", "approved", "refused", "denied", "withdrawn"],
        ),
        ("agreement_state", ["proposed", "in_force", "declined", "revoked", "lapsed"]),
        (
            "extract_headline",
            ["ordered", "running", "ready", "failed", "cancelled", "expired"],
        ),
    ],
)
def test_every_member_of_a_closed_family_has_words(family: str, members: list[str]) -> None:
    """What a row or a vocabulary may hold can be said in both languages."""
    for language in ("nl", "en"):
        missing = [m for m in members if f"{family}.{m}" not in catalogue(language)]
        assert not missing, (language, family, missing)


def test_every_notice_after_a_form_has_words() -> None:
    """Each `done=` that a route redirects with is a notice we have words for."""
    given = {
        str(node.value.value)
        for path in ROOM.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword)
        and node.arg == "done"
        and isinstance(node.value, ast.Constant)
    }
    assert len(given) > 15
    assert {f"done.{one}" for one in given} <= catalogue("nl").keys()


_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_SPOKEN = frozenset({"alt", "aria-label", "placeholder", "title"})
_PROPER = frozenset({"Vrijgave"})


class _Bare(HTMLParser):
    """Finds letters outside expressions: text that stands in one language."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        attributes = '="' in data  # of a macro that makes them
        if re.search(r"[A-Za-zÀ-ÿ]{2,}", data) and data.strip() not in _PROPER and not attributes:
            self.found.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            # A quote inside a value: the rest of a macro's attributes, not words.
            if name in _SPOKEN and value and re.search(r"^[^\"]*[A-Za-z]{2,}[^\"]*$", value):
                self.found.append(f"{name}={value}")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_templates_hold_no_words_of_their_own(template: Path) -> None:
    """What people read comes from the catalogues; a template holds markup and names of clients."""
    reader = _Bare()
    reader.feed(_JINJA.sub("", template.read_text("utf-8")))
    allowed = {"part-", ".parquet", "part-.parquet", "vrijgave audit verify"}
    left = [one for one in reader.found if one not in allowed and not one.startswith("vrijgave ")]
    assert not left


def test_numbers_and_moments_are_written_as_people_write_them() -> None:
    """Dutch and English separators, months and percentages; moments in Dutch local time."""
    nl, en = Words("nl"), Words("en")
    moment = datetime(2026, 11, 14, 23, 30, tzinfo=UTC)
    assert (nl.number(1469), en.number(1469)) == ("1.469", "1,469")
    assert (nl.day(moment), en.day(moment)) == ("15 november 2026", "15 November 2026")
    assert nl.moment(moment) == "15 november 2026 00:30"
    assert nl.size(1_500_000) == "1,5 MB"
    assert (nl.country("DE"), en.country("DE")) == ("Duitsland", "Germany")
    assert "Europese Unie" in nl.country("EU")
    assert nl.left(moment + timedelta(days=3), moment) == "nog 3 dagen"
    assert en.left(moment - timedelta(hours=1), moment) == "the time has passed"


def test_values_are_escaped_where_markup_stands_beside_them() -> None:
    """A name from outside cannot become markup."""
    sentence = Words("nl")("precheck.in_place", place=Markup("<b>NL</b>"))
    assert "<b>NL</b>" in sentence
    assert isinstance(sentence, Markup)
    assert Words("en").pick(Text("ja", "yes")) == "yes"
