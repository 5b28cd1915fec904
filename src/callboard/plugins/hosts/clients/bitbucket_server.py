"""Bitbucket Server and Data Center (REST API 1.0)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from callboard.plugins.hosts.clients.base import HostClient, basic
from callboard.plugins.hosts.clients.calls import q, qp
from callboard.plugins.hosts.clients.git_work import GitWork
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import (
    Account,
    Branch,
    Commit,
    Entry,
    FileChange,
    FileContent,
    Hook,
    Member,
    Organisation,
    Protection,
    PullRequest,
    Repository,
    Settings,
    Team,
    Tree,
    Visibility,
)

_STATES = {"OPEN": "open", "MERGED": "merged", "DECLINED": "closed"}
_ROLES = {
    "read": "REPO_READ",
    "triage": "REPO_READ",
    "write": "REPO_WRITE",
    "maintain": "REPO_WRITE",
    "admin": "REPO_ADMIN",
}


class BitbucketServer(HostClient):
    """One Bitbucket Server or Data Center."""

    def default_api(self) -> str:
        """The interface lives beside the pages."""
        return f"{self.base}/rest/api/1.0"

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with a token, or a name and a password."""
        if not self.access.token:
            return {}
        if self.access.username:
            return {"Authorization": basic(self.access.username, self.access.token)}
        return {"Authorization": f"Bearer {self.access.token}"}

    def complaint(self, body: Any) -> str:
        """Errors come as a list."""
        found = body.get("errors") if isinstance(body, dict) else None
        return (
            "; ".join(str(one.get("message")) for one in found) if isinstance(found, list) else super().complaint(body)
        )

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Follow a list by the start of its next page."""
        start = 0
        while True:
            found = self.get(path, **{"limit": 100, **params, "start": start})
            yield from found.get("values", ())
            if found.get("isLastPage", True) or found.get("nextPageStart") is None:
                return
            start = found["nextPageStart"]

    def _repo(self, full_name: str) -> str:
        project, _, name = full_name.partition("/")
        return f"/projects/{q(project)}/repos/{q(name)}"

    # --- Reading -----------------------------------------------------------------------

    def whoami(self) -> Account:
        """Answer the account of the token."""
        reply = self.request("GET", f"{self.base}/plugins/servlet/applinks/whoami", headers={"Accept": "text/plain"})
        name = reply.content.decode("utf-8", "replace").strip()
        if not name:
            raise HostError("unauthorized", f"{self.access.host} does not know the token", self._renew())
        found = self.maybe(f"/users/{q(name)}") or {}
        return Account(name, found.get("displayName") or "", found.get("emailAddress") or "", _self(found))

    def organisations(self) -> Iterator[Organisation]:
        """Answer all projects the token can see."""
        for one in self.pages("/projects"):
            url = _self(one) or f"{self.base}/projects/{one['key']}"
            yield Organisation(one["key"], one["name"], "project", url, one.get("description") or "")

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the repositories of a project; a person's space is called ``~name``."""
        yield from map(self._repository, self.pages(f"/projects/{q(owner)}/repos"))

    def repository(self, full_name: str) -> Repository:
        """Answer one repository, with its default branch, which lists do not tell."""
        found = self.get(self._repo(full_name))
        branch = self.maybe(f"{self._repo(full_name)}/default-branch")
        return self._repository(found, (branch or {}).get("displayId") or "", empty=branch is None)

    def _repository(self, found: dict[str, Any], branch: str = "", *, empty: bool = False) -> Repository:
        key, slug = found["project"]["key"], found["slug"]
        space = f"users/{key[1:]}" if key.startswith("~") else f"projects/{key}"
        links = {one["name"]: one["href"] for one in (found.get("links") or {}).get("clone", ())}
        return Repository(
            full_name=f"{key}/{slug}",
            url=f"{self.base}/{space}/repos/{slug}",
            clone_url=links.get("http") or f"{self.base}/scm/{key.lower()}/{slug}.git",
            description=found.get("description") or "",
            default_branch=branch,
            visibility="public" if found.get("public") else "private",
            archived=bool(found.get("archived")),
            fork=bool(found.get("origin")),
            empty=empty,
            id=str(found.get("id", "")),
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files; hashes of their contents are not told."""
        inside = f"/{qp(path.strip('/'))}" if path.strip("/") else ""
        start = f"{path.strip('/')}/" if inside else ""
        try:
            found = list(self.pages(f"{self._repo(repository.full_name)}/files{inside}", limit=1000, at=ref or None))
        except HostError as error:
            if error.code == "not-found" and "does not exist" not in error.message.lower():
                return Tree(())
            raise
        return Tree(tuple(Entry(f"{start}{name}") for name in found))

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file."""
        url = f"{self._repo(full_name)}/raw/{qp(path.strip('/'))}"
        reply = self.request("GET", url, params={"at": ref or None}, headers={"Accept": "*/*"})
        return FileContent(path, reply.content)

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        for one in self.pages(f"{self._repo(full_name)}/branches", filterText=name):
            if one["displayId"] == name:
                return Branch(name, one["latestCommit"])
        return None

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Count the authors of the latest commits."""
        counts: Counter[str] = Counter()
        people: dict[str, Member] = {}
        for one in self.get(f"{self._repo(full_name)}/commits", limit=min(limit, 100))["values"]:
            author = one["author"]
            login = author.get("slug") or author.get("emailAddress") or author["name"]
            counts[login] += 1
            shown = author.get("displayName") or author["name"]
            people.setdefault(login, Member(login, shown, author.get("emailAddress") or ""))
        return [(people[login], count) for login, count in counts.most_common()]

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:
        """Answer the address of a file; without a branch it is that of the default branch."""
        at = ref or repository.default_branch
        return f"{repository.url}/browse/{qp(path)}" + (f"?at={q(f'refs/heads/{at}')}" if at else "")

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        try:
            found = self.send("POST", f"{self._repo(full_name)}/branches", {"name": name, "startPoint": start})
        except HostError as error:
            if error.code == "conflict":
                raise HostError("conflict", f"{full_name} has a branch {name} already", error.remedy) from None
            raise
        return Branch(found["displayId"], found["latestCommit"])

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
        """Push one commit through Git, because the interface takes a file at a time."""
        found = self._repository(self.get(self._repo(full_name)))
        with GitWork(self.access, self._git_headers()) as git:
            commit = git.commit(found.clone_url, branch, message, changes, start=start, author=author)
        return Commit(commit, f"{found.url}/commits/{commit}")

    def _git_headers(self) -> dict[str, str]:
        return self.credentials("")

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
        """Open a pull request."""
        if list(team_reviewers) or list(assignees) or list(labels):
            raise self.unsupported("labels, assignees and teams of pull requests")
        sent: dict[str, Any] = {
            "title": title,
            "description": body,
            "fromRef": {"id": f"refs/heads/{source}"},
            "toRef": {"id": f"refs/heads/{target}"},
            "reviewers": [{"user": {"name": name}} for name in reviewers],
        }
        sent |= {"draft": True} if draft else {}
        try:
            return _pull_request(self.send("POST", f"{self._repo(full_name)}/pull-requests", sent))
        except HostError as error:
            if error.code == "conflict":
                message = f"{full_name} has a pull request for {source} already"
                raise HostError("conflict", message, "Use it.", status=409) from None
            raise

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open pull request of a branch."""
        asked = {"state": "OPEN", "direction": "OUTGOING", "at": f"refs/heads/{source}"}
        for one in self.pages(f"{self._repo(full_name)}/pull-requests", **asked):
            if target in ("", one["toRef"]["displayId"]):
                return _pull_request(one)
        return None

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a pull request."""
        return _pull_request(self.get(f"{self._repo(full_name)}/pull-requests/{q(number)}"))

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
        """Make a repository."""
        project, _, name = full_name.partition("/")
        body = {
            "name": name,
            "scmId": "git",
            "description": description,
            "public": visibility == "public",
            "defaultBranch": default_branch,
            **(options or {}),
        }
        try:
            found = self.send("POST", f"/projects/{q(project)}/repos", body)
        except HostError as error:
            if error.code == "conflict":
                message = f"There is a repository {full_name} already"
                raise HostError("conflict", message, "Use it, or choose another name.", status=409) from None
            raise
        return self._repository(found, default_branch, empty=True)

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change settings of a repository; topics are labels here."""
        path = self._repo(full_name)
        if settings.homepage is not None:
            raise self.unsupported("home pages of repositories")
        if settings.topics is not None:
            have = {one["name"] for one in self.pages(f"{path}/labels")}
            for word in sorted(have - set(settings.topics)):
                self.send("DELETE", f"{path}/labels/{q(word)}")
            for word in sorted(set(settings.topics) - have):
                self.send("POST", f"{path}/labels", {"name": word})
        if settings.default_branch is not None:
            self.send("PUT", f"{path}/default-branch", {"id": f"refs/heads/{settings.default_branch}"})
        wanted = {
            "description": settings.description,
            "public": None if settings.visibility is None else settings.visibility == "public",
            "archived": settings.archived,
            **settings.extra,
        }
        body = {key: value for key, value in wanted.items() if value is not None}
        if body:
            self.send("PUT", path, body)
        return self.repository(full_name)

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository."""
        self.send("DELETE", self._repo(full_name))

    def grant(self, full_name: str, who: str, role: str, *, team: bool = False) -> None:
        """Give a person or a group a role."""
        kind = "groups" if team else "users"
        if role not in _ROLES:
            raise HostError("invalid", f"Bitbucket knows no role {role}", f"Use one of {', '.join(_ROLES)}.")
        self.send("PUT", f"{self._repo(full_name)}/permissions/{kind}", None, name=who, permission=_ROLES[role])

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch: no deletion, no rewriting, changes through pull requests alone."""
        project, _, name = full_name.partition("/")
        rest = f"{self.base}/rest"
        path = f"{rest}/branch-permissions/2.0/projects/{q(project)}/repos/{q(name)}/restrictions"
        matcher = {"id": f"refs/heads/{branch}", "displayId": branch, "type": {"id": "BRANCH", "name": "Branch"}}
        for kind in ("pull-request-only", "no-deletes", "fast-forward-only"):
            self.send("POST", path, {"type": kind, "matcher": matcher, "users": [], "groups": []})
        wanted: dict[str, Any] = {"requiredApprovers": {"enable": bool(rules.approvals), "count": str(rules.approvals)}}
        wanted |= {
            "requiredSuccessfulBuilds": {"enable": bool(rules.status_checks), "count": str(len(rules.status_checks))}
        }
        wanted |= {"requiredAllTasksComplete": rules.conversations_resolved}
        self.send("POST", f"{self._repo(full_name)}/settings/pull-requests", wanted)

    def hooks(self, full_name: str) -> list[Hook]:
        """Answer the webhooks of a repository."""
        found = self.pages(f"{self._repo(full_name)}/webhooks")
        return [Hook(str(one["id"]), one["url"], bool(one.get("active"))) for one in found]

    def create_hook(
        self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("repo:refs_changed",)
    ) -> Hook:
        """Make a webhook."""
        body: dict[str, Any] = {"name": "Callboard", "url": url, "active": True, "events": list(events)}
        body |= {"configuration": {"secret": secret}} if secret else {}
        found = self.send("POST", f"{self._repo(full_name)}/webhooks", body)
        return Hook(str(found["id"]), found["url"])

    def delete_hook(self, full_name: str, hook: str) -> None:
        """Remove a webhook."""
        self.send("DELETE", f"{self._repo(full_name)}/webhooks/{q(hook)}")

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the people with rights of their own in a project; all people of the host without a name."""
        found = self.pages(f"/projects/{q(owner)}/permissions/users" if owner else "/users")
        for one in found:
            user = one.get("user", one)
            yield Member(
                user["name"],
                user.get("displayName") or "",
                user.get("emailAddress") or "",
                _self(user),
                "",
                str(user.get("id", "")),
                bool(user.get("active", True)),
            )

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer the groups with rights in a project; all groups of the host without a name."""
        found = self.pages(f"/projects/{q(owner)}/permissions/groups" if owner else "/admin/groups")
        for one in found:
            name = one["group"]["name"] if owner else one["name"]
            people = self.pages("/admin/groups/more-members", context=name)
            yield Team(name, name, members=tuple(person["name"] for person in people))


def _self(found: Mapping[str, Any]) -> str:
    links = (found.get("links") or {}).get("self") or [{}]
    return str(links[0].get("href") or "")


def _pull_request(found: dict[str, Any]) -> PullRequest:
    return PullRequest(
        str(found["id"]),
        found["title"],
        _self(found),
        _STATES.get(found["state"], "closed"),  # type: ignore[arg-type]
        found["fromRef"]["displayId"],
        found["toRef"]["displayId"],
        bool(found.get("draft")),
        ((found.get("author") or {}).get("user") or {}).get("name", ""),
    )
