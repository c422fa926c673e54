"""The command line as a person uses it: results, plain words, exit statuses."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.cli import main as command_line
from tests.registry.api.world import MAPPING, World, csv, open_world
from tests.support.service import COMMAND


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `vrijgave …` in this process, as the command does."""

    def run_command(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["vrijgave", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        said = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    return run_command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's home folder of this test."""
    monkeypatch.setenv("VRIJGAVE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def archive(home: Path, run: Run) -> str:
    """An archive that the operator added; its name."""
    added = run(
        "organisations", "add", "Beeldarchief", "--role", "archive",
        "--person", "Ada", "--email", "ada@beeldarchief.example",
    )  # fmt: skip
    assert added.status == 0, added.err
    assert "/sign-in/vg_link_" in added.out
    return added.out.split()[1]


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """The mapping of the deliveries here, as a person would write it."""
    lines = ["[declared]", *(f'{kind} = "{said}"' for kind, said in MAPPING["declared"].items())]
    for column in MAPPING["columns"]:
        lines += ["[[columns]]", *(f'{name} = "{value}"' for name, value in column.items())]
    path = tmp_path / "mapping.toml"
    path.write_text("\n".join(lines))
    return path


def test_import_from_a_file_to_an_edition(
    run: Run, archive: str, mapping: Path, tmp_path: Path
) -> None:
    """Rows, refused rows with reasons in a file, rights, and the edition's name."""
    rows = csv(30).decode().replace("nr-4,", "nr-3,")
    (tmp_path / "items.csv").write_text(rows)
    done = run(
        "import", tmp_path / "items.csv", "--mapping", mapping, "--dataset",
        f"{archive}/journaals", "--confirm-suggestions", "--publish",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "30 read, 29 accepted, 1 refused" in done.out
    assert f"published {archive}/journaals@1" in done.out
    refused = (tmp_path / "items.csv.refused.csv").read_text()
    assert len(refused.splitlines()) == 2
    assert "nr-3" in refused


def test_a_dry_run_stores_nothing(
    run: Run, archive: str, mapping: Path, tmp_path: Path, home: Path
) -> None:
    """The report is there, in Dutch on request; no dataset and no file is."""
    (tmp_path / "items.csv").write_bytes(csv(30))
    before = sorted(path for path in home.rglob("*") if path.is_file())
    done = run(
        "import", tmp_path / "items.csv", "-m", mapping, "--dataset", f"{archive}/x",
        "--dry-run", "--lang", "nl",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "30 gelezen, 30 aangenomen, 0 geweigerd" in done.out
    after = sorted(path for path in home.rglob("*") if path.is_file())
    assert [path for path in after if "sqlite" not in path.name] == [
        path for path in before if "sqlite" not in path.name
    ]
    assert not list((home / "files").rglob("deliveries/*"))


def test_an_import_that_cannot_be(run: Run, archive: str, mapping: Path, tmp_path: Path) -> None:
    """A column that is not there, an unknown archive, a file that is none: one or two lines."""
    items = tmp_path / "items.csv"
    items.write_bytes(csv(3))
    away = run("import", items, "-m", mapping, "--dataset", "nobody/x")
    assert (away.status, "no archive `nobody`" in away.err) == (1, True)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(mapping.read_text().replace('"licence"', '"license"'))
    column = run("import", items, "-m", wrong, "--dataset", f"{archive}/news")
    assert (column.status, "`license`" in column.err) == (1, True)
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    assert run("import", empty, "-m", mapping, "--dataset", f"{archive}/news").status == 1
    name = run("import", items, "-m", mapping, "--dataset", f"{archive}/x")
    assert (name.status, "slug" in name.err) == (2, True)
    (tmp_path / "mapping.txt").write_text("")
    form = run("import", items, "-m", tmp_path / "mapping.txt", "--dataset", f"{archive}/news")
    assert (form.status, "TOML" in form.err) == (1, True)
    for told in (away, column, form, name):
        assert "Traceback" not in told.err


def test_the_operators_commands_on_people(run: Run, archive: str) -> None:
    """List, sign-in links, the outbox, and an address that nobody has."""
    assert archive in run("organisations", "list").out
    assert "/sign-in/vg_link_" in run("sign-in-link", "ada@beeldarchief.example").out
    nobody = run("sign-in-link", "nobody@example.nl")
    assert (nobody.status, "nobody@example.nl" in nobody.err) == (1, True)
    assert run("outbox").status == 0
    bad = run("organisations", "add", "X", "--role", "king", "--person", "P", "--email", "p@x.nl")
    assert (bad.status, "role" in bad.err) == (2, True)


def test_settings_are_shown_with_their_source(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting, where it comes from, and no password."""
    monkeypatch.setenv("VRIJGAVE_DATABASE_URL", "postgresql://vrijgave:geheim@db/vrijgave")
    shown = run("config", "show").out
    assert "geheim" not in shown
    assert "VRIJGAVE_DATABASE_URL=postgresql://vrijgave:***@db/vrijgave  (environment)" in shown
    assert "VRIJGAVE_STORE_REGION=NL  (default)" in shown


def test_misspelt_settings_are_found(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable or secret that is no setting is named with the setting that was meant."""
    monkeypatch.delenv("VRIJGAVE_TEST_POSTGRES_URL", raising=False)
    assert run("config", "check").status == 0
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "vrijgave_database_ulr").write_text("postgresql://db")
    monkeypatch.setenv("VRIJGAVE_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("VRIJGAVE_NONSENSE", "1")
    found = run("config", "check")
    assert found.status == 1
    assert "VRIJGAVE_DATABASE_ULR is no setting: is VRIJGAVE_DATABASE_URL meant?" in found.err
    assert "VRIJGAVE_NONSENSE is no setting\n" in found.err
    monkeypatch.setenv("VRIJGAVE_EXTRACT_SLOTS", "many")
    assert "extract_slots" in run("config", "check").err


def test_the_doctor_names_cause_and_way_out(run: Run, archive: str, home: Path) -> None:
    """A service that can serve gets 0 and advice; one without its key 1, and what to do."""
    run("audit", "check")
    well = run("doctor")
    assert (well.status, well.err) == (0, "")
    assert "– operator: Nobody can sign in as operator." in well.out
    (home / "keys" / "audit.key").unlink()
    ill = run("doctor", "--lang", "nl")
    assert ill.status == 1
    assert "✗ keys: De sleutel van het logboek" in ill.out
    assert "Zet anders de map terug" in ill.out


def test_migrate_says_what_it_did(run: Run, home: Path) -> None:
    """The first time it names the steps; then there is nothing to do."""
    assert "brought up to date" in run("migrate").out
    assert run("migrate").out.strip() == "the database is up to date"


def test_serving_off_this_machine_without_tls_is_refused(run: Run, home: Path) -> None:
    """It says what to do."""
    refused = run("serve", "--host", "192.0.2.1")
    assert (refused.status, "VRIJGAVE_TLS_IN_FRONT" in refused.err) == (1, True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running service with something to ask for."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        running.publish()
        yield running


def test_from_a_question_to_verified_files(run: Run, world: World, tmp_path: Path) -> None:
    """Precheck, request, accept, extract and pull, each in words, over HTTP."""
    server, name = ("--server", world.origin), "beeldarchief/journaals"
    asked = run("precheck", name, "--use", "train.gen", "--country", "NL", *server, "--lang", "nl")
    assert asked.status == 0, asked.err
    assert asked.out.startswith(f"{name}@1: Ja")
    assert "permit 67 %" in asked.out
    environment = world.environment()
    scopes = {"name": "tools", "scopes": ["requests", "extracts"], "environment_id": environment}
    token = ("--token", world.startup.post("/tokens", scopes)["access_token"])
    filed = run(
        "request", name, "--environment", environment, "--use", "train.gen", *server, *token
    )
    assert filed.status == 0, filed.err
    agreement = filed.out.split("agreement ")[1].split(":")[0]
    assert run("accept", agreement, "--yes", *server, *token).status == 0
    ordered = run("extract", agreement, *server, *token)
    assert ordered.status == 0, ordered.err
    pulled = run("pull", ordered.out.strip(), "-o", tmp_path / "data", *token)
    assert pulled.status == 0, pulled.err
    assert "200 rows" in pulled.out
    assert "verified" in pulled.out
    assert (tmp_path / "data" / "part-1.parquet").exists()


def test_exit_statuses(run: Run, world: World, tmp_path: Path) -> None:
    """Refused, unreachable, wrong usage and no extract at all each have their own."""
    out = ("-o", tmp_path)
    refused = run("pull", f"{world.origin}/v1/extracts/ext_x", *out, "--token", "vg_token_x")
    assert (refused.status, "not known" in refused.err) == (3, True)
    assert run("pull", "http://127.0.0.1:9/v1/extracts/ext_x", *out).status == 5
    assert run("pull").status == 2
    assert run("pull", "nonsense", *out).status == 5
    unknown = run("precheck", "a-b/c-d", "--use", "train.gen", "--server", world.origin)
    assert (unknown.status, "a-b/c-d" in unknown.err) == (3, True)


def test_ctrl_c_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 130, no trace."""

    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "app", interrupted)
    stopped = run()
    assert (stopped.status, stopped.err) == (130, "Stopped.\n")


def test_help_of_every_command() -> None:
    """Each command says what it does."""
    told = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("serve", "import", "pull", "precheck", "request", "audit", "config"):
        assert f"  {command} " in told


def test_the_search_index_is_made_anew(archive: str, run: Run) -> None:
    """And the command says how many datasets are in it."""
    done = run("search", "rebuild")
    assert (done.status, done.out) == (0, "0 dataset(s) in the new index\n"), done.err
