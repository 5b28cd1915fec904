"""Run the services that plugins contribute beside the jobs of a worker."""

from __future__ import annotations

import logging
import threading

from django.db import connection

from callboard.core.auth.principal import SYSTEM, act_as
from callboard.core.registry.contract import Service
from callboard.core.registry.store import registry

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
LOOK_SECONDS = 5.0


class Companions:
    """One thread a service; a service that fails is started again, one that is switched off stops."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def start(self) -> None:
        """Start a thread for every service, on or off: switching needs no restart."""
        for _, service in registry.every(Service):
            threading.Thread(target=self._keep, args=(service,), name=service.id, daemon=True).start()

    def stop(self) -> None:
        """Ask every service to end."""
        self._stop.set()

    def _keep(self, service: Service) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            if not registry.is_enabled(registry.owner_of(service)):
                self._stop.wait(LOOK_SECONDS)
                continue
            try:
                self._run(service)
            except Exception:  # noqa: BLE001 - noted by the guard on the plugin's page
                log.warning("the service %s failed and starts again in %.0f s", service.id, pause)
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if registry.is_enabled(registry.owner_of(service)):
                    return  # it had nothing (more) to do
            finally:
                connection.close()

    def _run(self, service: Service) -> None:
        """Run it until the worker stops or its plugin is switched off."""
        ended = threading.Event()
        threading.Thread(target=self._end_with, args=(service, ended), daemon=True).start()
        try:
            with act_as(SYSTEM, "job"), registry.guard(service):
                service.run(ended)
        finally:
            ended.set()

    def _end_with(self, service: Service, ended: threading.Event) -> None:
        while not ended.wait(1.0):
            if self._stop.is_set() or not registry.is_enabled(registry.owner_of(service)):
                ended.set()
