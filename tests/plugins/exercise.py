"""Exercise a portal that has the plugins of this directory installed; write what was seen as JSON.

Runs in a process of its own, because discovery, settings, apps and migrations happen once a process.
Each check stands for itself: one that raises leaves its traceback, and the others go on.
"""

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callboard.project.boot import start_django

start_django()

from callboard_dummy import services, types  # noqa: E402
from callboard_dummy.models import Thing  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from callboard.plugins.catalog.public import entity_view  # noqa: E402
from callboard.plugins.catalog.selectors.problems import problems  # noqa: E402
from callboard.plugins.catalog.services.locations import register_location  # noqa: E402
from callboard.plugins.catalog.services.processing import process_due  # noqa: E402
from callboard.plugins.catalog.services.providers import run_provider  # noqa: E402
from callboard.project.after_start import _load_demo as load_demo  # noqa: E402
from callboard.project.doctor import examine  # noqa: E402
from callboard.project.migrating import migrate  # noqa: E402
from callboard.sdk import contributions as points  # noqa: E402
from callboard.sdk import permissions  # noqa: E402
from callboard.sdk.audit import AuditEntry  # noqa: E402
from callboard.sdk.auth import SYSTEM, Principal, act_as, create_token, create_user  # noqa: E402
from callboard.sdk.config import room_settings  # noqa: E402
from callboard.sdk.contributions import Contribution  # noqa: E402
from callboard.sdk.jobs import lines, run, start  # noqa: E402
from callboard.sdk.plugins import contribution, contributions, is_enabled, registry  # noqa: E402

COMMAND = "from callboard.project.cli import main; main()"
SOURCE = """
apiVersion: dummy.example.org/v1
kind: Puppet
metadata:
  name: marionette
  annotations: {dummy.example.org/seen: "yes"}
spec: {strings: 7, handledBy: puppeteers}
---
apiVersion: dummy.example.org/v1
kind: Puppet
metadata: {name: stringless}
spec: {strings: 0}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: forbidden}
spec: {type: service, lifecycle: production, owner: puppeteers}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: fatal}
spec: {type: service, lifecycle: production, owner: puppeteers}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: stage}
spec: {type: service, lifecycle: production, owner: puppeteers}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: puppeteers}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: troupe}
spec: {targets: [./troupe.yml]}
"""

Check = Callable[[], Any]
checks: list[Check] = []
ada: Any = None
admin, person = Client(raise_request_exception=False), Client(raise_request_exception=False)


def check(function: Check) -> Check:
    checks.append(function)
    return function


def text(answer: Any) -> str:
    return answer.content.decode()


def command(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    return {"status": process.returncode, "out": out, "err": err}


def until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    return None


@check
def migrated() -> Any:
    return migrate()


@check
def people() -> Any:
    global ada
    ada = create_user("ada", administrator=True)
    admin.force_login(ada)
    person.force_login(create_user("grace"))
    return True


@check
def listed() -> Any:
    """Every contribution of the dummy by its point, as the registry lists it, with the owner."""
    found: dict[str, list[str]] = {}
    for name in points.__all__:
        point = getattr(points, name)
        if isinstance(point, type) and issubclass(point, Contribution) and point is not Contribution:
            found[name] = [item.id for item in contributions(point) if registry.owner_of(item) == "dummy"]
    return found


@check
def settings() -> Any:
    return room_settings("dummy").greeting


@check
def demo_data() -> Any:
    from unittest import mock  # noqa: F401 - only to be sure nothing of it is in use

    catalog = [item for item in contributions(points.DemoData) if registry.owner_of(item) == "dummy"]
    with act_as(SYSTEM, "system"):
        for _ in range(2):
            for item in catalog:
                item.load()
    return list(Thing.objects.values_list("name", flat=True))
