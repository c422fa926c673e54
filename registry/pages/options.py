"""What a person chooses from, for the select and choice macros."""

from collections.abc import Iterable

from registry.pages.words import Words
from registry.services.catalogue import Listing


def dataset_options(listings: Iterable[Listing], t: Words) -> list[tuple[str, str]]:
    """Reference and title of each listing that has an offer."""
    return [(one.reference, t.pick(one.dataset, "title")) for one in listings if one.offer]


def dataset_choices(listings: Iterable[Listing], t: Words) -> list[tuple[str, str, str]]:
    """The same with the archive's name and the size as a hint."""
    return [
        (one.reference, t.pick(one.dataset, "title"), f"{one.archive.name} · {one.reference}")
        for one in listings
    ]
