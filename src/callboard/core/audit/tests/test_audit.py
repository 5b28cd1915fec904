from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from callboard.core.audit.models import AuditEntry
from callboard.core.audit.retention import remove_old_entries
from callboard.core.audit.selectors import AuditFilter, audit_page, audit_rows
from callboard.core.audit.services import record
from callboard.core.auth.principal import Principal, act_as

pytestmark = pytest.mark.django_db
ADA = Principal("user", "user:default/ada", "Ada")


@pytest.fixture
def entries():
    for number in range(7):
        with act_as(ADA, "ui", f"request-{number}"):
            record("catalog.location.register", f"location:{number}", {"number": number})
    record("portal.session.start", "account:ada", outcome="failed")


def old(days, count=1):
    """Insert entries of the past, which is allowed; changing them is not."""
    AuditEntry.objects.bulk_create([AuditEntry(actor="x", door="ui", action="old") for _ in range(count)])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE cb_audit_entry DISABLE TRIGGER cb_audit_append_only")
        cursor.execute(
            "UPDATE cb_audit_entry SET at = %s WHERE action = 'old'", [timezone.now() - timedelta(days=days)]
        )
        cursor.execute("ALTER TABLE cb_audit_entry ENABLE TRIGGER cb_audit_append_only")


def test_an_entry_says_who_did_what_through_which_door(entries):
    entry = AuditEntry.objects.get(target="location:3")
    assert (entry.actor, entry.actor_name, entry.door, entry.request_id) == (
        "user:default/ada",
        "Ada",
        "ui",
        "request-3",
    )
    assert entry.details == {"number": 3}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cb_audit_entry SET actor = 'nobody'",
        "DELETE FROM cb_audit_entry",
        "SET LOCAL callboard.audit_truncate = 'off'; TRUNCATE cb_audit_entry",
        "SET LOCAL callboard.audit_retention = 'on'; UPDATE cb_audit_entry SET actor = 'nobody'",
    ],
)
def test_the_record_cannot_be_changed_even_by_raw_sql(entries, statement):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 8
    assert not AuditEntry.objects.filter(actor="nobody").exists()


def test_retention_removes_old_entries_alone_and_says_so(entries):
    old(days=401, count=5)
    assert remove_old_entries(400, batch=2) == 5
    assert AuditEntry.objects.filter(action="catalog.location.register").count() == 7
    assert AuditEntry.objects.get(action="audit.entries.expire").details["removed"] == 5


def test_after_retention_the_record_is_closed_again(entries):
    old(days=401)
    remove_old_entries(400)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_pages_go_back_and_forth_without_gaps(entries):
    first = audit_page(AuditFilter(), size=3)
    second = audit_page(AuditFilter(), before=first.older, size=3)
    third = audit_page(AuditFilter(), before=second.older, size=3)
    seen = [entry.pk for page in (first, second, third) for entry in page.entries]
    assert seen == list(AuditEntry.objects.order_by("-id").values_list("pk", flat=True))
    assert (first.newer, third.older) == (None, None)
    back = audit_page(AuditFilter(), after=third.newer, size=3)
    assert [entry.pk for entry in back.entries] == [entry.pk for entry in second.entries]
    assert back.older
    assert back.newer


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        (AuditFilter(actor="user:default/ada"), 7),
        (AuditFilter(action="catalog"), 7),
        (AuditFilter(action="cata"), 0),
        (AuditFilter(action="catalog.location.register"), 7),
        (AuditFilter(target="location:2"), 1),
        (AuditFilter(outcome="failed"), 1),
        (AuditFilter(text="ada register"), 7),
        (AuditFilter(text="100%"), 0),
        (AuditFilter(since=timezone.now() + timedelta(days=1)), 0),
        (AuditFilter(until=timezone.now() - timedelta(days=1)), 0),
    ],
)
def test_filters_narrow(entries, chosen, count):
    assert len(audit_page(chosen).entries) == count


def test_an_export_holds_everything_up_to_its_limit(entries):
    assert len(list(audit_rows(AuditFilter(), 100))) == 8
    assert len(list(audit_rows(AuditFilter(), 5))) == 5
