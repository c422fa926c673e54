"""The forms in which a record is given out: by Accept header, and each as a file of its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import RedirectResponse, Response

from catalog.description import CC0
from catalog.record import Agent, Record
from catalog.renderings import croissant, datacite, dcat, dsp, schema_org
from registry.errors import NotAcceptable, NotFound, Text
from registry.negotiating import HTML, Form, preferred
from registry.services.catalogue import Withdrawn

LD_JSON = "application/ld+json"
TURTLE = "text/turtle"
PAGE = Form(HTML)


@dataclass(frozen=True)
class Dialect:
    """A form by the name of its file, and how a record becomes a document of it.

    :param document: from a record and the service's address; None where it has no form for it.
    :param catalogue: from a page of records, where the standard has catalogues.
    """

    file: str
    form: Form
    document: Callable[[Record, str], Any]
    catalogue: Callable[..., Any] | None = None

    def written(self, document: Any) -> bytes:
        """The document as bytes."""
        if self.form.media_type != TURTLE:
            return orjson.dumps(document)
        from catalog.renderings.graphs import turtle  # heavy, and seldom asked for

        return turtle(document)


DIALECTS = (
    Dialect(
        "dcat.jsonld",
        Form(LD_JSON, dcat.CONFORMS_TO),
        lambda record, _: dcat.render(record),
        dcat.catalogue,
    ),
    Dialect("dcat.ttl", Form(TURTLE), lambda record, _: dcat.render(record), dcat.catalogue),
    Dialect(
        "nde.jsonld",
        Form(LD_JSON, "https://schema.org/"),
        lambda record, _: schema_org.render(record),
        schema_org.catalogue,
    ),
    Dialect(
        "croissant.json",
        Form(LD_JSON, croissant.CONFORMS_TO),
        lambda record, _: croissant.render(record),
    ),
    Dialect(
        "dsp.json",
        Form(LD_JSON, dsp.DSPACE),
        lambda record, origin: dsp.render(record, service=f"{origin}/v1"),
    ),
    Dialect(
        "datacite.json",
        Form("application/vnd.datacite.datacite+json"),
        lambda record, _: datacite.render(record),
    ),
)
"""In the order of preference; the first is what a wish for JSON-LD alone gets."""


def wanted(accept: str, among: Sequence[Dialect], *, page: bool = True) -> Dialect | None:
    """The dialect that an Accept header wants; None for the page.

    :raises NotAcceptable: it wants none of them.
    """
    forms = ([PAGE] if page else []) + [one.form for one in among]
    found = preferred(accept, forms)
    if found is None:
        listed = ", ".join(form.content_type for form in forms)
        raise NotAcceptable(
            "no-such-form",
            Text("Dit is er niet in de vorm die u vraagt.", "This is not available in that form."),
            Text(f"Er is: {listed}.", f"There is: {listed}."),
            headers={"vary": "Accept"},
        )
    return next((one for one in among if one.form == found), None)


def named(file: str, among: Sequence[Dialect]) -> Dialect:
    """The dialect of that file name.

    :raises NotFound: there is none.
    """
    for one in among:
        if one.file == file:
            return one
    files = ", ".join(one.file for one in among)
    raise NotFound(
        "no-such-file",
        Text("Deze vorm kennen wij niet.", "There is no such form."),
        Text(f"Er is: {files}.", f"There is: {files}."),
    )


def given(dialect: Dialect, document: Any, **headers: str) -> Response:
    """The answer with a document."""
    if document is None:
        raise NotFound(
            "not-offered",
            Text(
                "Deze dataset wordt nu niet aangeboden, en heeft deze vorm dus niet.",
                "This dataset is not offered now, so it has no such form.",
            ),
        )
    told = {"vary": "Accept", "cache-control": "no-cache", **headers}
    return Response(dialect.written(document), 200, told, dialect.form.content_type)


def led_on(gone: Withdrawn) -> Response:
    """To what took the place of a withdrawn dataset; where nothing did, it is gone."""
    if not gone.successor:
        raise gone
    return RedirectResponse(gone.successor, 301)


def catalogue_of(
    dialect: Dialect, records: Sequence[Record], origin: str, view: dict[str, Any]
) -> Any:
    """A page of the catalogue in a dialect that has catalogues."""
    assert dialect.catalogue is not None  # noqa: S101 -- chosen among those
    publisher = Agent(origin, "Vrijgave")
    address = f"{origin}/catalogue"
    return dialect.catalogue(records, address=address, publisher=publisher, licence=CC0, view=view)
