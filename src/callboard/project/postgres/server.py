"""Start, find and stop the embedded server of a data directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from callboard.project import processes
from callboard.project.locks import FileLock
from callboard.project.postgres import cluster
from callboard.project.postgres.layout import Layout, find_layout, prepare_data_dir
from callboard.project.postgres.owner import current_owner
from callboard.project.problems import Problem

START_SECONDS = 120.0
"""How long recovery after a crash may take before a command gives up waiting."""

STOP_SECONDS = 9.0

_in_use: dict[Path, FileLock] = {}
_guardians: list[subprocess.Popen[bytes]] = []  # kept, because a forgotten one is reported as a leak


@dataclass(frozen=True)
class Status:
    """What is known of the embedded server of a data directory."""

    running: bool
    pid: int
    guardian_pid: int
    cluster: Path
    socket_dir: Path
    major: int
    log: Path


def ensure_running(data_dir: Path, *, durable: bool = True, linger: float = 2.0) -> str:
    """Answer the URL of the data directory's server, after creating and starting it where needed.

    The server stays for as long as this process lives and ``linger`` seconds more. ``durable=False``
    trades crash safety for speed and is for tests alone. Several commands may call this at once.
    """
    layout = _layout(data_dir)
    _guardians[:] = [guardian for guardian in _guardians if guardian.poll() is None]
    users = _in_use.get(layout.data_dir) or FileLock(layout.run_dir / "users.lock")
    # A guardian that is just shutting down holds this exclusively until it is gone.
    if not users.shared(START_SECONDS):
        raise Problem(
            f"the database in {layout.cluster} has been shutting down for {START_SECONDS:.0f} seconds",
            f"Look into {layout.start_log}.",
            "postgres-busy",
        )
    _in_use[layout.data_dir] = users
    with FileLock(layout.run_dir / "start.lock") as starting:
        if not starting.exclusive(START_SECONDS * 5):
            raise Problem(
                f"another command has been starting the database in {layout.cluster} for a long time",
                f"Look into {layout.start_log}.",
                "postgres-busy",
            )
        if not _is_ready(layout):
            layout = cluster.prepare(layout, durable=durable)
            _start(layout, durable=durable, linger=linger)
            cluster.provision(layout)
    return url_of(layout)


def url_of(layout: Layout) -> str:
    """Answer the connection URL of the portal's own role."""
    password = quote(layout.password("postgres_password"), safe="")
    return f"postgresql://callboard:{password}@/callboard?host={quote(str(layout.socket_dir), safe='/')}"


def _layout(data_dir: Path) -> Layout:
    return find_layout(prepare_data_dir(data_dir), current_owner())


def _guardian_pid(layout: Layout) -> int:
    """Answer the guardian's process id; the lock it holds proves that it lives."""
    with FileLock(layout.run_dir / "guardian.lock") as lock:
        if lock.try_exclusive():
            return 0
        note = lock.read().strip()
        return int(note) if note.isdigit() else 0


def _is_ready(layout: Layout) -> bool:
    return bool(_guardian_pid(layout)) and cluster.postmaster(layout).ready


def _start(layout: Layout, *, durable: bool, linger: float) -> None:
    with layout.start_log.open("w") as log:
        guardian = subprocess.Popen(
            [
                sys.executable,
                "-P",  # whatever stands in the current directory is none of its business
                "-m",
                "callboard.project.postgres.guardian",
                str(layout.data_dir),
                "--linger",
                str(linger),
                *(() if durable else ("--no-durable",)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C in a terminal reaches its whole process group; the database must outlive the web.
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
    _guardians.append(guardian)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(layout):
        if guardian.poll() is not None:
            raise cluster.start_problem(layout)
        if time.monotonic() > deadline:
            raise Problem(
                f"the database in {layout.cluster} was not ready after {START_SECONDS:.0f} seconds",
                f"It may still be recovering after a crash; look into {layout.start_log} and try again.",
                "postgres-start",
            )
        time.sleep(0.01)


def release(data_dir: Path) -> None:
    """Say that this process no longer uses the server."""
    users = _in_use.pop(data_dir.expanduser().absolute().resolve(), None)
    if users:
        users.release()


def in_use_by_others(data_dir: Path) -> bool:
    """Whether another process uses the server; call it after :func:`release`."""
    with FileLock(_layout(data_dir).run_dir / "users.lock") as lock:
        return not lock.try_exclusive()


def status(data_dir: Path) -> Status:
    """Answer what is known of the server without starting it."""
    layout = _layout(data_dir)
    found = cluster.postmaster(layout)
    return Status(
        running=found.ready,
        pid=found.pid,
        guardian_pid=_guardian_pid(layout),
        cluster=layout.cluster,
        socket_dir=layout.socket_dir,
        major=cluster.major_of(layout.cluster) or 0,
        log=layout.start_log,
    )


def stop(data_dir: Path, seconds: float = STOP_SECONDS) -> bool:
    """Stop the server, whoever uses it; answer whether it is gone.

    The guardian asks for a fast shutdown: open transactions are rolled back, everything committed
    is on disk, and the next start needs no recovery.
    """
    release(data_dir)
    layout = _layout(data_dir)
    deadline = time.monotonic() + seconds
    guardian = _guardian_pid(layout)
    if guardian:
        processes.tell(guardian, signal.SIGTERM)
        while _guardian_pid(layout) == guardian and time.monotonic() < deadline:
            time.sleep(0.02)
    left = cluster.postmaster(layout)
    if left.pid:  # its guardian was killed and the kernel could not tell it
        processes.tell(left.pid, signal.SIGINT)
        return processes.wait_gone(left.pid, max(0.1, deadline - time.monotonic()))
    return not _guardian_pid(layout)
