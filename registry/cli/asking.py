"""`vrijgave precheck` and `vrijgave request`: ask over HTTP, with the light install."""

import json
from typing import Annotated, Any

import typer

from registry.cli.options import DEFAULT_SERVER, Language, Server, Token

Datasets = Annotated[list[str], typer.Argument(help="One or more of archive/dataset[@edition].")]
Use = Annotated[str, typer.Option(help="What for, as a term of the tree of uses: train.gen, …")]
Purpose = Annotated[str | None, typer.Option(help="Structured purpose (DPV term).")]
Json = Annotated[bool, typer.Option("--json", help="The service's answer as it came.")]

_OUTCOMES = {
    "permit": ("Ja.", "Yes."),
    "permit_with_duties": ("Ja, onder voorwaarden.", "Yes, with duties."),
    "review": ("Een deel moet het archief beoordelen.", "Part of it needs the archive's review."),
    "deny": ("Nee.", "No."),
}
_STATES = {
    "permitted": ("toegestaan", "permitted"),
    "pending": ("wacht op het archief", "waits for the archive"),
    "approved": ("goedgekeurd", "approved"),
    "refused": ("afgewezen", "refused"),
    "denied": ("niet toegestaan", "denied"),
    "withdrawn": ("ingetrokken", "withdrawn"),
}


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("precheck")(precheck)
    app.command("request")(request)


def precheck(
    datasets: Datasets,
    use: Use,
    user_class: Annotated[
        str, typer.Option(help="commercial, research, heritage, …")
    ] = "commercial",
    purpose: Purpose = None,
    country: Annotated[str | None, typer.Option(help="Where you process (ISO 3166-1).")] = None,
    operator_country: Annotated[
        str | None, typer.Option(help="Jurisdiction of the operator's ultimate parent.")
    ] = None,
    secure: Annotated[bool, typer.Option(help="In a secure environment.")] = False,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """May I use this? Needs no account; gives no access."""
    from registry.client.http import Service

    question: dict[str, Any] = {"datasets": datasets, "use": use, "user_class": user_class}
    question |= {"purpose": purpose, "country": country, "secure": secure}
    question |= {"operator_country": operator_country}
    with Service(server.rstrip("/"), token, lang) as service:
        answer = service.post("/v1/precheck", question)
    typer.echo(json.dumps(answer, ensure_ascii=False) if as_json else _told(answer, lang))


def _told(answer: Any, lang: str) -> str:
    lines = []
    for one in answer["datasets"]:
        lines.append(f"{one['dataset']}: {_pick(_OUTCOMES[one['outcome']], lang)}")
        if one["shares"]:
            shares = one["shares"]
            spread = (f"{name} {shares[name]} %" for name in ("permit", "review", "deny"))
            lines.append(f"  {', '.join(spread)}")
        lines += [f"  {reason['share']} %: {reason['text'][lang]}" for reason in one["reasons"]]
        lines += [f"  * {duty['text'][lang]}" for duty in one["duties"]]
        if one["change"]:
            lines.append(f"  > {one['change']['text'][lang]}")
    return "\n".join(lines)


def request(
    datasets: Datasets,
    environment: Annotated[str, typer.Option(help="Where you will process (env_…).")],
    use: Use,
    purpose: Purpose = None,
    note: Annotated[str, typer.Option(help="For the archive that reviews.")] = "",
    server: Server = DEFAULT_SERVER,
    token: Token = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """File an access request: clear cases are decided at once, the rest by the archive."""
    import secrets

    from registry.client.http import Service

    asked: dict[str, Any] = {"datasets": datasets, "environment_id": environment, "use": use}
    asked |= {"purpose": purpose, "note": note}
    with Service(server.rstrip("/"), token, lang) as service:
        filed = service.post("/v1/requests", asked, key=secrets.token_urlsafe(16))
    if as_json:
        typer.echo(json.dumps(filed, ensure_ascii=False))
        return
    typer.echo(filed["id"])
    for decision in filed["decisions"]:
        state = _pick(_STATES[decision["state"]], lang)
        due = f" ({decision['due_at'][:10]})" if decision["due_at"] else ""
        typer.echo(f"  {decision['dataset']}: {decision['items']} items {state}{due}")
    for agreement in filed["agreements"]:
        typer.echo(f"  agreement {agreement['id']}: {agreement['state']}")


def _pick(texts: tuple[str, str], lang: str) -> str:
    return texts[0] if lang == "nl" else texts[1]
