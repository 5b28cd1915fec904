"""The worker process: runs jobs, starts what is due, takes up what was left behind, delivers events."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from django.db import DatabaseError, connection
from procrastinate.contrib.django import DjangoApp
from procrastinate.exceptions import ProcrastinateException
from procrastinate.psycopg_connector import PsycopgConnector

from callboard.core.config.current import portal_config
from callboard.core.events.dispatcher import Dispatcher
from callboard.core.jobs import live, recovery, schedules, tasks
from callboard.core.jobs.companions import Companions
from callboard.core.jobs.context import RunLostError
from callboard.core.jobs.models import Run
from callboard.core.jobs.presence import Presence, connection_parameters
from callboard.core.jobs.running import Outcome, finish
from callboard.core.registry.contract import Job
from callboard.core.registry.store import registry

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""How long running jobs may go on after the process was asked to stop."""
LETTING_GO_SECONDS = 1.5
TICK_SECONDS = 1.0
RECOVER_SECONDS = 2.0
SYNCHRONISE_SECONDS = 20.0
SETTLED_SECONDS = 12.0


def run(concurrency: int | None = None, stop_seconds: float = STOP_SECONDS) -> None:
    """Work until SIGTERM or SIGINT.

    Returns when running jobs have ended, or ends the process ``stop_seconds`` later, with the jobs
    that have not ended back in the queue.
    """
    asyncio.run(_Worker(concurrency or portal_config().jobs.concurrency, stop_seconds).serve())


class _Worker:
    def __init__(self, concurrency: int, stop_seconds: float) -> None:
        self._concurrency = concurrency
        self._stop_seconds = stop_seconds
        self._stop = asyncio.Event()
        self._dispatcher = Dispatcher()
        self._presence = Presence(concurrency, self._dispatcher.wake)
        self._reporter = live.Reporter()
        self._ticker = ThreadPoolExecutor(1, thread_name_prefix="ticker")

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        # One thread a job, so that a job that was taken from the queue never waits for a thread.
        jobs = ThreadPoolExecutor(self._concurrency + 2, thread_name_prefix="job")
        loop.set_default_executor(jobs)
        self._reporter.start()
        presence = asyncio.create_task(self._presence.keep(), name="presence")
        await _first(self._presence.ready.wait(), self._stop.wait())
        if self._stop.is_set():
            presence.cancel()
            return
        others = [
            asyncio.create_task(self._tick(), name="tick"),
            asyncio.create_task(self._dispatcher.run(), name="events"),
        ]
        work = asyncio.create_task(self._work(), name="jobs")
        companions = Companions()
        companions.start()
        log.info("the worker is ready: %d jobs at once", self._concurrency)
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({stopped, work, presence, *others}, return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in (work, presence, *others) if task.done() and not task.cancelled()]
        for task in failed:
            log.error("the worker stops: its part %r failed", task.get_name(), exc_info=task.exception())
        self._presence.stopping = True
        companions.stop()
        await self._wind_down(work, others)
        presence.cancel()
        await self._presence.leave()
        self._reporter.stop()
        self._ticker.shutdown(wait=False, cancel_futures=True)
        log.info("the worker has stopped")
        if failed:
            _leave(1)

    async def _wind_down(self, work: asyncio.Task[None], others: list[asyncio.Task[None]]) -> None:
        for task in others:
            task.cancel()
        work.cancel()
        running = len(live.contexts())
        if running:
            log.info("stopping; %d running jobs have up to %.0f s to end", running, self._stop_seconds)
        closing = asyncio.create_task(self._dispatcher.close(self._stop_seconds))
        await asyncio.wait({work, closing}, timeout=self._stop_seconds)
        if work.done():
            await closing
            return
        for context in live.contexts():
            context.stop(RunLostError("The worker was stopped while it ran; it begins again."))
        await asyncio.wait({work}, timeout=LETTING_GO_SECONDS)
        if live.contexts():
            # Their threads cannot be ended, so the process is; what they were doing waits again, for
            # long enough that this process is gone before another takes it.
            await asyncio.to_thread(_give_back)
            await self._presence.leave()
            log.info("the worker has stopped; what was still running is back in the queue")
            _leave(0)

    async def _work(self) -> None:
        """Take jobs from the queue; begin again when the database went away meanwhile."""
        pause = 0.5
        while True:
            # An application of its own: jobs that start jobs go on using Django's connection.
            app = DjangoApp(
                connector=PsycopgConnector(
                    kwargs=connection_parameters(), min_size=1, max_size=3, timeout=10, name="queue"
                )
            )
            tasks.register(app)
            began = time.monotonic()
            try:
                async with app.open_async():
                    await app.run_worker_async(
                        concurrency=self._concurrency,
                        install_signal_handlers=False,
                        fetch_job_polling_interval=1.0,
                        update_heartbeat_interval=5.0,
                        stalled_worker_timeout=recovery.LOST_ENTRY_SECONDS,
                        delete_jobs="always",
                    )
            except (ProcrastinateException, psycopg.Error, OSError) as error:
                log.warning("the queue of jobs cannot be read, trying again in %.1f s: %s", pause, _said(error))
            if time.monotonic() - began > 30:
                pause = 0.5
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
            await self._presence.ready.wait()

    async def _tick(self) -> None:
        recovered = synchronised = 0.0
        failing = False
        while True:
            now = time.monotonic()
            todo: list[Callable[[], object]] = []
            if now - synchronised >= SYNCHRONISE_SECONDS:
                todo.append(schedules.synchronise)
            todo.append(schedules.start_due)
            if now - recovered >= RECOVER_SECONDS and self._presence.settled(SETTLED_SECONDS):
                todo.append(recovery.recover)
            try:
                await asyncio.get_running_loop().run_in_executor(self._ticker, _each, todo)
                failing = False
                if schedules.synchronise in todo:
                    synchronised = now
                if recovery.recover in todo:
                    recovered = now
            except DatabaseError as error:
                if not failing:
                    log.warning("schedules cannot be looked at for now: %s", error)
                failing = True
            await asyncio.sleep(TICK_SECONDS)


def _each(todo: list[Callable[[], object]]) -> None:
    try:
        for work in todo:
            work()
    finally:
        connection.close()


def _give_back() -> None:
    for context in live.contexts():
        try:
            run = Run.objects.filter(pk=context.run_id).first()
            if run is not None:
                outcome = Outcome(Run.State.QUEUED, str(context.stopped_by), retry=True, uncounted=True)
                finish(run, registry.find(Job, run.job), context, outcome)
        except DatabaseError as error:
            log.warning("run %s could not be put back; another worker will notice: %s", context.run_id, error)
    connection.close()


def _said(error: BaseException) -> str:
    # Procrastinate wraps what the database said in an error that says nothing.
    cause = error.__cause__ or error
    return str(cause).strip() or type(cause).__name__


def _leave(status: int) -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _first(*waits: object) -> None:
    pending = [asyncio.ensure_future(wait) for wait in waits]  # type: ignore[call-overload]
    await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
