"""Read versions of the policy, and ask one of them: the tester and the reports."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from callboard.lib.nearest import nearest
from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.active import document_of, memberships
from callboard.plugins.rbac.selectors.explaining import Explanation, explain
from callboard.plugins.rbac.selectors.reach import Can, CanDo, population, what_can, who_can
from callboard.plugins.rbac.types.deciding import Compiled
from callboard.plugins.rbac.types.document import PolicyDocument
from callboard.plugins.rbac.types.ready import starting_policy
from callboard.sdk.auth import ANONYMOUS, GUEST, Principal, principal_named
from callboard.sdk.contributions import Permission
from callboard.sdk.plugins import contribution, contributions


def versions() -> QuerySet[Policy]:
    """Answer all versions and drafts without their content: drafts first, then by version."""
    return Policy.objects.defer("document", "source").order_by("-number", "-updated_at")


def version(policy_id: UUID | None = None) -> Policy | None:
    """Answer one version, or the one in force."""
    if policy_id is None:
        return Policy.objects.filter(status=Policy.Status.PUBLISHED).first()
    return Policy.objects.filter(pk=policy_id).first()


def drafts() -> QuerySet[Policy]:
    """Answer the drafts, latest first."""
    return versions().filter(status=Policy.Status.DRAFT)


def document_in_question(policy_id: UUID | None = None) -> PolicyDocument:
    """Answer the document of a version, or of what decides now; raise :class:`LookupError` if there is none."""
    row = version(policy_id)
    if row is None and policy_id is not None:
        raise LookupError(_("There is no such policy."))
    return document_of(row) if row else starting_policy()


def caller_named(ref: str) -> Principal:
    """Answer whom a ref or a word stands for; raise :class:`LookupError` with a hint if nobody."""
    text = ref.strip().lower()
    if text in {"", "anonymous"}:
        return ANONYMOUS
    if text == "guest":
        return GUEST
    if text.startswith("service:"):
        return Principal("service", text, text.removeprefix("service:"), (text,))
    found = principal_named(text if ":" in text else f"user:default/{text}")
    if found is None:
        raise LookupError(_("There is nobody called %(ref)s.") % {"ref": ref[:200]})
    return found


def permission_named(name: str) -> Permission:
    """Answer a permission; raise :class:`LookupError` with the name that was probably meant."""
    found = contribution(Permission, name)
    if found is None:
        hint = nearest(name, [item.id for item in contributions(Permission)])
        said = _("There is no permission %(name)s.") % {"name": name[:200]}
        raise LookupError(said + (" " + _("Did you mean %(hint)s?") % {"hint": hint} if hint else ""))
    return found


def explained(
    who: str, permission: str, resource: str = "", policy_id: UUID | None = None, roles: Sequence[str] = ()
) -> Explanation:
    """Answer a decision with everything that led to it."""
    caller = caller_named(who) if who or not roles else Principal("user", "user:default/somebody", _("Somebody"))
    asked = permission_named(permission)
    return explain(document_in_question(policy_id), memberships(), caller, asked, resource.strip(), roles)


def report_who_can(permission: str, resource: str = "", policy_id: UUID | None = None) -> list[Can]:
    """Answer for everybody whether they may."""
    asked = permission_named(permission)
    return who_can(Compiled(document_in_question(policy_id), memberships()), asked, resource.strip(), population())


def report_what_can(who: str, policy_id: UUID | None = None) -> list[CanDo]:
    """Answer everything one person may do."""
    return what_can(Compiled(document_in_question(policy_id), memberships()), caller_named(who))
