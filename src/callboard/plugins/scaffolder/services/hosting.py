"""Make and change things on source hosts: repositories, pull requests and what belongs to them.

Whatever is made leaves a receipt the moment it exists, which says that it is half made until it is whole.
A step that is tried again goes on where it was: what exists already is noted as a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callboard.plugins.hosts.public import FileChange, Host, HostError, Protection, Settings, client_for, hosts
from callboard.plugins.scaffolder.types.repo_url import RepoUrl, RepoUrlError, parse_repo_url
from callboard.plugins.scaffolder.types.tasks import ActionError

if TYPE_CHECKING:
    from callboard.plugins.hosts.public import HostClient
    from callboard.plugins.scaffolder.models import Receipt
    from callboard.plugins.scaffolder.services.context import ActionContext

_UNSENT = "{message} The rest was not begun."
_HALF = "{message} {what} exists on the host, but is only half made."


@dataclass(frozen=True)
class Target:
    """A repository on a connected host, named the way the host's calls name it."""

    host: Host
    url: RepoUrl
    full_name: str


def target_of(repo_url: str, products: tuple[str, ...]) -> Target:
    """Answer the repository that ``repoUrl`` means. Raises :class:`ActionError` where its host is not connected."""
    try:
        url = parse_repo_url(repo_url)
    except RepoUrlError as error:
        raise ActionError(f"repoUrl: {error}.", "It looks like github.com?owner=acme&repo=shop.") from error
    fitting = [one for one in hosts() if one.host == url.host.lower()]
    host = next((one for one in fitting if one.product in products), None)
    if host is None:
        if fitting:
            raise ActionError(
                f"{url.host} runs {fitting[0].about.title}, which this action is not for.",
                "Use the action of that product.",
            )
        raise ActionError(
            f"The host {url.host} is not connected to this portal.", "An administrator connects it under Source hosts."
        )
    return Target(host, url, _full_name(str(host.product), url))


def _full_name(product: str, url: RepoUrl) -> str:
    parts = {
        "azure": (url.organization or url.owner, url.project, url.repo),
        "bitbucket": (url.workspace or url.owner, url.repo),
        "bitbucket-server": (url.project or url.owner, url.repo),
        "gerrit": (url.owner, url.repo),
    }.get(product, (url.owner, url.repo))
    if not all(parts) and product != "gerrit":
        raise ActionError(f"{url} does not say where the repository {url.repo} belongs.", "Give its owner as well.")
    return "/".join(part for part in parts if part)


@contextmanager
def speaking(target: Target, given: Mapping[str, Any], context: ActionContext) -> Iterator[HostClient]:
    """Lend a client for the host; what the host refuses becomes an error that says so."""
    token = str(given.get("token") or "")
    context.masker.add(token)
    try:
        with client_for(target.host.name, token=token, patience=60.0) as client:
            yield client
    except HostError as error:
        raise ActionError(context.masker.text(error.message), error.remedy) from error


def files_of(context: ActionContext, source: str, target: str = "") -> list[FileChange]:
    """Answer the files of the workspace as changes of a repository."""
    workspace = context.workspace
    folder, prefix = workspace.clean(source or ""), workspace.clean(target or "")
    changes = []
    for name in workspace.files(folder):
        if workspace.path(name).is_symlink():
            context.log(f"{name} is a symbolic link and was left out.", "warning")
            continue
        inner = name[len(folder) + 1 :] if folder else name
        mode = workspace.path(name).stat().st_mode
        path = f"{prefix}/{inner}" if prefix else inner
        changes.append(FileChange(path, workspace.read(name), executable=bool(mode & 0o100)))
    return changes


def author_of(given: Mapping[str, Any], context: ActionContext) -> tuple[str, str]:
    """Answer who commits."""
    author = context.settings.default_author
    return str(given.get("gitAuthorName") or author.name), str(given.get("gitAuthorEmail") or author.email)


# --- Publishing -------------------------------------------------------------------------------


