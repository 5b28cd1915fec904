"""Give tests a real PostgreSQL: the one `DATABASE_URL` names, or an embedded one that is shared.

Importable before Django is configured: it decides what the settings will see.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from callboard.project.postgres import ensure_running
from callboard.project.postgres.vectors import enable_vectors


def database_url() -> str:
    """Answer the URL of a server for tests and put it into ``DATABASE_URL``.

    The embedded one stands in a directory of the current user under the temporary directory, lives
    on for a minute so that the next run finds it warm, and has crash safety off, for speed. Each
    run has a test database of its own, so several runs may share it.
    """
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        url = ensure_running(testing_dir() / "data", durable=False, linger=60)
        enable_vectors(testing_dir() / "data")
        os.environ["DATABASE_URL"] = url
    if "CALLBOARD_DATA_DIR" not in os.environ:
        place = testing_dir() / f"run-{os.getpid()}"
        os.environ["CALLBOARD_DATA_DIR"] = str(place)
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    return url


def testing_dir() -> Path:
    """Answer the directory that tests of this user and this checkout share."""
    base = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 - private inside
    place = base / f"callboard-test-{os.getuid()}"
    place.mkdir(mode=0o711, exist_ok=True)
    if place.lstat().st_uid != os.getuid() or place.is_symlink():
        raise PermissionError(f"{place} belongs to somebody else: remove it")
    return place


def database_named(url: str, name: str) -> str:
    """Answer the same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def test_database_name() -> str:
    """Answer the name of this run's test database; ``CALLBOARD_TEST_SUFFIX`` tells runs apart."""
    return f"test_callboard_{os.environ.get('CALLBOARD_TEST_SUFFIX') or os.getpid()}"
