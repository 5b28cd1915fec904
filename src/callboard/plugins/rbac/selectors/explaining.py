"""Explain a decision: the roles somebody has and why, every decision that was looked at, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from callboard.plugins.rbac.selectors.active import criteria_for
from callboard.plugins.rbac.selectors.sentences import condition_words, member_words, statement_sentence
from callboard.plugins.rbac.types.deciding import Compiled, Membership, Verdict, filled, member_keys
from callboard.plugins.rbac.types.document import PolicyDocument, Role, Statement
from callboard.sdk.auth import Principal
from callboard.sdk.contributions import Permission, ResourceType
from callboard.sdk.permissions import beyond_policies, meets
from callboard.sdk.plugins import contribution, registry


@dataclass(frozen=True)
class RoleHeld:
    """A role somebody has, and the members of it that make it so."""

    role: Role
    because: tuple[str, ...]
    until: str = ""


@dataclass(frozen=True)
class Looked:
    """One decision that matched: whether it decided, or why it did not."""

    role: str
    role_title: str
    sentence: str
    statement: Statement
    counts: bool


@dataclass(frozen=True)
class ConditionNode:
    """A part of a condition with whether the resource meets it."""

    words: str
    met: bool | None
    parts: tuple[ConditionNode, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """A decision with everything that led to it."""

    result: str
    reason: str
    beyond: bool
    roles: tuple[RoleHeld, ...]
    looked_at: tuple[Looked, ...]
    condition: ConditionNode | None
    condition_data: Mapping[str, Any] | None
    changes: tuple[str, ...]
    resolution: str


def explain(
    document: PolicyDocument,
    granted: Sequence[Membership],
    who: Principal,
    permission: Permission,
    ref: str = "",
    roles: Sequence[str] = (),
) -> Explanation:
    """Answer the decision on a permission (and a resource) for somebody, or for whoever has exactly these roles."""
    compiled = Compiled(document, tuple(granted))
    plugin = registry.owner_of(permission)
    beyond = None if roles else beyond_policies(permission, who, plugin)
    if beyond is not None:
        return Explanation(beyond.result, beyond.reason, True, (), (), None, None, (), document.resolution)
    now = timezone.now()
    places = (
        tuple(n for n, role in enumerate(document.roles) if role.name in set(roles))
        if roles
        else compiled.roles_of(who, now)
    )
    verdict = compiled.verdict(places, permission, plugin)
    result, reason, condition = verdict.result, verdict.reason, None
    data = filled(verdict.condition, who) if verdict.condition is not None else None
    if data is not None:
        condition = _node(data, permission.resource_type, ref)
        if ref:
            met = _meets(permission.resource_type, ref, data)
            result = "allow" if met else "deny"
            reason = f"{reason}, and this is {'one' if met else 'not one'} of them"
    held = tuple(_held(document.roles[n], who, granted) for n in places)
    looked_at = tuple(
        Looked(step.role, step.role_title, statement_sentence(step.statement), step.statement, step.counts)
        for step in verdict.steps
    )
    changes = tuple(_changes(compiled, places, permission, plugin, verdict, result, condition, ref))
    return Explanation(result, reason, False, held, looked_at, condition, data, changes, document.resolution)


def _held(role: Role, who: Principal, granted: Sequence[Membership]) -> RoleHeld:
    keys = set(member_keys(who))
    members = [*role.members, *(item.member for item in granted if item.role == role.name)]
    mine = [member for member in members if (member.type, member.ref) in keys]
    until = next((f"{m.until:%Y-%m-%d %H:%M}" for m in mine if m.until), "")
    return RoleHeld(role, tuple(member_words(member) for member in mine), until)


def _node(condition: Mapping[str, Any], resource_type: str, ref: str) -> ConditionNode:
    met = _meets(resource_type, ref, condition) if ref else None
    if "rule" in condition:
        return ConditionNode(condition_words(condition), met)
    if "not" in condition:
        return ConditionNode(_("Not this:"), met, (_node(condition["not"], resource_type, ref),))
    key = "allOf" if "allOf" in condition else "anyOf"
    words = _("All of these:") if key == "allOf" else _("At least one of these:")
    return ConditionNode(words, met, tuple(_node(part, resource_type, ref) for part in condition[key]))


_SOMEBODY = Principal("user", "user:default/nobody")


def _meets(resource_type: str, ref: str, condition: Mapping[str, Any]) -> bool:
    return meets(resource_type, ref, criteria_for(condition, resource_type, _SOMEBODY))


def _changes(
    compiled: Compiled,
    places: tuple[int, ...],
    permission: Permission,
    plugin: str,
    verdict: Verdict,
    result: str,
    condition: ConditionNode | None,
    ref: str,
) -> list[str]:
    """Answer what would turn the decision round, nearest first."""
    said: list[str] = []
    if condition is not None and ref and result == "deny":
        kind = contribution(ResourceType, permission.resource_type)
        if kind is not None and not kind.queryset().filter(kind.lookup(ref)).exists():
            return [_("There is no such resource; check how it is written.")]
        said += [
            _("It would be allowed if %(condition)s.") % {"condition": node.words} for node in _unmet(condition)[:3]
        ]
    roles = compiled.document.roles
    if result == "allow":
        for place in places:
            rest = tuple(other for other in places if other != place)
            if compiled.judge([roles[n] for n in rest], permission, plugin).result != "allow":
                said.append(
                    _("It would no longer be allowed without the role %(role)s.") % {"role": roles[place].label}
                )
        return said[:5]
    for place, role in enumerate(roles):
        if place in places:
            continue
        more = tuple(sorted((*places, place)))
        if compiled.judge([roles[n] for n in more], permission, plugin).result == "allow":
            said.append(_("It would be allowed with the role %(role)s as well.") % {"role": role.label})
    deciding = next((step for step in verdict.steps if step.counts and step.statement.effect == "deny"), None)
    if deciding is not None:
        without = replace(
            compiled.document,
            roles=tuple(
                replace(role, decisions=tuple(s for n, s in enumerate(role.decisions) if n != deciding.index))
                if role.name == deciding.role
                else role
                for role in roles
            ),
        )
        again = Compiled(without, compiled.granted)
        if again.judge([without.roles[n] for n in places], permission, plugin).result != "deny":
            text = _("It would be allowed if the role %(role)s did not say “%(sentence)s”.")
            said.append(text % {"role": deciding.role_title, "sentence": statement_sentence(deciding.statement)})
    return said[:5]


def _unmet(node: ConditionNode) -> list[ConditionNode]:
    if not node.parts:
        return [] if node.met else [node]
    if node.words == _("Not this:"):
        return []
    return [leaf for part in node.parts if not part.met for leaf in _unmet(part)]
