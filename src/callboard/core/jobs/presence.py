"""Be known as a living worker: one connection that holds the worker's lock and hears of events."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import psycopg
from procrastinate.contrib.django.utils import connector_params

from callboard.core.events.publishing import CHANNEL
from callboard.core.jobs import live
from callboard.core.jobs.recovery import WORKER_LOCKS

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0
RETRY_SECONDS = 5.0


def connection_parameters() -> dict[str, Any]:
    """Answer how to reach the database, noticing within seconds when it is silently gone."""
    return {
        **connector_params("default"),
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }


class Presence:
    """Holds the advisory lock on this worker's id, connects again when the connection is lost."""

    def __init__(self, concurrency: int, on_event: Callable[[], None]) -> None:
        self.ready = asyncio.Event()
        self.lost_at: float | None = None
        self.stopping = False
        self._concurrency = concurrency
        self._on_event = on_event
        self._id: int | None = None

    async def keep(self) -> None:
        """Stay connected until cancelled."""
        pause = 0.25
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **connection_parameters(), autocommit=True
                ) as connection:
                    await self._register(connection)
                    if self.lost_at is not None:
                        log.info("the database is back after %.0f s", time.monotonic() - self.lost_at)
                    pause = 0.25
                    self.ready.set()
                    self._on_event()
                    await self._stay(connection)
            except psycopg.errors.UndefinedTable:
                log.warning("the database has no tables for jobs yet: run `callboard migrate`")
            except (psycopg.Error, OSError) as error:
                if self.lost_at is None or self.ready.is_set():
                    self.lost_at = time.monotonic()
                self.ready.clear()
                log.warning("the database is away, trying again in %.1f s: %s", pause, str(error).strip())
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS)

    def settled(self, seconds: float) -> bool:
        """Whether it is connected and was so for ``seconds`` since it last lost the connection.

        Other workers lose theirs at the same time; they get this long to take their locks again.
        """
        return self.ready.is_set() and (self.lost_at is None or time.monotonic() - self.lost_at > seconds)

    async def leave(self) -> None:
        """Say that the worker has ended in good order."""
        if self._id is None:
            return
        try:
            async with await psycopg.AsyncConnection.connect(**connection_parameters(), autocommit=True) as connection:
                await connection.execute("DELETE FROM cb_jobs_worker WHERE id = %s", [self._id])
        except psycopg.Error as error:
            log.warning("the worker could not sign off: %s", error)

    async def _register(self, connection: psycopg.AsyncConnection[Any]) -> None:
        row = [socket.gethostname()[:200], os.getpid(), self._concurrency]
        if self._id is None:
            cursor = await connection.execute(
                "INSERT INTO cb_jobs_worker (host, pid, concurrency, started_at, heartbeat_at, stopping)"
                " VALUES (%s, %s, %s, now(), now(), false) RETURNING id",
                row,
            )
            found = await cursor.fetchone()
            self._id = found[0] if found else None
        else:
            await connection.execute(
                "INSERT INTO cb_jobs_worker (id, host, pid, concurrency, started_at, heartbeat_at, stopping)"
                " VALUES (%s, %s, %s, %s, now(), now(), false)"
                " ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()",
                [self._id, *row],
            )
        # The server, too, must notice when this process is cut off, or the lock would outlive it for hours.
        for setting, value in (("idle", 10), ("interval", 5), ("count", 3)):
            await connection.execute(f"SET tcp_keepalives_{setting} = {value}")  # type: ignore[arg-type]
        await connection.execute("SELECT pg_advisory_lock(%s, %s)", [WORKER_LOCKS, self._id])
        live.set_worker(self._id)
        await connection.execute(f"LISTEN {CHANNEL}")  # type: ignore[arg-type]

    async def _stay(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            beat = time.monotonic() + HEARTBEAT_SECONDS
            while (left := beat - time.monotonic()) > 0:
                async for _ in connection.notifies(timeout=left, stop_after=1):
                    self._on_event()
            await connection.execute(
                "UPDATE cb_jobs_worker SET heartbeat_at = now(), stopping = %s WHERE id = %s",
                [self.stopping, self._id],
            )
