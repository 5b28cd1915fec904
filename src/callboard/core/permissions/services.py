"""Ask whether the caller may: the functions every service and every door uses."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

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
from callboard.core.permissions.policy import DefaultPolicy, Policy, beyond_policies
from callboard.core.registry.contract import Permission, ResourceType, Rule
from callboard.core.registry.store import registry

log = logging.getLogger(__name__)

_policy: list[Policy] = [DefaultPolicy()]


def use_policy(policy: Policy) -> None:
    """Put another policy in force in this process."""
    _policy[0] = policy


def policy_in_force() -> Policy:
    """Answer the policy that decides in this process."""
    return _policy[0]


def decide(permission_id: str, who: Principal | None = None) -> Decision:
    """Answer the decision on a permission; an unknown permission is denied."""
    who = who or principal()
    permission = registry.find(Permission, permission_id)
    if permission is None:
        return deny(f"no plugin that is switched on knows a permission called {permission_id}")
    return beyond_policies(permission, who, registry.owner_of(permission)) or _policy[0].decide(permission, who)


def authorize(permission_id: str, resource_ref: str = "", who: Principal | None = None) -> Decision:
    """Answer a definite decision: with a resource, a condition is checked against it in the database."""
    if not resource_ref:
        return decide(permission_id, who)
    return authorize_many([(permission_id, resource_ref)], who)[0]


def authorize_many(questions: Sequence[tuple[str, str]], who: Principal | None = None) -> list[Decision]:
    """Answer ``(permission, resource ref)`` pairs in their order, with one query a permission.

    Without a ref the answer may be conditional.
    """
    who = who or principal()
    decided = {name: decide(name, who) for name in dict.fromkeys(name for name, _ref in questions)}
    asked: dict[str, list[str]] = {}
    for name, ref in questions:
        if ref and decided[name].criteria is not None:
            asked.setdefault(name, []).append(ref)
    met = {name: _met_for(name, decided[name].criteria, refs) for name, refs in asked.items()}
    yes = {name: allow(decided[name].reason) for name in asked}
    no = {name: deny(f"{decided[name].reason}, and this is not one of them") for name in asked}
    return [
        decided[name] if not ref or name not in met else (yes[name] if ref in met[name] else no[name])
        for name, ref in questions
    ]


def _met_for(permission_id: str, criteria: Criteria | None, refs: list[str]) -> set[str]:
    permission = registry.find(Permission, permission_id)
    return meeting(permission.resource_type, refs, criteria) if permission and criteria else set()


def meets(resource_type: str, resource_ref: str, criteria: Criteria) -> bool:
    """Whether the resource exists and meets the condition."""
    return bool(meeting(resource_type, [resource_ref], criteria))


def meeting(resource_type: str, refs: Iterable[str], criteria: Criteria) -> set[str]:
    """Answer those refs, as they were given, whose resources exist and meet the condition."""
    kind = registry.find(ResourceType, resource_type)
    if kind is None:
        return set()
    found = kind.queryset().filter(to_query(criteria))
    wanted = set(refs)
    if not kind.ref_field:
        return {ref for ref in wanted if found.filter(kind.lookup(ref)).exists()}
    spelled = {ref: kind.canonical(ref) for ref in wanted}
    rows = found.filter(**{f"{kind.ref_field}__in": set(spelled.values())})
    there = set(rows.values_list(kind.ref_field, flat=True))
    return {ref for ref, canonical in spelled.items() if canonical in there}


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
        try:
            query: Q = rule.query(criteria.params)
        except Exception:
            log.warning("rule %s cannot be applied with %s", criteria.rule, dict(criteria.params), exc_info=True)
            return None
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
