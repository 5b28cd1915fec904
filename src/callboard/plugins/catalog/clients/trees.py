"""Read whole folders, whatever is in them: the material that templates copy."""

import os
import stat
import time
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from urllib.parse import urlsplit

from . import hosts
from .files import plain_path
from .git import check_ref, parse_target
from .git_access import Access
from .git_process import GitFailedError, GitTimedOutError, explain
from .git_repository import CachedRepository
from .reading import Reader
from .types import LocationTarget, ReadError, redact, too_large, too_large_together, too_many


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a folder: its path below it, its bytes; of a symbolic link the target."""

    path: str
    content: bytes
    executable: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class TreeAnswer:
    """A folder, or the one file that was named; ``version`` is the commit where there is one."""

    files: tuple[TreeFile, ...]
    single: bool = False
    version: str = ""


def read_tree(reader: Reader, location: LocationTarget) -> TreeAnswer:
    """Read a folder or a file with everything in it; raises ReadError."""
    if location.type == "file":
        return _local(reader, plain_path(location.target))
    if location.type == "git":
        target = parse_target(location.target)
        return _from_git(reader, target.repository, target.path, target.ref, "", str(target))
    hosted = reader.hosted(location.target)
    if hosted is None:
        # A plain address is one file.
        result = reader.read(location)
        name = urlsplit(location.target).path.rsplit("/", 1)[-1] or "file"
        return TreeAnswer((TreeFile(name, result.files[0].content),), single=True)
    tail = hosted.tail if hosted.ref_kind.startswith("maybe") else ""
    return _from_git(reader, hosts.clone_url(hosted), hosted.path, hosted.ref, tail, location.target)


def beside(reader: Reader, base: LocationTarget, relative: str) -> LocationTarget:
    """Turn what a template names into a location: an address, or a path beside the template."""
    kind, _, rest = relative.partition(":")
    if kind == "git" and rest:
        return LocationTarget("git", rest)
    if relative.startswith("file:"):
        return LocationTarget("file", plain_path(relative.removeprefix("file:")))
    if urlsplit(relative).scheme in ("http", "https"):
        return LocationTarget("url", relative)
    if base.type == "url":
        hosted = reader.hosted(base.target)
        if hosted is not None:
            joined = hosts.join(hosted, relative)
            if joined is None:
                raise _leads_out(base.target, relative)
            return LocationTarget("url", hosts.view_url(joined))
    if base.type == "git":
        target = parse_target(base.target)
        path = normpath(relative.lstrip("/") if relative.startswith("/") else join(dirname(target.path), relative))
        if path == ".." or path.startswith("../"):
            raise _leads_out(base.target, relative)
        ref = f"?ref={target.ref}" if target.ref else ""
        return LocationTarget("git", f"{target.repository}{'' if path == '.' else '//' + path}{ref}")
    if base.type == "file":
        home = dirname(plain_path(base.target))
        path = normpath(join(home, relative.lstrip("/")))
        if path != home and not path.startswith(f"{home}/"):
            raise _leads_out(base.target, relative)
        return LocationTarget("file", path)
    return reader.resolve(base, relative)


def _leads_out(base: str, relative: str) -> ReadError:
    return ReadError(
        "refused",
        f"{redact(relative)} leads out of the folder of {redact(base)}.",
        "Correct the relative path.",
        url=base,
    )


def _local(reader: Reader, path: str) -> TreeAnswer:
    limits = reader.limits
    path = os.path.normpath(path)
    roots = [os.path.realpath(root) for root in limits.roots]
    real = os.path.realpath(path)
    if not any(real == root or real.startswith(f"{root}/") for root in roots):
        raise ReadError(
            "refused",
            f"{path} lies outside the directories that may be read.",
            "Move it beside the template, or add its directory to catalog.reading.roots.",
            url=path,
        )
    if not os.path.lexists(path):
        raise ReadError("not-found", f"{path} does not exist.", "Check the path.", url=path)
    if not os.path.isdir(real):  # noqa: PTH112 - the paths are texts throughout
        return TreeAnswer(
            (TreeFile(path.rsplit("/", 1)[-1], _content(real, limits.max_bytes), _runs(real)),), single=True
        )
    files: list[TreeFile] = []
    total = 0
    for folder, folders, names in os.walk(real):
        folders[:] = sorted(name for name in folders if name != ".git")
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in sorted([*names, *linked]):
            full = f"{folder}/{name}"
            relative = os.path.relpath(full, real)
            if os.path.islink(full):  # noqa: PTH114
                files.append(TreeFile(relative, b"", link=os.readlink(full)))  # noqa: PTH115
                continue
            content = _content(full, limits.max_bytes)
            total += len(content)
            if total > limits.max_total_bytes:
                raise too_large_together(path, limits.max_total_bytes)
            files.append(TreeFile(relative, content, _runs(full)))
            if len(files) > limits.max_files:
                raise too_many(path, limits.max_files)
    return TreeAnswer(tuple(files))


def _runs(path: str) -> bool:
    return bool(os.stat(path).st_mode & stat.S_IXUSR)  # noqa: PTH116


def _content(path: str, limit: int) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ReadError("unreadable", f"{path} is not a regular file.", "Leave it out.", url=path)
            content = file.read(limit + 1)
    except OSError as error:
        raise ReadError(
            "unreadable", f"{path} cannot be read: {error.strerror or error}.", "Check its permissions.", url=path
        ) from None
    if len(content) > limit:
        raise too_large(path, limit)
    return content


def _from_git(reader: Reader, repository: str, path: str, ref: str, tail: str, place: str) -> TreeAnswer:
    place = redact(place)
    if ref:
        check_ref(ref, place)
    limits = reader.limits
    access = Access.of(repository, limits, reader.guard, reader.files, place)
    reader.git.prepare_cache()
    work = CachedRepository(limits, access, place, time.monotonic() + limits.git_timeout)
    try:
        commit, full, path = work.resolve(ref, path, tail)
        with work.locked():
            commit = work.ensure(commit, full)
            return _listed(work, commit, path.strip("/"), place)
    except GitTimedOutError:
        raise ReadError(
            "timed-out",
            f"{place} timed out.",
            "Try again; a very large repository may need a higher limit.",
            url=place,
            transient=True,
        ) from None
    except GitFailedError as error:
        raise explain(error.text, place) from None


def _listed(work: CachedRepository, commit: str, path: str, place: str) -> TreeAnswer:
    limits = work.limits
    listing = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *([path] if path else [])]
    rows = [row for row in work.run(*listing).split(b"\0") if row]
    if not rows:
        raise ReadError("not-found", f"{place} does not exist at {commit[:12]}.", "Check path and ref.", url=place)
    if len(rows) > limits.max_files:
        raise too_many(place, limits.max_files)
    wanted: list[tuple[str, bytes, bytes]] = []
    total = 0
    for row in rows:
        meta, _, name = row.partition(b"\t")
        mode, kind, digest, size = meta.split()
        if kind != b"blob":
            continue
        total += int(size)
        if int(size) > limits.max_bytes:
            raise too_large(f"{place} ({name.decode('utf-8', 'replace')})", limits.max_bytes)
        if total > limits.max_total_bytes:
            raise too_large_together(place, limits.max_total_bytes)
        wanted.append((name.decode("utf-8", "surrogateescape"), mode, digest))
    output = work.run("cat-file", "--batch", stdin=b"".join(digest + b"\n" for _, _, digest in wanted))
    files: list[TreeFile] = []
    position = 0
    single = len(wanted) == 1 and wanted[0][0] == path
    for path_in, bits, _ in wanted:
        end = output.index(b"\n", position)
        length = int(output[position:end].split(b" ")[2])
        content = output[end + 1 : end + 1 + length]
        position = end + length + 2
        relative = path_in.rsplit("/", 1)[-1] if single else path_in[len(path) + 1 :] if path else path_in
        if bits == b"120000":
            files.append(TreeFile(relative, b"", link=content.decode("utf-8", "surrogateescape")))
        else:
            files.append(TreeFile(relative, content, executable=bits == b"100755"))
    return TreeAnswer(tuple(files), single, commit)
