"""Who the database runs as: PostgreSQL refuses root, so root gets a system user made for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callboard.project.problems import Problem

SYSTEM_USER = "callboard-db"


@dataclass(frozen=True)
class Owner:
    """The user that owns the database's files; ``is_other`` says that it is not the one running."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def subprocess_options(self) -> dict[str, Any]:
        """Answer the arguments of ``subprocess`` that run a program as this user."""
        options: dict[str, Any] = {"env": self.environment(), "stdin": subprocess.DEVNULL}
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/"}
        return options

    def environment(self) -> dict[str, str]:
        """Answer an environment in which nothing of the caller's changes what PostgreSQL does."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}

    def run(self, arguments: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program as this user and answer what it said."""
        settings = self.subprocess_options() | {"capture_output": True, "text": True, "timeout": 600} | options
        try:
            return subprocess.run(arguments, check=False, **settings)
        except PermissionError as error:
            if not self.is_other:
                raise
            raise Problem(
                f"a program cannot be started as the user {self.name!r}: {error}",
                "Run Callboard as an ordinary user, or set DATABASE_URL to a PostgreSQL server.",
                "postgres-user",
            ) from error

    def can_run(self, program: Path) -> bool:
        """Whether this user can start the program."""
        try:
            return self.run([program, "--version"]).returncode == 0
        except (OSError, Problem):
            return False

    def can_enter(self, directory: Path) -> bool:
        """Whether this user can reach what is inside the directory."""
        if not self.is_other:
            return os.access(directory, os.X_OK)
        # A shell asked as that user also sees access lists and mount options that modes do not show.
        try:
            return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", directory]).returncode == 0
        except (OSError, Problem):
            return False


def current_owner() -> Owner:
    """Answer who the database of this process runs as; as root, make the system user first."""
    if os.geteuid() != 0:
        return Owner(_own_name(), os.geteuid(), os.getegid(), is_other=False)
    entry = _find(SYSTEM_USER) or _create()
    if entry.pw_uid == 0:
        raise Problem(
            f"the user {SYSTEM_USER!r} has root's id, and PostgreSQL refuses to run as root",
            f"Give {SYSTEM_USER} an id of its own, or run Callboard as an ordinary user.",
            "postgres-user",
        )
    return Owner(SYSTEM_USER, entry.pw_uid, entry.pw_gid, is_other=True)


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise Problem(
            f"the user id {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs",
            "Run as a user that exists in the system or container, or set DATABASE_URL.",
            "postgres-user",
        ) from None


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    program = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    failure = "the program `useradd` is not there"
    if program:
        command = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        done = subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True,
            text=True,
            check=False,
        )
        # Another command may have made it at the same moment; then useradd fails and the user exists.
        entry = _find(SYSTEM_USER)
        if entry:
            return entry
        failure = done.stderr.strip()
    raise Problem(
        f"PostgreSQL cannot run as root, and its system user {SYSTEM_USER!r} could not be made: {failure}",
        f"Create the user {SYSTEM_USER!r}, run Callboard as an ordinary user, or set DATABASE_URL.",
        "postgres-user",
    )
