"""Secrets that the portal makes for itself, kept in files that its user alone can read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def ensure_data_dir(data_dir: Path) -> None:
    """Make the data directory if it is not there; raises ``OSError``.

    The embedded database of a portal run by root has a user of its own, which must pass through the
    directory; it cannot list it, and everything inside has modes of its own.
    """
    if not data_dir.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def secret_file(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """Answer the secret kept under ``name``, made at its first use; raises ``OSError``.

    However many processes ask at once, all get the same one.
    """
    directory = data_dir / "secrets"
    path = directory / name
    ensure_data_dir(data_dir)
    directory.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        return path.read_text().strip()
    value = make()
    descriptor, draft = tempfile.mkstemp(dir=directory, prefix=f".{name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails when somebody was quicker; a rename would replace theirs
    except FileExistsError:
        return path.read_text().strip()
    finally:
        Path(draft).unlink()
    return value
