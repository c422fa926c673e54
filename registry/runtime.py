"""What one process of the service runs on: the web application, or an operator's command."""

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from registry.accounts.access_tokens import AccessTokens
from registry.accounts.actors import Actor
from registry.accounts.issuers import Issuers, fetch
from registry.accounts.openid import OpenIdProviders
from registry.clock import Clock
from registry.credits import Credits
from registry.db import open_engine
from registry.limiting import Rates
from registry.settings import Settings

if TYPE_CHECKING:
    from catalog.search.folder import SearchIndex
    from registry.audit.checkpoint import SigningKey
    from registry.changes import Changes, Holding
    from registry.services.ports import Ports
    from registry.services.reading import Checked


class NotReady(Exception):
    """The service must not run so; the sentence says why and what to do."""


@dataclass(frozen=True)
class Runtime:
    """Settings, the database, the outside and the clock, opened together.

    :param log_key: signs the audit log's checkpoints, and nothing else.
    :param changes: whether anything was committed to the database since.
    :param checks: checks of who may read that passed and still hold.
    :param callers: who showed what, as far as that still holds.
    :param search: the search index, as this process sees it.
    :param credits: bytes on record that readers may still be sent.
    """

    settings: Settings
    engine: Engine
    ports: "Ports"
    clock: Clock
    log_key: "SigningKey"
    changes: "Changes"
    checks: "Holding[Checked]"
    callers: "Holding[Actor]"
    search: "SearchIndex"
    credits: Credits = field(default_factory=Credits)

    @cached_property
    def rates(self) -> Rates:
        """What callers took lately, at all processes of this home together."""
        return Rates(self.settings.home / "rates")

    @cached_property
    def access_tokens(self) -> AccessTokens:
        """Tokens of the issuers that the operator trusts, for this service."""
        get = partial(fetch, self.settings.closed_networks)
        return AccessTokens(Issuers(self.settings.token_issuers, get), self.settings.origin)

    @cached_property
    def providers(self) -> OpenIdProviders:
        """OpenID providers through which people sign in."""
        return OpenIdProviders(self.settings)


def open_runtime(settings: Settings, clock: Clock, *, check: bool = True) -> Runtime:
    """Open everything; on SQLite the database is brought up to date.

    :param check: hold the audit log to what was signed (the quick check), as the service does when
        it starts.
    :raises NotReady: a PostgreSQL database is not up to date.
    :raises LogMismatch: the log is not what was signed.
    :raises Unavailable: the service was restored, and what came after the backup is not known yet.
    """
    from catalog.search.folder import SearchIndex
    from registry.audit.log import check_log, open_head_store, open_signer
    from registry.audit.restored import refuse_restored
    from registry.changes import Changes, Holding
    from registry.services.ports import open_ports

    if check:
        refuse_restored(settings)
    engine = _open_database(settings)
    try:
        _refuse_outdated(engine)
        log_key = open_signer(settings)
        if check:
            check_log(engine, log_key.verifier, open_head_store(settings), quick=True)
        changes, ports = Changes(engine), open_ports(settings, clock)
        checks: Holding[Checked] = Holding(changes)
        callers: Holding[Actor] = Holding(changes)
        search = SearchIndex(settings.home / "search")
        return Runtime(settings, engine, ports, clock, log_key, changes, checks, callers, search)
    except BaseException:
        engine.dispose()
        raise


def bring_up_to_date(settings: Settings) -> str:
    """Bring the database's schema up to date; a sentence that tells what was done."""
    from registry.migrate import pending, upgrade

    engine = _open_database(settings)
    steps = pending(engine)
    upgrade(engine)
    engine.dispose()
    if not steps:
        return "the database is up to date"
    return f"the database was brought up to date: {', '.join(steps)}"


def _open_database(settings: Settings) -> Engine:
    settings.home.mkdir(parents=True, exist_ok=True)
    return open_engine(settings.sqlalchemy_url)


def _refuse_outdated(engine: Engine) -> None:
    from registry.migrate import pending, upgrade

    if engine.dialect.name == "sqlite":
        upgrade(engine)
        return
    steps = pending(engine)
    if steps:
        raise NotReady(
            f"the database lacks {len(steps)} step(s) of its schema: run `vrijgave migrate` first"
        )
