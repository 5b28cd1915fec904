"""The REST and GraphQL interfaces of GitHub Enterprise Server, as far as the portal uses them."""

import base64
from typing import Any

import jwt
from werkzeug.wrappers import Request, Response

from tests.servers.face import Face, RefusedError, route
from tests.servers.forge import Forge, Pull, Repo


class GitHubFace(Face):
    """GitHub; `app_key` is the public key of an app that is installed in every organisation."""

    prefix = "/api/v3"

    def __init__(self, forge: Forge, app_key: str = "") -> None:
        super().__init__(forge)
        self.app_key = app_key
        self.minted: dict[str, str] = {}

    def signed_in(self, request: Request) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path.startswith("/api/v3/app"):
            return bool(self.app_key) and jwt.decode(token, self.app_key, algorithms=["RS256"])["iss"] == "4711"
        return token == self.forge.token or token in self.minted

    # --- Apps ----------------------------------------------------------------------------

    @route("/app")
    def app_about(self, request: Request) -> Any:
        return {"slug": "callboard", "name": "Callboard", "html_url": f"{self.url}/apps/callboard"}

    @route("/app/installations")
    def installations(self, request: Request) -> Response:
        made = [
            {"id": i, "account": {"login": name, "type": "Organization"}} for i, name in enumerate(self.forge.owners, 1)
        ]
        return self.json(made)

    @route("/app/installations/<int:number>/access_tokens", "POST")
    def mint(self, request: Request, number: int) -> Response:
        token = f"ghs_{number}_{len(self.minted)}"
        self.minted[token] = list(self.forge.owners)[number - 1]
        return self.json({"token": token, "expires_at": "2099-01-01T00:00:00Z"}, 201)

    @route("/installation/repositories")
    def installation_repositories(self, request: Request) -> Response:
        owner = self.minted[request.headers["Authorization"].removeprefix("Bearer ")]
        found = [self.shown(repo) for repo in self.forge.repos_of(owner)]
        return self.json({"total_count": len(found), "repositories": found})

    # --- People and organisations ----------------------------------------------------------

    @route("/user")
    def user(self, request: Request) -> Any:
        me = self.forge.people[self.forge.me]
        return {"login": me.login, "name": me.name, "email": me.email, "html_url": f"{self.url}/{me.login}"}

    @route("/user/orgs")
    def orgs(self, request: Request) -> Response:
        return self.linked(
            request, [{"login": name, "description": title} for name, title in self.forge.owners.items()]
        )

    @route("/orgs/<owner>/repos")
    def org_repos(self, request: Request, owner: str) -> Response:
        if owner not in self.forge.owners:
            raise RefusedError(404, "Not Found")
        return self.linked(request, [self.shown(repo) for repo in self.forge.repos_of(owner)])

    @route("/user/repos")
    @route("/users/<owner>/repos")
    def user_repos(self, request: Request, owner: str = "") -> Response:
        if owner and owner not in self.forge.people:
            raise RefusedError(404, "Not Found")
        return self.linked(request, [self.shown(repo) for repo in self.forge.repos_of(owner or self.forge.me)])

    @route("/orgs/<owner>/teams")
    def org_teams(self, request: Request, owner: str) -> Response:
        def shown(team: Any) -> Any:
            parent = {"slug": team.parent} if team.parent else None
            url = f"{self.url}/orgs/{owner}/teams/{team.slug}"
            return {"slug": team.slug, "name": team.title, "description": "", "html_url": url, "parent": parent}

        return self.linked(request, [shown(team) for team in self.forge.teams.get(owner, [])])

    @route("/orgs/<owner>/teams/<slug>/members")
    def team_members(self, request: Request, owner: str, slug: str) -> Response:
        team = next(team for team in self.forge.teams[owner] if team.slug == slug)
        return self.linked(request, [{"login": login} for login in team.members])

    @route("|api/graphql", "POST")
    def graphql(self, request: Request) -> Any:
        asked = request.get_json()["variables"]
        if asked["org"] not in self.forge.owners:
            return {"data": {"organization": None}, "errors": [{"message": "Could not resolve to an Organization"}]}
        people = self.forge.members.get(asked["org"], [])
        start = int(asked["cursor"] or 0)
        end = start + self.forge.page_size
        nodes = []
        for login in people[start:end]:
            who = self.forge.people[login]
            nodes.append(
                {
                    "login": login, "name": who.name, "email": who.email, "url": f"{self.url}/{login}",
                    "avatarUrl": f"{self.url}/{login}.png", "databaseId": who.id, "organizationVerifiedDomainEmails": [],
                }
            )  # fmt: skip
        more = {"hasNextPage": end < len(people), "endCursor": str(end)}
        return {"data": {"organization": {"membersWithRole": {"pageInfo": more, "nodes": nodes}}}}

    # --- Repositories ----------------------------------------------------------------------

    def shown(self, repo: Repo) -> dict[str, Any]:
        return {
            "id": repo.id,
            "full_name": repo.full_name,
            "name": repo.name,
            "html_url": f"{self.url}/{repo.full_name}",
            "clone_url": f"{self.url}/{repo.full_name}.git",
            "description": repo.description or None,
            "default_branch": repo.default_branch,
            "visibility": repo.visibility,
            "private": repo.visibility != "public",
            "archived": repo.archived,
            "fork": repo.fork,
            "size": 1 if repo.branches() else 0,
            "topics": repo.topics,
            "language": repo.language or None,
        }

    @route("/repos/<owner>/<name>")
    def get_repo(self, request: Request, owner: str, name: str) -> Any:
        return self.shown(self.repo(f"{owner}/{name}"))

    @route("/orgs/<owner>/repos", "POST")
    def create_repo(self, request: Request, owner: str) -> Response:
        asked = request.get_json()
        if owner not in self.forge.owners:
            raise RefusedError(404, "Not Found")
        if self.forge.find(f"{owner}/{asked['name']}"):
            error = {
                "message": "Repository creation failed.",
                "errors": [{"message": "name already exists on this account"}],
            }
            return self.json(error, 422)
        made = self.forge.repo(
            f"{owner}/{asked['name']}", description=asked["description"], visibility=asked["visibility"]
        )
        return self.json(self.shown(made), 201)

    @route("/repos/<owner>/<name>", "PATCH")
    def change_repo(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        for key, value in request.get_json().items():
            setattr(repo, key, value)
        return self.shown(repo)

    @route("/repos/<owner>/<name>", "DELETE")
    def delete_repo(self, request: Request, owner: str, name: str) -> Response:
        del self.forge.repos[self.repo(f"{owner}/{name}").full_name]
        return Response(status=204)

    @route("/repos/<owner>/<name>/topics", "PUT")
    def topics(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        repo.topics = request.get_json()["names"]
        return {"names": repo.topics}

    @route("/repos/<owner>/<name>/git/trees/<whole:ref>")
    def tree(self, request: Request, owner: str, name: str, ref: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if not repo.branches():
            raise RefusedError(409, "Git Repository is empty.")
        if not repo.commit_of(ref):
            raise RefusedError(404, "Not Found")
        return {"sha": repo.commit_of(ref), "tree": repo.entries(ref), "truncated": False}

    @route("/repos/<owner>/<name>/contents/<path:path>")
    def contents(self, request: Request, owner: str, name: str, path: str) -> Any:
        found = self.repo(f"{owner}/{name}").read(path, request.args.get("ref", ""))
        if found is None:
            raise RefusedError(404, "Not Found")
        if "raw" in request.headers.get("Accept", ""):
            return Response(found[0])
        return {"type": "file", "path": path, "sha": found[1], "content": base64.b64encode(found[0]).decode()}

    @route("/repos/<owner>/<name>/contents/<path:path>", "PUT")
    def put_contents(self, request: Request, owner: str, name: str, path: str) -> Response:
        asked, repo = request.get_json(), self.repo(f"{owner}/{name}")
        commit = repo.write({path: base64.b64decode(asked["content"])}, asked["message"], asked.get("branch", ""))
        return self.json({"commit": {"sha": commit}}, 201)

    @route("/repos/<owner>/<name>/branches/<whole:branch>")
    def get_branch(self, request: Request, owner: str, name: str, branch: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        commit = repo.branches().get(branch)
        if commit is None:
            raise RefusedError(404, "Branch not found")
        return {"name": branch, "commit": {"sha": commit}, "protected": branch in repo.protection}

    @route("/repos/<owner>/<name>/commits")
    def commits(self, request: Request, owner: str, name: str) -> Response:
        log = self.repo(f"{owner}/{name}").log()
        people = {who.email: login for login, who in self.forge.people.items()}
        shown = [
            {
                "sha": one["sha"],
                "commit": {"author": {"name": one["name"], "email": one["email"]}},
                "author": {"login": people[one["email"]], "type": "User"} if one["email"] in people else None,
            }
            for one in log
        ]
        return self.json(shown)

    @route("/repos/<owner>/<name>/git/refs", "POST")
    def create_ref(self, request: Request, owner: str, name: str) -> Response:
        repo, asked = self.repo(f"{owner}/{name}"), request.get_json()
        branch = asked["ref"].removeprefix("refs/heads/")
        if branch in repo.branches():
            raise RefusedError(422, "Reference already exists")
        repo.git("update-ref", asked["ref"], asked["sha"])
        return self.json({"ref": asked["ref"]}, 201)

    @route("/repos/<owner>/<name>/git/refs/heads/<path:branch>", "PATCH")
    def move_ref(self, request: Request, owner: str, name: str, branch: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        repo.git("update-ref", f"refs/heads/{branch}", request.get_json()["sha"])
        return {"ref": f"refs/heads/{branch}"}

    @route("/repos/<owner>/<name>/git/commits/<sha>")
    def get_commit(self, request: Request, owner: str, name: str, sha: str) -> Any:
        tree = self.repo(f"{owner}/{name}").git("rev-parse", f"{sha}^{{tree}}").decode().strip()
        return {"sha": sha, "tree": {"sha": tree}}

    @route("/repos/<owner>/<name>/git/blobs", "POST")
    def create_blob(self, request: Request, owner: str, name: str) -> Response:
        content = base64.b64decode(request.get_json()["content"])
        sha = self.repo(f"{owner}/{name}").git("hash-object", "-w", "--stdin", stdin=content).decode().strip()
        return self.json({"sha": sha}, 201)

    @route("/repos/<owner>/<name>/git/trees", "POST")
    def create_tree(self, request: Request, owner: str, name: str) -> Response:
        repo, asked = self.repo(f"{owner}/{name}"), request.get_json()
        if not repo.branches():
            raise RefusedError(409, "Git Repository is empty.")
        repo.git("read-tree", asked["base_tree"])
        for item in asked["tree"]:
            if item["sha"] is None:
                repo.remove(item["path"])
            else:
                repo.git("update-index", "--add", "--cacheinfo", f"{item['mode']},{item['sha']},{item['path']}")
        return self.json({"sha": repo.git("write-tree").decode().strip()}, 201)

    @route("/repos/<owner>/<name>/git/commits", "POST")
    def create_commit(self, request: Request, owner: str, name: str) -> Response:
        asked = request.get_json()
        author = asked.get("author", {"name": "Ada", "email": "ada@example.com"})
        sha = self.repo(f"{owner}/{name}").commit_tree(
            asked["tree"], asked["parents"], asked["message"], "", (author["name"], author["email"])
        )
        return self.json({"sha": sha, "html_url": f"{self.url}/{owner}/{name}/commit/{sha}"}, 201)

    # --- Pull requests -----------------------------------------------------------------------

    def pull(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        return {
            "number": pull.number,
            "title": pull.title,
            "html_url": f"{self.url}/{repo.full_name}/pull/{pull.number}",
            "state": "closed" if pull.state == "merged" else pull.state,
            "merged_at": "2026-01-01T00:00:00Z" if pull.state == "merged" else None,
            "head": {"ref": pull.source},
            "base": {"ref": pull.target},
            "draft": pull.draft,
            "user": {"login": self.forge.me},
        }

    @route("/repos/<owner>/<name>/pulls")
    def list_pulls(self, request: Request, owner: str, name: str) -> Response:
        repo, head, base = self.repo(f"{owner}/{name}"), request.args.get("head", ""), request.args.get("base", "")
        found = [
            self.pull(repo, p)
            for p in repo.pulls
            if p.state == "open" and head in ("", f"{owner}:{p.source}") and base in ("", p.target)
        ]
        return self.linked(request, found)

    @route("/repos/<owner>/<name>/pulls", "POST")
    def open_pull(self, request: Request, owner: str, name: str) -> Response:
        repo, asked = self.repo(f"{owner}/{name}"), request.get_json()
        if any(p.source == asked["head"] and p.state == "open" for p in repo.pulls):
            error = {
                "message": "Validation Failed",
                "errors": [{"message": f"A pull request already exists for {owner}:{asked['head']}."}],
            }
            return self.json(error, 422)
        made = Pull(
            len(repo.pulls) + 1, asked["title"], asked["head"], asked["base"], asked["body"], draft=asked["draft"]
        )
        repo.pulls.append(made)
        return self.json(self.pull(repo, made), 201)

    @route("/repos/<owner>/<name>/pulls/<int:number>")
    def get_pull(self, request: Request, owner: str, name: str, number: int) -> Any:
        repo = self.repo(f"{owner}/{name}")
        found = next((p for p in repo.pulls if p.number == number), None)
        if found is None:
            raise RefusedError(404, "Not Found")
        return self.pull(repo, found)

    @route("/repos/<owner>/<name>/pulls/<int:number>/requested_reviewers", "POST")
    def reviewers(self, request: Request, owner: str, name: str, number: int) -> Any:
        repo = self.repo(f"{owner}/{name}")
        repo.pulls[number - 1].reviewers += [*request.get_json()["reviewers"], *request.get_json()["team_reviewers"]]
        return self.pull(repo, repo.pulls[number - 1])

    @route("/repos/<owner>/<name>/issues/<int:number>/labels", "POST")
    def labels(self, request: Request, owner: str, name: str, number: int) -> Any:
        repo = self.repo(f"{owner}/{name}")
        repo.pulls[number - 1].labels += request.get_json()["labels"]
        return []

    # --- What belongs to a repository ---------------------------------------------------------

    @route("/repos/<owner>/<name>/hooks", "GET", "POST")
    def hooks(self, request: Request, owner: str, name: str) -> Any:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            return self.linked(request, repo.hooks)
        repo.hooks.append({"id": len(repo.hooks) + 1, **request.get_json()})
        return self.json(repo.hooks[-1], 201)

    @route("/repos/<owner>/<name>/branches/<whole:branch>/protection", "PUT")
    def protect(self, request: Request, owner: str, name: str, branch: str) -> Any:
        self.repo(f"{owner}/{name}").protection[branch] = request.get_json()
        return {}

    @route("/repos/<owner>/<name>/actions/workflows/<workflow>/dispatches", "POST")
    def dispatches(self, request: Request, owner: str, name: str, workflow: str) -> Response:
        self.repo(f"{owner}/{name}").dispatched.append({"workflow": workflow, **request.get_json()})
        return Response(status=204)

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

    @route("/repos/<owner>/<name>/environments/<environment>", "PUT")
    def environment(self, request: Request, owner: str, name: str, environment: str) -> Any:
        self.repo(f"{owner}/{name}").environments.append(environment)
        return {"name": environment}

    @route("/repos/<owner>/<name>/collaborators/<who>", "PUT")
    def collaborator(self, request: Request, owner: str, name: str, who: str) -> Response:
        self.repo(f"{owner}/{name}").access[who] = request.get_json()["permission"]
        return Response(status=204)

    @route("/orgs/<org>/teams/<team>/repos/<owner>/<name>", "PUT")
    def team_access(self, request: Request, org: str, team: str, owner: str, name: str) -> Response:
        self.repo(f"{owner}/{name}").access[f"@{team}"] = request.get_json()["permission"]
        return Response(status=204)

    @route("/repos/<owner>/<name>/actions/secrets/public-key")
    def public_key(self, request: Request, owner: str, name: str) -> Any:
        from nacl.public import PrivateKey

        self.private_key = PrivateKey.generate()
        return {"key_id": "1", "key": base64.b64encode(bytes(self.private_key.public_key)).decode()}

    @route("/repos/<owner>/<name>/actions/secrets/<key>", "PUT")
    def put_secret(self, request: Request, owner: str, name: str, key: str) -> Response:
        from nacl.public import SealedBox

        sealed = base64.b64decode(request.get_json()["encrypted_value"])
        value = SealedBox(self.private_key).decrypt(sealed).decode()
        self.repo(f"{owner}/{name}").variables[key, ""] = {"value": value, "secret": True}
        return Response(status=201)

    @route("/repos/<owner>/<name>/actions/variables/<key>", "GET", "PATCH")
    @route("/repos/<owner>/<name>/actions/variables", "POST")
    def variable(self, request: Request, owner: str, name: str, key: str = "") -> Response:
        repo = self.repo(f"{owner}/{name}")
        if request.method == "GET":
            if (key, "") not in repo.variables:
                raise RefusedError(404, "Not Found")
            return self.json(repo.variables[key, ""])
        asked = request.get_json()
        repo.variables[asked["name"], ""] = {"value": asked["value"], "secret": False}
        return Response(status=201)
