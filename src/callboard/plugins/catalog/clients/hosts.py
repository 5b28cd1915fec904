"""Understand the addresses that source hosts show in a browser, without asking anybody.

A browser address of a file, folder or repository on GitHub, GitLab, Bitbucket (Cloud and Server), Gitea or
Azure DevOps becomes a `Hosted`: which product, which repository, and a `tail`, the part that names a ref
and a path. A ref may hold slashes, so the tail is split only where the split is certain; Git later tells
which refs exist.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from posixpath import dirname, normpath
from urllib.parse import parse_qs, quote, unquote, urlsplit

_KNOWN = {
    "github.com": "github",
    "www.github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "dev.azure.com": "azure",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
}
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_AZURE_REF = {"GB": "branch", "GT": "tag", "GC": "commit"}


@dataclass(frozen=True, slots=True)
class Hosted:
    """A file, folder or repository on a source host.

    `ref` is empty for the default branch. Where `ref_kind` is `maybe`, the ref may go on into the path.
    `view` is how the browser address names it: `file`, `folder` or `repository`.
    """

    product: str
    origin: str
    owner: str
    repository: str
    ref: str = ""
    path: str = ""
    view: str = "repository"
    ref_kind: str = ""

    @property
    def pinned(self) -> bool:
        """Tell whether the ref is a commit, so that the content never changes."""
        return bool(_SHA.match(self.ref)) or self.ref_kind == "commit"

    @property
    def host(self) -> str:
        """The host with its port."""
        return urlsplit(self.origin).netloc

    @property
    def tail(self) -> str:
        """The ref and the path as one text, for whoever can tell where the one ends."""
        return f"{self.ref}/{self.path}".strip("/")

    def at(self, ref: str, path: str, *, folder: bool = False) -> "Hosted":
        """Name another file or folder of the same repository."""
        kind = "commit" if _SHA.match(ref) else (self.ref_kind or "maybe")
        return replace(self, ref=ref, path=path, view="folder" if folder else "file", ref_kind=kind)


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses for annotations, empty where there is none; `pinned`: the address names a commit."""

    view_url: str = ""
    edit_url: str = ""
    source_location: str = ""
    pinned: bool = False


