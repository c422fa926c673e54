"""The composition root: settings in, the web application out."""

import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

import registry
from registry import jobs
from registry.addresses import is_loopback
from registry.api import routes as api
from registry.api.middleware import BodyCap, HideLinks, RequestId
from registry.api.openapi import describe, operation_name
from registry.api.problems import as_registry_error, internal_error, problem_response
from registry.background import Background
from registry.clock import Clock, system_clock
from registry.errors import RegistryError
from registry.idempotency import Repeated
from registry.limiting import Limits, RateLimits
from registry.negotiating import HTML, Form, preferred
from registry.pages import routes as pages
from registry.pages.errors import error_page
from registry.protocols import catalogues, delta_sharing, feeds
from registry.runtime import NotReady, open_runtime
from registry.settings import Settings

log = logging.getLogger("vrijgave")

MACHINE_PATHS = (
    "/v1",
    "/audit/v1/",
    delta_sharing.PREFIX,
    "/oauth",
    "/.well-known",
    "/livez",
    "/readyz",
    "/openapi.json",
)
"""Below these paths a problem is JSON; elsewhere it is a page."""

_THREADS = 200
"""Most steps of requests at work or waiting for the database at once.

Whoever's turn it is to write must always find a free one among them.
"""
_GC_THRESHOLDS = (50_000, 20, 100)


def create_app(settings: Settings | None = None, *, clock: Clock = system_clock) -> FastAPI:
    """The whole service: REST API, pages, and what runs beside them.

    :raises NotReady: it would be unsafe to serve with these settings.
    """
    settings = settings or Settings()
    refuse_without_tls(settings)
    app = FastAPI(
        title="Vrijgave",
        version=registry.__version__,
        lifespan=_lifespan(settings, clock),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=operation_name,
    )
    app.include_router(api.router)
    app.include_router(delta_sharing.router)
    app.include_router(pages.router)
    app.include_router(catalogues.router)
    app.include_router(feeds.router)
    app.add_middleware(BodyCap)
    app.add_middleware(RateLimits, limits=_limits(settings), answer=_answer_problem)
    app.add_middleware(RequestId, tls=settings.tls_in_front)
    app.add_middleware(HideLinks)
    for kind in (RegistryError, HTTPException, *api.HANDLED, Exception):
        app.add_exception_handler(kind, _answer_problem)
    app.add_exception_handler(Repeated, _answer_again)
    describe(app, settings)
    return app


def _limits(settings: Settings) -> Limits:
    return Limits.per_minute(
        client=settings.rate_client,
        network=settings.rate_network,
        signing_in=settings.rate_signing_in,
    )


def refuse_without_tls(settings: Settings) -> None:
    """Off this machine, people and machines only reach the service through TLS."""
    host = settings.base_url.host or ""
    if settings.tls_in_front or is_loopback(host):
        return
    raise NotReady(
        f"the service would be reached at {settings.origin} without TLS: put a proxy with TLS"
        " before it and set VRIJGAVE_TLS_IN_FRONT=true, or use a loopback address"
    )


def _lifespan(
    settings: Settings, clock: Clock
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = _THREADS
        runtime = await run_in_threadpool(open_runtime, settings, clock)
        app.state.runtime = runtime
        await run_in_threadpool(jobs.start, runtime.engine, runtime.ports)
        app.state.background = await run_in_threadpool(Background.start, runtime)
        settle_garbage()
        try:
            yield
        finally:
            await run_in_threadpool(jobs.stop)
            await run_in_threadpool(app.state.background.stop)
            runtime.changes.close()
            runtime.engine.dispose()

    return run


def settle_garbage() -> None:
    """Collect garbage now, and seldom from here on: as the service runs, and what measures it."""
    # What lives since the start need not be looked through again and again: collecting it was the
    # whole tail of the request times.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


async def _answer_problem(request: Request, problem: Exception) -> Response:
    error = as_registry_error(problem)
    if error.code == internal_error().code:
        log.error("request %s failed", request.scope.get("request_id"), exc_info=problem)
    accept = request.headers.get("accept", "")
    if request.url.path.startswith(MACHINE_PATHS) or not preferred(accept, [Form(HTML)]):
        return problem_response(request, error)
    return await run_in_threadpool(error_page, request, error)


async def _answer_again(_request: Request, repeated: Exception) -> Response:
    assert isinstance(repeated, Repeated)  # noqa: S101 -- registered for this type alone
    return repeated.response
