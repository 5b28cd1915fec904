"""Edit drafts of the policy, publish them, go back; nobody can lock everybody out."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from callboard.lib.problems import Problem, ProblemError
from callboard.plugins.rbac.models import Approval, Policy
from callboard.plugins.rbac.selectors.active import document_of, memberships, policy
from callboard.plugins.rbac.selectors.checking import errors_of
from callboard.plugins.rbac.selectors.differing import diff_data
from callboard.plugins.rbac.selectors.preview import Preview, preview
from callboard.plugins.rbac.selectors.reach import population
from callboard.plugins.rbac.services.errors import AccessError, MissingError, OutdatedError
from callboard.plugins.rbac.settings import RbacSettings
from callboard.plugins.rbac.types.deciding import Compiled
from callboard.plugins.rbac.types.document import PolicyDocument
from callboard.plugins.rbac.types.reading import document_to_data, read_document
from callboard.plugins.rbac.types.ready import starting_policy
from callboard.sdk.audit import record
from callboard.sdk.auth import Principal, act_as, principal
from callboard.sdk.config import room_settings
from callboard.sdk.events import publish as announce
from callboard.sdk.permissions import require

CREATE, UPDATE, DELETE, PUBLISH = (
    "policy.entity.create",
    "policy.entity.update",
    "policy.entity.delete",
    "rbac.policy.publish",
)


def settings() -> RbacSettings:
    """Answer what the operator set."""
    found: RbacSettings = room_settings("rbac")
    return found


def digest_of(document: PolicyDocument) -> str:
    """Answer the name of a policy's content."""
    return hashlib.sha256(orjson.dumps(document_to_data(document))).hexdigest()


# --- Drafts -----------------------------------------------------------------------


def begin_draft(document: PolicyDocument | None = None, *, source: str = "", name: str = "") -> Policy:
    """Begin a draft: of a given document, else of the policy in force, else of what the portal does without one."""
    require(CREATE)
    with transaction.atomic():
        active = Policy.objects.filter(status=Policy.Status.PUBLISHED).first()
        if document is None:
            document = document_of(active) if active else starting_policy()
            source = active.source if active else ""
        if name:
            document = replace(document, name=name.strip()[:200])
        who = principal().ref[:300]
        row = Policy.objects.create(
            name=document.name or _("Policy"),
            description=document.description,
            document=document_to_data(document),
            source=source,
            digest=digest_of(document),
            based_on=active,
            created_by=who,
            updated_by=who,
        )
        record("rbac.policy.create", str(row.pk), {"name": row.name, "roles": len(document.roles)})
    return row


def duplicate_policy(policy_id: UUID) -> Policy:
    """Begin a draft from any version."""
    require(CREATE)
    row = find_policy(policy_id)
    return begin_draft(document_of(row), source=row.source, name=_("%(name)s (copy)") % {"name": row.name})


def save_draft(
    policy_id: UUID, document: PolicyDocument, revision: int | None = None, *, source: str | None = None
) -> Policy:
    """Replace the content of a draft; with ``revision``, only if nobody saved meanwhile."""
    return change_draft(policy_id, lambda _before: document, revision, source=source)


def change_draft(
    policy_id: UUID,
    change: Callable[[PolicyDocument], PolicyDocument],
    revision: int | None = None,
    *,
    source: str | None = None,
) -> Policy:
    """Change a draft; approvals given before do not count for what it is now."""
    require(UPDATE)
    with transaction.atomic():
        row = find_policy(policy_id, lock=True)
        if row.status != Policy.Status.DRAFT:
            raise AccessError(_("Only drafts can be changed. Begin a draft from this version."))
        if revision is not None and revision != row.revision:
            raise OutdatedError(_("Somebody else changed this draft meanwhile. Load it again and repeat your change."))
        before = document_of(row)
        try:
            # What was put together in code is read like what strangers wrote: with all checks.
            after = read_document(document_to_data(change(before)))
        except ProblemError as error:
            raise AccessError(str(error.problems[0]), problems=error.problems) from error
        if after == before and source is None:
            return row
        row.name, row.description = after.name or row.name, after.description
        row.document, row.digest = document_to_data(after), digest_of(after)
        row.source = row.source if source is None else source
        row.revision += 1
        row.updated_at, row.updated_by = timezone.now(), principal().ref[:300]
        if row.publish_at is not None:
            row.publish_at, row.schedule_error = None, _("The draft was changed, so it is no longer scheduled.")
        row.save()
        record("rbac.policy.change", str(row.pk), diff_data(before, after))
    return row


