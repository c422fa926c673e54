"""What tells others where to look: a sitemap for crawlers, and changes as an Atom feed.

A dataset that was taken out stands in the feed as deleted (RFC 6721).
"""

from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import APIRouter
from starlette.responses import Response

from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.errors import NotFound, Text
from registry.services.records import count_records
from registry.services.tombstones import Change, list_changes

router = APIRouter(include_in_schema=False)

PAGE = 10_000
"""Addresses of one sitemap (the protocol takes 50,000)."""
NEWEST = 100
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_ATOM = "http://www.w3.org/2005/Atom"
_DELETED = "http://purl.org/atompub/tombstones/1.0"


@router.get("/sitemap.xml")
def sitemap_index(session: ReadingDep, runtime: RuntimeDep) -> Response:
    """The sitemaps that there are."""
    found = Element("sitemapindex", xmlns=_SITEMAP)
    for number in range(1, count_records(session) // PAGE + 2):
        address = f"{runtime.settings.origin}/sitemaps/{number}.xml"
        SubElement(SubElement(found, "sitemap"), "loc").text = address
    return _xml(found, "application/xml")


@router.get("/sitemaps/{number}.xml")
def sitemap(number: int, session: ReadingDep, runtime: RuntimeDep) -> Response:
    """The addresses of published datasets, with when each last changed."""
    if not 1 <= number <= 50_000:
        raise NotFound("not-found", Text("Deze lijst is er niet.", "There is no such sitemap."))
    found = Element("urlset", xmlns=_SITEMAP)
    for one in list_changes(session, limit=PAGE, offset=(number - 1) * PAGE):
        if not one.withdrawn:
            url = SubElement(found, "url")
            SubElement(url, "loc").text = f"{runtime.settings.origin}/datasets/{one.name}"
            SubElement(url, "lastmod").text = one.changed_at.isoformat()
    return _xml(found, "application/xml")


@router.get("/feed.atom")
def feed(session: ReadingDep, runtime: RuntimeDep, at: NowDep) -> Response:
    """The newest hundred changes of the catalogue (RFC 4287)."""
    origin = runtime.settings.origin
    changes = list_changes(session, limit=NEWEST, newest=True)
    found = Element("feed", {"xmlns": _ATOM, "xmlns:at": _DELETED, "xml:lang": "nl"})
    SubElement(found, "id").text = f"{origin}/feed.atom"
    SubElement(found, "title").text = "Vrijgave: datasets"
    SubElement(found, "updated").text = (changes[0].changed_at if changes else at).isoformat()
    SubElement(SubElement(found, "author"), "name").text = "Vrijgave"
    SubElement(found, "link", rel="self", href=f"{origin}/feed.atom")
    for change in changes:
        _entry(found, change, f"{origin}/datasets/{change.name}")
    return _xml(found, "application/atom+xml")


def _entry(feed: Element, change: Change, address: str) -> None:
    when = change.changed_at.isoformat()
    if change.withdrawn:
        SubElement(feed, "at:deleted-entry", ref=address, when=when)
        return
    entry = SubElement(feed, "entry")
    SubElement(entry, "id").text = address
    SubElement(entry, "title").text = f"{change.title_nl} · {change.title_en}"
    SubElement(entry, "updated").text = when
    SubElement(entry, "link", rel="alternate", type="text/html", href=address)
    for file in ("dcat.jsonld", "croissant.json"):
        SubElement(
            entry, "link", rel="alternate", type="application/ld+json", href=f"{address}/{file}"
        )


def _xml(found: Element, media_type: str) -> Response:
    content = tostring(found, encoding="utf-8", xml_declaration=True)
    return Response(content, 200, {"cache-control": "no-cache"}, media_type)
