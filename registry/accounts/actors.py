"""Who acts, and what they may do here."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from registry.accounts.tables import Client, Organisation, Seat
from registry.errors import NotAllowed, Text


class Scope(StrEnum):
    """What an actor may do here, as an OAuth 2.0 scope (RFC 6749 section 3.3)."""

    ARCHIVE_READ = "archive:read"
    ARCHIVE_WRITE = "archive:write"
    REQUESTS = "requests"
    EXTRACTS = "extracts"
    AUDIT = "audit"
    OPERATE = "operate"
    ACCOUNT = "account"
    SEATS = "seats"


ROLE_SCOPES: dict[str, frozenset[Scope]] = {
    "archive": frozenset(
        {Scope.ARCHIVE_READ, Scope.ARCHIVE_WRITE, Scope.AUDIT, Scope.ACCOUNT, Scope.SEATS},
    ),
    "user": frozenset({Scope.REQUESTS, Scope.EXTRACTS, Scope.ACCOUNT, Scope.SEATS}),
    "auditor": frozenset({Scope.AUDIT, Scope.ACCOUNT, Scope.SEATS}),
    "operator": frozenset({Scope.OPERATE, Scope.AUDIT, Scope.ACCOUNT, Scope.SEATS}),
}
"""What an admin in an organisation of that role may do; members and machines get a part of it."""

MACHINE_SCOPES: dict[str, frozenset[Scope]] = {
    role: scopes - {Scope.ACCOUNT, Scope.SEATS} for role, scopes in ROLE_SCOPES.items()
}
"""What clients and tokens may be given: all but seats and credentials themselves."""


@dataclass(frozen=True)
class Actor:
    """A signed-in person or client, with the organisation it acts for."""

    id: str
    organisation_id: str
    organisation_slug: str
    organisation_name: str
    role: str
    user_class: str
    scopes: frozenset[Scope]
    name: str
    language: str
    environment_id: str | None = None
    """The environment its token is bound to, if it is."""
    credential_id: str | None = None
    """The token it showed; a person at a browser shows a session and has none."""
    by_link: bool = False
    """Whether it came by a signed link, which anyone can carry elsewhere."""
    jkt: str | None = None
    """Thumbprint of the key that its token is bound to, if it is (RFC 9449)."""
    until: datetime | None = field(default=None, compare=False)
    """When what it showed ends."""

    @property
    def is_person(self) -> bool:
        """Whether this is a person's seat."""
        return self.id.startswith("seat_")


def person(seat: Seat, organisation: Organisation) -> Actor:
    """The actor of a seat, with all that its role may do; seats are for admins alone."""
    scopes = ROLE_SCOPES[organisation.role]
    return Actor(
        id=seat.id,
        organisation_id=organisation.id,
        organisation_slug=organisation.slug,
        organisation_name=organisation.name,
        role=organisation.role,
        user_class=organisation.user_class,
        scopes=scopes if seat.admin else scopes - {Scope.SEATS},
        name=seat.name,
        language=seat.language,
    )


def machine(
    client: Client,
    organisation: Organisation,
    scopes: frozenset[Scope],
    environment: str | None,
    *,
    jkt: str | None,
    until: datetime,
) -> Actor:
    """The actor of a client, with no more than it was registered for."""
    registered = frozenset(Scope(scope) for scope in client.scopes)
    return Actor(
        id=client.id,
        organisation_id=organisation.id,
        organisation_slug=organisation.slug,
        organisation_name=organisation.name,
        role=organisation.role,
        user_class=organisation.user_class,
        scopes=scopes & registered & MACHINE_SCOPES[organisation.role],
        name=client.name,
        language="en",
        environment_id=environment,
        jkt=jkt,
        until=until,
    )


def require(actor: Actor, scope: Scope) -> None:
    """Pass, or raise ``NotAllowed`` naming the scope that is missing."""
    if scope in actor.scopes:
        return
    raise NotAllowed(
        "scope-missing",
        Text(
            f"Dit mag alleen met het recht `{scope}`, en dat hebt u hier niet.",
            f"This takes the scope `{scope}`, which you do not have here.",
        ),
        Text(
            "Meld u aan namens een organisatie die dit mag, of gebruik een token met dit recht.",
            "Sign in for an organisation that may do this, or use a token with that scope.",
        ),
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
    )
