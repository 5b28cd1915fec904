"""Ask whether the caller may: the functions every service and every door uses."""

from __future__ import annotations

from django.db.models import Q

from callboard.core.auth.principal import Principal, principal
from callboard.core.permissions.decision import (
    AllOf,
    Criteria,
    Decision,
    Not,
    NotAllowedError,
    RuleUse,
    allow,
    deny,
)
from callboard.core.permissions.policy import DefaultPolicy, Policy
from callboard.core.registry.contract import Permission, ResourceType, Rule
from callboard.core.registry.store import registry

_policy: list[Policy] = [DefaultPolicy()]


def use_policy(policy: Policy) -> None:
    """Put another policy in force in this process."""
    _policy[0] = policy


def decide(permission_id: str, who: Principal | None = None) -> Decision:
    """Answer the policy's decision on a permission; an unknown permission is denied."""
    who = who or principal()
    permission = registry.find(Permission, permission_id)
    if permission is None:
        return deny(f"no plugin that is switched on knows a permission called {permission_id}")
    if who.restrictions is not None:
        plugin = registry.owner_of(permission)
        if not any(limit.covers(plugin, permission.id, permission.action) for limit in who.restrictions):
            return deny("the access restrictions of this token do not cover it")
    return _policy[0].decide(permission, who)


def authorize(permission_id: str, resource_ref: str = "", who: Principal | None = None) -> Decision:
    """Answer a definite decision: with a resource, a condition is checked against it in the database."""
    decision = decide(permission_id, who)
    if decision.result != "conditional" or not resource_ref:
        return decision
    permission = registry.find(Permission, permission_id)
    if permission is None or decision.criteria is None:
        return deny("the condition cannot be checked")
    met = meets(permission.resource_type, resource_ref, decision.criteria)
    return allow(decision.reason) if met else deny(f"{decision.reason}, and this is not one of them")


def meets(resource_type: str, resource_ref: str, criteria: Criteria) -> bool:
    """Whether the resource exists and meets the condition."""
    kind = registry.find(ResourceType, resource_type)
    if kind is None:
        return False
    found: bool = kind.queryset().filter(kind.lookup(resource_ref)).filter(to_query(criteria)).exists()
    return found


def require(permission_id: str, resource_ref: str = "") -> None:
    """Go on only if the caller may; otherwise raise :class:`NotAllowedError` with the reason.

    Without a resource, a conditional decision passes: the caller may do it to some resources, and
    the service filters to those.
    """
    decision = authorize(permission_id, resource_ref)
    if decision.result == "deny":
        raise NotAllowedError(permission_id, decision.reason, signed_in=principal().signed_in)


def allowed_filter(permission_id: str, who: Principal | None = None) -> Q | None:
    """Answer what to filter a list by: ``None`` for everything, a ``Q`` otherwise.

    A denial answers a ``Q`` that matches nothing, so that callers need no special case.
    """
    decision = decide(permission_id, who)
    if decision.allowed:
        return None
    if decision.criteria is None:
        return Q(pk__in=[])
    return to_query(decision.criteria)


def to_query(criteria: Criteria) -> Q:
    """Compile a condition into a database filter on its resource type's model.

    A rule that no plugin knows any longer makes the whole condition match nothing: inside a ``Not`` it
    would otherwise open what it was meant to guard.
    """
    compiled = _compile(criteria)
    return Q(pk__in=[]) if compiled is None else compiled


def _compile(criteria: Criteria) -> Q | None:
    if isinstance(criteria, RuleUse):
        rule = registry.find(Rule, criteria.rule)
        if rule is None or rule.resource_type != criteria.resource_type:
            return None
        query: Q = rule.query(criteria.params)
        return query
    if isinstance(criteria, Not):
        inner = _compile(criteria.item)
        return None if inner is None else ~inner
    every = isinstance(criteria, AllOf)
    # An empty Q would vanish under a negation, so "everything" is written out.
    result = ~Q(pk__in=[]) if every else Q(pk__in=[])
    for item in criteria.items:
        compiled = _compile(item)
        if compiled is None:
            return None
        result = result & compiled if every else result | compiled
    return result
