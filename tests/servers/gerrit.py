"""The REST interface of Gerrit, as far as the portal uses it; files come through Git."""

import base64
import json
import shlex
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.servers.face import Face, RefusedError, route
from tests.servers.forge import Pull, Repo


class GerritFace(Face):
    """Gerrit; every repository's name is its whole path."""

    prefix = "/a"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.edits: dict[str, dict[str, bytes | str | None]] = {}
        self.messages: dict[str, str] = {}

    def signed_in(self, request: Request) -> bool:
        return self.basic(request) == (self.forge.me, self.forge.token)

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        if status >= 400:
            return Response(value["message"], status, headers, content_type="text/plain")
        return Response(")]}'\n" + json.dumps(value), status, headers, content_type="application/json")

    @route("/accounts/self")
    def me(self, request: Request) -> Any:
        me = self.forge.people[self.forge.me]
        return {"_account_id": me.id, "username": me.login, "name": me.name, "email": me.email}

    @route("/accounts/")
    def accounts(self, request: Request) -> Any:
        start, size = int(request.args["S"]), self.forge.page_size
        people = list(self.forge.people.values())
        found: list[dict[str, Any]] = [
            {"_account_id": p.id, "username": p.login, "name": p.name, "email": p.email}
            for p in people[start : start + size]
        ]
        if start + size < len(people):
            found[-1]["_more_accounts"] = True
        return found

    @route("/groups/")
    def groups(self, request: Request) -> Any:
        return {t.slug: {"id": str(t.id), "description": ""} for teams in self.forge.teams.values() for t in teams}

    @route("/groups/<number>/members/")
    def group_members(self, request: Request, number: str) -> Any:
        team = next(t for teams in self.forge.teams.values() for t in teams if str(t.id) == number)
        return [{"_account_id": self.forge.people[login].id, "username": login} for login in team.members]

    def shown(self, repo: Repo) -> dict[str, Any]:
        state = "READ_ONLY" if repo.archived else "ACTIVE"
        return {"id": str(repo.id), "name": repo.full_name, "description": repo.description, "state": state}

    @route("/projects/")
    def projects(self, request: Request) -> Any:
        start, size, prefix = int(request.args["S"]), self.forge.page_size, request.args.get("p", "")
        names = [name for name in sorted(self.forge.repos) if name.startswith(prefix)]
        found = {name: self.shown(self.forge.repos[name]) for name in names[start : start + size]}
        if start + size < len(names):
            found[names[start + size - 1]]["_more_projects"] = True
        return found

    @route("/projects/<whole:name>", "GET", "PUT")
    def project(self, request: Request, name: str) -> Any:
        if request.method == "PUT":
            if self.forge.find(name):
                raise RefusedError(409, "Project already exists")
            return self.shown(self.forge.repo(name, {"README": ""}, description=request.get_json()["description"]))
        return self.shown(self.repo(name))

    @route("/projects/<whole:name>/HEAD")
    def head(self, request: Request, name: str) -> Any:
        return f"refs/heads/{self.repo(name).default_branch}"

    @route("/projects/<whole:name>/branches/<whole:branch>", "GET", "PUT")
    def branch(self, request: Request, name: str, branch: str) -> Any:
        repo = self.repo(name)
        if request.method == "PUT":
            if branch in repo.branches():
                raise RefusedError(409, f"branch {branch} already exists")
            repo.git("update-ref", f"refs/heads/{branch}", repo.commit_of(request.get_json()["revision"]))
        if branch not in repo.branches():
            raise RefusedError(404, "Not found")
        return {"ref": f"refs/heads/{branch}", "revision": repo.branches()[branch]}

    @route("/projects/<whole:name>/branches/<whole:branch>/files/<whole:path>/content")
    def content(self, request: Request, name: str, branch: str, path: str) -> Response:
        found = self.repo(name).read(path, branch)
        if found is None:
            raise RefusedError(404, "Not found")
        return Response(base64.b64encode(found[0]), content_type="text/plain")

    def change(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        return {
            "id": f"{repo.full_name}~{pull.number}",
            "change_id": f"I{pull.number:040d}",
            "_number": pull.number,
            "project": repo.full_name,
            "branch": pull.target,
            "topic": pull.source,
            "subject": pull.title,
            "status": {"open": "NEW", "merged": "MERGED", "closed": "ABANDONED"}[pull.state],
            "work_in_progress": pull.draft,
            "owner": {"_account_id": self.forge.people[self.forge.me].id},
        }

    @route("/changes/", "GET", "POST")
    def changes(self, request: Request) -> Any:
        if request.method == "GET":
            wanted = dict(part.split(":", 1) for part in shlex.split(request.args["q"]))
            repo = self.repo(wanted["project"])
            found = [p for p in repo.pulls if p.state == "open" and p.source == wanted["topic"]]
            return [self.change(repo, p) for p in found if wanted.get("branch") in (None, p.target)]
        asked = request.get_json()
        repo = self.repo(asked["project"])
        made = Pull(len(repo.pulls) + 1, asked["subject"], asked["topic"], asked["branch"])
        repo.pulls.append(made)
        self.edits[f"{repo.full_name}~{made.number}"] = {}
        return self.json(self.change(repo, made), 201)

    def one(self, id_: str) -> tuple[Repo, Pull]:
        for repo in self.forge.repos.values():
            for pull in repo.pulls:
                if id_ in (f"{repo.full_name}~{pull.number}", str(pull.number)):
                    return repo, pull
        raise RefusedError(404, "Not found")

    @route("/changes/<whole:id_>")
    def get_change(self, request: Request, id_: str) -> Any:
        repo, pull = self.one(id_)
        return self.change(repo, pull) | {"current_revision": repo.branches().get(f"changes/{pull.number}", "")}

    @route("/changes/<whole:id_>/edit/<whole:path>", "PUT", "DELETE")
    def edit(self, request: Request, id_: str, path: str) -> Response:
        self.edits[id_][path] = request.get_data() if request.method == "PUT" else None
        return Response(status=204)

    @route("/changes/<whole:id_>/edit:message", "PUT")
    def message(self, request: Request, id_: str) -> Response:
        self.messages[id_] = request.get_json()["message"]
        return Response(status=204)

    @route("/changes/<whole:id_>/edit:publish", "POST")
    def publish(self, request: Request, id_: str) -> Response:
        repo, pull = self.one(id_)
        repo.write(self.edits.pop(id_), self.messages[id_], f"changes/{pull.number}", pull.target)
        return Response(status=204)

    @route("/changes/<whole:id_>/reviewers", "POST")
    def reviewers(self, request: Request, id_: str) -> Any:
        self.one(id_)[1].reviewers.append(request.get_json()["reviewer"])
        return {}

    @route("/<whole:path>/info/refs")
    def info_refs(self, request: Request, path: str) -> Response:
        return self.git_backend(request, f"{path.removesuffix('.git')}.git/info/refs")

    @route("/<whole:path>/git-upload-pack", "POST")
    def upload_pack(self, request: Request, path: str) -> Response:
        return self.git_backend(request, f"{path.removesuffix('.git')}.git/git-upload-pack")

    @route("/<whole:path>/git-receive-pack", "POST")
    def receive_pack(self, request: Request, path: str) -> Response:
        return self.git_backend(request, f"{path.removesuffix('.git')}.git/git-receive-pack")


class GitFace(Face):
    """A server that speaks Git and nothing else."""

    def signed_in(self, request: Request) -> bool:
        return self.basic(request)[1] == self.forge.token

    def answer(self, request: Request) -> Response:
        if not self.signed_in(request):
            return Response("", 401, {"WWW-Authenticate": 'Basic realm="git"'})
        return super().answer(request)

    @route("/<whole:path>", "GET", "POST")
    def git(self, request: Request, path: str) -> Response:
        name, _, rest = path.partition("/info/refs") if "/info/refs" in path else path.rpartition("/")
        tail = "info/refs" if "/info/refs" in path else rest
        return self.git_backend(request, f"{name.removesuffix('.git')}.git/{tail}")
