"""Check everything the portal needs, each finding with its remedy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from callboard.project.problems import Problem

if TYPE_CHECKING:
    from callboard.core.config.schema import PortalConfig

OLDEST_POSTGRES = 15
LOW_SPACE = 1_000_000_000
NO_SPACE = 100_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Answer all findings; a check that cannot be made is a finding, and the others are made all the same."""
    findings = list(_run("python", _python))
    config: PortalConfig | None = None
    try:
        config = _config()
        findings.append(Finding("configuration", "ok", str(config.file or "no file; defaults and environment")))
    except Exception as error:  # noqa: BLE001 - the very thing to report
        findings += _config_findings(error)
    findings += _run("git", _git)
    if config is None:
        return findings
    settings = config
    findings += _run("data directory", lambda: _data_dir(settings))
    findings += _run("port", lambda: _port(settings))
    ready = list(_run("database", lambda: _database(settings)))
    findings += ready
    if all(item.status != "error" for item in ready):
        for name, check in (("migrations", _migrations), ("extensions", _extensions), ("worker", _worker)):
            findings += _run(name, check)
    if "django" in sys.modules:
        findings += _run("assets", _assets)
        findings += _run("plugins", _plugins)
        if all(item.status != "error" for item in findings if item.name in {"database", "migrations"}):
            # What the portal itself has looked at is not said twice.
            said = {item.name.lower() for item in findings}
            findings += [item for item in _contributed() if item.name.lower() not in said]
    return findings


def _run(name: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except Problem as problem:
        return [Finding(name, "error", problem.message, problem.remedy)]
    except Exception as error:  # noqa: BLE001 - a broken check is reported beside the others
        return [Finding(name, "error", f"{type(error).__name__}: {error}".strip())]


def _python() -> Iterator[Finding]:
    text = ".".join(map(str, sys.version_info[:3]))
    oldest = (3, 11)  # whoever installs with --ignore-requires-python hears it here
    if sys.version_info[:2] < oldest:
        yield Finding("python", "error", f"{text} is too old", "Install Python 3.11 or newer.")
    else:
        yield Finding("python", "ok", f"{text} ({sys.executable})")


def _config() -> PortalConfig:
    from callboard.project.boot import read_config

    return read_config()


def _config_findings(error: Exception) -> Iterator[Finding]:
    from callboard.lib.problems import ProblemError

    if not isinstance(error, ProblemError):
        yield Finding("configuration", "error", str(error))
        return
    for problem in error.problems:
        yield Finding("configuration", "error", f"{problem.place}: {problem.message}", problem.remedy)


def _git() -> Iterator[Finding]:
    program = shutil.which("git")
    if program:
        yield Finding("git", "ok", program)
    else:
        yield Finding(
            "git",
            "warning",
            "git is not installed, so Git repositories cannot be read",
            "Install git (apt install git).",
        )


def _data_dir(config: PortalConfig) -> Iterator[Finding]:
    from callboard.project.boot import run_dir

    place = run_dir(config.data_dir)
    probe = place / f".doctor-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield Finding(
            "data directory",
            "error",
            f"{config.data_dir} cannot be written: {error.strerror}",
            "Make it writable for this user, or choose another one with --data-dir.",
        )
        return
    free = shutil.disk_usage(config.data_dir).free
    text = f"{config.data_dir}, {free / 1e9:.1f} GB free"
    if free < NO_SPACE:
        yield Finding("data directory", "error", text, "Free some disk space: the database stops without it.")
    elif free < LOW_SPACE:
        yield Finding("data directory", "warning", text, "Free some disk space soon.")
    else:
        yield Finding("data directory", "ok", text)


def _port(config: PortalConfig) -> Iterator[Finding]:
    from callboard.project.locks import FileLock
    from callboard.project.supervisor.ports import check_port, is_ready

    with FileLock(config.data_dir / "run" / "up.lock") as lock:
        note = [] if lock.try_exclusive() else lock.read().split()
    if len(note) == 3:
        pid, _public, url = note
        if is_ready(url):
            yield Finding("port", "ok", f"{url} is answered by this portal (process {pid})")
        else:
            remedy = "It may still be starting; its messages stand where `callboard up` runs."
            yield Finding("port", "error", f"the portal runs (process {pid}) but does not answer at {url}", remedy)
        return
    check_port(config.server.host, config.server.port)
    yield Finding("port", "ok", f"{config.server.host}:{config.server.port} is free")


def _database(config: PortalConfig) -> Iterator[Finding]:
    from callboard.project.boot import is_embedded, start_django

    start_django()
    from django.db import connection

    major = connection.pg_version // 10000
    kind = "embedded" if is_embedded(config) else "configured"
    if major < OLDEST_POSTGRES:
        yield Finding(
            "database",
            "error",
            f"PostgreSQL {major} is too old",
            f"Use PostgreSQL {OLDEST_POSTGRES} or newer.",
        )
    else:
        yield Finding("database", "ok", f"{kind} PostgreSQL {major} answers")


def _migrations() -> Iterator[Finding]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        yield Finding("migrations", "error", f"{len(plan)} migrations are not applied", "Run `callboard migrate`.")
    else:
        yield Finding("migrations", "ok", "all applied")


def _extensions() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select name from pg_available_extensions where name in ('vector', 'pg_trgm')")
        there = {row[0] for row in cursor.fetchall()}
    missing = sorted({"vector", "pg_trgm"} - there)
    note = f"; not available and not needed: {', '.join(missing)}" if missing else ""
    yield Finding("extensions", "ok", f"{', '.join(sorted(there)) or 'none'}{note}")


def _worker() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from procrastinate_workers where last_heartbeat > now() - interval '60 seconds'"
        )
        alive = cursor.fetchone()[0]
    if alive:
        yield Finding("worker", "ok", f"{alive} running")
    else:
        yield Finding(
            "worker",
            "warning",
            "no worker is running, so jobs wait",
            "Start `callboard up` or `callboard worker`.",
        )


def _assets() -> Iterator[Finding]:
    from pathlib import Path

    from callboard.core import ui

    dist = Path(str(ui.__file__)).parent / "static" / "callboard" / "dist"
    if dist.is_dir() and any(dist.iterdir()):
        yield Finding("assets", "ok", str(dist))
    else:
        yield Finding("assets", "error", f"{dist} is missing: pages have no style", "Run `make assets`, or reinstall.")


def _plugins() -> Iterator[Finding]:
    from callboard.core.registry.store import registry

    for bad in registry.quarantined():
        yield Finding("plugins", "warning", f"{bad.name} is quarantined: {bad.reason}", bad.remedy)
    yield Finding("plugins", "ok", f"{', '.join(item.plugin.name for item in registry.plugins())} loaded")


def _contributed() -> Iterator[Finding]:
    from callboard.core.registry.contract import HealthCheck
    from callboard.core.registry.store import registry

    for item in registry.of(HealthCheck):
        try:
            with registry.guard(item):
                result = item.check()
            yield Finding(item.title or item.id, result.status, result.message, result.remedy)
        except Exception as error:  # noqa: BLE001 - raising is how a check fails
            yield Finding(item.title or item.id, "error", f"{type(error).__name__}: {error}")