def delete_draft(policy_id: UUID) -> None:
    """Throw a draft away."""
    require(DELETE)
    with transaction.atomic():
        row = find_policy(policy_id, lock=True)
        if row.status != Policy.Status.DRAFT:
            raise AccessError(_("Published versions are kept: they say who could do what, and when."))
        record("rbac.policy.delete", str(row.pk), {"name": row.name, "document": row.document})
        row.delete()


def approve_policy(policy_id: UUID, note: str = "") -> Approval:
    """Say that a draft is right, as somebody other than whoever edited it last."""
    require(PUBLISH)
    with transaction.atomic():
        row = find_policy(policy_id, lock=True)
        who = principal().ref[:300]
        if row.status != Policy.Status.DRAFT:
            raise AccessError(_("Only drafts are approved."))
        if who == row.updated_by:
            raise AccessError(_("Somebody else must approve what you edited."))
        approval, _new = Approval.objects.update_or_create(
            policy=row, digest=row.digest, by=who, defaults={"note": note[:2000]}
        )
        record("rbac.policy.approve", str(row.pk), {"digest": row.digest})
    return approval


def approved(row: Policy) -> bool:
    """Whether somebody other than the last editor approved exactly this content."""
    return row.approvals.filter(digest=row.digest).exclude(by=row.updated_by).exists()


# --- In force ---------------------------------------------------------------------


def publish_policy(
    policy_id: UUID, *, note: str = "", revision: int | None = None, accept_elevation: bool = False
) -> Policy:
    """Put a draft in force. What cannot work, locks everybody out, or lacks its second approver is refused."""
    require(PUBLISH)
    with transaction.atomic():
        row = find_policy(policy_id, lock=True)
        if row.status != Policy.Status.DRAFT:
            raise AccessError(_("Only drafts are published. To go back to this version, use “Put in force again”."))
        if revision is not None and revision != row.revision:
            raise OutdatedError(_("The draft is no longer what you looked at. Look at the changes again."))
        if settings().second_approver and not approved(row):
            raise AccessError(_("Somebody other than its last editor must approve this draft first."))
        return _put_in_force(row, note, accept_elevation=accept_elevation)


def roll_back(policy_id: UUID, *, note: str = "", accept_elevation: bool = False) -> Policy:
    """Put an earlier version in force again, as a new version."""
    require(PUBLISH)
    with transaction.atomic():
        old = find_policy(policy_id, lock=True)
        if old.status != Policy.Status.INACTIVE:
            raise AccessError(_("Only a version that was in force once can be put in force again."))
        who = principal().ref[:300]
        row = Policy.objects.create(
            name=old.name,
            description=old.description,
            document=old.document,
            source=old.source,
            digest=old.digest,
            based_on=old,
            created_by=who,
            updated_by=who,
        )
        return _put_in_force(
            row, note or _("Back to version %(n)s") % {"n": old.number}, accept_elevation=accept_elevation
        )


def _put_in_force(row: Policy, note: str, *, accept_elevation: bool) -> Policy:
    after = document_of(row)
    if problems := errors_of(after):
        raise AccessError(_("The policy cannot be published: %(first)s") % {"first": problems[0]}, problems=problems)
    active = Policy.objects.select_for_update().filter(status=Policy.Status.PUBLISHED).first()
    before = document_of(active) if active else starting_policy()
    seen = look_ahead(after, before)
    if seen.locked_out and any(who.user_id for who in population()):
        raise AccessError(
            _("This would lock everybody out: nobody with an account could publish a policy any more. "
              "Leave somebody a role that allows %(permission)s.") % {"permission": PUBLISH}
        )  # fmt: skip
    if seen.elevated and not accept_elevation:
        raise AccessError(
            _("You would give yourself more: %(what)s. Confirm that you mean it.")
            % {"what": ", ".join(seen.elevated[:5])},
            field="accept_elevation",
        )
    now, who = timezone.now(), principal().ref[:300]
    if active is not None:
        active.status, active.ended_at = Policy.Status.INACTIVE, now
        active.save(update_fields=["status", "ended_at"])
    last = Policy.objects.exclude(number=None).order_by("-number").values_list("number", flat=True).first()
    row.status, row.number, row.note = Policy.Status.PUBLISHED, (last or 0) + 1, note[:2000]
    row.published_at, row.published_by, row.publish_at = now, who, None
    row.save()
    details = {
        "version": row.number,
        "note": row.note,
        "diff": diff_data(before, after),
        "people_affected": seen.affected,
        "people_gaining": seen.gaining,
        "people_losing": seen.losing,
        "self_elevation": list(seen.elevated),
        "approved_by": list(row.approvals.filter(digest=row.digest).values_list("by", flat=True)),
    }
    record("rbac.policy.publish", str(row.pk), details)
    announce("rbac.policy-published", {"id": str(row.pk), "version": row.number, "name": row.name, "by": who})
    decisions_changed()
    return row


