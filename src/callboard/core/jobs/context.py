"""What a running job holds in its hand: progress, log, and the wish of somebody that it stops."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.utils import timezone

LogLevel = Literal["debug", "info", "warning", "error"]

LOG_LINES = 10_000
"""Lines kept of one run; whoever writes more is usually in a loop."""
LOG_CHARACTERS = 4_000
INSIST_SECONDS = 2.0
"""How long a job that was told to stop may go on before the stop is raised inside its thread."""


class StopRunError(Exception):
    """Raised inside a job that has to stop; let it pass."""


class JobCancelledError(StopRunError):
    """Somebody cancelled the run."""


class JobTimedOutError(StopRunError):
    """The run took longer than the job's time limit."""


class RunLostError(StopRunError):
    """The attempt no longer counts: the process stops, or another worker has taken the run over."""


class JobContext:
    """Handed to ``run(context, **arguments)`` of a job.

    ``progress`` and ``log`` only note in memory; a thread of the worker writes twice a second, outside
    the job's own transactions. Both raise when the run has to stop, so a job that reports stops by itself;
    one that does long work without reporting asks ``cancelled()`` now and then.
    """

    def __init__(
        self,
        run_id: UUID,
        token: UUID,
        *,
        attempt: int = 1,
        timeout: float = 3600,
        lines: int = 0,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.run_id = run_id
        self.token = token
        self.attempt = attempt
        self.arguments = dict(arguments or {})
        self.timeout = timeout
        self.began = time.monotonic()
        self._guard = threading.Lock()
        self._done = 0
        self._total: int | None = None
        self._message = ""
        self._changed = False
        self._lines: list[tuple[int, datetime, str, str]] = []
        self._count = lines
        self._stop: StopRunError | None = None
        self._stop_at = 0.0
        self._thread: int | None = None

    # --- For jobs ---------------------------------------------------------------

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Say how far it is: ``done`` of ``total`` (``None`` where nobody knows) and what it does now."""
        with self._guard:
            self._done, self._total = max(0, int(done)), None if total is None else max(0, int(total))
            self._message = message[:500]
            self._changed = True
        self.check()

    def log(self, message: str, level: LogLevel = "info") -> None:
        """Add a line to the run's log, for people. Write nothing secret."""
        self.note(message, level)
        self.check()

    def cancelled(self) -> bool:
        """Whether the run has to stop: cancelled, out of time, or the worker stops."""
        return self._stop is not None or self._late()

    def check(self) -> None:
        """Raise if the run has to stop."""
        if self._stop is None and self._late():
            self.stop(JobTimedOutError(f"it took longer than {self.timeout:g} seconds"))
        if self._stop is not None:
            raise self._stop

    # --- For the worker -----------------------------------------------------------

    def note(self, message: str, level: LogLevel = "info") -> None:
        """Add a line without asking whether the run has to stop."""
        with self._guard:
            if self._count > LOG_LINES:
                return
            self._count += 1
            if self._count > LOG_LINES:
                message, level = f"The log ends here: a run keeps {LOG_LINES} lines.", "warning"
            text = str(message).replace("\x00", "�")
            if len(text) > LOG_CHARACTERS:
                text = text[:LOG_CHARACTERS] + "…"
            self._lines.append((self._count, timezone.now(), level, text))

    def take(self) -> tuple[dict[str, Any] | None, list[tuple[int, datetime, str, str]]]:
        """Hand over what is new since the last call: progress fields, if changed, and log lines."""
        with self._guard:
            lines, self._lines = self._lines, []
            if not self._changed:
                return None, lines
            self._changed = False
            return {
                "progress_done": self._done,
                "progress_total": self._total,
                "progress_message": self._message,
            }, lines

    def give_back(self, lines: list[tuple[int, datetime, str, str]]) -> None:
        """Keep lines that could not be written for the next time, and the progress with them."""
        with self._guard:
            self._lines = lines + self._lines
            self._changed = True

    def stop(self, reason: StopRunError) -> None:
        """Ask the job to stop; the first reason stays."""
        if self._stop is None:
            self._stop, self._stop_at = reason, time.monotonic()

    def insist(self) -> None:
        """Enforce the time limit, and raise the stop inside a job that does not react to it."""
        if self._stop is None:
            if self._late():
                self.stop(JobTimedOutError(f"it took longer than {self.timeout:g} seconds"))
            return
        if time.monotonic() - self._stop_at < INSIST_SECONDS:
            return
        with self._guard:
            if self._thread is not None:
                # Takes effect at the thread's next step in Python; a call that blocks outside of Python
                # returns first. It is repeated, since a job may swallow the first one.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread), ctypes.py_object(type(self._stop))
                )
                self._stop_at = time.monotonic()

    @property
    def stopped_by(self) -> StopRunError | None:
        """Why the run has to stop, if it has to."""
        return self._stop

    def enter(self) -> None:
        """Note the thread that the job runs in."""
        with self._guard:
            self._thread = threading.get_ident()

    def leave(self) -> None:
        """Forget the thread, and a stop that was raised in it but has not arrived."""
        with self._guard:
            if self._thread is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)
            self._thread = None

    def _late(self) -> bool:
        return self.timeout > 0 and time.monotonic() - self.began > self.timeout
