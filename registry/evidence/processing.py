"""The log as a log of processing: the fields of Logboek Dataverwerkingen (Logius standard).

One record an entry, none left out. A record names no user: who acted stands in the log itself,
which the record is joined to by the entry's id. Records of one request, up to what was read of it,
have one trace. Fields: https://logius-standaarden.github.io/logboek-dataverwerkingen/, component
Logboek, interface.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.audit.entry import Entry

FORM = "logboek-dataverwerkingen/jsonl@v1"
ACTIVITIES = (
    "participation",
    "publication",
    "decisions",
    "agreements",
    "provision",
    "rights",
    "oversight",
)
"""The processing activities of this service; the register describes each."""

_ACTIVITY_OF = {
    "organisation": "participation",
    "environment": "participation",
    "actor": "participation",
    "token": "participation",
    "client": "participation",
    "webhook": "participation",
    "retention": "participation",
    "dataset": "publication",
    "terms": "publication",
    "delivery": "publication",
    "edition": "publication",
    "offer": "publication",
    "request": "decisions",
    "review": "decisions",
    "agreement": "agreements",
    "extract": "provision",
    "access": "provision",
    "ledger": "rights",
    "dispute": "rights",
    "withdrawal": "rights",
    "notice": "rights",
    "audit": "oversight",
    "decision": "oversight",
    "log": "oversight",
    "backup": "oversight",
    "key": "oversight",
}


def activity_of(act: str) -> str:
    """The processing activity that an act belongs to; a test holds every act to have one."""
    return _ACTIVITY_OF[act.partition(":")[0]]


def record_of(
    entry: Entry, register: str, version: str, request_of: Callable[[Entry], str | None]
) -> dict[str, Any]:
    """An entry as one record, in the standard's own names of fields.

    :param register: address of the register of processing activities.
    :param request_of: the access request that an entry belongs to, where it does.
    """
    moment = int(datetime.fromisoformat(entry.time).timestamp() * 1000)
    failed = entry.act.endswith(":failed")
    attributes = {
        "dpl.core.processing_activity_id": f"{register}#{activity_of(entry.act)}",
        "dpl.vrijgave.audit_entry_id": entry.id,
    }
    if "seat" in entry.ids:
        attributes["dpl.core.data_subject_id"] = entry.ids["seat"]
        attributes["dpl.core.data_subject_id_type"] = f"{register}#pseudonym"
    return {
        "trace_id": _trace_id(entry, request_of(entry)),
        "span_id": hashlib.sha256(entry.id.encode()).hexdigest()[:16],
        "status_code": "STATUS_CODE_ERROR" if failed else "STATUS_CODE_UNSET",
        "name": entry.act,
        "start_time": moment,
        "end_time": moment,
        "resource": {
            "attributes": _pairs({"service.name": "vrijgave", "service.version": version})
        },
        "attributes": _pairs(attributes),
    }


def _trace_id(entry: Entry, request: str | None) -> str:
    if request is None:
        return UUID(entry.id).hex
    return hashlib.sha256(request.encode()).hexdigest()[:32]


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
