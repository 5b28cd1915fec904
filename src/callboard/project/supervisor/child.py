"""One supervised process: started, watched, started again with growing pauses, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from callboard.project import processes

MAX_PAUSE = 10.0
STEADY_SECONDS = 30.0


class Child:
    """A process that has to run for as long as the portal does."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], say: Callable[[str], None]) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self._started = 0.0
        self._next_start = 0.0

    @property
    def pid(self) -> int:
        """The process id, or 0."""
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C reaches it through the supervisor alone."""
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # The supervisor has no threads, so running Python between fork and exec is safe.
            preexec_fn=processes.die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
        self._started = time.monotonic()

    def tend(self) -> bool:
        """Notice an end and start again after a pause; answer whether it was started just now."""
        now = time.monotonic()
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return False
            self.kill_group()  # what it had started itself must not hold on to the port
            self.failures = 1 if now - self._started > STEADY_SECONDS else self.failures + 1
            pause = min(MAX_PAUSE, 0.1 * 3 ** (self.failures - 1))
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            self.say(f"{self.name} {how}; starting it again{f' in {pause:.1f} s' if pause > 0.5 else ''}")
            self.process, self._next_start = None, now + pause
        if now >= self._next_start:
            self.start()
            return True
        return False

    def ask_to_stop(self) -> None:
        """Ask the process to finish what it is doing and end."""
        if self.process is not None and self.process.poll() is None:
            processes.tell(self.process.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; answer whether it came."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill_group(self) -> None:
        """End the process and everything it started, at once."""
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wait(2)
