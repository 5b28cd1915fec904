"""Gitea and Forgejo (REST API v1)."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from callboard.plugins.hosts.clients.base import HostClient, basic
from callboard.plugins.hosts.clients.calls import q, qp
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import (
    Account,
    Branch,
    Commit,
    Entry,
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

_ROLES = {"triage": "read", "maintain": "write"}
_KINDS: dict[str, Any] = {"blob": "file", "tree": "folder", "commit": "submodule"}


class Gitea(HostClient):
    """One Gitea or Forgejo."""

    def default_api(self) -> str:
        """The interface lives beside the pages."""
        return f"{self.base}/api/v1"

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with a token, or a name and a password."""
        if not self.access.token:
            return {}
        if self.access.username:
            return {"Authorization": basic(self.access.username, self.access.token)}
        return {"Authorization": f"token {self.access.token}"}

    def whoami(self) -> Account:
        """Answer the account of the token."""
        found = self.get("/user")
        name = found.get("full_name") or ""
        return Account(
            found["login"], name, found.get("email") or "", found.get("html_url") or f"{self.base}/{found['login']}"
        )

    def organisations(self) -> Iterator[Organisation]:
        """Answer the organisations of the token's owner and the owner; without a token, those everybody sees."""
        for page in self.linked_pages("/user/orgs" if self.access.token else "/orgs", limit=50):
            for one in page:
                name = one.get("username") or one["name"]
                title, text = one.get("full_name") or "", one.get("description") or ""
                yield Organisation(name, title, "organisation", f"{self.base}/{name}", text)
        if self.access.token:
            who = self.whoami()
            yield Organisation(who.login, who.name, "person", who.url)

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the repositories of an organisation or a person."""
        try:
            for page in self.linked_pages(f"/orgs/{q(owner)}/repos", limit=50):
                yield from map(self._repository, page)
        except HostError as error:
            if error.code != "not-found":
                raise
        else:
            return
        for page in self.linked_pages(f"/users/{q(owner)}/repos", limit=50):
            yield from map(self._repository, page)

    def repository(self, full_name: str) -> Repository:
        """Answer one repository."""
        return self._repository(self.get(f"/repos/{qp(full_name)}"))

    def _repository(self, found: dict[str, Any]) -> Repository:
        hidden: Visibility = "internal" if found.get("internal") else "private"
        return Repository(
            full_name=found["full_name"],
            url=found["html_url"],
            clone_url=found.get("clone_url") or f"{found['html_url']}.git",
            description=found.get("description") or "",
            default_branch=found.get("default_branch") or "",
            visibility=hidden if found.get("private") or found.get("internal") else "public",
            archived=bool(found.get("archived")),
            fork=bool(found.get("fork")),
            empty=bool(found.get("empty")),
            topics=tuple(found.get("topics") or ()),
            language=found.get("language") or "",
            id=str(found.get("id", "")),
            pushed_at=found.get("updated_at") or "",
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files; large trees come in pages."""
        if repository.empty:
            return Tree(())
        entries: list[Entry] = []
        start, page, complete = (f"{path.strip('/')}/" if path.strip("/") else ""), 1, True
        address = f"/repos/{qp(repository.full_name)}/git/trees/{q(ref or repository.default_branch)}"
        while True:
            found = self.get(address, recursive=True, page=page, per_page=1000)
            listed = found.get("tree") or []
            entries += [
                Entry(
                    item["path"],
                    "link" if item.get("mode") == "120000" else _KINDS.get(item["type"], "file"),
                    item.get("size"),
                    item["sha"],
                )
                for item in listed
                if item["path"].startswith(start)
            ]
            total = found.get("total_count") or 0
            if not listed or not found.get("truncated"):
                break
            if page * 1000 >= total > 0:
                break
            page += 1
        return Tree(tuple(entries), complete)

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file."""
        reply = self.request(
            "GET",
            f"/repos/{qp(full_name)}/raw/{qp(path.strip('/'))}",
            params={"ref": ref or None},
            headers={"Accept": "*/*"},
        )
        return FileContent(path, reply.content)

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        found = self.maybe(f"/repos/{qp(full_name)}/branches/{qp(name)}")
        return Branch(found["name"], found["commit"]["id"], bool(found.get("protected"))) if found else None

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Count the authors of the latest commits."""
        counts: Counter[str] = Counter()
        people: dict[str, Member] = {}
        for one in self.get(f"/repos/{qp(full_name)}/commits", limit=min(limit, 50), stat=False, files=False):
            told = (one.get("commit") or {}).get("author") or {}
            login = (one.get("author") or {}).get("login") or told.get("email") or ""
            if login:
                counts[login] += 1
                people.setdefault(login, Member(login, told.get("name") or "", told.get("email") or ""))
        return [(people[login], count) for login, count in counts.most_common()]

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:
        """Answer the address of a file."""
        return f"{repository.url}/src/branch/{qp(ref or repository.default_branch)}/{qp(path)}"

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        body = {"new_branch_name": name, "old_ref_name": start}
        try:
            found = self.send("POST", f"/repos/{qp(full_name)}/branches", body)
        except HostError as error:
            if error.code == "conflict":
                raise HostError("conflict", f"{full_name} has a branch {name} already", error.remedy) from None
            raise
        return Branch(found["name"], found["commit"]["id"])

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
        """Commit all files with one request."""
        there = self.branch(full_name, branch)
        seen = branch if there else start
        files = []
        for change in changes:
            if change.executable:
                raise self.unsupported("making files executable")
            known = self._sha(full_name, change.path, seen) if seen else ""
            entry: dict[str, Any] = {"path": change.path}
            if change.content is None:
                entry |= {"operation": "delete", "sha": known}
            else:
                entry["content"] = base64.b64encode(change.content).decode()
                entry |= {"operation": "update", "sha": known} if known else {"operation": "create"}
            files.append(entry)
        body: dict[str, Any] = {"message": message, "files": files, "branch": branch}
        if there is None and start:
            body |= {"branch": start, "new_branch": branch}
        if author:
            body["author"] = {"name": author[0], "email": author[1]}
        found = self.send("POST", f"/repos/{qp(full_name)}/contents", body)["commit"]
        return Commit(found["sha"], found.get("html_url") or "")

    def _sha(self, full_name: str, path: str, ref: str) -> str:
        found = self.maybe(f"/repos/{qp(full_name)}/contents/{qp(path)}", ref=ref)
        return found["sha"] if isinstance(found, dict) else ""

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
        """Open a pull request, then ask people and put labels on it."""
        sent = {
            "head": source,
            "base": target,
            "title": f"WIP: {title}" if draft else title,
            "body": body,
            "assignees": list(assignees),
        }
        try:
            found = self.send("POST", f"/repos/{qp(full_name)}/pulls", sent)
        except HostError as error:
            if error.code == "conflict":
                message = f"{full_name} has a pull request for {source} already"
                raise HostError("conflict", message, error.remedy, status=409) from None
            raise
        asked = {"reviewers": list(reviewers), "team_reviewers": list(team_reviewers)}
        if any(asked.values()):
            self.send("POST", f"/repos/{qp(full_name)}/pulls/{found['number']}/requested_reviewers", asked)
        if words := list(labels):
            self.add_labels(full_name, str(found["number"]), words)
        return _pull_request(found)

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open pull request of a branch."""
        for page in self.linked_pages(f"/repos/{qp(full_name)}/pulls", state="open", limit=50):
            for one in page:
                if one["head"]["ref"] == source and target in ("", one["base"]["ref"]):
                    return _pull_request(one)
        return None

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a pull request."""
        return _pull_request(self.get(f"/repos/{qp(full_name)}/pulls/{q(number)}"))

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
        """Make a repository in an organisation, or in one's own space."""
        owner, _, name = full_name.partition("/")
        body = {
            "name": name,
            "description": description,
            "private": visibility != "public",
            "default_branch": default_branch,
            **(options or {}),
        }
        try:
            try:
                found = self.send("POST", f"/orgs/{q(owner)}/repos", body)
            except HostError as error:
                if error.code != "not-found" or self.whoami().login.lower() != owner.lower():
                    raise
                found = self.send("POST", "/user/repos", body)
        except HostError as error:
            if error.code == "conflict":
                message = f"There is a repository {full_name} already"
                raise HostError("conflict", message, error.remedy, status=409) from None
            raise
        return self._repository(found)

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change settings of a repository."""
        path = f"/repos/{qp(full_name)}"
        if settings.topics is not None:
            self.send("PUT", f"{path}/topics", {"topics": list(settings.topics)})
        wanted = {
            "description": settings.description,
            "website": settings.homepage,
            "private": None if settings.visibility is None else settings.visibility != "public",
            "default_branch": settings.default_branch,
            "archived": settings.archived,
            **settings.extra,
        }
        body = {key: value for key, value in wanted.items() if value is not None}
        return self._repository(self.send("PATCH", path, body)) if body else self.repository(full_name)

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository."""
        self.send("DELETE", f"/repos/{qp(full_name)}")

    def grant(self, full_name: str, who: str, role: str, *, team: bool = False) -> None:
        """Add a team (its own settings say what it may do), or give a person a role."""
        if team:
            self.send("PUT", f"/repos/{qp(full_name)}/teams/{q(who.rpartition('/')[2])}")
        else:
            body = {"permission": _ROLES.get(role, role)}
            self.send("PUT", f"/repos/{qp(full_name)}/collaborators/{q(who)}", body)

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch."""
        path = f"/repos/{qp(full_name)}/branch_protections"
        body = {
            "rule_name": branch,
            "branch_name": branch,
            "enable_push": False,
            "required_approvals": rules.approvals,
            "dismiss_stale_approvals": rules.dismiss_stale_reviews,
            "enable_status_check": bool(rules.status_checks),
            "status_check_contexts": list(rules.status_checks),
            "block_on_outdated_branch": rules.up_to_date,
            "require_signed_commits": rules.signed_commits,
        }
        if self.maybe(f"{path}/{q(branch)}") is None:
            self.send("POST", path, body)
        else:
            self.send("PATCH", f"{path}/{q(branch)}", body)

    def hooks(self, full_name: str) -> list[Hook]:
        """Answer the webhooks of a repository, or of an organisation where the name has no slash."""
        pages = self.linked_pages(f"{_holder(full_name)}/hooks", limit=50)
        return [Hook(str(h["id"]), h["config"].get("url", ""), bool(h.get("active"))) for page in pages for h in page]

    def create_hook(self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("push",)) -> Hook:
        """Make a webhook."""
        config = {"url": url, "content_type": "json"} | ({"secret": secret} if secret else {})
        body = {"type": "gitea", "active": True, "events": list(events), "config": config}
        found = self.send("POST", f"{_holder(full_name)}/hooks", body)
        return Hook(str(found["id"]), url)

    def delete_hook(self, full_name: str, hook: str) -> None:
        """Remove a webhook."""
        self.send("DELETE", f"{_holder(full_name)}/hooks/{q(hook)}")

    def dispatch(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None) -> WorkflowRun:
        """Start a workflow by its file name."""
        path = f"/repos/{qp(full_name)}/actions/workflows/{q(workflow)}/dispatches"
        self.send("POST", path, {"ref": ref, "inputs": dict(inputs or {})})
        return WorkflowRun("", f"{self.base}/{full_name}/actions?workflow={q(workflow)}")

    def create_issue(
        self, full_name: str, title: str, body: str = "", *, labels: Iterable[str] = (), assignees: Iterable[str] = ()
    ) -> Issue:
        """Open an issue."""
        sent: dict[str, Any] = {"title": title, "body": body, "assignees": list(assignees)}
        if words := list(labels):
            sent["labels"] = self._label_ids(full_name, words)
        found = self.send("POST", f"/repos/{qp(full_name)}/issues", sent)
        return Issue(str(found["number"]), found["title"], found["html_url"], found["state"])

    def add_labels(self, full_name: str, number: str, labels: Iterable[str]) -> None:
        """Put labels on an issue or pull request."""
        ids = self._label_ids(full_name, list(labels))
        self.send("POST", f"/repos/{qp(full_name)}/issues/{q(number)}/labels", {"labels": ids})

    def _label_ids(self, full_name: str, names: list[str]) -> list[int]:
        path = f"/repos/{qp(full_name)}/labels"
        known = {one["name"]: one["id"] for page in self.linked_pages(path, limit=50) for one in page}
        for name in names:
            if name not in known:
                known[name] = self.send("POST", path, {"name": name, "color": "#8a8a8a"})["id"]
        return [known[name] for name in names]

    def set_variable(
        self, full_name: str, name: str, value: str, *, environment: str = "", secret: bool = False
    ) -> None:
        """Set a variable or secret of Actions."""
        if environment:
            raise self.unsupported("environments")
        path = f"/repos/{qp(full_name)}/actions/{'secrets' if secret else 'variables'}/{q(name)}"
        if secret:
            self.send("PUT", path, {"data": value})
        elif self.maybe(path) is None:
            self.send("POST", path, {"value": value})
        else:
            self.send("PUT", path, {"value": value})

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the members of an organisation."""
        for page in self.linked_pages(f"/orgs/{q(owner)}/members", limit=50):
            for one in page:
                yield Member(
                    one["login"],
                    one.get("full_name") or "",
                    one.get("email") or "",
                    one.get("html_url") or f"{self.base}/{one['login']}",
                    one.get("avatar_url") or "",
                    str(one["id"]),
                    bool(one.get("active", True)),
                )

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer the teams of an organisation."""
        for page in self.linked_pages(f"/orgs/{q(owner)}/teams", limit=50):
            for one in page:
                people = self.linked_pages(f"/teams/{one['id']}/members", limit=50)
                names = tuple(person["login"] for part in people for person in part)
                url = f"{self.base}/org/{q(owner)}/teams/{q(one['name'])}"
                yield Team(one["name"].lower(), one["name"], one.get("description") or "", url, "", names)


def _holder(name: str) -> str:
    return f"/repos/{qp(name)}" if "/" in name else f"/orgs/{q(name)}"


def _pull_request(found: dict[str, Any]) -> PullRequest:
    return PullRequest(
        str(found["number"]),
        found["title"],
        found["html_url"],
        "merged" if found.get("merged") else found["state"],
        found["head"]["ref"],
        found["base"]["ref"],
        bool(found.get("draft")),
        (found.get("user") or {}).get("login", ""),
    )
