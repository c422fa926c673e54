"""Secrets come from files or the environment, and nothing that the service writes tells them."""

import json
from pathlib import Path

import httpx2
import pytest

from registry.settings import Settings
from tests.support.service import Service

CANARIES = {
    "smtp_password": "canary-mail-9f2c",
    "store_secret_key": "canary-store-77ab",
    "places": "canary-place-1d0e",
    "header": "vg_tok_canary-token-5c5c",
    "basic": "canary-client-3e3e",
    "link": "vg_link_canary-sign-in-8a8a",
    "join": "canary-invitation-2b2b",
    "signed": "vl_x.canary-signature-6d6d",
}


def _place() -> str:
    place = {"archive": "a", "url": "s3://b", "country": "NL", "secret_key": CANARIES["places"]}
    return json.dumps({"one": place})


def test_settings_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a variable names, a file in the secrets folder; the variable itself is first."""
    (tmp_path / "named").write_text("from a file\n")
    (tmp_path / "vrijgave_places").write_text(_place())
    monkeypatch.setitem(Settings.model_config, "secrets_dir", str(tmp_path))
    monkeypatch.setenv("VRIJGAVE_STORE_SECRET_KEY_FILE", str(tmp_path / "named"))
    found = Settings()
    assert found.store_secret_key.get_secret_value() == "from a file"
    assert found.places["one"].secret_key.get_secret_value() == CANARIES["places"]
    assert "from a file" not in repr(found)
    monkeypatch.setenv("VRIJGAVE_STORE_SECRET_KEY", "itself")
    assert Settings().store_secret_key.get_secret_value() == "itself"
    monkeypatch.setenv("VRIJGAVE_OUTBOUND_NETWORKS_FILE", str(tmp_path / "nets"))
    with pytest.raises(ValueError, match="VRIJGAVE_OUTBOUND_NETWORKS_FILE names a file"):
        Settings()
    (tmp_path / "nets").write_text("10.1.0.0/16 fd00:1::/32\n")
    assert [str(one) for one in Settings().outbound_networks] == ["10.1.0.0/16", "fd00:1::/32"]


def test_nothing_tells_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs, answers and `config show` after good and bad requests: no planted secret in any."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("smtp_password", "places"):
        (tmp_path / name).write_text(_place() if name == "places" else CANARIES[name])
        monkeypatch.setenv(f"VRIJGAVE_{name.upper()}_FILE", str(tmp_path / name))
    monkeypatch.setenv("VRIJGAVE_STORE_SECRET_KEY", CANARIES["store_secret_key"])
    monkeypatch.setenv("VRIJGAVE_TLS_IN_FRONT", "true")
    monkeypatch.setenv("VRIJGAVE_SECURITY_CONTACT", "mailto:security@example.org")
    monkeypatch.setenv("VRIJGAVE_SECURITY_CONTACT_UNTIL", "2999-01-31")
    with Service(home) as service:
        shown = service.run("config", "show")
        assert "VRIJGAVE_SMTP_PASSWORD=**********  (file)" in shown
        answers = _asked(service.origin)
        _check_security_txt(service.origin)
    log = (home / "service.log").read_text()
    assert '"GET /sign-in/hidden HTTP/1.1"' in log
    assert '"GET /join/hidden HTTP/1.1"' in log
    for name, secret in CANARIES.items():
        for text in (log, shown, *answers):
            assert secret not in text, name


def _asked(origin: str) -> list[str]:
    """The answers to requests that show secrets, none of which opens anything."""
    header = {"Authorization": f"Bearer {CANARIES['header']}"}
    link = {"link": CANARIES["signed"]}
    form = {"grant_type": "client_credentials"}
    with httpx2.Client(base_url=origin) as http:
        for path in (f"/sign-in/{CANARIES['link']}", f"/join/{CANARIES['join']}"):
            http.get(path)  # the page's own form sends it on
        return [
            one.text
            for one in (
                http.get("/v1/me", headers=header),
                http.get("/v1/extracts/x/parts/1", params=link),
                http.post("/v1/sessions", json={"link": CANARIES["link"]}),
                http.post("/v1/sessions", json={"lnk": CANARIES["link"]}),
                http.post("/oauth/token", data=form, auth=("client_x", CANARIES["basic"])),
                http.post("/oauth/revoke", data={"token": CANARIES["header"]}),
            )
        ]


def _check_security_txt(origin: str) -> None:
    told = httpx2.get(f"{origin}/.well-known/security.txt")
    assert told.text.splitlines() == [
        "Contact: mailto:security@example.org",
        "Expires: 2999-01-31T23:59:59Z",
        "Preferred-Languages: nl, en",
        f"Canonical: {origin}/.well-known/security.txt",
    ]
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "server" not in told.headers
