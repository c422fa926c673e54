"""What the README shows is run, to the letter, on a demonstration that is serving."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import COMMAND, free_port

ROOT = Path(__file__).parents[2]
BLOCKS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def demonstration(tmp_path: Path) -> Iterator[dict[str, str]]:
    """`make demo`'s command, serving; the environment of a second terminal beside it."""
    port = free_port()
    home = tmp_path / "var"
    command = [str(COMMAND), "demo", "--port", str(port), "--home", str(home), "--items", "2000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line.startswith("Stop with Ctrl-C"):
                break
        else:
            pytest.fail("".join(told))
        # Keep reading, so that the service never waits for us.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        assert sum("/sign-in/vg_link_" in line for line in told) == 6
        (tmp_path / ".venv").symlink_to(Path(sys.prefix))
        yield {
            **os.environ,
            "VRIJGAVE_HOME": str(home),
            "VRIJGAVE_BASE_URL": f"http://127.0.0.1:{port}",
            "VRIJGAVE_SERVER": f"http://127.0.0.1:{port}",
        }
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_the_first_ten_minutes(demonstration: dict[str, str], tmp_path: Path) -> None:
    """Every command of the README's first ten minutes works, one after the other."""
    blocks = BLOCKS.findall((ROOT / "README.md").read_text())
    assert len(blocks) >= 8
    script = "set -euo pipefail\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=demonstration, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "published polderarchief/nieuws@1" in done.stdout
    assert "hashes and manifest verified" in done.stdout
    assert "Good: nothing was changed." in done.stdout
    refused = (tmp_path / "nieuws.csv.refused.csv").read_text().splitlines()
    assert len(refused) == 21
    _a_changed_export_is_found(demonstration, tmp_path)


def _a_changed_export_is_found(environment: dict[str, str], folder: Path) -> None:
    export = folder / "nieuws-audit.jsonl"
    export.write_bytes(export.read_bytes().replace(b"edition:published", b"edition:publisheD", 1))
    key = subprocess.run([COMMAND, "audit", "key"], env=environment, capture_output=True, text=True)
    check = [str(COMMAND), "audit", "verify", str(export), "--key", key.stdout.strip()]
    assert subprocess.run(check, capture_output=True).returncode == 1
