"""The policy in force: the one function that decides. The default is short enough to read."""

from __future__ import annotations

from typing import Protocol

from callboard.core.auth.principal import Principal
from callboard.core.permissions.decision import Decision, RuleUse, allow, deny, only_if
from callboard.core.registry.contract import Permission


class Policy(Protocol):
    """Decides on a permission for a caller, without looking at any one resource."""

    def decide(self, permission: Permission, who: Principal) -> Decision:
        """Answer allow, deny, or a condition on the permission's resource type."""
        ...


def beyond_policies(permission: Permission, who: Principal, plugin: str) -> Decision | None:
    """Decide what no policy may decide otherwise: nobody, the machine itself, and the limits of a token.

    ``plugin`` is the one that the permission belongs to.
    """
    if not who.signed_in:
        return deny("you are not signed in")
    if who.type == "system":
        return allow("the portal itself, and whoever operates its machine, may do everything")
    if who.scopes is not None and not _in_scope(permission, who.scopes):
        return deny(f"the token's scopes ({', '.join(sorted(who.scopes)) or 'none'}) do not cover this")
    if who.restrictions is not None and not any(
        limit.covers(plugin, permission.id, permission.action) for limit in who.restrictions
    ):
        return deny("the access restrictions of this token do not cover it")
    return None


class DefaultPolicy:
    """Signed-in people read; owners change what they own; administrators do everything.

    Guests of the demo read. API tokens without a person do what their scopes say.
    """

    owned = {"catalog-entity": ("IS_ENTITY_OWNER", "claims"), "scaffolder-task": ("IS_TASK_OWNER", "createdBy")}
    """Resource types that have owners, with the rule that says so and its parameter."""

    def decide(self, permission: Permission, who: Principal) -> Decision:
        """Answer by the sentence in the class's description."""
        if who.administrator:
            return allow("administrators may do everything")
        if who.type == "service" and who.scopes is not None and permission.id in who.scopes:
            return allow("the token's scopes name this permission")
        if permission.for_administrators:
            return deny("this is for administrators")
        if permission.action == "read":
            return allow("everyone who is signed in may read")
        if who.type == "guest":
            return deny("guests may look but not change anything")
        if who.type == "service":
            return allow("the token's scopes cover this")
        if permission.harmless:
            return allow("everyone who is signed in may do this")
        rule, parameter = self.owned.get(permission.resource_type, ("", ""))
        if rule and permission.action in {"update", "delete", ""}:
            return only_if(
                RuleUse(rule, permission.resource_type, {parameter: list(who.ownership_refs)}),
                "owners may change what they own",
            )
        return allow("everyone who is signed in may do this")


def _in_scope(permission: Permission, scopes: frozenset[str]) -> bool:
    if "admin" in scopes or permission.id in scopes:
        return True
    if permission.for_administrators:
        return False
    if permission.action == "read":
        return "read" in scopes or "write" in scopes
    return "write" in scopes
