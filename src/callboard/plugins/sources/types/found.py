"""Types of sources, and what looking through one brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from callboard.plugins.sources import settings
from callboard.plugins.sources.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class SourceType:
    """A type of source: what it is called, what it does in one sentence, and its settings.

    ``product`` is the product of a source host; those sources need a connection.
    """

    name: str
    title: str
    icon: str
    section: Literal["hosts", "people", "data"]
    summary: str
    model: type[SourceSettings]
    product: str = ""
    people: bool = False


TYPES: tuple[SourceType, ...] = (
    SourceType(
        "github", "GitHub", "brand-github", "hosts",
        "Catalog files of all repositories, and people and teams, of GitHub or GitHub Enterprise.",
        settings.GitHubSource, "github", people=True,
    ),
    SourceType(
        "gitlab", "GitLab", "brand-gitlab", "hosts",
        "Catalog files and people of GitLab groups and everything inside them.",
        settings.GitLabSource, "gitlab", people=True,
    ),
    SourceType(
        "bitbucket", "Bitbucket Cloud", "brand-bitbucket", "hosts",
        "Catalog files and members of Bitbucket workspaces.",
        settings.BitbucketSource, "bitbucket", people=True,
    ),
    SourceType(
        "bitbucket-server", "Bitbucket Data Center", "brand-bitbucket", "hosts",
        "Catalog files, people and groups of projects on a Bitbucket server.",
        settings.BitbucketServerSource, "bitbucket-server", people=True,
    ),
    SourceType(
        "azure", "Azure DevOps", "brand-windows", "hosts",
        "Catalog files, people and teams of Azure DevOps projects.",
        settings.AzureSource, "azure", people=True,
    ),
    SourceType(
        "gitea", "Gitea and Forgejo", "git-fork", "hosts",
        "Catalog files, people and teams of Gitea, Forgejo or Codeberg organisations.",
        settings.GiteaSource, "gitea", people=True,
    ),
    SourceType(
        "gerrit", "Gerrit", "git-merge", "hosts",
        "Catalog files, accounts and groups of a Gerrit server.",
        settings.GerritSource, "gerrit", people=True,
    ),
    SourceType(
        "git", "List of Git repositories", "brand-git", "hosts",
        "Catalog files of repositories on any Git server, named one by one.",
        settings.GitSource, "git",
    ),
    SourceType(
        "ldap", "LDAP and Active Directory", "address-book", "people",
        "Users and groups of the company's directory.", settings.LdapSource,
    ),
    SourceType(
        "people-file", "Table of people", "file-spreadsheet", "people",
        "People and their teams from CSV, JSON or a spreadsheet, on the web, in a bucket or on disk.",
        settings.PeopleFileSource,
    ),
    SourceType(
        "kubernetes", "Kubernetes", "steering-wheel", "data",
        "Entities kept in a cluster, as labelled ConfigMaps or custom resources.", settings.KubernetesSource,
    ),
    SourceType(
        "bucket", "Bucket", "bucket", "data",
        "Catalog files in S3, Google Cloud Storage, Azure Blob Storage or a compatible server.", settings.BucketSource,
    ),
    SourceType(
        "http", "Web API with mapping", "api", "data",
        "Any JSON API: say once how an item becomes an entity, and see the result before you save.",
        settings.HttpSource,
    ),
)  # fmt: skip

BY_NAME = {one.name: one for one in TYPES}


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A catalog file: the location that reads it, where it stands, and a text that changes when it does."""

    type: str
    target: str
    repository: str = ""
    path: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be looked at: what, why, and the remedy. The rest goes on."""

    place: str
    message: str
    remedy: str = ""
    code: str = ""

    def as_dict(self) -> dict[str, str]:
        """Answer plain JSON."""
        return {"place": self.place, "message": self.message, "remedy": self.remedy, "code": self.code}


@dataclass
class Discovery:
    """All that a source brings. ``complete`` is false where a part could not be looked at.

    ``looked_at`` counts what was gone through (repositories, entries, items), whether or not it brought anything.
    """

    files: list[FoundFile] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    looked_at: Counter[str] = field(default_factory=Counter)
    complete: bool = True

    def trouble(self, place: str, message: str, remedy: str = "", code: str = "", *, complete: bool = False) -> None:
        """Note what could not be looked at; ``complete`` where nothing that was there before is missing by it."""
        self.troubles.append(Trouble(place, message, remedy, code))
        self.complete = self.complete and complete

    def counts(self) -> dict[str, int]:
        """Count what was found, by what it is."""
        found: Counter[str] = Counter(str(entity.get("kind", "?")) for entity in self.entities)
        if self.files:
            found["files"] = len(self.files)
        return dict(found)


class SourceError(Exception):
    """A source that cannot be looked through at all: why, and the remedy. ``retry_after`` is in seconds."""

    def __init__(self, message: str, remedy: str = "", *, code: str = "", retry_after: float | None = None) -> None:
        self.message = message
        self.remedy = remedy
        self.code = code
        self.retry_after = retry_after
        super().__init__(f"{message} {remedy}".strip())


def secrets_of(model: type[SourceSettings]) -> tuple[str, ...]:
    """Answer the names of the settings that are secrets."""
    found = []
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, Mapping) and extra.get("secret"):
            found.append(name)
    return tuple(found)
