"""`vrijgave policy`: check, test, explain, convert and replay policies, without a server.

Policies are read as Turtle where the file ends in `.ttl`, else as ODRL JSON-LD; requests, items and
tests as YAML, of which JSON is a part.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from policies import (
    Agreeing,
    Decision,
    Finding,
    Kind,
    Place,
    Policy,
    PolicyError,
    Prospect,
    Request,
    agreeing,
    check_policy,
    clashes,
    compliance_report,
    dump_policy,
    evaluate,
    explain,
    from_duo,
    from_template,
    impact,
    item_from_json,
    match,
    parse_policy,
    policy_digest,
    replay,
    request_from_duo,
    request_from_json,
    run_policy_tests,
    summarise,
    templates,
    to_dpv,
    what_if,
)

app = typer.Typer(
    help="Check, test, explain, convert and replay ODRL policies.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


class Language(StrEnum):
    """The language of what a command explains."""

    NL = "nl"
    EN = "en"


class Notation(StrEnum):
    """How a policy is written."""

    JSON_LD = "json-ld"
    TURTLE = "turtle"
    DPV = "dpv"


class Source(StrEnum):
    """What a policy is read from."""

    ODRL = "odrl"
    DUO = "duo"


Lang = Annotated[Language, typer.Option("--lang", help="Language of the explanation.")]
Items = Annotated[
    Path, typer.Option("--items", exists=True, help="A list of {item: {...}, count: n}.")
]


@contextmanager
def _told(language: Language = Language.EN) -> Iterator[None]:
    """End with one plain line and status 1 where a file does not say what it should."""
    try:
        yield
    except PolicyError as error:
        dutch = language is Language.NL
        problem, remedy = (error.probleem, error.uitweg) if dutch else (error.problem, error.remedy)
        typer.echo(f"{error.path}: {problem}" + (f"\n  {remedy}" if remedy else ""), err=True)
        raise typer.Exit(1) from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        typer.echo(f"this file cannot be read: {error}", err=True)
        raise typer.Exit(1) from None


def _policy(path: Path) -> Policy:
    text = path.read_text("utf-8")
    if path.suffix == ".ttl":
        from policies.interchange.turtle import parse_turtle

        return parse_turtle(text)
    return parse_policy(text)


def _data(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _request(path: Path) -> Request:
    """A request; what it does not tell is unknown. `duo` lists the codes that state its purpose."""
    told = {"purpose": None, "assignee": None, "place": {}, "facts": {}, **_data(path)}
    codes = told.pop("duo", None)
    nowhere = {"country": None, "operator_country": None}
    place, at = Place(**{**nowhere, **told["place"]}), told["at"]
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    request = Request(**{**told, "place": place, "at": moment})
    return request if codes is None else _by_codes([str(code) for code in codes], request)


def _by_codes(codes: list[str], told: Request) -> Request:
    request, findings = request_from_duo(codes, told)
    _tell(findings)
    if request is None:
        raise typer.Exit(1)
    return request


def _answer(policy: Policy, request: Request) -> Prospect | Decision:
    return match(policy, request) if policy.kind is Kind.OFFER else evaluate(policy, request)


@app.command()
def check(policy: File, lang: Lang = Language.EN) -> None:
    """Read a policy strictly and say what is surely not meant; status 1 if that must be mended."""
    with _told(lang):
        found = _policy(policy)
        findings = check_policy(found)
    for finding in findings:
        where = f" {finding.rule}:" if finding.rule else ""
        text = finding.nl if lang is Language.NL else finding.en
        typer.echo(f"{finding.level} {finding.code}:{where} {text}")
    typer.echo(f"{found.kind.value} {found.uid}: {len(found.rules)} rules, {policy_digest(found)}")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


@app.command("test")
def run_tests(
    policy: File,
    tests: Annotated[
        Path | None, typer.Option(help="By default the .policytest.yaml of the same name.")
    ] = None,
) -> None:
    """Run a policy's tests and name the rules that none saw apply; status 1 on a failure."""
    with _told():
        path = tests or policy.with_suffix(".policytest.yaml")
        if not path.exists():
            raise PolicyError(str(path), "there are no tests here", "write some, or name the file")
        report = run_policy_tests(_policy(policy), _data(path))
    for each in report.tests:
        typer.echo(f"{'failed' if each.failures else 'passed'}  {each.name}")
        for failure in each.failures:
            typer.echo(f"        {failure}")
    for rule in report.untested:
        typer.echo(f"untested rule {rule}")
    if not report.passed:
        raise typer.Exit(1)


