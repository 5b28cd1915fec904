"""What a source host holds, whichever product it is; repositories are real Git repositories."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


@dataclass
class Person:
    login: str
    name: str = ""
    email: str = ""
    id: int = 0


@dataclass
class Team:
    slug: str
    title: str
    members: list[str] = field(default_factory=list)
    parent: str = ""
    id: int = 0


@dataclass
class Pull:
    number: int
    title: str
    source: str
    target: str
    body: str = ""
    state: str = "open"
    draft: bool = False
    reviewers: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


@dataclass
class Repo:
    """A repository: its Git directory and what a host knows beside it."""

    full_name: str
    path: Path
    id: int
    default_branch: str = "main"
    description: str = ""
    visibility: str = "private"
    topics: list[str] = field(default_factory=list)
    language: str = ""
    archived: bool = False
    fork: bool = False
    homepage: str = ""
    pulls: list[Pull] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    hooks: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    environments: list[str] = field(default_factory=list)
    protection: dict[str, dict[str, Any]] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    dispatched: list[dict[str, Any]] = field(default_factory=list)

    @property
    def owner(self) -> str:
        return self.full_name.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.rpartition("/")[2]

    # --- Git -----------------------------------------------------------------------------

    def git(self, *arguments: str, stdin: bytes = b"", **more: str) -> bytes:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DIR": str(self.path),
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "GIT_INDEX_FILE": str(self.path / "tests-index"),
            **more,
        }
        return subprocess.run(["git", *arguments], env=environment, input=stdin, capture_output=True, check=True).stdout

    def branches(self) -> dict[str, str]:
        listed = self.git("for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/heads").decode()
        return dict(line.rsplit(" ", 1) for line in listed.splitlines())

    def commit_of(self, ref: str) -> str:
        """The commit of a branch, `HEAD` or a commit; nothing where there is none."""
        ref = ref.removeprefix("refs/heads/")
        if ref in ("", "HEAD"):
            ref = self.default_branch
        found = self.branches().get(ref)
        if found:
            return found
        try:
            return self.git("rev-parse", "--verify", "-q", f"{ref}^{{commit}}").decode().strip()
        except subprocess.CalledProcessError:
            return ""

    def entries(self, ref: str = "") -> list[dict[str, Any]]:
        """Everything in the tree: mode, type, sha, size, path; folders too."""
        commit = self.commit_of(ref)
        if not commit:
            return []
        found = []
        for item in self.git("ls-tree", "-r", "-t", "-l", "-z", commit).decode().split("\0"):
            head, _, path = item.partition("\t")
            if path:
                mode, kind, sha, size = head.split()
                found.append(
                    {"mode": mode, "type": kind, "sha": sha, "size": None if size == "-" else int(size), "path": path}
                )
        return found

    def files(self, ref: str = "") -> dict[str, bytes]:
        return {e["path"]: self.blob(e["sha"]) for e in self.entries(ref) if e["type"] == "blob"}

    def blob(self, sha: str) -> bytes:
        return self.git("cat-file", "blob", sha)

    def read(self, path: str, ref: str = "") -> tuple[bytes, str] | None:
        """Content and hash of a file."""
        for entry in self.entries(ref):
            if entry["path"] == path and entry["type"] == "blob":
                return self.blob(entry["sha"]), entry["sha"]
        return None

    def write(
        self,
        changes: Mapping[str, bytes | str | None],
        message: str = "change",
        branch: str = "",
        start: str = "",
        author: tuple[str, str] = ("Ada", "ada@example.com"),
    ) -> str:
        """Commit onto a branch, which is made from `start` if it is not there."""
        branch = branch or self.default_branch
        parent = self.branches().get(branch) or (self.commit_of(start) if start else "")
        self.git("read-tree", parent or "--empty")
        for path, content in changes.items():
            if content is None:
                self.remove(path)
            else:
                raw = content.encode() if isinstance(content, str) else content
                sha = self.git("hash-object", "-w", "--stdin", stdin=raw).decode().strip()
                self.git("update-index", "--add", "--cacheinfo", f"100644,{sha},{path}")
        return self.commit_tree(
            self.git("write-tree").decode().strip(), [parent] if parent else [], message, branch, author
        )

    def remove(self, path: str) -> None:
        """Take a file out of the index; a bare repository takes it as a line with mode zero."""
        self.git("update-index", "--index-info", stdin=f"0 {'0' * 40}\t{path}\n".encode())

    def commit_tree(
        self, tree: str, parents: list[str], message: str, branch: str = "", author: tuple[str, str] = ("Ada", "ada@x")
    ) -> str:
        who = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1]}
        parts = [part for parent in parents for part in ("-p", parent)]
        commit = self.git("commit-tree", tree, *parts, "-m", message, **who).decode().strip()
        if branch:
            self.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def log(self, ref: str = "") -> list[dict[str, str]]:
        commit = self.commit_of(ref)
        if not commit:
            return []
        listed = self.git("log", "--format=%H%x1f%an%x1f%ae%x1f%s", commit).decode()
        return [
            dict(zip(("sha", "name", "email", "subject"), line.split("\x1f"), strict=True))
            for line in listed.splitlines()
        ]


@cache
def _template(branch: str, files: tuple[tuple[str, bytes | str], ...]) -> Path:
    """A repository with these files, made once in a run of the tests and copied from then on."""
    path = Path(tempfile.mkdtemp(prefix="callboard-forge-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    made = Repo("template", path, 0, default_branch=branch)
    made.git("init", "-q", "--bare", "--template=", f"--initial-branch={branch}")
    made.git("config", "http.receivepack", "true")
    made.git("config", "uploadpack.allowFilter", "true")
    if files:
        made.write(dict(files), "first")
    return path


@dataclass
class Failure:
    """An answer given in place of the real one, a number of times."""

    path: str
    status: int
    headers: dict[str, str]
    body: bytes
    times: int


class Forge:
    """A whole host."""

    def __init__(self, root: Path, token: str = "t0ken") -> None:
        self.root = root
        self.token = token
        self.me = "ada"
        self.owners: dict[str, str] = {}
        self.repos: dict[str, Repo] = {}
        self.people: dict[str, Person] = {}
        self.teams: dict[str, list[Team]] = {}
        self.members: dict[str, list[str]] = {}
        self.requests: list[str] = []
        self.not_modified = 0
        self.page_size = 3
        self.limit = 5000
        self.failures: list[Failure] = []
        self._ids = 100
        self.person("ada", "Ada Lovelace", "ada@example.com")

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    def owner(self, name: str, title: str = "") -> str:
        """Make an organisation, group, workspace or project."""
        self.owners[name] = title or name.title()
        return name

    def person(self, login: str, name: str = "", email: str = "", owner: str = "") -> Person:
        found = self.people.setdefault(login, Person(login, name or login.title(), email, self._id()))
        if owner:
            self.members.setdefault(owner, []).append(login)
        return found

    def team(self, owner: str, slug: str, title: str = "", members: tuple[str, ...] = (), parent: str = "") -> Team:
        made = Team(slug, title or slug.title(), list(members), parent, self._id())
        self.teams.setdefault(owner, []).append(made)
        return made

    def repo(self, full_name: str, files: Mapping[str, bytes | str] | None = None, **more: Any) -> Repo:
        """Make a repository, with a first commit if there are files."""
        path = self.root / f"{full_name}.git"
        made = Repo(full_name, path, self._id(), **more)
        shutil.copytree(_template(made.default_branch, tuple(sorted((files or {}).items()))), path)
        self.repos[full_name] = made
        return made

    def repos_of(self, owner: str) -> list[Repo]:
        return [repo for name, repo in self.repos.items() if name.lower().startswith(f"{owner.lower()}/")]

    def find(self, full_name: str) -> Repo | None:
        return next((repo for name, repo in self.repos.items() if name.lower() == full_name.lower()), None)

    def fail(self, path: str, status: int, times: int = 1, body: bytes = b"{}", **headers: str) -> None:
        """Let requests whose path holds a text fail."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.failures.append(Failure(path, status, named, body, times))

    def asked(self, text: str) -> int:
        """How many requests held a text."""
        return sum(text in line for line in self.requests)
