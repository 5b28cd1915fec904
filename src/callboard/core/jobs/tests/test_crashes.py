"""What happens to runs when their worker dies or stops."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from callboard.core.auth.principal import SYSTEM, act_as
from callboard.core.jobs import queue, recovery, running, selectors, services
from callboard.core.jobs.models import Run
from callboard.core.jobs.tests.helpers import WorkerProcess, live_database, until
from callboard.core.jobs.tests.test_runs import ended, words


@pytest.fixture(autouse=True)
def db(django_db_setup, django_db_blocker):
    with live_database(django_db_blocker):
        # (The fixture's name makes pytest-django create the database; these tests commit for real.)
        # Recovery waits for a while after PostgreSQL itself has just been started.
        with connection.cursor() as cursor:

            def up_for_long():
                cursor.execute("SELECT now() - pg_postmaster_start_time() > interval '15 s'")
                return cursor.fetchone()[0]

            until(up_for_long, 20)
        yield


def test_two_workers_share_the_queue_and_one_takes_over_what_the_other_leaves_when_killed(tmp_path):
    first, second = WorkerProcess(tmp_path, 3), WorkerProcess(tmp_path, 3)
    try:
        first.wait_ready()
        second.wait_ready()
        runs = [services.start("sample.slow", folder=str(tmp_path), seconds=0.1, mark=str(n)) for n in range(24)]
        for run_id in runs:
            assert ended(run_id).state == "succeeded"
        lines = [line.split() for line in words(tmp_path, "began")]
        assert sorted(int(line[0]) for line in lines) == list(range(24))
        assert {int(line[1]) for line in lines} == {first.process.pid, second.process.pid}

        run_id = services.start("sample.slow", folder=str(tmp_path), seconds=1.0, mark="victim")
        pid = int(until(lambda: words(tmp_path, "began")[24:])[0].split()[1])
        victim, other = (first, second) if first.process.pid == pid else (second, first)
        victim.kill()
        run = ended(run_id, 25)
        assert (run.state, run.attempt) == ("succeeded", 2)
        assert [int(line.split()[1]) for line in words(tmp_path, "began")[24:]] == [pid, other.process.pid]
        assert len(words(tmp_path, "ended")) == 25
        assert [w.pid for w in selectors.workers() if w.alive] == [other.process.pid]
    finally:
        first.stop()
        second.stop()


def test_a_run_that_kills_its_worker_each_time_is_given_up(tmp_path):
    run_id = services.start("sample.slow", folder=str(tmp_path))
    long_ago = timezone.now() - timedelta(minutes=1)
    for attempt in (1, 2, 3):
        Run.objects.filter(pk=run_id).update(state="running", attempt=attempt, heartbeat_at=long_ago, worker=2**31 - 1)
        assert recovery.recover() == 1
        run = Run.objects.get(pk=run_id)
        assert run.state == ("failed" if attempt == 3 else "queued")
    assert "3 times" in run.error
    assert run.remedy


def test_a_waiting_run_whose_queue_entry_was_lost_is_queued_anew():
    run_id = services.start("sample.add-up", numbers=[1])
    before = Run.objects.get(pk=run_id).procrastinate_job_id
    queue.drop([before])
    Run.objects.filter(pk=run_id).update(queued_at=timezone.now() - timedelta(minutes=5))
    assert recovery.recover() == 1
    assert Run.objects.get(pk=run_id).procrastinate_job_id != before


def test_a_stopping_worker_puts_back_what_does_not_end_in_time(tmp_path):
    worker = WorkerProcess(tmp_path)
    try:
        worker.wait_ready()
        short = services.start("sample.slow", folder=str(tmp_path), seconds=1.0)
        long = services.start("sample.stubborn", folder=str(tmp_path), seconds=60)
        until(lambda: Run.objects.filter(state="running").count() == 2)
        worker.stop(20)
        assert Run.objects.get(pk=short).state == "succeeded"
        left = Run.objects.get(pk=long)
        assert (left.state, left.attempt) == ("queued", 0)
        assert "was stopped while it ran" in left.error
        assert selectors.workers() == []
    finally:
        worker.stop()


def test_many_starting_the_same_at_once_queue_it_once(tmp_path):
    found = []

    def begin():
        try:
            with act_as(SYSTEM, "cli"):
                found.append(services.start("sample.one-at-a-time", folder=str(tmp_path)))
        finally:
            connection.close()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_waiting_run_that_answers_for_a_second_begins_after_the_second_commit(tmp_path):
    first = services.start("sample.one-at-a-time", folder=str(tmp_path), seconds=0)
    entry = Run.objects.get(pk=first).procrastinate_job_id

    def work():
        try:
            running.execute(first, entry)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        assert services.start("sample.one-at-a-time", folder=str(tmp_path), seconds=0) == first
        thread.start()
        time.sleep(0.3)
        assert words(tmp_path, "began") == []
    thread.join(5)
    assert len(words(tmp_path, "began")) == 1
    assert Run.objects.get(pk=first).state == "succeeded"
