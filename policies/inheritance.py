"""Policies that build on others (IM 2.2, section 2.9) or were replaced by others (section 2.8)."""

from collections.abc import Mapping
from dataclasses import replace

from policies.errors import PolicyError
from policies.policy import Condition, Conflict, Constraint, Logical, Policy, Rule


def inherit(policy: Policy, known: Mapping[str, Policy]) -> Policy:
    """The policy with the rules of all it inherits from, nearest first.

    Parties it leaves open are taken from its parents, and so are their profiles. Where parent and
    child differ about conflicts the result is ``invalid``, so that a conflict voids it. Running
    counts (``status``) start anew.

    :param known: policies by uid, from which parents are taken.
    :raises PolicyError: for a parent that is not known, or one that inherits from its own child.
    """
    return _inherit(policy, known, ())


def _inherit(policy: Policy, known: Mapping[str, Policy], below: tuple[str, ...]) -> Policy:
    if policy.uid in below:
        raise PolicyError(
            "inheritFrom",
            f"`{policy.uid}` inherits from itself",
            "take one policy out of the circle",
            probleem=f"`{policy.uid}` erft van zichzelf",
            uitweg="haal één van de voorwaarden uit de kring",
        )
    whole = replace(policy, inherits=())
    for uid in policy.inherits:
        if uid not in known:
            raise PolicyError(
                "inheritFrom",
                f"`{uid}` is not known here",
                "supply the policy it inherits from",
                probleem=f"`{uid}` is hier niet bekend",
                uitweg="lever de voorwaarden mee waarvan deze erven",
            )
        whole = _joined(whole, _inherit(known[uid], known, (*below, policy.uid)))
    return whole


def _joined(child: Policy, parent: Policy) -> Policy:
    assigner = child.assigner or parent.assigner
    assignee = child.assignee or parent.assignee
    inherited = tuple(_anew(rule) for rule in parent.rules)
    return replace(
        child,
        rules=tuple(
            replace(rule, assigner=rule.assigner or assigner, assignee=rule.assignee or assignee)
            for rule in (*child.rules, *inherited)
        ),
        profiles=tuple(dict.fromkeys((*child.profiles, *parent.profiles))),
        conflict=child.conflict if child.conflict is parent.conflict else Conflict.INVALID,
        assigner=assigner,
        assignee=assignee,
    )


def _anew(rule: Rule) -> Rule:
    return replace(
        rule,
        constraints=tuple(map(_without_status, rule.constraints)),
        refinements=tuple(map(_without_status, rule.refinements)),
    )


def _without_status(condition: Condition) -> Condition:
    if isinstance(condition, Constraint):
        return replace(condition, status=None)
    return Logical(
        condition.connective, tuple(map(_without_status, condition.operands)), condition.uid
    )


def successor(policy: Policy, known: Mapping[str, Policy]) -> Policy:
    """The policy that counts today: itself, or the last of those that replaced it.

    :raises PolicyError: for a replacement that is not known, or a circle of them.
    """
    seen = {policy.uid}
    while policy.replaced_by is not None:
        uid = policy.replaced_by
        if uid not in known or uid in seen:
            raise PolicyError(
                "isReplacedBy",
                f"the replacement `{uid}` is not known here or comes back to where it began",
                "supply the policy that counts today",
                probleem=f"de vervanger `{uid}` is hier niet bekend of leidt terug naar het begin",
                uitweg="lever de voorwaarden mee die nu gelden",
            )
        seen.add(uid)
        policy = known[uid]
    return policy
