"""The value of RepoUrlPicker: ``host?owner=…&repo=…``, with the fields that each kind of host needs."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

FIELDS = ("owner", "repo", "organization", "workspace", "project")


class RepoUrlError(ValueError):
    """Not the value of a RepoUrlPicker; the message says what is missing."""


@dataclass(frozen=True)
class RepoUrl:
    """A repository that may not exist yet."""

    host: str
    owner: str = ""
    repo: str = ""
    organization: str = ""
    workspace: str = ""
    project: str = ""

    def __str__(self) -> str:
        pairs = [(name, getattr(self, name)) for name in FIELDS]
        return f"{self.host}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs if value)

    @property
    def slug(self) -> str:
        """``owner/repo``, or what stands for the owner where there is none."""
        return "/".join(part for part in (self.owner or self.workspace or self.project, self.repo) if part)

    def as_dict(self) -> dict[str, str]:
        """Answer the fields that are set, and the host."""
        return {"host": self.host} | {name: getattr(self, name) for name in FIELDS if getattr(self, name)}


def parse_repo_url(text: str) -> RepoUrl:
    """Read ``host?owner=…&repo=…``. Raises :class:`RepoUrlError`."""
    if not text or len(text) > 2000:
        raise RepoUrlError("a repository was expected, such as github.com?owner=acme&repo=shop")
    plain = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(plain)
        port = parts.port
    except ValueError as error:
        raise RepoUrlError(f"{text!r} is no repository: {error}") from error
    if not parts.hostname or "@" in parts.netloc:
        raise RepoUrlError(f"{text!r} names no host")
    host = parts.hostname + (f":{port}" if port else "")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    given = {name: value for name, value in pairs if name in FIELDS}
    if not given.get("repo"):
        raise RepoUrlError(f"{text!r} names no repository; it needs ?owner=…&repo=…")
    return RepoUrl(host, **given)