@app.command("explain")
def explain_(
    policy: File,
    request: Annotated[Path, typer.Option(exists=True, help="The request, as YAML or JSON.")],
    item: Annotated[
        Path | None, typer.Option(exists=True, help="The item's facts; none are known by default.")
    ] = None,
    lang: Lang = Language.EN,
    report: Annotated[bool, typer.Option(help="Print a FORCE Compliance Report.")] = False,
) -> None:
    """Say what a policy answers to a request, rule by rule, and the smallest change that helps."""
    with _told(lang):
        answer = _answer(_policy(policy), _request(request))
        facts = item_from_json(_data(item)) if item else {}
        if report:
            typer.echo(json.dumps(compliance_report(answer, facts), indent=1))
            return
        typer.echo(explain(answer, facts, lang.value))
        change = summarise(answer, [(facts, 1)]).change
    if change is not None:
        typer.echo(change.nl if lang is Language.NL else change.en)


@app.command()
def convert(
    policy: File,
    to: Annotated[Notation, typer.Option(help="What to write.")] = Notation.JSON_LD,
    source: Annotated[
        Source, typer.Option("--from", help="ODRL, or a list of DUO codes in YAML or JSON.")
    ] = Source.ODRL,
    uid: Annotated[str, typer.Option(help="The IRI of an offer by codes.")] = "urn:example:offer",
    assigner: Annotated[str, typer.Option(help="Its archive.")] = "urn:example:archive",
    target: Annotated[str, typer.Option(help="Its edition.")] = "archive/dataset@1",
) -> None:
    """Write a policy in another notation; what has no word there is told on standard error."""
    with _told():
        if source is Source.DUO:
            codes = [str(code) for code in _data(policy)]
            offer, findings = from_duo(codes, uid=uid, assigner=assigner, target=target)
            _tell(findings)
            if offer is None:
                raise typer.Exit(1)
            _write(offer, to)
        else:
            _write(_policy(policy), to)


def _write(policy: Policy, to: Notation) -> None:
    if to is Notation.TURTLE:
        from policies.interchange.turtle import dump_turtle

        typer.echo(dump_turtle(policy), nl=False)
        return
    document: object = dump_policy(policy)
    if to is Notation.DPV:
        rendered, findings = to_dpv(policy)
        document = [asdict(rule) for rule in rendered]
        _tell(findings)
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


def _tell(findings: Iterable[Finding]) -> None:
    for finding in findings:
        where = f" {finding.rule}:" if finding.rule else ""
        typer.echo(f"{finding.level} {finding.code}:{where} {finding.en}", err=True)


@app.command()
def profile() -> None:
    """Write the AI-use profile as Turtle, on standard output."""
    from policies.interchange.profile import dump_profile

    typer.echo(dump_profile(), nl=False)


@app.command("replay")
def replay_(stored: File, policy: File) -> None:
    """Give a stored answer again. Status 1 if it is not identical."""
    with _told():
        again = replay(json.loads(stored.read_text("utf-8")), _policy(policy))
    if again.differences:
        typer.echo(f"not identical: {', '.join(again.differences)}", err=True)
        raise typer.Exit(1)
    typer.echo("identical")


@app.command()
def compare(first: File, second: File) -> None:
    """Say whether two policies contradict each other; status 1 if they certainly do."""
    with _told():
        pair = _policy(first), _policy(second)
    for clash in clashes(*pair):
        word = "contradicts" if clash.certain else "may contradict"
        typer.echo(f"permission {clash.permission} {word} prohibition {clash.prohibition}")
    answer = agreeing(*pair)
    typer.echo(answer.value)
    if answer is Agreeing.CONFLICT:
        raise typer.Exit(1)


