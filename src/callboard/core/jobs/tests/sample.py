"""Jobs, events and subscribers for tests, and a worker process that knows them."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

from callboard.core.registry.contract import EventType, Job, Permission, Subscriber


def note(folder: str, name: str, text: str) -> None:
    with (Path(folder) / name).open("a") as file:
        file.write(text + "\n")


def add_up(context, numbers, folder=""):
    for index, number in enumerate(numbers, 1):
        context.log(f"adding {number}")
        context.progress(index, len(numbers), f"at {number}")
    if folder:
        note(folder, "sum", str(sum(numbers)))


def who_am_i(context, folder):
    from callboard.core.auth.principal import acting

    note(folder, "who", f"{acting().principal.ref} {acting().door}")


def slow(context, folder, seconds=60, mark="x"):
    note(folder, "began", f"{mark} {os.getpid()} {time.time()}")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
        context.progress(1, 2, "waiting")
    note(folder, "ended", f"{mark} {os.getpid()} {time.time()}")


def deaf(context, folder, seconds=60):
    """Neither reports nor asks whether it has to stop."""
    note(folder, "began", str(os.getpid()))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
    note(folder, "ended", str(os.getpid()))


def kill_worker_once(context, folder):
    note(folder, "began", str(os.getpid()))
    if len((Path(folder) / "began").read_text().split()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    note(folder, "ended", str(os.getpid()))


def fail_until(context, folder, succeed_at):
    context.log(f"attempt {context.attempt}")
    note(folder, "tries", str(time.time()))
    if context.attempt < succeed_at:
        raise RuntimeError("the tape is torn")


def rolled_back(context):
    from django.db import transaction

    with transaction.atomic():
        context.log("said inside a transaction")
        raise RuntimeError("undone")


def handle_good(payload):
    note(payload["folder"], "good", str(payload["n"]))


def handle_bad(payload):
    note(payload["folder"], "bad", f"{payload['n']} {time.time()}")
    if payload.get("poison"):
        raise RuntimeError("cannot digest this")


def handle_other(payload):
    note(payload["folder"], "other", str(payload["n"]))


JOBS = [
    Job(id="sample.add-up", title="Add up", run=add_up),
    Job(id="sample.who", title="Who", run=who_am_i),
    Job(id="sample.slow", title="Slow", run=slow, retries=1),
    Job(id="sample.one-at-a-time", title="One at a time", run=slow, lock="sample"),
    Job(id="sample.short", title="Short", run=slow, timeout=1),
    Job(id="sample.deaf", title="Deaf", run=deaf, timeout=1),
    Job(id="sample.stubborn", title="Stubborn", run=deaf),
    Job(id="sample.killer", title="Killer", run=kill_worker_once),
    Job(id="sample.flaky", title="Flaky", run=fail_until, retries=2),
    Job(id="sample.broken", title="Broken", run=rolled_back),
    Job(id="sample.nightly", title="Nightly", run=add_up, schedule="0 3 * * *", hidden=True),
    Job(id="sample.never", title="Never", run=add_up, schedule="61 * * * *"),
    Job(id="sample.guarded", title="Guarded", run=add_up, permission="admin.jobs.manage"),
]
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "folder": {"type": "string"}},
    "required": ["n"],
}
EVENTS = [
    EventType(id="sample.happened", schema=SCHEMA),
    EventType(id="sample.ignored", schema=SCHEMA),
]
SUBSCRIBERS = [
    Subscriber(id="sample.good", event="sample.happened", handle=handle_good),
    Subscriber(id="sample.bad", event="sample.happened", handle=handle_bad),
    Subscriber(id="sample.other", event="sample.other-thing", handle=handle_other),
]
PERMISSIONS = [
    Permission(id="admin.jobs.manage", action="update"),
    Permission(id="admin.webhooks.manage", action="update"),
]


def install() -> None:
    """Let the registry of this process know them, as if a plugin called sample had brought them."""
    from callboard.core.registry.discovery import InstalledPlugin
    from callboard.core.registry.manifest import Manifest
    from callboard.core.registry.store import LoadedPlugin, registry

    known = {item.id for _, item in registry.every(Permission)}
    items = [*JOBS, *EVENTS, *SUBSCRIBERS, *(p for p in PERMISSIONS if p.id not in known)]
    plugin = InstalledPlugin(Manifest(name="sample", title="Sample", version="1"), "sample", "", bundled=False)
    registry._loaded["sample"] = LoadedPlugin(plugin, tuple(items))
    for item in items:
        registry._by_type.setdefault(type(item), []).append(("sample", item))


def uninstall() -> None:
    """Take them out again."""
    from callboard.core.registry.store import registry

    registry._loaded.pop("sample", None)
    for point, items in registry._by_type.items():
        registry._by_type[point] = [item for item in items if item[0] != "sample"]


if __name__ == "__main__":
    import django

    django.setup()
    install()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)

    from callboard.core.jobs import worker

    worker.run(int(sys.argv[1]), float(sys.argv[2]))
