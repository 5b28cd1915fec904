"""Switch plugins on and off."""

from __future__ import annotations

from django.db import transaction

from callboard.sdk import plugins
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.events import publish
from callboard.sdk.permissions import require


def enable_plugin(name: str) -> None:
    """Switch a plugin on; what it requires must be on."""
    require("admin.plugins.manage")
    with transaction.atomic():
        plugins.enable_plugin(name, principal().ref)
        record("portal.plugin.enable", f"plugin:{name}")
        publish("portal.plugin-switched", {"name": name, "enabled": True})


def disable_plugin(name: str) -> None:
    """Switch a plugin off; its data stays. Nothing that is on may require it."""
    require("admin.plugins.manage")
    with transaction.atomic():
        plugins.disable_plugin(name, principal().ref)
        record("portal.plugin.disable", f"plugin:{name}")
        publish("portal.plugin-switched", {"name": name, "enabled": False})
