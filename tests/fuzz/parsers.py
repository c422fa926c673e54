"""What is fuzzed: each parser with good input to begin from, and what it may do with the rest."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.mapping import MappingError, dump_mapping, parse_mapping
from policies import DocumentError, dump_policy, parse_policy
from registry.accounts.jwts import BadJwt, read_jwt
from registry.demo import generator
from registry.serving import span_of

ETAG, SIZE = '"x"', 1000
CASES = Path(__file__).parents[1] / "policies" / "cases"


@dataclass(frozen=True)
class Parser:
    """One parser.

    :param takes: whether it takes a text; raises where it does what it may not.
    """

    name: str
    good: tuple[str, ...]
    takes: Callable[[str], bool]
    is_json: bool = False


def takes_policy(text: str) -> bool:
    """A policy that is taken reads the same again once it was written."""
    try:
        policy = parse_policy(text)
    except DocumentError:
        return False
    assert parse_policy(dump_policy(policy)) == policy
    return True


def takes_mapping(text: str) -> bool:
    """A mapping that is taken reads the same again once it was written."""
    try:
        mapping = parse_mapping(json.loads(text))
    except (MappingError, ValueError, RecursionError):
        return False
    assert parse_mapping(dump_mapping(mapping)) == mapping
    return True


def takes_range(text: str) -> bool:
    """Whatever is asked, bytes of the file are answered, and never none of them."""
    headers: Mapping[str, str] = {"range": text}
    span = span_of(headers, ETAG, SIZE)
    if span is None:
        return False
    assert 0 <= span.start < span.stop <= SIZE == span.size
    return span.asked


def takes_token(text: str) -> bool:
    """A token is taken apart, or is none."""
    try:
        read_jwt(text, {"at+jwt"})
    except BadJwt:
        return False
    return True


def _policies() -> tuple[str, ...]:
    rule = {"action": "use", "target": "archive/films@3"}
    limit = {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2027-01-01T00:00:00Z"}
    base = {"@context": "http://www.w3.org/ns/odrl.jsonld", "uid": "https://example.org/p"}
    duty = {"action": "attribute"}
    return tuple(
        json.dumps({**base, "permission": [{**rule, **more}]})
        for more in (
            {},
            {"constraint": [limit]},
            {"duty": [duty]},
            {"constraint": [{"or": [limit]}]},
        )
    )


_HEADER = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9"
_CLAIMS = "eyJpc3MiOiJodHRwczovL2kuZXhhbXBsZSIsImV4cCI6MX0"

PARSERS = (
    Parser("policy", _policies(), takes_policy, is_json=True),
    Parser(
        "mapping", (json.dumps(dump_mapping(generator.mapping())),), takes_mapping, is_json=True
    ),
    Parser("range", ("bytes=0-99", "bytes=-5", "bytes=900-", "bytes=0-1,5-6"), takes_range),
    Parser("token", (f"{_HEADER}.{_CLAIMS}.AAAA",), takes_token),
)
