"""An entry as a record of Logboek Dataverwerkingen: the standard's fields, and no user."""

from registry.audit.acts import Act
from registry.audit.entry import Entry
from registry.evidence.processing import ACTIVITIES, activity_of, record_of


def an_entry(act: str, **ids: str) -> Entry:
    """An entry of someone of an organisation, in an archive's stream."""
    return Entry(
        act=act,
        actor="a" * 64,
        archive="org_a",
        id="0193a5c1-7c00-7000-8000-000000000001",
        ids=ids,
        facts={},
        number=1,
        organisation="org_u",
        time="2026-11-23T09:30:00.001Z",
    )


def test_every_act_belongs_to_an_activity() -> None:
    """No act without a line of the register, and no line without an act."""
    assert {activity_of(act) for act in Act} == set(ACTIVITIES)


def test_a_record_has_the_fields_of_the_standard_and_no_user() -> None:
    """16 and 8 bytes of id, milliseconds, and the entry to join it to; who acted is not in it."""
    entry = an_entry("extract:failed", extract="ext_1")
    made = record_of(entry, "https://x/processing", "1.0", lambda _: "req_1")
    assert made.keys() == {
        *("trace_id", "span_id", "status_code", "name"),
        *("start_time", "end_time", "resource", "attributes"),
    }
    assert (len(bytes.fromhex(made["trace_id"])), len(bytes.fromhex(made["span_id"]))) == (16, 8)
    assert made["start_time"] == made["end_time"] == 1795426200001
    assert made["status_code"] == "STATUS_CODE_ERROR"
    assert {one["key"]: one["value"] for one in made["attributes"]} == {
        "dpl.core.processing_activity_id": "https://x/processing#provision",
        "dpl.vrijgave.audit_entry_id": entry.id,
    }
    assert entry.actor is not None
    assert entry.actor not in str(made)


def test_the_data_subject_is_a_pseudonym() -> None:
    """Where an act is about a person; one of no request is a trace of its own."""
    entry = an_entry("actor:signed-in", seat="b" * 64)
    made = record_of(entry, "https://x/processing", "1.0", lambda _: None)
    attributes = {one["key"]: one["value"] for one in made["attributes"]}
    assert attributes["dpl.core.data_subject_id"] == "b" * 64
    assert attributes["dpl.core.data_subject_id_type"] == "https://x/processing#pseudonym"
    assert made["trace_id"] == entry.id.replace("-", "")
    assert made["status_code"] == "STATUS_CODE_UNSET"
