"""Small facts about processes that the supervisor and the database guardian both need."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: int, parent: int = 0) -> Callable[[], None] | None:
    """Answer a function for a new child that asks the kernel for ``signum`` when its parent dies.

    The kernel forgets the wish when a process changes its user, so it has to run after that; it is
    Linux only, and elsewhere there is nothing to run. ``parent`` is this process unless named.
    """
    if _libc is None:
        return None
    libc, expected = _libc, parent or os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != expected:  # it died before the wish was made
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


def alive(pid: int) -> bool:
    """Whether a process with this id exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - hot path
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return sys.platform != "linux"


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait until the process is gone; answer whether it is."""
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def tell(pid: int, signum: int) -> None:
    """Send a signal; a process that is already gone is fine."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return
