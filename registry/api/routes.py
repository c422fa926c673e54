"""All ways in for machines, in one router."""

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError

from connectors.errors import ConnectorError
from registry.api import (
    agreements,
    audit,
    auditors,
    blocks,
    datasets,
    deliveries,
    descriptions,
    disputes,
    editions,
    extracts,
    health,
    ledger,
    lineage,
    links,
    machines,
    oauth,
    oauth_metadata,
    organisations,
    packs,
    parts,
    people,
    places,
    populations,
    precheck,
    processing,
    proofs,
    replays,
    requests,
    reviews,
    search,
    seats,
    security,
    statistics,
    terms,
    tiles,
    verifications,
    withdrawals,
)

HANDLED = (RequestValidationError, ConnectorError, OperationalError)
"""Errors of the libraries below that have an answer of their own."""

router = APIRouter()
for _module in (
    organisations,
    seats,
    blocks,
    verifications,
    people,
    machines,
    datasets,
    descriptions,
    search,
    editions,
    statistics,
    deliveries,
    terms,
    precheck,
    replays,
    requests,
    reviews,
    agreements,
    extracts,
    packs,
    places,
    parts,
    links,
    ledger,
    withdrawals,
    disputes,
    proofs,
    audit,
    auditors,
    populations,
    processing,
    tiles,
    lineage,
    oauth,
    oauth_metadata,
    health,
    security,
):
    # As routes of one router: a router within another is looked through anew at every request.
    router.routes.extend(_module.router.routes)
