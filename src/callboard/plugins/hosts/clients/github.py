"""GitHub and GitHub Enterprise Server, with a token or as a GitHub App (REST API, version 2022-11-28)."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from callboard.lib.outbound import Reply
from callboard.plugins.hosts.clients.calls import q, qp
from callboard.plugins.hosts.clients.github_app import App, app_assertion
from callboard.plugins.hosts.clients.github_repository import RepositoryCalls
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import (
    Account,
    Branch,
    Commit,
    Entry,
    FileChange,
    FileContent,
    Member,
    Organisation,
    PullRequest,
    Repository,
    Settings,
    Team,
    Tree,
    Visibility,
)

_OWNER = re.compile(r"/(?:repos|orgs|users)/([^/]+)")
_ENTRY = {"blob": "file", "tree": "folder", "commit": "submodule"}


class GitHub(RepositoryCalls):
    """One GitHub."""

    def default_api(self) -> str:
        """github.com has a host of its own for programs."""
        return (
            "https://api.github.com" if self.access.host in ("github.com", "www.github.com") else f"{self.base}/api/v3"
        )

    acting_for = ""
    """The owner whose installation signs requests that do not name one."""

    @cached_property
    def app(self) -> App | None:
        """The app, where the connection is one."""
        if not self.access.app_key:
            return None

        def ask(method: str, path: str, body: Any) -> Any:
            return self.send(method, path, body) if method != "GET" else self.get(path)

        return App(self.access, ask)

    def credentials(self, path: str) -> dict[str, str]:
        """Sign in with the token, or with that of the app's installation in the organisation that is asked for."""
        signed = {"X-GitHub-Api-Version": "2022-11-28"}
        token = self.access.token
        if self.app is not None:
            path = path.removeprefix("/api/v3")
            named = _OWNER.match(path)
            owner = named[1] if named else self.acting_for
            token = app_assertion(self.access) if path.startswith("/app") or not owner else self.app.token(owner)
        if token:
            signed["Authorization"] = f"Bearer {token}"
        return signed

    def complaint(self, body: Any) -> str:
        """Add the details of each error to the message."""
        said = super().complaint(body)
        details = body.get("errors") if isinstance(body, dict) else None
        for item in details if isinstance(details, list) else []:
            text = item.get("message") if isinstance(item, dict) else str(item)
            if text:
                said += f"; {text}"
        return said

    # --- Reading -----------------------------------------------------------------------

    def whoami(self) -> Account:
        """Answer the account of the token, or the app."""
        if self.app is not None:
            found = self.get("/app")
            return Account(found["slug"], found.get("name") or "", "", found.get("html_url") or "")
        found = self.get("/user")
        return Account(found["login"], found.get("name") or "", found.get("email") or "", found.get("html_url") or "")

    def organisations(self) -> Iterator[Organisation]:
        """Answer the organisations of the token's owner and the owner; of an app, where it is installed."""
        if self.app is not None:
            for one in self.app.installations():
                account = one["account"]
                url = account.get("html_url") or f"{self.base}/{account['login']}"
                person = account.get("type") == "User"
                yield Organisation(account["login"], "", "person" if person else "organisation", url)
            return
        for page in self.linked_pages("/user/orgs", per_page=100):
            for one in page:
                url = f"{self.base}/{one['login']}"
                yield Organisation(one["login"], "", "organisation", url, one.get("description") or "")
        who = self.whoami()
        yield Organisation(who.login, who.name, "person", who.url)

    def repositories(self, owner: str) -> Iterator[Repository]:
        """Answer the repositories of an organisation or a person; of an app, those it was given there."""
        if self.app is not None:
            self.acting_for = owner
            for page in self.linked_pages("/installation/repositories", per_page=100):
                yield from map(self._repository, page["repositories"])
            return
        try:
            yield from self._repositories(f"/orgs/{q(owner)}/repos", type="all")
        except HostError as error:
            if error.code != "not-found":
                raise
        else:
            return
        mine = self.app is None and bool(self.access.token) and self.whoami().login.lower() == owner.lower()
        path, more = (
            ("/user/repos", {"affiliation": "owner"}) if mine else (f"/users/{q(owner)}/repos", {"type": "owner"})
        )
        yield from self._repositories(path, **more)

    def _repositories(self, path: str, **params: Any) -> Iterator[Repository]:
        for page in self.linked_pages(path, per_page=100, **params):
            yield from map(self._repository, page)

    def repository(self, full_name: str) -> Repository:
        """Answer one repository."""
        return self._repository(self.get(f"/repos/{qp(full_name)}"))

    def _repository(self, found: dict[str, Any]) -> Repository:
        return Repository(
            full_name=found["full_name"],
            url=found["html_url"],
            clone_url=found.get("clone_url") or f"{found['html_url']}.git",
            description=found.get("description") or "",
            default_branch=found.get("default_branch") or "",
            visibility=found.get("visibility") or ("private" if found.get("private") else "public"),
            archived=bool(found.get("archived")),
            fork=bool(found.get("fork")),
            empty=found.get("size") == 0,
            topics=tuple(found.get("topics") or ()),
            language=found.get("language") or "",
            id=str(found.get("id", "")),
            pushed_at=found.get("pushed_at") or "",
        )

    def tree(self, repository: Repository, ref: str = "", path: str = "") -> Tree:
        """Answer all files with one request."""
        name = qp(repository.full_name)
        try:
            found = self.get(f"/repos/{name}/git/trees/{q(ref or repository.default_branch)}", recursive=1)
        except HostError as error:
            if error.status in (404, 409):  # what GitHub says of an empty repository
                return Tree(())
            raise
        start = f"{path.strip('/')}/" if path.strip("/") else ""
        entries = tuple(
            Entry(item["path"], _kind(item), item.get("size"), item["sha"])
            for item in found["tree"]
            if item["path"].startswith(start)
        )
        return Tree(entries, not found.get("truncated"))

    def read(self, full_name: str, path: str, ref: str = "") -> FileContent:
        """Answer a file, whatever its size."""
        reply = self._raw(full_name, path, ref)
        return FileContent(path, reply.content)

    def _raw(self, full_name: str, path: str, ref: str) -> Reply:
        return self.request(
            "GET",
            f"/repos/{qp(full_name)}/contents/{qp(path.strip('/'))}",
            params={"ref": ref or None},
            headers={"Accept": "application/vnd.github.raw+json"},
        )

    def branch(self, full_name: str, name: str) -> Branch | None:
        """Answer a branch."""
        found = self.maybe(f"/repos/{qp(full_name)}/branches/{q(name)}")
        return Branch(found["name"], found["commit"]["sha"], bool(found.get("protected"))) if found else None

    def committers(self, full_name: str, limit: int = 100) -> list[tuple[Member, int]]:
        """Count the authors of the latest commits."""
        counts: Counter[str] = Counter()
        people: dict[str, Member] = {}
        for one in self.get(f"/repos/{qp(full_name)}/commits", per_page=min(limit, 100)):
            author, told = one.get("author") or {}, (one.get("commit") or {}).get("author") or {}
            login = author.get("login") or told.get("email") or ""
            if login and author.get("type") != "Bot":
                counts[login] += 1
                people.setdefault(login, Member(login, told.get("name") or "", told.get("email") or ""))
        return [(people[login], count) for login, count in counts.most_common()]

    # --- Changing files ------------------------------------------------------------------

    def create_branch(self, full_name: str, name: str, start: str) -> Branch:
        """Make a branch."""
        there = self.branch(full_name, start) if not _is_commit(start) else None
        if there is None and not _is_commit(start):
            raise HostError("not-found", f"{full_name} has no branch {start}", "Name a branch that exists.")
        commit = there.commit if there else start
        try:
            self.send("POST", f"/repos/{qp(full_name)}/git/refs", {"ref": f"refs/heads/{name}", "sha": commit})
        except HostError as error:
            raise _conflict(error, "already exists", f"{full_name} has a branch {name} already") from None
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
        """Make blobs, a tree, a commit, and move the branch there, so that nobody sees half of it."""
        repo = f"/repos/{qp(full_name)}"
        there = self.branch(full_name, branch)
        parent = there or (self.branch(full_name, start) if start else None)
        listed = list(changes)
        if parent is None:
            # The data interface refuses empty repositories; a first file makes it a repository with a branch.
            listed = self._begin(full_name, branch, message, listed, author)
            parent = self.branch(full_name, branch)
            there = parent
            if parent is None:
                raise HostError("conflict", f"{full_name} took a first commit and has no branch {branch}", "Try again.")
            if not listed:
                return Commit(parent.commit, f"{self.base}/{full_name}/commit/{parent.commit}")
        entries = [
            {
                "path": change.path,
                "mode": "100755" if change.executable else "100644",
                "type": "blob",
                "sha": None if change.content is None else self._blob(repo, change.content),
            }
            for change in listed
        ]
        base = self.get(f"{repo}/git/commits/{parent.commit}")["tree"]["sha"]
        tree = self.send("POST", f"{repo}/git/trees", {"base_tree": base, "tree": entries})["sha"]
        body: dict[str, Any] = {"message": message, "tree": tree, "parents": [parent.commit]}
        if author:
            body["author"] = {"name": author[0], "email": author[1]}
        made = self.send("POST", f"{repo}/git/commits", body)
        if there is None:
            self.send("POST", f"{repo}/git/refs", {"ref": f"refs/heads/{branch}", "sha": made["sha"]})
        else:
            self.send("PATCH", f"{repo}/git/refs/heads/{qp(branch)}", {"sha": made["sha"]})
        return Commit(made["sha"], made.get("html_url") or f"{self.base}/{full_name}/commit/{made['sha']}")

    def _blob(self, repo: str, content: bytes) -> str:
        body = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        return str(self.send("POST", f"{repo}/git/blobs", body)["sha"])

    def _begin(
        self,
        full_name: str,
        branch: str,
        message: str,
        changes: list[FileChange],
        author: tuple[str, str] | None,
    ) -> list[FileChange]:
        first = next((change for change in changes if change.content is not None and not change.executable), None)
        made = first or FileChange(".gitkeep", b"")
        body: dict[str, Any] = {
            "message": message,
            "content": base64.b64encode(made.content or b"").decode(),
            "branch": branch,
        }
        if author:
            body["author"] = {"name": author[0], "email": author[1]}
        self.send("PUT", f"/repos/{qp(full_name)}/contents/{qp(made.path)}", body)
        return [change for change in changes if change is not first]

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
        repo = f"/repos/{qp(full_name)}"
        sent = {"title": title, "head": source, "base": target, "body": body, "draft": draft}
        try:
            found = self.send("POST", f"{repo}/pulls", sent)
        except HostError as error:
            raise _conflict(error, "already exists", f"{full_name} has a pull request for {source} already") from None
        asked = {"reviewers": list(reviewers), "team_reviewers": list(team_reviewers)}
        if any(asked.values()):
            self.send("POST", f"{repo}/pulls/{found['number']}/requested_reviewers", asked)
        if people := list(assignees):
            self.send("POST", f"{repo}/issues/{found['number']}/assignees", {"assignees": people})
        if words := list(labels):
            self.add_labels(full_name, str(found["number"]), words)
        return _pull_request(found)

    def find_pull_request(self, full_name: str, source: str, target: str = "") -> PullRequest | None:
        """Answer the open pull request of a branch."""
        head = source if ":" in source else f"{full_name.partition('/')[0]}:{source}"
        found = self.get(f"/repos/{qp(full_name)}/pulls", state="open", head=head, base=target or None)
        return _pull_request(found[0]) if found else None

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
        default_branch: str = "main",  # noqa: ARG002 - the branch of the first commit becomes the default
        options: Mapping[str, Any] | None = None,
    ) -> Repository:
        """Make a repository in an organisation, or in one's own space."""
        owner, _, name = full_name.partition("/")
        body = {"name": name, "description": description, "visibility": visibility, **(options or {})}
        body["private"] = visibility != "public"
        try:
            try:
                found = self.send("POST", f"/orgs/{q(owner)}/repos", body)
            except HostError as error:
                if error.code != "not-found" or self.app is not None or self.whoami().login.lower() != owner.lower():
                    raise
                body.pop("visibility")
                found = self.send("POST", "/user/repos", body)
        except HostError as error:
            raise _conflict(error, "already exists", f"There is a repository {full_name} already") from None
        return self._repository(found)

    def update_repository(self, full_name: str, settings: Settings) -> Repository:
        """Change settings of a repository."""
        repo = f"/repos/{qp(full_name)}"
        if settings.topics is not None:
            self.send("PUT", f"{repo}/topics", {"names": list(settings.topics)})
        wanted = {
            "description": settings.description,
            "homepage": settings.homepage,
            "visibility": settings.visibility,
            "default_branch": settings.default_branch,
            "archived": settings.archived,
            **settings.extra,
        }
        body = {key: value for key, value in wanted.items() if value is not None}
        return self._repository(self.send("PATCH", repo, body)) if body else self.repository(full_name)

    # --- People --------------------------------------------------------------------------

    def members(self, owner: str) -> Iterator[Member]:
        """Answer the members of an organisation with their names, a page at a time through GraphQL."""
        cursor = None
        while True:
            body = {"query": _MEMBERS, "variables": {"org": owner, "cursor": cursor}}
            found = self._graphql(body, owner)["membersWithRole"]
            for one in found["nodes"]:
                emails = one.get("organizationVerifiedDomainEmails") or []
                email = one.get("email") or next(iter(emails), "")
                yield Member(
                    one["login"],
                    one.get("name") or "",
                    email,
                    one["url"],
                    one.get("avatarUrl") or "",
                    str(one["databaseId"]),
                )
            if not found["pageInfo"]["hasNextPage"]:
                return
            cursor = found["pageInfo"]["endCursor"]

    def _graphql(self, body: Any, owner: str) -> Any:
        # GitHub Enterprise Server has it beside the REST interface.
        base = self.api.removesuffix("/v3") if self.api.endswith("/api/v3") else self.api
        self.acting_for = owner
        found = self.send("POST", f"{base}/graphql", body)
        problems = found.get("errors") or []
        if problems or not (found.get("data") or {}).get("organization"):
            said = "; ".join(str(item.get("message")) for item in problems) or f"there is no organisation {owner}"
            raise HostError(
                "forbidden", f"{self.access.host} does not list the people of {owner}: {said}", self.product.token_help
            )
        return found["data"]["organization"]

    def teams(self, owner: str) -> Iterator[Team]:
        """Answer the teams of an organisation."""
        for page in self.linked_pages(f"/orgs/{q(owner)}/teams", per_page=100):
            for one in page:
                people = self.linked_pages(f"/orgs/{q(owner)}/teams/{q(one['slug'])}/members", per_page=100)
                yield Team(
                    one["slug"],
                    one["name"],
                    one.get("description") or "",
                    one.get("html_url") or "",
                    (one.get("parent") or {}).get("slug", ""),
                    tuple(person["login"] for part in people for person in part),
                )


_MEMBERS = """
query ($org: String!, $cursor: String) { organization(login: $org) { membersWithRole(first: 100, after: $cursor) {
  pageInfo { hasNextPage endCursor }
  nodes { login name email url avatarUrl databaseId organizationVerifiedDomainEmails(login: $org) } } } }
"""


def _kind(item: dict[str, Any]) -> Any:
    return "link" if item.get("mode") == "120000" else _ENTRY.get(item.get("type", ""), "file")


def _is_commit(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{40}", text))


def _pull_request(found: dict[str, Any]) -> PullRequest:
    merged = bool(found.get("merged_at") or found.get("merged"))
    return PullRequest(
        str(found["number"]),
        found["title"],
        found["html_url"],
        "merged" if merged else found["state"],
        found["head"]["ref"],
        found["base"]["ref"],
        bool(found.get("draft")),
        (found.get("user") or {}).get("login", ""),
    )


def _conflict(error: HostError, words: str, message: str) -> HostError:
    """Make a refusal because something is there already a conflict, so that callers can tell."""
    if error.code in ("invalid", "conflict") and words in error.message:
        return HostError("conflict", message, "Use what is there, or choose another name.", status=error.status)
    return error
