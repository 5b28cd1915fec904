"""The REST interface of Gitea and Forgejo, as far as the portal uses it."""

import base64
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.servers.face import Face, RefusedError, route
from tests.servers.forge import Pull, Repo


class GiteaFace(Face):
    """Gitea."""

    prefix = "/api/v1"

    @route("/user")
    def user(self, request: Request) -> Any:
        return self.member(self.forge.me)

    def member(self, login: str) -> dict[str, Any]:
        who = self.forge.people[login]
        return {
            "id": who.id,
            "login": login,
            "full_name": who.name,
            "email": who.email,
            "html_url": f"{self.url}/{login}",
            "active": True,
        }

    @route("/user/orgs")
    def orgs(self, request: Request) -> Response:
        found = [{"username": name, "full_name": title} for name, title in self.forge.owners.items()]
        return self.linked(request, found, "limit")

    @route("/orgs/<owner>/repos", "GET", "POST")
    def org_repos(self, request: Request, owner: str) -> Response:
        if owner not in self.forge.owners:
            raise RefusedError(404, "user does not exist")
        if request.method == "GET":
            return self.linked(request, [self.shown(repo) for repo in self.forge.repos_of(owner)], "limit")
        asked = request.get_json()
        if self.forge.find(f"{owner}/{asked['name']}"):
            raise RefusedError(409, "The repository with the same name already exists.")
        visibility = "private" if asked["private"] else "public"
        made = self.forge.repo(f"{owner}/{asked['name']}", description=asked["description"], visibility=visibility)
        return self.json(self.shown(made), 201)

    @route("/users/<owner>/repos")
    def user_repos(self, request: Request, owner: str) -> Response:
        return self.linked(request, [self.shown(repo) for repo in self.forge.repos_of(owner)], "limit")

    @route("/orgs/<owner>/members")
    def members(self, request: Request, owner: str) -> Response:
        return self.linked(request, [self.member(login) for login in self.forge.members.get(owner, [])], "limit")

    @route("/orgs/<owner>/teams")
    def teams(self, request: Request, owner: str) -> Response:
        found = [{"id": t.id, "name": t.title, "description": ""} for t in self.forge.teams.get(owner, [])]
        return self.linked(request, found, "limit")

    @route("/teams/<int:number>/members")
    def team_members(self, request: Request, number: int) -> Response:
        team = next(t for teams in self.forge.teams.values() for t in teams if t.id == number)
        return self.linked(request, [self.member(login) for login in team.members], "limit")

    def shown(self, repo: Repo) -> dict[str, Any]:
        return {
            "id": repo.id,
            "full_name": repo.full_name,
            "html_url": f"{self.url}/{repo.full_name}",
            "clone_url": f"{self.url}/{repo.full_name}.git",
            "description": repo.description,
            "default_branch": repo.default_branch,
            "private": repo.visibility == "private",
            "internal": repo.visibility == "internal",
            "archived": repo.archived,
            "fork": repo.fork,
            "empty": not repo.branches(),
            "topics": repo.topics,
            "language": repo.language,
        }

    @route("/repos/<owner>/<name>", "GET", "PATCH", "DELETE")
    def get_repo(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "DELETE":
            del self.forge.repos[repo.full_name]
            return Response(status=204)
        if request.method == "PATCH":
            for key, value in request.get_json().items():
                setattr(repo, {"website": "homepage"}.get(key, key), value)
        return self.shown(repo)

    @route("/repos/<owner>/<name>/topics", "PUT")
    def topics(self, request: Request, owner: str, name: str) -> Response:
        self.repo(f"{owner}/{name}").topics = request.get_json()["topics"]
        return Response(status=204)

    @route("/repos/<owner>/<name>/git/trees/<whole:ref>")
    def tree(self, request: Request, owner: str, name: str, ref: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if not repo.commit_of(ref):
            raise RefusedError(404, "sha not found")
        found, page = repo.entries(ref), int(request.args.get("page", 1))
        size = min(int(request.args.get("per_page", 1000)), 1000)
        part = found[(page - 1) * size : page * size]
        return {"tree": part, "truncated": page * size < len(found), "page": page, "total_count": len(found)}

    @route("/repos/<owner>/<name>/raw/<path:path>")
    def raw(self, request: Request, owner: str, name: str, path: str) -> Response:
        found = self.repo(f"{owner}/{name}").read(path, request.args.get("ref", ""))
        if found is None:
            raise RefusedError(404, "object does not exist")
        return Response(found[0])

    @route("|<owner>/<name>/raw/branch/<whole:rest>")
    def raw_page(self, request: Request, owner: str, name: str, rest: str) -> Response:
        branch, _, path = rest.partition("/")
        found = self.repo(f"{owner}/{name}").read(path, branch)
        if found is None:
            raise RefusedError(404, "object does not exist")
        return Response(found[0])

    @route("/repos/<owner>/<name>/contents/<path:path>")
    def contents(self, request: Request, owner: str, name: str, path: str) -> Any:
        found = self.repo(f"{owner}/{name}").read(path, request.args.get("ref", ""))
        if found is None:
            raise RefusedError(404, "object does not exist")
        return {"path": path, "sha": found[1]}

    @route("/repos/<owner>/<name>/contents", "POST")
    def change(self, request: Request, owner: str, name: str) -> Response:
        repo, asked = self.repo(f"{owner}/{name}"), request.get_json()
        branch = asked.get("new_branch") or asked["branch"]
        known = repo.files(asked["branch"])
        changes: dict[str, bytes | str | None] = {}
        for item in asked["files"]:
            if (item["operation"] == "create") == (item["path"] in known):
                raise RefusedError(
                    422, "repository file already exists" if item["operation"] == "create" else "no such file"
                )
            changes[item["path"]] = None if item["operation"] == "delete" else base64.b64decode(item["content"])
        author = asked.get("author", {"name": "Ada", "email": "ada@example.com"})
        sha = repo.write(changes, asked["message"], branch, asked["branch"], (author["name"], author["email"]))
        return self.json({"commit": {"sha": sha, "html_url": f"{self.url}/{owner}/{name}/commit/{sha}"}}, 201)

    @route("/repos/<owner>/<name>/branches/<path:branch>")
    def branch(self, request: Request, owner: str, name: str, branch: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if branch not in repo.branches():
            raise RefusedError(404, "branch does not exist")
        return {"name": branch, "commit": {"id": repo.branches()[branch]}, "protected": branch in repo.protection}

    @route("/repos/<owner>/<name>/branches", "POST")
    def create_branch(self, request: Request, owner: str, name: str) -> Response:
        repo, asked = self.repo(f"{owner}/{name}"), request.get_json()
        if asked["new_branch_name"] in repo.branches():
            raise RefusedError(409, "The branch already exists.")
        commit = repo.commit_of(asked["old_ref_name"])
        repo.git("update-ref", f"refs/heads/{asked['new_branch_name']}", commit)
        return self.json({"name": asked["new_branch_name"], "commit": {"id": commit}}, 201)

    @route("/repos/<owner>/<name>/commits")
    def commits(self, request: Request, owner: str, name: str) -> Any:
        people = {who.email: login for login, who in self.forge.people.items()}
        return [
            {
                "sha": c["sha"],
                "commit": {"author": {"name": c["name"], "email": c["email"]}},
                "author": {"login": people[c["email"]]} if c["email"] in people else None,
            }
            for c in self.repo(f"{owner}/{name}").log()
        ]

    def pull(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        return {
            "number": pull.number,
            "title": pull.title,
            "html_url": f"{self.url}/{repo.full_name}/pulls/{pull.number}",
            "state": "closed" if pull.state == "merged" else pull.state,
            "merged": pull.state == "merged",
            "head": {"ref": pull.source},
            "base": {"ref": pull.target},
            "draft": pull.title.startswith("WIP: "),
            "user": {"login": self.forge.me},
        }

    @route("/repos/<owner>/<name>/pulls", "GET", "POST")
    def pulls(self, request: Request, owner: str, name: str) -> Response:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            return self.linked(request, [self.pull(repo, p) for p in repo.pulls if p.state == "open"], "limit")
        asked = request.get_json()
        if any(p.source == asked["head"] and p.state == "open" for p in repo.pulls):
            raise RefusedError(409, "pull request already exists for these targets")
        made = Pull(len(repo.pulls) + 1, asked["title"], asked["head"], asked["base"], asked["body"])
        repo.pulls.append(made)
        return self.json(self.pull(repo, made), 201)

    @route("/repos/<owner>/<name>/pulls/<int:number>")
    def get_pull(self, request: Request, owner: str, name: str, number: int) -> Any:
        repo = self.repo(f"{owner}/{name}")
        found = next((p for p in repo.pulls if p.number == number), None)
        if found is None:
            raise RefusedError(404, "pull request does not exist")
        return self.pull(repo, found)

    @route("/repos/<owner>/<name>/pulls/<int:number>/requested_reviewers", "POST")
    def reviewers(self, request: Request, owner: str, name: str, number: int) -> Response:
        repo = self.repo(f"{owner}/{name}")
        repo.pulls[number - 1].reviewers += request.get_json()["reviewers"]
        return self.json([], 201)

    @route("/repos/<owner>/<name>/labels", "GET", "POST")
    def labels(self, request: Request, owner: str, name: str) -> Response:
        return (
            self.json([]) if request.method == "GET" else self.json({"id": 7, "name": request.get_json()["name"]}, 201)
        )

    @route("/repos/<owner>/<name>/issues/<int:number>/labels", "POST")
    def add_labels(self, request: Request, owner: str, name: str, number: int) -> Any:
        self.repo(f"{owner}/{name}").pulls[number - 1].labels += [str(one) for one in request.get_json()["labels"]]
        return []

    @route("/repos/<owner>/<name>/hooks", "GET", "POST")
    def hooks(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            return self.linked(request, repo.hooks, "limit")
        repo.hooks.append({"id": len(repo.hooks) + 1, **request.get_json()})
        return self.json(repo.hooks[-1], 201)

    @route("/repos/<owner>/<name>/branch_protections", "POST")
    def protect(self, request: Request, owner: str, name: str) -> Response:
        self.repo(f"{owner}/{name}").protection[request.get_json()["rule_name"]] = request.get_json()
        return self.json({}, 201)

    @route("/repos/<owner>/<name>/issues", "POST")
    def create_issue(self, request: Request, owner: str, name: str) -> Response:
        repo = self.repo(f"{owner}/{name}")
        made = {
            "number": len(repo.issues) + 1,
            "state": "open",
            "html_url": f"{self.url}/{owner}/{name}/issues/1",
            **request.get_json(),
        }
        repo.issues.append(made)
        return self.json(made, 201)

    @route("/repos/<owner>/<name>/actions/workflows/<workflow>/dispatches", "POST")
    def dispatches(self, request: Request, owner: str, name: str, workflow: str) -> Response:
        self.repo(f"{owner}/{name}").dispatched.append({"workflow": workflow, **request.get_json()})
        return Response(status=204)

    @route("/repos/<owner>/<name>/actions/secrets/<key>", "PUT")
    def secret(self, request: Request, owner: str, name: str, key: str) -> Response:
        self.repo(f"{owner}/{name}").variables[key, ""] = {"value": request.get_json()["data"], "secret": True}
        return Response(status=201)

    @route("/repos/<owner>/<name>/actions/variables/<key>", "GET", "POST", "PUT")
    def variable(self, request: Request, owner: str, name: str, key: str) -> Response:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            if (key, "") not in repo.variables:
                raise RefusedError(404, "variable not found")
            return self.json({"data": repo.variables[key, ""]["value"]})
        repo.variables[key, ""] = {"value": request.get_json()["value"], "secret": False}
        return Response(status=201)

    @route("/repos/<owner>/<name>/collaborators/<who>", "PUT")
    def collaborator(self, request: Request, owner: str, name: str, who: str) -> Response:
        self.repo(f"{owner}/{name}").access[who] = request.get_json()["permission"]
        return Response(status=204)
