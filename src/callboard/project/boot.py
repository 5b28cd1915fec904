"""Get a process ready to use the portal's code: configuration, database, Django."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callboard.project.problems import Problem

if TYPE_CHECKING:
    from callboard.core.config.schema import PortalConfig


def read_config(overrides: dict[str, Any] | None = None) -> PortalConfig:
    """Answer the configuration and pass the overrides on to this process's environment."""
    from callboard.core.config.load import load_config
    from callboard.core.config.sources import environment_for

    config = load_config(overrides=overrides)
    os.environ.update(environment_for(overrides or {}))
    # Children and Django may look from another directory.
    os.environ["CALLBOARD_DATA_DIR"] = str(config.data_dir)
    if config.file:
        os.environ["CALLBOARD_CONFIG"] = str(config.file)
    return config


def use_database(config: PortalConfig, *, create: bool = False) -> str:
    """Answer the database's URL; without a configured one the embedded server is started.

    Where there is none yet, it is made only with ``create``: a command that is called in the wrong
    directory must not leave an empty portal there.
    """
    if config.database.url:
        return config.database.url
    from callboard.project.postgres import ensure_running, status

    if not create and not status(config.data_dir).major:
        raise Problem(
            f"there is no portal in {config.data_dir}",
            "Start one with `callboard up`, prepare one with `callboard migrate`, or name its data directory "
            "with --data-dir.",
            "no-portal",
        )
    url = ensure_running(config.data_dir)
    os.environ["CALLBOARD_DATABASE__URL"] = url
    os.environ["CALLBOARD_EMBEDDED"] = "1"
    return url


def is_embedded(config: PortalConfig) -> bool:
    """Whether the portal runs its own PostgreSQL."""
    return not config.database.url or os.environ.get("CALLBOARD_EMBEDDED") == "1"


def start_django(*, database: bool = True, create: bool = False) -> PortalConfig:
    """Set Django up for a command; with ``database=False`` nothing may be asked of the database."""
    config = read_config()
    if database:
        use_database(config, create=create)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callboard.project.settings")
    import django

    from callboard.core.config.current import portal_config

    portal_config.cache_clear()
    django.setup()
    if database and config.database.url:
        connect_check()
    return config


def connect_check() -> None:
    """Raise a :class:`Problem` with a remedy when the database cannot be reached."""
    import psycopg

    from callboard.core.config.current import portal_config

    # Past the pool, which would go on trying for a long time before it says anything.
    try:
        psycopg.connect(portal_config().database.url, connect_timeout=10).close()
    except psycopg.Error as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> Problem:
    """Explain a database that does not answer, without its password."""
    from callboard.core.config.redaction import hide_url_passwords

    return Problem(
        f"the database cannot be reached: {hide_url_passwords(str(error).strip())}",
        "Check that the server runs and that DATABASE_URL (or database.url) names the right host, database, "
        "user and password; without either the portal uses its own.",
        "database-unreachable",
    )


def settle_memory() -> None:
    """Take what was loaded for the life of the process out of the garbage collector's rounds, and make them rarer.

    A batch of entities is a hundred thousand small objects: by default a tenth of the time with them goes
    into looking whether some of them are garbage.
    """
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def run_dir(data_dir: Path) -> Path:
    """Answer the directory for locks and notes of running processes, made on demand."""
    from callboard.core.config.secret_files import ensure_data_dir

    try:
        ensure_data_dir(data_dir)
        place = data_dir / "run"
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"the data directory {data_dir} cannot be written: {error.strerror}",
            "Choose another one with --data-dir or CALLBOARD_DATA_DIR, or make it writable for this user.",
            "data-dir",
        ) from error
    return place
