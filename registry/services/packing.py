"""Evidence packs: all that proves one agreement or case, in one signed file."""

import hashlib
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Literal
from uuid import UUID

from sqlmodel import Session, col, select

from registry.access.tables import AccessRequest, Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.checkpoint import SigningKey
from registry.audit.entry import Entry
from registry.audit.packs import FORM, INDEX, NOTE, RECEIPTS, signed_text
from registry.audit.tables import AuditEntry
from registry.digests import canonical
from registry.errors import NotFound
from registry.evidence.rendering import Document, Section, as_html, as_pdf
from registry.services.catalogue import listing_of
from registry.services.manifests import attribution
from registry.services.noting import note
from registry.services.receipts import whole_receipt
from registry.services.replaying import Opened, open_decision
from registry.services.wording import missing

MOST_RECEIPTS = 1000
_DATE = (1980, 1, 1, 0, 0, 0)
"""What ZIP files say of every file, so that equal content gives equal bytes."""


@dataclass(frozen=True)
class Case:
    """A decision with what came of it.

    :param kind: ``agreement``: without the single accesses; ``case``: with them.
    """

    kind: Literal["agreement", "case"]
    about: str
    opened: Opened
    decision: DecisionRow
    agreement: Agreement | None
    extracts: tuple[Extract, ...]
    entries: tuple[Entry, ...]
    accesses: int


def record_pack(session: Session, actor: Actor, about: str, *, at: datetime) -> Case:
    """Gather an agreement (``agr_…``) or case (``dec_…``), and write down that it is taken.

    For both its sides and for auditors of the archive.
    """
    agreement = session.get(Agreement, about) if about.startswith("agr_") else None
    decision_id = agreement.decision_id if agreement else about
    decision = session.get(DecisionRow, decision_id)
    opened: Opened | None = None
    with suppress(NotFound):  # told below by the name that was asked for, which may be another's
        opened = open_decision(session, actor, decision_id, at=at)
    if opened is None or decision is None:
        raise missing("zaak", "case", about)
    kind: Literal["agreement", "case"] = "agreement" if agreement else "case"
    agreement = agreement or _agreement(session, decision)
    extracts = _extracts(session, agreement)
    found = _entries(session, decision, agreement)
    reading = [one for one in found if one.act.startswith("access:")]
    kept = found if kind == "case" else [one for one in found if one not in reading]
    note(
        session,
        Act.AUDIT_EXPORTED,
        at=at,
        actor=actor,
        archive=decision.archive_id,
        ids={"decision": decision.id, **({"agreement": agreement.id} if agreement else {})},
        facts={"format": FORM, "kind": kind},
    )
    entries = tuple(kept[:MOST_RECEIPTS])
    opened_count = sum(one.act == Act.ACCESS_OPENED for one in reading)
    return Case(kind, about, opened, decision, agreement, extracts, entries, opened_count)


def _agreement(session: Session, decision: DecisionRow) -> Agreement | None:
    own = select(Agreement).where(col(Agreement.decision_id) == decision.id)
    return session.exec(own).one_or_none()


def _extracts(session: Session, agreement: Agreement | None) -> tuple[Extract, ...]:
    if agreement is None:
        return ()
    own = select(Extract).where(col(Extract.agreement_id) == agreement.id)
    return tuple(session.exec(own.order_by(col(Extract.id))))


def _entries(session: Session, decision: DecisionRow, agreement: Agreement | None) -> list[Entry]:
    """The entries that name the decision or the agreement, oldest first."""
    named = {decision.id} | ({agreement.id} if agreement else set())
    needles = [f'"{one}"'.encode() for one in named]
    first = str(UUID(int=int(decision.decided_at.timestamp() * 1000) << 80))
    rows = session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.stream) == decision.archive_id, col(AuditEntry.id) >= first)
        .order_by(col(AuditEntry.number))
        .execution_options(yield_per=1000)
    )
    fitting = (row.body for row in rows if any(needle in row.body for needle in needles))
    entries = map(Entry.from_bytes, fitting)
    return [one for one in entries if named & set(one.ids.values())]


def write_pack(
    session: Session, out: BinaryIO, case: Case, signer: SigningKey, language: str
) -> None:
    """Write what :func:`record_pack` gathered: documents, JSON, HTML, PDF, receipts, signed index.

    :raises Unavailable: an entry is not in the tree yet.
    """
    content = _content(session, case)
    document = _document(session, case, language)
    made: dict[str, bytes] = {
        "pack.json": canonical(content),
        "pack.html": as_html(document),
        "pack.pdf": as_pdf(document),
        **dict(_parts(case)),
        **{
            f"{RECEIPTS}{one.id}.tlog-proof": whole_receipt(session, one.id).encode()
            for one in case.entries
        },
    }
    files = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    index = canonical({"form": FORM, "kind": case.kind, "about": case.about, "files": files})
    signed = signer.sign(signed_text(signer.name, index))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in ((INDEX, index), (NOTE, signed.encode()), *sorted(made.items())):
            pack.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)


