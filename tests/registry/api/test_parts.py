"""The bytes of an extract over a real server: ranges, conditions, refusals, the access record."""

import base64
import itertools
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlmodel import col, select

from registry.access.tables import Access, AccessRange
from registry.db import reading, transaction
from registry.services.accounts import link_for, seat_of
from tests.registry.api.world import World, sha256
from tests.support.planting import NUMBER, plant_part

_NUMBERS = itertools.count(1)


class Ready:
    """A ready extract, and someone who may read it with a bound token."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reference = world.publish(slug=f"journaals-{next(_NUMBERS)}")
        self.environment = world.environment(networks=["127.0.0.0/8"])
        self.agreement = world.agree(self.reference, self.environment)
        self.extract = world.extract(self.agreement)
        self.part = self.extract["parts"][0]
        self.token = world.token(self.environment)

    def read(self, method: str = "GET", **headers: str) -> httpx2.Response:
        """An answer about the part."""
        authorization = {"Authorization": f"Bearer {self.token}"}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.request(method, self.part["address"], headers={**authorization, **sent})

    def acts(self) -> list[str]:
        """What the log tells of this extract."""
        entries = self.world.auditor.get("/audit/entries", params={"limit": 200})["items"]
        return [e["act"] for e in entries if e["ids"].get("extract") == self.extract["id"]]


@pytest.fixture(scope="module")
def ready(world: World) -> Ready:
    """An extract that these tests read and none changes."""
    return Ready(world)


@pytest.fixture
def own(world: World) -> Ready:
    """An extract of this test alone, to be taken away."""
    return Ready(world)


def test_a_whole_file(ready: Ready) -> None:
    """The bytes are the ones that the manifest signs; ETag and digests say so too."""
    whole = ready.read()
    digest = base64.b64encode(bytes.fromhex(sha256(whole.content))).decode()
    assert whole.status_code == 200
    assert sha256(whole.content) == ready.part["sha256"]
    assert whole.headers["etag"] == f'"{ready.part["sha256"]}"'
    assert whole.headers["content-digest"] == f"sha-256=:{digest}:"
    assert whole.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert whole.headers["accept-ranges"] == "bytes"
    assert "no-store" in whole.headers["cache-control"]


def test_head_tells_size_and_hash(ready: Ready) -> None:
    """HEAD answers as GET would, without bytes; remote Parquet readers begin with it."""
    head = ready.read("HEAD")
    assert head.status_code == 200
    assert head.content == b""
    assert int(head.headers["content-length"]) == ready.part["bytes"]
    assert head.headers["etag"] == f'"{ready.part["sha256"]}"'


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=4-4", 4, 5),
        ("bytes=100-", 100, None),
        ("bytes=-8", -8, None),
        ("bytes=10-99999999", 10, None),
        ("bytes=-99999999", 0, None),
    ],
)
def test_one_range(ready: Ready, asked: str, start: int, stop: int | None) -> None:
    """A single range, also from the end or beyond it, gives exactly those bytes."""
    whole = ready.read().content
    part = ready.read(Range=asked)
    wanted = whole[start:stop]
    first = len(whole) - len(wanted) if start < 0 or stop is None else start
    assert part.status_code == 206
    last = first + len(wanted) - 1
    assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert ("content-digest" in part.headers) == (len(wanted) == len(whole))
    assert part.content == wanted


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "items=0-1", "bytes=5-2", "bytes=-", "bytes=a-b", "bytes=٣-"]
)
def test_ranges_not_understood_give_the_whole(ready: Ready, asked: str) -> None:
    """Several ranges, other units and nonsense are ignored, as RFC 9110 section 14.2 allows."""
    headers = {b"Authorization": f"Bearer {ready.token}".encode(), b"Range": asked.encode()}
    assert httpx2.get(ready.part["address"], headers=headers).status_code == 200


def test_the_digest_of_a_range_is_told_to_whoever_wants_it(ready: Ready) -> None:
    """Want-Content-Digest (RFC 9530 section 4) on a range of at most a block."""
    part = ready.read(Range="bytes=4-99", Want_Content_Digest="sha-256=10")
    digest = base64.b64encode(bytes.fromhex(sha256(part.content))).decode()
    assert part.headers["content-digest"] == f"sha-256=:{digest}:"
    assert part.headers["repr-digest"] != part.headers["content-digest"]


def test_a_thousand_ranges_cost_no_more_than_one(ready: Ready) -> None:
    """A header of a thousand ranges gets the whole file at once."""
    asked = "bytes=" + ",".join(f"{n}-{n}" for n in range(1000))
    started = time.monotonic()
    assert ready.read(Range=asked).status_code == 200
    assert time.monotonic() - started < 2


def test_a_range_beyond_the_end(ready: Ready) -> None:
    """It is 416 with the size, in our problem shape."""
    beyond = ready.read(Range=f"bytes={ready.part['bytes']}-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{ready.part['bytes']}"
    assert beyond.json()["code"] == "range-beyond-end"


def test_conditions(ready: Ready) -> None:
    """If-None-Match spares the bytes; If-Range gives the range only of the same file."""
    etag = f'"{ready.part["sha256"]}"'
    assert ready.read(If_None_Match=etag).status_code == 304
    assert ready.read(If_None_Match=f'"other", W/{etag}').status_code == 304
    assert ready.read(If_None_Match='"other"').status_code == 200
    assert ready.read(Range="bytes=0-1", If_Range=etag).status_code == 206
    assert ready.read(Range="bytes=0-1", If_Range='"other"').status_code == 200


def test_no_credential_and_the_wrong_one(ready: Ready) -> None:
    """Without a token 401; another organisation's finds nothing there."""
    assert httpx2.get(ready.part["address"]).status_code == 401
    rival = ready.world.other_startup
    path = f"/extracts/{ready.extract['id']}/parts/1"
    assert rival.http.get(path).status_code == 404
    assert rival.http.head(path).status_code == 404
    assert ready.world.archive.http.get(path).status_code == 403
    assert ready.world.startup.http.get(path.replace("parts/1", "parts/99")).status_code == 404


