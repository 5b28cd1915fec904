"""Start the portal step by step, keep it running, and take it down in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from callboard.core.config.console import show
from callboard.project import processes
from callboard.project.locks import FileLock
from callboard.project.migration_note import MigrationNote
from callboard.project.postgres import ensure_running, status
from callboard.project.postgres import server as database
from callboard.project.problems import Problem
from callboard.project.supervisor.child import Child
from callboard.project.supervisor.plan import Plan
from callboard.project.supervisor.ports import check_port, is_ready

CHILDREN_SECONDS = 6.0
DATABASE_SECONDS = 3.5
READY_SECONDS = 120.0
WORKER_SECONDS = 20.0


class Supervisor:
    """Runs one portal: an instance of the class lives as long as `callboard up` does."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.data_dir = Path(plan.data_dir)
        self.embedded = not plan.database_url
        self.began = time.monotonic()
        self.stopping = 0
        self.children: list[Child] = []
        self.follow_up: subprocess.Popen[bytes] | None = None
        # Each thread would get a heap of its own, and keep what it once needed.
        self.environment = {"MALLOC_ARENA_MAX": "2", **os.environ}
        self.announced = False
        self.database_pid = 0
        self._looked_at_database = 0.0

    # --- Speaking -------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell the operator what happens."""
        sys.stderr.write(f"callboard: {text}\n")
        sys.stderr.flush()

    def step(self, text: str, since: float) -> None:
        """Tell a step of the start with the time it took."""
        self.say(f"{text} ({time.monotonic() - since:.1f} s)")

    # --- The life of the portal -----------------------------------------------

    def run(self) -> int:
        """Start, watch and stop; answer the exit status."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._on_signal)
        lock = FileLock(self.data_dir / "run" / "up.lock")
        if not lock.try_exclusive():
            return self._already_running(lock.read())
        check_port(self.plan.host, self.plan.port)
        lock.write(f"{os.getpid()} {self.plan.public_url} {self.plan.url}\n")
        try:
            self._start_database()
            if not self.stopping:
                self._migrate()
            if not self.stopping:
                self._start_children()
            while not self.stopping:
                self._tend()
                time.sleep(0.1 if self.announced else 0.03)
        finally:
            self._stop()
            lock.write("")
            lock.release()
        return 0

    def _on_signal(self, _signum: int, _frame: object) -> None:
        self.stopping += 1
        if self.stopping > 2:  # somebody is in a hurry
            for child in self.children:
                child.kill_group()

    def _already_running(self, note: str) -> int:
        pid, url = [*note.split(), "", ""][:2]
        where = f" at {url}" if url else ""
        if self.plan.json:
            show({"running": True, "pid": int(pid or 0), "url": url, "dataDir": str(self.data_dir)})
        else:
            process = f"process {pid}" if pid else "another process"
            self.say(f"already running{where} with the data directory {self.data_dir} ({process})")
        return 0

    # --- Starting -------------------------------------------------------------

    def _start_database(self) -> None:
        if not self.embedded:
            self.say("using the configured database")
            return
        since = time.monotonic()
        fresh = not (self.data_dir / "run" / "postgres.log").exists()
        if fresh:
            self.say(f"creating the database in {self.data_dir}")
        url = ensure_running(self.data_dir)
        self.environment["CALLBOARD_DATABASE__URL"] = url
        self.environment["CALLBOARD_EMBEDDED"] = "1"
        found = status(self.data_dir)
        self.database_pid = found.pid
        if not found.cluster.is_relative_to(self.data_dir):
            self.say(f"the data directory is closed to the database's user; its files are in {found.cluster}")
        self.step("database ready", since)

    def _migrate(self) -> None:
        since = time.monotonic()
        note = MigrationNote(self.data_dir)
        if self.embedded and note.is_current():
            return
        command = [sys.executable, "-P", "-m", "callboard.project.migrating"]
        child = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=processes.die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - no threads here
        )
        while child.poll() is None and not self.stopping:
            time.sleep(0.02)
        if self.stopping:
            child.kill()
            child.wait()
            return
        if child.returncode:
            raise Problem(
                "the database could not be brought to this version",
                "The reason stands above. Nothing else was started.",
                "migrate",
            )
        if self.embedded:
            note.write()
        self.step("database migrated", since)

    def _start_children(self) -> None:
        plan = self.plan
        web = ["-m", "callboard.project.web", plan.host, str(plan.port), str(plan.workers), str(plan.threads)]
        self._start_child("web", web)

    def _start_child(self, name: str, arguments: list[str]) -> None:
        child = Child(name, [sys.executable, "-P", *arguments], self.environment, self.say)
        child.start()
        self.children.append(child)

    # --- Watching -------------------------------------------------------------

    def _tend(self) -> None:
        for child in self.children:
            child.tend()
        if not self.announced:
            self._announce_when_ready()
        # The worker comes second, so that on a small machine the first page is not slower for it.
        if len(self.children) == 1 and (self.announced or time.monotonic() - self.began > WORKER_SECONDS):
            self._start_child("worker", ["-m", "callboard.project.work"])
        if self.follow_up is not None and self.follow_up.poll() is not None:
            if self.follow_up.returncode:
                self.say("loading the demo organisation failed; the reason stands above")
            self.follow_up = None
        if self.embedded and time.monotonic() - self._looked_at_database > 1.0:
            self._look_at_database()

    def _announce_when_ready(self) -> None:
        if is_ready(self.plan.url):
            self.announced = True
            self._banner()
            self.follow_up = subprocess.Popen(
                [sys.executable, "-P", "-m", "callboard.project.after_start", self.plan.public_url]
                + (["--demo"] if self.plan.demo else []),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads here
            )
        elif time.monotonic() - self.began > READY_SECONDS:
            self.announced = True
            self.say(f"no answer at {self.plan.url} yet; `callboard doctor` looks for the reason")

    def _banner(self) -> None:
        took = time.monotonic() - self.began
        lines = [f"Callboard is ready: {self.plan.public_url}"]
        if self.plan.demo:
            lines.append("Demo: anybody may look around as a guest; the demo organisation is being loaded.")
        lines.append(f"Started in {took:.1f} s. Ctrl-C stops it.")
        width = max(map(len, lines))
        sys.stdout.write("\n" + "\n".join(["─" * width, *lines, "─" * width]) + "\n\n")
        sys.stdout.flush()

    def _look_at_database(self) -> None:
        """Notice that the guardian restarted the server, and bring back one whose guardian was killed."""
        self._looked_at_database = time.monotonic()
        found = status(self.data_dir)
        if found.guardian_pid == 0:
            self.say("the database had gone; starting it again")
            try:
                ensure_running(self.data_dir)
            except Problem as problem:
                self.say(f"{problem.message}. {problem.remedy}")
                return
            self.database_pid = status(self.data_dir).pid
        elif found.running and found.pid != self.database_pid:
            self.say("the database had died and was started again; nothing that was committed is lost")
            self.database_pid = found.pid

    # --- Stopping -------------------------------------------------------------

    def _stop(self) -> None:
        if self.children:
            self.say("stopping …")
        deadline = time.monotonic() + CHILDREN_SECONDS
        if self.follow_up is not None:
            processes.tell(self.follow_up.pid, signal.SIGTERM)
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            if not child.wait(deadline - time.monotonic()):
                self.say(f"{child.name} did not stop in time and was ended")
            child.kill_group()
        if self.follow_up is not None:
            self.follow_up.kill()
            self.follow_up.wait()
        if self.embedded:
            self._stop_database()
        if self.children:
            self.say("stopped")

    def _stop_database(self) -> None:
        database.release(self.data_dir)
        try:
            if database.in_use_by_others(self.data_dir):
                self.say("another callboard command still uses the database; it stops when that one ends")
            elif not database.stop(self.data_dir, DATABASE_SECONDS):
                self.say("the database needs longer to stop and goes on doing so")
        except Problem as problem:
            self.say(f"{problem.message}. {problem.remedy}")
