"""Read what webhooks of each product say: which repository, which branch, which files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

_NOTHING = "0" * 40
_MOST_COMMITS = 20
"""Hosts list no more commits than this in a push, so longer pushes say nothing certain about paths."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What happened on a host.

    ``paths`` are the files that changed, ``None`` where the product does not say. ``before`` is the name a
    renamed repository had. ``on_default`` is true where the branch is the default one or nobody says.
    """

    kind: Literal["push", "repository", "other"] = "other"
    repository: str = ""
    before: str = ""
    url: str = ""
    clone_url: str = ""
    branch: str = ""
    on_default: bool = True
    paths: frozenset[str] | None = None
    delivery: str = ""


def read_hook(product: str, headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    """Read a webhook; what is strange in it is an event that concerns nobody."""
    reader = {
        "github": _github,
        "gitea": _gitea,
        "gitlab": _gitlab,
        "bitbucket": _bitbucket,
        "bitbucket-server": _bitbucket_server,
        "azure": _azure,
    }.get(product)
    if reader is None:
        return HookEvent()
    try:
        return reader(headers, payload)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        return HookEvent()


def _text(value: Any) -> str:
    """Answer a text; anything else makes the webhook a strange one."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _github(headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    return _like_github(headers.get("x-github-event", ""), headers.get("x-github-delivery", ""), payload)


