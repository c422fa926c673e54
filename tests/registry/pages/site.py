"""A running service, and the people who come to its pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from registry.app import create_app
from registry.db import transaction
from registry.services.accounts import SignUp, invite, link_for
from registry.settings import Settings
from tests.registry.api.world import serving
from tests.registry.pages.visitor import Visitor
from tests.support.service import free_port

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
BY_SA = "https://creativecommons.org/licenses/by-sa/4.0/"
BY_NC = "https://creativecommons.org/licenses/by-nc/4.0/"
_LICENCES = (CC0, CC0, BY_SA, BY_NC)
_LINK = re.compile(r"/sign-in/vg_link_[A-Za-z0-9_-]+")


def newsreels(rows: int = 200, *, broken: int = 0) -> bytes:
    """A delivery as CSV: half CC0, a quarter each of BY-SA and BY-NC, and some rows to refuse."""
    lines = [f"nr-{n},{_LICENCES[n % 4]},Polygoon,Journaal {n},1930" for n in range(rows)]
    wrong = [f"bad-{n},vrij te gebruiken,Polygoon,Zonder licentie {n},1930" for n in range(broken)]
    return "\n".join(["id,licence,rightsholder,title,year", *lines, *wrong, ""]).encode()


@dataclass
class Site:
    """The service; `visitor` opens a browser for someone."""

    app: FastAPI
    origin: str
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self, language: str = "nl") -> Visitor:
        """Someone who is not signed in."""
        self.visitors.append(Visitor(self.origin, language))
        return self.visitors[-1]

    def invited(self, role: str, name: str, language: str = "nl") -> Visitor:
        """Someone of a new organisation of any role, signed in by the link the operator printed."""
        visitor = self.visitor(language)
        visitor.open(self.link(role, name, language))
        visitor.send(visitor.path)
        return visitor

    def link(self, role: str, name: str, language: str = "nl") -> str:
        """The sign-in address of the first seat of a new organisation."""
        runtime = self.app.state.runtime
        command: dict[str, Any] = {
            "organisation_name": name,
            "role": role,
            "country": "NL",
            "person_name": "Ada",
            "email": f"ada@{name.lower().replace(' ', '-')}.example",
            "language": language,
        }
        with transaction(runtime.engine) as session:
            made = invite(session, None, SignUp.model_validate(command), at=runtime.clock())
            return "/sign-in/" + link_for(session, made.seat, at=runtime.clock())


def mailed_link(operator: Visitor) -> str:
    """The newest sign-in address in the outbox that the operator's page shows."""
    operator.open("/home")
    found = _LINK.search(operator.text)
    assert found, operator.text
    return found[0]


@contextmanager
def open_site(home: Path, port: int = 0, **settings: Any) -> Iterator[Site]:
    """A service in a folder of its own, on a port of its own."""
    port = port or free_port()
    origin = f"http://127.0.0.1:{port}"
    app = create_app(Settings.model_validate({"home": home, "base_url": origin, **settings}))
    with serving(app, port):
        site = Site(app, origin)
        try:
            yield site
        finally:
            for visitor in site.visitors:
                visitor.http.close()
