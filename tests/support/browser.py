"""A real Chromium, for what only a browser can tell; tests that need it are marked `browser`."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.counterparts import absent

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENSHOTS = os.environ.get("VRIJGAVE_SCREENSHOTS", "")
"""A folder to leave pictures of the pages in, for people to look at."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's Chromium; skips by name where there is none, unless counterparts are required."""
    if not CHROMIUM.exists():
        absent(f"no Chromium at {CHROMIUM} (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@cache
def _axe() -> str:
    """axe-core's own script, from the package that carries it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 level AA, one sentence each."""
    page.evaluate(_axe())
    found = page.evaluate(
        "values => axe.run({runOnly: {type: 'tag', values}, resultTypes: ['violations']})",
        WCAG_22_AA,
    )
    return [
        f"{one['id']} ({one['help']}): {node['html'][:200]} -- {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def shoot(page: Page, name: str) -> None:
    """Leave a picture of the whole page, where a folder for it was given."""
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        file = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
        page.screenshot(path=folder / f"{file}.png", full_page=True)
