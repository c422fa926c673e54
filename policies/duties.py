"""The life of duties: how each stands, and when a consequence or a remedy is owed."""

from policies.policy import Duty, Rule
from policies.world import DutyState, World


def told(duty: Duty | Rule, world: World) -> DutyState:
    """What the facts say of a duty or obligation; not set where they say nothing."""
    return world.duties.get(duty.uid or "", DutyState.NOT_SET)


def standing(duty: Duty | Rule, world: World) -> DutyState:
    """Fulfilled, violated or not set: late counts with all consequences done (IM 2.6.3)."""
    state = told(duty, world)
    if state is not DutyState.LATE:
        return state
    return DutyState.FULFILLED if _done(duty.consequences, world) else DutyState.VIOLATED


def failed(duty: Duty | Rule, world: World) -> bool:
    """Whether its consequences are owed: it was violated, whatever was done since."""
    return told(duty, world) in {DutyState.LATE, DutyState.VIOLATED}


def infringed(prohibition: Rule, world: World) -> bool:
    """Whether what it forbids was done and is not remedied yet (IM 2.6.4)."""
    return prohibition.uid in world.infringed and not _done(prohibition.remedies, world)


def _done(duties: tuple[Duty, ...], world: World) -> bool:
    """All are fulfilled, of which there is at least one."""
    return bool(duties) and all(told(each, world) is DutyState.FULFILLED for each in duties)
