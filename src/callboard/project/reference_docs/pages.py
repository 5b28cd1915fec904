"""The list of generated pages, and the verb that writes or compares them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from callboard.project.reference_docs.contribution_points import ROOT, contributions_page

REFERENCE = ROOT / "docs" / "reference"


def wanted_pages() -> Iterator[tuple[Path, str]]:
    """Answer every generated page with the text it must have.

    Needs neither a database nor a data directory: whatever is asked of the portal is asked of its code.
    """
    _prepare()
    # Imported once Django is configured.
    from callboard.project.reference_docs import access, catalog_format, command_line, configuration, http_api, tables

    makers: dict[str, Callable[[], str]] = {
        "catalog-format.md": catalog_format.page,
        "command-line.md": command_line.page,
        "configuration.md": configuration.page,
        "data-model.md": tables.page,
        "events.md": access.events_page,
        "http-api.md": http_api.page,
        "keyboard-shortcuts.md": access.shortcuts_page,
        "metrics.md": access.metrics_page,
        "permissions.md": access.permissions_page,
    }
    yield REFERENCE / "contributions.md", contributions_page()
    for name, make in makers.items():
        yield REFERENCE / name, make()


def _prepare() -> None:
    """Set Django up without a database, with the settings nobody has changed."""
    from django.apps import apps

    if apps.ready:
        return
    for name in [name for name in os.environ if name.startswith("CALLBOARD_") or name == "DATABASE_URL"]:
        del os.environ[name]
    os.environ["CALLBOARD_DATA_DIR"] = tempfile.mkdtemp(prefix="callboard-docs-")
    from callboard.project.boot import start_django

    start_django(database=False)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` answer 1 if one is not what it would be."""
    check = "--check" in arguments
    stale = []
    for path, text in wanted_pages():
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for path in stale:
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is stale' if check else 'written'}\n")
    if check and stale:
        sys.stderr.write("  → make docs\n")
    return 1 if check and stale else 0
