"""Work of the documentation that happens in the background."""

from __future__ import annotations

import threading
from pathlib import Path

from django.db import close_old_connections, connection

from callboard.plugins.catalog.public import watch_directories
from callboard.plugins.techdocs.selectors.sources import settings
from callboard.plugins.techdocs.services import building
from callboard.plugins.techdocs.services.changes import affected_sites, watched_folders
from callboard.sdk.auth import SYSTEM, act_as
from callboard.sdk.jobs import JobContext, JobError

_LOOK_AGAIN_SECONDS = 5.0


def build(context: JobContext, ref: str, version: str = "", *, force: bool = False) -> None:
    """Bring one site up to date with its source."""

    def say(level: str, text: str) -> None:
        context.log(text, "error" if level == "error" else "warning" if level == "warning" else "info")

    building.build_site(ref, version, say, force=force, stopped=context.cancelled)


def refresh(context: JobContext) -> None:
    """Look at the sources of all sites that were not looked at for a while."""
    if settings().builder == "external":
        return
    due = building.due_sites()
    for count, (ref, version) in enumerate(due):
        context.progress(count, len(due), ref)
        building.build_site(ref, version, lambda _level, _text: None, stopped=context.cancelled)
    if due:
        context.log(f"{len(due)} sources looked at")


def keep_local_docs_fresh(stop: threading.Event) -> None:
    """Watch the local folders that sites are built from, and build anew what changed."""
    if settings().builder == "external":
        return
    watching: tuple[Path, ...] | None = None
    ended = threading.Event()
    while not stop.wait(0 if watching is None else _LOOK_AGAIN_SECONDS):
        wanted = watched_folders()
        connection.close()
        if wanted != watching:
            ended.set()
            ended = threading.Event()
            watching = wanted
            if wanted:
                threading.Thread(
                    target=watch_directories, args=(wanted, _changed, ended), name="watch-docs", daemon=True
                ).start()
    ended.set()


def _changed(paths: frozenset[Path]) -> None:
    close_old_connections()
    try:
        with act_as(SYSTEM, "system"):
            for ref in affected_sites(paths):
                try:
                    building.request_build(ref)
                except (building.NoDocsError, JobError):
                    continue
    finally:
        connection.close()