def _parts(case: Case) -> Iterable[tuple[str, bytes]]:
    """The documents themselves, each as it was hashed."""
    yield "decision.json", canonical(dict(case.opened.stored))
    yield "policy.json", canonical(case.opened.document)
    if case.agreement is not None:
        yield "agreement.json", canonical(case.agreement.document)
    for extract in case.extracts:
        if extract.manifest:
            yield f"manifests/{extract.id}.json", canonical(extract.manifest)
            yield f"manifests/{extract.id}.note", extract.signature.encode()


def _citation(session: Session, case: Case) -> str:
    return attribution(listing_of(session, case.decision.dataset_id, case.decision.edition_id))


def _content(session: Session, case: Case) -> dict[str, Any]:
    agreement = case.agreement
    return {
        "form": FORM,
        "kind": case.kind,
        "about": case.about,
        "decision": {
            "id": case.decision.id,
            "request": case.decision.request_id,
            "part": case.decision.part,
            "state": case.decision.state,
            "items": case.decision.items,
            "lines": case.decision.lines,
            "answer": case.decision.answer,
        },
        "agreement": None
        if agreement is None
        else {"id": agreement.id, "digest": agreement.digest, "state": agreement.state},
        "citation": _citation(session, case),
        "extracts": [one.id for one in case.extracts],
        "accesses": case.accesses,
        "entries": [one.id for one in case.entries],
    }


def _document(session: Session, case: Case, language: str) -> Document:
    """The same for people."""

    def t(nl: str, en: str) -> str:
        return nl if language == "nl" else en

    names = _names(session, case)
    decided, agreement = case.decision, case.agreement
    reasons = tuple(
        (f"{line['outcome']} ({line['count']})", str(line[language])) for line in decided.lines
    )
    sections = [
        Section(
            t("Waar dit over gaat", "What this is about"),
            (
                (t("Archief", "Archive"), names[case.opened.archive_id]),
                (t("Gebruiker", "User of data"), names[case.opened.organisation_id]),
                (t("Editie", "Edition"), case.opened.reference),
                (t("Bronvermelding", "Citation"), _citation(session, case)),
            ),
        ),
        Section(
            t("Beslissing", "Decision"),
            (
                (t("Nummer", "Number"), decided.id),
                (t("Genomen op", "Made on"), _moment(decided.decided_at)),
                (t("Stand", "State"), decided.state),
                (t("Gebruik", "Use"), str(case.opened.stored["request"]["use"])),
                *reasons,
            ),
        ),
    ]
    if agreement is not None:
        facts = [
            (t("Nummer", "Number"), agreement.id),
            (t("Controlegetal", "Digest"), agreement.digest),
            (t("Stand", "State"), agreement.state),
            (t("Geldt tot", "Holds until"), _moment(agreement.valid_until)),
        ]
        if agreement.accepted_at is not None:
            facts.append((t("Aanvaard op", "Accepted on"), _moment(agreement.accepted_at)))
        sections.append(Section(t("Overeenkomst", "Agreement"), tuple(facts)))
    sections += _extract_sections(case, language)
    proofs = tuple((one.act, f"{one.id}, {one.time}") for one in case.entries)
    sections.append(Section(t("Bewijs in het logboek", "Proof in the log"), proofs))
    lede = t(
        "Controleer dit pakket op uw eigen computer met `vrijgave audit verify`. Wat hier staat,"
        " staat ook in de andere bestanden van het pakket.",
        "Check this pack on your own computer with `vrijgave audit verify`. What stands here also"
        " stands in the other files of the pack.",
    )
    return Document(language, t("Bewijspakket ", "Evidence pack ") + case.about, lede, (*sections,))


def _extract_sections(case: Case, language: str) -> list[Section]:
    rows, read = ("rijen", "keer gelezen") if language == "nl" else ("rows", "times read")
    facts = tuple((one.id, f"{one.state}, {one.rows} {rows}") for one in case.extracts)
    return [Section("Extracts", (*facts, (read, str(case.accesses))))] if facts else []


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _names(session: Session, case: Case) -> dict[str, str]:
    asked = session.get_one(AccessRequest, case.decision.request_id).organisation_id
    ids = (case.decision.archive_id, asked)
    return {one: session.get_one(Organisation, one).name for one in ids}
