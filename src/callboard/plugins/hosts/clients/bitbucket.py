"""Bitbucket Cloud (REST API 2.0)."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

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
    Tree,
    Visibility,
    WorkflowRun,
)

_STATES = {"OPEN": "open", "MERGED": "merged", "DECLINED": "closed", "SUPERSEDED": "closed"}


class Bitbucket(HostClient):
    """Bitbucket Cloud."""

    def default_api(self) -> str:
        """Programs have a host of their own."""
        return "https://api.bitbucket.org/2.0"

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with a workspace's token, or an account's name and API token."""
        if not self.access.token:
            return {}
        if self.access.username:
            return {"Authorization": basic(self.access.username, self.access.token)}
        return {"Authorization": f"Bearer {self.access.token}"}

    def complaint(self, body: Any) -> str:
        """Errors stand one level deeper."""
        found = body.get("error") if isinstance(body, dict) else None
        return str(found.get("message") or "") if isinstance(found, dict) else super().complaint(body)

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Follow a list by the address of its next page."""
        found = self.get(path, **params)
        while True:
            yield from found.get("values", ())
            if not found.get("next"):
                return
            found = self.get(found["next"])

    # --- Reading -----------------------------------------------------------------------

    def whoami(self) -> Account:
        """Answer the account of the token."""
        found = self.get("/user")
        name = found.get("nickname") or found.get("username") or found.get("display_name") or ""
        return Account(name, found.get("display_name") or "", "", _html(found))

    def organisations(self) -> Iterator[Organisation]:
        """Answer the workspaces the token can see."""
        for one in self.pages("/user/workspaces", pagelen=100):
            found = one.get("workspace", one)
            url = _html(found) or f"{self.base}/{found['slug']}"
            yield Organisation(found["slug"], found.get("name") or "", "workspace", url)

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the repositories of a workspace."""
        yield from map(self._repository, self.pages(f"/repositories/{q(owner)}", pagelen=100))

    def repository(self, full_name: str) -> Repository:
        """Answer one repository."""
        return self._repository(self.get(f"/repositories/{qp(full_name)}"))

    def _repository(self, found: dict[str, Any]) -> Repository:
        links = {one["name"]: one["href"] for one in (found.get("links") or {}).get("clone", ())}
        url = _html(found) or f"{self.base}/{found['full_name']}"
        branch = (found.get("mainbranch") or {}).get("name") or ""
        return Repository(
            full_name=found["full_name"],
            url=url,
            clone_url=_without_user(links.get("https", "")) or f"{url}.git",
            description=found.get("description") or "",
            default_branch=branch,
            visibility="private" if found.get("is_private") else "public",
            fork=bool(found.get("parent")),
            empty=not branch,
            language=found.get("language") or "",
            id=found.get("uuid") or "",
            pushed_at=found.get("updated_on") or "",
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files, to a depth of twenty folders."""
        if not (ref or repository.default_branch):
            return Tree(())
        commit = self._commit_of(repository.full_name, ref or repository.default_branch)
        found = self.pages(
            f"/repositories/{qp(repository.full_name)}/src/{commit}/{qp(path.strip('/'))}", pagelen=100, max_depth=20
        )
        return Tree(
            tuple(
                Entry(
                    one["path"],
                    "folder"
                    if one["type"] == "commit_directory"
                    else "link"
                    if "link" in one.get("attributes", ())
                    else "file",
                    one.get("size"),
                )
                for one in found
            )
        )

    def _commit_of(self, full_name: str, ref: str) -> str:
        # A name with a slash could not be told from a path, so the commit is named.
        branch = self.branch(full_name, ref)
        if branch:
            return branch.commit
        return str(self.get(f"/repositories/{qp(full_name)}/commit/{q(ref)}")["hash"])

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file."""
        ref = ref or self.repository(full_name).default_branch
        commit = self._commit_of(full_name, ref)
        url = f"/repositories/{qp(full_name)}/src/{commit}/{qp(path.strip('/'))}"
        return FileContent(path, self.request("GET", url, headers={"Accept": "*/*"}).content)

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        found = self.maybe(f"/repositories/{qp(full_name)}/refs/branches/{qp(name)}")
        return Branch(found["name"], found["target"]["hash"]) if found else None

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Count the authors of the latest commits."""
        counts: Counter[str] = Counter()
        people: dict[str, Member] = {}
        for one in self.get(f"/repositories/{qp(full_name)}/commits", pagelen=min(limit, 100))["values"]:
            name, _, email = one["author"]["raw"].partition(" <")
            user = one["author"].get("user") or {}
            login = user.get("nickname") or email.rstrip(">") or name
            counts[login] += 1
            people.setdefault(login, Member(login, user.get("display_name") or name, email.rstrip(">")))
        return [(people[login], count) for login, count in counts.most_common()]

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:
        """Answer the address of a file."""
        return f"{repository.url}/src/{qp(ref or repository.default_branch)}/{qp(path)}"

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        body = {"name": name, "target": {"hash": self._commit_of(full_name, start)}}
        try:
            found = self.send("POST", f"/repositories/{qp(full_name)}/refs/branches", body)
        except HostError as error:
            raise _conflict(error, f"{full_name} has a branch {name} already") from None
        return Branch(found["name"], found["target"]["hash"])

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
        """Commit all files with one form."""
        fields: list[tuple[str, str, bytes]] = [("message", "", message.encode()), ("branch", "", branch.encode())]
        if author:
            fields.append(("author", "", f"{author[0]} <{author[1]}>".encode()))
        if start and self.branch(full_name, branch) is None:
            fields.append(("parents", "", self._commit_of(full_name, start).encode()))
        for change in changes:
            if change.executable:
                raise self.unsupported("making files executable")
            if change.content is None:
                fields.append(("files", "", change.path.encode()))
            else:
                fields.append((f"/{change.path}", change.path, change.content))
        body, kind = form(fields)
        self.request("POST", f"/repositories/{qp(full_name)}/src", content=body, headers={"Content-Type": kind})
        made = self.branch(full_name, branch)
        if made is None:
            raise HostError("conflict", f"{full_name} took a commit and has no branch {branch}", "Try again.")
        return Commit(made.commit, f"{self.base}/{full_name}/commits/{made.commit}")

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
        """Open a pull request; reviewers are account ids or uuids."""
        if list(team_reviewers) or list(assignees) or list(labels):
            raise self.unsupported("labels, assignees and teams of pull requests")
        there = self.find_pull_request(full_name, source, target)
        if there:
            raise HostError("conflict", f"{full_name} has a pull request for {source} already: {there.url}", "Use it.")
        sent: dict[str, Any] = {
            "title": title,
            "description": body,
            "source": {"branch": {"name": source}},
            "destination": {"branch": {"name": target}},
            "draft": draft,
        }
        if people := list(reviewers):
            sent["reviewers"] = [{"uuid": one} if one.startswith("{") else {"account_id": one} for one in people]
        return _pull_request(self.send("POST", f"/repositories/{qp(full_name)}/pullrequests", sent))

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open pull request of a branch."""
        asked = f'source.branch.name={_quoted(source)} AND state="OPEN"'
        if target:
            asked += f" AND destination.branch.name={_quoted(target)}"
        found = self.get(f"/repositories/{qp(full_name)}/pullrequests", q=asked)["values"]
        return _pull_request(found[0]) if found else None

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a pull request."""
        return _pull_request(self.get(f"/repositories/{qp(full_name)}/pullrequests/{q(number)}"))

    # --- Repositories and what belongs to them ---------------------------------------------

    def create_repository(
        self,
        full_name: str,
        *,
        description: str = "",
        visibility: Visibility = "private",
        default_branch: str = "main",  # noqa: ARG002 - the branch of the first commit becomes the default
        options: Mapping[str, Any] | None = None,
    ) -> Repository:
        """Make a repository; ``options`` may name the project it goes to (``{"project": {"key": "SHOP"}}``)."""
        body = {"scm": "git", "description": description, "is_private": visibility != "public", **(options or {})}
        try:
            return self._repository(self.send("POST", f"/repositories/{qp(full_name)}", body))
        except HostError as error:
            raise _conflict(error, f"There is a repository {full_name} already") from None

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change settings of a repository."""
        if settings.topics is not None or settings.archived is not None:
            raise self.unsupported("topics and archives of repositories")
        wanted = {
            "description": settings.description,
            "website": settings.homepage,
            "is_private": None if settings.visibility is None else settings.visibility != "public",
            "mainbranch": {"name": settings.default_branch} if settings.default_branch else None,
            **settings.extra,
        }
        body = {key: value for key, value in wanted.items() if value is not None}
        return self._repository(self.send("PUT", f"/repositories/{qp(full_name)}", body))

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository."""
        self.send("DELETE", f"/repositories/{qp(full_name)}")

    def grant(self, full_name: str, who: str, role: str, *, team: bool = False) -> None:
        """Give a person or a group of the workspace a role."""
        kind = "groups" if team else "users"
        path = f"/repositories/{qp(full_name)}/permissions-config/{kind}/{q(who)}"
        self.send("PUT", path, {"permission": {"triage": "read", "maintain": "write"}.get(role, role)})

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch; a restriction for each rule."""
        path = f"/repositories/{qp(full_name)}/branch-restrictions"
        for one in list(self.pages(path, pattern=branch, pagelen=100)):
            self.send("DELETE", f"{path}/{one['id']}")
        wanted: list[tuple[str, int | None]] = [("force", None), ("delete", None), ("push", None)]
        if rules.approvals:
            wanted.append(("require_approvals_to_merge", rules.approvals))
        if rules.status_checks:
            wanted.append(("require_passing_builds_to_merge", len(rules.status_checks)))
        if rules.dismiss_stale_reviews:
            wanted.append(("reset_pullrequest_approvals_on_change", None))
        if rules.conversations_resolved:
            wanted.append(("require_tasks_to_be_completed", None))
        for kind, value in wanted:
            body: dict[str, Any] = {"kind": kind, "branch_match_kind": "glob", "pattern": branch}
            body |= {"value": value} if value is not None else {}
            body |= {"users": [], "groups": []} if kind == "push" else {}
            self.send("POST", path, body)

    def hooks(self, full_name: str) -> list[Hook]:
        """Answer the webhooks of a repository."""
        found = self.pages(f"/repositories/{qp(full_name)}/hooks", pagelen=100)
        return [Hook(one["uuid"], one["url"], bool(one.get("active"))) for one in found]

    def create_hook(
        self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("repo:push",)
    ) -> Hook:
        """Make a webhook."""
        body: dict[str, Any] = {"description": "Callboard", "url": url, "active": True, "events": list(events)}
        body |= {"secret": secret} if secret else {}
        found = self.send("POST", f"/repositories/{qp(full_name)}/hooks", body)
        return Hook(found["uuid"], found["url"])

    def delete_hook(self, full_name: str, hook: str) -> None:
        """Remove a webhook."""
        self.send("DELETE", f"/repositories/{qp(full_name)}/hooks/{q(hook)}")

    def dispatch(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None) -> WorkflowRun:
        """Start a pipeline of a branch; ``workflow`` names one of the custom pipelines, empty the usual one."""
        target: dict[str, Any] = {"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": ref}
        if workflow:
            target["selector"] = {"type": "custom", "pattern": workflow}
        variables = [{"key": key, "value": value} for key, value in (inputs or {}).items()]
        found = self.send(
            "POST", f"/repositories/{qp(full_name)}/pipelines/", {"target": target, "variables": variables}
        )
        number = str(found.get("build_number", ""))
        return WorkflowRun(str(found["uuid"]), f"{self.base}/{full_name}/pipelines/results/{number}")

    def create_issue(
        self, full_name: str, title: str, body: str = "", *, labels: Iterable[str] = (), assignees: Iterable[str] = ()
    ) -> Issue:
        """Open an issue."""
        if list(labels) or list(assignees):
            raise self.unsupported("labels and assignees of issues")
        found = self.send("POST", f"/repositories/{qp(full_name)}/issues", {"title": title, "content": {"raw": body}})
        return Issue(str(found["id"]), found["title"], _html(found), found.get("state", "open"))

    def create_environment(self, full_name: str, name: str) -> None:
        """Make an environment."""
        path = f"/repositories/{qp(full_name)}/environments"
        if not any(one["name"] == name for one in self.pages(path, pagelen=100)):
            kind = {"production": "Production", "staging": "Staging"}.get(name.lower(), "Test")
            body = {"type": "deployment_environment", "name": name}
            self.send("POST", path, {**body, "environment_type": {"type": "deployment_environment_type", "name": kind}})

    def set_variable(
        self, full_name: str, name: str, value: str, *, environment: str = "", secret: bool = False
    ) -> None:
        """Set a variable of pipelines, or of an environment's deployments."""
        repo = f"/repositories/{qp(full_name)}"
        path = f"{repo}/pipelines_config/variables"
        if environment:
            known = {one["name"]: one["uuid"] for one in self.pages(f"{repo}/environments", pagelen=100)}
            if environment not in known:
                raise HostError("not-found", f"{full_name} has no environment {environment}", "Make it first.")
            path = f"{repo}/deployments_config/environments/{q(known[environment])}/variables"
        there = next((one for one in self.pages(path, pagelen=100) if one["key"] == name), None)
        body = {"key": name, "value": value, "secured": secret}
        if there is None:
            self.send("POST", path, body)
        else:
            self.send("PUT", f"{path}/{q(there['uuid'])}", body)

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the members of a workspace; Bitbucket shows no e-mail addresses."""
        for one in self.pages(f"/workspaces/{q(owner)}/members", pagelen=100):
            user = one["user"]
            picture = ((user.get("links") or {}).get("avatar") or {}).get("href") or ""
            login = user.get("nickname") or user.get("account_id") or user["uuid"]
            yield Member(
                login, user.get("display_name") or "", "", _html(user), picture, user.get("account_id") or user["uuid"]
            )


def form(fields: Iterable[tuple[str, str, bytes]]) -> tuple[bytes, str]:
    """Answer a multipart form and its content type; fields are ``(name, file name, content)``."""
    boundary = f"callboard-{secrets.token_hex(16)}"
    body = bytearray()
    for name, file, content in fields:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{_header(name)}"'.encode()
        body += f'; filename="{_header(file)}"\r\nContent-Type: application/octet-stream'.encode() if file else b""
        body += b"\r\n\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def _header(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _html(found: Mapping[str, Any]) -> str:
    return str(((found.get("links") or {}).get("html") or {}).get("href") or "")


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if url else ""


def _pull_request(found: dict[str, Any]) -> PullRequest:
    return PullRequest(
        str(found["id"]),
        found["title"],
        _html(found),
        _STATES.get(found["state"], "closed"),  # type: ignore[arg-type]
        found["source"]["branch"]["name"],
        found["destination"]["branch"]["name"],
        bool(found.get("draft")),
        (found.get("author") or {}).get("nickname", ""),
    )


def _conflict(error: HostError, message: str) -> HostError:
    if error.code in ("invalid", "conflict") and "already exists" in error.message:
        return HostError("conflict", message, "Use what is there, or choose another name.", status=error.status)
    return error
