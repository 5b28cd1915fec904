"""Commit a folder and push it to any Git remote, so that the same files always make the same commit."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from callboard.plugins.catalog.public import (
    GitAccess,
    GitFailedError,
    GitTimedOutError,
    outside_reader,
    redact,
    run_git,
)
from callboard.plugins.scaffolder.types.tasks import ActionError

SECONDS = 120.0


@dataclass(frozen=True)
class Author:
    """Who commits, and when: the moment belongs to the task, so that a second try makes the same commit."""

    name: str
    email: str
    at: datetime

    @property
    def line(self) -> str:
        """The author as a commit names it."""
        name, email = (
            part.replace("<", "").replace(">", "").replace("\n", " ").strip() for part in (self.name, self.email)
        )
        return f"{name or 'Callboard'} <{email or 'callboard@localhost'}> {int(self.at.timestamp())} +0000"


def push_folder(folder: Path, remote: str, branch: str, message: str, author: Author) -> str:
    """Push a folder as the first commit of a branch and answer the commit. Raises :class:`ActionError`."""
    reader = outside_reader()
    place = redact(remote)
    _check_branch(branch)
    access = GitAccess.of(remote, reader.limits, reader.guard, reader.files, place)
    end = time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="callboard-git-") as directory:
        home = Path(directory)
        git_dir = home / "repository.git"

        def git(*arguments: str, stdin: bytes = b"", remote: bool = False) -> str:
            where = [f"--git-dir={git_dir}", f"--work-tree={folder}"] if git_dir.exists() else []
            output = run_git(
                [*where, *arguments],
                home=home,
                timeout=max(0.1, end - time.monotonic()),
                config=[("core.bare", "false"), ("core.autocrlf", "false"), *(access.config if remote else ())],
                protocol=access.protocol if remote else "none",
                ssh_command=access.ssh_command,
                stdin=stdin,
            )
            return output.decode("utf-8", "replace")

        try:
            git("init", "-q", "--bare", "--template=", str(git_dir))
            git("add", "--all", ".")
            tree = git("write-tree").strip()
            text = f"tree {tree}\nauthor {author.line}\ncommitter {author.line}\n\n{message.strip()}\n"
            commit = git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode()).strip()
            found = git("ls-remote", "--heads", "--", access.url, f"refs/heads/{branch}", remote=True).split()
            if found and found[0] == commit:
                return commit
            if found:
                raise ActionError(
                    f"{place} has a branch {branch} already, with other commits.",
                    "Choose another name for the repository, or another branch.",
                )
            git("push", "-q", "--", access.url, f"{commit}:refs/heads/{branch}", remote=True)
        except GitTimedOutError:
            raise ActionError(f"{place} did not answer within {SECONDS:g} seconds.", "Is the host up?") from None
        except GitFailedError as error:
            raise ActionError(
                f"{place} did not take the push: {_last(error.text)}", "Look at what the host says."
            ) from None
    return commit


def local_repository(name: str, home: Path) -> str:
    """Answer the address of a repository that the portal keeps itself, for who has no Git host; make it if need be."""
    plain = name.removesuffix(".git")
    if not plain or not all(char.isalnum() or char in "-_." for char in plain) or plain.startswith((".", "-")):
        raise ActionError(f"{name[:100]!r} is no name for a repository.", "Use letters, digits, - and _.")
    place = home / f"{plain}.git"
    if not (place / "HEAD").exists():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        run_git(["init", "-q", "--bare", "--template=", "--initial-branch=main", str(place)], home=home, timeout=30)
    return f"file://{place}"


def _check_branch(branch: str) -> None:
    plain = branch.replace("/", "").replace("-", "").replace("_", "").replace(".", "")
    if (
        not plain.isalnum()
        or branch.startswith(("-", "/", "."))
        or ".." in branch
        or branch.endswith((".lock", "/", "."))
    ):
        raise ActionError(f"{branch[:100]!r} is no name for a branch.", "Use letters, digits, - and /.")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "! "))] or lines
    return redact("; ".join(said[-3:]))[:500]
