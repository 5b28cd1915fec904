"""Sources are made, changed, paused and run by those who may; their secrets go in and never come out."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from callboard.plugins.sources import selectors
from callboard.plugins.sources.models import Source, SourceRun, SourceState
from callboard.plugins.sources.services import keeping
from callboard.plugins.sources.services.keeping import SourceInvalidError, SourceMissingError
from callboard.plugins.sources.services.running import forget_old, perform_run, preview_source, start_due, try_source
from callboard.plugins.sources.tests.conftest import made, refs, run_source, service, table
from callboard.sdk.audit import AuditEntry
from callboard.sdk.auth import Principal, act_as
from callboard.sdk.permissions import NotAllowedError

pytestmark = pytest.mark.django_db

BOB = Principal("user", "user:default/bob", "Bob", ("user:default/bob",))
LDAP = {"url": "ldap://ldap.example.com", "password": "s3cret", "users_base": "dc=x"}


def test_secrets_are_sealed_and_shown_nowhere():
    made("dir", "ldap", **LDAP)
    with database.cursor() as cursor:
        cursor.execute("SELECT row_to_json(s)::text FROM cb_sources_source s")
        stored = cursor.fetchone()[0]
    view = selectors.source("dir")
    shown = stored + repr(view) + "".join(str(entry.details) for entry in AuditEntry.objects.all())
    assert "s3cret" not in shown
    assert view.stored_secrets == ("password",)
    assert selectors.settings_of("dir").password == "s3cret"


def test_a_change_keeps_what_is_not_entered_again_and_moves_no_secret():
    made("dir", "ldap", **LDAP)
    keeping.change_source("dir", {"url": LDAP["url"], "users_base": "dc=y"})
    assert (selectors.settings_of("dir").password, selectors.settings_of("dir").users_base) == ("s3cret", "dc=y")
    with pytest.raises(SourceInvalidError) as error:
        keeping.change_source("dir", {"url": "ldap://evil.example"})
    assert "password" in error.value.errors
    keeping.change_source("dir", {"url": LDAP["url"], "password": None})
    assert selectors.settings_of("dir").password == ""


def test_a_stored_secret_is_not_tried_on_another_address():
    made("web", "http", url="https://api.example.com/x", token="s3cret")
    settings = keeping.checked_settings("http", {"url": "https://api.example.com/x"}, {})
    from callboard.plugins.sources.services.running import _trial

    assert _trial("http", {"url": "https://api.example.com/x"}, "web").token == "s3cret"
    assert _trial("http", {"url": "https://evil.example/x"}, "web").token == settings.token == ""


@pytest.mark.parametrize(
    ("name", "type_", "values", "field"),
    [
        ("No Name", "ldap", LDAP, "name"),
        ("dir", "ldap", {**LDAP, "url": "http://x"}, "url"),
        ("dir", "ldap", {**LDAP, "schedule": "often"}, "schedule"),
        ("dir", "ldap", {**LDAP, "colour": "red"}, "colour"),
        ("dir", "nothing", {}, "type"),
        ("gh", "github", {"connection": "none"}, "connection"),
        ("gh", "github", {}, "connection"),
        ("gh", "github", {"connection": "gh", "paths": []}, "paths"),
    ],
)
def test_settings_that_make_no_source_are_refused_by_field(name, type_, values, field):
    with pytest.raises(SourceInvalidError) as error:
        keeping.create_source(name, type_, values, run=False)
    assert field in error.value.errors


def test_a_connection_of_another_product_is_refused(github):
    with pytest.raises(SourceInvalidError) as error:
        made("it", "gitlab", connection="gh")
    assert "another product" in error.value.errors["connection"]


def test_only_administrators_manage_sources(github):
    made("it", "github", connection="gh")
    with act_as(BOB, "ui"):
        for act in (
            lambda: made("two", "github", connection="gh"),
            lambda: keeping.change_source("it", {}),
            lambda: keeping.delete_source("it"),
            lambda: keeping.pause_source("it", paused=True),
            lambda: keeping.run_source("it"),
            lambda: keeping.renew_hook_secret("it"),
            lambda: try_source("github", {"connection": "gh"}),
            lambda: preview_source("github", {"connection": "gh"}),
        ):
            with pytest.raises(NotAllowedError):
                act()


def test_sources_of_the_configuration_run_and_cannot_be_changed(github, configured):
    configured(entries={"main": {"type": "github", "connection": "gh"}})
    assert [(one.name, one.configured) for one in selectors.sources()] == [("main", True)]
    run_source("main")
    assert len(refs()) == 2
    for act in (lambda: keeping.change_source("main", {}), lambda: keeping.delete_source("main")):
        with pytest.raises(SourceMissingError):
            act()
    keeping.pause_source("main", paused=True)
    assert selectors.source("main").state == "paused"


def test_sources_start_when_their_schedule_says_so(github):
    made("it", "github", connection="gh", schedule="*/10 * * * *")
    made("hand", "github", connection="gh", schedule="")
    assert start_due() == ["it"]
    run = SourceRun.objects.create(source="it", state="succeeded", finished_at=timezone.now())
    assert start_due() == []
    SourceRun.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=11))
    assert start_due() == ["it"]
    SourceState.objects.update_or_create(source="it", defaults={"not_before": timezone.now() + timedelta(minutes=5)})
    assert start_due() == []
    SourceState.objects.update(not_before=None, paused=True)
    assert start_due() == []


def test_one_run_of_a_source_at_a_time_and_a_lost_one_is_over(github):
    from callboard.sdk.jobs import start

    made("it", "github", connection="gh")
    job = start("sources.run", source="it")
    SourceRun.objects.create(source="it", job=job)
    assert perform_run("it") is None
    SourceRun.objects.update(job=None)
    assert perform_run("it").state == "succeeded"
    assert [run.state for run in selectors.runs_of("it")] == ["succeeded", "failed"]


def test_the_loss_of_nearly_everything_is_held(github):
    github.forge.owner("big")
    for number in range(30):
        github.forge.repo(f"big/r{number}", {"catalog-info.yaml": service(f"s{number}")})
    made("it", "github", connection="gh", organisations=["big"])
    run_source("it")
    assert len(refs()) == 30
    github.forge.repos = {name: repo for name, repo in github.forge.repos.items() if not name.startswith("big/")}
    run_source("it")
    assert len(refs()) == 30
    assert table("Hold").objects.count() == 1


def test_old_runs_are_forgotten(configured):
    configured(keep_runs=2)
    for _ in range(4):
        SourceRun.objects.create(source="it", state="succeeded")
    assert forget_old() == 2
    assert Source.objects.count() == 0
