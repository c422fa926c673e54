"""A document for people as HTML and as accessible PDF (PDF/UA-1), from the same content."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True)
class Section:
    """A heading with facts, each a label and a value."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Document:
    """What is rendered; ``language`` is what screen readers speak it in."""

    language: str
    title: str
    lede: str
    sections: tuple[Section, ...]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("registry.evidence"), autoescape=True, undefined=StrictUndefined
    )


def as_html(document: Document) -> bytes:
    """One file of HTML that needs no other and runs nothing."""
    return _environment().get_template("pack.html").render(document=document).encode()


def as_pdf(document: Document) -> bytes:
    """Tagged PDF that declares PDF/UA-1 (ISO 14289-1); typst refuses to write one that is not.

    Content goes in as data, so that nothing in it is read as markup.
    """
    import typst

    template = files("registry.evidence").joinpath("templates", "pack.typ").read_bytes()
    made = typst.compile(
        template,
        format="pdf",
        pdf_standards=["ua-1"],
        sys_inputs={"document": json.dumps(asdict(document))},
        ignore_system_fonts=True,
    )
    return bytes(made)
