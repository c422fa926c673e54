"""Where data stands and is processed, held to its terms: the store, this node, the environment.

The environment's place is what the agreement is evaluated with. The service's own countries must
satisfy the same terms, since the bytes stand and pass there; and what was proven of an environment
must still hold when it reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pydantic import TypeAdapter

from catalog.tables import Dataset
from catalog.terms import ResidencyRule
from policies import Constraint, Decision, Effect, Operator, Outcome, Policy, regions_of
from registry.accounts.actors import Actor
from registry.accounts.tables import Environment
from registry.errors import NotAllowed, RegistryError, Text

RESIDENCY = TypeAdapter(ResidencyRule)
_PLACES = {"vg:processedIn", "vg:storedIn"}


def residency_of(dataset: Dataset) -> ResidencyRule | None:
    """The dataset's residency rule, once its owner has set it."""
    return RESIDENCY.validate_python(dataset.residency) if dataset.residency else None


def unproven(environment: Environment, at: datetime) -> RegistryError | None:
    """Why the environment's proof does not hold any more; one that never had any has none."""
    if environment.proven_until is None or at < environment.proven_until:
        return None
    day = environment.proven_until.date().isoformat()
    return NotAllowed(
        "proof-expired",
        Text(
            f"Het bewijs over deze omgeving gold tot {day}.",
            f"The proof about this environment held until {day}.",
        ),
        Text(
            "Geef een nieuw bewijs en laat het bekijken.",
            "Give a new proof and have it looked at.",
        ),
    )


def outside(decision: Decision, regions: Iterable[str]) -> RegistryError | None:
    """Why the bytes may not stand or pass where this service does.

    An agreement names the environment as the place of use; its rules on where data is processed
    and stored, prohibitions of all but some regions, hold for the service too.

    :param regions: countries of the store and of this node.
    """
    for region in sorted(regions):
        lies_in = regions_of(region, decision.request.day) or frozenset()
        for allowed in _allowed(decision.policy):
            if not lies_in & allowed:
                names = ", ".join(sorted(allowed))
                return NotAllowed(
                    "service-elsewhere",
                    Text(
                        f"De dienst bewaart of verwerkt in {region}; dit mag alleen in: {names}.",
                        f"The service stores or processes in {region}; it may only be in: {names}.",
                    ),
                )
    return None


def _allowed(policy: Policy) -> Iterator[frozenset[str]]:
    """The regions of each residency rule of the policy."""
    for rule in policy.rules:
        for one in rule.constraints if rule.effect is Effect.PROHIBITION else ():
            if isinstance(one, Constraint) and _is_residency(one):
                yield frozenset(map(str, one.right))


def _is_residency(constraint: Constraint) -> bool:
    return constraint.left in _PLACES and constraint.operator is Operator.IS_NONE_OF


def is_sealed(decision: Decision, classes: Iterable[tuple[Mapping[str, object], int]]) -> bool:
    """Whether something it permits may be used in a secure environment only."""
    verdicts = (decision.verdict(facts) for facts, _items in classes)
    return any(one.outcome is Outcome.PERMIT and one.secure_only for one in verdicts)


def leaves(actor: Actor, environment: Environment) -> RegistryError | None:
    """Why what may not leave a secure environment would leave it if this caller read it."""
    if environment.proven_until is None:
        return NotAllowed(
            "secure-unproven",
            Text(
                "Dit mag alleen in een beveiligde omgeving, en dat deze het is, is niet bewezen.",
                "This may be used in a secure environment only, and this one is not proven to be.",
            ),
            Text("Geef een bewijs en laat het bekijken.", "Give a proof and have it looked at."),
        )
    if environment.networks and actor.credential_id is not None and not actor.by_link:
        return None
    return NotAllowed(
        "secure-only",
        Text(
            "Dit mag de beveiligde omgeving niet uit: lees het daar, met een token, vanuit haar"
            " opgegeven netwerken.",
            "This may not leave the secure environment: read it there, with a token, from the"
            " networks that it states.",
        ),
    )
