"""Run the delivery of events inside the worker process: woken by commits, looking by itself now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, connection

from callboard.core.events import dispatch, sending

log = logging.getLogger(__name__)

T = TypeVar("T")

SUBSCRIBERS_AT_ONCE = 4
WEBHOOKS_AT_ONCE = 6
POLL_SECONDS = 1.0
"""How often it looks without being woken: retries become due, and a notification may be lost."""


class Dispatcher:
    """Spread subscribers and webhooks over two small thread pools, so that neither waits for the other."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        # A thread of its own looks, so that slow handlers never keep it from finding other work.
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._handlers = ThreadPoolExecutor(SUBSCRIBERS_AT_ONCE, thread_name_prefix="subscriber")
        self._senders = ThreadPoolExecutor(WEBHOOKS_AT_ONCE, thread_name_prefix="webhook")
        self._busy: set[str] = set()
        self._sending = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing = False

    def wake(self) -> None:
        """Look for deliveries now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._look()
                self._failing = False
            except DatabaseError as error:
                if not self._failing:
                    log.warning("events cannot be delivered for now: %s", error)
                self._failing = True
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def close(self, seconds: float) -> None:
        """Let what is under way end; what does not is delivered again by another worker."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self._looker.shutdown(wait=False, cancel_futures=True)
        self._handlers.shutdown(wait=False, cancel_futures=True)
        self._senders.shutdown(wait=False, cancel_futures=True)

    async def _look(self) -> None:
        for name in await _in(self._looker, dispatch.waiting_subscribers):
            if name not in self._busy:
                self._busy.add(name)
                self._spawn(self._serve(name))
        free = WEBHOOKS_AT_ONCE - self._sending
        if free > 0:
            for delivery_id in await _in(self._looker, lambda: sending.claim(free)):
                self._sending += 1
                self._spawn(self._send(delivery_id))

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, name: str) -> None:
        try:
            handled = await _in(self._handlers, lambda: dispatch.deliver(name))
        except DatabaseError as error:
            log.warning("delivery to %s stopped: %s", name, error)
            handled = 0
        finally:
            self._busy.discard(name)
        if handled:
            self._wake.set()

    async def _send(self, delivery_id: object) -> None:
        try:
            await _in(self._senders, lambda: sending.attempt(delivery_id))  # type: ignore[arg-type]
        except DatabaseError as error:
            log.warning("the outcome of a webhook could not be written; it is sent again: %s", error)
        finally:
            self._sending -= 1
        self._wake.set()


async def _in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    def call() -> T:
        try:
            return work()
        finally:
            # Back to the pool: between deliveries the thread holds no connection.
            connection.close()

    return await asyncio.get_running_loop().run_in_executor(pool, call)
