"""Runs in a real worker process."""

from __future__ import annotations

import time
import uuid

import pytest
from django.db import connection, transaction

from callboard.core.auth.principal import SYSTEM, Principal, act_as
from callboard.core.jobs import queue, schedules, selectors, services
from callboard.core.jobs.models import Run, Schedule
from callboard.core.jobs.running import pause_after
from callboard.core.jobs.services import JobError, principal_to_json
from callboard.core.jobs.tests.helpers import WorkerProcess, live_database, until
from callboard.core.permissions.decision import NotAllowedError

ANNA = Principal("user", "user:default/anna", "Anna")
BERT = Principal("user", "user:default/bert", "Bert")


@pytest.fixture(scope="module")
def worker(django_db_setup, django_db_blocker, tmp_path_factory):
    with live_database(django_db_blocker):
        process = WorkerProcess(tmp_path_factory.mktemp("worker"))
        try:
            process.wait_ready()
            yield process
        finally:
            process.stop()


@pytest.fixture(autouse=True)
def db(worker):
    """Under this name it makes pytest-django create the database; these tests commit for real."""


def ended(run_id, seconds=10):
    def over():
        run = Run.objects.get(pk=run_id)
        return None if run.active else run

    return until(over, seconds, f"the run did not end: {Run.objects.get(pk=run_id)}")


def began(run_id):
    return until(lambda: Run.objects.filter(pk=run_id, state="running").first())


def words(folder, name):
    path = folder / name
    return path.read_text().splitlines() if path.exists() else []


def test_a_run_goes_to_its_end_and_keeps_progress_and_log(worker, tmp_path):
    run = ended(services.start("sample.add-up", "Sum", numbers=[1, 2, 3], folder=str(tmp_path)))
    assert (run.state, run.title, run.progress_done, run.progress_total) == ("succeeded", "Sum", 3, 3)
    assert [line.message for line in selectors.lines(run.pk)] == ["adding 1", "adding 2", "adding 3"]
    assert words(tmp_path, "sum") == ["6"]
    assert run.percent == 100


def test_a_commit_wakes_the_worker_at_once(worker, tmp_path):
    waits = []
    for _ in range(5):
        run_id = services.start("sample.add-up", numbers=[1])
        run = ended(run_id)
        waits.append((run.started_at - run.queued_at).total_seconds())
    assert sorted(waits)[2] < 0.1


def test_a_run_begins_only_after_the_commit_and_never_after_a_rollback(worker, tmp_path):
    with transaction.atomic():
        lost = services.start("sample.add-up", numbers=[1], folder=str(tmp_path))
        time.sleep(0.3)
        assert words(tmp_path, "sum") == []
        transaction.set_rollback(True)
    time.sleep(0.3)
    assert not Run.objects.filter(pk=lost).exists()
    assert words(tmp_path, "sum") == []


def test_a_run_acts_as_whoever_started_it(worker, tmp_path):
    with act_as(ANNA, "ui"):
        run = ended(services.start("sample.who", folder=str(tmp_path)))
    assert words(tmp_path, "who") == ["user:default/anna job"]
    assert (run.started_by, run.started_by_name) == ("user:default/anna", "Anna")


def test_a_running_job_stops_when_it_is_cancelled(worker, tmp_path):
    run_id = services.start("sample.slow", folder=str(tmp_path))
    began(run_id)
    services.cancel(run_id)
    run = ended(run_id, 4)
    assert run.state == "cancelled"
    assert words(tmp_path, "ended") == []


def test_a_waiting_run_is_cancelled_at_once(worker, tmp_path):
    first = services.start("sample.one-at-a-time", folder=str(tmp_path), mark="a")
    began(first)
    second = services.start("sample.one-at-a-time", folder=str(tmp_path), mark="b")
    assert selectors.waits_for(Run.objects.get(pk=second)).pk == first
    assert services.cancel(second).state == "cancelled"
    services.cancel(first)
    ended(first)
    with pytest.raises(JobError, match="is over"):
        services.cancel(first)
    assert len(words(tmp_path, "began")) == 1


def test_a_failing_job_is_tried_again_with_growing_pauses(worker, tmp_path):
    run = ended(services.start("sample.flaky", folder=str(tmp_path), succeed_at=2))
    tries = [float(at) for at in words(tmp_path, "tries")]
    assert (run.state, run.attempt) == ("succeeded", 2)
    assert 1.5 < tries[1] - tries[0] < 4.5
    assert [line.message for line in selectors.lines(run.pk)] == ["attempt 1", "attempt 2"]
    assert [pause_after(n) for n in (1, 2, 3, 20)] == [2, 4, 8, 600]


def test_a_failed_run_says_why_and_can_be_retried_by_hand(worker):
    failed = ended(services.start("sample.broken"))
    assert (failed.state, failed.error) == ("failed", "undone")
    assert "rolled_back" in failed.traceback
    assert [line.message for line in selectors.lines(failed.pk)] == ["said inside a transaction"]
    again = ended(services.retry(failed.pk))
    assert again.pk != failed.pk
    assert (again.state, again.error) == ("failed", "undone")


