"""GitLab, gitlab.com and self-managed (REST API v4)."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from callboard.plugins.hosts.clients.base import HostClient
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

_STATES = {"opened": "open", "locked": "open"}
_ROLES = {"read": 20, "triage": 20, "write": 30, "maintain": 40, "admin": 40}
_EVENTS = {
    "push": "push_events",
    "tag_push": "tag_push_events",
    "merge_requests": "merge_requests_events",
    "issues": "issues_events",
    "pipeline": "pipeline_events",
    "releases": "releases_events",
}


class GitLab(HostClient):
    """One GitLab."""

    def default_api(self) -> str:
        """The interface lives beside the pages."""
        return f"{self.base}/api/v4"

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with a token of any kind."""
        return {"PRIVATE-TOKEN": self.access.token} if self.access.token else {}

    # --- Reading -----------------------------------------------------------------------

    def whoami(self) -> Account:
        """Answer the account of the token."""
        found = self.get("/user")
        return Account(found["username"], found.get("name") or "", found.get("email") or "", found.get("web_url") or "")

    def organisations(self) -> Iterator[Organisation]:
        """Answer all groups that are not inside another, and the space of the token's owner."""
        for page in self.linked_pages("/groups", top_level_only=True, per_page=100, all_available=False):
            for one in page:
                yield Organisation(one["full_path"], one["name"], "group", one["web_url"], one.get("description") or "")
        if self.access.token:
            who = self.whoami()
            yield Organisation(who.login, who.name, "person", who.url)

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the projects of a group and of the groups in it, or of a person."""
        base: dict[str, Any] = {"per_page": 100, "order_by": "id", "sort": "asc"}
        try:
            for page in self.linked_pages(
                f"/groups/{q(owner)}/projects", include_subgroups=True, with_shared=False, **base
            ):
                yield from map(self._repository, page)
        except HostError as error:
            if error.code != "not-found" or "/" in owner:
                raise
        else:
            return
        for page in self.linked_pages(f"/users/{q(owner)}/projects", **base):
            yield from map(self._repository, page)

    def repository(self, full_name: str) -> Repository:
        """Answer one project."""
        return self._repository(self.get(f"/projects/{q(full_name)}"))

    def _repository(self, found: dict[str, Any]) -> Repository:
        return Repository(
            full_name=found["path_with_namespace"],
            url=found["web_url"],
            clone_url=found.get("http_url_to_repo") or f"{found['web_url']}.git",
            description=found.get("description") or "",
            default_branch=found.get("default_branch") or "",
            visibility=found.get("visibility") or "private",
            archived=bool(found.get("archived")),
            fork="forked_from_project" in found,
            empty=bool(found.get("empty_repo")) or not found.get("default_branch"),
            topics=tuple(found.get("topics") or found.get("tag_list") or ()),
            id=str(found["id"]),
            pushed_at=found.get("last_activity_at") or "",
        )

    def languages(self, full_name: str) -> str:
        """Answer the language most of a project is written in; lists do not tell it."""
        found = self.get(f"/projects/{q(full_name)}/languages")
        return max(found, key=found.get) if found else ""

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files, a hundred at a time."""
        entries: list[Entry] = []
        if not (ref or repository.default_branch):
            return Tree(())
        try:
            for page in self.linked_pages(
                f"/projects/{q(repository.full_name)}/repository/tree",
                ref=ref or repository.default_branch,
                path=path.strip("/") or None,
                recursive=True,
                per_page=100,
                pagination="keyset",
            ):
                kinds: dict[str, Any] = {"tree": "folder", "commit": "submodule", "blob": "file"}
                entries += [
                    Entry(
                        item["path"],
                        "link" if item.get("mode") == "120000" else kinds.get(item["type"], "file"),
                        None,
                        item["id"],
                    )
                    for item in page
                ]
        except HostError as error:
            if error.code != "not-found":
                raise
            self.repository(repository.full_name)  # raises where there is no such project; else it is empty
        return Tree(tuple(entries))

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file."""
        reply = self.request(
            "GET",
            f"/projects/{q(full_name)}/repository/files/{q(path.strip('/'))}/raw",
            params={"ref": ref or "HEAD"},
            headers={"Accept": "*/*"},
        )
        return FileContent(path, reply.content, reply.headers.get("x-gitlab-blob-id", ""))

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        found = self.maybe(f"/projects/{q(full_name)}/repository/branches/{q(name)}")
        return Branch(found["name"], found["commit"]["id"], bool(found.get("protected"))) if found else None

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Count the authors of the latest commits; GitLab names them by their e-mail address."""
        found = self.get(f"/projects/{q(full_name)}/repository/commits", per_page=min(limit, 100))
        counts = Counter((one["author_email"], one["author_name"]) for one in found)
        return [(Member(email, name, email), count) for (email, name), count in counts.most_common()]

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:
        """Answer the address of a file."""
        return f"{repository.url}/-/blob/{qp(ref or repository.default_branch)}/{qp(path)}"

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        try:
            found = self.send("POST", f"/projects/{q(full_name)}/repository/branches", {"branch": name, "ref": start})
        except HostError as error:
            raise _conflict(error, "already exists", f"{full_name} has a branch {name} already") from None
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
        seen = there.name if there else start
        actions: list[dict[str, Any]] = []
        for change in changes:
            if change.content is None:
                actions.append({"action": "delete", "file_path": change.path})
                continue
            known = bool(seen) and self._has(full_name, change.path, seen)
            actions.append(
                {
                    "action": "update" if known else "create",
                    "file_path": change.path,
                    "content": base64.b64encode(change.content).decode(),
                    "encoding": "base64",
                    "execute_filemode": change.executable,
                }
            )
        body: dict[str, Any] = {"branch": branch, "commit_message": message, "actions": actions}
        if there is None and start:
            body["start_branch"] = start
        if author:
            body |= {"author_name": author[0], "author_email": author[1]}
        found = self.send("POST", f"/projects/{q(full_name)}/repository/commits", body)
        return Commit(found["id"], found.get("web_url") or "")

    def _has(self, full_name: str, path: str, ref: str) -> bool:
        return self.maybe(f"/projects/{q(full_name)}/repository/files/{q(path)}", ref=ref) is not None

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
        """Open a merge request."""
        if list(team_reviewers):
            raise self.unsupported("asking groups for a review; name people")
        sent: dict[str, Any] = {
            "source_branch": source,
            "target_branch": target,
            "title": f"Draft: {title}" if draft else title,
            "description": body,
        }
        if words := list(labels):
            sent["labels"] = ",".join(words)
        if people := [self._id_of(name) for name in reviewers]:
            sent["reviewer_ids"] = people
        if people := [self._id_of(name) for name in assignees]:
            sent["assignee_ids"] = people
        try:
            found = self.send("POST", f"/projects/{q(full_name)}/merge_requests", sent)
        except HostError as error:
            message = f"{full_name} has a merge request for {source} already"
            raise _conflict(error, "already exists", message) from None
        return _merge_request(found)

    def _id_of(self, username: str) -> int:
        found = self.get("/users", username=username)
        if not found:
            raise HostError("not-found", f"{self.access.host} has no user {username}", "Check the name.")
        return int(found[0]["id"])

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open merge request of a branch."""
        found = self.get(
            f"/projects/{q(full_name)}/merge_requests",
            state="opened",
            source_branch=source,
            target_branch=target or None,
        )
        return _merge_request(found[0]) if found else None

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a merge request."""
        return _merge_request(self.get(f"/projects/{q(full_name)}/merge_requests/{q(number)}"))

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
        """Make a project."""
        owner, _, name = full_name.rpartition("/")
        body: dict[str, Any] = {
            "name": name,
            "path": name,
            "description": description,
            "visibility": visibility,
            "default_branch": default_branch,
            "namespace_id": self.get(f"/namespaces/{q(owner)}")["id"],
            **(options or {}),
        }
        try:
            return self._repository(self.send("POST", "/projects", body))
        except HostError as error:
            raise _conflict(error, "already been taken", f"There is a project {full_name} already") from None

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change settings of a project."""
        wanted = {
            "description": settings.description,
            "visibility": settings.visibility,
            "topics": None if settings.topics is None else list(settings.topics),
            "default_branch": settings.default_branch,
            **settings.extra,
        }
        if settings.homepage is not None:
            raise self.unsupported("home pages of projects")
        path = f"/projects/{q(full_name)}"
        if settings.archived is not None:
            self.send("POST", f"{path}/{'archive' if settings.archived else 'unarchive'}", {})
        body = {key: value for key, value in wanted.items() if value is not None}
        return self._repository(self.send("PUT", path, body)) if body else self.repository(full_name)

    def delete_repository(self, full_name: str) -> None:
        """Remove a project."""
        self.send("DELETE", f"/projects/{q(full_name)}")

    def grant(self, full_name: str, who: str, role: str, *, team: bool = False) -> None:
        """Share a project with a group, or make a person a member."""
        if role not in _ROLES:
            raise HostError("invalid", f"GitLab knows no role {role}", f"Use one of {', '.join(_ROLES)}.")
        path, level = f"/projects/{q(full_name)}", _ROLES[role]
        if team:
            group = self.get(f"/groups/{q(who)}", with_projects=False)["id"]
            self.send("POST", f"{path}/share", {"group_id": group, "group_access": level})
        else:
            self.send("POST", f"{path}/members", {"user_id": self._id_of(who), "access_level": level})

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch: nobody pushes, maintainers and developers merge."""
        path = f"/projects/{q(full_name)}"
        if self.maybe(f"{path}/protected_branches/{q(branch)}") is not None:
            self.send("DELETE", f"{path}/protected_branches/{q(branch)}")
        body = {
            "name": branch,
            "push_access_level": 0,
            "merge_access_level": 30,
            "allow_force_push": False,
            "code_owner_approval_required": rules.code_owner_reviews,
        }
        self.send("POST", f"{path}/protected_branches", body)
        wanted = {
            "only_allow_merge_if_pipeline_succeeds": bool(rules.status_checks),
            "only_allow_merge_if_all_discussions_are_resolved": rules.conversations_resolved,
        }
        self.send("PUT", path, wanted)
        if rules.approvals > 1 or rules.dismiss_stale_reviews:
            self.send(
                "POST",
                f"{path}/approvals",
                {"approvals_before_merge": rules.approvals, "reset_approvals_on_push": rules.dismiss_stale_reviews},
            )

    def hooks(self, full_name: str) -> list[Hook]:
        """Answer the webhooks of a project."""
        pages = self.linked_pages(f"/projects/{q(full_name)}/hooks", per_page=100)
        return [Hook(str(one["id"]), one["url"]) for page in pages for one in page]

    def create_hook(self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("push",)) -> Hook:
        """Make a webhook."""
        body: dict[str, Any] = {"url": url, "enable_ssl_verification": True, "push_events": False}
        body |= {_EVENTS.get(event, event): True for event in events}
        if secret:
            body["token"] = secret
        found = self.send("POST", f"/projects/{q(full_name)}/hooks", body)
        return Hook(str(found["id"]), found["url"])

    def delete_hook(self, full_name: str, hook: str) -> None:
        """Remove a webhook."""
        self.send("DELETE", f"/projects/{q(full_name)}/hooks/{q(hook)}")

    def dispatch(
        self,
        full_name: str,
        workflow: str,  # noqa: ARG002 - a project has one pipeline
        ref: str,
        inputs: Mapping[str, str] | None = None,
    ) -> WorkflowRun:
        """Start the pipeline of a branch or tag with variables."""
        body = {"ref": ref, "variables": [{"key": key, "value": value} for key, value in (inputs or {}).items()]}
        found = self.send("POST", f"/projects/{q(full_name)}/pipeline", body)
        return WorkflowRun(str(found["id"]), found.get("web_url") or "")

    def create_issue(
        self, full_name: str, title: str, body: str = "", *, labels: Iterable[str] = (), assignees: Iterable[str] = ()
    ) -> Issue:
        """Open an issue."""
        sent: dict[str, Any] = {"title": title, "description": body, "labels": ",".join(labels)}
        if people := [self._id_of(name) for name in assignees]:
            sent["assignee_ids"] = people
        found = self.send("POST", f"/projects/{q(full_name)}/issues", sent)
        return Issue(str(found["iid"]), found["title"], found["web_url"], _STATES.get(found["state"], found["state"]))

    def add_labels(self, full_name: str, number: str, labels: Iterable[str]) -> None:
        """Put labels on a merge request."""
        self.send("PUT", f"/projects/{q(full_name)}/merge_requests/{q(number)}", {"add_labels": ",".join(labels)})

    def create_environment(self, full_name: str, name: str) -> None:
        """Make an environment."""
        path = f"/projects/{q(full_name)}/environments"
        if not self.get(path, name=name):
            self.send("POST", path, {"name": name})

    def set_variable(
        self, full_name: str, name: str, value: str, *, environment: str = "", secret: bool = False
    ) -> None:
        """Set a variable of pipelines; a secret is masked in logs and given to protected branches alone."""
        scope = environment or "*"
        path = f"/projects/{q(full_name)}/variables"
        body: dict[str, Any] = {
            "key": name,
            "value": value,
            "environment_scope": scope,
            "masked": secret,
            "protected": secret,
        }
        if self.maybe(f"{path}/{q(name)}", **{"filter[environment_scope]": scope}) is None:
            self.send("POST", path, body)
        else:
            self.send("PUT", f"{path}/{q(name)}", body, **{"filter[environment_scope]": scope})

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the people of a group and of those above and inside it; of the whole host without a name."""
        path = f"/groups/{q(owner)}/members/all" if owner else "/users"
        seen: set[str] = set()
        for page in self.linked_pages(path, per_page=100, **({} if owner else {"humans": True})):
            for one in page:
                if one["username"] not in seen and one.get("user_type", "human") == "human":
                    seen.add(one["username"])
                    yield Member(
                        one["username"],
                        one.get("name") or "",
                        one.get("email") or one.get("public_email") or "",
                        one.get("web_url") or "",
                        one.get("avatar_url") or "",
                        str(one["id"]),
                        one.get("state", "active") == "active",
                    )

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer a group and all inside it as teams, each with its direct members."""
        yield self._team(self.get(f"/groups/{q(owner)}", with_projects=False), owner)
        for page in self.linked_pages(f"/groups/{q(owner)}/descendant_groups", per_page=100):
            for one in page:
                yield self._team(one, owner)

    def _team(self, found: dict[str, Any], top: str) -> Team:
        path = found["full_path"]
        pages = self.linked_pages(f"/groups/{q(path)}/members", per_page=100)
        people = tuple(one["username"] for page in pages for one in page)
        parent = path.rpartition("/")[0] if path.lower() != top.lower() else ""
        return Team(path, found["name"], found.get("description") or "", found["web_url"], parent, people)


def _merge_request(found: dict[str, Any]) -> PullRequest:
    return PullRequest(
        str(found["iid"]),
        found["title"],
        found["web_url"],
        _STATES.get(found["state"], found["state"]),  # type: ignore[arg-type]
        found["source_branch"],
        found["target_branch"],
        bool(found.get("draft")),
        (found.get("author") or {}).get("username", ""),
    )


def _conflict(error: HostError, words: str, message: str) -> HostError:
    if error.code in ("invalid", "conflict") and words in error.message:
        return HostError("conflict", message, "Use what is there, or choose another name.", status=error.status)
    return error
