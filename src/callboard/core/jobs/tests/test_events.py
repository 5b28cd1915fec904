"""Events reach their subscribers: in the database alone, and through a real worker."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from callboard.core.events import dispatch, selectors, services
from callboard.core.events.models import Delivery, OutboxEvent
from callboard.core.events.publishing import EventError, publish
from callboard.core.jobs.tests.helpers import WorkerProcess, live_database, until
from callboard.core.jobs.tests.test_runs import words


@pytest.fixture(scope="module")
def live(django_db_setup, django_db_blocker):
    with live_database(django_db_blocker):
        yield


@pytest.fixture(autouse=True)
def db(live):
    """Under this name it makes pytest-django create the database; these tests commit for real."""
    OutboxEvent.objects.all().delete()


@pytest.fixture(scope="module")
def worker(live, tmp_path_factory):
    process = WorkerProcess(tmp_path_factory.mktemp("worker"))
    try:
        yield process.wait_ready()
    finally:
        process.stop()


def test_an_unknown_event_is_refused_with_a_hint():
    with pytest.raises(EventError, match=r'Did you mean "sample\.happened"'):
        publish("sample.happend", {"n": 1})


def test_a_payload_against_the_schema_is_refused_with_its_place():
    with pytest.raises(EventError, match="wrong at /n"):
        publish("sample.happened", {"n": "one"})
    with pytest.raises(EventError, match="plain JSON"):
        publish("sample.happened", {"n": 1, "x": object()})
    assert not OutboxEvent.objects.exists()


def test_an_event_that_nobody_hears_costs_one_row():
    publish("sample.ignored", {"n": 1})
    assert (OutboxEvent.objects.count(), Delivery.objects.count()) == (1, 0)


def test_a_rollback_takes_the_event_back():
    with transaction.atomic():
        publish("sample.happened", {"n": 1})
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_a_failing_subscriber_keeps_its_order_and_does_not_hold_up_others(tmp_path):
    for n in range(3):
        publish("sample.happened", {"n": n, "folder": str(tmp_path), "poison": n == 1})
    for name in dispatch.waiting_subscribers():
        dispatch.deliver(name)
    assert words(tmp_path, "good") == ["0", "1", "2"]
    assert [line.split()[0] for line in words(tmp_path, "bad")] == ["0", "1"]
    assert dispatch.waiting_subscribers() == []
    for _ in range(dispatch.ATTEMPTS - 1):
        Delivery.objects.filter(state="pending").update(next_at=timezone.now())
        dispatch.deliver("sample.bad")
    tried = [line.split()[0] for line in words(tmp_path, "bad")]
    assert tried == ["0", *["1"] * dispatch.ATTEMPTS, "2"]
    dead = selectors.dead_letters().get()
    assert (dead.error, dead.attempts, dead.event.payload["n"]) == (
        "cannot digest this",
        dispatch.ATTEMPTS,
        1,
    )
    assert "handle_bad" in dead.traceback
    assert services.replay([dead.pk]) == 1
    assert dispatch.waiting_subscribers() == ["sample.bad"]


def test_an_event_that_kills_its_worker_each_time_is_given_up(tmp_path):
    publish("sample.happened", {"n": 1, "folder": str(tmp_path)})
    Delivery.objects.filter(subscriber="sample.good").update(attempts=dispatch.ATTEMPTS)
    dispatch.deliver("sample.good")
    assert words(tmp_path, "good") == []
    assert "worker ended" in selectors.dead_letters().get().error


def test_an_event_whose_transaction_commits_late_is_not_passed_over(tmp_path):
    late, go = threading.Event(), threading.Event()

    def slow_publisher():
        with transaction.atomic():
            publish("sample.happened", {"n": 1, "folder": str(tmp_path)})
            late.set()
            go.wait(5)
        connection.close()

    thread = threading.Thread(target=slow_publisher)
    thread.start()
    late.wait(5)
    publish("sample.happened", {"n": 2, "folder": str(tmp_path)})
    dispatch.deliver("sample.good")
    assert words(tmp_path, "good") == ["2"]
    go.set()
    thread.join()
    dispatch.deliver("sample.good")
    assert words(tmp_path, "good") == ["2", "1"]


def test_a_worker_hears_of_a_commit_at_once_and_delivers_each_event_once(worker, tmp_path):
    waits = []
    for n in range(20):
        publish("sample.happened", {"n": n, "folder": str(tmp_path)})
        if n < 5:
            began = time.monotonic()
            until(lambda n=n: str(n) in words(tmp_path, "good"))
            waits.append(time.monotonic() - began)
    until(lambda: len(words(tmp_path, "good")) >= 20)
    until(lambda: len(words(tmp_path, "bad")) >= 20)
    time.sleep(0.3)
    assert words(tmp_path, "good") == [str(n) for n in range(20)]
    assert sorted(waits)[2] < 0.5
    assert not Delivery.objects.filter(state="pending").exists()


def test_several_at_work_deliver_each_event_once_and_in_order(worker, tmp_path):
    stop = threading.Event()

    def deliver():
        try:
            while not stop.is_set():
                dispatch.deliver("sample.good")
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(60):
        publish("sample.happened", {"n": n, "folder": str(tmp_path)})
    until(lambda: len(words(tmp_path, "good")) >= 60)
    stop.set()
    for thread in threads:
        thread.join()
    assert words(tmp_path, "good") == [str(n) for n in range(60)]


def test_old_events_are_forgotten_unless_somebody_still_waits(tmp_path):
    publish("sample.ignored", {"n": 1})
    publish("sample.happened", {"n": 2, "folder": "/nonexistent-folder"})
    OutboxEvent.objects.update(at=timezone.now() - timedelta(days=30))
    Delivery.objects.update(next_at=timezone.now() + timedelta(days=1))
    assert services.delete_old(timezone.now() - timedelta(days=14)) == 1
    assert OutboxEvent.objects.get().event == "sample.happened"
