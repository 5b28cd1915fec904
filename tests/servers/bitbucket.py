"""The REST interfaces of Bitbucket Cloud and of Bitbucket Data Center, as far as the portal uses them."""

import re
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from tests.servers.face import Face, RefusedError, route
from tests.servers.forge import Pull, Repo


class BitbucketFace(Face):
    """Bitbucket Cloud; the client's `api_url` is the address with `/2.0`."""

    prefix = "/2.0"

    def error(self, status: int, message: str) -> Any:
        return {"type": "error", "error": {"message": message}}

    def paged(self, request: Request, items: list[Any]) -> Response:
        page = int(request.args.get("page", 1))
        size = self.forge.page_size
        body: dict[str, Any] = {"values": items[(page - 1) * size : page * size], "page": page}
        if page * size < len(items):
            body["next"] = f"{request.base_url}?{urlencode({**request.args.to_dict(), 'page': page + 1})}"
        return self.json(body)

    @route("/user")
    def user(self, request: Request) -> Any:
        me = self.forge.people[self.forge.me]
        return {"nickname": me.login, "display_name": me.name, "links": {"html": {"href": f"{self.url}/{me.login}"}}}

    @route("/user/workspaces")
    def workspaces(self, request: Request) -> Response:
        found = [{"workspace": {"slug": name, "name": title, "links": {}}} for name, title in self.forge.owners.items()]
        return self.paged(request, found)

    @route("/workspaces/<owner>/members")
    def members(self, request: Request, owner: str) -> Response:
        found = []
        for login in self.forge.members.get(owner, []):
            user = {
                "nickname": login,
                "display_name": self.forge.people[login].name,
                "uuid": f"{{{login}}}",
                "links": {},
            }
            found.append({"user": user})
        return self.paged(request, found)

    def shown(self, repo: Repo) -> dict[str, Any]:
        page = f"{self.url}/{repo.full_name}"
        return {
            "uuid": f"{{{repo.id}}}",
            "full_name": repo.full_name,
            "description": repo.description,
            "is_private": repo.visibility != "public",
            "language": repo.language,
            "mainbranch": {"name": repo.default_branch} if repo.branches() else None,
            "links": {
                "html": {"href": page},
                "clone": [{"name": "https", "href": f"{page.replace('//', '//ada@')}.git"}],
            },
        } | ({"parent": {}} if repo.fork else {})

    @route("/repositories/<owner>")
    def repositories(self, request: Request, owner: str) -> Response:
        if owner not in self.forge.owners:
            raise RefusedError(404, "No workspace with identifier")
        return self.paged(request, [self.shown(repo) for repo in self.forge.repos_of(owner)])

    @route("/repositories/<owner>/<name>", "GET", "POST", "PUT", "DELETE")
    def repository(self, request: Request, owner: str, name: str) -> Any:
        full = f"{owner}/{name}"
        if request.method == "POST":
            if self.forge.find(full):
                raise RefusedError(400, "Repository with this Slug and Owner already exists.")
            asked = request.get_json()
            visibility = "private" if asked["is_private"] else "public"
            return self.shown(self.forge.repo(full, description=asked["description"], visibility=visibility))
        repo = self.repo(full)
        if request.method == "DELETE":
            del self.forge.repos[repo.full_name]
            return Response(status=204)
        if request.method == "PUT":
            for key, value in request.get_json().items():
                setattr(repo, key, value)
        return self.shown(repo)

    @route("/repositories/<owner>/<name>/refs/branches/<path:branch>")
    def branch(self, request: Request, owner: str, name: str, branch: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if branch not in repo.branches():
            raise RefusedError(404, "Branch not found")
        return {"name": branch, "target": {"hash": repo.branches()[branch]}}

    @route("/repositories/<owner>/<name>/refs/branches", "POST")
    def create_branch(self, request: Request, owner: str, name: str) -> Response:
        repo, asked = self.repo(f"{owner}/{name}"), request.get_json()
        if asked["name"] in repo.branches():
            raise RefusedError(400, f'Branch "{asked["name"]}" already exists.')
        repo.git("update-ref", f"refs/heads/{asked['name']}", asked["target"]["hash"])
        return self.json({"name": asked["name"], "target": asked["target"]}, 201)

    @route("/repositories/<owner>/<name>/src/<commit>")
    @route("/repositories/<owner>/<name>/src/<commit>/<path:path>")
    def src(self, request: Request, owner: str, name: str, commit: str, path: str = "") -> Response:
        repo = self.repo(f"{owner}/{name}")
        if not repo.commit_of(commit):
            raise RefusedError(404, "Commit not found")
        found = repo.read(path, commit) if path else None
        if found is not None:
            return Response(found[0])
        below = [e for e in repo.entries(commit) if not path or e["path"].startswith(f"{path}/")]
        if path and not below:
            raise RefusedError(404, "No such file or directory")
        kinds = {"tree": "commit_directory", "blob": "commit_file"}
        listed = [{"path": e["path"], "type": kinds[e["type"]], "size": e["size"], "attributes": []} for e in below]
        return self.paged(request, listed)

    @route("/repositories/<owner>/<name>/src", "POST")
    def write(self, request: Request, owner: str, name: str) -> Response:
        repo = self.repo(f"{owner}/{name}")
        changes: dict[str, bytes | str | None] = {}
        for key, file in request.files.items():
            changes[key.removeprefix("/")] = file.read()
        for path in request.form.getlist("files"):
            changes[path] = None
        author = re.match(r"(.*) <(.*)>", request.form.get("author", "Ada <ada@example.com>"))
        assert author
        branch, start = request.form["branch"], request.form.get("parents", "")
        sha = repo.write(changes, request.form["message"], branch, start, (author[1], author[2]))
        return Response(status=201, headers={"Location": f"{self.url}/2.0/repositories/{owner}/{name}/commit/{sha}"})

    @route("/repositories/<owner>/<name>/commits")
    def commits(self, request: Request, owner: str, name: str) -> Any:
        log = self.repo(f"{owner}/{name}").log()
        return {"values": [{"hash": c["sha"], "author": {"raw": f"{c['name']} <{c['email']}>"}} for c in log]}

    def pull(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        return {
            "id": pull.number,
            "title": pull.title,
            "links": {"html": {"href": f"{self.url}/{repo.full_name}/pull-requests/{pull.number}"}},
            "state": {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}[pull.state],
            "source": {"branch": {"name": pull.source}},
            "destination": {"branch": {"name": pull.target}},
            "draft": pull.draft,
            "author": {"nickname": self.forge.me},
        }

    @route("/repositories/<owner>/<name>/pullrequests", "GET", "POST")
    def pulls(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            wanted = dict(re.findall(r'(\S+?)="([^"]*)"', request.args.get("q", "")))
            source, target = wanted.get("source.branch.name"), wanted.get("destination.branch.name")
            found = [
                p for p in repo.pulls if p.state == "open" and source in (None, p.source) and target in (None, p.target)
            ]
            return self.paged(request, [self.pull(repo, p) for p in found])
        asked = request.get_json()
        source, target = asked["source"]["branch"]["name"], asked["destination"]["branch"]["name"]
        made = Pull(len(repo.pulls) + 1, asked["title"], source, target, asked["description"], draft=asked["draft"])
        repo.pulls.append(made)
        return self.json(self.pull(repo, made), 201)

    @route("/repositories/<owner>/<name>/pullrequests/<int:number>")
    def get_pull(self, request: Request, owner: str, name: str, number: int) -> Any:
        repo = self.repo(f"{owner}/{name}")
        found = next((p for p in repo.pulls if p.number == number), None)
        if found is None:
            raise RefusedError(404, "Pull request not found")
        return self.pull(repo, found)

    @route("/repositories/<owner>/<name>/hooks", "GET", "POST")
    def hooks(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            return self.paged(request, repo.hooks)
        repo.hooks.append({"uuid": f"{{{len(repo.hooks) + 1}}}", **request.get_json()})
        return self.json(repo.hooks[-1], 201)

    @route("/repositories/<owner>/<name>/pipelines/", "POST")
    def pipelines(self, request: Request, owner: str, name: str) -> Response:
        self.repo(f"{owner}/{name}").dispatched.append(request.get_json())
        return self.json({"uuid": "{5}", "build_number": 5}, 201)


class BitbucketServerFace(Face):
    """Bitbucket Data Center; owners are project keys. Commits of files come through Git."""

    prefix = "/rest/api/1.0"

    def error(self, status: int, message: str) -> Any:
        return {"errors": [{"message": message}]}

    def paged(self, request: Request, items: list[Any]) -> Response:
        start, size = int(request.args.get("start", 0)), self.forge.page_size
        last = start + size >= len(items)
        body = {"values": items[start : start + size], "isLastPage": last, "start": start, "limit": size}
        return self.json(body | ({} if last else {"nextPageStart": start + size}))

    @route("|plugins/servlet/applinks/whoami")
    def whoami(self, request: Request) -> Response:
        return Response(self.forge.me, content_type="text/plain")

    def member(self, login: str) -> dict[str, Any]:
        who = self.forge.people[login]
        links = {"self": [{"href": f"{self.url}/users/{login}"}]}
        return {
            "id": who.id,
            "name": login,
            "displayName": who.name,
            "emailAddress": who.email,
            "active": True,
            "links": links,
        }

    @route("/users/<login>")
    def user(self, request: Request, login: str) -> Any:
        return self.member(login)

    @route("/projects")
    def projects(self, request: Request) -> Response:
        return self.paged(
            request, [{"key": key, "name": title, "links": {}} for key, title in self.forge.owners.items()]
        )

    @route("/projects/<owner>/permissions/users")
    def members(self, request: Request, owner: str) -> Response:
        found = [
            {"user": self.member(login), "permission": "PROJECT_READ"} for login in self.forge.members.get(owner, [])
        ]
        return self.paged(request, found)

    @route("/projects/<owner>/permissions/groups")
    def groups(self, request: Request, owner: str) -> Response:
        return self.paged(request, [{"group": {"name": team.slug}} for team in self.forge.teams.get(owner, [])])

    @route("/admin/groups/more-members")
    def group_members(self, request: Request) -> Response:
        team = next(t for teams in self.forge.teams.values() for t in teams if t.slug == request.args["context"])
        return self.paged(request, [self.member(login) for login in team.members])

    def shown(self, repo: Repo) -> dict[str, Any]:
        clone = [{"name": "http", "href": f"{self.url}/scm/{repo.full_name}.git"}]
        return {
            "id": repo.id,
            "slug": repo.name,
            "project": {"key": repo.owner},
            "description": repo.description,
            "public": repo.visibility == "public",
            "archived": repo.archived,
            "links": {"clone": clone},
        }

    @route("/projects/<owner>/repos", "GET", "POST")
    def repos(self, request: Request, owner: str) -> Response:
        if owner not in self.forge.owners:
            raise RefusedError(404, f"Project {owner} does not exist.")
        if request.method == "GET":
            return self.paged(request, [self.shown(repo) for repo in self.forge.repos_of(owner)])
        asked = request.get_json()
        if self.forge.find(f"{owner}/{asked['name']}"):
            raise RefusedError(409, "This repository URL is already taken.")
        visibility = "public" if asked["public"] else "private"
        made = self.forge.repo(f"{owner}/{asked['name']}", description=asked["description"], visibility=visibility)
        return self.json(self.shown(made), 201)

    @route("/projects/<owner>/repos/<name>", "GET", "PUT", "DELETE")
    def get_repo(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "DELETE":
            del self.forge.repos[repo.full_name]
            return Response(status=202)
        if request.method == "PUT":
            for key, value in request.get_json().items():
                setattr(repo, key, value)
        return self.shown(repo)

    @route("/projects/<owner>/repos/<name>/default-branch", "GET", "PUT")
    def default_branch(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if not repo.branches():
            raise RefusedError(404, "The repository is empty.")
        return {"displayId": repo.default_branch, "latestCommit": repo.commit_of("")}

    @route("/projects/<owner>/repos/<name>/labels", "GET", "POST")
    def labels(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "POST":
            repo.topics = [*repo.topics, request.get_json()["name"]]
        return self.paged(request, [{"name": one} for one in repo.topics])

    @route("/projects/<owner>/repos/<name>/files")
    @route("/projects/<owner>/repos/<name>/files/<path:path>")
    def files(self, request: Request, owner: str, name: str, path: str = "") -> Response:
        repo = self.repo(f"{owner}/{name}")
        if not repo.commit_of(request.args.get("at", "")):
            raise RefusedError(404, "The repository is empty.")
        start = f"{path}/" if path else ""
        listed = [e["path"] for e in repo.entries(request.args.get("at", "")) if e["type"] == "blob"]
        found = [name.removeprefix(start) for name in listed if name.startswith(start)]
        return self.paged(request, found)

    @route("/projects/<owner>/repos/<name>/raw/<path:path>")
    def raw(self, request: Request, owner: str, name: str, path: str) -> Response:
        found = self.repo(f"{owner}/{name}").read(path, request.args.get("at", ""))
        if found is None:
            raise RefusedError(404, f'The path "{path}" does not exist.')
        return Response(found[0])

    @route("/projects/<owner>/repos/<name>/branches", "GET", "POST")
    def branches(self, request: Request, owner: str, name: str) -> Response:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            wanted = request.args.get("filterText", "")
            found = [{"displayId": b, "latestCommit": c} for b, c in repo.branches().items() if wanted in b]
            return self.paged(request, found)
        asked = request.get_json()
        if asked["name"] in repo.branches():
            raise RefusedError(409, "This branch already exists.")
        commit = repo.commit_of(asked["startPoint"])
        repo.git("update-ref", f"refs/heads/{asked['name']}", commit)
        return self.json({"displayId": asked["name"], "latestCommit": commit})

    @route("/projects/<owner>/repos/<name>/commits")
    def commits(self, request: Request, owner: str, name: str) -> Any:
        log = self.repo(f"{owner}/{name}").log()
        return {"values": [{"id": c["sha"], "author": {"name": c["name"], "emailAddress": c["email"]}} for c in log]}

    def pull(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        href = f"{self.url}/projects/{repo.owner}/repos/{repo.name}/pull-requests/{pull.number}"
        return {
            "id": pull.number,
            "title": pull.title,
            "links": {"self": [{"href": href}]},
            "state": {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}[pull.state],
            "fromRef": {"displayId": pull.source},
            "toRef": {"displayId": pull.target},
            "draft": pull.draft,
            "author": {"user": {"name": self.forge.me}},
        }

    @route("/projects/<owner>/repos/<name>/pull-requests", "GET", "POST")
    def pulls(self, request: Request, owner: str, name: str) -> Response:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            source = request.args["at"].removeprefix("refs/heads/")
            found = [p for p in repo.pulls if p.state == "open" and p.source == source]
            return self.paged(request, [self.pull(repo, p) for p in found])
        asked = request.get_json()
        source, target = (asked[k]["id"].removeprefix("refs/heads/") for k in ("fromRef", "toRef"))
        if any(p.source == source and p.state == "open" for p in repo.pulls):
            raise RefusedError(409, "Only one pull request may be open for a given source and target branch")
        made = Pull(
            len(repo.pulls) + 1, asked["title"], source, target, asked["description"], draft=asked.get("draft", False)
        )
        made.reviewers = [one["user"]["name"] for one in asked["reviewers"]]
        repo.pulls.append(made)
        return self.json(self.pull(repo, made), 201)

    @route("/projects/<owner>/repos/<name>/pull-requests/<int:number>")
    def get_pull(self, request: Request, owner: str, name: str, number: int) -> Any:
        repo = self.repo(f"{owner}/{name}")
        found = next((p for p in repo.pulls if p.number == number), None)
        if found is None:
            raise RefusedError(404, "Pull request does not exist.")
        return self.pull(repo, found)

    @route("/projects/<owner>/repos/<name>/webhooks", "GET", "POST")
    def hooks(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            return self.paged(request, repo.hooks)
        repo.hooks.append({"id": len(repo.hooks) + 1, **request.get_json()})
        return self.json(repo.hooks[-1], 201)

    @route("|scm/<whole:path>", "GET", "POST")
    def scm(self, request: Request, path: str) -> Response:
        return self.git_backend(request, path)
