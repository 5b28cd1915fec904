"""Ask for access, decide on it, and let it end by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from callboard.plugins.rbac.models import AccessRequest, Grant
from callboard.plugins.rbac.selectors.active import policy
from callboard.plugins.rbac.selectors.requests import may_decide, role_in_force
from callboard.plugins.rbac.services.errors import AccessError, MissingError
from callboard.plugins.rbac.services.policies import decisions_changed, settings
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.events import publish as announce
from callboard.sdk.permissions import NotAllowedError, require

ASK, DECIDE = "rbac.request.create", "rbac.request.decide"


def ask_for_access(role: str, reason: str, days: int, *, permission: str = "", page: str = "") -> AccessRequest:
    """Ask to be in a role for some days; whoever owns the role decides."""
    require(ASK)
    who = principal()
    if who.type != "user":
        raise AccessError(_("Only people can ask for access."))
    wanted = role_in_force(role)
    if wanted is None or not wanted.requestable:
        raise AccessError(_("Nobody can ask for this role."), "role")
    reason = reason.replace("\0", "").strip()
    if not reason or len(reason) > 2000:
        raise AccessError(_("Say in a sentence what you need it for."), "reason")
    limit = settings().request_days
    if not 1 <= days <= limit:
        raise AccessError(_("Choose between 1 and %(days)s days.") % {"days": limit}, "days")
    compiled = policy.active().compiled
    if compiled and wanted.name in {compiled.document.roles[n].name for n in compiled.roles_of(who, timezone.now())}:
        raise AccessError(_("You have this role already."), "role")
    try:
        with transaction.atomic():
            request = AccessRequest.objects.create(
                who=who.ref[:300],
                who_name=who.name[:300],
                role=wanted.name,
                permission=permission.replace("\0", "")[:200],
                page=page.replace("\0", "")[:1000],
                reason=reason,
                days=days,
            )
            record(
                "rbac.request.create",
                str(request.pk),
                {"role": wanted.name, "days": days, "permission": permission[:200]},
            )
            announce("rbac.access-requested", {"id": str(request.pk), "who": who.ref, "role": wanted.name})
    except IntegrityError:
        raise AccessError(_("You have asked for this role already; it waits for an answer."), "role") from None
    return request


def decide_request(request_id: UUID, *, approve: bool, days: int | None = None, answer: str = "") -> AccessRequest:
    """Grant what was asked for, for a time, or refuse it. Nobody decides on their own request."""
    with transaction.atomic():
        request = AccessRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None or not may_decide(request):
            # Whether there is such a request is nobody's business who may not decide on it.
            raise NotAllowedError(DECIDE, _("only the role's owner and role managers decide on requests"))
        who = principal()
        if request.who == who.ref:
            raise AccessError(_("Somebody else must decide on your request."))
        if request.state != AccessRequest.State.PENDING:
            raise AccessError(_("This request has been decided already."))
        request.state = AccessRequest.State.APPROVED if approve else AccessRequest.State.DENIED
        request.decided_at, request.decided_by = timezone.now(), who.ref[:300]
        request.answer = answer.replace("\0", "").strip()[:2000]
        details: dict[str, object] = {"role": request.role, "who": request.who, "approved": approve}
        if approve:
            if role_in_force(request.role) is None:
                raise AccessError(_("The policy in force has no such role any more."))
            limit = settings().request_days
            length = days or request.days
            if not 1 <= length <= limit:
                raise AccessError(_("Choose between 1 and %(days)s days.") % {"days": limit}, "days")
            until = timezone.now() + timedelta(days=length)
            Grant.objects.create(
                role=request.role, member=request.who, until=until, request=request, created_by=who.ref[:300]
            )
            details["until"] = until.isoformat()
            decisions_changed()
        request.save()
        record("rbac.request.decide", str(request.pk), details)
        announce(
            "rbac.access-decided",
            {"id": str(request.pk), "who": request.who, "role": request.role, "approved": approve},
        )
    return request


def withdraw_request(request_id: UUID) -> AccessRequest:
    """Take back one's own request."""
    require(ASK)
    with transaction.atomic():
        request = AccessRequest.objects.select_for_update().filter(pk=request_id, who=principal().ref).first()
        if request is None or request.state != AccessRequest.State.PENDING:
            raise MissingError(_("You have no such request waiting."))
        request.state, request.decided_at = AccessRequest.State.WITHDRAWN, timezone.now()
        request.save(update_fields=["state", "decided_at"])
        record("rbac.request.withdraw", str(request.pk), {"role": request.role})
    return request


def end_grant(grant_id: int) -> Grant:
    """End access that was granted for a time, before its time."""
    require(DECIDE)
    with transaction.atomic():
        grant = Grant.objects.select_for_update().filter(pk=grant_id, ended_at__isnull=True).first()
        if grant is None:
            raise MissingError(_("There is no such access, or it has ended."))
        grant.ended_at, grant.ended_by = timezone.now(), principal().ref[:300]
        grant.save(update_fields=["ended_at", "ended_by"])
        record("rbac.grant.end", grant.member, {"role": grant.role, "until": grant.until.isoformat()})
        decisions_changed()
    return grant


def expire_grants() -> int:
    """Write down what has ended by itself; it stopped counting at its moment already."""
    with transaction.atomic():
        over = list(
            Grant.objects.select_for_update(skip_locked=True).filter(ended_at__isnull=True, until__lte=timezone.now())
        )
        for grant in over:
            record("rbac.grant.expire", grant.member, {"role": grant.role, "until": grant.until.isoformat()})
        Grant.objects.filter(pk__in=[grant.pk for grant in over]).update(
            ended_at=timezone.now(), ended_by="system:callboard"
        )
        if over:
            decisions_changed()
    return len(over)