def look_ahead(after: PolicyDocument, before: PolicyDocument | None = None) -> Preview:
    """Answer what publishing a document would change, for everybody there is."""
    active = policy.active().compiled
    granted = memberships()
    was = Compiled(before, granted) if before is not None else active
    return preview(was, Compiled(after, granted), population(), principal())


def schedule_policy(policy_id: UUID, at: datetime | None) -> Policy:
    """Publish a draft at a moment, by itself; without a moment, no longer."""
    require(PUBLISH)
    with transaction.atomic():
        row = find_policy(policy_id, lock=True)
        if row.status != Policy.Status.DRAFT:
            raise AccessError(_("Only drafts are scheduled."))
        if at is not None and at <= timezone.now():
            raise AccessError(_("Choose a moment to come."), "publish_at")
        if at is not None and (problems := errors_of(document_of(row))):
            raise AccessError(
                _("The policy cannot be published: %(first)s") % {"first": problems[0]}, problems=problems
            )
        if at is not None and settings().second_approver and not approved(row):
            raise AccessError(_("Somebody other than its last editor must approve this draft first."))
        row.publish_at, row.scheduled_by, row.schedule_error = at, principal().ref[:300] if at else "", ""
        row.save(update_fields=["publish_at", "scheduled_by", "schedule_error"])
        record("rbac.policy.schedule", str(row.pk), {"publish_at": at.isoformat() if at else None})
    return row


def publish_due(who: Callable[[str], Principal | None]) -> list[str]:
    """Publish what is due, on behalf of whoever scheduled it; what cannot be published says why and waits."""
    said = []
    for pk in Policy.objects.filter(publish_at__lte=timezone.now(), status=Policy.Status.DRAFT).values_list(
        "pk", flat=True
    ):
        row = Policy.objects.get(pk=pk)
        scheduler = who(row.scheduled_by)
        try:
            if scheduler is None:
                raise AccessError(_("%(who)s, who scheduled it, is not there any more.") % {"who": row.scheduled_by})  # noqa: TRY301
            with act_as(scheduler, "job"):
                publish_policy(pk, note=_("As scheduled"), accept_elevation=True)
            said.append(f"published {row.name}")
        except Exception as error:  # noqa: BLE001 - whatever is wrong is shown at the draft
            Policy.objects.filter(pk=pk).update(publish_at=None, schedule_error=str(error)[:2000])
            record("rbac.policy.schedule", str(pk), {"error": str(error)[:500]}, outcome="failed")
            said.append(f"could not publish {row.name}: {error}")
    return said


def end_policy(*, note: str = "") -> None:
    """Let no policy be in force: the portal decides as it did before it had one. The way out of every trap."""
    require(PUBLISH)
    with transaction.atomic():
        active = Policy.objects.select_for_update().filter(status=Policy.Status.PUBLISHED).first()
        if active is None:
            raise MissingError(_("No policy is in force."))
        active.status, active.ended_at = Policy.Status.INACTIVE, timezone.now()
        active.save(update_fields=["status", "ended_at"])
        record("rbac.policy.end", str(active.pk), {"version": active.number, "note": note[:2000]})
        announce("rbac.policy-published", {"id": "", "version": 0, "name": "", "by": principal().ref[:300]})
        decisions_changed()


def decisions_changed() -> None:
    """Let every process read the policy anew: this one at once, others within two seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cb_rbac_state (id, version) VALUES (1, %s) "
            "ON CONFLICT (id) DO UPDATE SET version = excluded.version",
            [secrets.randbits(62)],
        )
    policy.forget()
    transaction.on_commit(policy.forget)


def find_policy(policy_id: UUID, *, lock: bool = False) -> Policy:
    """Answer one version, for whoever may do something with it."""
    found = Policy.objects.select_for_update() if lock else Policy.objects
    row = found.filter(pk=policy_id).first()
    if row is None:
        raise MissingError(_("There is no such policy; somebody may have deleted the draft."))
    return row


def problems_text(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """Answer problems as plain data."""
    return [problem.as_dict() for problem in problems]
