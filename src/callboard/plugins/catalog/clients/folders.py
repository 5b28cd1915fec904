"""Read the files of a folder beside a catalog file, for rooms that need more than entities: documentation."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from posixpath import dirname, normpath

from . import hosts
from .files import FileClient, plain_path
from .git import GitAnswer, GitClient, parse_target
from .types import LocationTarget, ReadError, redact

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


@dataclass(frozen=True, slots=True)
class FolderResult:
    """Files by their path in the folder, or nothing but `not_modified` when the etag still holds.

    `commit` is empty for local folders. `edit_url` is the address at which a file of the folder is edited, up
    to and including the folder; `errors` are the files that failed while others were read.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = ""
    commit: str = ""
    not_modified: bool = False
    edit_url: str = ""
    local: str = ""
    errors: tuple[ReadError, ...] = ()


@dataclass(frozen=True, slots=True)
class RefName:
    """A branch or tag of a repository; `default` marks the branch that is read when none is named."""

    name: str
    kind: str
    default: bool = False


class FolderClient:
    """Read folders of any type of location; made by `Reader`, which knows the limits."""

    def __init__(self, files: FileClient, git: GitClient, types: dict[str, str]) -> None:
        self._files = files
        self._git = git
        self._types = types

    def read(
        self, base: LocationTarget, folder: str, patterns: Sequence[str], etag: str = "", version: str = ""
    ) -> FolderResult:
        """Read what matches any of the patterns in `folder`, which is relative to the file `base`.

        `version` is a branch, tag or commit instead of the one that `base` names. Nothing outside of the
        folder is read, whatever links and patterns say. Raises ReadError when nothing could be read.
        """
        pattern = "{" + ",".join(patterns) + "}" if len(patterns) > 1 else patterns[0]
        if base.type == "file":
            if version:
                raise ReadError(
                    "refused",
                    f"{base.target} lies in a local folder, which has no other versions.",
                    "Register the repository itself, by its address.",
                    url=base.target,
                )
            return self._local(base, folder, pattern, etag)
        repository, ref, path, tail, hosted = self._repository(base, folder)
        if version:
            ref, path, tail = version, _without_ref(path, tail, ref), ""
        answer = self._git.fetch(
            repository,
            f"{path}/{pattern}".lstrip("/"),
            ref,
            etag=etag,
            place=redact(base.target),
            tail=f"{tail}/{pattern}" if tail else "",
        )
        root = _root(path, tail, answer)
        edit = ""
        if hosted is not None and not _SHA.match(answer.ref):
            named = hosted.at(answer.ref if answer.ref != "HEAD" else "", f"{root}/x".lstrip("/"))
            edit = hosts.links(named).edit_url.removesuffix("x") if named.ref else ""
        files = {file.path.removeprefix(f"{root}/" if root else ""): file.content for file in answer.files}
        return FolderResult(files, answer.commit, answer.commit, answer.not_modified, edit, "", answer.errors)

    def refs(self, base: LocationTarget) -> list[RefName]:
        """List branches and tags of the repository that `base` lies in; none for local folders."""
        if base.type == "file":
            return []
        repository, *_ = self._repository(base, ".")
        return [RefName(*row) for row in self._git.refs(repository, place=redact(base.target))]

    def _local(self, base: LocationTarget, folder: str, pattern: str, etag: str) -> FolderResult:
        directory = normpath(f"{dirname(plain_path(base.target))}/{folder}")
        result = self._files.read(LocationTarget("file", f"{directory}/{pattern}"), etag)
        real = os.path.realpath(directory)
        files: dict[str, bytes] = {}
        errors = list(result.errors)
        for file in result.files:
            if not os.path.realpath(file.url).startswith(f"{real}/"):
                errors.append(
                    ReadError(
                        "refused",
                        f"{file.url} is a link that leads out of its folder.",
                        "Replace the link by the file.",
                        url=file.url,
                    )
                )
                continue
            files[os.path.relpath(file.url, directory)] = file.content
        return FolderResult(files, result.etag, "", result.not_modified, "", directory, tuple(errors))

    def _repository(self, base: LocationTarget, folder: str) -> tuple[str, str, str, str, hosts.Hosted | None]:
        """Answer address, ref, path of the folder, the tail that may hold both, and the host's view of it."""
        if base.type == "git":
            target = parse_target(base.target)
            path = _inside(normpath(f"{dirname(target.path)}/{folder}".lstrip("/")), base)
            hosted = hosts.parse(target.repository.removesuffix(".git"), self._types)
            return target.repository, target.ref, path, "", hosted
        hosted = hosts.parse(base.target, self._types)
        if hosted is None:
            raise ReadError(
                "unreadable",
                f"{redact(base.target)} is no address of a source host, so its folder cannot be listed.",
                "Use an address on a known host, or set the product of the host under catalog.reading.hosts.",
                url=base.target,
            )
        if not hosted.ref_kind.startswith("maybe"):
            path = _inside(normpath(f"{dirname(hosted.path)}/{folder}".lstrip("/")), base)
            return hosts.clone_url(hosted), hosted.ref, path, "", hosted
        joined = normpath(f"{dirname(hosted.tail)}/{folder}")
        if joined.split("/")[0] != hosted.ref:
            raise _leads_out(base)
        return hosts.clone_url(hosted), hosted.ref, joined.partition("/")[2], joined, hosted


def folder_file(base: LocationTarget) -> LocationTarget:
    """Name a file in the folder that `base` is, so that relative paths start from that folder."""
    if base.type == "git":
        target = parse_target(base.target)
        return LocationTarget("git", str(replace(target, path=f"{target.path}/mkdocs.yml".lstrip("/"))))
    return LocationTarget(base.type, f"{base.target.rstrip('/')}/mkdocs.yml")


def _inside(path: str, base: LocationTarget) -> str:
    if path == ".." or path.startswith(("../", "/")):
        raise _leads_out(base)
    return "" if path == "." else path


def _without_ref(path: str, tail: str, ref: str) -> str:
    return tail.removeprefix(ref).strip("/") if tail else path


def _root(path: str, tail: str, answer: GitAnswer) -> str:
    """Answer the folder in the repository, now that it is known where the ref ended."""
    if tail and (tail == answer.ref or tail.startswith(f"{answer.ref}/")):
        return tail[len(answer.ref) + 1 :]
    return path


def _leads_out(base: LocationTarget) -> ReadError:
    return ReadError(
        "refused",
        f"The folder leads out of the repository of {redact(base.target)}.",
        "Correct the path after dir:.",
        url=base.target,
    )
