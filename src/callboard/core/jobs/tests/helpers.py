"""A live database, worker processes, and waiting for things to come true."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

TABLES = (
    "cb_jobs_run",
    "cb_jobs_schedule",
    "cb_jobs_worker",
    "cb_events_outbox",
    "cb_events_webhook",
    "cb_audit_entry",
    "procrastinate_jobs",
    "procrastinate_workers",
)


def until(condition, seconds=10.0, what="it did not come true"):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what
        time.sleep(0.02)


def database_url() -> str:
    """The URL of the database that this test process uses."""
    from django.db import connection

    s = connection.settings_dict
    who = quote(s["USER"] or "", safe="") + (f":{quote(s['PASSWORD'], safe='')}" if s["PASSWORD"] else "")
    where = f"?host={quote(s['HOST'], safe='')}" + (f"&port={s['PORT']}" if s["PORT"] else "")
    return f"postgresql://{who}@/{quote(s['NAME'])}{where}"


class WorkerProcess:
    """A real worker in a process of its own."""

    def __init__(self, folder: Path, concurrency: int = 4):
        self.log = folder / f"worker-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = self._start(log, concurrency)

    @staticmethod
    def _start(log, concurrency):
        return subprocess.Popen(
            [sys.executable, "-m", "callboard.core.jobs.tests.sample", str(concurrency), "2"],
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "DJANGO_SETTINGS_MODULE": "callboard.project.settings",
                "PYTHONPATH": str(Path(__file__).parents[4]),
            },
            stderr=log,
            stdout=subprocess.DEVNULL,
        )

    def wait_ready(self):
        until(lambda: "is ready" in self.text() or self.process.poll() is not None, 30, "no worker")
        assert self.process.poll() is None, self.text()
        return self

    def text(self) -> str:
        return self.log.read_text()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=15):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise


@contextlib.contextmanager
def live_database(blocker):
    """Commit for real, know the sample jobs, and leave no rows behind."""
    from django.db import connection

    from callboard.core.auth.principal import SYSTEM, act_as
    from callboard.core.jobs.tests import sample

    with blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        sample.install()
        try:
            with act_as(SYSTEM, "cli"):
                yield
        finally:
            sample.uninstall()
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
            connection.close()
