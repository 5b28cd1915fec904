"""Read what is due, apply it, stitch what it touched: the engine of the catalog.

There is no loop that goes round all entities. A source is read when it is due: at once when it is
registered, named by a Location entity or refreshed, when a local file changes, and otherwise on its
schedule, where an unchanged answer ends the matter. Any number of workers may run this at once: a
lease keeps two from reading the same source, and whatever a killed worker held is due again at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import Q
from django.utils import timezone

from callboard.lib.problems import Place, Problem
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.services.applying import apply
from callboard.plugins.catalog.services.leasing import living_readers, reader
from callboard.plugins.catalog.services.reading import read_source
from callboard.plugins.catalog.services.stitching import stitch_dirty
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.emitted import EmittedProblem, SourceReading
from callboard.sdk.jobs import start

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
BATCH = 10
"""Sources read together; their entities are applied in one transaction."""
APPLY_AT = 1000
"""Entities that are enough for a transaction."""
ANALYSE_AT = 500
"""Entities that came or went after which the planner's statistics are renewed."""
READERS = 4
STITCH_SECONDS = 2.0
STITCH_SHARE = 5
"""Relations of a long load are stitched every two seconds, or as seldom as keeps it to a fifth of the time."""

Progress = Callable[[int, int, str], None]


def process_due(
    progress: Progress | None = None,
    *,
    only: Sequence[int] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Applied:
    """Read and apply every source that is due, and those that appear meanwhile; answer what changed.

    ``only`` starts from the given sources, due or not, and follows where they lead.
    """
    with reader() as number:
        return _process(progress, list(only or ()), stop, number)


def _process(progress: Progress | None, wanted: list[int], stop: Callable[[], bool] | None, number: int) -> Applied:
    total = Applied()
    done = 0
    stitched_at, cost = time.monotonic(), 0.0
    # While the database writes one batch, the next one is read: two cores have something to do.
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as ahead:
        reading: Future[list[SourceReading]] | None = None
        held: list[Source] = []
        claimed: list[Source] = []
        try:
            while True:
                claimed = _next_batch(wanted, number) if not (stop and stop()) else []
                following = ahead.submit(_read_ahead, claimed) if claimed else None
                if reading is not None:
                    for readings in _in_portions(reading.result()):
                        total.add(_apply_safely(readings))
                    done += len(held)
                elif following is None:
                    break
                reading, held = following, claimed
                if time.monotonic() - stitched_at > max(STITCH_SECONDS, STITCH_SHARE * cost):
                    # During a long load what is there already must not wait for the rest.
                    began = time.monotonic()
                    stitch_dirty()
                    stitched_at = time.monotonic()
                    cost = stitched_at - began
                if progress:
                    progress(done, done + waiting(), f"{len(total.created) + len(total.changed)} entities written")
        except BaseException:
            _give_back([*held, *claimed])
            raise
    stitch_dirty()
    if len(total.created) + len(total.removed) >= ANALYSE_AT:
        _refresh_statistics()
    return total


def _refresh_statistics() -> None:
    """Tell the planner what the tables hold now; by itself the database would find out a minute later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cb_catalog_entity, cb_catalog_relation, cb_catalog_body, cb_catalog_emission")


def _next_batch(wanted: list[int], number: int) -> list[Source]:
    """Claim from what is wanted by name, then from what is due."""
    while wanted:
        batch, wanted[:] = wanted[:BATCH], wanted[BATCH:]
        if sources := claim(batch, number):
            return sources
    return claim(number=number)


def _give_back(sources: Sequence[Source]) -> None:
    """Have sources that were claimed but not applied read by whoever comes next, not when the lease ends."""
    with suppress(DatabaseError):
        Source.objects.filter(pk__in=[source.pk for source in sources], due_at=None).update(
            due_at=timezone.now(), lease_until=None
        )


def claim(only: Sequence[int] | None = None, number: int = 0) -> list[Source]:
    """Take up to a batch of due sources; nobody else reads them while the reader of this number lives."""
    now = timezone.now()
    with transaction.atomic():
        # What a reader that died held is due again, and so is what one held for too long.
        over = Q(lease_until__lt=now) | (Q(lease_until__isnull=False) & ~Q(lease_by__in=living_readers()))
        free = Source.objects.exclude(type="provider").filter(Q(lease_until=None) | over)
        due = free.filter(pk__in=only) if only is not None else free.filter(Q(due_at__lte=now) | over)
        sources = list(due.order_by("due_at", "id").select_for_update(skip_locked=True, of=("self",))[:BATCH])
        Source.objects.filter(pk__in=[s.pk for s in sources]).update(
            lease_until=now + LEASE, lease_by=number, due_at=None
        )
    return sources


def wait_until_read(origin: str, timeout: float = 600.0) -> bool:
    """Wait until a registration and all it leads to were read, by whichever process; answer whether they were."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        unread = Source.objects.filter(origin=origin).filter(Q(read_at=None) | Q(lease_until__gt=timezone.now()))
        if not unread.exists():
            return True
        time.sleep(0.2)
    return False


def waiting() -> int:
    """Count the sources that are due and that nobody reads yet."""
    now = timezone.now()
    return Source.objects.filter(due_at__lte=now, lease_until=None).count()


def _read_ahead(sources: Sequence[Source]) -> list[SourceReading]:
    try:
        return _read_all(sources)
    finally:
        connection.close()


def _read_all(sources: Sequence[Source]) -> list[SourceReading]:
    if len(sources) == 1 or all(source.type == "file" for source in sources):
        # Local files are parsed, not waited for; threads would only get in each other's way.
        return [_read_safely(source) for source in sources]
    with ThreadPoolExecutor(max_workers=READERS) as pool:
        return list(pool.map(_read_in_thread, sources))


def _read_in_thread(source: Source) -> SourceReading:
    try:
        return _read_safely(source)
    finally:
        close_old_connections()
        connection.close()


def _read_safely(source: Source) -> SourceReading:
    try:
        return read_source(source)
    except Exception as error:
        log.exception("reading failed: %s", source)
        return _fault(source.pk, source.target, f"Reading failed inside the portal: {error!r}")


def _apply_safely(readings: list[SourceReading]) -> Applied:
    """Apply readings together; if one of them cannot be stored, the others are all the same."""
    try:
        return apply(readings)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(readings) > 1:
            total = Applied()
            for reading in readings:
                total.add(_apply_safely([reading]))
            return total
        log.exception("storing failed: source %s", readings[0].source_id)
        return apply([_fault(readings[0].source_id, "", f"Storing failed inside the portal: {error!r}")])


def _fault(source_id: int, target: str, message: str) -> SourceReading:
    """Make a fault of ours a problem like any other: it must not stop the other sources."""
    problem = Problem("internal", message[:2000], "Report this fault; the last good state is kept.", Place(target))
    return SourceReading(source_id, problems=[EmittedProblem(problem)], complete=False, failed=True)


def _in_portions(readings: Sequence[SourceReading]) -> list[list[SourceReading]]:
    portions: list[list[SourceReading]] = [[]]
    size = 0
    for reading in readings:
        if portions[-1] and size + len(reading.entities) > APPLY_AT:
            portions.append([])
            size = 0
        portions[-1].append(reading)
        size += len(reading.entities)
    return portions


def wake() -> None:
    """Have a worker process what is due, once the current transaction commits."""
    start("catalog.process")
