"""The REST interface of Azure DevOps, as far as the portal uses it."""

import base64
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.servers.face import Face, RefusedError, route
from tests.servers.forge import Pull, Repo


class AzureFace(Face):
    """Azure DevOps; owners are `organisation/project`, and a refused token is answered with a page to sign in."""

    def signed_in(self, request: Request) -> bool:
        return True

    def answer(self, request: Request) -> Response:
        if self.basic(request)[1] != self.forge.token:
            self.forge.requests.append(f"{request.method} {request.path}")
            return Response("<html>Sign in</html>", 203, content_type="text/html; charset=utf-8")
        return super().answer(request)

    def valued(self, items: list[Any]) -> dict[str, Any]:
        return {"count": len(items), "value": items}

    def continued(self, request: Request, items: list[Any]) -> Response:
        start, size = int(request.args.get("continuationToken", 0)), self.forge.page_size
        headers = {"x-ms-continuationtoken": str(start + size)} if start + size < len(items) else {}
        return self.json(self.valued(items[start : start + size]), 200, headers)

    @route("/<org>/_apis/connectionData")
    def connection(self, request: Request, org: str) -> Any:
        me = self.forge.people[self.forge.me]
        return {
            "authenticatedUser": {
                "id": "1",
                "providerDisplayName": me.name,
                "properties": {"Account": {"$value": me.login}},
            }
        }

    @route("/<org>/_apis/projects")
    def projects(self, request: Request, org: str) -> Response:
        found = [name.partition("/")[2] for name in self.forge.owners if name.startswith(f"{org}/")]
        return self.continued(request, [{"id": f"p-{name}", "name": name} for name in found])

    @route("/<org>/_apis/projects/<project>")
    def project(self, request: Request, org: str, project: str) -> Any:
        return {"id": f"p-{project}", "name": project}

    @route("/<org>/_apis/git/repositories")
    @route("/<org>/<project>/_apis/git/repositories")
    def repositories(self, request: Request, org: str, project: str = "") -> Any:
        owner = f"{org}/{project}".strip("/")
        if project and owner not in self.forge.owners:
            raise RefusedError(404, f"The following project does not exist: {project}.")
        return self.valued([self.shown(repo) for repo in self.forge.repos_of(owner)])

    @route("/<org>/<project>/_apis/git/repositories", "POST")
    def create(self, request: Request, org: str, project: str) -> Response:
        full = f"{org}/{project}/{request.get_json()['name']}"
        if self.forge.find(full):
            raise RefusedError(409, "TF400948: A Git repository with the name already exists.")
        return self.json(self.shown(self.forge.repo(full)), 201)

    def shown(self, repo: Repo) -> dict[str, Any]:
        return {
            "id": str(repo.id),
            "name": repo.name,
            "project": {
                "name": repo.owner.partition("/")[2],
                "visibility": repo.visibility,
                "description": repo.description,
            },
            "isDisabled": repo.archived,
            "isFork": repo.fork,
        } | ({"defaultBranch": f"refs/heads/{repo.default_branch}"} if repo.branches() else {})

    def at(self, org: str, project: str, name: str) -> Repo:
        found = self.forge.find(f"{org}/{project}/{name}") or next(
            (r for r in self.forge.repos.values() if str(r.id) == name), None
        )
        if found is None:
            raise RefusedError(404, f"TF401019: The Git repository {name} does not exist.")
        return found

    @route("/<org>/<project>/_apis/git/repositories/<name>", "GET", "PATCH", "DELETE")
    def repository(self, request: Request, org: str, project: str, name: str) -> Any:
        repo = self.at(org, project, name)
        if request.method == "DELETE":
            del self.forge.repos[repo.full_name]
            return Response(status=204)
        if request.method == "PATCH":
            repo.archived = request.get_json().get("isDisabled", repo.archived)
        return self.shown(repo)

    @route("/<org>/<project>/_apis/git/repositories/<name>/items")
    def items(self, request: Request, org: str, project: str, name: str) -> Any:
        repo, asked = self.at(org, project, name), request.args
        ref = asked.get("versionDescriptor.version", "")
        if not repo.commit_of(ref):
            raise RefusedError(404, "TF401175: The version descriptor could not be resolved.")
        if asked.get("path"):
            found = repo.read(asked["path"].strip("/"), ref)
            if found is None:
                raise RefusedError(404, "TF401174: The item could not be found.")
            return Response(found[0], content_type="application/octet-stream")
        start = asked["scopePath"].strip("/")
        listed = [
            {"path": f"/{e['path']}", "objectId": e["sha"], "gitObjectType": e["type"]}
            for e in repo.entries(ref)
            if not start or e["path"].startswith(f"{start}/")
        ]
        return self.valued([{"path": f"/{start}", "objectId": "0", "gitObjectType": "tree", "isFolder": True}, *listed])

    @route("/<org>/<project>/_apis/git/repositories/<name>/refs", "GET", "POST")
    def refs(self, request: Request, org: str, project: str, name: str) -> Any:
        repo = self.at(org, project, name)
        if request.method == "GET":
            wanted = f"refs/{request.args['filter']}"
            found = [{"name": f"refs/heads/{b}", "objectId": c} for b, c in repo.branches().items()]
            return self.continued(request, [one for one in found if one["name"].startswith(wanted)])
        done = []
        for update in request.get_json():
            taken = update["name"].removeprefix("refs/heads/") in repo.branches()
            if not taken:
                repo.git("update-ref", update["name"], update["newObjectId"])
            done.append({"success": not taken, "updateStatus": "refNameConflict" if taken else "succeeded"})
        return self.valued(done)

    @route("/<org>/<project>/_apis/git/repositories/<name>/pushes", "POST")
    def pushes(self, request: Request, org: str, project: str, name: str) -> Response:
        repo, asked = self.at(org, project, name), request.get_json()
        update, made = asked["refUpdates"][0], asked["commits"][0]
        branch = update["name"].removeprefix("refs/heads/")
        if repo.branches().get(branch, "0" * 40) != update["oldObjectId"]:
            raise RefusedError(409, "TF401028: The reference has already been updated by another client.")
        known = repo.files(branch) if branch in repo.branches() else {}
        changes: dict[str, bytes | str | None] = {}
        for change in made["changes"]:
            path = change["item"]["path"].strip("/")
            if (change["changeType"] == "add") == (path in known):
                raise RefusedError(
                    400, "TF401035: The object already exists" if path in known else "The item does not exist"
                )
            changes[path] = (
                None if change["changeType"] == "delete" else base64.b64decode(change["newContent"]["content"])
            )
        author = made.get("author", {"name": "Ada", "email": "ada@example.com"})
        sha = repo.write(changes, made["comment"], branch, "", (author["name"], author["email"]))
        return self.json({"commits": [{"commitId": sha}]}, 201)

    @route("/<org>/<project>/_apis/git/repositories/<name>/commits")
    def commits(self, request: Request, org: str, project: str, name: str) -> Any:
        log = self.at(org, project, name).log()
        return self.valued([{"commitId": c["sha"], "author": {"name": c["name"], "email": c["email"]}} for c in log])

    def pull(self, pull: Pull) -> dict[str, Any]:
        return {
            "pullRequestId": pull.number,
            "title": pull.title,
            "status": {"open": "active", "merged": "completed", "closed": "abandoned"}[pull.state],
            "sourceRefName": f"refs/heads/{pull.source}",
            "targetRefName": f"refs/heads/{pull.target}",
            "isDraft": pull.draft,
            "createdBy": {"uniqueName": self.forge.me},
        }

    @route("/<org>/<project>/_apis/git/repositories/<name>/pullrequests", "GET", "POST")
    def pulls(self, request: Request, org: str, project: str, name: str) -> Any:
        repo = self.at(org, project, name)
        if request.method == "GET":
            source = request.args.get("searchCriteria.sourceRefName", "").removeprefix("refs/heads/")
            return self.valued([self.pull(p) for p in repo.pulls if p.state == "open" and source in ("", p.source)])
        asked = request.get_json()
        source, target = (asked[k].removeprefix("refs/heads/") for k in ("sourceRefName", "targetRefName"))
        if any(p.source == source and p.state == "open" for p in repo.pulls):
            raise RefusedError(409, "TF401179: An active pull request for the source and target branch already exists.")
        made = Pull(len(repo.pulls) + 1, asked["title"], source, target, asked["description"], draft=asked["isDraft"])
        made.labels = [one["name"] for one in asked["labels"]]
        repo.pulls.append(made)
        return self.json(self.pull(made), 201)

    @route("/<org>/<project>/_apis/git/repositories/<name>/pullrequests/<int:number>")
    def get_pull(self, request: Request, org: str, project: str, name: str, number: int) -> Any:
        found = next((p for p in self.at(org, project, name).pulls if p.number == number), None)
        if found is None:
            raise RefusedError(404, "TF401180: The requested pull request was not found.")
        return self.pull(found)

    @route("/<org>/_apis/teams")
    def teams(self, request: Request, org: str) -> Any:
        found = []
        for owner, teams in self.forge.teams.items():
            project = owner.partition("/")[2]
            found += [
                {"id": str(t.id), "name": t.title, "projectId": f"p-{project}", "projectName": project} for t in teams
            ]
        return self.valued(found[int(request.args["$skip"]) :])

    @route("/<org>/_apis/projects/<project>/teams")
    def project_teams(self, request: Request, org: str, project: str) -> Any:
        found = self.forge.teams.get(f"{org}/{project}", [])
        listed = [
            {"id": str(t.id), "name": t.title, "projectId": f"p-{project}", "projectName": project} for t in found
        ]
        return self.valued(listed[int(request.args["$skip"]) :])

    @route("/<org>/_apis/projects/<project>/teams/<number>/members")
    def team_members(self, request: Request, org: str, project: str, number: str) -> Any:
        team = next(t for teams in self.forge.teams.values() for t in teams if str(t.id) == number)
        people = [self.forge.people[login] for login in team.members]
        found = [{"identity": {"id": str(p.id), "displayName": p.name, "uniqueName": p.login}} for p in people]
        return self.valued(found[int(request.args["$skip"]) :])

    @route("/<org>/_apis/hooks/subscriptions", "POST")
    def subscribe(self, request: Request, org: str) -> Any:
        asked = request.get_json()
        repo = next(r for r in self.forge.repos.values() if str(r.id) == asked["publisherInputs"]["repository"])
        repo.hooks.append(asked)
        return {"id": "sub-1"}
