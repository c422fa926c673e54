"""The OpenAPI description is whole: every answer has a shape, every operation its words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.app import create_app
from registry.settings import Settings

METHODS = {"get", "put", "post", "delete", "head"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description, as the service gives it."""
    home: Path = tmp_path_factory.mktemp("home")
    described: dict[str, Any] = create_app(Settings(home=home)).openapi()
    return described


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def test_it_is_openapi_3_1(schema: dict[str, Any]) -> None:
    """The version that readers may rely on."""
    assert schema["openapi"].startswith("3.1.")
    assert schema["info"]["license"]["identifier"] == "Apache-2.0"


def test_pages_stand_apart(schema: dict[str, Any]) -> None:
    """Only what is meant for machines is described."""
    for path in schema["paths"]:
        assert path.startswith(
            ("/v1/", "/audit/v1/", "/oauth/", "/.well-known/", "/livez", "/readyz")
        ), path


def test_every_operation_has_words_and_a_name_of_its_own(schema: dict[str, Any]) -> None:
    """A summary, a description and an operationId that no other has."""
    names = [operation["operationId"] for _, operation in _operations(schema)]
    assert len(names) == len(set(names))
    for name, operation in _operations(schema):
        assert operation.get("summary"), name
        assert operation.get("description"), name


def test_every_problem_has_the_one_shape(schema: dict[str, Any]) -> None:
    """Answers of 400 and above are problems, with an example; OAuth has its own."""
    for name, operation in _operations(schema):
        for status, answer in operation["responses"].items():
            if int(status) < 400 or name.startswith("POST /oauth/"):
                continue
            assert list(answer["content"]) == ["application/problem+json"], (name, status)
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(status)


def test_every_guarded_operation_documents_its_refusals(schema: dict[str, Any]) -> None:
    """Whoever must sign in is told of 401, and of 403 where a scope is asked for."""
    for name, operation in _operations(schema):
        for asked in operation.get("security", []):
            if asked.get("oauth2"):
                assert {"401", "403"} <= operation["responses"].keys(), name


def test_lists_come_in_pages(schema: dict[str, Any]) -> None:
    """Every answer that holds `items` can be continued."""
    for name, shape in schema["components"]["schemas"].items():
        if "items" in shape.get("properties", {}) and name.startswith("Page"):
            assert "next_cursor" in shape["properties"], name
    for name, operation in _operations(schema):
        answer = operation["responses"].get("200", {}).get("content", {})
        reference = answer.get("application/json", {}).get("schema", {}).get("$ref", "")
        if "/Page" in reference:
            given = {parameter["name"] for parameter in operation["parameters"]}
            assert {"limit", "cursor"} <= given, name
