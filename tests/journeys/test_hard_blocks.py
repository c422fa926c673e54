"""Two collections that differ in nothing but their hard-blocked items answer the same, to the byte.

Both are made by the same steps with the same clock and the same drawn numbers, so that ids, keys,
digests and files are equal too where nothing of a blocked item shows in them.
"""

import re
import secrets
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx2
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from registry.access.tables import Agreement, Extract
from registry.accounts.tables import Seat
from registry.app import create_app
from registry.db import open_engine, transaction
from registry.demo import generator
from registry.services.accounts import link_for
from registry.services.catching_up import catch_up
from registry.services.checking import run_check
from registry.services.lineage.keeping import keep_lineage
from registry.services.ports import open_ports
from registry.settings import Settings
from tests.registry.api.world import serving
from tests.support.clock import SetClock
from tests.support.service import free_port
from tests.support.world import PublishedDataset, Startup, World

ITEMS = 300
CLEAR, MIXED = "clear", "mixed"
_OF_ONE_ANSWER = {"date", "x-request-id", "set-cookie"}
_FORM_TOKEN = re.compile(rb'name="form_token" value="[^"]+"')
"""What tells two showings of one form apart."""
ASKED = [
    {"use": use, "user_class": user_class, "country": place, "operator_country": place}
    for use in ("search", "analyse", "train.gen", "infer.rag", "redistribute")
    for user_class in ("commercial", "research")
    for place in ("NL", "US")
]


@dataclass
class Twin:
    """One of the two collections, asked about and extracted from, and where it is served."""

    world: World
    first: PublishedDataset
    second: PublishedDataset
    startup: Startup
    agreement: Agreement
    extract: Extract
    anyone: httpx2.Client
    recipient: httpx2.Client
    other: httpx2.Client


Answers = dict[str, bytes]
"""Status, headers and body, by who asked and what."""


@dataclass
class Told:
    """What a collection answers to others, and how many rows and items its owner knows of."""

    answers: Answers
    rows: int
    items: int


def _draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the system's source of chance draw the same numbers for both collections."""
    random = Random(1)
    monkeypatch.setattr(secrets, "token_bytes", random.randbytes)
    monkeypatch.setattr(secrets, "token_hex", lambda size: random.randbytes(size).hex())
    monkeypatch.setattr(secrets, "randbits", random.getrandbits)
    monkeypatch.setattr(
        secrets,
        "token_urlsafe",
        lambda size: urlsafe_b64encode(random.randbytes(size)).decode().rstrip("="),
    )


def _clear_rows(folder: Path, seed: int) -> pa.Table:
    """Made-up items without a hard block."""
    path = folder / f"clear-{seed}.parquet"
    generator.write(path, ITEMS, seed=seed)
    table = parquet.read_table(path)
    known = pc.is_in(table["personal_data"], pa.array(["geen", "gewoon"]))
    return table.filter(pc.and_(pc.equal(table["source_protection"], "nee"), known))


def _among_blocked(clear: pa.Table, folder: Path) -> pa.Table:
    """The same items in the same order, with as many hard-blocked ones among them.

    Half protect a source, half hold special personal data; all tell what nobody may learn, and
    have rights that no other item has.
    """
    path = folder / "blocked.parquet"
    generator.write(path, clear.num_rows, seed=99)
    rows = parquet.read_table(path).to_pylist()
    mixed = []
    for number, (item, secret) in enumerate(zip(clear.to_pylist(), rows, strict=True)):
        kind = {"source_protection": "ja"} if number % 2 else {"personal_data": "bijzonder"}
        told = {"identifier": f"geheim-{number}", "title_nl": "GEHEIM", "rightsholder": "GEHEIM"}
        rights = {"rights": "http://rightsstatements.org/vocab/InC-EDU/1.0/", "opt_out": "ja"}
        mixed += [{**secret, **told, **rights, **kind}, item]
    return pa.Table.from_pylist(mixed, schema=clear.schema)


