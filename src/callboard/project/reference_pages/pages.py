"""List the generated pages of the reference."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def generated_pages(reference: Path) -> Iterator[tuple[Path, str]]:
    """Answer the place and the text of every page that follows from the code.

    Needs neither a database nor a data directory: what is asked of the portal is asked of its code. Only the
    bundled rooms are described, whatever else is installed.
    """
    _prepare()
    from callboard.project.reference_pages import (
        access,
        catalog_format,
        command_line,
        configuration,
        doors,
        http_api,
        tables,
    )

    makers: dict[str, Callable[[], str]] = {
        "catalog-format.md": catalog_format.page,
        "command-line.md": command_line.page,
        "configuration.md": configuration.page,
        "data-model.md": tables.page,
        "events.md": access.events_page,
        "http-api.md": http_api.page,
        "keyboard-shortcuts.md": doors.shortcuts_page,
        "metrics.md": doors.metrics_page,
        "permissions.md": access.permissions_page,
    }
    for name, make in makers.items():
        yield reference / name, make()


def _prepare() -> None:
    """Set Django up without a database, with settings that nobody has changed."""
    from django.apps import apps

    if apps.ready:
        return
    for name in [name for name in os.environ if name.startswith("CALLBOARD_") or name == "DATABASE_URL"]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="callboard-docs-") as place:
        os.environ["CALLBOARD_DATA_DIR"] = place
        from callboard.project.boot import start_django

        start_django(database=False)
