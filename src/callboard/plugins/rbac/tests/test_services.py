"""Drafts, publishing, going back, approvals, schedules, requests, and what refuses to lock everybody out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from callboard.plugins.rbac.jobs import keep_time
from callboard.plugins.rbac.models import AccessRequest, Grant, Policy
from callboard.plugins.rbac.selectors.active import document_of, policy
from callboard.plugins.rbac.selectors.requests import offers, requests_to_decide
from callboard.plugins.rbac.services import files, policies, requests, viewing
from callboard.plugins.rbac.services.errors import AccessError, OutdatedError
from callboard.plugins.rbac.tests.worlds import ADMINISTRATORS, role
from callboard.plugins.rbac.types.reading import document_to_data, read_document
from callboard.sdk.audit import AuditEntry
from callboard.sdk.auth import GUEST, OPERATOR, act_as, create_user, principal_of
from callboard.sdk.events import OutboxEvent
from callboard.sdk.permissions import NotAllowedError, decide

pytestmark = pytest.mark.django_db
READERS = role("readers", ["people"], {"allow": "catalog.entity.read"})
AUDITORS = role("auditors", [], {"allow": "admin.audit.read"}, title="Auditors", owner="user:default/olga")


@pytest.fixture
def as_root(root):
    with act_as(principal_of(root), "ui"):
        yield root


def draft(**data):
    return policies.begin_draft(read_document({"name": "Test", **data}))


def result(permission, user):
    return decide(permission, principal_of(user)).result


# --- Drafts and publishing -----------------------------------------------------------


def test_a_draft_decides_nothing_until_it_is_published(as_root, ada):
    row = draft(roles=[ADMINISTRATORS])
    assert result("catalog.entity.read", ada) == "allow"
    policies.publish_policy(row.pk, note="closing time")
    assert result("catalog.entity.read", ada) == "deny"
    assert "no role" in decide("catalog.entity.read", principal_of(ada)).reason
    entry = AuditEntry.objects.get(action="rbac.policy.publish")
    assert entry.details["version"] == 1
    assert entry.details["people_losing"] == 1
    assert "developer" in entry.details["diff"]["roles_removed"]
    assert OutboxEvent.objects.filter(event="rbac.policy-published").count() == 1


def test_the_first_draft_changes_nothing(as_root, ada):
    row = policies.begin_draft()
    seen = policies.look_ahead(document_of(row))
    assert seen.nothing
    policies.publish_policy(row.pk)
    assert result("catalog.location.create", ada) == "allow"
    assert result("admin.users.manage", ada) == "deny"


def test_one_policy_is_in_force_and_earlier_versions_are_kept(as_root):
    first = policies.publish_policy(draft(roles=[ADMINISTRATORS, READERS]).pk)
    second = policies.publish_policy(draft(roles=[ADMINISTRATORS]).pk)
    first.refresh_from_db()
    assert (first.status, first.number, second.number) == ("inactive", 1, 2)
    third = policies.roll_back(first.pk)
    assert (third.number, third.document) == (3, first.document)
    assert Policy.objects.filter(status="published").count() == 1
    with pytest.raises(AccessError, match="Only drafts"):
        policies.save_draft(first.pk, document_of(first))
    with pytest.raises(AccessError, match="kept"):
        policies.delete_draft(first.pk)


def test_two_editors_notice_each_other(as_root):
    row = draft(roles=[ADMINISTRATORS])
    document = replace(document_of(row), description="mine")
    policies.save_draft(row.pk, document, revision=1)
    with pytest.raises(OutdatedError):
        policies.save_draft(row.pk, document, revision=1)
    with pytest.raises(OutdatedError):
        policies.publish_policy(row.pk, revision=1)


def test_what_cannot_work_is_not_published(as_root):
    row = draft(roles=[ADMINISTRATORS, role("a", ["people"], {"allow": "no.such.permission"})])
    with pytest.raises(AccessError, match="no permission") as caught:
        policies.publish_policy(row.pk)
    assert caught.value.problems[0].place.path == "roles[1].decisions[0].allow"


def test_nobody_can_lock_everybody_out(as_root):
    for roles in ([], [READERS], [role("x", ["administrators"], {"deny": "rbac.*"}, {"allow": "all"})]):
        with pytest.raises(AccessError, match="lock everybody out"):
            policies.publish_policy(draft(roles=roles).pk)
    assert not Policy.objects.filter(status="published").exists()


def test_whoever_operates_the_machine_always_gets_in(as_root, in_force):
    in_force(roles=[ADMINISTRATORS])
    with act_as(OPERATOR, "cli"):
        policies.end_policy(note="reset")
    assert policy.active().compiled is None


def test_giving_oneself_more_has_to_be_meant(ada, in_force):
    publisher = role("publishers", ["user:default/ada"], {"allow": {"plugin": ["rbac"]}})
    in_force(roles=[ADMINISTRATORS, publisher])
    with act_as(principal_of(ada), "ui"):
        row = policies.begin_draft()
        policies.change_draft(row.pk, lambda d: replace(d, roles=(*d.roles, read_document({"roles": [role("x", ["user:default/ada"], {"allow": "all"})]}).roles[0])))  # fmt: skip
        assert "admin.users.manage" in policies.look_ahead(document_of(Policy.objects.get(pk=row.pk))).elevated
        with pytest.raises(AccessError, match="give yourself more") as caught:
            policies.publish_policy(row.pk)
        assert caught.value.field == "accept_elevation"
        policies.publish_policy(row.pk, accept_elevation=True)
    entry = AuditEntry.objects.filter(action="rbac.policy.publish").first()
    assert "admin.users.manage" in entry.details["self_elevation"]


def test_a_second_approver_looks_at_exactly_what_is_published(as_root, second_approver):
    other = create_user("boss", administrator=True)
    row = draft(roles=[ADMINISTRATORS])
    with pytest.raises(AccessError, match="must approve"):
        policies.publish_policy(row.pk)
    with pytest.raises(AccessError, match="Somebody else"):
        policies.approve_policy(row.pk)
    with act_as(principal_of(other), "ui"):
        policies.approve_policy(row.pk)
    policies.save_draft(row.pk, replace(document_of(row), description="changed afterwards"))
    with pytest.raises(AccessError, match="must approve"):
        policies.publish_policy(row.pk)
    with act_as(principal_of(other), "ui"):
        policies.approve_policy(row.pk)
    assert policies.publish_policy(row.pk).status == "published"


class _Context:
    def __init__(self):
        self.lines = []

    def log(self, text, level="info"):
        self.lines.append(text)


def test_a_scheduled_draft_publishes_itself_on_behalf_of_whoever_scheduled_it(as_root, ada):
    row = draft(roles=[ADMINISTRATORS])
    with pytest.raises(AccessError, match="to come"):
        policies.schedule_policy(row.pk, timezone.now() - timedelta(minutes=1))
    policies.schedule_policy(row.pk, timezone.now() + timedelta(hours=1))
    keep_time(_Context())
    assert result("catalog.entity.read", ada) == "allow"
    Policy.objects.filter(pk=row.pk).update(publish_at=timezone.now())
    keep_time(_Context())
    row.refresh_from_db()
    assert (row.status, row.published_by) == ("published", "user:default/root")
    assert result("catalog.entity.read", ada) == "deny"


def test_a_schedule_whose_person_may_no_longer_publish_says_why(as_root, root):
    row = draft(roles=[ADMINISTRATORS])
    policies.schedule_policy(row.pk, timezone.now() + timedelta(hours=1))
    root.is_superuser = False
    root.save()
    Policy.objects.filter(pk=row.pk).update(publish_at=timezone.now())
    keep_time(_Context())
    row.refresh_from_db()
    assert row.status == "draft"
    assert "may not" in row.schedule_error


@pytest.mark.parametrize(
    "verb",
    [
        lambda pk: policies.begin_draft(),
        lambda pk: policies.save_draft(pk, read_document({"name": "x"})),
        policies.delete_draft,
        policies.publish_policy,
        policies.roll_back,
        policies.approve_policy,
        lambda pk: policies.schedule_policy(pk, None),
        lambda pk: policies.end_policy(),
        lambda pk: files.import_policy("name: x"),
        lambda pk: files.export_policy(Policy.objects.get(pk=pk)),
        lambda pk: files.drift(),
        lambda pk: viewing.begin_viewing("user:default/root"),
        lambda pk: requests.end_grant(1),
    ],
)
def test_people_without_the_permission_change_nothing(root, ada, verb):
    with act_as(principal_of(root), "ui"):
        row = draft(roles=[ADMINISTRATORS])
    before = Policy.objects.values_list("pk", "status", "revision").order_by("pk")
    held = list(before)
    for who in (principal_of(ada), GUEST):
        with act_as(who, "ui"), pytest.raises(NotAllowedError):
            verb(row.pk)
    assert list(before.all()) == held


# --- Requests -----------------------------------------------------------------------


@pytest.fixture
def olga(db):
    return create_user("olga", name="Olga Owner")


def test_access_is_asked_for_granted_for_a_time_and_ends_by_itself(in_force, ada, olga, root):
    in_force(
        roles=[ADMINISTRATORS, READERS, AUDITORS, role("askers", ["people"], {"allow": "rbac.request.create"})],
        resolution="any-allow",
    )
    assert result("admin.audit.read", ada) == "deny"
    with act_as(principal_of(ada), "ui"):
        assert "auditors" in [offer.role.name for offer in offers("admin.audit.read")]
        asked = requests.ask_for_access("auditors", "The yearly audit", 5, permission="admin.audit.read")
        with pytest.raises(AccessError, match="already"):
            requests.ask_for_access("auditors", "Again", 5)
        with pytest.raises(NotAllowedError):
            requests.decide_request(asked.pk, approve=True)
    with act_as(principal_of(olga), "ui"):
        assert list(requests_to_decide()) == [asked]
        requests.decide_request(asked.pk, approve=True, answer="Welcome")
    assert result("admin.audit.read", ada) == "allow"
    assert result("admin.audit.read", olga) == "deny"
    Grant.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert requests.expire_grants() == 1
    assert result("admin.audit.read", ada) == "deny"
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"rbac.request.create", "rbac.request.decide", "rbac.grant.expire"} <= actions


def test_nobody_decides_on_their_own_request(in_force, root):
    in_force(roles=[ADMINISTRATORS, AUDITORS])
    with act_as(principal_of(root), "ui"):
        asked = requests.ask_for_access("auditors", "For me", 5)
        with pytest.raises(AccessError, match="Somebody else"):
            requests.decide_request(asked.pk, approve=True)
        assert not requests_to_decide().exists()
        requests.withdraw_request(asked.pk)
    assert AccessRequest.objects.get().state == "withdrawn"


def test_access_can_be_ended_before_its_time(in_force, ada, root):
    in_force(roles=[ADMINISTRATORS, AUDITORS, role("askers", ["people"], {"allow": "rbac.request.create"})])
    with act_as(principal_of(ada), "ui"):
        asked = requests.ask_for_access("auditors", "Please", 5)
    with act_as(principal_of(root), "ui"):
        requests.decide_request(asked.pk, approve=True, days=2)
        assert result("admin.audit.read", ada) == "allow"
        requests.end_grant(Grant.objects.get().pk)
    assert result("admin.audit.read", ada) == "deny"


@pytest.mark.parametrize(
    ("role_name", "reason", "days", "field"),
    [
        ("nosuch", "x", 5, "role"),
        ("portal-administrator", "x", 5, "role"),
        ("auditors", " ", 5, "reason"),
        ("auditors", "x", 0, "days"),
        ("auditors", "x", 31, "days"),
    ],
)
def test_a_request_that_cannot_be_says_why(root, in_force, ada, role_name, reason, days, field):
    closed = {**ADMINISTRATORS, "requestable": False}
    in_force(roles=[closed, AUDITORS, role("askers", ["people"], {"allow": "rbac.request.create"})])
    with act_as(principal_of(ada), "ui"), pytest.raises(AccessError) as caught:
        requests.ask_for_access(role_name, reason, days)
    assert caught.value.field == field


# --- Files --------------------------------------------------------------------------


def test_a_policy_goes_out_and_comes_in_with_its_comments(as_root):
    text = "# Ours.\nname: Ours\nroles:\n  - name: admins  # all of them\n    members: [administrators]\n    decisions:\n      - allow: all\n"
    row = files.import_policy(text)
    assert files.export_policy(row) == text
    row = policies.change_draft(row.pk, lambda d: replace(d, description="Who may do what"))
    out = files.export_policy(row)
    assert "# Ours." in out
    assert "# all of them" in out
    assert files.read_policy_file(out) == document_of(row)


def test_assertions_say_what_holds(as_root, ada):
    document = read_document({"roles": [ADMINISTRATORS, READERS]})
    text = """
