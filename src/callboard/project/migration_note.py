"""Remember that the database is up to date, so that a start need not set Django up to find that out."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("django", "django-allauth", "procrastinate")
ROWS = "select md5(coalesce(string_agg(app || '.' || name, ',' order by app, name), '')) from django_migrations"


class MigrationNote:
    """Compares the migrations on disk and in the embedded database with those of the last start."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.path = data_dir / "run" / "migrated.json"

    def is_current(self) -> bool:
        """Whether neither the code nor the database has changed since the last migration."""
        try:
            noted = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return False
        return bool(noted.get("rows")) and noted == self._now()

    def write(self) -> None:
        """Note what there is now."""
        self.path.write_text(json.dumps(self._now()))

    def _now(self) -> dict[str, str | None]:
        return {"code": fingerprint(), "rows": self._rows()}

    def _rows(self) -> str | None:
        from callboard.project.postgres import cluster, server

        layout = server._layout(self.data_dir)  # noqa: SLF001 - the same package family
        return cluster.sql(layout, ROWS, role=cluster.ROLE, database=cluster.ROLE)


def fingerprint() -> str:
    """Answer a digest of every migration file of the portal and its plugins, and of library versions."""
    digest = hashlib.sha256()
    for name in LIBRARIES:
        try:
            digest.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            continue
    core = Path(__file__).resolve().parent.parent / "core"
    folders = sorted(core.glob("*/migrations"))
    for point in sorted(entry_points(group="callboard.plugins"), key=lambda point: point.name):
        digest.update(f"{point.name}={point.value}\n".encode())
        try:
            spec = find_spec(point.value.partition(":")[0])
        except (ImportError, ValueError):
            continue
        if spec and spec.submodule_search_locations:
            folders.append(Path(spec.submodule_search_locations[0]) / "migrations")
    for folder in folders:
        for file in sorted(folder.glob("*.py")):
            digest.update(f"{folder.parent.name}/{file.name}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
