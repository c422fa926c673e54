"""Evidence packs: whole, checked without the service, and readable by everyone."""

import io
import json
import zipfile
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import pytest
from pdfua import validate

from registry.accounts.actors import Actor
from registry.audit.checkpoint import MalformedNote, UntrustedNote
from registry.audit.keys import open_signer
from registry.audit.verifying import verify_file
from registry.db import reading, transaction
from registry.errors import NotFound, Unavailable
from registry.services import packing
from registry.services.refusal import Refused
from tests.support.extracting import Scene


def taken(scene: Scene, who: Actor, about: str, language: str = "nl") -> bytes:
    """A pack as a file."""
    world = scene.world
    world.check_log()
    with transaction(world.engine) as session:
        case = packing.record_pack(session, who, about, at=world.clock())
    out = io.BytesIO()
    with reading(world.engine) as session:
        packing.write_pack(session, out, case, world.ports.signer, language)
    return out.getvalue()


def keys(scene: Scene) -> list[str]:
    """The verifier keys that an auditor holds."""
    return [str(open_signer(scene.world.settings, use).verifier) for use in ("audit", "manifest")]


def names(pack: bytes) -> set[str]:
    """The files of a pack."""
    return set(zipfile.ZipFile(io.BytesIO(pack)).namelist())


@pytest.fixture
def told(on_sqlite: Scene) -> Scene:
    """An extract that was made and read."""
    readable = on_sqlite.open(on_sqlite.cut())
    assert not isinstance(readable, Refused)
    on_sqlite.range(readable, 0, 10)
    return on_sqlite


def test_each_side_takes_a_pack_that_is_checked_offline(told: Scene, tmp_path: Path) -> None:
    """Of an agreement without the single accesses, of a case with them."""
    decision = told.agreement.decision_id
    for who, about in (
        (told.startup.actor, told.agreement.id),
        (told.published.archive, told.agreement.id),
        (told.world.an_auditor(), decision),
    ):
        pack = taken(told, who, about)
        file = tmp_path / f"{who.id}.zip"
        file.write_bytes(pack)
        good, sentences = verify_file(file, keys(told), [], "en")
        assert good, sentences
        inside = zipfile.ZipFile(file)
        content = json.loads(inside.read("pack.json"))
        assert content["accesses"] == 1
        assert content["citation"] in inside.read("pack.html").decode()
        proven = {name for name in names(pack) if name.startswith("receipts/")}
        assert proven == {f"receipts/{entry}.tlog-proof" for entry in content["entries"]}
        read = {one.id for one in told.entries("access:opened")}
        assert read.isdisjoint(content["entries"]) is (about == told.agreement.id)
        assert {"agreement.json", "decision.json", "policy.json"} < names(pack)
    acts = {one.facts["kind"] for one in told.entries("audit:exported")}
    assert acts == {"agreement", "case"}


def test_a_changed_pack_is_found(told: Scene, tmp_path: Path) -> None:
    """Every file changed, dropped, added or doubled; another index; another key; no pack at all."""
    pack = taken(told, told.startup.actor, told.agreement.id)
    inside = zipfile.ZipFile(io.BytesIO(pack))
    files = {name: inside.read(name) for name in inside.namelist()}
    file = tmp_path / "changed.zip"

    def verdict(change: Callable[[dict[str, bytes]], object]) -> bool:
        changed = dict(files)
        change(changed)
        with zipfile.ZipFile(file, "w") as made:
            for name, data in changed.items():
                made.writestr(name, data)
        return verify_file(file, keys(told), [], "nl")[0]

    assert verdict(lambda _: None)
    for name in files.keys() - {"index.json", "index.note"}:
        longer = {name: files[name] + b" "}
        assert not verdict(methodcaller("update", longer)), name
        assert not verdict(methodcaller("pop", name)), name
    assert not verdict(lambda held: held.update({"more.txt": b"x"}))
    with pytest.raises(UntrustedNote):
        verdict(lambda held: held.update({"index.json": files["index.json"] + b"\n"}))
    with pytest.raises(MalformedNote):
        verdict(lambda held: held.pop("index.note"))
    file.write_bytes(pack)
    with pytest.raises(UntrustedNote):
        verify_file(file, [str(open_signer(told.world.settings, "another").verifier)], [], "en")


def test_the_pdf_is_accessible(told: Scene, tmp_path: Path) -> None:
    """It declares PDF/UA-1, is tagged, has a title and a language, and a referee finds nothing."""
    import pikepdf

    for language in ("nl", "en"):
        pack = taken(told, told.startup.actor, told.agreement.id, language)
        content = zipfile.ZipFile(io.BytesIO(pack)).read("pack.pdf")
        with pikepdf.open(io.BytesIO(content)) as pdf:
            root = pdf.Root
            assert str(root.Lang) == language
            assert bool(root.MarkInfo.Marked) is True
            assert "/StructTreeRoot" in root
            with pdf.open_metadata() as meta:
                assert meta["pdfuaid:part"] == "1"
                assert told.agreement.id in str(meta["dc:title"])
        file = tmp_path / f"{language}.pdf"
        file.write_bytes(content)
        assert list(validate(str(file)).findings) == []


def test_others_take_nothing(told: Scene) -> None:
    """A rival finds neither agreement nor case, and an extract is neither."""
    world = told.world
    for rival in (world.an_archive(), world.a_startup().actor):
        for about in (told.agreement.id, told.agreement.decision_id, "agr_none", "dec_none"):
            with pytest.raises(NotFound):
                taken(told, rival, about)
    with pytest.raises(NotFound):
        taken(told, told.startup.actor, told.entries("extract:made")[0].ids["extract"])


def test_a_case_without_agreement_and_a_proof_that_is_not_there_yet(on_sqlite: Scene) -> None:
    """A refusal has a pack as well; until its entries are in the tree there is none."""
    world = on_sqlite.world
    filed = world.a_request(on_sqlite.startup, on_sqlite.published)
    denied = next(one for one in filed.decisions if one.part == "deny")
    with transaction(world.engine) as session:
        case = packing.record_pack(session, on_sqlite.startup.actor, denied.id, at=world.clock())
    with reading(world.engine) as session, pytest.raises(Unavailable):
        packing.write_pack(session, io.BytesIO(), case, world.ports.signer, "nl")
    pack = taken(on_sqlite, on_sqlite.startup.actor, denied.id)
    assert "agreement.json" not in names(pack)
