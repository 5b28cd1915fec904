"""Read whatever a location names, whichever type it has."""

from functools import cached_property
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from . import hosts
from .files import FileClient, plain_path
from .folders import FolderClient
from .git import GitClient, parse_target
from .globs import has_magic
from .guard import Guard
from .types import (
    LOCATION_TYPES,
    HostAccess,
    LocationTarget,
    ReadError,
    ReadFile,
    ReadingLimits,
    ReadResult,
    redact,
)

if TYPE_CHECKING:
    from .web import WebClient

__all__ = ["HostAccess", "LocationTarget", "ReadError", "ReadFile", "ReadResult", "Reader", "ReadingLimits"]


class Reader:
    """Read locations within limits; make one and share it between threads.

    >>> reader = Reader(ReadingLimits(roots=(Path("/srv/catalog"),)))
    >>> result = reader.read(LocationTarget("file", "teams/*.yaml"))
    >>> reader.read(LocationTarget("file", "teams/*.yaml"), etag=result.etag).not_modified
    True
    """

    def __init__(self, limits: ReadingLimits | None = None) -> None:
        self.limits = limits or ReadingLimits()
        self.guard = Guard(self.limits.allow, self.limits.connect_timeout)
        self.files = FileClient(self.limits)
        self.git = GitClient(self.limits, self.guard, self.files)
        self._types = {
            name.lower(): access.type if isinstance(access, HostAccess) else str(access.get("type", ""))
            for name, access in self.limits.hosts.items()
        }

    @property
    def folders(self) -> FolderClient:
        """Reads whole folders, within the same limits."""
        return FolderClient(self.files, self.git, self._types)

    @cached_property
    def _web(self) -> "WebClient":
        # The HTTP library is slow to import, and many portals read from Git and directories alone.
        from .web import WebClient  # noqa: PLC0415

        return WebClient(self.limits, self.guard)

    def read(self, location: LocationTarget, etag: str = "") -> ReadResult:
        """Read every file a location stands for; raises ReadError when nothing could be read.

        `etag` is that of an earlier result: when it still holds, the result says `not_modified` and has no
        files.
        """
        if location.type == "file":
            return self.files.read(location, etag)
        if location.type == "git":
            return self.git.read(location, etag)
        if location.type == "url":
            return self._read_url(location, etag, page=False)
        raise ReadError(
            "unknown-type",
            f"{location} has the unknown type {location.type}.",
            f"Use one of {', '.join(LOCATION_TYPES)}.",
            url=str(location),
        )

    def read_file_relative(self, base: ReadFile | LocationTarget, relative: str) -> ReadFile:
        """Read the one file that a placeholder in `base` names; raises ReadError."""
        start = base.target if isinstance(base, ReadFile) else base
        location = self.resolve(start, relative)
        result = self._read_url(location, "", page=True) if location.type == "url" else self.read(location)
        if len(result.files) != 1:
            raise ReadError(
                "too-many",
                f"{redact(location.target)} stands for {len(result.files)} files where one is needed.",
                "Name a single file.",
                url=location.target,
            )
        return result.files[0]

    def resolve(self, base: LocationTarget, relative: str) -> LocationTarget:
        """Turn a target that may be relative to `base` into a location; raises ReadError out of bounds.

        A leading slash means the top of the repository for hosted and Git files, the host for other
        addresses, and the file system for local files, where the roots hold.
        """
        relative = relative.strip()
        if urlsplit(relative).scheme in ("http", "https"):
            return LocationTarget("url", relative)
        if base.type == "file":
            start = plain_path(base.target)
            return LocationTarget("file", normpath(join(dirname(start), plain_path(relative))))
        if "://" in relative.split("?")[0]:
            raise ReadError(
                "refused",
                f"{redact(relative)} may not be read from {redact(base.target)}.",
                "Use a relative path or an https address.",
                url=base.target,
            )
        if base.type == "git":
            return LocationTarget("git", self._join_git(base.target, relative))
        hosted = hosts.parse(base.target, self._types)
        if hosted is None or hosted.view == "repository":
            return LocationTarget("url", urljoin(base.target, relative))
        joined = hosts.join(hosted, relative)
        if joined is None:
            raise _leads_out(base.target, relative)
        # Wildcards stay readable: they are meant for `read`, not for a browser.
        return LocationTarget("url", _keep_wildcards(hosts.view_url(joined)))

    def links(self, location: LocationTarget) -> hosts.Links:
        """Give the view, edit and source addresses for the annotations of entities from a file."""
        if location.type == "url":
            hosted = hosts.parse(location.target, self._types)
            return hosts.links(hosted) if hosted and hosted.path else hosts.Links(view_url=location.target)
        if location.type == "git":
            target = parse_target(location.target)
            hosted = hosts.parse(target.repository.removesuffix(".git"), self._types)
            if hosted and target.path:
                return hosts.links(hosted.at(target.ref, target.path))
        return hosts.Links()

    def hosted(self, url: str) -> hosts.Hosted | None:
        """Understand the address of a file, folder or repository on a known source host."""
        return hosts.parse(url, self._types)

    def _join_git(self, base: str, relative: str) -> str:
        target = parse_target(base)
        path = relative.lstrip("/") if relative.startswith("/") else join(dirname(target.path), relative)
        path = normpath(path)
        if path == ".." or path.startswith("../"):
            raise _leads_out(base, relative)
        ref = f"?ref={target.ref}" if target.ref else ""
        return f"{target.repository}//{path}{ref}" if path != "." else f"{target.repository}{ref}"

    def _read_url(self, location: LocationTarget, etag: str, *, page: bool) -> ReadResult:
        url = location.target
        from .web import check_url  # noqa: PLC0415 - see _web

        check_url(url)
        hosted = hosts.parse(url, self._types)
        if hosted is None:
            if "*" in urlsplit(url).path:
                raise ReadError(
                    "unreadable",
                    f"{redact(url)} has a pattern, and the host offers no list of files.",
                    "Name a single file, or read the repository with a location of type git.",
                    url=url,
                )
            return self._fetch(location, url, etag, {}, page=page)
        if hosted.view != "file" or has_magic(hosted.path):
            return self._read_hosted_by_git(hosted, location, etag)
        parts = urlsplit(hosted.origin)
        access = self.limits.access(parts.scheme, parts.hostname or "", parts.port) or HostAccess()
        raw, headers = hosts.raw_request(hosted, access.token, access.username)
        try:
            return self._fetch(location, raw, etag, headers, page=page)
        except ReadError as error:
            # With a ref that has a slash the address has several readings, and only Git knows the right one.
            if error.code != "not-found" or not hosted.ref_kind.startswith("maybe") or "/" not in hosted.path:
                raise
            try:
                return self._read_hosted_by_git(hosted, location, etag)
            except ReadError:
                raise error from None

    def _fetch(
        self, location: LocationTarget, url: str, etag: str, headers: dict[str, str], *, page: bool
    ) -> ReadResult:
        answer = self._web.get(url, etag, headers, place=location.target)
        if answer.not_modified:
            return ReadResult(etag=answer.etag, not_modified=True)
        start = answer.content[:256].lstrip().lower()
        if not page and start.startswith((b"<!doctype html", b"<html")):
            raise ReadError(
                "unreadable",
                f"{redact(location.target)} answered with a web page instead of a file.",
                "Use the address of the file itself; a sign-in page means that a token is missing.",
                url=location.target,
            )
        file = ReadFile(redact(location.target), location, answer.content)
        return ReadResult((file,), answer.etag)

    def _read_hosted_by_git(self, hosted: hosts.Hosted, location: LocationTarget, etag: str) -> ReadResult:
        maybe = hosted.ref_kind.startswith("maybe")
        answer = self.git.fetch(
            hosts.clone_url(hosted),
            hosted.path,
            hosted.ref,
            etag=etag.removeprefix("git:"),
            place=location.target,
            tail=hosted.tail if maybe else "",
        )
        single = hosted.view == "file" and not has_magic(hosted.path)
        files = []
        for file in answer.files:
            url = location.target if single else hosts.view_url(hosted.at(answer.ref, file.path))
            files.append(ReadFile(url, LocationTarget("url", url), file.content))
        seen = "" if answer.errors else f"git:{answer.commit}"
        return ReadResult(tuple(files), seen, answer.not_modified, answer.errors)


def _keep_wildcards(url: str) -> str:
    return url.replace("%2A", "*").replace("%7B", "{").replace("%7D", "}").replace("%2C", ",")


def _leads_out(base: str, relative: str) -> ReadError:
    return ReadError(
        "refused",
        f"{redact(relative)} leads out of the repository of {redact(base)}.",
        "Correct the relative path.",
        url=base,
    )
