"""When the service may not start, it says why and what to do."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from registry.addresses import is_loopback
from registry.app import create_app
from registry.audit.log import LogMismatch
from registry.db import open_engine
from registry.runtime import NotReady
from registry.settings import Settings


def _settings(home: Path, **chosen: object) -> Settings:
    return Settings.model_validate({"home": home, **chosen})


def test_off_this_machine_it_wants_tls_in_front(tmp_path: Path) -> None:
    """An address that others reach, without TLS, is refused; with it stated, it starts."""
    with pytest.raises(NotReady, match="VRIJGAVE_TLS_IN_FRONT"):
        create_app(_settings(tmp_path, base_url="http://vrijgave.example"))
    create_app(_settings(tmp_path, base_url="https://vrijgave.example", tls_in_front=True))


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("x.nl", False),
    ],
)
def test_which_addresses_are_this_machine(host: str, local: bool) -> None:
    """Loopback only."""
    assert is_loopback(host) is local


def test_a_log_that_was_changed_stops_it(tmp_path: Path) -> None:
    """An entry altered behind its back is found at the next start, which is refused."""
    settings = _settings(tmp_path)
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
        body = {"organisation_name": "Acme", "country": "NL", "person_name": "A", "email": "a@b.nl"}
        assert client.post("/v1/organisations", json=body).status_code == 201
    engine = open_engine(settings.sqlalchemy_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE audit_entry"
            " SET body = CAST(replace(CAST(body AS TEXT), '\"NL\"', '\"BE\"') AS BLOB)"
        )
    engine.dispose()
    with pytest.raises(LogMismatch), TestClient(create_app(settings)):
        pass
