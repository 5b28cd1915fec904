"""Decide on things that are no rows of a table: actions with their input, pages and steps with their tags.

The policy answers allow, deny or a condition; the condition is checked here against the thing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callboard.sdk.permissions import AllOf, AnyOf, Criteria, NotAllowedError, RuleUse, decide

EXECUTE = "scaffolder.action.execute"
READ_PARAMETER = "scaffolder.template.parameter.read"
READ_STEP = "scaffolder.template.step.read"
CREATE = "scaffolder.task.create"
READ = "scaffolder.task.read"
CANCEL = "scaffolder.task.cancel"
MANAGE = "scaffolder.template.management"


def fits(criteria: Criteria, thing: Mapping[str, Any]) -> bool:
    """Whether a thing meets a condition. ``thing`` has ``tags``, or ``action`` and ``input``."""
    if isinstance(criteria, RuleUse):
        check = _RULES.get(criteria.rule)
        return check is not None and check(thing, criteria.params)
    if isinstance(criteria, AllOf):
        return all(fits(item, thing) for item in criteria.items)
    if isinstance(criteria, AnyOf):
        return any(fits(item, thing) for item in criteria.items)
    return not fits(criteria.item, thing) if _known(criteria.item) else False


def _known(criteria: Criteria) -> bool:
    """Whether every rule is one that is checked here: under a "not", an unknown rule would open what it guards."""
    if isinstance(criteria, RuleUse):
        return criteria.rule in _RULES
    if isinstance(criteria, (AllOf, AnyOf)):
        return all(map(_known, criteria.items))
    return _known(criteria.item)


def may(permission: str, thing: Mapping[str, Any]) -> bool:
    """Whether the caller may do this with the thing."""
    decision = decide(permission)
    if decision.criteria is None:
        return decision.allowed
    return fits(decision.criteria, thing)


def require_action(action: str, given: Mapping[str, Any]) -> None:
    """Go on only if the caller may run the action with this input."""
    if not may(EXECUTE, {"action": action, "input": given}):
        reason = decide(EXECUTE).reason
        raise NotAllowedError(EXECUTE, f"the action {action} with this input is not for you: {reason}", signed_in=True)


def hidden_tags(tags: set[str], permission: str = READ_PARAMETER) -> frozenset[str]:
    """Answer those of the tags whose pages, questions or steps the caller may not see."""
    return frozenset(tag for tag in tags if not may(permission, {"tags": [tag]}))


def _at(given: Any, key: str) -> Any:
    for part in key.split("."):
        given = given.get(part) if isinstance(given, Mapping) else None
    return given


def _has_property(kind: tuple[type, ...]) -> Any:
    def check(thing: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
        value = _at(thing.get("input"), str(params.get("key", "")))
        if value is None or (kind and (not isinstance(value, kind) or (bool not in kind and isinstance(value, bool)))):
            return False
        return "value" not in params or params["value"] is None or value == params["value"]

    return check


_RULES: dict[str, Any] = {
    "HAS_TAG": lambda thing, params: params.get("tag") in (thing.get("tags") or ()),
    "HAS_ACTION_ID": lambda thing, params: thing.get("action") == params.get("actionId"),
    "HAS_PROPERTY": _has_property(()),
    "HAS_BOOLEAN_PROPERTY": _has_property((bool,)),
    "HAS_NUMBER_PROPERTY": _has_property((int, float)),
    "HAS_STRING_PROPERTY": _has_property((str,)),
}
