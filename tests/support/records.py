"""Records of datasets for tests of renderings: one that says everything, and any at all."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from catalog.description import LANGUAGES, METADATA_LICENCES, THEMES
from catalog.record import Agent, Contact, Content, Record, RecordColumn, Words
from catalog.terms import ResidencyRule, TermLine, Terms, offer_for
from policies import USER_CLASSES, dump_policy, policy_digest

ORIGIN = "https://vrijgave.example"
IRI = f"{ORIGIN}/datasets/beeldarchief/journaals"
OFFER = f"{ORIGIN}/v1/offers/offer_1"
CC_BY = "https://creativecommons.org/licenses/by/4.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"
AT = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)


def content(
    terms: Terms, residency: ResidencyRule, columns: dict[str, str], *, version: int = 3
) -> Content:
    """The content layer of a dataset that is offered on these terms."""
    policy = offer_for(
        terms,
        residency,
        uid=OFFER,
        archive=f"{ORIGIN}/organisations/beeldarchief",
        edition=f"beeldarchief/journaals@{version}",
        columns=columns,
    )
    statements = tuple(dict.fromkeys(line.statement for line in terms.lines))
    return Content(statements, True, dump_policy(policy), OFFER, policy_digest(policy))


def full_record() -> Record:
    """One that says something in every field."""
    columns = {"title": "content", "speaker": "personal_content", "media": "media_address"}
    terms = Terms(
        lines=(
            TermLine(CC_BY, ("commercial", "research"), "train", "permit", ("credit",), True),
            TermLine(IN_COPYRIGHT, ("research",), "analyse", "review", (), True),
            TermLine(IN_COPYRIGHT, ("commercial",), "any", "deny", (), True),
        ),
        newer_editions=True,
        purposes=("ScientificResearch",),
    )
    residency = ResidencyRule(process=("EU", "NO"), operator=("EEA",), store=("NL",))
    return Record(
        id="ds_1",
        iri=IRI,
        name="beeldarchief/journaals",
        version=3,
        title=Words("Journaals", "Newsreels"),
        description=Words("Bioscoopjournaals van 1921 tot 1987.", "Newsreels, 1921 to 1987."),
        publisher=Agent(f"{ORIGIN}/organisations/beeldarchief", "Beeldarchief"),
        creators=(
            Agent("https://ror.org/025ae9j60", "Filmfabriek"),
            Agent("https://orcid.org/0000-0002-1825-0097", "J. Filmer", "person"),
        ),
        contact=Contact("Datadesk", "data@beeldarchief.example"),
        created=AT.replace(year=2025),
        issued=AT.replace(month=1),
        modified=AT,
        metadata_licence=METADATA_LICENCES[0],
        content=content(terms, residency, columns),
        items=421,
        columns=tuple(
            RecordColumn(name, "VARCHAR", Words(name, name), role != "content")
            for name, role in columns.items()
        ),
        catalogue=f"{ORIGIN}/catalogue",
        keywords=(("film", "nl"), ("newsreel", "en")),
        themes=("EDUC", "SOCI"),
        languages=("nl", "en"),
        spatial=("https://sws.geonames.org/2750405/",),
        begins="1921-09-01",
        ends="1987",
        identifiers=("https://doi.org/10.1234/abc", "https://n2t.net/ark:/12345/x9"),
    )


_TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
_WORDS = st.builds(Words, nl=_TEXT, en=_TEXT)
_AGENTS = st.builds(
    Agent,
    iri=st.integers(1, 99).map(lambda n: f"https://isni.org/isni/{n}"),
    name=_TEXT,
    kind=st.sampled_from(["organisation", "person"]),
)
_MOMENTS = st.timedeltas(timedelta(), timedelta(days=30_000)).map(
    lambda age: datetime(1990, 1, 1, tzinfo=UTC) + age
)
_LINES = st.builds(
    TermLine,
    statement=st.sampled_from([CC_BY, IN_COPYRIGHT]),
    user_classes=st.lists(st.sampled_from(sorted(USER_CLASSES)), min_size=1, unique=True).map(
        tuple
    ),
    use=st.sampled_from(["any", "train", "search", "analyse"]),
    outcome=st.sampled_from(["permit", "review", "deny"]),
    duties=st.sampled_from([(), ("credit",)]),
    confirmed=st.just(True),
)
_TERMS = st.builds(
    Terms,
    lines=st.lists(_LINES, max_size=3).map(tuple),
    personal_data=st.sampled_from(["deny", "review"]),
    newer_editions=st.booleans(),
)
_RESIDENCY = st.builds(
    ResidencyRule,
    process=st.sampled_from([("EU",), ("NL", "BE"), ("adequate",)]),
    operator=st.none() | st.just(("EEA",)),
    secure_only=st.booleans(),
    places=st.none() | st.just(("Zaal 3",)),
)
_ROLES = st.dictionaries(
    st.sampled_from(["title", "speaker", "media", "day"]),
    st.sampled_from(["content", "personal_content", "media_address"]),
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any record that the service could make."""
    roles = draw(_ROLES)
    offered = draw(st.booleans())
    unoffered = Content((CC_BY,), others=draw(st.booleans()))
    several = {"max_size": 3, "unique": True}
    version = draw(st.integers(1, 99))
    return Record(
        id="ds_1",
        iri=draw(st.sampled_from([IRI, f"{IRI}@{version}"])),
        name="beeldarchief/journaals",
        version=version,
        title=draw(_WORDS),
        description=draw(_WORDS),
        publisher=draw(_AGENTS),
        creators=tuple(draw(st.lists(_AGENTS, min_size=1, max_size=3))),
        contact=draw(
            st.builds(
                Contact, name=_TEXT, address=st.sampled_from([IRI, "data@beeldarchief.example"])
            )
        ),
        created=draw(_MOMENTS),
        issued=draw(_MOMENTS),
        modified=draw(_MOMENTS),
        metadata_licence=draw(st.sampled_from(METADATA_LICENCES)),
        content=content(draw(_TERMS), draw(_RESIDENCY), roles, version=version)
        if offered
        else unoffered,
        items=draw(st.integers(0, 10_000_000)),
        columns=tuple(
            RecordColumn(name, "VARCHAR", draw(_WORDS), offered and role != "content")
            for name, role in roles.items()
        ),
        catalogue=f"{ORIGIN}/catalogue",
        keywords=tuple(
            (text, "nl")
            for text in draw(st.lists(_TEXT, **several))  # type: ignore[arg-type] # bounds alone
        ),
        themes=draw(st.lists(st.sampled_from(sorted(THEMES)), min_size=1, unique=True).map(tuple)),
        languages=draw(st.lists(st.sampled_from(sorted(LANGUAGES)), unique=True).map(tuple)),
        spatial=draw(st.sampled_from([(), ("https://sws.geonames.org/2750405/",)])),
        begins=draw(st.sampled_from(["", "1921", "1921-09-01"])),
        ends=draw(st.sampled_from(["", "1987"])),
        identifiers=draw(st.sampled_from([(), ("https://doi.org/10.1234/abc",)])),
    )
