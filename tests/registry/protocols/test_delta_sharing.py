"""Delta Sharing over a real server: the protocol's answers, and the real client with OAuth."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from registry.protocols.delta_sharing import delta_type
from tests.registry.api.test_parts import Ready
from tests.registry.api.world import World, open_world, sha256
from tests.support.clients import DELTA_SHARING, python_with, run_python


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A ready extract."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as world:
        yield Ready(world)


def _ask(ready: Ready, path: str, body: Any = None) -> httpx2.Response:
    method = "GET" if body is None else "POST"
    headers = {"Authorization": f"Bearer {ready.token}"}
    address = f"{ready.world.origin}/delta-sharing/shares{path}"
    return httpx2.request(method, address, headers=headers, json=body)


def _table(ready: Ready) -> str:
    return f"/{ready.extract['id'].upper()}/schemas/Vrijgave/tables/ITEMS"


def _files(answer: httpx2.Response) -> list[Any]:
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert "protocol" in lines[0]
    assert "metaData" in lines[1]
    return [line["file"] for line in lines[2:]]


def test_shares_and_tables_are_listed(ready: Ready) -> None:
    """Shares, one share, its schema, its table: in pages, by names that ignore case."""
    extract = ready.extract["id"]
    other, share = Ready(ready.world).extract["id"], {"name": extract, "id": extract}
    first = _ask(ready, "?maxResults=1").json()
    assert first["items"] == [{"name": other, "id": other}]
    second = _ask(ready, f"?maxResults=100&pageToken={first['nextPageToken']}").json()
    assert share in second["items"]
    assert "nextPageToken" not in second
    assert _ask(ready, f"/{extract}").json() == {"share": share}
    assert _ask(ready, f"/{extract}/schemas").json()["items"][0]["name"] == "vrijgave"
    for path in ("/schemas/vrijgave/tables", "/all-tables"):
        (table,) = _ask(ready, f"/{extract}{path}").json()["items"]
        assert (table["share"], table["schema"], table["name"]) == (extract, "vrijgave", "items")
    for path in (f"/{extract}/schemas/other/tables", "/ext_none", f"{_table(ready)}x/metadata"):
        missing = _ask(ready, path)
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/problem+json"


def test_a_query_gives_files_that_are_read_without_a_header(ready: Ready) -> None:
    """Version in a header, the whole file by its link, no file beyond the limit."""
    version = _ask(ready, f"{_table(ready)}/version")
    answer = _ask(ready, f"{_table(ready)}/query", {"predicateHints": ["x = 1"], "limitHint": 5})
    assert version.headers["delta-table-version"] == "0"
    assert answer.headers["delta-table-version"] == "0"
    (file,) = _files(answer)
    whole = httpx2.get(file["url"])
    assert sha256(whole.content) == file["id"] == ready.part["sha256"]
    assert json.loads(file["stats"])["numRecords"] == ready.part["rows"]
    assert _files(_ask(ready, f"{_table(ready)}/query", {"limitHint": 0})) == []
    assert _ask(ready, f"{_table(ready)}/query", {"version": 3}).json()["code"] == "no-such-version"
    assert httpx2.get(f"{ready.world.origin}/delta-sharing/shares").status_code == 401


def test_a_revoked_agreement_fails_at_the_next_range(ready: Ready) -> None:
    """Files that were listed before are refused after, with the reason."""
    own = Ready(ready.world)
    (file,) = _files(_ask(own, f"{_table(own)}/query", {}))
    assert httpx2.get(file["url"], headers={"Range": "bytes=0-9"}).status_code == 206
    body = {"reason": "Op verzoek van de maker."}
    own.world.archive.post(f"/agreements/{own.agreement}/revocation", body)
    refused = httpx2.get(file["url"], headers={"Range": "bytes=10-19"})
    assert (refused.status_code, refused.json()["code"]) == (410, "agreement-revoked")


def test_the_real_client_with_an_oauth_profile(ready: Ready, tmp_path: Path) -> None:
    """`delta-sharing` gets its own token, lists the table and loads it to pandas."""
    world: World = ready.world
    wanted = {"name": "m", "scopes": ["extracts"], "environment_id": ready.environment}
    client = world.startup.post("/clients", wanted)
    profile = tmp_path / "oauth.share"
    profile.write_text(
        json.dumps(
            {
                "shareCredentialsVersion": 2,
                "type": "oauth_client_credentials",
                "endpoint": f"{world.origin}/delta-sharing/",
                "tokenEndpoint": f"{world.origin}/oauth/token",
                "clientId": client["id"],
                "clientSecret": client["client_secret"],
                "scope": "extracts",
            }
        )
    )
    code = (
        "import sys, delta_sharing as d\n"
        "names = [t.share for t in d.SharingClient(sys.argv[1]).list_all_tables()]\n"
        "frame = d.load_as_pandas(f'{sys.argv[1]}#{sys.argv[2]}.vrijgave.items')\n"
        "print(sys.argv[2] in names, len(frame), sorted(frame.columns))\n"
    )
    told = run_python(python_with(*DELTA_SHARING), code, str(profile), ready.extract["id"])
    rows = ready.extract["rows"]
    assert told.splitlines()[-1] == f"True {rows} ['_item', '_rights', 'title']"


def test_types_are_written_as_delta_does() -> None:
    """Each DuckDB type has its name; what Delta does not know is a string."""
    assert delta_type("BIGINT") == "long"
    assert delta_type("TIMESTAMP WITH TIME ZONE") == "timestamp"
    assert delta_type("DECIMAL(10, 2)") == "decimal(10,2)"
    assert delta_type("UUID") == "string"
    inner = {"type": "array", "elementType": "integer", "containsNull": True}
    assert delta_type("INTEGER[][]") == {**inner, "elementType": inner}