def _publish(world: World, folder: Path, kind: str) -> tuple[PublishedDataset, PublishedDataset]:
    """Two editions of one dataset, of which the second lost items, gained some, and kept most."""
    archive = world.an_archive()
    dataset = world.a_dataset(archive)
    before = _clear_rows(folder, 1)
    more = _clear_rows(folder, 2).slice(0, 60)
    fresh = pc.binary_join_element_wise(more["identifier"], "nieuw", "-")
    more = more.set_column(more.schema.get_field_index("identifier"), "identifier", fresh)
    made = []
    for number, rows in enumerate((before, pa.concat_tables([before.slice(40), more]))):
        path = folder / f"delivered-{number}.parquet"
        parquet.write_table(_among_blocked(rows, folder) if kind == MIXED else rows, path)
        delivery = world.deliver(archive, dataset, path)
        run_check(world.engine, world.ports, delivery.id)
        world.declare(archive, dataset, delivery)
        made.append(world.publish(archive, dataset, delivery))
    return made[0], made[1]


def _link(world: World, startup: Startup) -> str:
    with transaction(world.engine) as session:
        seat = session.get_one(Seat, startup.actor.id)
        return link_for(session, seat, at=world.clock())


@contextmanager
def _client(world: World, origin: str, startup: Startup | None) -> Iterator[httpx2.Client]:
    """Someone at the REST API and the pages, signed in at both where they are of a start-up."""
    heads = {"accept-language": "en", "sec-fetch-site": "same-origin"}
    with httpx2.Client(base_url=origin, timeout=60, headers=heads) as client:
        if startup is not None:
            assert client.post(f"/sign-in/{_link(world, startup)}").status_code == 303
            session = client.post("/v1/sessions", json={"link": _link(world, startup)}).json()
            client.headers["authorization"] = f"Bearer {session['access_token']}"
        yield client


@contextmanager
def _served(world: World, first: PublishedDataset, second: PublishedDataset) -> Iterator[Twin]:
    startup, other = world.a_startup(), world.a_startup()
    agreement = world.an_agreement(startup, second)
    extract = world.a_ready_extract(startup, agreement)
    keep_lineage(world.engine, world.ports)
    catch_up(world.engine, world.ports)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with (
        serving(create_app(world.settings, clock=world.clock), port),
        _client(world, origin, None) as anyone,
        _client(world, origin, startup) as recipient,
        _client(world, origin, other) as third,
    ):
        yield Twin(world, first, second, startup, agreement, extract, anyone, recipient, third)


def _as_told(response: httpx2.Response) -> bytes:
    """The status, what the headers say of the answer, and its bytes."""
    heads = sorted(f"{k}: {v}" for k, v in response.headers.items() if k not in _OF_ONE_ANSWER)
    body = _FORM_TOKEN.sub(b"", response.content)
    return "\n".join([str(response.status_code), *heads, ""]).encode() + body


def _public(twin: Twin) -> list[str]:
    """What anyone can look at."""
    name = twin.second.name
    api = f"/v1/archives/{name.replace('/', '/datasets/')}"
    return [
        "/v1/datasets",
        api,
        f"{api}/statistics",
        f"{api}/difference?before=1&after=2",
        f"{api}/difference?before=2&after=1",
        f"/v1/offers/{twin.first.offer.id}",
        f"/v1/offers/{twin.second.offer.id}",
        "/",
        "/datasets",
        f"/datasets/{name}",
        f"/datasets/{name}/difference?before=1&after=2",
        f"/precheck?dataset={name}&use=train.gen&user_class=commercial&country=NL",
    ]


