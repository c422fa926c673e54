"""Reviews of the log over HTTP: what waits, signing off, and what was held against planned."""

import secrets
from collections.abc import Mapping
from typing import Annotated

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

Archive = Annotated[str, typer.Option(help="Of this archive (id), for who may read several.")]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("review")(review)
    app.command("reviews")(reviews)
    app.command("plan-reviews")(plan_reviews)
    app.command("mandates")(mandates)


def review(
    archive: Archive = "",
    sign: Annotated[
        int, typer.Option(help="Sign off up to this number, after looking at what is printed.")
    ] = 0,
    outcome: Annotated[str, typer.Option(help="in-order or follow-up.")] = "in-order",
    remark: Annotated[str, typer.Option(help="What must be done, or what you noticed.")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """What stands out in your archive's log since the last review, and a sample, over HTTP."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        if sign:
            said = {"last_number": sign, "outcome": outcome, "remark": remark}
            done = service.post("/v1/audit/reviews", said, key=secrets.token_urlsafe(16))
            typer.echo(f"{done['id']}  entry {done['entry_id']}")
            return
        found = service.get("/v1/audit/review", _of(archive))
    for one in found["findings"]:
        typer.echo(f"{one['rule']}  {one['about']}  {' '.join(one['evidence'])}")
    for one in found["sample"]:
        typer.echo(f"sample {one['number']}  {one['act']}  {one['id']}")
    typer.echo(f"entries {found['first']} to {found['last']}; sample drawn with {found['seed']}")


def reviews(
    archive: Archive = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """Reviews that were held against those that were planned, oldest first."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        found = service.get("/v1/audit/reviews", _of(archive))
    for one in found["planned"]:
        signed = one["review"]["signed_at"][:10] if one["review"] else ""
        typer.echo(f"{one['due_at'][:10]}  {one['state']:6}  {signed}".rstrip())
    for one in found["unplanned"]:
        typer.echo(f"not planned  {one['signed_at'][:10]}  {one['outcome']}")


def plan_reviews(
    days: Annotated[int, typer.Option(min=1, max=366, help="A review every so many days.")] = 30,
    sample_size: Annotated[
        int, typer.Option(min=1, max=500, help="Entries drawn at random each time.")
    ] = 25,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """Plan the reviews of your archive's log; what was due before stays in the report."""
    import json

    from registry.client.http import Service

    wanted = json.dumps({"days": days, "sample_size": sample_size})
    with Service(server.rstrip("/"), token, lang) as service:
        plan = service.put("/v1/audit/review-plan", wanted, "application/json")
    typer.echo(f"every {plan['days']} days; the next is due on {plan['due_at'][:10]}")


def mandates(
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
) -> None:
    """What you were asked to look at as an auditor, and until when."""
    from registry.client.http import Service

    with Service(server.rstrip("/"), token, lang) as service:
        for one in service.get("/v1/audit/mandates"):
            mandate = one["mandate"]
            end = mandate["ended_at"] or mandate["until"]
            where = f"{mandate['archive_id']}  {one['name']}" if one["name"] else "all archives"
            typer.echo(f"{mandate['id']}  until {end[:10]}  {where}")


def _of(archive: str) -> Mapping[str, str]:
    return {"archive": archive} if archive else {}
