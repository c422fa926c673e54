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
        ("/environments", "environments"),
        ("/keys", "tokens"),
    ),
    "archive": (
        ("/home", "home_archive"),
        ("/inbox", "inbox"),
        ("/agreements", "agreements"),
        *_OPEN,
        ("/audit", "audit"),
        ("/keys", "tokens"),
    ),
    "auditor": (("/home", "home_auditor"), ("/audit", "audit"), *_OPEN, ("/keys", "tokens")),
    "operator": (("/home", "home_operator"), ("/audit", "audit"), *_OPEN, ("/keys", "tokens")),
}


def menu(viewer: Actor | None) -> Sequence[Link]:
    """Address and name of each page in the menu."""
    return _ROLES[viewer.role] if viewer else (*_OPEN, ("/words", "words"))
