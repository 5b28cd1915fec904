"""Webhooks, received by a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from callboard.core.auth.principal import SYSTEM, Principal, act_as
from callboard.core.config.current import portal_config
from callboard.core.events import selectors, sending, services
from callboard.core.events.models import OutboxEvent, Webhook, WebhookAttempt, WebhookDelivery
from callboard.core.events.publishing import publish
from callboard.core.events.services import WebhookError
from callboard.core.jobs.tests import sample
from callboard.core.permissions.decision import NotAllowedError
from callboard.lib.crypto import SealError, seal, unseal


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook?x=1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://169.254.169.254/")
        self.end_headers()
        self.wfile.write(b"thank you " * 1000)

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def here(db):
    sample.install()
    settings = portal_config().webhooks
    before = settings.model_copy(deep=True)
    settings.allow = ["127.0.0.1"]
    try:
        with act_as(SYSTEM, "cli"):
            yield settings
    finally:
        sample.uninstall()
        settings.allow, settings.attempts = before.allow, before.attempts
        settings.disable_after = before.disable_after


def send_due():
    answers = [sending.attempt(pk) for pk in sending.claim(10)]
    return [answer.status for answer in answers]


def come_due():
    WebhookDelivery.objects.filter(state="pending").update(next_at=timezone.now())


def test_a_webhook_gets_a_signed_event(receiver):
    webhook, secret = services.create_webhook("Chat", receiver.url, ["sample.*"])
    publish("sample.ignored", {"n": 7})
    assert send_due() == [200]
    headers, body = receiver.got[0]
    at, _, digest = headers["Callboard-Signature"].partition(",v1=")
    at = at.removeprefix("t=")
    assert digest == hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert abs(int(at) - timezone.now().timestamp()) < 5
    event = OutboxEvent.objects.get()
    assert (headers["Callboard-Event"], headers["Callboard-Event-Id"]) == ("sample.ignored", str(event.uid))
    assert headers["Host"] == f"127.0.0.1:{receiver.server_address[1]}"
    document = json.loads(body)
    assert (document["event"], document["payload"], document["actor"]) == (
        "sample.ignored",
        {"n": 7},
        "system:callboard",
    )
    tried = WebhookAttempt.objects.get()
    assert (tried.status, len(tried.response_excerpt)) == (200, 4000)
    assert secret not in json.dumps(tried.request_headers) + webhook.secret
    assert selectors.deliveries_of(webhook.pk).get().state == "done"


def test_only_events_that_match_are_sent(receiver):
    services.create_webhook("Chat", receiver.url, ["sample.hap*"])
    publish("sample.ignored", {"n": 1})
    assert send_due() == []


def test_a_refusal_is_tried_again_later_and_later_until_it_is_a_dead_letter(receiver, here):
    here.attempts = 3
    webhook, _ = services.create_webhook("Chat", receiver.url, ["*"])
    receiver.answers = [500, 503, 500]
    publish("sample.ignored", {"n": 1})
    pauses = []
    for status in (500, 503, 500):
        assert send_due() == [status]
        delivery = selectors.deliveries_of(webhook.pk).get()
        if delivery.next_at:
            pauses.append((delivery.next_at - timezone.now()).total_seconds())
        assert send_due() == []
        come_due()
    assert 3.5 < pauses[0] < 6.5 < pauses[1] < 12.5
    assert (delivery.state, delivery.attempts) == ("dead", 3)
    assert delivery.error == "the receiver answered with status 500"
    bodies = {body for _, body in receiver.got}
    assert len(bodies) == 1
    services.redeliver(delivery.pk)
    assert send_due() == [200]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.tries.count()) == ("done", 4, 4)
    assert receiver.got[-1][1] in bodies


def test_a_delivery_is_sent_by_one_worker_at_a_time(receiver):
    services.create_webhook("Chat", receiver.url, ["*"])
    publish("sample.ignored", {"n": 1})
    taken = sending.claim(10)
    assert sending.claim(10) == []
    WebhookDelivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert sending.claim(10) == taken


def test_a_webhook_that_fails_too_often_is_switched_off_with_the_reason(receiver, here):
    here.disable_after = 2
    webhook, _ = services.create_webhook("Chat", receiver.url, ["*"])
    receiver.answers = [500] * 2
    publish("sample.ignored", {"n": 1})
    for _ in range(2):
        send_due()
        come_due()
    webhook.refresh_from_db()
    assert not webhook.enabled
    assert "2 failed tries" in webhook.disabled_reason
    assert send_due() == []
    services.switch_webhook(webhook.pk, on=True)
    assert send_due() == [200]
    assert Webhook.objects.get().failures == 0


def test_a_ping_reaches_one_webhook_alone(receiver):
    services.create_webhook("Other", receiver.url, ["*"])
    webhook, _ = services.create_webhook("Chat", receiver.url, ["sample.happened"])
    services.ping_webhook(webhook.pk)
    assert send_due() == [200]
    assert receiver.got[0][0]["Callboard-Event"] == "portal.ping"
    assert selectors.deliveries_of(webhook.pk).count() == 1


def test_a_redirect_is_not_followed(receiver):
    webhook, _ = services.create_webhook("Chat", receiver.url, ["*"])
    receiver.answers = [302]
    services.ping_webhook(webhook.pk)
    assert send_due() == [302]
    assert "redirected to http://169.254.169.254/" in selectors.deliveries_of(webhook.pk).get().error


def test_private_addresses_are_refused_when_saved_and_again_when_sent(receiver, here):
    here.allow = []
    for url in (receiver.url, "http://localhost/", "http://169.254.169.254/x", "http://[::ffff:10.0.0.1]/"):
        with pytest.raises(WebhookError, match="not a public address") as caught:
            services.create_webhook("Chat", url, ["*"])
        assert caught.value.field == "url"
    here.allow = ["127.0.0.0/8"]
    webhook, _ = services.create_webhook("Chat", receiver.url, ["*"])
    here.allow = []
    services.ping_webhook(webhook.pk)
    assert send_due() == [None]
    assert "not a public address" in selectors.deliveries_of(webhook.pk).get().error
    assert receiver.got == []


@pytest.mark.parametrize(
    ("title", "url", "events", "field"),
    [
        ("", "https://example.com", ["*"], "title"),
        ("A", "ftp://example.com", ["*"], "url"),
        ("A", "https://anna:secret@example.com", ["*"], "url"),
        ("A", "https://[1", ["*"], "url"),
        ("A", "https://example.com", [" "], "events"),
    ],
)
def test_bad_input_names_its_field(title, url, events, field):
    with pytest.raises(WebhookError) as caught:
        services.create_webhook(title, url, events)
    assert caught.value.field == field


def test_a_receiver_that_is_away_leaves_a_reason(receiver):
    webhook, _ = services.create_webhook("Chat", "http://127.0.0.1:9/", ["*"])
    services.ping_webhook(webhook.pk)
    assert send_due() == [None]
    assert "could not be reached" in selectors.deliveries_of(webhook.pk).get().error


def test_only_administrators_keep_webhooks(receiver):
    webhook, _ = services.create_webhook("Chat", receiver.url, ["*"])
    services.ping_webhook(webhook.pk)
    delivery = selectors.deliveries_of(webhook.pk).get()
    with act_as(Principal("user", "user:default/anna"), "ui"):
        for deed in (
            lambda: services.create_webhook("A", receiver.url, ["*"]),
            lambda: services.change_webhook(webhook.pk, title="B", url=receiver.url, events=["*"]),
            lambda: services.switch_webhook(webhook.pk, on=False),
            lambda: services.delete_webhook(webhook.pk),
            lambda: services.ping_webhook(webhook.pk),
            lambda: services.redeliver(delivery.pk),
            lambda: services.replay([1]),
        ):
            with pytest.raises(NotAllowedError):
                deed()


def test_a_sealed_secret_opens_with_its_key_and_purpose_alone():
    sealed = seal("geheim", b"k" * 32, "webhook:1")
    assert "geheim" not in sealed
    assert unseal(sealed, b"k" * 32, "webhook:1") == "geheim"
    for key, purpose, text in (
        (b"x" * 32, "webhook:1", sealed),
        (b"k" * 32, "webhook:2", sealed),
        (b"k" * 32, "webhook:1", sealed[:-4] + "AAAA"),
        (b"k" * 32, "webhook:1", "plain"),
    ):
        with pytest.raises(SealError):
            unseal(text, key, purpose)
