"""Renew the index: list documents again, compute what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from callboard.sdk.audit import record
from callboard.sdk.jobs import start
from callboard.sdk.permissions import require
from callboard.sdk.search import SearchIndexError, count_words, due, embed_waiting, known_types, probe, rebuild

MANAGE = "search.index.manage"


def request_rebuild(types: tuple[str, ...] = (), *, anew: bool = False) -> Any:
    """Let a worker list everything again; answer the run's id."""
    require(MANAGE)
    unknown = sorted(set(types) - set(known_types()))
    if unknown:
        raise SearchIndexError(f"there is no document type {unknown[0]!r}; there are: {', '.join(known_types())}")
    record("search.index.rebuild", ",".join(types) or "all", {"anew": anew})
    return start("search.rebuild", types=list(types), anew=anew)


def rebuild_types(
    types: tuple[str, ...],
    *,
    anew: bool = False,
    report: Callable[..., None] | None = None,
    log: Callable[..., None] | None = None,
) -> int:
    """List types again, all when none is named; one that fails does not keep the others from it."""
    failed: list[str] = []
    wanted = types or known_types()
    done = 0
    for name in wanted:
        try:
            made = rebuild(name, (lambda count, what: report(count, None, what)) if report else None, anew=anew)
        except SearchIndexError as error:
            failed.append(str(error))
            if log:
                log(str(error), "warning")
            continue
        done += made.written
        if log and (made.written or made.removed or made.refused):
            log(
                f"{name}: {made.written} written, {made.unchanged} unchanged, {made.removed} removed, "
                f"{made.refused} left out, {made.seconds:.1f} s"
            )
    if done:
        count_words()
    finish_vectors(report)
    if failed and len(failed) == len(wanted):
        raise SearchIndexError(failed[0])
    return done


def due_types() -> tuple[str, ...]:
    """Answer the types that are to be listed again now."""
    return due()


def finish_vectors(report: Callable[..., None] | None = None) -> int:
    """Compute the vectors that are missing, after trying whether they work here where nobody has yet."""
    probe()
    return embed_waiting((lambda count, what: report(count, None, what)) if report else None)
