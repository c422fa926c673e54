"""Operator commands on people: organisations, sign-in links, the outbox, erasing.

They open the database.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlmodel import Session

    from registry.runtime import Runtime

organisations = typer.Typer(no_args_is_help=True, help="Organisations (operator).")
retention = typer.Typer(no_args_is_help=True, help="How long persons are kept (operator).")


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.add_typer(organisations, name="organisations")
    app.add_typer(retention, name="retention")
    app.command("sign-in-link")(sign_in_link)
    app.command("sign-in-providers")(sign_in_providers)
    app.command("claims")(claims)
    app.command("outbox")(outbox)
    app.command("erase-person")(erase_person)


def _running() -> "Runtime":
    from registry.clock import system_clock
    from registry.runtime import open_runtime
    from registry.settings import Settings

    return open_runtime(Settings(), system_clock, check=False)


@contextmanager
def operating() -> Iterator[tuple["Runtime", "Session"]]:
    """The service's runtime, and a transaction for one command."""
    from registry.db import transaction

    runtime = _running()
    with transaction(runtime.engine) as session:
        yield runtime, session


def sign_in_link(
    email: Annotated[str, typer.Argument(help="Address of the person's seat.")],
) -> None:
    """Print a one-time sign-in address for a person; it lives fifteen minutes."""
    from registry.services.accounts import link_for, seat_of

    with operating() as (runtime, session):
        secret = link_for(session, seat_of(session, email), at=runtime.clock())
        typer.echo(f"{runtime.settings.origin}/sign-in/{secret}")


def sign_in_providers() -> None:
    """Ask each OpenID provider what it publishes, and print what to register there."""
    from registry.errors import RegistryError

    runtime, down = _running(), False
    for name, one in runtime.settings.sign_in_providers.items():
        provider = runtime.providers.find(name)
        typer.echo(f"{name}: {one.title}, {one.issuer}\n  redirect URI: {provider.redirect_uri}")
        try:
            told = provider.metadata(runtime.clock())
        except RegistryError as wrong:
            down = True
            typer.echo(f"  does not answer: {wrong.text.en} {wrong.help.en}", err=True)
            continue
        for part in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
            typer.echo(f"  {part}: {told.get(part, 'none')}")
        typer.echo(f"  acr values: {' '.join(told.get('acr_values_supported', [])) or 'none told'}")
    raise typer.Exit(1 if down else 0)


def claims(
    email: Annotated[str, typer.Argument(help="Address of the person's seat.")],
) -> None:
    """Print what OpenID providers told of a person at their last sign-in, as JSON."""
    from registry.services.accounts import seat_of
    from registry.services.signing_in import identities_of

    with operating() as (_, session):
        for identity in identities_of(session, seat_of(session, email).id):
            typer.echo(json.dumps({"issuer": identity.issuer, "claims": identity.claims}, indent=2))


