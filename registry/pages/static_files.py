"""Our own style sheets, fonts and icon: a closed list, read once."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from registry.errors import NotFound, Text

router = APIRouter()

_TYPES = {
    "css": "text/css; charset=utf-8",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_NAMES = (
    "vrijgave.css",
    "print.css",
    "icon.svg",
    *(f"fonts/{font}.woff2" for font in ("newsreader-500", "plex-sans-400", "plex-sans-600")),
    "fonts/plex-mono-400.woff2",
    *(f"fonts/{font}-LICENSE.txt" for font in ("newsreader", "plex-sans", "plex-mono")),
)


@cache
def _content(name: str) -> bytes:
    return files("registry.pages").joinpath("static", *name.split("/")).read_bytes()


@router.get("/static/{name:path}", include_in_schema=False)
def static_file(name: str, v: str = "") -> Response:
    """A file of the design. With its version in the address it may be kept for a year."""
    if name not in _NAMES:
        raise NotFound("not-found", Text("Dit bestand is er niet.", "There is no such file."))
    kept = "public, max-age=31536000, immutable" if v or name.startswith("fonts/") else "no-cache"
    kind = _TYPES[name.rpartition(".")[2]]
    return Response(_content(name), headers={"cache-control": kept}, media_type=kind)
