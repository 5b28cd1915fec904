"""Azure DevOps Services and Server (REST API 7.0).

Names follow the addresses people see: an organisation or collection is the path of the connection's address,
a project stands below it, and a repository is ``organisation/project/repository``.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from callboard.lib.outbound import Reply
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

_VERSION = "7.0"
_NOTHING = "0" * 40
_STATES = {"active": "open", "completed": "merged", "abandoned": "closed"}
_POLICIES = {
    "reviewers": "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd",
    "comments": "c6a1889d-b943-4856-b76f-9e46bb6b0df2",
    "status": "cbdc66da-9728-4af8-aada-9a5a32e4a226",
}


class AzureDevOps(HostClient):
    """One organisation of Azure DevOps Services, or a collection of a server."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        parts = urlsplit(self.base)
        self.root = f"{parts.scheme}://{parts.netloc}"
        self.collection = unquote(parts.path.strip("/"))
        if not self.access.api_url:
            self.api = self.root

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - see HostClient
        """Sign in with a personal access token."""
        return {"Authorization": basic(self.access.username, self.access.token)} if self.access.token else {}

    def request(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request; instead of refusing a token, Azure shows the page where people sign in."""
        options["params"] = {"api-version": _VERSION, **(options.get("params") or {})}
        reply = super().request(method, path, **options)
        if reply.status == 203 or reply.headers.get("content-type", "").startswith("text/html"):
            raise HostError("unauthorized", f"{self.access.host} asks the portal to sign in", self._renew(), status=203)
        return reply

    def values(self, path: str, **params: Any) -> Iterator[Any]:
        """Follow a list by its continuation token."""
        token = None
        while True:
            reply = self.request("GET", path, params={**params, "continuationToken": token})
            yield from self.json(reply)["value"]
            token = reply.headers.get("x-ms-continuationtoken")
            if not token:
                return

    def _split(self, full_name: str) -> tuple[str, str, str]:
        """Take a name apart: the path of the organisation, the project, the repository."""
        parts = full_name.strip("/").split("/")
        top = self.collection.count("/") + 1 if self.collection else 1
        if len(parts) < top + 1:
            message = f"{full_name} does not name a project and a repository"
            raise HostError("invalid", message, "Write it as organisation/project/repository.")
        project = parts[top]
        return "/".join(parts[:top]), project, "/".join(parts[top + 1 :]) or project

    def _repo(self, full_name: str) -> str:
        top, project, name = self._split(full_name)
        return f"/{qp(top)}/{q(project)}/_apis/git/repositories/{q(name)}"

    # --- Reading -----------------------------------------------------------------------

    def whoami(self) -> Account:
        """Answer the account of the token."""
        if not self.collection:
            raise HostError(
                "invalid",
                f"The address {self.base} names no organisation",
                "Add it to the address of the connection: https://dev.azure.com/my-company.",
            )
        preview = {"api-version": "7.0-preview.1"}
        found = self.get(f"/{qp(self.collection)}/_apis/connectionData", **preview)["authenticatedUser"]
        told = found.get("properties") or {}
        account = (told.get("Account") or {}).get("$value") or found.get("providerDisplayName") or found["id"]
        return Account(account, found.get("providerDisplayName") or "", account if "@" in account else "")

    def organisations(self) -> Iterator[Organisation]:
        """Answer the organisation of the connection and its projects."""
        self.whoami()
        yield Organisation(self.collection, self.collection, "organisation", self.base)
        for one in self.values(f"/{qp(self.collection)}/_apis/projects", **{"$top": 200}):
            path = f"{self.collection}/{one['name']}"
            yield Organisation(path, one["name"], "project", f"{self.root}/{qp(path)}", one.get("description") or "")

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the repositories of an organisation or of one project."""
        inside = self.collection or owner.partition("/")[0]
        for one in self.get(f"/{qp(owner)}/_apis/git/repositories")["value"]:
            if not one.get("isDisabled"):
                yield self._repository(one, inside)

    def repository(self, full_name: str) -> Repository:
        """Answer one repository."""
        return self._repository(self.get(self._repo(full_name)), self._split(full_name)[0])

    def _repository(self, found: dict[str, Any], top: str) -> Repository:
        project = found["project"]["name"]
        branch = (found.get("defaultBranch") or "").removeprefix("refs/heads/")
        url = f"{self.root}/{qp(top)}/{q(project)}/_git/{q(found['name'])}"
        return Repository(
            full_name=f"{top}/{project}/{found['name']}",
            url=url,
            clone_url=url,
            description=found["project"].get("description") or "",
            default_branch=branch,
            visibility="public" if found["project"].get("visibility") == "public" else "private",
            archived=bool(found.get("isDisabled")),
            fork=bool(found.get("isFork")),
            empty=not branch,
            id=found["id"],
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files with one request."""
        if not (ref or repository.default_branch):
            return Tree(())
        found = self.get(
            f"{self._repo(repository.full_name)}/items",
            recursionLevel="Full",
            scopePath=f"/{path.strip('/')}",
            **_version(ref or repository.default_branch),
        )
        kinds: dict[str, Any] = {"tree": "folder", "commit": "submodule", "blob": "file"}
        return Tree(
            tuple(
                Entry(
                    one["path"].strip("/"),
                    "link" if one.get("isSymLink") else kinds.get(one.get("gitObjectType", ""), "file"),
                    None,
                    one["objectId"],
                )
                for one in found["value"]
                if one["path"].strip("/")
            )
        )

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file."""
        asked = {"path": f"/{path.strip('/')}", "download": "true", **(_version(ref) if ref else {})}
        headers = {"Accept": "application/octet-stream"}
        reply = self.request("GET", f"{self._repo(full_name)}/items", params=asked, headers=headers)
        return FileContent(path, reply.content)

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch; the filter of Azure is the beginning of a name."""
        for one in self.values(f"{self._repo(full_name)}/refs", filter=f"heads/{name}"):
            if one["name"] == f"refs/heads/{name}":
                return Branch(name, one["objectId"], bool(one.get("isLocked")))
        return None

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Count the authors of the latest commits."""
        found = self.get(f"{self._repo(full_name)}/commits", **{"searchCriteria.$top": min(limit, 100)})["value"]
        counts = Counter((one["author"]["email"], one["author"]["name"]) for one in found)
        return [(Member(email, name, email), count) for (email, name), count in counts.most_common()]

    def file_url(self, repository: Repository, path: str, ref: str = "") -> str:
        """Answer the address of a file; on the default branch it names none."""
        version = f"&version=GB{q(ref)}" if ref and ref != repository.default_branch else ""
        return f"{repository.url}?path=/{qp(path)}{version}"

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        there = self.branch(full_name, start)
        commit = there.commit if there else start
        body = [{"name": f"refs/heads/{name}", "oldObjectId": _NOTHING, "newObjectId": commit}]
        done = self.send("POST", f"{self._repo(full_name)}/refs", body)["value"][0]
        if not done.get("success", True):
            status = done.get("updateStatus", "")
            raise HostError("conflict", f"{full_name} made no branch {name}: {status}", "It may be there already.")
        return Branch(name, commit)

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
        """Push all files with one request."""
        there = self.branch(full_name, branch)
        if there is None and start:
            there = self.create_branch(full_name, branch, start)
        known: set[str] = set()
        if there is not None:
            known = {entry.path for entry in self.tree(self.repository(full_name), branch).entries}
        entries = []
        for change in changes:
            if change.executable:
                raise self.unsupported("making files executable")
            item: dict[str, Any] = {"item": {"path": f"/{change.path}"}}
            if change.content is None:
                item["changeType"] = "delete"
            else:
                item["changeType"] = "edit" if change.path in known else "add"
                content = base64.b64encode(change.content).decode()
                item["newContent"] = {"content": content, "contentType": "base64encoded"}
            entries.append(item)
        made: dict[str, Any] = {"comment": message, "changes": entries}
        if author:
            made["author"] = {"name": author[0], "email": author[1]}
        update = {"name": f"refs/heads/{branch}", "oldObjectId": there.commit if there else _NOTHING}
        found = self.send("POST", f"{self._repo(full_name)}/pushes", {"refUpdates": [update], "commits": [made]})
        commit = found["commits"][0]["commitId"]
        top, project, name = self._split(full_name)
        return Commit(commit, f"{self.root}/{qp(top)}/{q(project)}/_git/{q(name)}/commit/{commit}")

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
        """Open a pull request; reviewers are ids of people or teams."""
        if list(assignees):
            raise self.unsupported("assignees of pull requests")
        sent = {
            "sourceRefName": f"refs/heads/{source}",
            "targetRefName": f"refs/heads/{target}",
            "title": title,
            "description": body,
            "isDraft": draft,
            "reviewers": [{"id": one} for one in (*reviewers, *team_reviewers)],
            "labels": [{"name": one} for one in labels],
        }
        try:
            found = self.send("POST", f"{self._repo(full_name)}/pullrequests", sent)
        except HostError as error:
            if error.code == "conflict":
                message = f"{full_name} has a pull request for {source} already"
                raise HostError("conflict", message, "Use it.", status=409) from None
            raise
        return self._pull_request(found, full_name)

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open pull request of a branch."""
        asked = {"searchCriteria.sourceRefName": f"refs/heads/{source}", "searchCriteria.status": "active"}
        if target:
            asked["searchCriteria.targetRefName"] = f"refs/heads/{target}"
        found = self.get(f"{self._repo(full_name)}/pullrequests", **asked)["value"]
        return self._pull_request(found[0], full_name) if found else None

    def pull_request(self, full_name: str, number: str) -> PullRequest:
        """Answer a pull request."""
        return self._pull_request(self.get(f"{self._repo(full_name)}/pullrequests/{q(number)}"), full_name)

    def _pull_request(self, found: dict[str, Any], full_name: str) -> PullRequest:
        top, project, name = self._split(full_name)
        number = str(found["pullRequestId"])
        return PullRequest(
            number,
            found["title"],
            f"{self.root}/{qp(top)}/{q(project)}/_git/{q(name)}/pullrequest/{number}",
            _STATES.get(found["status"], "closed"),  # type: ignore[arg-type]
            found["sourceRefName"].removeprefix("refs/heads/"),
            found["targetRefName"].removeprefix("refs/heads/"),
            bool(found.get("isDraft")),
            (found.get("createdBy") or {}).get("uniqueName", ""),
        )

    # --- Repositories and what belongs to them ---------------------------------------------

    def create_repository(
        self,
        full_name: str,
        *,
        description: str = "",  # noqa: ARG002 - repositories have none here
        visibility: Visibility = "private",  # noqa: ARG002 - the project's counts
        default_branch: str = "main",  # noqa: ARG002 - the branch of the first commit becomes the default
        options: Mapping[str, Any] | None = None,
    ) -> Repository:
        """Make a repository in a project; description and visibility are those of the project."""
        top, project, name = self._split(full_name)
        there = self.get(f"/{qp(top)}/_apis/projects/{q(project)}")
        body = {"name": name, "project": {"id": there["id"]}, **(options or {})}
        try:
            found = self.send("POST", f"/{qp(top)}/{q(project)}/_apis/git/repositories", body)
        except HostError as error:
            if error.code == "conflict":
                message = f"There is a repository {full_name} already"
                raise HostError("conflict", message, "Use it, or choose another name.", status=409) from None
            raise
        return self._repository(found, top)

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change the default branch, or whether the repository is in use; the rest is the project's."""
        if any(
            one is not None for one in (settings.description, settings.homepage, settings.topics, settings.visibility)
        ):
            raise self.unsupported("descriptions, topics and visibility of single repositories")
        body: dict[str, Any] = dict(settings.extra)
        if settings.default_branch is not None:
            body["defaultBranch"] = f"refs/heads/{settings.default_branch}"
        if settings.archived is not None:
            body["isDisabled"] = settings.archived
        there = self.repository(full_name)
        top, project, _ = self._split(full_name)
        found = self.send("PATCH", f"/{qp(top)}/{q(project)}/_apis/git/repositories/{there.id}", body)
        return self._repository(found, top)

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository."""
        there = self.repository(full_name)
        top, project, _ = self._split(full_name)
        self.send("DELETE", f"/{qp(top)}/{q(project)}/_apis/git/repositories/{there.id}")

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch with policies."""
        there = self.repository(full_name)
        top, project, _ = self._split(full_name)
        scope = [{"repositoryId": there.id, "refName": f"refs/heads/{branch}", "matchKind": "exact"}]
        path = f"/{qp(top)}/{q(project)}/_apis/policy/configurations"
        wanted: list[tuple[str, dict[str, Any]]] = [
            (
                _POLICIES["reviewers"],
                {"minimumApproverCount": rules.approvals or 1, "resetOnSourcePush": rules.dismiss_stale_reviews},
            )
        ]
        if rules.conversations_resolved:
            wanted.append((_POLICIES["comments"], {}))
        wanted += [(_POLICIES["status"], {"statusName": name, "statusGenre": ""}) for name in rules.status_checks]
        for kind, values in wanted:
            settings = {**values, "scope": scope}
            self.send("POST", path, {"isEnabled": True, "isBlocking": True, "type": {"id": kind}, "settings": settings})

    def create_hook(self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("git.push",)) -> Hook:
        """Subscribe an address to events of a repository; the secret travels as a password."""
        there = self.repository(full_name)
        top, project, _ = self._split(full_name)
        owner = self.get(f"/{qp(top)}/_apis/projects/{q(project)}")["id"]
        made = ""
        for event in events:
            consumer = {"url": url} | (
                {"basicAuthUsername": "callboard", "basicAuthPassword": secret} if secret else {}
            )
            body = {
                "publisherId": "tfs",
                "eventType": event,
                "resourceVersion": "1.0",
                "consumerId": "webHooks",
                "consumerActionId": "httpRequest",
                "publisherInputs": {"projectId": owner, "repository": there.id},
                "consumerInputs": consumer,
            }
            made = self.send("POST", f"/{qp(top)}/_apis/hooks/subscriptions", body)["id"]
        return Hook(made, url)

    def dispatch(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None) -> WorkflowRun:
        """Start a pipeline, by its number or its name."""
        top, project, _ = self._split(full_name)
        path = f"/{qp(top)}/{q(project)}/_apis/pipelines"
        number = workflow
        if not workflow.isdigit():
            there = next((one for one in self.values(path) if one["name"] == workflow), None)
            if there is None:
                raise HostError("not-found", f"{project} has no pipeline {workflow}", "Check its name.")
            number = str(there["id"])
        body = {
            "resources": {"repositories": {"self": {"refName": f"refs/heads/{ref}"}}},
            "templateParameters": dict(inputs or {}),
        }
        found = self.send("POST", f"{path}/{number}/runs", body)
        return WorkflowRun(str(found["id"]), ((found.get("_links") or {}).get("web") or {}).get("href", ""))

    def create_issue(
        self, full_name: str, title: str, body: str = "", *, labels: Iterable[str] = (), assignees: Iterable[str] = ()
    ) -> Issue:
        """Open a work item of the type Issue."""
        top, project, _ = self._split(full_name)
        steps = [{"op": "add", "path": "/fields/System.Title", "value": title}]
        steps += [{"op": "add", "path": "/fields/System.Description", "value": body}] if body else []
        if words := list(labels):
            steps.append({"op": "add", "path": "/fields/System.Tags", "value": "; ".join(words)})
        if people := list(assignees):
            steps.append({"op": "add", "path": "/fields/System.AssignedTo", "value": people[0]})
        import orjson  # noqa: PLC0415 - the one body that is no plain JSON

        headers = {"Content-Type": "application/json-patch+json"}
        path = f"/{qp(top)}/{q(project)}/_apis/wit/workitems/$Issue"
        found = self.json(self.request("POST", path, content=orjson.dumps(steps), headers=headers))
        number = str(found["id"])
        return Issue(number, title, f"{self.root}/{qp(top)}/{q(project)}/_workitems/edit/{number}")

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the people of all teams of an organisation or a project."""
        seen: set[str] = set()
        for team in self._teams(owner):
            for one in self._people(owner, team):
                if one.login not in seen:
                    seen.add(one.login)
                    yield one

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer the teams of an organisation or a project."""
        for one in self._teams(owner):
            people = tuple(person.login for person in self._people(owner, one))
            url = f"{self.root}/{qp(self.collection or owner.partition('/')[0])}/{q(one.get('projectName', ''))}"
            yield Team(one["name"], one["name"], one.get("description") or "", url, "", people)

    def _teams(self, owner: str) -> Iterator[dict[str, Any]]:
        top, project = self._owner(owner)
        skip = 0
        while True:
            path = f"/{qp(top)}/_apis/projects/{q(project)}/teams" if project else f"/{qp(top)}/_apis/teams"
            version = _VERSION if project else "7.0-preview.3"
            found = self.get(path, **{"$top": 200, "$skip": skip, "api-version": version})["value"]
            yield from found
            skip += len(found)
            if len(found) < 200:
                return

    def _people(self, owner: str, team: Mapping[str, Any]) -> Iterator[Member]:
        top, _ = self._owner(owner)
        skip = 0
        while True:
            path = f"/{qp(top)}/_apis/projects/{q(team['projectId'])}/teams/{q(team['id'])}/members"
            found = self.get(path, **{"$top": 200, "$skip": skip})["value"]
            for one in found:
                who = one["identity"]
                name = who.get("uniqueName") or who["id"]
                email = name if "@" in name else ""
                yield Member(name, who.get("displayName") or "", email, "", who.get("imageUrl") or "", who["id"])
            skip += len(found)
            if len(found) < 200:
                return

    def _owner(self, owner: str) -> tuple[str, str]:
        top = self.collection or owner.partition("/")[0]
        return top, owner.removeprefix(top).strip("/")


def _version(ref: str) -> dict[str, str]:
    kind = "commit" if len(ref) == 40 and all(c in "0123456789abcdef" for c in ref) else "branch"
    return {"versionDescriptor.version": ref, "versionDescriptor.versionType": kind}
