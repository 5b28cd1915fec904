"""Read catalog files from any Git repository at any ref, fetching only what changed.

One bare repository per address is kept in a cache directory. The commit of a ref is asked for first and
serves as the etag, so an unchanged repository costs one small request.
"""

import os
import re
import stat
import time
from dataclasses import dataclass, replace
from posixpath import normpath
from urllib.parse import urlsplit

from .files import FileClient
from .git_access import SCP_ADDRESS, Access
from .git_process import GitFailedError, GitTimedOutError, explain
from .git_repository import CachedRepository, GitFile, Tree
from .guard import Guard
from .types import LocationTarget, ReadError, ReadFile, ReadingLimits, ReadResult, redact

_REF_QUERY = re.compile(r"\?ref=([^?#]*)\Z")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/]|/$|\.lock$|/\.|\.$")


@dataclass(frozen=True, slots=True)
class GitTarget:
    """A repository, a path or pattern in it (empty: all catalog files) and a ref (empty: the default)."""

    repository: str
    path: str = ""
    ref: str = ""

    def __str__(self) -> str:
        path = f"//{self.path}" if self.path else ""
        return f"{self.repository}{path}" + (f"?ref={self.ref}" if self.ref else "")


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """Files at a commit, the ref and path that were meant, and the files that failed."""

    commit: str
    ref: str
    files: tuple[GitFile, ...] = ()
    not_modified: bool = False
    errors: tuple[ReadError, ...] = ()


def parse_target(target: str) -> GitTarget:
    """Split `<repository>[//<path>][?ref=<ref>]`; raises ReadError when it cannot be meant."""
    place = redact(target)
    match = _REF_QUERY.search(target)
    ref = match.group(1) if match else ""
    rest = target[: match.start()] if match else target
    start = rest.find("://") + 3 if "://" in rest else 1
    split = rest.find("//", start + 1)
    repository, path = (rest[:split], rest[split + 2 :].strip("/")) if split > 0 else (rest, "")
    if match and not ref:
        raise ReadError("refused", f"{place} names an empty ref.", "Name a branch, tag or commit.", url=place)
    if ref:
        check_ref(ref, place)
    path = normpath(path) if path else ""
    if path == ".." or path.startswith(("../", "/")) or any(ord(char) < 32 for char in path):
        raise ReadError("refused", f"{place} leads out of its repository.", "Correct the path.", url=place)
    return GitTarget(_repository(repository.rstrip("/"), place), "" if path == "." else path, ref)


def check_ref(ref: str, place: str) -> None:
    """Refuse what git would not take for a ref, or would take for an option."""
    if len(ref) > 250 or _BAD_REF.search(ref):
        raise ReadError("refused", f"{place} names no valid ref.", "Name a branch, a tag or a full commit.", url=place)


def _repository(text: str, place: str) -> str:
    if text.startswith("/"):
        return f"file://{text}"
    if "://" not in text:
        if SCP_ADDRESS.match(text):
            return text
        raise ReadError(
            "refused",
            f"{place} is not the address of a Git repository.",
            "Use https://host/path.git, ssh://git@host/path.git, git@host:path.git or file:///path.",
            url=place,
        )
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ReadError("refused", f"{place} is not a valid URL.", "Correct the address.", url=place) from None
    if parts.scheme not in ("https", "http", "ssh", "file"):
        raise ReadError(
            "refused",
            f"{place} is refused: {parts.scheme} is not allowed.",
            "Use https, ssh or file.",
            url=place,
        )
    if (parts.scheme in ("https", "http") and "@" in parts.netloc) or parts.password:
        raise ReadError(
            "refused",
            f"{place} carries a user name or password.",
            "Take them out of the address and set a token for the host in the settings.",
            url=place,
        )
    if parts.query or parts.fragment or (parts.scheme == "file" and parts.netloc):
        raise ReadError(
            "refused", f"{place} has parts that are not understood.", "Only ?ref=... may follow.", url=place
        )
    return text


class GitClient:
    """Read from repositories; safe to share between threads and processes that share the cache directory."""

    def __init__(self, limits: ReadingLimits, guard: Guard, files: FileClient) -> None:
        self._limits = limits
        self._guard = guard
        self._files = files

    def read(self, location: LocationTarget, etag: str = "") -> ReadResult:
        """Read a `git` location; raises ReadError when nothing could be read."""
        target = parse_target(location.target)
        answer = self.fetch(target.repository, target.path, target.ref, etag=etag, place=str(target))
        files = []
        for file in answer.files:
            one = LocationTarget("git", str(replace(target, path=file.path)))
            files.append(ReadFile(one.target, one, file.content))
        seen = "" if answer.errors else answer.commit
        return ReadResult(tuple(files), seen, answer.not_modified, answer.errors)

    def fetch(
        self, repository: str, path: str, ref: str, *, etag: str = "", place: str = "", tail: str = ""
    ) -> GitAnswer:
        """Read a path or pattern at a ref; a `tail` holds both where nobody knows yet where the ref ends."""
        place = redact(place or repository)
        access = Access.of(repository, self._limits, self._guard, self._files, place)
        end = time.monotonic() + self._limits.git_timeout
        self.prepare_cache()
        work = CachedRepository(self._limits, access, place, end)
        try:
            commit, full, path = work.resolve(ref, path, tail)
            short = re.sub(r"^refs/(heads|tags)/", "", full)
            if etag and etag == commit:
                return GitAnswer(commit, short, not_modified=True)
            with work.locked():
                commit = work.ensure(commit, full)
                files, errors = Tree(work, commit, path).read()
            return GitAnswer(commit, short, tuple(files), errors=tuple(errors))
        except GitTimedOutError:
            raise ReadError(
                "timed-out",
                f"{place} timed out: git was not done within {self._limits.git_timeout:g} seconds.",
                "It is read again later; a very large repository may need a higher limit (git_timeout).",
                url=place,
                transient=True,
            ) from None
        except GitFailedError as error:
            raise explain(error.text, place) from None

    def refs(self, repository: str, *, place: str = "") -> list[tuple[str, str, bool]]:
        """List branches and tags as (name, kind, default), the default branch first; raises ReadError."""
        place = redact(place or repository)
        access = Access.of(repository, self._limits, self._guard, self._files, place)
        self.prepare_cache()
        work = CachedRepository(self._limits, access, place, time.monotonic() + self._limits.git_timeout)
        try:
            return work.refs()
        except GitTimedOutError:
            raise ReadError(
                "timed-out", f"{place} timed out.", "Check that the host is up.", url=place, transient=True
            ) from None
        except GitFailedError as error:
            raise explain(error.text, place) from None

    def prepare_cache(self) -> None:
        """Make the directory of the cache, or refuse one that others may write."""
        cache = self._limits.cache_dir
        try:
            cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            info = cache.lstat()
        except OSError as error:
            raise ReadError(
                "unreadable",
                f"The cache for Git repositories, {cache}, cannot be made: {error.strerror or error}.",
                "Name a directory that the user of the portal may write (cache_dir).",
            ) from None
        # Whoever may write here decides what git runs, so nobody else may.
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
            raise ReadError(
                "refused",
                f"The cache for Git repositories, {cache}, may be written by others.",
                "Give it to the user of the portal alone (chmod 700), or name another (cache_dir).",
            )
