"""What a service needs to serve, looked at: for monitors (`/readyz`) and `vrijgave doctor`.

Every finding names its cause and the way out.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from connectors.errors import ConnectorError
from connectors.ports import ObjectStore
from registry.accounts.tables import Organisation, Seat
from registry.audit import store as rows
from registry.audit.keys import open_head_store, open_signer, open_witness_policy
from registry.audit.log import check_log
from registry.audit.restored import refuse_restored
from registry.db import reading
from registry.errors import RegistryError, Text
from registry.migrate import newest_step, stands_at
from registry.settings import Settings

LEAST_FREE = 1024**3
"""Bytes below which a disk is told to be nearly full."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    :param what: the part that it is of.
    :param fatal: whether the service cannot serve so.
    """

    what: str
    cause: Text
    fix: Text
    fatal: bool = True


def unready(settings: Settings, engine: Engine, store: ObjectStore) -> Iterator[Finding]:
    """Why a process could not serve at this moment; asked by a monitor every few seconds."""
    wrong = list(_database(engine))
    yield from wrong
    yield from _store(store)
    yield from _keys(settings)
    if not wrong:
        yield from _head(settings, engine)


def ailments(settings: Settings, engine: Engine, store: ObjectStore) -> Iterator[Finding]:
    """All of that, and what an operator should know besides."""
    wrong = list(unready(settings, engine, store))
    yield from wrong
    yield from _told("restore", partial(refuse_restored, settings))
    yield from _told("witnesses", partial(open_witness_policy, settings))
    if not wrong:
        key, heads = open_signer(settings).verifier, open_head_store(settings)
        yield from _told("log", partial(check_log, engine, key, heads, quick=True))
        yield from _operator(engine)
    yield from _disk(settings)
    yield from _mail(settings)


def _database(engine: Engine) -> Iterator[Finding]:
    try:
        step = stands_at(engine)
    except SQLAlchemyError as problem:
        told = str(getattr(problem, "orig", problem)).strip()
        yield Finding(
            "database",
            Text(f"De database antwoordt niet: {told}.", f"The database does not answer: {told}."),
            Text(
                "Kijk of hij draait, of VRIJGAVE_DATABASE_URL klopt en of er ruimte is.",
                "See that it runs, that VRIJGAVE_DATABASE_URL is right and that its disk has room.",
            ),
        )
        return
    if step != newest_step():
        yield Finding(
            "schema",
            Text(
                f"De database staat op stap {step or '-'}, deze versie werkt met {newest_step()}.",
                f"The database stands at step {step or '-'}, this version works with"
                f" {newest_step()}.",
            ),
            Text(
                "Is hij ouder: `vrijgave migrate`. Is hij nieuwer: installeer die nieuwere versie.",
                "Where it is older: `vrijgave migrate`. Where newer: install that newer version.",
            ),
        )


def _store(store: ObjectStore) -> Iterator[Finding]:
    try:
        store.check()
    except ConnectorError as problem:
        yield Finding(
            "store",
            Text(problem.nl, problem.en),
            Text(
                "Kijk naar VRIJGAVE_STORE met zijn sleutels, of naar de rechten van de map.",
                "Look at VRIJGAVE_STORE with its keys, or at the folder's permissions.",
            ),
        )


def _keys(settings: Settings) -> Iterator[Finding]:
    folder = settings.home / "keys"
    readable = os.access(folder / "audit.key", os.R_OK) and os.access(folder, os.W_OK)
    if not readable:
        yield Finding(
            "keys",
            Text(
                f"De sleutel van het logboek in `{folder}` is er niet of is niet te lezen.",
                f"The log's key in `{folder}` is not there or cannot be read.",
            ),
            Text(
                "Is dit een nieuwe dienst, start haar dan. Zet anders de map terug; maak geen"
                " nieuwe sleutel.",
                "Where this is a new service, start it. Else put the folder back; make no new key.",
            ),
        )
    elif folder.stat().st_mode & 0o077:
        yield Finding(
            "keys",
            Text(
                f"Anderen op deze machine kunnen in `{folder}`.",
                f"Others on this machine can enter `{folder}`.",
            ),
            Text(f"Voer uit: chmod 700 {folder}", f"Run: chmod 700 {folder}"),
            fatal=False,
        )


def _head(settings: Settings, engine: Engine) -> Iterator[Finding]:
    with reading(engine) as session:
        published = rows.published(session, "")
    if published is not None and open_head_store(settings).load() is None:
        yield Finding(
            "log",
            Text(
                "Het bestand met de laatst ondertekende kop (`keys/audit.head`) ontbreekt.",
                "The file with the head signed last (`keys/audit.head`) is missing.",
            ),
            Text(
                "Zet het terug uit dezelfde map als de sleutels; zonder dat bestand tekent niets.",
                "Put it back from where the keys are kept; without it nothing is signed.",
            ),
        )


def _told(what: str, look: Callable[[], object]) -> Iterator[Finding]:
    """A check that raises, as a finding."""
    try:
        look()
    except RegistryError as problem:
        yield Finding(what, problem.text, problem.help)
    except OSError as problem:
        told = f"{problem.strerror}: {problem.filename}"
        yield Finding(what, Text(told, told), Text("Kijk naar dat bestand.", "See to that file."))


def _operator(engine: Engine) -> Iterator[Finding]:
    seats = select(Seat.id).join(Organisation, col(Organisation.id) == Seat.organisation_id)
    with reading(engine) as session:
        found = session.exec(
            seats.where(col(Organisation.role) == "operator", col(Seat.active)).limit(1)
        ).first()
    if found is None:
        yield Finding(
            "operator",
            Text("Niemand kan zich als beheerder aanmelden.", "Nobody can sign in as operator."),
            Text(
                "`vrijgave organisations add NAAM --role operator …` maakt de eerste.",
                "`vrijgave organisations add NAME --role operator …` makes the first.",
            ),
            fatal=False,
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.home).free
    if free < LEAST_FREE:
        yield Finding(
            "disk",
            Text(
                f"Op de schijf van `{settings.home}` is nog {free // 1024**2} MB vrij.",
                f"The disk of `{settings.home}` has {free // 1024**2} MB left.",
            ),
            Text("Maak ruimte.", "Make room."),
            fatal=False,
        )


def _mail(settings: Settings) -> Iterator[Finding]:
    if not settings.smtp_host:
        yield Finding(
            "mail",
            Text("Er is geen mailserver ingesteld.", "No mail server is set."),
            Text(
                "Stel VRIJGAVE_SMTP_HOST in, of lees berichten met `vrijgave outbox`.",
                "Set VRIJGAVE_SMTP_HOST, or read messages by `vrijgave outbox`.",
            ),
            fatal=False,
        )
