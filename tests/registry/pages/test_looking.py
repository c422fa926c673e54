"""Pages asked for without their content."""

import pytest

from tests.registry.pages.site import Site


@pytest.mark.parametrize("path", ["/", "/datasets", "/precheck", "/words", "/static/icon.svg"])
def test_public_page_answers_head(site: Site, path: str) -> None:
    """HEAD gives the headers of GET and no content (RFC 9110 section 9.3.2)."""
    http = site.visitor("nl").http
    head, get = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "content-security-policy"):
        assert head.headers.get(name) == get.headers.get(name)


def test_download_is_not_begun_by_looking(site: Site) -> None:
    """A GET that is an act of its own has no HEAD."""
    assert site.visitor("nl").http.head("/extracts/ext_x/parts/1").status_code == 405
