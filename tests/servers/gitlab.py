"""The REST interface of GitLab, as far as the portal uses it."""

import base64
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.servers.face import Face, RefusedError, route
from tests.servers.forge import Pull, Repo


class GitLabFace(Face):
    """GitLab; owners with slashes are groups inside groups."""

    prefix = "/api/v4"

    def signed_in(self, request: Request) -> bool:
        return request.headers.get("PRIVATE-TOKEN") == self.forge.token

    @route("/user")
    def user(self, request: Request) -> Any:
        me = self.forge.people[self.forge.me]
        return {"username": me.login, "name": me.name, "email": me.email, "web_url": f"{self.url}/{me.login}"}

    @route("/users")
    def users(self, request: Request) -> Response:
        wanted = request.args.get("username", "")
        return self.linked(request, [self.member(login) for login in self.forge.people if wanted in ("", login)])

    def group(self, name: str) -> dict[str, Any]:
        return {
            "id": list(self.forge.owners).index(name) + 1,
            "full_path": name,
            "name": self.forge.owners[name],
            "web_url": f"{self.url}/groups/{name}",
            "description": "",
        }

    @route("/groups")
    def groups(self, request: Request) -> Response:
        return self.linked(request, [self.group(name) for name in self.forge.owners if "/" not in name])

    @route("/groups/<whole:owner>/projects")
    def group_projects(self, request: Request, owner: str) -> Response:
        if owner not in self.forge.owners:
            raise RefusedError(404, "404 Group Not Found")
        return self.linked(request, [self.shown(repo) for repo in self.forge.repos_of(owner)])

    @route("/users/<owner>/projects")
    def user_projects(self, request: Request, owner: str) -> Response:
        return self.linked(request, [self.shown(repo) for repo in self.forge.repos_of(owner)])

    @route("/groups/<whole:owner>")
    def get_group(self, request: Request, owner: str) -> Any:
        if owner not in self.forge.owners:
            raise RefusedError(404, "404 Group Not Found")
        return self.group(owner)

    @route("/groups/<whole:owner>/descendant_groups")
    def descendants(self, request: Request, owner: str) -> Response:
        return self.linked(request, [self.group(name) for name in self.forge.owners if name.startswith(f"{owner}/")])

    def member(self, login: str) -> dict[str, Any]:
        who = self.forge.people[login]
        return {
            "id": who.id,
            "username": login,
            "name": who.name,
            "email": who.email,
            "state": "active",
            "web_url": f"{self.url}/{login}",
        }

    @route("/groups/<whole:owner>/members/all")
    def all_members(self, request: Request, owner: str) -> Response:
        found = dict.fromkeys(
            p for name, people in self.forge.members.items() if name.startswith(owner) for p in people
        )
        return self.linked(request, [self.member(login) for login in found])

    @route("/groups/<whole:owner>/members")
    def own_members(self, request: Request, owner: str) -> Response:
        return self.linked(request, [self.member(login) for login in self.forge.members.get(owner, [])])

    @route("/namespaces/<whole:owner>")
    def namespace(self, request: Request, owner: str) -> Any:
        if owner not in self.forge.owners:
            raise RefusedError(404, "404 Namespace Not Found")
        return {"id": list(self.forge.owners).index(owner) + 1}

    # --- Projects --------------------------------------------------------------------------

    def shown(self, repo: Repo) -> dict[str, Any]:
        return {
            "id": repo.id,
            "path_with_namespace": repo.full_name,
            "web_url": f"{self.url}/{repo.full_name}",
            "http_url_to_repo": f"{self.url}/{repo.full_name}.git",
            "description": repo.description or None,
            "default_branch": repo.default_branch if repo.branches() else None,
            "visibility": repo.visibility,
            "archived": repo.archived,
            "empty_repo": not repo.branches(),
            "topics": repo.topics,
        } | ({"forked_from_project": {}} if repo.fork else {})

    @route("/projects", "POST")
    def create(self, request: Request) -> Response:
        asked = request.get_json()
        owner = list(self.forge.owners)[asked["namespace_id"] - 1]
        if self.forge.find(f"{owner}/{asked['path']}"):
            return self.json({"message": {"path": ["has already been taken"]}}, 400)
        made = self.forge.repo(
            f"{owner}/{asked['path']}", description=asked["description"], visibility=asked["visibility"]
        )
        return self.json(self.shown(made), 201)

    @route("/projects/<whole:name>", "GET", "PUT", "DELETE")
    def project(self, request: Request, name: str) -> Any:
        repo = self.repo(name)
        if request.method == "DELETE":
            del self.forge.repos[repo.full_name]
            return Response(status=202)
        if request.method == "PUT":
            for key, value in request.get_json().items():
                setattr(repo, key, value)
        return self.shown(repo)

    @route("/projects/<whole:name>/archive", "POST")
    def archive(self, request: Request, name: str) -> Any:
        self.repo(name).archived = True
        return self.shown(self.repo(name))

    @route("/projects/<whole:name>/languages")
    def languages(self, request: Request, name: str) -> Any:
        return {self.repo(name).language: 90.0, "Shell": 10.0}

    @route("/projects/<whole:name>/repository/tree")
    def tree(self, request: Request, name: str) -> Response:
        repo = self.repo(name)
        if not repo.commit_of(request.args["ref"]):
            raise RefusedError(404, "404 Tree Not Found")
        start = request.args.get("path", "")
        found = [e for e in repo.entries(request.args["ref"]) if not start or e["path"].startswith(f"{start}/")]
        return self.linked(
            request, [{"id": e["sha"], "path": e["path"], "type": e["type"], "mode": e["mode"]} for e in found]
        )

    @route("/projects/<whole:name>/repository/files/<whole:path>/raw")
    def raw(self, request: Request, name: str, path: str) -> Response:
        found = self.repo(name).read(path, request.args.get("ref", ""))
        if found is None:
            raise RefusedError(404, "404 File Not Found")
        return Response(found[0], headers={"X-Gitlab-Blob-Id": found[1]})

    @route("/projects/<whole:name>/repository/files/<whole:path>")
    def file(self, request: Request, name: str, path: str) -> Any:
        found = self.repo(name).read(path, request.args.get("ref", ""))
        if found is None:
            raise RefusedError(404, "404 File Not Found")
        return {"file_path": path, "blob_id": found[1]}

    @route("/projects/<whole:name>/repository/branches/<whole:branch>")
    def branch(self, request: Request, name: str, branch: str) -> Any:
        repo = self.repo(name)
        if branch not in repo.branches():
            raise RefusedError(404, "404 Branch Not Found")
        return {"name": branch, "commit": {"id": repo.branches()[branch]}, "protected": branch in repo.protection}

    @route("/projects/<whole:name>/repository/branches", "POST")
    def create_branch(self, request: Request, name: str) -> Response:
        repo, asked = self.repo(name), request.get_json()
        if asked["branch"] in repo.branches():
            raise RefusedError(400, "Branch already exists")
        commit = repo.commit_of(asked["ref"])
        repo.git("update-ref", f"refs/heads/{asked['branch']}", commit)
        return self.json({"name": asked["branch"], "commit": {"id": commit}}, 201)

    @route("/projects/<whole:name>/repository/commits")
    def commits(self, request: Request, name: str) -> Any:
        return [{"id": c["sha"], "author_name": c["name"], "author_email": c["email"]} for c in self.repo(name).log()]

    @route("/projects/<whole:name>/repository/commits", "POST")
    def commit(self, request: Request, name: str) -> Response:
        repo, asked = self.repo(name), request.get_json()
        known = repo.files(asked.get("start_branch") or asked["branch"]) if repo.branches() else {}
        changes: dict[str, bytes | str | None] = {}
        for action in asked["actions"]:
            if (action["action"] == "create") == (action["file_path"] in known):
                raise RefusedError(
                    400,
                    "A file with this name already exists"
                    if action["action"] == "create"
                    else "A file with this name doesn't exist",
                )
            changes[action["file_path"]] = None if action["action"] == "delete" else base64.b64decode(action["content"])
        author = (asked.get("author_name", "Ada"), asked.get("author_email", "ada@example.com"))
        sha = repo.write(changes, asked["commit_message"], asked["branch"], asked.get("start_branch", ""), author)
        return self.json({"id": sha, "web_url": f"{self.url}/{name}/-/commit/{sha}"}, 201)

    # --- Merge requests ----------------------------------------------------------------------

    def merge(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        return {
            "iid": pull.number,
            "title": pull.title,
            "web_url": f"{self.url}/{repo.full_name}/-/merge_requests/{pull.number}",
            "state": {"open": "opened"}.get(pull.state, pull.state),
            "source_branch": pull.source,
            "target_branch": pull.target,
            "draft": pull.title.startswith("Draft: "),
            "author": {"username": self.forge.me},
        }

    @route("/projects/<whole:name>/merge_requests", "GET", "POST")
    def merge_requests(self, request: Request, name: str) -> Any:
        repo = self.repo(name)
        if request.method == "GET":
            source, target = request.args.get("source_branch", ""), request.args.get("target_branch", "")
            found = [
                p for p in repo.pulls if p.state == "open" and source in ("", p.source) and target in ("", p.target)
            ]
            return self.linked(request, [self.merge(repo, p) for p in found])
        asked = request.get_json()
        if any(p.source == asked["source_branch"] and p.state == "open" for p in repo.pulls):
            return self.json({"message": ["Another open merge request already exists for this source branch: !1"]}, 409)
        made = Pull(
            len(repo.pulls) + 1, asked["title"], asked["source_branch"], asked["target_branch"], asked["description"]
        )
        ids = {who.id: login for login, who in self.forge.people.items()}
        made.reviewers = [ids[one] for one in asked.get("reviewer_ids", [])]
        made.labels = [one for one in asked.get("labels", "").split(",") if one]
        repo.pulls.append(made)
        return self.json(self.merge(repo, made), 201)

    @route("/projects/<whole:name>/merge_requests/<int:number>", "GET", "PUT")
    def merge_request(self, request: Request, name: str, number: int) -> Any:
        repo = self.repo(name)
        found = next((p for p in repo.pulls if p.number == number), None)
        if found is None:
            raise RefusedError(404, "404 Not found")
        if request.method == "PUT":
            found.labels += request.get_json()["add_labels"].split(",")
        return self.merge(repo, found)

    # --- What belongs to a project -------------------------------------------------------------

    @route("/projects/<whole:name>/hooks", "GET", "POST")
    def hooks(self, request: Request, name: str) -> Any:
        repo = self.repo(name)
        if request.method == "GET":
            return self.linked(request, repo.hooks)
        repo.hooks.append({"id": len(repo.hooks) + 1, **request.get_json()})
        return self.json(repo.hooks[-1], 201)

    @route("/projects/<whole:name>/protected_branches", "POST")
    def protect(self, request: Request, name: str) -> Response:
        self.repo(name).protection[request.get_json()["name"]] = request.get_json()
        return self.json({}, 201)

    @route("/projects/<whole:name>/protected_branches/<whole:branch>", "GET", "DELETE")
    def protected(self, request: Request, name: str, branch: str) -> Any:
        if branch not in self.repo(name).protection:
            raise RefusedError(404, "404 Not found")
        return {} if request.method == "GET" else (self.repo(name).protection.pop(branch) and Response(status=204))

    @route("/projects/<whole:name>/approvals", "POST")
    def approvals(self, request: Request, name: str) -> Response:
        self.repo(name).protection["approvals"] = request.get_json()
        return self.json({}, 201)

    @route("/projects/<whole:name>/pipeline", "POST")
    def pipeline(self, request: Request, name: str) -> Response:
        self.repo(name).dispatched.append(request.get_json())
        return self.json({"id": 5, "web_url": f"{self.url}/{name}/-/pipelines/5"}, 201)

    @route("/projects/<whole:name>/issues", "POST")
    def create_issue(self, request: Request, name: str) -> Response:
        repo = self.repo(name)
        made = {
            "iid": len(repo.issues) + 1,
            "state": "opened",
            "web_url": f"{self.url}/{name}/-/issues/1",
            **request.get_json(),
        }
        repo.issues.append(made)
        return self.json(made, 201)

    @route("/projects/<whole:name>/environments", "GET", "POST")
    def environments(self, request: Request, name: str) -> Any:
        repo = self.repo(name)
        if request.method == "GET":
            return [{"name": one} for one in repo.environments if one == request.args["name"]]
        repo.environments.append(request.get_json()["name"])
        return self.json({}, 201)

    @route("/projects/<whole:name>/variables/<key>", "GET", "PUT")
    @route("/projects/<whole:name>/variables", "POST")
    def variables(self, request: Request, name: str, key: str = "") -> Any:
        repo = self.repo(name)
        if request.method == "GET":
            found = repo.variables.get((key, request.args["filter[environment_scope]"].replace("*", "")))
            if found is None:
                raise RefusedError(404, "404 Variable Not Found")
            return found
        asked = request.get_json()
        scope = asked["environment_scope"].replace("*", "")
        repo.variables[asked["key"], scope] = {"value": asked["value"], "secret": asked["masked"]}
        return self.json({}, 201)

    @route("/projects/<whole:name>/members", "POST")
    def grant(self, request: Request, name: str) -> Response:
        asked = request.get_json()
        login = next(login for login, who in self.forge.people.items() if who.id == asked["user_id"])
        self.repo(name).access[login] = {20: "read", 30: "write", 40: "admin"}[asked["access_level"]]
        return self.json({}, 201)
