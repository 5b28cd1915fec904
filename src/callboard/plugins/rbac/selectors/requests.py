"""Read requests for access, who decides on them, and which roles would open what was refused."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from callboard.plugins.rbac.models import AccessRequest, Grant
from callboard.plugins.rbac.selectors.active import policy
from callboard.plugins.rbac.types.document import Role
from callboard.sdk.auth import Principal, principal
from callboard.sdk.contributions import Permission
from callboard.sdk.permissions import decide
from callboard.sdk.plugins import contribution, registry

DECIDE = "rbac.request.decide"


@dataclass(frozen=True)
class Offer:
    """A role that somebody may ask for. ``opens`` says whether it would allow what was refused, or only some of it."""

    role: Role
    opens: str = ""


def role_in_force(name: str) -> Role | None:
    """Answer a role of the policy in force."""
    compiled = policy.active().compiled
    return compiled.document.role(name) if compiled else None


def offers(permission_id: str = "", who: Principal | None = None) -> list[Offer]:
    """Answer the roles somebody may ask for; with a permission, those that would open it first and alone."""
    who = who or principal()
    compiled = policy.active().compiled
    if compiled is None:
        return []
    held = compiled.roles_of(who, timezone.now())
    roles = compiled.document.roles
    free = [(n, role) for n, role in enumerate(roles) if role.requestable and n not in held]
    permission = contribution(Permission, permission_id) if permission_id else None
    if permission is None:
        return [Offer(role) for _n, role in free]
    found = []
    for n, role in free:
        more = [roles[place] for place in sorted((*held, n))]
        result = compiled.judge(more, permission, registry.owner_of(permission)).result
        if result != "deny":
            found.append(Offer(role, result))
    return sorted(found, key=lambda offer: offer.opens != "conditional")


def own_requests(who: Principal | None = None) -> QuerySet[AccessRequest]:
    """Answer what somebody asked for, newest first."""
    return AccessRequest.objects.filter(who=(who or principal()).ref)


def may_decide(request: AccessRequest, who: Principal | None = None) -> bool:
    """Whether somebody owns the role that is asked for, or manages all roles."""
    who = who or principal()
    role = role_in_force(request.role)
    owns = role is not None and role.owner in who.ownership_refs and bool(role.owner)
    return owns or decide(DECIDE, who).allowed


def requests_to_decide(who: Principal | None = None) -> QuerySet[AccessRequest]:
    """Answer the requests that somebody may decide on, newest first; one's own is never among them."""
    who = who or principal()
    every = AccessRequest.objects.exclude(who=who.ref)
    if decide(DECIDE, who).allowed:
        return every
    compiled = policy.active().compiled
    owned = [r.name for r in compiled.document.roles if r.owner and r.owner in who.ownership_refs] if compiled else []
    return every.filter(role__in=owned)


def waiting_for(who: Principal | None = None) -> int:
    """Count the requests that wait for somebody's decision."""
    return requests_to_decide(who).filter(state=AccessRequest.State.PENDING).count()


def holding_grants() -> QuerySet[Grant]:
    """Answer access that is granted for a time and holds now, by its end."""
    return Grant.objects.filter(Q(ended_at__isnull=True), until__gt=timezone.now()).select_related("request")
