"""What is another organisation's does not exist: the same words for hidden and for absent.

Every call that names something by its id is tried by everyone whose it is not, once with the real
id and once with an id of nothing. The two answers may differ in that id alone.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from catalog.mapping import Mapping
from catalog.tables import Dataset, Delivery
from catalog.terms import ResidencyRule, Terms
from registry.access.tables import Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor, Scope
from registry.accounts.credentials import issue
from registry.accounts.tables import Client, Environment
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.errors import NotAllowed, NotFound, RegistryError
from registry.services import (
    agreeing,
    auditing,
    catalogue,
    extracts,
    machines,
    publishing,
    registration,
    requesting,
)
from registry.services.asking import Question, precheck
from registry.services.reading import check_part
from tests.support.rows import AT, SEEN, actor_of, agreement, asked, dataset, extract, party, put

ORIGIN = "http://127.0.0.1:8000"
UNUSED: Any = None  # what is read before the caller is known to have no right to it: nothing
Call = Callable[[Session, Actor, str], object]


def _draft() -> list[Dataset | Delivery]:
    return [
        Dataset(
            id="ds_draft",
            archive_id="org_archive",
            slug="secret",
            title_nl="Geheim",
            title_en="Secret",
            item_key=b"k" * 32,
            created_at=AT,
        ),
        Delivery(
            id="del_draft",
            dataset_id="ds_draft",
            file_name="b.csv",
            format="csv",
            bytes=1,
            sha256="1" * 64,
            state="checking",
            received_at=AT,
        ),
    ]


@pytest.fixture
def crowded(engine: Engine) -> Engine:
    """An archive and a user with everything; a rival of each, an auditor and an operator."""
    for role, name in (
        ("archive", "archive"),
        ("user", "user"),
        ("archive", "rival_archive"),
        ("user", "rival_user"),
        ("auditor", "auditor"),
        ("operator", "operator"),
    ):
        put(engine, *party(role, name))
    put(engine, *dataset(), *asked("pending"), *agreement("in_force"), *extract("ready"), *_draft())
    client = Client(
        id="client_1",
        organisation_id="org_user",
        name="Robot",
        secret_hash="0" * 64,
        scopes=["extracts"],
        created_at=AT,
    )
    put(engine, client)
    return engine


def _calls() -> dict[str, tuple[str, set[str], Call]]:
    """Name → the id that exists, whose it is, and the call."""
    no = "No."
    both, archive, user = {"archive", "user"}, {"archive"}, {"user"}
    return {
        "dataset": ("ds_1", archive, registration.own_dataset),
        "draft": ("ds_draft", archive, registration.own_dataset),
        "deliveries": ("ds_draft", archive, registration.list_deliveries),
        "delivery": ("del_draft", archive, registration.own_delivery),
        "declare": (
            "ds_1",
            archive,
            lambda s, a, i: registration.declare(
                s, a, i, registration.Declarations(kinds={"opt_out": "none"}), at=AT
            ),
        ),
        "map": (
            "del_draft",
            archive,
            lambda s, a, i: registration.map_delivery(s, a, i, Mapping(columns=()), at=AT),
        ),
        "terms": (
            "ds_1",
            archive,
            lambda s, a, i: publishing.set_terms(s, a, i, Terms(lines=()), at=AT),
        ),
        "residency": (
            "ds_1",
            archive,
            lambda s, a, i: publishing.set_residency(
                s, a, i, ResidencyRule(process=("NL",)), at=AT
            ),
        ),
        "gaps": ("ds_1", archive, publishing.gaps),
        "suggested terms": ("del_draft", archive, publishing.suggested_terms),
        "publish dataset": (
            "ds_draft",
            archive,
            lambda s, a, i: publishing.publish(
                s,
                a,
                publishing.PublishEdition(dataset_id=i, delivery_id="del_draft"),
                origin=ORIGIN,
                at=AT,
            ),
        ),
        "replace offer": (
            "ed_1",
            archive,
            lambda s, a, i: publishing.replace_offer(s, a, i, origin=ORIGIN, at=AT),
        ),
        "withdraw offer": (
            "offer_1",
            archive,
            lambda s, a, i: publishing.withdraw_offer(s, a, i, at=AT),
        ),
        "request": ("req_1", both, requesting.find_request),
        "withdraw request": (
            "req_1",
            both,
            lambda s, a, i: requesting.withdraw_request(s, a, i, at=AT),
        ),
        "review": (
            "dec_1",
            archive,
            lambda s, a, i: requesting.review(
                s,
                a,
                requesting.Review(decision_id=i, approve=False, answer=no),
                origin=ORIGIN,
                at=AT,
            ),
        ),
        "agreement": ("agr_1", both, agreeing.find_agreement),
        "accept": ("agr_1", both, lambda s, a, i: agreeing.accept(s, a, i, SEEN, at=AT)),
        "decline": ("agr_1", both, lambda s, a, i: agreeing.decline(s, a, i, at=AT)),
        "revoke": (
            "agr_1",
            both,
            lambda s, a, i: agreeing.revoke(
                s, a, agreeing.Revoke(agreement_id=i, reason=no), at=AT
            ),
        ),
        "order": (
            "agr_1",
            user,
            lambda s, a, i: extracts.order_extract(
                s, a, extracts.NewExtract(agreement_id=i), origin=ORIGIN, at=AT
            ),
        ),
        "extract": ("ext_1", user, extracts.find_extract),
        "cancel": ("ext_1", user, lambda s, a, i: extracts.cancel_extract(s, a, i, at=AT)),
        "read": (
            "ext_1",
            user,
            lambda s, a, i: check_part(
                s, a, i, 0, address="127.0.0.1", regions=UNUSED, store=UNUSED, origin=ORIGIN, at=AT
            ),
        ),
        "environment": ("env_1", user, machines.find_environment),
        "close environment": (
            "env_1",
            user,
            lambda s, a, i: machines.close_environment(s, a, i, at=AT),
        ),
        "token for environment": (
            "env_1",
            user,
            lambda s, a, i: machines.issue_token(
                s,
                a,
                machines.IssueToken(name="t", scopes=(Scope.EXTRACTS,), environment_id=i),
                at=AT,
            ),
        ),
        "request from environment": (
            "env_1",
            user,
            lambda s, a, i: requesting.file_request(
                s,
                a,
                requesting.NewRequest(datasets=("archive/news",), environment_id=i, use="index"),
                origin=ORIGIN,
                at=AT,
            ),
        ),
        "client": ("client_1", user, lambda s, a, i: machines.revoke_client(s, a, i, at=AT)),
    }


CALLS = _calls()
PARTIES = ("archive", "user", "rival_archive", "rival_user", "auditor", "operator")


def _answer(engine: Engine, who: Actor, call: Call, id_: str) -> str:
    """The whole refusal in words, with the id taken out; nothing that was tried stays."""
    with Session(engine) as session:
        try:
            call(session, who, id_)
        except RegistryError as problem:
            session.rollback()
            told = (type(problem), problem.code, problem.text, problem.help, problem.fields)
            return repr(told).replace(id_, "…")
        session.rollback()
    return "done"


def test_hidden_and_absent_are_told_alike(crowded: Engine) -> None:
    """Whose it is not gets, for a thing that exists, the answer for one that does not."""
    differing, plain = [], []
    for name, (real, owners, call) in CALLS.items():
        for stranger in set(PARTIES) - owners:
            who = actor_of(crowded, stranger)
            hidden = _answer(crowded, who, call, real)
            if hidden != _answer(crowded, who, call, f"{real[:-1]}z"):
                differing.append((name, stranger))
            if "NotFound" not in hidden and "scope-missing" not in hidden:
                plain.append((name, stranger))
    assert differing == []
    assert plain == []


def test_own_things_are_found(crowded: Engine) -> None:
    """The calls above do reach what is there, for those whose it is."""
    finding = ("dataset", "draft", "delivery", "request", "agreement", "extract", "environment")
    for name in finding:
        real, owners, call = CALLS[name]
        for owner in owners:
            assert _answer(crowded, actor_of(crowded, owner), call, real) == "done", (name, owner)


def test_a_side_without_the_scope_is_not_allowed(crowded: Engine) -> None:
    """Within the organisation the refusal is plain: this exists, and takes a scope."""
    owner = actor_of(crowded, "user")
    reader = Actor(**{**vars(owner), "scopes": frozenset({Scope.EXTRACTS})})
    with reading(crowded) as session, pytest.raises(NotAllowed, match="scope-missing"):
        requesting.find_request(session, reader, "req_1")


def test_a_draft_is_not_listed(crowded: Engine) -> None:
    """Drafts are in nobody's catalogue but their archive's, by list, name or pre-check."""
    question = Question(datasets=("archive/secret",), use="index")
    strangers = [actor_of(crowded, name) for name in PARTIES if name != "archive"]
    with reading(crowded) as session:
        for who in (None, *strangers):
            listed = [listing.dataset.id for listing in catalogue.list_datasets(session, who)]
            assert listed == ["ds_1"]
            with pytest.raises(NotFound):
                catalogue.find_dataset(session, who, "archive/secret")
            with pytest.raises(NotFound):
                precheck(session, who, question, at=AT)


def test_lists_hold_only_what_is_ones_own(crowded: Engine) -> None:
    """Every list of a rival is empty."""
    archive, user = actor_of(crowded, "rival_archive"), actor_of(crowded, "rival_user")
    with reading(crowded) as session:
        assert requesting.inbox(session, archive) == []
        assert agreeing.list_agreements(session, archive) == []
        assert auditing.list_entries(session, archive, at=AT) == []
        assert requesting.list_requests(session, user) == []
        assert agreeing.list_agreements(session, user) == []
        assert extracts.list_extracts(session, user) == []
        assert machines.list_environments(session, user) == []
        assert machines.list_clients(session, user) == []
        assert machines.list_tokens(session, user) == []


def test_an_archive_reads_no_other_archives_stream(crowded: Engine) -> None:
    """An archive that asks for another's entries, by name or by id, gets its own stream."""
    owner, rival = actor_of(crowded, "archive"), actor_of(crowded, "rival_archive")
    with transaction(crowded) as session:
        declared = registration.Declarations(kinds={"opt_out": "none"})
        registration.declare(session, owner, "ds_1", declared, at=AT)
    with reading(crowded) as session:
        entry = session.exec(select(AuditEntry.id)).one()
        assert len(auditing.list_entries(session, owner, at=AT)) == 1
        assert auditing.list_entries(session, rival, at=AT, archive="org_archive") == []
        with pytest.raises(NotFound):
            auditing.entry_receipt(session, rival, entry, at=AT)
    with transaction(crowded) as session:
        took = auditing.record_export(session, rival, archive="org_archive", at=AT)
        assert took == "org_rival_archive"


