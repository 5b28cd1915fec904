"""Permissions of the room. Those on policies bear the names that the community's plugin gave them."""

from callboard.sdk.contributions import Permission

contributions = (
    Permission(
        id="policy.entity.read",
        title="See who may do what",
        action="read",
        description="See policies, roles and reports, and test decisions.",
        administrative=True,
    ),
    Permission(
        id="policy.entity.create",
        title="Begin drafts of the policy",
        action="create",
        description="Begin and import drafts. They decide nothing until they are published.",
        administrative=True,
    ),
    Permission(
        id="policy.entity.update",
        title="Edit drafts of the policy",
        action="update",
        description="Edit drafts. They decide nothing until they are published.",
        administrative=True,
    ),
    Permission(
        id="policy.entity.delete",
        title="Delete drafts of the policy",
        action="delete",
        administrative=True,
    ),
    Permission(
        id="rbac.policy.publish",
        title="Put a policy in force",
        action="update",
        description="Publish, schedule, approve, go back. Whoever may do this can give themselves everything.",
        administrative=True,
    ),
    Permission(
        id="rbac.view-as.start",
        title="Look with somebody else's eyes",
        description="See the portal as somebody else does, without changing anything; written down.",
        administrative=True,
    ),
    Permission(
        id="rbac.request.create",
        title="Ask for access",
        action="create",
        description="Ask for a role, and see what became of it.",
        harmless=True,
    ),
    Permission(
        id="rbac.request.decide",
        title="Decide on requests for access",
        action="update",
        description="Grant access for a time, and end it. Owners of a role decide on requests for it without this.",
        administrative=True,
    ),
)
