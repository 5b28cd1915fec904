"""Keep one PostgreSQL server running for as long as some `callboard` process uses it.

Run as ``python -m callboard.project.postgres.guardian DATA_DIR``. It is a process of its own so
that any command may come and go; it imports next to nothing, to stay small.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from callboard.project import processes
from callboard.project.locks import FileLock
from callboard.project.postgres import cluster
from callboard.project.postgres.binaries import MAJOR, usable_bin_dir
from callboard.project.postgres.layout import Layout, find_layout
from callboard.project.postgres.owner import current_owner

MAX_BACKOFF = 10.0
HEALTHY_SECONDS = 30.0


def say(text: str) -> None:
    """Write a line to the start-up log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    sys.stderr.flush()


class Guardian:
    """Start the server, restart it when it dies, stop it when nobody uses it or a signal says so."""

    def __init__(self, layout: Layout, *, durable: bool, linger: float) -> None:
        self.layout = layout
        self.durable = durable
        self.linger = linger
        self.stopping = False
        self.users = FileLock(layout.run_dir / "users.lock")

    def run(self) -> int:
        """Guard until the end; answer the exit status."""
        lock = FileLock(self.layout.run_dir / "guardian.lock")
        if not lock.exclusive(5):
            say("another guardian is at work")
            return 1
        lock.write(str(os.getpid()))
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._stop_stranger()
        failures = 0
        while not self.stopping:
            started = time.monotonic()
            server = self._start()
            was_ready = self._watch(server)
            if self.stopping:
                self._shut_down(server)
                break
            if not was_ready and failures == 0:
                return 1  # whoever is waiting for the first start reads the log and says why
            failures = 1 if time.monotonic() - started > HEALTHY_SECONDS else failures + 1
            pause = min(MAX_BACKOFF, 0.25 * 2 ** (failures - 1))
            say(f"the server ended with status {server.returncode}; starting it again in {pause:g} s")
            self._pause(pause)
        return 0

    def _stop(self, _signum: int, _frame: object) -> None:
        self.stopping = True

    def _stop_stranger(self) -> None:
        """End a server whose guardian was killed, so that one guardian has one server."""
        left = cluster.postmaster(self.layout)
        if left.pid:
            say(f"stopping a server without guardian, process {left.pid}")
            processes.tell(left.pid, signal.SIGINT)
            if not processes.wait_gone(left.pid, 20):
                processes.tell(left.pid, signal.SIGQUIT)
                processes.wait_gone(left.pid, 10)

    def _start(self) -> subprocess.Popen[bytes]:
        owner = self.layout.owner
        program = usable_bin_dir(owner, MAJOR) / "postgres"
        return subprocess.Popen(
            [program, "-D", str(self.layout.cluster), *cluster.settings(self.layout, durable=self.durable)],
            **owner.subprocess_options(),
            # Fast shutdown if this guardian is killed. It runs before any thread exists here.
            preexec_fn=processes.die_with_parent(signal.SIGINT),  # noqa: PLW1509
        )

    def _watch(self, server: subprocess.Popen[bytes]) -> bool:
        """Wait until the server ends or has to; answer whether it had been ready."""
        unused_since = 0.0
        ready = False
        while not self.stopping:
            try:
                server.wait(0.25 if ready else 0.02)
            except subprocess.TimeoutExpired:
                ready = ready or cluster.postmaster(self.layout).ready
            else:
                return ready
            if not self.users.try_exclusive():
                unused_since = 0.0
                continue
            unused_since = unused_since or time.monotonic()
            if time.monotonic() - unused_since >= self.linger:
                self.stopping = True  # the lock stays taken, so that nobody counts on this server
            else:
                self.users.release()
        return ready

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < deadline:
            time.sleep(0.05)

    def _shut_down(self, server: subprocess.Popen[bytes]) -> None:
        for signum, seconds in ((signal.SIGINT, 8.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if server.poll() is None:
                server.send_signal(signum)
                try:
                    server.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
            break
        say("stopped")


def main() -> int:
    """Read the arguments and guard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--linger", type=float, default=2.0)
    parser.add_argument("--no-durable", action="store_true")
    arguments = parser.parse_args()
    layout = find_layout(arguments.data_dir, current_owner())
    return Guardian(layout, durable=not arguments.no_durable, linger=arguments.linger).run()


if __name__ == "__main__":
    sys.exit(main())