def _gitea(headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    event = headers.get("x-forgejo-event") or headers.get("x-gitea-event", "")
    delivery = headers.get("x-forgejo-delivery") or headers.get("x-gitea-delivery", "")
    return _like_github(event, delivery, payload)


def _like_github(event: str, delivery: str, payload: Mapping[str, Any]) -> HookEvent:
    repository = payload.get("repository") or {}
    full = _text(repository.get("full_name", ""))
    plain = HookEvent(
        repository=full,
        url=_text(repository.get("html_url", "")),
        clone_url=_text(repository.get("clone_url", "")),
        delivery=delivery,
    )
    if event == "push":
        branch = _text(payload["ref"]).removeprefix("refs/heads/")
        if _text(payload["ref"]).startswith("refs/tags/"):
            return plain
        commits = payload.get("commits") or []
        whole = len(commits) < _MOST_COMMITS and not payload.get("forced") and bool(commits)
        paths = frozenset(
            _text(path)
            for commit in commits
            for key in ("added", "modified", "removed")
            for path in commit.get(key) or ()
        )
        default = repository.get("default_branch") or branch
        changed = paths if whole else None
        return replace(plain, kind="push", branch=branch, on_default=branch == default, paths=changed)
    if event == "repository":
        before = ((payload.get("changes") or {}).get("repository") or {}).get("name", {}).get("from", "")
        moved = (((payload.get("changes") or {}).get("owner") or {}).get("from") or {}).get("organization", {})
        owner, _, name = full.rpartition("/")
        old = f"{moved.get('login', owner)}/{before or name}" if before or moved else ""
        return replace(plain, kind="repository", before=old)
    if event in ("create", "delete") and payload.get("ref_type") == "branch":
        default = repository.get("default_branch")
        branch = _text(payload.get("ref", ""))
        return replace(plain, kind="push", branch=branch, on_default=branch == default)
    return HookEvent(delivery=delivery)


def _gitlab(headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    delivery = headers.get("idempotency-key") or headers.get("x-gitlab-event-uuid", "")
    kind = payload.get("object_kind") or payload.get("event_name", "")
    if kind == "push":
        project = payload["project"]
        branch = _text(payload["ref"]).removeprefix("refs/heads/")
        commits = payload.get("commits") or []
        paths = frozenset(
            _text(path)
            for commit in commits
            for key in ("added", "modified", "removed")
            for path in commit.get(key) or ()
        )
        whole = 0 < len(commits) < _MOST_COMMITS and payload.get("total_commits_count", 0) == len(commits)
        return HookEvent(
            "push",
            _text(project["path_with_namespace"]),
            "",
            _text(project.get("web_url", "")),
            _text(project.get("git_http_url") or project.get("http_url", "")),
            branch,
            branch == (project.get("default_branch") or branch),
            paths if whole else None,
            delivery,
        )
    if _text(kind).startswith("project_"):
        before = _text(payload.get("old_path_with_namespace", ""))
        return HookEvent("repository", _text(payload["path_with_namespace"]), before, delivery=delivery)
    return HookEvent(delivery=delivery)


def _bitbucket(headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    event, delivery = headers.get("x-event-key", ""), headers.get("x-request-uuid", "")
    repository = payload.get("repository") or {}
    name = _text(repository.get("full_name", ""))
    url = _text(((repository.get("links") or {}).get("html") or {}).get("href", ""))
    if event == "repo:push":
        names = [
            _text((change.get("new") or change.get("old") or {}).get("name", ""))
            for change in payload["push"]["changes"]
            if (change.get("new") or change.get("old") or {}).get("type", "branch") == "branch"
        ]
        if not names:
            return HookEvent(delivery=delivery)
        main = (repository.get("mainbranch") or {}).get("name")
        branch = names[0] if len(names) == 1 else ""
        return HookEvent("push", name, "", url, f"{url}.git", branch, main is None or main in names, None, delivery)
    if event in ("repo:updated", "repo:transfer", "repo:deleted"):
        before = _text(((payload.get("changes") or {}).get("full_name") or {}).get("old", ""))
        return HookEvent("repository", name, before, url, delivery=delivery)
    return HookEvent(delivery=delivery)


def _bitbucket_server(headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    event, delivery = headers.get("x-event-key", ""), headers.get("x-request-id", "")
    if event == "repo:refs_changed":
        repository = payload["repository"]
        names = [
            _text(one["ref"]["displayId"]) for one in payload["changes"] if one["ref"].get("type", "BRANCH") == "BRANCH"
        ]
        if not names:
            return HookEvent(delivery=delivery)
        links = repository.get("links") or {}
        url = _text(((links.get("self") or [{}])[0]).get("href", "")).removesuffix("/browse")
        clone = next((one["href"] for one in links.get("clone", ()) if one.get("name") == "http"), "")
        branch = names[0] if len(names) == 1 else ""
        full = f"{repository['project']['key']}/{repository['slug']}"
        return HookEvent("push", full, "", url, _text(clone), branch, True, None, delivery)
    if event == "repo:modified":
        old, new = payload["old"], payload["new"]
        names = [f"{one['project']['key']}/{one['slug']}" for one in (old, new)]
        return HookEvent("repository", names[1], names[0] if names[0] != names[1] else "", delivery=delivery)
    return HookEvent(delivery=delivery)


def _azure(_headers: Mapping[str, str], payload: Mapping[str, Any]) -> HookEvent:
    delivery, event = _text(payload.get("id", "")), payload.get("eventType", "")
    if event == "git.push":
        repository = payload["resource"]["repository"]
        url = _text(repository.get("remoteUrl", ""))
        names = [_text(one["name"]) for one in payload["resource"].get("refUpdates", ())]
        branches = [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]
        if not branches:
            return HookEvent(delivery=delivery)
        default = _text(repository.get("defaultBranch", "")).removeprefix("refs/heads/")
        full = _azure_name(url)
        branch = branches[0] if len(branches) == 1 else ""
        return HookEvent("push", full, "", url, url, branch, not default or default in branches, None, delivery)
    if event in ("git.repo.created", "git.repo.deleted", "git.repo.renamed", "git.repo.statuschanged"):
        resource = payload["resource"]
        url = _text((resource.get("repository") or resource).get("remoteUrl", ""))
        full = _azure_name(url)
        old = _text(resource.get("oldName", ""))
        return HookEvent("repository", full, f"{full.rpartition('/')[0]}/{old}" if old else "", url, delivery=delivery)
    return HookEvent(delivery=delivery)


def _azure_name(url: str) -> str:
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - beside its one use

    parts = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    if "_git" not in parts[:-1]:
        return ""
    at = parts.index("_git")
    return "/".join([*parts[:at], parts[at + 1]])