def outbox(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """Print the latest messages to people, and whether the mail server took them."""
    from registry.services import accounts

    with operating() as (_, session):
        for mail in accounts.outbox(session, None, limit):
            told = f"{mail.state}: {mail.problem}" if mail.problem else mail.state
            typer.echo(f"--- {mail.created_at:%Y-%m-%d %H:%M} UTC, {mail.seat_id}, {told}")
            typer.echo(f"{mail.subject}\n\n{mail.body}")


def erase_person(
    email: Annotated[str, typer.Argument(help="Address of the person.")],
) -> None:
    """Erase a person for good (GDPR article 17); the log keeps its entries and proofs.

    Also someone without an account who made a claim. `vrijgave retention apply` overwrites what is
    left of it in the database's files; the service does so within a day.
    """
    from registry.services.erasing import erase_address

    with operating() as (runtime, session):
        done = erase_address(session, None, email, at=runtime.clock())
        counted = ", ".join(f"{name} {count}" for name, count in done.removed.items())
        typer.echo(f"{done.id} is done: {counted}; entry {done.entry_id}")


@retention.command()
def show() -> None:
    """How long personal fields are kept, what is past that now, and what was erased lately."""
    from registry.services.erasing import list_erasures
    from registry.services.retention import profiles

    with operating() as (runtime, session):
        for one in profiles(session, None, runtime.settings, at=runtime.clock()):
            typer.echo(f"{one.name:10} {one.months:>4} months  {one.due:>8,} past it")
        for done in list_erasures(session, None):
            counted = ", ".join(f"{name} {count}" for name, count in done.removed.items())
            typer.echo(f"{done.at:%Y-%m-%d %H:%M} UTC  {done.reason:10}  {counted or 'nothing'}")


@retention.command()
def apply() -> None:
    """Empty what is past its period now, and overwrite what erasures left in files."""
    from registry.services.retention import apply_periods

    runtime = _running()
    removed = apply_periods(runtime.engine, runtime.settings, at=runtime.clock())
    for name, count in removed.items():
        typer.echo(f"{name:10} {count:>8,} emptied")


@organisations.command("list")
def list_all() -> None:
    """Every organisation, oldest first."""
    from sqlmodel import col, select

    from registry.accounts.tables import Organisation

    with operating() as (_, session):
        for one in session.exec(select(Organisation).order_by(col(Organisation.id))):
            typer.echo(
                f"{one.id}  {one.role:9} {one.state:10} {one.country}  {one.slug}  {one.name}"
            )


@organisations.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the organisation.")],
    role: Annotated[str, typer.Option(help="archive, user, auditor or operator.")],
    person: Annotated[str, typer.Option(help="Name of its first person.")],
    email: Annotated[str, typer.Option(help="Address of that person.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1.")] = "NL",
    user_class: Annotated[str, typer.Option(help="commercial, research, …")] = "commercial",
) -> None:
    """Add an organisation that is active at once, and print a sign-in address."""
    from pydantic import ValidationError

    from registry.services.accounts import SignUp, invite, link_for

    try:
        command = SignUp.model_validate(
            {
                "organisation_name": name,
                "role": role,
                "person_name": person,
                "email": email,
                "country": country,
                "user_class": user_class,
            }
        )
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None
    with operating() as (runtime, session):
        done = invite(session, None, command, at=runtime.clock())
        secret = link_for(session, done.seat, at=runtime.clock())
        typer.echo(f"{done.organisation.id}  {done.organisation.slug}")
        typer.echo(f"{runtime.settings.origin}/sign-in/{secret}")


@organisations.command()
def verify(organisation_id: Annotated[str, typer.Argument(help="org_…")]) -> None:
    """Note that you checked who this archive is; from now on it may publish."""
    from registry.services.accounts import verify_organisation

    with operating() as (runtime, session):
        done = verify_organisation(session, None, organisation_id, at=runtime.clock())
        typer.echo(f"{done.slug} is active")


@organisations.command()
def verifications() -> None:
    """What organisations say they are and waits for you, and what stands; newest first."""
    from registry.services.verifying import list_all as every

    with operating() as (_, session):
        for card, who in every(session, None):
            until = f"{card.expires_at:%Y-%m-%d}" if card.expires_at else "-"
            typer.echo(
                f"{card.id}  {card.state:9} {until:10}  {who.slug}  {card.legal_name}"
                f"  {card.number_kind} {card.number}  {card.signatory}  {card.evidence}"
            )


@organisations.command("decide")
def decide_verification(
    verification_id: Annotated[str, typer.Argument(help="vrf_…")],
    state: Annotated[str, typer.Argument(help="verified, refused or withdrawn.")],
    reason: Annotated[str, typer.Option(help="What the organisation reads.")] = "",
    months: Annotated[int, typer.Option(min=1, max=60, help="How long it holds.")] = 24,
) -> None:
    """Verify or refuse who an organisation says it is, or take that back at once."""
    from pydantic import ValidationError

    from registry.services.verifying import Decide, decide

    told = {"verification_id": verification_id, "state": state, "reason": reason, "months": months}
    try:
        command = Decide.model_validate(told)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None
    with operating() as (runtime, session):
        card = decide(session, None, command, at=runtime.clock())
        typer.echo(f"{card.legal_name} is {card.state}")
