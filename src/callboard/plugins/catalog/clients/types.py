"""Name what is read, what comes back, how much is allowed and what went wrong."""

import fnmatch
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from callboard.lib.problems import Place, Problem

LOCATION_TYPES = ("file", "url", "git")
CATALOG_FILE_NAMES = frozenset({"catalog-info.yaml", "catalog-info.yml"})

ErrorCode = Literal[
    "not-found",
    "timed-out",
    "refused",
    "too-large",
    "too-many",
    "http-error",
    "unauthorized",
    "rate-limited",
    "unreadable",
    "not-a-repository",
    "unknown-type",
]

_USERINFO = re.compile(r"(?<=://)[^/?#@\s]*:?[^/?#\s]*@")
_SECRET_PARAMETER = re.compile(
    r"([?&;][^=&;#\s]*(?:token|secret|password|passwd|api[-_]?key|signature|sig|credential|auth)[^=&;#\s]*=)[^&;#\s]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Blank out passwords and tokens in every URL of a text, so that it may be shown and logged."""
    return _SECRET_PARAMETER.sub(r"\1***", _USERINFO.sub("", text))


@dataclass(frozen=True, slots=True)
class LocationTarget:
    """A place to read from: its type and, in the syntax of that type, its target."""

    type: str
    target: str

    def __str__(self) -> str:
        return f"{self.type}:{self.target}"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file: the place to show, the location that reads it again, and its bytes."""

    url: str
    target: LocationTarget
    content: bytes


class ReadError(Exception):
    """Say which place could not be read, why, and what to do about it.

    `transient` is true when trying again later may help; `retry_after` is the number of seconds the other
    side asked for. Credentials never appear in the texts.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        remedy: str,
        *,
        url: str = "",
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.code: ErrorCode = code
        self.message = redact(message)
        self.remedy = redact(remedy)
        self.url = redact(url)
        self.transient = transient
        self.retry_after = retry_after
        super().__init__(f"{self.message} {self.remedy}")

    def as_problem(self, path: str = "") -> Problem:
        """Give the error as a problem, to be shown beside those of the files that were read."""
        return Problem(self.code, self.message, self.remedy, Place(url=self.url, path=path))


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a location gave: its files, or nothing but `not_modified` when the etag still holds.

    `errors` are the files that failed while others were read; the etag is then empty, so that the next read
    tries again.
    """

    files: tuple[ReadFile, ...] = ()
    etag: str = ""
    not_modified: bool = False
    errors: tuple[ReadError, ...] = ()


@dataclass(frozen=True, slots=True)
class HostAccess:
    """How to talk to one source host.

    `type` names the product of a self-hosted server (github, gitlab, bitbucket, bitbucket-server, gitea,
    azure) when its addresses do not give it away. `ssh_key` and `known_hosts` are paths for Git over ssh.
    """

    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    username: str = ""
    type: str = ""
    ssh_key: str = ""
    known_hosts: str = ""


def _default_cache() -> Path:
    return Path(tempfile.gettempdir()) / "callboard-git"


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What may be read and how much of it; times are seconds, sizes are bytes.

    `roots` are the only directories that `file` locations and `file://` repositories may read (none:
    neither is allowed). `foreign` are names and patterns of files of other formats that are looked for beside
    catalog files. `allow` lists host patterns, addresses and networks that may be reached although
    they are not public. `hosts` maps a host (or `host:port`) to its access; plain mappings with the fields
    of `HostAccess` are accepted.
    """

    roots: tuple[Path, ...] = ()
    foreign: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    hosts: Mapping[str, HostAccess | Mapping[str, Any]] = field(default_factory=dict)
    cache_dir: Path = field(default_factory=_default_cache)
    connect_timeout: float = 5.0
    timeout: float = 30.0
    git_timeout: float = 120.0
    max_bytes: int = 10_000_000
    max_total_bytes: int = 200_000_000
    max_files: int = 10_000
    max_visited: int = 500_000
    max_redirects: int = 5
    max_repository_bytes: int = 2_000_000_000

    def access(self, scheme: str, host: str, port: int | None = None) -> HostAccess | None:
        """Find the access of a host; a key without a port holds for the usual port of the scheme alone."""
        usual = {"https": 443, "http": 80, "ssh": 22}.get(scheme)
        port = port or usual
        keys = [f"{host}:{port}"] + ([host] if port == usual else [])
        for key in keys:
            for name, value in self.hosts.items():
                if name.lower() == key.lower():
                    return value if isinstance(value, HostAccess) else HostAccess(**value)
        return None


def wanted_files(paths: Iterable[str], foreign: Iterable[str]) -> list[str]:
    """Answer the catalog files among paths, and the files of other formats where no catalog file stands beside them."""
    foreign = tuple(foreign)
    found: dict[str, list[str]] = {}
    own: set[str] = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name in CATALOG_FILE_NAMES:
            own.add(folder)
        elif not any(fnmatch.fnmatchcase(name, pattern) for pattern in foreign):
            continue
        found.setdefault(folder, []).append(path)
    return [
        path
        for folder, here in found.items()
        for path in here
        if folder not in own or path.rpartition("/")[2] in CATALOG_FILE_NAMES
    ]


def is_wanted(name: str, foreign: Iterable[str]) -> bool:
    """Tell whether a file of this name may hold entities."""
    return name in CATALOG_FILE_NAMES or any(fnmatch.fnmatchcase(name, pattern) for pattern in foreign)


def too_large(place: str, limit: int) -> ReadError:
    """Say that one file passes the size limit."""
    return ReadError(
        "too-large",
        f"{place} is larger than {limit:,} bytes.",
        "Split the file, or raise the size limit for reading (max_bytes).",
        url=place,
    )


def too_large_together(place: str, limit: int) -> ReadError:
    """Say that the files of one location pass the total size limit."""
    return ReadError(
        "too-large",
        f"The files of {place} are larger than {limit:,} bytes together.",
        "Narrow the pattern, or split it over several locations.",
        url=place,
    )


def too_many(place: str, limit: int) -> ReadError:
    """Say that a pattern matches more files than are allowed."""
    return ReadError(
        "too-many",
        f"{place} matches more than {limit:,} files or folders.",
        "Narrow the pattern, or split it over several locations.",
        url=place,
    )
