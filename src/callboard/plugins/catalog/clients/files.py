"""Read catalog files from local directories, never leaving the roots an operator named."""

import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .globs import GlobError, compile_glob, has_magic, static_prefix
from .types import (
    LocationTarget,
    ReadError,
    ReadFile,
    ReadingLimits,
    ReadResult,
    is_wanted,
    too_large,
    too_large_together,
    too_many,
    wanted_files,
)

# A file changed this recently may change again without its time stamp showing it.
_RACY_SECONDS = 2.0
_NEVER_BY_WILDCARD = frozenset({".git", "node_modules"})


def skipped_directory(name: str) -> bool:
    """Tell whether looking for catalog files passes a directory by."""
    return name.startswith(".") or name == "node_modules"


def plain_path(target: str) -> str:
    """Drop a `file://` in front of a path."""
    return target.removeprefix("file://") if target.startswith("file:///") else target


class FileClient:
    """Read paths, patterns and directories below the roots."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._roots = tuple(Path(os.path.realpath(root)) for root in limits.roots)

    def read(self, location: LocationTarget, etag: str = "") -> ReadResult:
        """Read everything a target stands for; raises ReadError when nothing could be read."""
        errors: list[ReadError] = []
        paths, single = self._find(location, errors)
        found: list[tuple[str, str, os.stat_result]] = []
        for path in paths:
            try:
                found.append((path, *self._stat(path)))
            except ReadError as error:
                if single:
                    raise
                errors.append(error)
        seen = "" if errors else self._etag(found)
        if etag and etag == seen:
            return ReadResult(etag=etag, not_modified=True)
        files: list[ReadFile] = []
        total = 0
        for path, real, _ in found:
            try:
                content = self._content(path, real)
            except ReadError as error:
                if single:
                    raise
                errors.append(error)
                continue
            total += len(content)
            if total > self._limits.max_total_bytes:
                raise too_large_together(location.target, self._limits.max_total_bytes)
            files.append(ReadFile(path, LocationTarget("file", path), content))
        return ReadResult(tuple(files), "" if errors else seen, errors=tuple(errors))

    def inside_roots(self, path: str) -> bool:
        """Tell whether a path, with every link followed, lies under an allowed root."""
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(root) for root in self._roots)

    def _candidates(self, target: str) -> list[str]:
        if not target or "\0" in target:
            raise ReadError("not-found", "The location names no path.", "Give the path of a file or directory.")
        if target.startswith("/"):
            return [os.path.normpath(target)]
        return [os.path.normpath(f"{root}/{target}") for root in self._limits.roots]

    def _find(self, location: LocationTarget, errors: list[ReadError]) -> tuple[list[str], bool]:
        target = plain_path(location.target)
        candidates = self._candidates(target)
        refused = True
        for path in candidates:
            start = _start_of(path)
            if not self.inside_roots(start):
                continue
            refused = False
            if Path(path).is_dir():
                found = self._walk(location, path, None, errors)
            elif os.path.lexists(path):
                return [path], True
            elif has_magic(path):
                found = self._walk(location, start, path, errors)
            else:
                continue
            if found:
                return found, False
            if errors:
                raise errors[0]
            if Path(start).is_dir():
                raise nothing_there(path, pattern=start != path)
        if refused:
            raise self._outside(location.target)
        raise ReadError(
            "not-found",
            f"{location.target} does not exist.",
            "Check the path and its spelling, or remove the location.",
            url=location.target,
        )

    def _outside(self, place: str) -> ReadError:
        roots = ", ".join(str(root) for root in self._limits.roots) or "none is set"
        return ReadError(
            "refused",
            f"{place} lies outside the directories that may be read ({roots}).",
            "Move the file there, or add its directory to the allowed roots for reading.",
            url=place,
        )

    def _walk(self, location: LocationTarget, start: str, pattern: str | None, errors: list[ReadError]) -> list[str]:
        """Find catalog files below a directory, or what a pattern matches; links to directories stay."""
        try:
            glob = compile_glob(os.path.relpath(pattern, start)) if pattern else None
        except GlobError as error:
            raise ReadError(
                "too-many", f"{location.target}: {error}.", "Simplify the pattern.", url=location.target
            ) from None
        named = set(pattern.split("/")) if pattern else set()

        def enters(relative: str, name: str) -> bool:
            if glob is None:
                return not skipped_directory(name)
            return glob.may_hold(relative) and (name not in _NEVER_BY_WILDCARD or name in named)

        found: list[str] = []
        visited = 0
        for relative, path, is_directory in _entries(start, enters, errors):
            visited += 1
            if visited > self._limits.max_visited:
                raise too_many(location.target, self._limits.max_visited)
            if is_directory:
                continue
            name = relative.rsplit("/", 1)[-1]
            if glob.matches(relative) if glob else is_wanted(name, self._limits.foreign):
                found.append(path)
                if len(found) > self._limits.max_files:
                    raise too_many(location.target, self._limits.max_files)
        return sorted(found if glob else wanted_files(found, self._limits.foreign))

    def _stat(self, path: str) -> tuple[str, os.stat_result]:
        real = os.path.realpath(path)
        if not self.inside_roots(real):
            raise self._outside(path)
        try:
            info = Path(real).stat()
        except FileNotFoundError:
            raise ReadError(
                "not-found", f"{path} does not exist, or is a link to nothing.", "Check the path.", url=path
            ) from None
        except OSError as error:
            raise _unreadable(path, error) from None
        if not stat.S_ISREG(info.st_mode):
            raise ReadError("unreadable", f"{path} is not a regular file.", "Name a file.", url=path)
        if info.st_size > self._limits.max_bytes:
            raise too_large(path, self._limits.max_bytes)
        return real, info

    def _content(self, path: str, real: str) -> bytes:
        try:
            # Not blocking and not following links: what was judged a moment ago may have been swapped since.
            handle = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                content = file.read(self._limits.max_bytes + 1)
        except OSError as error:
            raise _unreadable(path, error) from None
        if len(content) > self._limits.max_bytes:
            raise too_large(path, self._limits.max_bytes)
        return content

    def _etag(self, found: list[tuple[str, str, os.stat_result]]) -> str:
        digest = hashlib.sha256()
        newest = 0.0
        for path, real, info in found:
            stamp = (path, real, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
            digest.update(repr(stamp).encode())
            newest = max(newest, info.st_mtime, info.st_ctime)
        if newest > time.time() - _RACY_SECONDS:
            return "racy:" + secrets.token_hex(8)
        return "stat:" + digest.hexdigest()


def _start_of(path: str) -> str:
    if has_magic(path) and not os.path.lexists(path):
        return static_prefix(path) or "/"
    return path


def _entries(
    start: str, enters: Callable[[str, str], bool], errors: list[ReadError]
) -> Iterator[tuple[str, str, bool]]:
    """Walk a directory tree and note the directories that cannot be listed."""
    waiting = [("", start)]
    while waiting:
        prefix, directory = waiting.pop()
        try:
            with os.scandir(directory) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue  # It vanished while the tree was walked.
        except OSError as error:
            errors.append(_unreadable(directory, error))
            continue
        for entry in entries:
            relative = f"{prefix}{entry.name}"
            is_directory = entry.is_dir(follow_symlinks=False)
            yield relative, entry.path, is_directory
            if is_directory and enters(relative, entry.name):
                waiting.append((relative + "/", entry.path))


def _unreadable(path: str, error: OSError) -> ReadError:
    return ReadError(
        "unreadable",
        f"{path} cannot be read: {error.strerror or error}.",
        "Give the user that runs the portal permission to read it.",
        url=path,
        transient=not isinstance(error, PermissionError),
    )


def nothing_there(place: str, *, pattern: bool) -> ReadError:
    """Say that a place exists but holds nothing to read."""
    if pattern:
        return ReadError("not-found", f"No file matches {place}.", "Check the pattern.", url=place)
    return ReadError(
        "not-found",
        f"{place} holds no catalog-info.yaml or catalog-info.yml at any depth.",
        "Add one, or name the files with a pattern such as services/*.yaml.",
        url=place,
    )
