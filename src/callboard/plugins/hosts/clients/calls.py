"""Every call there is on a source host, for whichever product.

A call answers values of ``types.model`` and raises :class:`HostError`. What a product does not know is refused
with the code ``unsupported``, never silently left out. Lists are iterators: pages are fetched as they are needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from callboard.plugins.hosts.types.access import Access
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import (
    Account,
    Branch,
    Commit,
    FileChange,
    FileContent,
    Hook,
    Issue,
    Member,
    Organisation,
    Protection,
    PullRequest,
    Repository,
    Settings,
    Team,
    Tree,
    Visibility,
    WorkflowRun,
)
from callboard.plugins.hosts.types.products import Product


def q(text: str) -> str:
    """Quote one part of a path, slashes too."""
    return quote(text, safe="")


def qp(text: str) -> str:
    """Quote a path and keep its slashes."""
    return quote(text, safe="/")


class HostCalls:
    """The calls. A product overrides those it knows."""

    product: Product
    access: Access

    # --- What a product can do -----------------------------------------------------------

    def supports(self, call: str) -> bool:
        """Whether the product has a call of this name (``create_environment``)."""
        return getattr(type(self), call) is not getattr(HostCalls, call)

    def unsupported(self, what: str) -> HostError:
        """Say that a product does not know something."""
        return HostError("unsupported", f"{self.product.title} offers nothing for {what}")

    # --- Reading -----------------------------------------------------------------------

    def whoami(self) -> Account:
        """Answer whom the credentials belong to."""
        raise self.unsupported("telling who is signed in")

    def organisations(self) -> Iterator[Organisation]:
        """Answer whatever holds repositories that the credentials can see."""
        raise self.unsupported("listing organisations")

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the repositories of an organisation, groups inside it included."""
        raise self.unsupported("listing repositories")

    def repository(self, full_name: str) -> Repository:
        """Answer one repository."""
        raise self.unsupported("looking at a repository")

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files below a path, at a branch, tag or commit (the default branch otherwise)."""
        raise self.unsupported("listing files")

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file; raises ``not-found``."""
        raise self.unsupported("reading files")

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch, or nothing where there is none of that name."""
        raise self.unsupported("looking at branches")

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Answer who made the latest commits, with how many of them, most first."""
        raise self.unsupported("listing commits")

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:
        """Answer the address of a file as people see it; the catalog reads it too."""
        return f"{repository.url}/blob/{qp(ref or repository.default_branch)}/{qp(path)}"

    def file_location(self, repository: Repository, path: str, ref: str = "") -> tuple[str, str]:
        """Answer type and target of the catalog location that reads a file."""
        return "url", self.file_url(repository, path, ref)

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch at a commit, or at the commit another branch points to; raises ``conflict``."""
        raise self.unsupported("making branches")

    def commit(
        self,
        full_name: str,
        branch: str,
        message: str,
        changes: Iterable[FileChange],
        *,
        start: str = "",
        author: tuple[str, str] | None = None,
    ) -> Commit:
        """Commit changes of files as one commit; ``start`` makes the branch from another if it is not there.

        In an empty repository the branch begins with this commit. ``author`` is name and e-mail address.
        """
        raise self.unsupported("committing files")

    def open_pull_request(
        self,
        full_name: str,
        source: str,
        target: str,
        title: str,
        body: str = "",
        *,
        draft: bool = False,
        reviewers: Iterable[str] = (),
        team_reviewers: Iterable[str] = (),
        assignees: Iterable[str] = (),
        labels: Iterable[str] = (),
    ) -> PullRequest:
        """Ask for a branch to be merged; raises ``conflict`` where that is asked for already."""
        raise self.unsupported("opening pull requests")

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open pull request of a branch, if there is one."""
        raise self.unsupported("finding pull requests")

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a pull request with the state it is in."""
        raise self.unsupported("looking at pull requests")

    # --- Repositories and what belongs to them ---------------------------------------------

    def create_repository(
        self,
        full_name: str,
        *,
        description: str = "",
        visibility: Visibility = "private",
        default_branch: str = "main",
        options: Mapping[str, Any] | None = None,
    ) -> Repository:
        """Make an empty repository; raises ``conflict`` where there is one of that name.

        ``options`` are further fields of the product's own interface, sent as they are.
        """
        raise self.unsupported("making repositories")

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change settings of a repository."""
        raise self.unsupported("changing repositories")

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository for good; for undoing what a template began."""
        raise self.unsupported("removing repositories")

    def grant(self, full_name: str, who: str, role: str, *, team: bool = False) -> None:
        """Give a person or a team a role (read, triage, write, maintain or admin) in a repository."""
        raise self.unsupported("giving people access")

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch, in place of what protected it before."""
        raise self.unsupported("protecting branches")

    def hooks(self, full_name: str) -> list[Hook]:
        """Answer the webhooks of a repository."""
        raise self.unsupported("listing webhooks")

    def create_hook(self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("push",)) -> Hook:
        """Have the host tell an address what happens in a repository; events as the product calls them."""
        raise self.unsupported("making webhooks")

    def delete_hook(self, full_name: str, hook: str) -> None:
        """Remove a webhook."""
        raise self.unsupported("removing webhooks")

    def dispatch(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None) -> WorkflowRun:
        """Start a workflow or pipeline on a branch or tag."""
        raise self.unsupported("starting pipelines")

    def create_issue(
        self, full_name: str, title: str, body: str = "", *, labels: Iterable[str] = (), assignees: Iterable[str] = ()
    ) -> Issue:
        """Open an issue."""
        raise self.unsupported("opening issues")

    def add_labels(self, full_name: str, number: str, labels: Iterable[str]) -> None:
        """Put labels on an issue or pull request."""
        raise self.unsupported("labels")

    def create_environment(self, full_name: str, name: str) -> None:
        """Make an environment that deployments go to, or leave it as it is."""
        raise self.unsupported("environments")

    def set_variable(
        self, full_name: str, name: str, value: str, *, environment: str = "", secret: bool = False
    ) -> None:
        """Set a variable of pipelines, or a secret that nobody can read back."""
        raise self.unsupported("variables")

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the people of an organisation."""
        raise self.unsupported("listing people")

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer the teams of an organisation, each with the logins of its own members."""
        raise self.unsupported("listing teams")