def test_a_run_that_takes_too_long_is_stopped(worker, tmp_path):
    polite = services.start("sample.short", folder=str(tmp_path))
    deaf = services.start("sample.deaf", folder=str(tmp_path))
    for run in (ended(polite), ended(deaf)):
        assert run.state == "failed"
        assert "time limit of 1 seconds" in run.error
    assert words(tmp_path, "ended") == []


def test_runs_with_one_lock_never_overlap(worker, tmp_path):
    runs = [services.start("sample.one-at-a-time", folder=str(tmp_path), seconds=0.3, mark=str(n)) for n in range(3)]
    for run in runs:
        assert ended(run).state == "succeeded"
    starts = [float(line.split()[2]) for line in words(tmp_path, "began")]
    ends = [float(line.split()[2]) for line in words(tmp_path, "ended")]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_an_identical_waiting_run_is_answered_instead_of_a_second(worker, tmp_path):
    with transaction.atomic():
        first = services.start("sample.one-at-a-time", folder=str(tmp_path), seconds=0)
        assert services.start("sample.one-at-a-time", folder=str(tmp_path), seconds=0) == first
        assert services.start("sample.one-at-a-time", folder=str(tmp_path), seconds=0.01) != first
        assert services.start("sample.slow", folder=str(tmp_path), seconds=0) != services.start(
            "sample.slow", folder=str(tmp_path), seconds=0
        )
    ended(first)


def test_bad_input_is_refused_with_a_hint():
    with pytest.raises(JobError, match=r'Did you mean "sample\.slow"'):
        services.start("sample.slw")
    with pytest.raises(JobError, match="plain JSON"):
        services.start("sample.slow", folder=object())
    with pytest.raises(JobError, match="no run"):
        services.cancel(uuid.uuid4())


def test_people_see_and_cancel_their_own_runs_only(worker, tmp_path):
    with act_as(ANNA, "ui"):
        run_id = services.start("sample.slow", folder=str(tmp_path), seconds=30)
    with act_as(BERT, "ui"):
        assert run_id not in {run.pk for run in selectors.runs()}
        for deed in (services.cancel, services.retry, selectors.run):
            with pytest.raises(NotAllowedError):
                deed(run_id)
        with pytest.raises(NotAllowedError):
            services.start("sample.guarded", numbers=[1])
        with pytest.raises(NotAllowedError):
            services.run_now("sample.nightly")
    with act_as(ANNA, "ui"):
        assert [run.pk for run in selectors.runs(state="running")] in ([run_id], [])
        services.cancel(run_id)
    assert ended(run_id).state == "cancelled"


def test_the_job_of_a_plugin_that_is_off_is_not_run(worker, tmp_path):
    run_id = uuid.uuid4()
    run = Run(pk=run_id, job="gone.job", title="Gone", arguments_digest="x", started_by="system:callboard")

    run.acting = principal_to_json(SYSTEM)
    with transaction.atomic():
        run.save(force_insert=True)
        queue.enqueue(run)
    found = ended(run_id)
    assert found.state == "failed"
    assert "gone.job" in found.error


def test_a_due_schedule_starts_one_run_and_moves_on(worker):
    until(lambda: Schedule.objects.filter(job="sample.nightly").exists())
    before = Run.objects.filter(job="sample.nightly").count()
    Schedule.objects.filter(job="sample.nightly").update(next_at="2020-01-01T00:00Z")
    row = until(lambda: Schedule.objects.filter(job="sample.nightly", last_run__isnull=False).first())
    run = until(lambda: Run.objects.filter(pk=row.last_run).first())
    time.sleep(1.2)
    assert Run.objects.filter(job="sample.nightly").count() == before + 1
    assert (run.started_by, run.hidden) == ("system:callboard", True)
    assert row.next_at.hour == 3
    assert "cannot be read" in Schedule.objects.get(job="sample.never").problem
    assert {view.job: view.on for view in selectors.schedules()}["sample.nightly"]


def test_many_workers_looking_at_once_start_an_occurrence_once(worker):
    import threading

    def look():
        try:
            schedules.start_due()
        finally:
            connection.close()

    before = Run.objects.filter(job="sample.nightly").count()
    Schedule.objects.update_or_create(
        job="sample.nightly", defaults={"cron": "0 3 * * *", "next_at": "2020-01-01T00:00Z"}
    )
    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: Run.objects.filter(job="sample.nightly").count() > before)
    assert Run.objects.filter(job="sample.nightly").count() == before + 1


def test_a_living_worker_is_known(worker):
    found = [item for item in selectors.workers() if item.pid == worker.process.pid]
    assert [item.alive for item in found] == [True]
    assert selectors.worker_alive()


def test_old_runs_are_forgotten_with_their_logs(worker):
    from datetime import timedelta

    from django.utils import timezone

    run = ended(services.start("sample.add-up", numbers=[1]))
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(days=40))
    assert services.delete_finished(timezone.now() - timedelta(days=30)) == 1
    assert selectors.lines(run.pk) == []