def test_a_refused_attempt_changes_nothing(crowded: Engine) -> None:
    """After all that strangers tried, states and the number of entries are as they were."""
    kinds = (Agreement, DecisionRow, Extract, Environment, Dataset)
    with reading(crowded) as session:
        before = [session.exec(select(func.count()).select_from(kind)).one() for kind in kinds]
    for real, owners, call in CALLS.values():
        for stranger in PARTIES:
            if stranger in owners:
                continue
            who = actor_of(crowded, stranger)
            with pytest.raises(RegistryError), transaction(crowded) as session:
                call(session, who, real)
    with reading(crowded) as session:
        after = [session.exec(select(func.count()).select_from(kind)).one() for kind in kinds]
        assert session.get_one(Agreement, "agr_1").state == "in_force"
        assert session.get_one(DecisionRow, "dec_1").state == "pending"
        assert session.get_one(Environment, "env_1").closed_at is None
        assert session.exec(select(func.count(col(AuditEntry.id)))).one() == 0
    assert before == after


def test_a_token_of_another_person_is_not_revoked(crowded: Engine) -> None:
    """A token is its person's own: even a colleague is told that there is none."""
    with transaction(crowded) as session:
        token, _ = issue(
            session, "token", at=AT, lifetime=timedelta(days=1), seat_id="seat_user", name="t"
        )
    for stranger in PARTIES:
        if stranger == "user":
            continue
        with reading(crowded) as session, pytest.raises(NotFound):
            machines.revoke_token(session, actor_of(crowded, stranger), token.id, at=AT)
