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
from callboard.core.permissions.policy import DefaultPolicy, Policy, beyond_policies
from callboard.core.permissions.services import (
    allowed_filter,
    authorize,
    authorize_many,
    decide,
    meeting,
    meets,
    policy_in_force,
    require,
    to_query,
    use_policy,
)
from callboard.core.permissions.view_as import start_viewing, stop_viewing
from callboard.core.permissions.wire import (
    criteria_from_wire,
    criteria_to_wire,
    params_problem,
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
    "authorize_many",
    "beyond_policies",
    "criteria_from_wire",
    "criteria_to_wire",
    "decide",
    "deny",
    "meeting",
    "meets",
    "only_if",
    "params_problem",
    "permission_metadata",
    "permission_to_wire",
    "policy_in_force",
    "require",
    "start_viewing",
    "stop_viewing",
    "to_query",
    "use_policy",
]