@app.command("what-if")
def what_if_(
    before: File,
    after: File,
    requests: Annotated[
        Path, typer.Option(exists=True, help="A list of stored requests, as JSON or YAML.")
    ],
    items: Items,
) -> None:
    """Say which items would be answered otherwise if one policy took the place of the other."""
    with _told():
        asked = [request_from_json(each) for each in _data(requests)]
        classes = [(item_from_json(each["item"]), int(each["count"])) for each in _data(items)]
        shifts = what_if(_policy(before), _policy(after), asked, classes)
    for shift in shifts:
        word = "gains" if shift.gains else "loses"
        who = shift.request.assignee or shift.request.user_class
        typer.echo(
            f"{who} {word} {shift.count} ({shift.before} to {shift.after}), "
            f"for one: {json.dumps(dict(shift.example), default=str, ensure_ascii=False)}"
        )
    typer.echo(f"{len(shifts)} changes over {len(asked)} requests")


@app.command("impact")
def impact_(
    before: File,
    after: File,
    items: Items,
    at: Annotated[datetime, typer.Option(help="The moment of use, in UTC.")],
    target: Annotated[str, typer.Option(help="The edition.")] = "archive/dataset@1",
) -> None:
    """Say who gains and who loses if one policy takes another's place: by use, user and place."""
    with _told():
        classes = [(item_from_json(each["item"]), int(each["count"])) for each in _data(items)]
        moment = at.replace(tzinfo=UTC)
        found = impact(_policy(before), _policy(after), classes, target=target, at=moment)
    for group in found.groups:
        word = "gain" if group.gains else "lose"
        example = json.dumps(dict(group.example), default=str, ensure_ascii=False)
        typer.echo(f"{group.count} items {word} ({group.before} to {group.after}), as {example}")
        typer.echo(f"  uses: {', '.join(group.uses)}; by: {', '.join(group.user_classes)}")
        typer.echo(f"  in: {', '.join(dict.fromkeys(map(_place, group.places)))}")
        typer.echo(f"  for: {', '.join(purpose or 'no purpose' for purpose in group.purposes)}")
    typer.echo(f"{len(found.groups)} changes over {found.asked} questions")


def _place(place: Place) -> str:
    """A place in one word or few: what is not told is left out."""
    said = (
        place.country or "an unknown place",
        f"operator {place.operator_country}" if place.operator_country != place.country else "",
        f"stored {place.stored_country}" if place.stored_country != place.country else "",
        place.name or "",
        "secure" if place.secure else "",
    )
    return " ".join(filter(None, said))


@app.command()
def template(
    name: Annotated[
        str | None, typer.Argument(help="Its name; without one, all are listed.")
    ] = None,
    uid: Annotated[str, typer.Option(help="The offer's IRI.")] = "urn:example:offer",
    assigner: Annotated[str, typer.Option(help="The archive.")] = "urn:example:archive",
    target: Annotated[str, typer.Option(help="The edition.")] = "archive/dataset@1",
    chosen: Annotated[
        list[str] | None,
        typer.Option("--set", help="What the template leaves open, as name=value; may repeat."),
    ] = None,
    lang: Lang = Language.EN,
) -> None:
    """List the policy templates, or write one as an offer."""
    if name is None:
        _list_templates(lang)
        return
    with _told(lang):
        values = dict(_pair(each) for each in chosen or ())
        offer = from_template(name, uid=uid, assigner=assigner, target=target, values=values)
        typer.echo(json.dumps(dump_policy(offer), ensure_ascii=False, indent=1))


def _list_templates(lang: Language) -> None:
    dutch = lang is Language.NL
    for each in templates():
        text = each.text_nl if dutch else each.text_en
        typer.echo(f"{each.name} (version {each.version}): {text}")
        for one in each.adjustable:
            value = f" [{one.value}]" if one.value is not None else ""
            typer.echo(f"  --set {one.name}=...{value} {one.text_nl if dutch else one.text_en}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PolicyError(
            "--set",
            f"`{text}` has no `=`",
            "write it as name=value",
            probleem=f"`{text}` heeft geen `=`",
            uitweg="schrijf het als naam=waarde",
        )
    return name, value
