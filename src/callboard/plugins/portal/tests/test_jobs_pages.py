"""The pages of jobs and webhooks."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callboard.sdk import events, jobs
from callboard.sdk.auth import SYSTEM, act_as

pytestmark = pytest.mark.django_db


def signed_in(name, administrator=False):
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create_user(
        name,
        f"{name}@example.org",
        "correct horse battery",
        is_superuser=administrator,
        is_staff=administrator,
        entity_ref=f"user:default/{name}",
    )
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin():
    return signed_in("ada", administrator=True)


@pytest.fixture
def run():
    with act_as(SYSTEM, "cli"):
        return jobs.Run.objects.get(pk=jobs.start("portal.forget-old", "Spring cleaning"))


def ended(run, **changes):
    changes = {"state": "failed", "finished_at": timezone.now(), **changes}
    jobs.Run.objects.filter(pk=run.pk).update(**changes)


def text(response):
    return " ".join(response.content.decode().split())


def test_a_run_is_found_by_state_job_and_person(admin, run):
    url = reverse("jobs")
    assert "Spring cleaning" not in text(admin.get(url))
    assert "Spring cleaning" in text(admin.get(url, {"hidden": "on"}))
    assert "Spring cleaning" in text(admin.get(url, {"hidden": "on", "state": "queued", "job": run.job}))
    for query in ({"state": "failed"}, {"job": "other"}, {"person": "user:default/bert"}):
        answer = text(admin.get(url, {"hidden": "on", **query}))
        assert "Spring cleaning" not in answer
        assert "Nothing matches" in answer


@pytest.mark.parametrize("value", ["\0", "x" * 5000, "'; --", "é"])
def test_odd_filters_are_answered_like_any(admin, value):
    for name in ("state", "job", "person", "page", "tab", "hidden"):
        assert admin.get(reverse("jobs"), {name: value}).status_code == 200


def test_a_run_shows_progress_log_arguments_and_polls_while_it_is_active(admin, run):
    jobs.Run.objects.filter(pk=run.pk).update(
        state="running", progress_done=3, progress_total=4, progress_message="sweeping", arguments={"n": 7}
    )
    jobs.LogLine.objects.create(run=run, n=1, at=timezone.now(), message="<b>dust</b>")
    answer = text(admin.get(reverse("job", args=[run.pk])))
    assert 'value="75"' in answer
    assert "sweeping" in answer
    assert "&lt;b&gt;dust&lt;/b&gt;" in answer
    assert "&quot;n&quot;: 7" in answer
    assert f'hx-get="{reverse("job-live", args=[run.pk])}?after=1"' in answer
    assert 'hx-trigger="every 1s"' in answer


def test_live_answers_only_what_is_new_and_stops_at_the_end(admin, run):
    for n in (1, 2):
        jobs.LogLine.objects.create(run=run, n=n, at=timezone.now(), message=f"line {n}")
    url = reverse("job-live", args=[run.pk])
    answer = text(admin.get(url, {"after": 1}))
    assert "line 2" in answer
    assert "line 1" not in answer
    assert "?after=2" in answer
    assert 'hx-swap-oob="true"' in answer
    assert "<html" not in answer
    ended(run, error="the broom broke")
    answer = text(admin.get(url, {"after": 2}))
    assert "hx-trigger" not in answer
    assert "the broom broke" in answer


def test_polling_a_run_is_cheap(admin, run, django_assert_max_num_queries):
    url = reverse("job-live", args=[run.pk])
    admin.get(url)
    with django_assert_max_num_queries(8):
        admin.get(url)


def test_a_failed_run_shows_reason_and_remedy_and_is_run_again(admin, run):
    ended(run, error="the broom broke", remedy="Buy a new one.", traceback="Traceback here")
    answer = text(admin.get(reverse("job", args=[run.pk])))
    for part in ("the broom broke", "Buy a new one.", "Traceback here", "Run again"):
        assert part in answer
    response = admin.post(reverse("job-action", args=[run.pk, "retry"]))
    again = jobs.Run.objects.get(state="queued")
    assert response.headers["Location"] == reverse("job", args=[again.pk])


def test_a_waiting_run_is_cancelled(admin, run):
    response = admin.post(reverse("job-action", args=[run.pk, "cancel"]), follow=True)
    assert "Cancelled" in text(response)
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_wrong_action_and_an_unknown_run_are_not_found(admin, run):
    assert admin.post(reverse("job-action", args=[run.pk, "burn"])).status_code == 404
    assert admin.get(reverse("job-action", args=[run.pk, "cancel"])).status_code == 405
    assert admin.get(reverse("job", args=[uuid.uuid4()])).status_code == 404
    assert admin.post(reverse("job-action", args=[uuid.uuid4(), "cancel"])).headers["Location"] == reverse("jobs")


def test_a_scheduled_job_is_run_now(admin):
    answer = text(admin.get(reverse("jobs"), {"tab": "schedules"}))
    assert "portal.forget-old" in answer
    assert "27 3 * * *" in answer
    admin.post(reverse("job-run"), {"job": "portal.forget-old"})
    assert jobs.Run.objects.get().started_by == "user:default/ada"
    assert admin.post(reverse("job-run"), {"job": "no.such"}).headers["Location"] == reverse("jobs")


def test_people_see_their_own_runs_and_nobody_elses(run):
    client = signed_in("bert")
    assert "Spring cleaning" not in text(client.get(reverse("jobs"), {"hidden": "on"}))
    assert "Schedules and workers" not in text(client.get(reverse("jobs"), {"tab": "schedules"}))
    assert client.get(reverse("job", args=[run.pk])).status_code == 403
    assert client.post(reverse("job-action", args=[run.pk, "cancel"])).status_code == 403
    assert client.post(reverse("job-run"), {"job": run.job}).status_code == 403
    jobs.Run.objects.update(started_by="user:default/bert")
    assert client.get(reverse("job", args=[run.pk])).status_code == 200


@pytest.fixture
def webhook(settings):
    from callboard.sdk.config import portal_config

    allow = portal_config().webhooks.allow
    allow.append("127.0.0.1")
    with act_as(SYSTEM, "cli"):
        yield events.create_webhook("Chat", "http://127.0.0.1:9/hook", ["*"])[0]
    allow.remove("127.0.0.1")


def test_a_webhook_is_made_and_its_secret_shown_once(admin, webhook):
    webhook.delete()
    fields = {"title": "Chat", "url": "http://127.0.0.1:9/x", "events": "catalog.*\nportal.ping"}
    answer = text(admin.post(reverse("webhook-new"), fields))
    made = events.Webhook.objects.get()
    assert "cbwh_" in answer
    assert made.events == ["catalog.*", "portal.ping"]
    assert "cbwh_" not in text(admin.get(reverse("webhook", args=[made.pk])))


def test_a_refused_address_is_shown_at_its_field(admin):
    fields = {"title": "Chat", "url": "http://10.0.0.1/x", "events": "*"}
    response = admin.post(reverse("webhook-new"), fields)
    assert response.status_code == 422
    assert "not a public address" in text(response)
    assert "http://10.0.0.1/x" in text(response)
    assert not events.Webhook.objects.exists()


def test_a_webhook_is_changed_tested_switched_and_deleted(admin, webhook):
    page = reverse("webhook", args=[webhook.pk])

    def act(action, **fields):
        return text(admin.post(reverse("webhook-action", args=[webhook.pk, action]), fields, follow=True))

    admin.post(page, {"title": "Talk", "url": webhook.url, "events": "portal.*"})
    assert "Talk" in text(admin.get(reverse("webhooks")))
    assert "portal.ping" in act("ping")
    delivery = events.WebhookDelivery.objects.get()
    events.WebhookAttempt.objects.create(
        delivery=delivery, n=1, at=timezone.now(), status=500, latency_ms=12, response_excerpt="<i>no</i>"
    )
    events.WebhookDelivery.objects.update(state="dead", error="status 500")
    answer = text(admin.get(page, {"state": "dead"}))
    assert "&lt;i&gt;no&lt;/i&gt;" in answer
    act("redeliver", delivery=str(delivery.pk))
    delivery.refresh_from_db()
    assert delivery.state == "pending"
    assert "is off" in act("off")
    assert "Switch off" in act("on")
    act("delete")
    assert not events.Webhook.objects.exists()
    assert act("ping")
    assert admin.get(page).status_code == 404


def test_dead_letters_are_handed_over_again(admin):
    event = events.OutboxEvent.objects.create(event="x.y", payload={"n": 1}, actor="system:callboard")
    letter = events.Delivery.objects.create(event=event, subscriber="x.z", state="dead", error="torn")
    assert "torn" in text(admin.get(reverse("webhooks"), {"tab": "dead"}))
    admin.post(reverse("dead-letters-replay"), {"delivery": [str(letter.pk), "\0", "9" * 30]})
    letter.refresh_from_db()
    assert letter.state == "pending"


@pytest.mark.parametrize("name", ["webhooks", "webhook-new"])
def test_webhooks_are_for_administrators(name):
    assert signed_in("bert").get(reverse(name)).status_code == 403
    assert Client().get(reverse(name)).status_code in {302, 401, 403}


def test_jobs_ask_a_stranger_to_sign_in():
    assert Client().get(reverse("jobs")).status_code in {302, 401}
