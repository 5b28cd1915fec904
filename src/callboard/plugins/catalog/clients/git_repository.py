"""Keep a bare copy of each repository in the cache, and read files of a commit from it."""

import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .files import nothing_there, skipped_directory
from .git_access import Access
from .git_process import GitFailedError, GitTimedOutError, run_git
from .globs import GlobError, compile_glob, has_magic, static_prefix
from .types import (
    ReadError,
    ReadingLimits,
    is_wanted,
    too_large,
    too_large_together,
    too_many,
    wanted_files,
)

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_LONGEST_REF_PARTS = 10
_PACKS_BEFORE_TIDYING = 20


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file at a commit: its path in the repository and its bytes."""

    path: str
    content: bytes


class CachedRepository:
    """One repository in the cache during one read, with the time that is left for it."""

    def __init__(self, limits: ReadingLimits, access: Access, place: str, end: float) -> None:
        self.limits = limits
        self.place = place
        self._access = access
        self._end = end
        name = hashlib.sha256(access.url.encode()).hexdigest()[:32]
        self._cache = limits.cache_dir
        self._directory = self._cache / f"{name}.git"
        self._lock = self._cache / f"{name}.lock"

    def run(self, *arguments: str, stdin: bytes = b"", remote: bool = False) -> bytes:
        """Run git in the copy; only a `remote` command may open connections."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise GitTimedOutError
        where = [f"--git-dir={self._directory}"] if self._directory.is_dir() else []
        return run_git(
            [*where, *arguments],
            home=self._cache,
            timeout=left,
            config=self._access.config if remote else (),
            protocol=self._access.protocol if remote else "none",
            ssh_command=self._access.ssh_command,
            stdin=stdin,
            max_file_bytes=self.limits.max_repository_bytes if remote else 0,
        )

    def resolve(self, ref: str, path: str, tail: str) -> tuple[str, str, str]:
        """Ask which commit is meant; gives the commit, the full name of the ref, and the path."""
        choices = _choices(ref, path, tail)
        patterns = []
        for name, _ in choices:
            if name in ("", "HEAD"):
                patterns.append("HEAD")
            elif name.startswith("refs/"):
                patterns += [name, f"{name}^{{}}"]
            else:
                patterns += [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/tags/{name}^{{}}"]
        pinned = [(name, rest) for name, rest in choices if _SHA.match(name)]
        if pinned and not tail:
            return pinned[0][0], pinned[0][0], pinned[0][1]
        output = self.run("ls-remote", "--symref", "--", self._access.url, *patterns, remote=True)
        found, head = _parse_refs(output.decode("utf-8", "replace"))
        # The longest name comes first: where `a/b` is a branch, `a` cannot be one.
        for name, rest in choices:
            names = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}"]
            if name in ("", "HEAD"):
                names = ["HEAD"]
            for full in names:
                commit = found.get(f"{full}^{{}}") or found.get(full)
                if commit:
                    return commit, head or "HEAD" if full == "HEAD" else full, rest
        if pinned:
            return pinned[0][0], pinned[0][0], pinned[0][1]
        if not choices[0][0] and self._access.protocol in ("http", "https"):
            # Over http git takes any page for a repository without branches.
            raise ReadError(
                "not-a-repository",
                f"{self.place} shows no branch: it is empty, or no Git repository.",
                "Give the address from which `git clone` works, and push a commit.",
                url=self.place,
            )
        if not choices[0][0]:
            raise ReadError(
                "not-found", f"{self.place} is empty: it has no commit yet.", "Push a commit.", url=self.place
            )
        raise ReadError(
            "not-found",
            f"{self.place} does not have the branch or tag {choices[-1][0]}.",
            "Check the ref; a commit is named by its full 40 characters.",
            url=self.place,
        )

    def refs(self) -> list[tuple[str, str, bool]]:
        """List branches and tags as (name, kind, default), the default branch first."""
        output = self.run(
            "ls-remote", "--symref", "--", self._access.url, "HEAD", "refs/heads/*", "refs/tags/*", remote=True
        )
        found, head = _parse_refs(output.decode("utf-8", "replace"))
        branches = sorted(name for name in found if name.startswith("refs/heads/"))
        tags = sorted(name for name in found if name.startswith("refs/tags/") and not name.endswith("^{}"))
        rows = [(name.removeprefix("refs/heads/"), "branch", name == head) for name in branches]
        rows.sort(key=lambda row: not row[2])
        return rows + [(name.removeprefix("refs/tags/"), "tag", False) for name in reversed(tags)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes off this copy, waiting no longer than the time that is left."""
        with self._lock.open("a", encoding="utf-8") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > self._end:
                        raise GitTimedOutError from None
                    time.sleep(0.05)
            yield

    def ensure(self, commit: str, full: str) -> str:
        """Fetch the commit unless it is there; gives the commit that was fetched."""
        try:
            return self._ensure(commit, full)
        except GitFailedError as error:
            if not self._damaged(error.text):
                raise
            # A machine that lost power may leave half a copy behind; it holds nothing that cannot be
            # fetched again.
            shutil.rmtree(self._directory, ignore_errors=True)
            return self._ensure(commit, full)

    def _damaged(self, text: str) -> bool:
        own = str(self._directory) in text
        return own or any(word in text for word in ("corrupt", "bad object", "loose object", "unable to read tree"))

    def _ensure(self, commit: str, full: str) -> str:
        if not (self._directory / "HEAD").is_file():
            shutil.rmtree(self._directory, ignore_errors=True)
            self.run("init", "-q", "--bare", "--template=", str(self._directory))
        if self._has(commit):
            return commit
        kept = f"refs/callboard/{hashlib.sha256(full.encode()).hexdigest()[:24]}"
        fetch = [
            "fetch",
            "-q",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-gc",
        ]
        try:
            source = "HEAD" if full == "HEAD" else full
            self.run(*fetch, "--depth=1", "--", self._access.url, f"+{source}:{kept}", remote=True)
        except GitFailedError as error:
            if not _SHA.match(full) or not re.search(r"unadvertised|not our ref|couldn't find remote", error.text):
                raise
            # Some servers give out only what a branch or tag points to, so the history is searched instead.
            everything = ["+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*"]
            self.run(*fetch, "--", self._access.url, *everything, remote=True)
            if not self._has(commit):
                raise
            self.run("update-ref", kept, commit)
        self._tidy()
        return self.run("rev-parse", "--verify", "-q", f"{kept}^{{commit}}").decode().strip()

    def _has(self, commit: str) -> bool:
        try:
            self.run("cat-file", "-e", f"{commit}^{{tree}}")
        except GitFailedError:
            return False
        return True

    def _tidy(self) -> None:
        packs = self._directory.glob("objects/pack/*.pack")
        if sum(1 for _ in packs) > _PACKS_BEFORE_TIDYING:
            self.run("gc", "-q", "--prune=now")


def _choices(ref: str, path: str, tail: str) -> list[tuple[str, str]]:
    """List which refs could be meant and which path each would leave, the longest ref first."""
    if not tail:
        return [(ref, path)]
    parts = tail.split("/")
    limit = next((index for index, part in enumerate(parts) if has_magic(part)), len(parts))
    limit = max(1, min(limit, _LONGEST_REF_PARTS))
    return [("/".join(parts[:count]), "/".join(parts[count:])) for count in range(limit, 0, -1)]


def _parse_refs(output: str) -> tuple[dict[str, str], str]:
    found: dict[str, str] = {}
    head = ""
    for line in output.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif _SHA.match(value):
            found[name] = value
    return found, head


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    size: int


class Tree:
    """The files of one commit that a path or pattern stands for."""

    def __init__(self, repository: CachedRepository, commit: str, path: str) -> None:
        self._repository = repository
        self._commit = commit
        self._path = path
        self._limits = repository.limits
        self._place = repository.place

    def read(self) -> tuple[list[GitFile], list[ReadError]]:
        """Read them in order; raises ReadError when there is none, or when a single file cannot be read."""
        # A file that has wildcards in its name is meant literally, so literal names are tried first.
        kinds = self._kinds([self._path]) if self._path else [("tree", 0)]
        kind, size = kinds[0]
        if kind == "blob":
            return self._contents([_Entry(self._path, size)], single=True)
        if kind == "tree":
            entries = self._list(self._path, None)
            if not entries:
                raise nothing_there(self._place, pattern=False)
            return self._contents(entries, single=False)
        if kind == "link":
            raise self._link(self._path)
        if not has_magic(self._path):
            raise ReadError(
                "not-found",
                f"{self._place} does not exist at commit {self._commit[:12]}.",
                "Check the path and the ref.",
                url=self._place,
            )
        entries = self._list(static_prefix(self._path), self._path)
        if not entries:
            raise nothing_there(self._place, pattern=True)
        return self._contents(entries, single=False)

    def _kinds(self, paths: Sequence[str]) -> list[tuple[str, int]]:
        """Tell what each path is: blob (with its size), tree, link that leads nowhere, or missing."""
        lines = "".join(f"{self._commit}:{path}\n" for path in paths).encode()
        output = self._repository.run("cat-file", "--batch-check", "--follow-symlinks", stdin=lines)
        result: list[tuple[str, int]] = []
        rows = iter(output.decode("utf-8", "surrogateescape").split("\n"))
        for row in rows:
            words = row.split(" ")
            if len(words) == 3 and _SHA.match(words[0]):
                result.append((words[1], int(words[2])))
            elif words[0] in ("symlink", "dangling", "loop", "notdir") and len(words) == 2:
                next(rows, "")
                result.append(("link" if words[0] != "notdir" else "missing", 0))
            elif row:
                result.append(("missing", 0))
        return result

    def _list(self, prefix: str, pattern: str | None) -> list[_Entry]:
        try:
            glob = compile_glob(pattern) if pattern else None
        except GlobError as error:
            raise ReadError("too-many", f"{self._place}: {error}.", "Simplify the pattern.", url=self._place) from None
        if prefix and self._kinds([prefix])[0][0] != "tree":
            return []
        named = set(pattern.split("/")) if pattern else set()
        treeish = f"{self._commit}:{prefix}" if prefix else self._commit
        rows = self._repository.run("ls-tree", "-r", "-z", "-l", "--full-tree", treeish).split(b"\0")
        if len(rows) > self._limits.max_visited:
            raise too_many(self._place, self._limits.max_visited)
        found: list[_Entry] = []
        for row in rows:
            meta, _, name = row.partition(b"\t")
            fields = meta.split()
            if len(fields) != 4 or fields[1] != b"blob":
                continue
            relative = name.decode("utf-8", "replace")
            path = f"{prefix}/{relative}" if prefix else relative
            folders = relative.split("/")[:-1]
            if "\n" in path:
                continue
            if glob is None:
                hit = is_wanted(relative.rsplit("/", 1)[-1], self._limits.foreign)
                hit = hit and not any(skipped_directory(folder) for folder in folders)
            else:
                hit = glob.matches(path) and ("node_modules" not in folders or "node_modules" in named)
            if hit:
                found.append(_Entry(path, int(fields[3])))
                if len(found) > self._limits.max_files:
                    raise too_many(self._place, self._limits.max_files)
        if glob is None:
            wanted = set(wanted_files([entry.path for entry in found], self._limits.foreign))
            found = [entry for entry in found if entry.path in wanted]
        return sorted(found, key=lambda entry: entry.path)

    def _contents(self, entries: list[_Entry], *, single: bool) -> tuple[list[GitFile], list[ReadError]]:
        errors: list[ReadError] = []
        wanted: list[str] = []
        total = 0
        for entry, (kind, size) in zip(entries, self._kinds([one.path for one in entries]), strict=True):
            place = entry.path if single else f"{self._place} ({entry.path})"
            if kind != "blob":
                errors.append(self._link(entry.path))
            elif size > self._limits.max_bytes:
                errors.append(too_large(self._place if single else place, self._limits.max_bytes))
            else:
                total += size
                wanted.append(entry.path)
        if errors and single:
            raise errors[0]
        if total > self._limits.max_total_bytes:
            raise too_large_together(self._place, self._limits.max_total_bytes)
        lines = "".join(f"{self._commit}:{path}\n" for path in wanted).encode()
        output = self._repository.run("cat-file", "--batch", "--follow-symlinks", stdin=lines) if wanted else b""
        files: list[GitFile] = []
        position = 0
        for path in wanted:
            end = output.index(b"\n", position)
            size = int(output[position:end].split(b" ")[2])
            files.append(GitFile(path, output[end + 1 : end + 1 + size]))
            position = end + size + 2
        return files, errors

    def _link(self, path: str) -> ReadError:
        return ReadError(
            "not-found",
            f"{self._place}: {path} is a link that leads to no file in the repository.",
            "Replace the link by the file.",
            url=self._place,
        )
