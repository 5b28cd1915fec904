"""Install the plugins beside this module as real packages and run a portal that finds them."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from callboard.project.testing import database_named, database_url

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BROKEN = ("manifest", "models", "contributions", "sdk", "requires", "settings")


def install(site: Path, *plugins: str) -> None:
    """Build the plugins and install them into a directory of their own, without asking any index."""
    local = Path(sys.executable).with_name("uv")
    uv = str(local) if local.exists() else "uv"
    command = [uv, "pip", "install", "--offline", "--no-deps", "--no-cache", "--quiet"]
    command += ["--python", sys.executable, "--target", str(site), *(str(HERE / name) for name in plugins)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def environment(site: Path, data: Path, url: str) -> dict[str, str]:
    """Answer the environment of a portal that finds the plugins in ``site``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CALLBOARD_")}
    (data / "callboard.yaml").write_text("dummy:\n  greeting: Ahoy\n")
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT / "src")]),
        "DATABASE_URL": url,
        "CALLBOARD_CONFIG": str(data / "callboard.yaml"),
        "CALLBOARD_DATA_DIR": str(data / "data"),
        "XDG_CACHE_HOME": str(data / "cache"),
        "DJANGO_SETTINGS_MODULE": "callboard.project.settings",
    }


@cache
def portal_report() -> dict[str, Any]:
    """Run a portal with the dummy plugin and all broken ones in a process of its own; answer what it saw."""
    place = Path(tempfile.mkdtemp(prefix="callboard-plugins-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    site, data = place / "site", place / "portal"
    data.mkdir()
    install(site, "dummy", *(f"broken_{name}" for name in BROKEN))
    server, name = database_url(), f"test_plugins_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        answer = place / "report.json"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(HERE / "exercise.py"), str(answer)],
            env=environment(site, data, database_named(server, name)),
            cwd=data,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert answer.exists(), f"the portal did not come up:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        report: dict[str, Any] = json.loads(answer.read_text())
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    return report


def seen(check: str) -> Any:
    """Answer what one check of the exercise found; fail with its traceback if it raised."""
    found = portal_report()[check]
    assert not (isinstance(found, dict) and "raised" in found), found["raised"]
    return found
