"""All pages, as one router. Every form that is sent must come from our own pages."""

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from registry.pages import (
    agreements,
    audit,
    auditors,
    blocklist,
    catalogue,
    claims,
    collection,
    deliveries,
    differences,
    downloads,
    environments,
    extracts,
    home,
    homes,
    inbox,
    keys,
    ledger,
    links,
    notices,
    owning,
    packs,
    people,
    populations,
    precheck,
    processing,
    providers,
    replays,
    requests,
    reviews,
    searching,
    seats,
    signing,
    static_files,
    tracing,
    verifications,
    webhooks,
)
from registry.pages.visiting import refuse_foreign_forms

router = APIRouter(dependencies=[Depends(refuse_foreign_forms)], include_in_schema=False)
for _part in (
    static_files,
    home,
    homes,
    searching,
    catalogue,
    differences,
    precheck,
    providers,
    signing,
    blocklist,
    seats,
    environments,
    keys,
    replays,
    requests,
    reviews,
    agreements,
    extracts,
    downloads,
    links,
    collection,
    deliveries,
    owning,
    packs,
    people,
    inbox,
    ledger,
    notices,
    webhooks,
    claims,
    audit,
    auditors,
    populations,
    processing,
    tracing,
    verifications,
):
    router.include_router(_part.router)

# Link checkers and previews ask with HEAD. Elsewhere a GET may be an act of its own (a download).
for _part in (static_files, home, searching, catalogue, precheck):
    for _route in _part.router.routes:
        if isinstance(_route, APIRoute):
            router.add_api_route(
                _route.path, _route.endpoint, methods=["HEAD"], include_in_schema=False
            )
