"""Gerrit Code Review: projects and changes through its REST API, files through Git."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from callboard.lib.outbound import Reply
from callboard.plugins.hosts.clients.base import HostClient, basic
from callboard.plugins.hosts.clients.calls import q, qp
from callboard.plugins.hosts.clients.git_work import GitWork
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import (
    Account,
    Branch,
    Commit,
    FileChange,
    FileContent,
    Member,
    Organisation,
    PullRequest,
    Repository,
    Team,
    Tree,
    Visibility,
)

_PREFIX = b")]}'"
"""Stands before every JSON answer, so that no web page can read it as a script."""
_PAGE = 500
_STATES = {"NEW": "open", "MERGED": "merged", "ABANDONED": "closed"}


class Gerrit(HostClient):
    """One Gerrit. An organisation is a prefix of project names, a pull request is a change."""

    def default_api(self) -> str:
        """Signed-in requests have a path of their own."""
        return f"{self.base}/a" if self.access.token else self.base

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with the HTTP password."""
        return {"Authorization": basic(self.access.username, self.access.token)} if self.access.token else {}

    def json(self, reply: Reply) -> Any:
        """Read an answer without the characters that stand before it."""
        content = reply.content.removeprefix(_PREFIX).strip()
        return super().json(Reply(reply.status, reply.headers, content, reply.url))

    def whoami(self) -> Account:
        """Answer the account of the password."""
        if not self.access.token:
            self.get("/config/server/version")
            return Account("anonymous")
        found = self.get("/accounts/self")
        return Account(
            found.get("username") or str(found["_account_id"]), found.get("name") or "", found.get("email") or ""
        )

    def organisations(self) -> Iterator[Organisation]:
        """Answer the first parts of project names."""
        seen = {one.full_name.partition("/")[0] for one in self.repositories("") if "/" in one.full_name}
        for name in sorted(seen):
            yield Organisation(name, name, "project", f"{self.base}/admin/repos/q/filter:{q(name)}")

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer all projects whose names begin with a prefix."""
        start = 0
        prefix = f"{owner.strip('/')}/" if owner.strip("/") else None
        while True:
            found = self.get("/projects/", d="", type="CODE", n=_PAGE, S=start, p=prefix)
            for name, told in found.items():
                yield self._repository(name, told)
            if not found or not any(told.get("_more_projects") for told in found.values()):
                return
            start += len(found)

    def repository(self, full_name: str) -> Repository:
        """Answer one project with its default branch."""
        found = self.get(f"/projects/{q(full_name)}")
        head = self.maybe(f"/projects/{q(full_name)}/HEAD")
        return self._repository(full_name, found, str(head or "").removeprefix("refs/heads/"))

    def _repository(self, name: str, told: Mapping[str, Any], branch: str = "") -> Repository:
        return Repository(
            full_name=name,
            url=f"{self.base}/admin/repos/{qp(name)}",
            clone_url=f"{self.api}/{qp(name)}",
            description=told.get("description") or "",
            default_branch=branch,
            archived=told.get("state") in ("READ_ONLY", "HIDDEN"),
            id=str(told.get("id") or q(name)),
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files."""
        with GitWork(self.access, self.credentials("")) as git:
            try:
                found = git.tree(repository.clone_url, ref or repository.default_branch or "HEAD")
            except HostError as error:
                if error.code == "not-found" and not git.branches(repository.clone_url)[0]:
                    return Tree(())
                raise
        start = f"{path.strip('/')}/" if path.strip("/") else ""
        return Tree(tuple(entry for entry in found.entries if entry.path.startswith(start)))

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file; Gerrit sends it in base64."""
        ref = ref or self.repository(full_name).default_branch
        url = f"/projects/{q(full_name)}/branches/{q(ref)}/files/{q(path.strip('/'))}/content"
        return FileContent(path, base64.b64decode(self.request("GET", url, headers={"Accept": "text/plain"}).content))

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        found = self.maybe(f"/projects/{q(full_name)}/branches/{q(name)}")
        return Branch(name, found["revision"]) if found else None

    def file_location(self, repository: Repository, path: str, ref: str = "") -> tuple[str, str]:
        """Answer the Git location of a file, because Gerrit has no page for files."""
        at = ref or repository.default_branch
        return "git", f"{repository.clone_url}//{path}" + (f"?ref={at}" if at else "")

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        try:
            found = self.send("PUT", f"/projects/{q(full_name)}/branches/{q(name)}", {"revision": start})
        except HostError as error:
            if error.code == "conflict":
                raise HostError("conflict", f"{full_name} has a branch {name} already", error.remedy) from None
            raise
        return Branch(name, found["revision"])

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
        """Make a change for review on ``start`` with ``branch`` as its topic; without ``start`` push to the branch."""
        if not start:
            with GitWork(self.access, self.credentials("")) as git:
                url = f"{self.api}/{qp(full_name)}"
                return Commit(git.commit(url, branch, message, changes, author=author))
        subject = message.strip().splitlines()[0]
        body = {"project": full_name, "branch": start, "subject": subject, "topic": branch}
        made = self.send("POST", "/changes/", body)
        path = f"/changes/{q(made['id'])}"
        for change in changes:
            file = f"{path}/edit/{q(change.path)}"
            if change.content is None:
                self.request("DELETE", file)
            else:
                self.request("PUT", file, content=change.content, headers={"Content-Type": "application/octet-stream"})
        self.send("PUT", f"{path}/edit:message", {"message": f"{message.strip()}\n\nChange-Id: {made['change_id']}\n"})
        self.send("POST", f"{path}/edit:publish", {"notify": "NONE"})
        found = self.get(path, o="CURRENT_REVISION")
        return Commit(found.get("current_revision", ""), self._change(found).url)

    def open_pull_request(
        self,
        full_name: str,
        source: str,
        target: str,
        title: str,  # noqa: ARG002 - the commit's message is the change's
        body: str = "",  # noqa: ARG002
        *,
        draft: bool = False,
        reviewers: Iterable[str] = (),
        team_reviewers: Iterable[str] = (),
        assignees: Iterable[str] = (),
        labels: Iterable[str] = (),
    ) -> PullRequest:
        """Answer the change that the commit made, after asking people to review it."""
        if list(assignees) or list(labels):
            raise self.unsupported("labels and assignees of changes")
        found = self.find_pull_request(full_name, source, target)
        if found is None:
            raise HostError("not-found", f"{full_name} has no change with the topic {source}", "Commit with it first.")
        for one in (*reviewers, *team_reviewers):
            self.send("POST", f"/changes/{q(found.number)}/reviewers", {"reviewer": one})
        if draft:
            self.send("POST", f"/changes/{q(found.number)}/wip", {})
        return found

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open change with a topic."""
        asked = f'project:"{full_name}" topic:"{source}" status:open' + (f' branch:"{target}"' if target else "")
        found = self.get("/changes/", q=asked, n=1)
        return self._change(found[0]) if found else None

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a change."""
        return self._change(self.get(f"/changes/{q(full_name)}~{q(number)}"))

    def _change(self, found: dict[str, Any]) -> PullRequest:
        number = str(found["_number"])
        url = f"{self.base}/c/{qp(found['project'])}/+/{number}"
        state, draft = _STATES.get(found["status"], "closed"), bool(found.get("work_in_progress"))
        owner = str((found.get("owner") or {}).get("_account_id", ""))
        branch = found["branch"]
        return PullRequest(number, found["subject"], url, state, found.get("topic", ""), branch, draft, owner)  # type: ignore[arg-type]

    def create_repository(
        self,
        full_name: str,
        *,
        description: str = "",
        visibility: Visibility = "private",  # noqa: ARG002 - rights come from the parent project
        default_branch: str = "main",
        options: Mapping[str, Any] | None = None,
    ) -> Repository:
        """Make a project."""
        body = {"description": description, "branches": [default_branch], **(options or {})}
        try:
            found = self.send("PUT", f"/projects/{q(full_name)}", body)
        except HostError as error:
            if error.code == "conflict":
                message = f"There is a project {full_name} already"
                raise HostError("conflict", message, "Use it, or choose another name.", status=409) from None
            raise
        return self._repository(full_name, found, default_branch)

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:  # noqa: ARG002 - accounts belong to the whole host
        """Answer all active accounts."""
        start = 0
        while True:
            found = self.get("/accounts/", q="is:active", n=_PAGE, S=start, o="DETAILS")
            for one in found:
                login = one.get("username") or str(one["_account_id"])
                yield Member(login, one.get("name") or "", one.get("email") or "", "", "", str(one["_account_id"]))
            if not found or not found[-1].get("_more_accounts"):
                return
            start += len(found)

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer the groups whose names begin with a prefix."""
        for name, told in self.get("/groups/").items():
            if owner and not name.startswith(owner):
                continue
            people = self.get(f"/groups/{q(told['id'])}/members/")
            logins = tuple(one.get("username") or str(one["_account_id"]) for one in people)
            yield Team(name, name, told.get("description") or "", "", "", logins)