tests:
  - {who: ada, can: catalog.entity.read, cannot: [catalog.entity.delete, admin.users.manage]}
  - {who: guest, cannot: catalog.entity.read}
  - {who: somebody-new, groups: [apples], can: catalog.entity.read}
  - {who: ada, can: catalog.entity.delete}
  - {who: ada, can: no.such.thing}
"""
    outcomes = files.run_assertions(document, text, "tests.yaml")
    assert [outcome.passed for outcome in outcomes] == [True, True, True, True, True, False, False]
    assert outcomes[-2].line == 6
    assert "deny" in outcomes[-2].message


def test_drift_is_shown(as_root, tmp_path, in_force):
    row = in_force(roles=[ADMINISTRATORS, READERS])
    path = tmp_path / "policy.yaml"
    path.write_text(files.export_policy(row))
    settings = policies.settings()
    settings.policy_file = str(path)
    try:
        assert files.drift().diff.nothing
        path.write_text(path.read_text().replace("catalog.entity.read", "catalog.location.read"))
        assert [r.name for r in files.drift().diff.roles] == ["readers"]
        path.write_text("roles: {")
        assert files.drift().problem
        path.unlink()
        assert "No such file" in files.drift().problem
    finally:
        settings.policy_file = ""


def test_a_policy_written_by_another_hand_that_cannot_be_read_lets_administrators_in(in_force, root, ada):
    row = in_force(roles=[ADMINISTRATORS, READERS])
    Policy.objects.filter(pk=row.pk).update(document={"roles": "gone"})
    policies.decisions_changed()
    assert result("rbac.policy.publish", root) == "allow"
    assert result("catalog.entity.read", ada) == "deny"


def test_what_is_written_equals_what_is_stored(in_force):
    row = in_force(roles=[ADMINISTRATORS, READERS])
    assert document_to_data(document_of(row)) == row.document