def test_a_token_of_another_environment(ready: Ready) -> None:
    """A token reads only for the environment it is bound to."""
    elsewhere = ready.world.environment(name="elsewhere")
    token = ready.world.token(elsewhere)
    headers = {"Authorization": f"Bearer {token}"}
    refused = httpx2.get(ready.part["address"], headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "other-environment")


def test_a_network_outside_the_environment(world: World, ready: Ready) -> None:
    """Reading from an address outside the environment's networks is refused, with the address."""
    environment = world.environment(name="far", networks=["192.0.2.0/24"])
    extract = world.extract(world.agree(ready.reference, environment))
    refused = world.startup.http.get(f"/extracts/{extract['id']}/parts/1")
    assert (refused.status_code, refused.json()["code"]) == (403, "other-network")
    assert "127.0.0.1" in refused.json()["detail"]


def test_ranges_of_one_reader_are_one_access(own: Ready) -> None:
    """Ten ranges fold into one access, with each range and what was sent of it."""
    for n in range(10):
        own.read(Range=f"bytes={n}-{n + 4}")
    until = time.monotonic() + 5
    while True:
        with reading(own.world.app.state.runtime.engine) as session:
            accesses = session.exec(
                select(Access).where(col(Access.extract_id) == own.extract["id"])
            ).all()
            of_it = select(AccessRange).where(
                col(AccessRange.access_id).in_([access.id for access in accesses])
            )
            ranges = [(one.start, one.stop, one.sent) for one in session.exec(of_it)]
        if all(sent is not None for _, _, sent in ranges) or time.monotonic() > until:
            break
    assert len(accesses) == 1
    assert sorted(ranges) == [(n, n + 5, 5) for n in range(10)]


def test_the_record_is_there_before_the_bytes(own: Ready) -> None:
    """When the first byte arrives the access stands in the log already."""
    with httpx2.stream(
        "GET", own.part["address"], headers={"Authorization": f"Bearer {own.token}"}
    ) as response:
        next(response.iter_bytes(1))
        assert "access:opened" in own.acts()


def test_a_revoked_agreement_refuses_the_next_request(own: Ready) -> None:
    """410 with the reason, on GET and HEAD alike, and the refusal is in the log."""
    assert own.read(Range="bytes=0-9").status_code == 206
    body = {"reason": "Op verzoek van de maker."}
    own.world.archive.post(f"/agreements/{own.agreement}/revocation", body)
    refused = own.read(Range="bytes=0-9")
    assert (refused.status_code, refused.json()["code"]) == (410, "agreement-revoked")
    assert own.read("HEAD").status_code == 410
    assert own.acts().count("access:refused") == 2


def test_a_revoked_token_reads_nothing_more(own: Ready) -> None:
    """Revocation holds from the next request on."""
    own.world.startup.http.delete(f"/tokens/{own.world.things['token_id']}")
    assert own.read().status_code == 401


def test_a_running_stream_ends_when_the_agreement_does(own: Ready, monkeypatch: Any) -> None:
    """Bytes stop within two seconds of the revocation, though the reader is slow."""
    from registry import serving

    monkeypatch.setattr(serving, "BLOCK", 64)
    monkeypatch.setattr(serving, "RECHECK_SECONDS", 0.1)
    _slow_blocks(monkeypatch)
    body = {"reason": "Op verzoek van de maker."}
    with pytest.raises(httpx2.TransportError):
        _end_while_reading(
            own, lambda: own.world.archive.post(f"/agreements/{own.agreement}/revocation", body)
        )


