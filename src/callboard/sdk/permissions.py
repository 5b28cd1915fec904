"""Ask whether the caller may, and say how resources are filtered."""

from callboard.core.permissions.decision import (
    AllOf,
    AnyOf,
    Criteria,
    Decision,
    Not,
    NotAllowedError,
    RuleUse,
    allow,
    deny,
    only_if,
)
from callboard.core.permissions.policy import DefaultPolicy, Policy
from callboard.core.permissions.services import (
    allowed_filter,
    authorize,
    decide,
    meets,
    require,
    to_query,
    use_policy,
)
from callboard.core.permissions.wire import (
    criteria_from_wire,
    criteria_to_wire,
    permission_metadata,
    permission_to_wire,
)

__all__ = [
    "AllOf",
    "AnyOf",
    "Criteria",
    "Decision",
    "DefaultPolicy",
    "Not",
    "NotAllowedError",
    "Policy",
    "RuleUse",
    "allow",
    "allowed_filter",
    "authorize",
    "criteria_from_wire",
    "criteria_to_wire",
    "decide",
    "deny",
    "meets",
    "only_if",
    "permission_metadata",
    "permission_to_wire",
    "require",
    "to_query",
    "use_policy",
]
