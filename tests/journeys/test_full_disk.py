"""A disk that fills: said at the interface, on the page and at the command line, with a way on."""

import shutil
from pathlib import Path

from tests.journeys.three_faces import Faces, mapping_file, open_faces, refused
from tests.registry.api.world import MAPPING, csv
from tests.support.disks import small_disk


def test_a_full_disk(tmp_path: Path) -> None:
    """Taking in and checking say that the disk is full, and work once there is room again."""
    with small_disk(tmp_path / "disk", 24) as disk, open_faces(disk / "home") as faces:
        delivery = faces.world.deliver(faces.dataset, csv(60_000))
        filler = disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - 1_000_000))
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
