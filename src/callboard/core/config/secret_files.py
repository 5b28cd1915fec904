"""Secrets that the portal makes for itself, kept in files that its user alone can read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

EARLIER_KEYS = "secret_key_fallbacks"


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


def earlier_secret_keys(data_dir: Path) -> list[str]:
    """Answer the secret keys that :func:`rotate_secret_key` replaced, newest first."""
    path = data_dir / "secrets" / EARLIER_KEYS
    return path.read_text().split() if path.exists() else []


def rotate_secret_key(data_dir: Path, new: str) -> None:
    """Put a new secret key in place of the portal's own one, and keep that among the earlier ones."""
    directory = data_dir / "secrets"
    current = (directory / "secret_key").read_text().strip()
    # The old key is written down first: whatever happens between the two, nothing becomes unreadable.
    _replace(directory / EARLIER_KEYS, "\n".join([current, *earlier_secret_keys(data_dir)]))
    _replace(directory / "secret_key", new)


def forget_earlier_secret_keys(data_dir: Path) -> None:
    """Remove the earlier keys; what only they can open is lost, so everything must be sealed anew before."""
    (data_dir / "secrets" / EARLIER_KEYS).unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)
