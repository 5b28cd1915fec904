"""Notice changes of local files and have their sources read again at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import DatabaseError, close_old_connections, connection

from callboard.plugins.catalog.clients.watch import watch
from callboard.plugins.catalog.selectors.sources import static_part, watched_files, watched_targets
from callboard.plugins.catalog.services.locations import follow_configuration, refresh_sources
from callboard.plugins.catalog.services.reading import settings
from callboard.sdk.auth import SYSTEM, act_as

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 1.0
"""How long a newly registered local source may go unwatched; what changes meanwhile is read once watching begins."""


def keep_local_files_fresh(stop: threading.Event) -> None:
    """Register the configured locations, then watch the directories of all local sources until ``stop``."""
    with act_as(SYSTEM, "system"):
        follow_configuration()
        if not settings().watch_files:
            return
        watching: tuple[Path, ...] | None = None
        ended = threading.Event()
        while not stop.wait(0 if watching is None else LOOK_AGAIN_SECONDS):
            wanted = directories()
            connection.close()
            if wanted != watching:
                ended.set()
                ended = threading.Event()
                watching = wanted
                threading.Thread(
                    target=watch,
                    args=(wanted, _changed, ended),
                    kwargs={"on_start": _began},
                    name="watch-files",
                    daemon=True,
                ).start()
        ended.set()


def directories() -> tuple[Path, ...]:
    """Answer the directories to watch: none inside another, none that is not there."""
    found = {Path(path).parent for path in watched_files()}
    for target in watched_targets().values():
        path = Path(static_part(target)) if any(c in target for c in "*?[{") else Path(target)
        found.add(path if path.is_dir() else path.parent)
    kept: list[Path] = []
    for path in sorted(p for p in found if p.is_absolute() and p.is_dir() and p != Path("/")):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)


def affected_sources(paths: Iterable[Path]) -> list[int]:
    """Answer the sources that read one of these files, or whose pattern or directory it may belong to."""
    changed = {str(path) for path in paths}
    found = {pk for path, pks in watched_files().items() if path in changed for pk in pks}
    for pk, target in watched_targets().items():
        if target in changed:
            found.add(pk)
            continue
        pattern = any(c in target for c in "*?[{")
        if not pattern and not Path(target).is_dir():
            continue
        base = static_part(target) if pattern else target
        if any(Path(path).is_relative_to(base) for path in changed):
            found.add(pk)
    return sorted(found)


def _began() -> None:
    # Files may have changed while nobody watched: before the start, or while one watch replaced another.
    _refresh(lambda: sorted(watched_targets()))


def _changed(paths: frozenset[Path]) -> None:
    _refresh(lambda: affected_sources(paths))


def _refresh(which: Callable[[], list[int]]) -> None:
    close_old_connections()
    try:
        with act_as(SYSTEM, "system"):
            refresh_sources(which())
    except DatabaseError:
        # The schedule reads the files later, so nothing is lost.
        log.warning("changed files could not be noted; they are read on schedule", exc_info=True)
    finally:
        connection.close()