def publish(products: tuple[str, ...], given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Make a repository, put the workspace into it, then set it up."""
    target = target_of(given["repoUrl"], products)
    branch = str(given.get("defaultBranch") or "main")
    if context.dry_run:
        count = len(files_of(context, given.get("sourcePath") or ""))
        context.log(f"Would create {target.full_name} on {target.host.host} with {count} files")
        where = f"{target.host.url}/{target.full_name}"
        return {"remoteUrl": f"{where}.git", "repoContentsUrl": f"{where}/tree/{branch}", "commitHash": "0" * 40}
    receipt: Receipt | None = None
    with speaking(target, given, context) as client:
        made, receipt = _repository(client, target, given, branch, context)
        with _half_made(target.full_name):
            commit = context.checkpoint(
                f"commit:{target.full_name}", lambda: _first_commit(client, target, given, branch, context)
            )
            context.check()
            set_up(client, target, given, branch, context)
            found = client.repository(target.full_name)
        location, address = client.file_location(found, "", branch)
        contents = address if location == "url" else f"{location}:{address}"
    context.completed(receipt)
    context.log(f"Published {target.full_name} at {made['url']}")
    return {
        "remoteUrl": made["clone_url"],
        "repoContentsUrl": contents.rstrip("/").replace("/blob/", "/tree/"),
        "commitHash": commit,
        "projectId": made["id"],
        "repositoryId": made["id"],
    }


def create_only(products: tuple[str, ...], given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Make an empty repository and set it up."""
    target = target_of(given["repoUrl"], products)
    branch = str(given.get("defaultBranch") or "main")
    if context.dry_run:
        context.log(f"Would create {target.full_name} on {target.host.host}")
        return {"remoteUrl": f"{target.host.url}/{target.full_name}.git"}
    with speaking(target, given, context) as client:
        made, receipt = _repository(client, target, given, branch, context)
        with _half_made(target.full_name):
            _settings(client, target, given)
    context.completed(receipt)
    return {"remoteUrl": made["clone_url"], "repoContentsUrl": made["url"]}


def push_only(products: tuple[str, ...], given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Put the workspace into a repository that is there, and protect its branch where that is asked for."""
    target = target_of(given["repoUrl"], products)
    branch = str(given.get("branchName") or given.get("defaultBranch") or "main")
    changes = files_of(context, given.get("sourcePath") or "", given.get("targetPath") or "")
    if context.dry_run:
        context.log(f"Would push {len(changes)} files to {target.full_name}, branch {branch}")
        return {"commitHash": "0" * 40}
    with speaking(target, given, context) as client:
        found = client.repository(target.full_name)
        start = "" if found.empty else found.default_branch
        message = str(
            given.get("commitMessage") or given.get("gitCommitMessage") or context.settings.default_commit_message
        )
        commit = client.commit(
            target.full_name, branch, message, changes, start=start, author=author_of(given, context)
        )
        context.receipt(
            "commit", f"Pushed to {target.full_name}, branch {branch}", commit.url, data={"commit": commit.id}
        )
        if given.get("protectDefaultBranch") is True:
            _protect(client, target, given, branch)
    return {
        "remoteUrl": found.clone_url,
        "repoContentsUrl": found.url,
        "commitHash": commit.id,
        "projectid": found.id,
        "projectPath": target.full_name,
    }


@contextmanager
def _half_made(what: str) -> Iterator[None]:
    """Say of whatever goes wrong from here on that something exists already."""
    try:
        yield
    except HostError as error:
        raise ActionError(
            _HALF.format(message=error.message, what=what),
            f"{error.remedy} Then retry: the step goes on with what is there.".strip(),
        ) from error


def _repository(
    client: HostClient, target: Target, given: Mapping[str, Any], branch: str, context: ActionContext
) -> tuple[dict[str, str], Any]:
    receipts: list[Any] = []

    def make() -> dict[str, str]:
        try:
            made = client.create_repository(
                target.full_name,
                description=str(given.get("description") or ""),
                visibility=given.get("repoVisibility") or "private",
                default_branch=branch,
                options=_options(given, target),
            )
        except HostError as error:
            if error.code != "conflict":
                raise
            raise ActionError(
                f"{target.full_name} exists already on {target.host.host}; nothing was changed.",
                "Choose another name, or open a pull request instead.",
            ) from error
        receipts.append(
            context.receipt(
                "repository",
                f"Created {made.full_name}",
                made.url,
                data={"host": target.host.name, "fullName": target.full_name},
                complete=False,
            )
        )
        return {"url": made.url, "clone_url": made.clone_url, "id": made.id}

    found: dict[str, str] = context.checkpoint(f"repository:{target.full_name}", make)
    receipt = receipts[0] if receipts else context.earlier_receipt("repository")
    return found, receipt


_GITHUB = {
    "homepage": "homepage", "allowMergeCommit": "allow_merge_commit", "allowSquashMerge": "allow_squash_merge",
    "allowRebaseMerge": "allow_rebase_merge", "allowAutoMerge": "allow_auto_merge",
    "deleteBranchOnMerge": "delete_branch_on_merge", "hasProjects": "has_projects", "hasWiki": "has_wiki",
    "hasIssues": "has_issues", "squashMergeCommitTitle": "squash_merge_commit_title",
    "squashMergeCommitMessage": "squash_merge_commit_message", "customProperties": "custom_properties",
}  # fmt: skip


def _options(given: Mapping[str, Any], target: Target) -> dict[str, Any]:
    if target.host.product == "github":
        return {theirs: given[ours] for ours, theirs in _GITHUB.items() if given.get(ours) is not None}
    if target.host.product == "bitbucket" and target.url.project:
        return {"project": {"key": target.url.project}}
    settings = given.get("settings")
    return dict(settings) if isinstance(settings, Mapping) else {}


def _first_commit(
    client: HostClient, target: Target, given: Mapping[str, Any], branch: str, context: ActionContext
) -> str:
    message = str(given.get("gitCommitMessage") or context.settings.default_commit_message)
    changes = files_of(context, given.get("sourcePath") or "")
    commit = client.commit(target.full_name, branch, message, changes, author=author_of(given, context))
    return commit.id


def set_up(client: HostClient, target: Target, given: Mapping[str, Any], branch: str, context: ActionContext) -> None:
    """Do what else a publish action was asked for: topics, people, variables, protection."""
    _settings(client, target, given)
    access = given.get("access")
    if isinstance(access, str) and access:
        owner, _, name = access.rpartition("/")
        client.grant(target.full_name, name, "admin", team=bool(owner))
    for one in given.get("collaborators") or []:
        team = one.get("team")
        client.grant(target.full_name, str(team or one.get("user")), str(one.get("access") or "write"), team=bool(team))
    for name, value in (given.get("repoVariables") or {}).items():
        client.set_variable(target.full_name, str(name), str(value))
    for name, value in (given.get("secrets") or {}).items():
        context.masker.add(value)
        client.set_variable(target.full_name, str(name), str(value), secret=True)
    for one in given.get("projectVariables") or []:
        client.set_variable(
            target.full_name, str(one["key"]), str(one.get("value", "")), secret=one.get("masked") is True
        )
    protects = target.host.product == "github" and given.get("protectDefaultBranch", True) is True
    if protects and _asks_for_protection(given):
        _protect(client, target, given, branch)


def _settings(client: HostClient, target: Target, given: Mapping[str, Any]) -> None:
    topics = given.get("topics")
    if topics:
        client.update_repository(target.full_name, Settings(topics=tuple(map(str, topics))))


_PROTECTION = (
    "protectDefaultBranch", "requiredApprovingReviewCount", "requireCodeOwnerReviews", "dismissStaleReviews",
    "requiredStatusCheckContexts", "requireBranchesToBeUpToDate", "requiredConversationResolution",
    "requiredLinearHistory", "requiredCommitSigning", "protectEnforceAdmins",
)  # fmt: skip


def _asks_for_protection(given: Mapping[str, Any]) -> bool:
    return any(name in given for name in _PROTECTION)


def _protect(client: HostClient, target: Target, given: Mapping[str, Any], branch: str) -> None:
    client.protect_branch(
        target.full_name,
        branch,
        Protection(
            approvals=int(given.get("requiredApprovingReviewCount", 1)),
            code_owner_reviews=given.get("requireCodeOwnerReviews") is True,
            dismiss_stale_reviews=given.get("dismissStaleReviews") is True,
            status_checks=tuple(map(str, given.get("requiredStatusCheckContexts") or ())),
            up_to_date=given.get("requireBranchesToBeUpToDate", True) is True,
            enforce_admins=given.get("protectEnforceAdmins", given.get("enforceAdmins", True)) is True,
            linear_history=given.get("requiredLinearHistory") is True,
            signed_commits=given.get("requiredCommitSigning") is True,
            conversations_resolved=given.get("requiredConversationResolution") is True,
        ),
    )


# --- Pull requests ------------------------------------------------------------------------------


def pull_request(products: tuple[str, ...], given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Commit the workspace to a branch and ask for it to be merged."""
    target = target_of(given["repoUrl"], products)
    branch = str(given.get("branchName") or given.get("sourceBranch") or "")
    if not branch:
        raise ActionError("The branch to make was not named.", "Give branchName.")
    changes = files_of(context, given.get("sourcePath") or "", given.get("targetPath") or "")
    if given.get("commitAction") == "delete":
        changes = [FileChange(change.path, None) for change in changes]
    title = str(given.get("title") or given.get("commitMessage") or branch)
    if context.dry_run:
        context.log(
            f"Would commit {len(changes)} files to {target.full_name}, branch {branch}, and ask to merge {title!r}"
        )
        return {"remoteUrl": f"{target.host.url}/{target.full_name}/pull/0", "pullRequestNumber": 0}
    with speaking(target, given, context) as client:
        found = client.repository(target.full_name)
        base = str(given.get("targetBranchName") or given.get("targetBranch") or found.default_branch)
        if changes:
            client.commit(
                target.full_name, branch, str(given.get("commitMessage") or title), changes, start=base,
                author=author_of(given, context),
            )  # fmt: skip
        existing = client.find_pull_request(target.full_name, branch, base)
        if existing is not None:
            context.log(f"It is asked for already: {existing.url}")
            request = existing
        else:
            request = client.open_pull_request(
                target.full_name,
                branch,
                base,
                title,
                str(given.get("description") or ""),
                draft=given.get("draft") is True,
                reviewers=_names(given.get("reviewers")),
                team_reviewers=_names(given.get("teamReviewers")),
                assignees=_names(given.get("assignee") or given.get("assignees")),
                labels=_names(given.get("labels")),
            )
            context.receipt("pull-request", f"Asked to merge {title!r} into {target.full_name}", request.url)
    return {
        "remoteUrl": request.url,
        "mergeRequestUrl": request.url,
        "pullRequestUrl": request.url,
        "reviewUrl": request.url,
        "targetBranchName": base,
        "pullRequestNumber": int(request.number) if request.number.isdigit() else request.number,
        "projectid": found.id,
        "projectPath": target.full_name,
    }


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value else tuple(map(str, value or ()))


# --- Single things ---------------------------------------------------------------------------------


def single(
    products: tuple[str, ...],
    given: dict[str, Any],
    context: ActionContext,
    act: Callable[[HostClient, Target], dict[str, Any]],
    what: str,
) -> dict[str, Any]:
    """Do one thing with a repository; a dry run only says what it would be."""
    target = target_of(given["repoUrl"], products)
    if context.dry_run:
        context.log(f"Would {what} in {target.full_name}")
        return {}
    with speaking(target, given, context) as client:
        answer = act(client, target)
    context.receipt("change", f"{what[:1].upper()}{what[1:]} in {target.full_name}", str(answer.get("url") or ""))
    return answer


def protect(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Protect a branch."""
    branch = str(given.get("branch") or "") or client.repository(target.full_name).default_branch
    _protect(client, target, given, branch)
    return {}


def add_hook(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Have the host tell an address what happens; one that is there already stays."""
    url = str(given["webhookUrl"])
    if any(hook.url == url for hook in client.hooks(target.full_name)):
        return {}
    client.create_hook(
        target.full_name,
        url,
        secret=str(given.get("webhookSecret") or ""),
        events=_names(given.get("events")) or ("push",),
    )
    return {}


def dispatch_workflow(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Start a workflow or pipeline."""
    inputs = {str(k): str(v) for k, v in (given.get("workflowInputs") or given.get("variables") or {}).items()}
    ref = str(given.get("branchOrTagName") or given.get("branch") or "")
    run = client.dispatch(
        target.full_name,
        str(given.get("workflowId") or ""),
        ref or client.repository(target.full_name).default_branch,
        inputs,
    )
    return {"url": run.url, "pipelineUrl": run.url, "buildNumber": run.id, "pipelinesUrl": run.url}


def open_issue(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Open an issue."""
    issue = client.create_issue(
        target.full_name,
        str(given["title"]),
        str(given.get("description") or given.get("body") or ""),
        labels=_names(given["labels"].split(",") if isinstance(given.get("labels"), str) else given.get("labels")),
        assignees=_names(given.get("assignees")),
    )
    return {
        "url": issue.url,
        "issueUrl": issue.url,
        "issueId": issue.number,
        "issueIid": issue.number,
        "issueNumber": issue.number,
    }


def label(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Put labels on an issue or pull request."""
    client.add_labels(target.full_name, str(given["number"]), _names(given["labels"]))
    return {}


def make_environment(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Make an environment with its variables and secrets."""
    name = str(given["name"])
    client.create_environment(target.full_name, name)
    for key, value in (given.get("environmentVariables") or {}).items():
        client.set_variable(target.full_name, str(key), str(value), environment=name)
    for key, value in (given.get("secrets") or {}).items():
        client.set_variable(target.full_name, str(key), str(value), environment=name, secret=True)
    return {}


def set_variable(given: dict[str, Any], client: HostClient, target: Target) -> dict[str, Any]:
    """Set a variable of pipelines."""
    client.set_variable(
        target.full_name,
        str(given["key"]),
        str(given["value"]),
        environment=str(given.get("environmentScope") or "").replace("*", ""),
        secret=given.get("masked") is True,
    )
    return {}


def remove_repository(receipt: Mapping[str, Any], _context: Any) -> None:
    """Take back a repository that a publish action made."""
    data = receipt.get("data") or {}
    with client_for(str(data.get("host"))) as client:
        client.delete_repository(str(data.get("fullName")))
