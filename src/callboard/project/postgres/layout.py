"""Where everything of the embedded database stands, and that nobody else can get at it."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from callboard.core.config.secret_files import ensure_data_dir, secret_file
from callboard.project.postgres.binaries import SHARED_DIR
from callboard.project.postgres.owner import Owner
from callboard.project.problems import Problem

SOCKET_LIMIT = 100
"""Bytes that a socket's path may have on every system, with a little room."""


@dataclass(frozen=True)
class Layout:
    """The places of one data directory."""

    data_dir: Path
    cluster: Path
    socket_dir: Path
    owner: Owner

    @property
    def run_dir(self) -> Path:
        """Locks and the start-up log."""
        return self.data_dir / "run"

    @property
    def start_log(self) -> Path:
        """What the guardian and a server that does not start say."""
        return self.run_dir / "postgres.log"

    def password(self, name: str) -> str:
        """Answer a password of the database, made at its first use and readable by us alone."""
        try:
            return secret_file(self.data_dir, name, lambda: secrets.token_urlsafe(32))
        except OSError as error:
            raise Problem(
                f"the secret {self.data_dir}/secrets/{name} cannot be read or made: {error.strerror}",
                f"Make {self.data_dir} writable for this user, or choose another --data-dir.",
                "data-dir",
            ) from error


def prepare_data_dir(data_dir: Path) -> Path:
    """Make the data directory and the one for locks; answer its absolute path."""
    data_dir = data_dir.expanduser().absolute()
    try:
        ensure_data_dir(data_dir)
        (data_dir / "run").mkdir(mode=0o700, exist_ok=True)
        probe = data_dir / "run" / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Problem(
            f"the data directory {data_dir} cannot be written: {error.strerror}",
            "Choose another one with --data-dir or CALLBOARD_DATA_DIR, or make it writable for this user.",
            "data-dir",
        ) from error
    return data_dir.resolve()


def find_layout(data_dir: Path, owner: Owner) -> Layout:
    """Decide where the database and its socket stand; ``data_dir`` has been prepared."""
    return Layout(data_dir, _cluster(data_dir, owner), _socket_dir(data_dir, owner), owner)


def _cluster(data_dir: Path, owner: Owner) -> Path:
    usual = data_dir / "postgres"
    other = SHARED_DIR / f"data-{_digest(data_dir)}" / "postgres"
    _check_owner(usual, owner)
    if (usual / "PG_VERSION").exists():
        if not owner.can_enter(data_dir):
            raise Problem(
                f"the database in {usual} cannot be reached by its user {owner.name!r}, "
                "because a directory above it is closed",
                "Move the data directory to a place that all users may pass through, such as /srv, "
                "and name it with --data-dir.",
                "postgres-unreachable",
            )
        return usual
    if owner.is_other and ((other / "PG_VERSION").exists() or not owner.can_enter(data_dir)):
        try:
            other.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            SHARED_DIR.chmod(0o755)
            other.parent.chmod(0o711)
        except OSError as error:
            raise Problem(
                f"the data directory {data_dir} is closed to the database's user {owner.name!r}, "
                f"and {other.parent} cannot be made instead: {error.strerror}",
                "Choose a data directory that every user may pass through with --data-dir.",
                "postgres-unreachable",
            ) from error
        return other
    return usual


def _check_owner(cluster: Path, owner: Owner) -> None:
    if cluster.exists() and cluster.stat().st_uid not in {owner.uid, os.geteuid()}:
        raise Problem(
            f"the database in {cluster} belongs to another user (id {cluster.stat().st_uid}), "
            f"and this command would run it as {owner.name!r} (id {owner.uid})",
            "Run the command as the user that made the data directory, or choose another --data-dir.",
            "postgres-owner",
        )


def _socket_dir(data_dir: Path, owner: Owner) -> Path:
    usual = data_dir / "socket"
    if len(os.fsencode(usual)) + len("/.s.PGSQL.5432.lock") <= SOCKET_LIMIT and owner.can_enter(data_dir):
        place = usual
    elif owner.is_other and os.access(SHARED_DIR.parent, os.W_OK):
        SHARED_DIR.mkdir(mode=0o755, exist_ok=True)
        place = SHARED_DIR / f"socket-{_digest(data_dir)}"
    else:
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        if not os.access(base, os.W_OK) or len(os.fsencode(base)) > 50:
            base = Path("/tmp")  # noqa: S108 - the directory inside is private and its owner verified
        place = base / f"callboard-{owner.uid}-{_digest(data_dir)}"
    return private_dir(place, owner)


def private_dir(place: Path, owner: Owner) -> Path:
    """Make a directory that ``owner`` alone may enter, or verify that the existing one is so."""
    try:
        place.mkdir(mode=0o700)
        if owner.is_other:
            os.chown(place, owner.uid, owner.gid)
    except FileExistsError:
        pass
    except OSError as error:
        raise Problem(
            f"the directory {place} cannot be made: {error.strerror}",
            "Make the directory above it writable, or choose another --data-dir.",
            "data-dir",
        ) from error
    found = place.lstat()
    if owner.is_other and found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode):
        os.chown(place, owner.uid, owner.gid)  # made, but its maker was stopped before giving it away
        found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid or found.st_mode & 0o077:
        raise Problem(
            f"{place} is not a private directory of the user {owner.name!r}",
            "Somebody else made it, or its owner or mode was changed: remove it, then start again.",
            "postgres-unsafe",
        )
    return place


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
