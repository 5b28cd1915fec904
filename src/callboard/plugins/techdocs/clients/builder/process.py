"""Ask for builds from the portal's side."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Say = Callable[[str, str], None]


class BuildError(Exception):
    """A build that did not come to an end; the message is for the owner of the documentation."""


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """What one build may use."""

    seconds: int = 300
    memory: int = 1024 * 1_048_576
    bytes: int = 500_000_000
    file_bytes: int = 100_000_000
    network: str = "preferred"


class Builder:
    """Keeps the warm process and hands it builds; any number of threads may ask at once."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def build(
        self,
        work: Path,
        values: dict[str, Any],
        limits: BuildLimits,
        say: Say,
        *,
        etag: str = "",
        stopped: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Build `work/source` into `work/site`; answers the builder's report, raises BuildError.

        `say(level, text)` gets every line of the log; `stopped()` is asked now and then whether to give up.
        """
        ours, theirs = socket.socketpair()
        try:
            self._hand_over(theirs)
            theirs.close()
            request = {
                "work": str(work),
                "values": values,
                "seconds": limits.seconds,
                "memory": limits.memory,
                "bytes": limits.bytes,
                "file_bytes": limits.file_bytes,
                "network": limits.network,
                "etag": etag,
            }
            ours.sendall(json.dumps(request).encode() + b"\n")
            return _follow(ours, limits, say, stopped)
        finally:
            # The keeper ends the build when nobody listens any more.
            ours.close()

    def close(self) -> None:
        """End the warm process; the next build starts another."""
        with self._guard:
            self._end()

    def _hand_over(self, connection: socket.socket) -> None:
        with self._guard:
            for _ in range(2):
                control = self._running()
                try:
                    socket.send_fds(control, [b"b"], [connection.fileno()])
                except OSError:
                    # It was idle for long and has gone; a new one is there in a moment.
                    self._end()
                else:
                    return
        raise BuildError("The builder process does not start. Look at the log of the worker.")

    def _running(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair()
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "NO_MKDOCS_2_WARNING": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "callboard.plugins.techdocs.clients.builder.zygote", str(theirs.fileno())],
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
        theirs.close()
        self._control = ours
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        self._control = self._process = None


def _follow(connection: socket.socket, limits: BuildLimits, say: Say, stopped: Callable[[], bool]) -> dict[str, Any]:
    connection.settimeout(0.5)
    # The keeper watches the time itself; this is for the case that it is gone as well.
    end = time.monotonic() + limits.seconds + 30
    waiting = b""
    locks: dict[str, Any] = {}
    while True:
        if stopped():
            raise BuildError("The build was stopped.")
        try:
            piece = connection.recv(65_536)
        except TimeoutError:
            if time.monotonic() > end:
                raise BuildError("The builder does not answer.") from None
            continue
        if not piece:
            raise BuildError("The builder ended without a word; it probably ran out of memory.")
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            if "log" in message:
                say(*message["log"])
            elif "locks" in message:
                locks = message["locks"]
            elif "failed" in message:
                raise BuildError(message["failed"])
            elif "done" in message:
                return {**message["done"], "locks": locks}


builder = Builder()
"""The one of this process."""