def parse(url: str, types: Mapping[str, str] | None = None) -> Hosted | None:
    """Understand a browser address, else give None; `types` maps self-hosted hosts to products."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    product = _product(host, parts.netloc.lower(), unquote(parts.path), parts.query, types or {})
    parser = _PARSERS.get(product)
    if parser is None:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return parser(origin, [unquote(part) for part in parts.path.split("/") if part], parse_qs(parts.query))


def _product(host: str, netloc: str, path: str, query: str, types: Mapping[str, str]) -> str:
    configured = types.get(netloc) or types.get(host) or _KNOWN.get(host)
    if configured:
        return configured
    if host.endswith(".visualstudio.com") or ("/_git/" in path and "path=" in query):
        return "azure"
    if re.search(r"/-/(blob|raw|tree|edit)/", path) or host.startswith("gitlab."):
        return "gitlab"
    if re.search(r"/(projects|users)/[^/]+/repos/[^/]+(/(browse|raw)(/|$)|$)", path):
        return "bitbucket-server"
    if re.match(r"/[^/]+/[^/]+/(src|raw|_edit)/(branch|tag|commit)/", path):
        return "gitea"
    return "github" if host.startswith("github.") else ""


def _looks_like_file(path: str) -> bool:
    return bool(re.search(r"\.(ya?ml|json)$", path, re.IGNORECASE))


def _made(product: str, origin: str, owner: str, repository: str, ref: str, path: str, kind: str = "maybe") -> Hosted:
    repository = repository.removesuffix(".git")
    if not ref and not path:
        return Hosted(product, origin, owner, repository)
    view = "file" if _looks_like_file(path) else "folder"
    return Hosted(product, origin, owner, repository, ref, path, view, kind)


def _parse_github(origin: str, parts: list[str], _query: Mapping[str, list[str]]) -> Hosted | None:
    if len(parts) == 2:
        return _made("github", origin, parts[0], parts[1], "", "")
    if len(parts) >= 4 and parts[2] in ("blob", "tree", "raw", "edit"):
        rest = parts[3:]
        if parts[2] == "raw" and rest[:1] == ["refs"] and len(rest) > 2:
            rest = rest[2:]
        return _viewed("github", origin, parts[0], parts[1], parts[2], rest[0], "/".join(rest[1:]))
    return None


def _viewed(product: str, origin: str, owner: str, repository: str, view: str, ref: str, path: str) -> Hosted:
    made = _made(product, origin, owner, repository, ref, path)
    # A blob is a file whatever its name; a tree is one only when it is plainly named like one.
    return replace(made, view="file") if view != "tree" and path else made


def _parse_gitlab(origin: str, parts: list[str], _query: Mapping[str, list[str]]) -> Hosted | None:
    if "-" in parts:
        split = parts.index("-")
        project, rest = parts[:split], parts[split + 1 :]
        if len(project) >= 2 and len(rest) >= 2 and rest[0] in ("blob", "raw", "tree", "edit"):
            owner = "/".join(project[:-1])
            return _viewed("gitlab", origin, owner, project[-1], rest[0], rest[1], "/".join(rest[2:]))
        return None
    for index, part in enumerate(parts):
        # Addresses of old servers lack the "-".
        if index >= 2 and part in ("blob", "raw", "tree") and len(parts) > index + 1:
            owner = "/".join(parts[: index - 1])
            return _viewed(
                "gitlab",
                origin,
                owner,
                parts[index - 1],
                part,
                parts[index + 1],
                "/".join(parts[index + 2 :]),
            )
    if len(parts) >= 2 and not _looks_like_file(parts[-1]):
        return _made("gitlab", origin, "/".join(parts[:-1]), parts[-1], "", "")
    return None


def _parse_bitbucket(origin: str, parts: list[str], _query: Mapping[str, list[str]]) -> Hosted | None:
    if len(parts) == 2:
        return _made("bitbucket", origin, parts[0], parts[1], "", "")
    if len(parts) >= 4 and parts[2] in ("src", "raw"):
        return _made("bitbucket", origin, parts[0], parts[1], parts[3], "/".join(parts[4:]))
    return None


def _parse_bitbucket_server(origin: str, parts: list[str], query: Mapping[str, list[str]]) -> Hosted | None:
    for index, part in enumerate(parts):
        if part in ("projects", "users") and len(parts) >= index + 4 and parts[index + 2] == "repos":
            base = "/".join([origin, *parts[:index]])
            owner = ("~" if part == "users" else "") + parts[index + 1]
            ref = (query.get("at") or [""])[0].removeprefix("refs/heads/").removeprefix("refs/tags/")
            path = "/".join(parts[index + 5 :])
            return _made("bitbucket-server", base, owner, parts[index + 3], ref, path, "branch")
    return None


def _parse_gitea(origin: str, parts: list[str], _query: Mapping[str, list[str]]) -> Hosted | None:
    if len(parts) == 2:
        return _made("gitea", origin, parts[0], parts[1], "", "")
    if len(parts) >= 5 and parts[2] in ("src", "raw") and parts[3] in ("branch", "tag", "commit"):
        kind = {"branch": "maybe", "tag": "maybe-tag", "commit": "commit"}[parts[3]]
        return _made("gitea", origin, parts[0], parts[1], parts[4], "/".join(parts[5:]), kind)
    if len(parts) >= 5 and parts[2] == "_edit":
        return _made("gitea", origin, parts[0], parts[1], parts[3], "/".join(parts[4:]))
    return None


def _parse_azure(origin: str, parts: list[str], query: Mapping[str, list[str]]) -> Hosted | None:
    if "_git" not in parts or parts.index("_git") + 1 >= len(parts):
        return None
    split = parts.index("_git")
    version = (query.get("version") or [""])[0]
    path = (query.get("path") or [""])[0].strip("/")
    repository = parts[split + 1]
    owner = "/".join(parts[:split] if split > 1 or "visualstudio" in origin else [*parts[:split], repository])
    return _made("azure", origin, owner, repository, version[2:], path, _AZURE_REF.get(version[:2], "branch"))


_PARSERS: dict[str, Callable[[str, list[str], Mapping[str, list[str]]], Hosted | None]] = {
    "github": _parse_github,
    "gitlab": _parse_gitlab,
    "bitbucket": _parse_bitbucket,
    "bitbucket-server": _parse_bitbucket_server,
    "gitea": _parse_gitea,
    "azure": _parse_azure,
}


def _q(text: str, safe: str = "/") -> str:
    return quote(text, safe=safe)


def clone_url(hosted: Hosted) -> str:
    """Give the address Git clones from."""
    owner, name = _q(hosted.owner), _q(hosted.repository)
    if hosted.product == "azure":
        return f"{hosted.origin}/{owner}/_git/{name}"
    if hosted.product == "bitbucket-server":
        return f"{hosted.origin}/scm/{owner.lower()}/{name}.git"
    return f"{hosted.origin}/{owner}/{name}.git"


def view_url(hosted: Hosted) -> str:
    """Give the browser address of a file, folder or repository."""
    owner, name, ref, path = (
        _q(hosted.owner),
        _q(hosted.repository),
        _q(hosted.ref or "HEAD"),
        _q(hosted.path),
    )
    base = f"{hosted.origin}/{owner}/{name}"
    view = "tree" if hosted.view == "folder" else "blob"
    kind = {"commit": "commit", "maybe-tag": "tag", "tag": "tag"}.get(hosted.ref_kind, "branch")
    if hosted.product == "azure":
        version = {"tag": "GT", "commit": "GC"}.get(kind, "GB") + hosted.ref
        query = f"?path=/{path}" + (f"&version={_q(version)}" if hosted.ref else "")
        return f"{hosted.origin}/{owner}/_git/{name}" + ("" if hosted.view == "repository" else query)
    if hosted.product == "bitbucket-server":
        at = f"?at={_q(hosted.ref)}" if hosted.ref else ""
        space = f"users/{owner[1:]}" if owner.startswith("~") else f"projects/{owner}"
        return f"{hosted.origin}/{space}/repos/{name}/browse" + (f"/{path}" if path else "") + at
    if hosted.view == "repository":
        return base
    middle = {"gitlab": f"-/{view}", "bitbucket": "src", "gitea": f"src/{kind}"}.get(hosted.product, view)
    return f"{base}/{middle}/{ref}" + (f"/{path}" if path else "")


def edit_url(hosted: Hosted) -> str:
    """Give the address of the host's editor for a file; the view where the host has no address for that."""
    base = f"{hosted.origin}/{_q(hosted.owner)}/{_q(hosted.repository)}"
    ref, path = _q(hosted.ref or "HEAD"), _q(hosted.path)
    if hosted.product == "bitbucket":
        return f"{base}/src/{ref}/{path}?mode=edit&at={ref}"
    middle = {"github": "edit", "gitlab": "-/edit", "gitea": "_edit"}.get(hosted.product)
    return f"{base}/{middle}/{ref}/{path}" if middle else view_url(hosted)


