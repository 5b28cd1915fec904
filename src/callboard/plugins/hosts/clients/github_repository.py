"""What belongs to a repository on GitHub: rights, rules, webhooks, workflows, issues, environments, variables."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from callboard.plugins.hosts.clients.base import HostClient
from callboard.plugins.hosts.clients.calls import q, qp
from callboard.plugins.hosts.types.model import Hook, Issue, Protection, WorkflowRun

_ROLES = {"read": "pull", "write": "push"}


class RepositoryCalls(HostClient):
    """The part of the client that is about single repositories, beside their files."""

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository."""
        self.send("DELETE", f"/repos/{qp(full_name)}")

    def grant(self, full_name: str, who: str, role: str, *, team: bool = False) -> None:
        """Give a person or a team a role."""
        owner, body = full_name.partition("/")[0], {"permission": _ROLES.get(role, role)}
        if team:
            self.send("PUT", f"/orgs/{q(owner)}/teams/{q(who.rpartition('/')[2])}/repos/{qp(full_name)}", body)
        else:
            self.send("PUT", f"/repos/{qp(full_name)}/collaborators/{q(who)}", body)

    def protect_branch(self, full_name: str, branch: str, rules: Protection) -> None:
        """Protect a branch."""
        path = f"/repos/{qp(full_name)}/branches/{q(branch)}/protection"
        checks = {"strict": rules.up_to_date, "contexts": list(rules.status_checks)}
        reviews = {
            "required_approving_review_count": rules.approvals,
            "require_code_owner_reviews": rules.code_owner_reviews,
            "dismiss_stale_reviews": rules.dismiss_stale_reviews,
        }
        body = {
            "required_status_checks": checks if rules.status_checks else None,
            "enforce_admins": rules.enforce_admins,
            "required_pull_request_reviews": reviews if rules.approvals or rules.code_owner_reviews else None,
            "restrictions": None,
            "required_linear_history": rules.linear_history,
            "required_conversation_resolution": rules.conversations_resolved,
        }
        self.send("PUT", path, body)
        if rules.signed_commits:
            self.send("POST", f"{path}/required_signatures", {})

    def hooks(self, full_name: str) -> list[Hook]:
        """Answer the webhooks of a repository, or of an organisation where the name has no slash."""
        pages = self.linked_pages(f"{_holder(full_name)}/hooks", per_page=100)
        return [Hook(str(h["id"]), h["config"].get("url", ""), bool(h.get("active"))) for page in pages for h in page]

    def create_hook(self, full_name: str, url: str, *, secret: str = "", events: Iterable[str] = ("push",)) -> Hook:
        """Make a webhook."""
        config = {"url": url, "content_type": "json", "insecure_ssl": "0"} | ({"secret": secret} if secret else {})
        body = {"name": "web", "active": True, "events": list(events), "config": config}
        found = self.send("POST", f"{_holder(full_name)}/hooks", body)
        return Hook(str(found["id"]), found["config"].get("url", url), bool(found.get("active", True)))

    def delete_hook(self, full_name: str, hook: str) -> None:
        """Remove a webhook."""
        self.send("DELETE", f"{_holder(full_name)}/hooks/{q(hook)}")

    def dispatch(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None) -> WorkflowRun:
        """Start a workflow by its file name or id."""
        path = f"/repos/{qp(full_name)}/actions/workflows/{q(workflow)}/dispatches"
        self.send("POST", path, {"ref": ref, "inputs": dict(inputs or {})})
        return WorkflowRun("", f"{self.base}/{full_name}/actions/workflows/{q(workflow)}")

    def create_issue(
        self, full_name: str, title: str, body: str = "", *, labels: Iterable[str] = (), assignees: Iterable[str] = ()
    ) -> Issue:
        """Open an issue."""
        sent = {"title": title, "body": body, "labels": list(labels), "assignees": list(assignees)}
        found = self.send("POST", f"/repos/{qp(full_name)}/issues", sent)
        return Issue(str(found["number"]), found["title"], found["html_url"], found["state"])

    def add_labels(self, full_name: str, number: str, labels: Iterable[str]) -> None:
        """Put labels on an issue or pull request."""
        self.send("POST", f"/repos/{qp(full_name)}/issues/{q(number)}/labels", {"labels": list(labels)})

    def create_environment(self, full_name: str, name: str) -> None:
        """Make an environment."""
        self.send("PUT", f"/repos/{qp(full_name)}/environments/{q(name)}", {})

    def set_variable(
        self, full_name: str, name: str, value: str, *, environment: str = "", secret: bool = False
    ) -> None:
        """Set a variable or secret of Actions; secrets travel sealed with the repository's key."""
        repo = f"/repos/{qp(full_name)}"
        inside = f"{repo}/environments/{q(environment)}" if environment else repo
        if secret:
            base = f"{inside}/secrets" if environment else f"{repo}/actions/secrets"
            key = self.get(f"{base}/public-key")
            body = {"encrypted_value": _sealed(value, key["key"]), "key_id": key["key_id"]}
            self.send("PUT", f"{base}/{q(name)}", body)
            return
        base = f"{inside}/variables" if environment else f"{repo}/actions/variables"
        body = {"name": name, "value": value}
        if self.maybe(f"{base}/{q(name)}") is None:
            self.send("POST", base, body)
        else:
            self.send("PATCH", f"{base}/{q(name)}", body)


def _holder(name: str) -> str:
    return f"/repos/{qp(name)}" if "/" in name else f"/orgs/{q(name)}"


def _sealed(value: str, key: str) -> str:
    from nacl.public import PublicKey, SealedBox  # noqa: PLC0415 - secrets alone need it

    box = SealedBox(PublicKey(base64.b64decode(key)))
    return base64.b64encode(box.encrypt(value.encode())).decode()