def test_a_running_stream_ends_when_the_verification_does(own: Ready, monkeypatch: Any) -> None:
    """An organisation that loses its verification in the middle gets no more, and hears why."""
    from registry import serving

    monkeypatch.setattr(serving, "BLOCK", 64)
    monkeypatch.setattr(serving, "RECHECK_SECONDS", 0.1)
    _slow_blocks(monkeypatch)
    told = {"legal_name": "Klankwerk BV", "number": "12345678", "signatory": "Noor"}
    told |= {"signatory_role": "directeur", "evidence": "https://kvk.example/12345678"}
    operator = own.world.operator

    def verify() -> dict[str, str]:
        card = own.world.startup.post("/verifications", told)["id"]
        decided = {"verification_id": card, "reason": "Opgeheven."}
        operator.post("/verification-decisions", decided | {"state": "verified"})
        return decided

    withdrawn = verify() | {"state": "withdrawn"}
    with pytest.raises(httpx2.TransportError):
        _end_while_reading(own, lambda: operator.post("/verification-decisions", withdrawn))
    refused = own.read(Range="bytes=0-9")
    assert (refused.status_code, refused.json()["code"]) == (403, "verification-withdrawn")
    verify()
    assert own.read(Range="bytes=0-9").status_code == 206


def test_a_running_stream_ends_when_its_persons_seat_does(own: Ready, monkeypatch: Any) -> None:
    """Someone's seat is taken away in the middle of their download: the rest does not leave."""
    from registry import serving

    monkeypatch.setattr(serving, "BLOCK", 64)
    monkeypatch.setattr(serving, "RECHECK_SECONDS", 0.1)
    _slow_blocks(monkeypatch)
    startup, runtime = own.world.startup, own.world.app.state.runtime
    email = "bo@taalmeester.example"
    secret = startup.post("/seat-invitations", {"email": email})["invitation"]
    joined = own.world.anyone.post("/seats", {"invitation": secret, "person_name": "Bo"})
    seat = startup.put(f"/seats/{joined['seat_id']}", {"admin": False})
    assert seat in startup.get("/seats")["items"]
    waiting = startup.post("/seat-invitations", {"email": "cas@taalmeester.example"})["id"]
    assert [one["id"] for one in startup.get("/seat-invitations")["items"]] == [waiting]
    assert startup.http.delete(f"/seat-invitations/{waiting}").status_code == 204
    with transaction(runtime.engine) as session:
        link = link_for(session, seat_of(session, email), at=runtime.clock())
    own.token = own.world.anyone.post("/sessions", {"link": link})["access_token"]
    with pytest.raises(httpx2.TransportError):
        _end_while_reading(own, lambda: startup.http.delete(f"/seats/{seat['id']}"))
    assert own.read(Range="bytes=0-9").status_code == 401
    assert own.world.archive.get(f"/agreements/{own.agreement}")["state"] == "in_force"


def test_a_block_refuses_the_next_read(own: Ready) -> None:
    """With its reason, until it is lifted."""
    archive, startup = own.world.archive, own.world.startup
    mine = startup.get("/me")["organisation_id"]
    told = {"organisation": mine, "reason": "Gaf bestanden door."}
    block = archive.post("/blocks", told)
    assert [one["id"] for one in archive.get("/blocks")["items"]] == [block["id"]]
    refused = own.read(Range="bytes=0-9")
    assert (refused.status_code, refused.json()["code"]) == (403, "organisation-blocked")
    assert "Gaf bestanden door." in refused.json()["detail"]
    assert archive.http.delete(f"/blocks/{block['id']}").json()["lifted_at"]
    assert own.read(Range="bytes=0-9").status_code == 206


def test_what_a_slow_reader_left_in_the_buffers_does_not_leave(own: Ready) -> None:
    """Two seconds after the revocation a reader that takes little gets nothing more at all."""
    plant_part(own.world.home, own.extract["id"], 32 * 2**20)
    address = urlsplit(own.part["address"].removesuffix("/1") + f"/{NUMBER}")
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect((address.hostname, address.port))
        line.sendall(
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {own.token}\r\n\r\n".encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 200")
        body = {"reason": "Op verzoek van de maker."}
        own.world.archive.post(f"/agreements/{own.agreement}/revocation", body)
        time.sleep(2)
        with pytest.raises(ConnectionResetError):
            _read_on(line)


def _read_on(line: socket.socket) -> None:
    while line.recv(4096):  # what had left before is the reader's own
        pass


def _end_while_reading(own: Ready, end: Callable[[], object]) -> None:
    headers = {"Authorization": f"Bearer {own.token}"}
    with httpx2.stream("GET", own.part["address"], headers=headers) as response:
        blocks = response.iter_raw()
        next(blocks)
        end()
        revoked = time.monotonic()
        for _ in blocks:
            assert time.monotonic() - revoked < 2


def _slow_blocks(monkeypatch: Any) -> None:
    """Let each block of the store take a while, as a slow reader would make it."""
    from connectors.local import OpenFile

    fast = OpenFile.read

    def slow(self: OpenFile, offset: int, length: int) -> bytes:
        time.sleep(0.05)
        return fast(self, offset, length)

    monkeypatch.setattr(OpenFile, "read", slow)
