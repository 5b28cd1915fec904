"""Any server that speaks Git over https: repositories are named one by one."""

from __future__ import annotations

from collections.abc import Iterable

from callboard.plugins.hosts.clients.base import HostClient, basic
from callboard.plugins.hosts.clients.calls import qp
from callboard.plugins.hosts.clients.git_work import GitWork
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import Account, Branch, Commit, FileChange, FileContent, Repository, Tree


class GitServer(HostClient):
    """One Git server; ``full_name`` is the path of a repository on it."""

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with a name and a password or token."""
        return {"Authorization": basic(self.access.username or "git", self.access.token)} if self.access.token else {}

    def _git(self) -> GitWork:
        return GitWork(self.access, self.credentials(""))

    def _url(self, full_name: str) -> str:
        return f"{self.base}/{qp(full_name.strip('/'))}"

    def whoami(self) -> Account:
        """Answer the name that was configured; Git itself asks only where a repository is read."""
        return Account(self.access.username or "git")

    def repository(self, full_name: str) -> Repository:
        """Answer one repository."""
        with self._git() as git:
            branches, default = git.branches(self._url(full_name))
        return Repository(
            full_name, self._url(full_name), self._url(full_name), default_branch=default, empty=not branches
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files."""
        if repository.empty:
            return Tree(())
        start = f"{path.strip('/')}/" if path.strip("/") else ""
        with self._git() as git:
            found = git.tree(repository.clone_url, ref or repository.default_branch or "HEAD")
        return Tree(tuple(entry for entry in found.entries if entry.path.startswith(start)))

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file."""
        with self._git() as git:
            return FileContent(path, git.read(self._url(full_name), ref or "HEAD", path.strip("/")))

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        with self._git() as git:
            found = git.branches(self._url(full_name))[0].get(name)
        return Branch(name, found) if found else None

    def file_location(self, repository: Repository, path: str, ref: str = "") -> tuple[str, str]:
        """Answer the Git location of a file."""
        at = ref or repository.default_branch
        return "git", f"{repository.clone_url}//{path}" + (f"?ref={at}" if at else "")

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:  # noqa: ARG002 - there are no pages
        """Answer the address of the repository."""
        return repository.url

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
        """Push a commit."""
        with self._git() as git:
            return Commit(git.commit(self._url(full_name), branch, message, changes, start=start, author=author))

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch by pushing what another points to."""
        url = self._url(full_name)
        with self._git() as git:
            found = git.branches(url)[0]
            if name in found:
                raise HostError("conflict", f"{full_name} has a branch {name} already", "Choose another name.")
            return Branch(name, git.push_branch(url, name, start))