def links(hosted: Hosted) -> Links:
    """Give the addresses for annotations of entities from a file; the source location ends with a slash."""
    folder = view_url(hosted.at(hosted.ref, dirname(hosted.path), folder=True))
    if "?" not in folder:
        folder = folder.rstrip("/") + "/"
    edit = "" if hosted.pinned else edit_url(hosted)
    return Links(view_url(hosted), edit, f"url:{folder}", hosted.pinned)


def raw_request(hosted: Hosted, token: str = "", username: str = "") -> tuple[str, dict[str, str]]:
    """Give the address that answers with the bytes of a file, and the headers that sign the request."""
    owner, name, path = _q(hosted.owner), _q(hosted.repository), _q(hosted.path)
    ref = _q(hosted.ref or "HEAD")
    base = f"{hosted.origin}/{owner}/{name}"
    headers = sign_in_headers(hosted.product, token, username)
    if hosted.product == "github":
        public = hosted.host.endswith("github.com")
        if token:
            api = "https://api.github.com" if public else f"{hosted.origin}/api/v3"
            headers["Accept"] = "application/vnd.github.raw"
            query = f"?ref={_q(hosted.ref, '')}" if hosted.ref else ""
            return f"{api}/repos/{owner}/{name}/contents/{path}{query}", headers
        if public:
            return f"https://raw.githubusercontent.com/{owner}/{name}/{ref}/{path}", headers
        return f"{base}/raw/{ref}/{path}", headers
    if hosted.product == "gitlab":
        if token:
            project = _q(f"{hosted.owner}/{hosted.repository}", "")
            file = f"repository/files/{_q(hosted.path, '')}/raw?ref={_q(hosted.ref or 'HEAD', '')}"
            return f"{hosted.origin}/api/v4/projects/{project}/{file}", headers
        return f"{base}/-/raw/{ref}/{path}", headers
    if hosted.product == "bitbucket":
        return f"https://api.bitbucket.org/2.0/repositories/{owner}/{name}/src/{ref}/{path}", headers
    if hosted.product == "bitbucket-server":
        at = f"?at={_q(hosted.ref, '')}" if hosted.ref else ""
        return f"{hosted.origin}/rest/api/1.0/projects/{owner}/repos/{name}/raw/{path}{at}", headers
    if hosted.product == "gitea":
        if hosted.ref:
            kind = {"commit": "commit", "maybe-tag": "tag", "tag": "tag"}.get(hosted.ref_kind, "branch")
            return f"{base}/raw/{kind}/{ref}/{path}", headers
        return f"{hosted.origin}/api/v1/repos/{owner}/{name}/raw/{path}", headers
    kind = {"tag": "tag", "commit": "commit"}.get(hosted.ref_kind, "branch")
    version = f"&versionDescriptor.versionType={kind}&versionDescriptor.version={_q(hosted.ref, '')}"
    query = f"path=/{path}&api-version=6.0" + (version if hosted.ref else "")
    return f"{hosted.origin}/{owner}/_apis/git/repositories/{name}/items?{query}", headers


