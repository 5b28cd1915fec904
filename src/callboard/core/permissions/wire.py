"""Write conditions, permissions and rules the way clients of the permission API know them, and read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from callboard.core.auth.http_errors import InputError
from callboard.core.permissions.decision import AllOf, AnyOf, Criteria, Not, RuleUse
from callboard.core.registry.contract import Permission, Rule
from callboard.core.registry.store import registry

MAX_DEPTH = 20
MAX_LEAVES = 500


def criteria_to_wire(criteria: Criteria) -> dict[str, Any]:
    """Answer a condition as JSON: ``allOf``, ``anyOf``, ``not``, or a rule with its parameters."""
    if isinstance(criteria, AllOf):
        return {"allOf": [criteria_to_wire(item) for item in criteria.items]}
    if isinstance(criteria, AnyOf):
        return {"anyOf": [criteria_to_wire(item) for item in criteria.items]}
    if isinstance(criteria, Not):
        return {"not": criteria_to_wire(criteria.item)}
    return {
        "rule": criteria.rule,
        "resourceType": criteria.resource_type,
        "params": dict(criteria.params),
    }


def criteria_from_wire(value: Any, resource_type: str, path: str = "conditions") -> Criteria:
    """Read a condition; raise :class:`InputError` that names the place for anything that is none."""
    left = [MAX_LEAVES]
    return _read(value, resource_type, path, MAX_DEPTH, left)


def criteria_from_data(value: Mapping[str, Any], resource_type: str) -> Criteria:
    """Answer a condition that was checked when it was stored; what is no longer known matches nothing later."""
    if "rule" in value:
        return RuleUse(value["rule"], resource_type, value.get("params") or {})
    if "not" in value:
        return Not(criteria_from_data(value["not"], resource_type))
    make, items = (AllOf, value["allOf"]) if "allOf" in value else (AnyOf, value["anyOf"])
    return make(tuple(criteria_from_data(item, resource_type) for item in items))


def _read(value: Any, resource_type: str, path: str, depth: int, left: list[int]) -> Criteria:
    left[0] -= 1
    if depth == 0 or left[0] < 0:
        raise InputError(f"{path}: the condition is too deep or too long")
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected an object with allOf, anyOf, not or rule")
    for key, make in (("allOf", AllOf), ("anyOf", AnyOf)):
        if key in value:
            items = value[key]
            if not isinstance(items, list) or not items:
                raise InputError(f"{path}.{key}: expected a list with at least one condition")
            return make(
                tuple(
                    _read(item, resource_type, f"{path}.{key}[{index}]", depth - 1, left)
                    for index, item in enumerate(items)
                )
            )
    if "not" in value:
        return Not(_read(value["not"], resource_type, f"{path}.not", depth - 1, left))
    return _leaf(value, resource_type, path)


def _leaf(value: dict[str, Any], resource_type: str, path: str) -> RuleUse:
    rule_id, kind = value.get("rule"), value.get("resourceType", resource_type)
    params = {} if value.get("params") is None else value["params"]
    if not isinstance(rule_id, str):
        raise InputError(f"{path}: expected an object with allOf, anyOf, not or rule")
    if kind != resource_type:
        raise InputError(f"{path}.resourceType: is {kind!r}, expected {resource_type!r}")
    if not isinstance(params, dict):
        raise InputError(f"{path}.params: expected an object")
    rule = registry.find(Rule, rule_id)
    if rule is None or rule.resource_type != resource_type:
        raise InputError(f"{path}.rule: there is no rule {rule_id!r} for {resource_type}")
    if wrong := params_problem(rule, params):
        raise InputError(f"{path}.params{wrong}")
    return RuleUse(rule_id, resource_type, params)


def params_problem(rule: Rule, params: dict[str, Any]) -> str:
    """Answer what is wrong with the parameters of a rule, with the place; nothing if they fit its schema."""
    error = next(iter(_validator(rule).iter_errors(params)), None)
    if error is None:
        return ""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    return f"{place}: {error.message}"


def _validator(rule: Rule) -> jsonschema_rs.Validator:
    # Keyed by the rule itself: a plugin that is loaded anew brings new ones.
    found = _validators.get(id(rule))
    if found is None or found[0] is not rule:
        found = _validators[id(rule)] = (rule, jsonschema_rs.validator_for(dict(rule.params_schema)))
    return found[1]


_validators: dict[int, tuple[Rule, jsonschema_rs.Validator]] = {}


def permission_to_wire(permission: Permission) -> dict[str, Any]:
    """Answer a permission as JSON."""
    wire: dict[str, Any] = {
        "type": "resource" if permission.resource_type else "basic",
        "name": permission.id,
        "attributes": {"action": permission.action} if permission.action else {},
    }
    if permission.resource_type:
        wire["resourceType"] = permission.resource_type
    return wire


def permission_metadata(plugin: str) -> dict[str, Any]:
    """Answer the permissions and rules of one plugin, for ``/.well-known/backstage/permissions/metadata``."""
    return {
        "permissions": [
            permission_to_wire(item) for item in registry.of(Permission) if registry.owner_of(item) == plugin
        ],
        "rules": [
            {
                "name": rule.id,
                "description": rule.description or rule.title,
                "resourceType": rule.resource_type,
                "paramsSchema": dict(rule.params_schema),
            }
            for rule in registry.of(Rule)
            if registry.owner_of(rule) == plugin
        ],
    }
