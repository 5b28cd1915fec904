"""What happens to runs when their worker dies or stops."""

from __future__ import annotations

import pytest
from django.db import connection

from callboard.core.jobs import selectors, services
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


def test_a_run_whose_worker_is_killed_is_picked_up_by_another(tmp_path):
    first, second = WorkerProcess(tmp_path), WorkerProcess(tmp_path)
    try:
        first.wait_ready()
        second.wait_ready()
        run_id = services.start("sample.slow", folder=str(tmp_path), seconds=1.5)
        pid = int(until(lambda: words(tmp_path, "began"))[0].split()[1])
        victim, other = (first, second) if first.process.pid == pid else (second, first)
        victim.kill()
        run = ended(run_id, 20)
        assert (run.state, run.attempt) == ("succeeded", 2)
        assert [int(line.split()[1]) for line in words(tmp_path, "began")] == [pid, other.process.pid]
        assert len(words(tmp_path, "ended")) == 1
        assert [w.pid for w in selectors.workers() if w.alive] == [other.process.pid]
    finally:
        first.stop()
        second.stop()


def test_two_workers_share_the_queue_and_never_run_the_same(tmp_path):
    workers = [WorkerProcess(tmp_path, 3), WorkerProcess(tmp_path, 3)]
    try:
        for worker in workers:
            worker.wait_ready()
        runs = [
            services.start("sample.slow", folder=str(tmp_path), seconds=0.1, mark=str(n)) for n in range(24)
        ]
        for run_id in runs:
            assert ended(run_id).state == "succeeded"
        lines = [line.split() for line in words(tmp_path, "began")]
        assert sorted(int(line[0]) for line in lines) == list(range(24))
        assert len({line[1] for line in lines}) == 2
    finally:
        for worker in workers:
            worker.stop()


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
