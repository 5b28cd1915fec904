"""What source hosts hold: organisations, repositories, files, branches, changes, people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Visibility = Literal["public", "internal", "private"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who the credentials belong to."""

    login: str
    name: str = ""
    email: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Something that holds repositories: organisation, group, workspace, project or a person's space.

    ``path`` is how the host names it in addresses; groups inside groups have slashes in it.
    """

    path: str
    title: str = ""
    kind: Literal["organisation", "group", "workspace", "project", "person"] = "organisation"
    url: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository. ``full_name`` is its owner's path and its name, and is how every other call names it."""

    full_name: str
    url: str = ""
    clone_url: str = ""
    description: str = ""
    default_branch: str = ""
    visibility: Visibility = "private"
    archived: bool = False
    fork: bool = False
    empty: bool = False
    topics: tuple[str, ...] = ()
    language: str = ""
    id: str = ""
    pushed_at: str = ""

    @property
    def owner(self) -> str:
        """The path of whatever holds it."""
        return self.full_name.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its name alone."""
        return self.full_name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a tree of files; ``sha`` is the hash of its content where the host tells it."""

    path: str
    type: Literal["file", "folder", "link", "submodule"] = "file"
    size: int | None = None
    sha: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """All files below a path. ``complete`` is false where the host gave only the first of very many."""

    entries: tuple[Entry, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of a file."""

    path: str
    content: bytes
    sha: str = ""

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8-sig", "replace")


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and the commit it points to."""

    name: str
    commit: str
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that exists on the host."""

    id: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file to write, or to remove where ``content`` is ``None``."""

    path: str
    content: bytes | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, merge request or change."""

    number: str
    title: str
    url: str
    state: Literal["open", "merged", "closed"]
    source: str
    target: str
    draft: bool = False
    author: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A person as the host knows them; ``email`` only where the host shows it."""

    login: str
    name: str = ""
    email: str = ""
    url: str = ""
    picture: str = ""
    id: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Team:
    """A team or group of people; ``slug`` names it inside of its organisation, ``parent`` is a slug too."""

    slug: str
    title: str = ""
    description: str = ""
    url: str = ""
    parent: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the host that tells an address what happens there."""

    id: str
    url: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Protection:
    """How a branch is protected; what a product does not know is left out, never silently weakened."""

    approvals: int = 1
    code_owner_reviews: bool = False
    dismiss_stale_reviews: bool = False
    status_checks: tuple[str, ...] = ()
    up_to_date: bool = False
    enforce_admins: bool = False
    linear_history: bool = False
    signed_commits: bool = False
    conversations_resolved: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue or work item."""

    number: str
    title: str
    url: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run of a pipeline that was asked for; ``id`` is empty where the host does not tell it at once."""

    id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Changes of a repository's settings; ``None`` leaves as it is."""

    description: str | None = None
    homepage: str | None = None
    visibility: Visibility | None = None
    topics: tuple[str, ...] | None = None
    default_branch: str | None = None
    archived: bool | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    """Further fields of the product's own interface, sent as they are."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many more requests a host takes; times are seconds since 1970."""

    resource: str = "core"
    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None
    blocked_until: float | None = None
