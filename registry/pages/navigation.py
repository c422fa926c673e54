"""The main menu: what each role comes for."""

from collections.abc import Sequence

from registry.accounts.actors import Actor

Link = tuple[str, str]
_OPEN: Sequence[Link] = (("/datasets", "datasets"), ("/precheck", "precheck"))
_ROLES: dict[str, Sequence[Link]] = {
    "user": (
        ("/home", "home_user"),
        *_OPEN,
        ("/requests", "requests"),
        ("/agreements", "agreements"),
        ("/extracts", "extracts"),
        ("/notices", "notices"),
        ("/usage", "usage"),
    ),
    "archive": (
        ("/home", "home_archive"),
        ("/inbox", "inbox"),
        ("/agreements", "agreements"),
        ("/disputes", "disputes"),
        ("/withdrawals", "withdrawals"),
        *_OPEN,
        ("/usage", "usage"),
        ("/audit", "audit"),
    ),
    "auditor": (
        ("/home", "home_auditor"),
        ("/audit", "audit"),
        ("/usage", "usage"),
        ("/withdrawals", "withdrawals"),
        *_OPEN,
    ),
    "operator": (("/home", "home_operator"), ("/audit", "audit"), ("/usage", "usage"), *_OPEN),
}


def menu(viewer: Actor | None) -> Sequence[Link]:
    """Address and name of each page in the menu."""
    return _ROLES[viewer.role] if viewer else (*_OPEN, ("/words", "words"))


def organisation_menu(viewer: Actor) -> Sequence[Link]:
    """Address and name of the pages about the visitor's own organisation."""
    keys = (("/seats", "seats"), ("/keys", "tokens"))
    card = ("/organisation", "organisation")
    if viewer.role == "user":
        return (card, ("/environments", "environments"), *keys)
    asking = (("/auditors", "auditors"), ("/blocklist", "blocklist"), *keys)
    if viewer.role == "operator":
        return (("/verifications", "verifications"), ("/people", "people"), *asking)
    return (card, *asking) if viewer.role == "archive" else keys
