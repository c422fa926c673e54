"""A disk that fills: said at the interface, on the page and at the command line, with a way on."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.three_faces import Faces, mapping_file, open_faces, refused
from tests.registry.api.world import MAPPING, csv


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """Taking in and checking say that the disk is full, and work once there is room again."""
    with open_faces(small_disk / "home") as faces:
        delivery = faces.world.deliver(faces.dataset, csv(60_000))
        filler = small_disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 1_000_000))
        found = faces.world.check(delivery)
        assert (found["state"], found["problem"]["code"]) == ("failed", "disk-full")
        _no_room(faces, tmp_path)
        assert faces.half_done() == []
        filler.unlink()
        assert faces.world.check(delivery)["state"] == "checked"


def _no_room(faces: Faces, folder: Path) -> None:
    """Deliver at all three what does not fit."""
    large, path = csv(80_000), f"/datasets/{faces.dataset}/deliveries"
    params = {"file_name": "large.csv"}
    problem = refused(faces.world.archive.http.put(path, params=params, content=large), 507)
    assert (problem["code"], bool(problem["help"])) == ("disk-full", True)
    browser = faces.visitor(faces.world.archive.token)
    browser.open(f"/archive/datasets/{faces.dataset}")
    browser.send("/deliveries", file=("file", ("large.csv", large)), status=507)
    assert problem["detail"].casefold() in browser.text.casefold()
    assert browser.form("/deliveries")
    browser.http.close()
    (folder / "large.csv").write_bytes(large)
    status, said = faces.command(
        "import", folder / "large.csv", "--mapping", mapping_file(folder, MAPPING),
        "--dataset", "beeldarchief/proef",
    )  # fmt: skip
    assert (status, "disk is full" in said) == (1, True), said
