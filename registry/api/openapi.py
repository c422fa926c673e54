"""The OpenAPI 3.1 description: what FastAPI derives, with our one problem shape throughout."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from registry.api.problems import MEDIA_TYPE, TITLES, Problem
from registry.settings import Settings

DESCRIPTION = """\
Registry and clearing house for rights-cleared media datasets.

Everything that goes wrong is an RFC 9457 problem (`application/problem+json`) with `code`, `help`
and `fields`, in Dutch or English by `Accept-Language`. Lists come in pages (`limit`, `cursor`).
A POST with an `Idempotency-Key` may be repeated safely. Machines get tokens at `/oauth/token`.
Any address may answer 429 with `Retry-After` to who asks too often.
"""
_METHODS = {"get", "put", "post", "delete", "head"}


def describe(app: FastAPI, settings: Settings) -> None:
    """Replace the application's description by ours; made at the first request for it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app, settings)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def _schema(app: FastAPI, settings: Settings) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        servers=[{"url": settings.origin}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                _tidy(operation)
    components = schema["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"]["Problem"] = Problem.model_json_schema(
        ref_template="#/components/schemas/{model}"
    )
    components["schemas"]["ProblemField"] = components["schemas"]["Problem"].pop("$defs")[
        "ProblemField"
    ]
    components["securitySchemes"]["client"] = {"type": "http", "scheme": "basic"}
    return schema


def _tidy(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        reference = schema.get("$ref", "")
        if reference.endswith(("/Problem", "/HTTPValidationError")):
            answer["description"] = TITLES[int(status)].en
            answer["content"] = {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": _example(int(status)),
                }
            }
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _example(status: int) -> dict[str, Any]:
    title = TITLES[status].en
    code = title.lower().replace(" ", "-")
    return {
        "type": f"https://vrijgave.example/problems/{code}",
        "title": title,
        "status": status,
        "detail": f"{title}.",
        "instance": "/v1/…",
        "code": code,
        "help": "",
        "fields": [],
        "request_id": "rq_…",
    }


def operation_name(route: APIRoute) -> str:
    """A short, stable operationId: the module and the function."""
    module = route.endpoint.__module__.rpartition(".")[2]
    return f"{module}-{route.endpoint.__name__}".replace("_", "-")