def _own(twin: Twin) -> list[str]:
    """What the recipient can look at; others are told that it is not there."""
    agreement, extract, decision = twin.agreement.id, twin.extract.id, twin.agreement.decision_id
    request = twin.recipient.get("/v1/requests").json()["items"][0]["id"]
    days = "since=2026-11-01&until=2026-11-30"
    return [
        "/v1/requests",
        f"/v1/requests/{request}",
        "/v1/agreements",
        f"/v1/agreements/{agreement}",
        f"/v1/decisions/{decision}/record",
        f"/v1/decisions/{decision}/what-if",
        "/v1/extracts",
        f"/v1/extracts/{extract}",
        f"/v1/extracts/{extract}/manifest",
        f"/v1/extracts/{extract}/manifest.note",
        f"/v1/lineage/extracts?extract={extract}&limit=200",
        f"/v1/usage?{days}",
        "/v1/notices",
        "/home",
        "/requests",
        f"/requests/{request}",
        f"/agreements/{agreement}",
        f"/decisions/{decision}",
        "/extracts",
        f"/extracts/{extract}",
        f"/extracts/{extract}/manifest.json",
        f"/usage?{days}",
        "/delta-sharing/shares",
    ]


def _ask(twin: Twin) -> Answers:
    """Every answer to anyone, to the recipient, and to another start-up."""
    found: Answers = {}
    public, own = _public(twin), _own(twin)
    asking = {
        "anyone": (twin.anyone, public),
        "recipient": (twin.recipient, [*public, *own]),
        "other": (twin.other, [*public, *own]),
    }
    for who, (client, paths) in asking.items():
        found |= {f"{who} {path}": _as_told(client.get(path)) for path in paths}
        for question in ASKED:
            body = {"datasets": [twin.second.name], **question}
            found[f"{who} asks {question}"] = _as_told(client.post("/v1/precheck", json=body))
    return found | _read(twin)


def _read(twin: Twin) -> Answers:
    """The parts as the recipient reads them, and the lineage of an item in them."""
    number = len(twin.extract.manifest["parts"])
    paths = [f"/v1/extracts/{twin.extract.id}/parts/{n}" for n in range(1, number + 1)]
    parts = {f"part {path}": _as_told(twin.recipient.get(path)) for path in paths}
    body = twin.recipient.get(paths[0]).content
    item = parquet.read_table(pa.BufferReader(body))["_item"][0].as_py()
    lineage = f"/v1/lineage/items?dataset_id={twin.second.dataset.id}&item={item}"
    return parts | {"lineage": _as_told(twin.recipient.get(lineage))}


def _told_by(kind: str, folder: Path, template: Path) -> Told:
    place = folder / kind
    (place / "home").mkdir(parents=True)
    shutil.copytree(folder / "keys", place / "home" / "keys")
    shutil.copy(template, place / "twin.sqlite")
    with pytest.MonkeyPatch.context() as monkeypatch:
        _draw_the_same(monkeypatch)
        engine = open_engine(f"sqlite:///{place / 'twin.sqlite'}")
        world = World(engine, place / "home", SetClock())
        first, second = _publish(world, place, kind)
        with _served(world, first, second) as twin:
            answers = _ask(twin)
        engine.dispose()
    return Told(answers, second.edition.rows, second.edition.items)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> dict[str, Told]:
    """What each of the two collections answers, signed with the same keys."""
    folder = tmp_path_factory.mktemp("twins")
    open_ports(Settings(home=folder), SetClock())
    return {kind: _told_by(kind, folder, sqlite_template) for kind in (CLEAR, MIXED)}


def test_hard_blocked_items_leave_no_trace(told: dict[str, Told]) -> None:
    """Every answer to others than the owner is the same in both, to the byte."""
    clear, mixed = told[CLEAR].answers, told[MIXED].answers
    assert clear.keys() == mixed.keys()
    assert [name for name in clear if clear[name] != mixed[name]] == []
    refused = [name for name, answer in clear.items() if not answer.startswith(b"200")]
    assert all(name.startswith("other ") for name in refused)
    assert not any(b"GEHEIM" in answer or b"geheim" in answer for answer in mixed.values())


def test_their_owner_sees_them(told: dict[str, Told]) -> None:
    """So that the two collections do differ, by as many items as they hold clear ones."""
    clear, mixed = told[CLEAR], told[MIXED]
    assert mixed.items == clear.items == clear.rows > 0
    assert mixed.rows == 2 * mixed.items