def sign_in_headers(product: str, token: str, username: str = "") -> dict[str, str]:
    """Give the headers by which a product takes a token."""
    if not token:
        return {}
    if product == "gitlab":
        return {"PRIVATE-TOKEN": token}
    if product == "azure" or username:
        return {"Authorization": basic(username, token)}
    return {"Authorization": f"token {token}" if product == "gitea" else f"Bearer {token}"}


def git_sign_in(product: str, token: str, username: str = "") -> dict[str, str]:
    """Give the headers by which a product takes a token from Git."""
    if not token:
        return {}
    usual = {"github": "x-access-token", "gitlab": "oauth2", "bitbucket": "x-token-auth", "azure": "pat"}
    return {"Authorization": basic(username or usual.get(product, "git"), token)}


def basic(username: str, password: str) -> str:
    """Give the value of a basic Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def join(hosted: Hosted, relative: str) -> Hosted | None:
    """Name a file relative to this one (a leading slash: to the top); None outside of the repository."""
    if hosted.ref_kind.startswith("maybe") and not relative.startswith("/"):
        # The ref may end later than the first slash, so the whole tail is joined and the first part must
        # stay.
        joined = normpath(f"{dirname(hosted.tail)}/{relative}")
        ref, _, path = joined.partition("/")
        inside = ref == hosted.ref and bool(path)
    else:
        path = normpath("/".join(part for part in (dirname(hosted.path), relative) if part))
        path = normpath(relative).lstrip("/") if relative.startswith("/") else path
        ref, inside = hosted.ref, path not in (".", "..") and not path.startswith("../")
    if not inside:
        return None
    folder = relative.endswith("/")
    return replace(hosted, ref=ref, path=path, view="folder" if folder else "file")
