"""The process that forks builds: `python -I -m callboard.plugins.techdocs.clients.builder.zygote <fd>`.

Over the socket it was given it receives one socket a build. The child that owns a build (the keeper) forks
once more: the grandchild locks itself in and builds, the keeper watches its time and size and says how it
ended. Whoever closes the socket ends the build.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

IDLE_SECONDS = 120
_LOOK_SECONDS = 0.05


def main() -> None:
    """Serve until the portal closes the socket or nothing is asked for a while."""
    from callboard.plugins.techdocs.clients.builder import render, sandbox

    control = socket.socket(fileno=int(sys.argv[1]))
    sandbox.die_with_parent()
    render.warm_up()
    import gc

    # What is loaded now stays shared between all builds; the collector would write into every page of it.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([control], [], [], IDLE_SECONDS)
        if not ready:
            return
        _, handles, _, _ = socket.recv_fds(control, 1, 1)
        if not handles:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _keep(socket.socket(fileno=handles[0]))
            os._exit(0)
        os.close(handles[0])


def _keep(connection: socket.socket) -> None:
    """Run one build and say how it ended."""
    stream = connection.makefile("rb")
    request: dict[str, Any] = json.loads(stream.readline())
    stream.close()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        _build(connection, request)
    end = started + request["seconds"]
    next_look = started + 1
    why = ""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        now = time.monotonic()
        if now > end:
            why = f"It took longer than {request['seconds']} seconds and was stopped."
        elif now > next_look:
            next_look = now + 1
            if _size(Path(request["work"])) > request["bytes"]:
                why = f"It wrote more than {request['bytes'] // 1_000_000:,} MB and was stopped."
        if why or _left(connection):
            _kill(child)
            _, status = os.waitpid(child, 0)
            break
        # Nothing to do but wait: for the end, or for whoever asked to go away.
        time.sleep(_LOOK_SECONDS if now - started > 1 else 0.005)
    _kill(child)
    if why or os.WIFSIGNALED(status):
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        why = why or {
            signal.SIGXCPU: "It used more processor time than it may and was stopped.",
            signal.SIGXFSZ: "It wrote a larger file than it may and was stopped.",
        }.get(signal.Signals(number), f"The builder was ended by signal {number}.")
        _send(connection, {"failed": why})


def _left(connection: socket.socket) -> bool:
    ready, _, _ = select.select([connection], [], [], 0)
    return bool(ready) and not connection.recv(1, socket.MSG_PEEK)


def _kill(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{path}/{name}").st_size
            except OSError:
                continue
    return total


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    try:
        connection.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        os._exit(0)


def _build(connection: socket.socket, request: dict[str, Any]) -> None:
    from callboard.plugins.techdocs.clients.builder import render, sandbox

    work = Path(request["work"])
    try:
        sandbox.die_with_parent()
        null = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(null, handle)
        render.use_temporary(work / "tmp")
        sandbox.limit(cpu_seconds=request["seconds"], memory_bytes=request["memory"], file_bytes=request["file_bytes"])
        locks = sandbox.lock_in(work, sandbox.readable_places())
        if request.get("network") == "required" and locks.network == "python":
            raise render.BuildFailedError(  # noqa: TRY301 - answered like every failure, below
                "This machine lets no build be cut off from the network by the kernel, and "
                "techdocs.build.network_isolation asks for it. Allow user namespaces, or set it to preferred."
            )
        _send(connection, {"locks": locks.as_dict()})
        done = render.render(
            work / "source",
            work / "site",
            request["values"],
            lambda level, text: _send(connection, {"log": [level, text]}),
            etag=request.get("etag", ""),
        )
        _send(connection, {"done": done})
    except render.BuildFailedError as error:
        _send(connection, {"failed": str(error)})
    except MemoryError:
        _send(connection, {"failed": f"It needed more than {request['memory'] // 1_048_576:,} MB of memory."})
    except BaseException as error:  # noqa: BLE001 - whatever a source brings about is its builder's answer
        _send(connection, {"failed": f"{type(error).__name__}: {error}"[:2000]})
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
