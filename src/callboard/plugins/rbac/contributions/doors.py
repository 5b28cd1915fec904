"""Doors for programs and agents: the APIs, commands and tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from callboard.plugins.rbac import mcp
from callboard.plugins.rbac.api.community import api as permission_api
from callboard.plugins.rbac.api.rbac import api
from callboard.sdk.contributions import ApiRouter, CliCommand, Contribution, McpTool

_READ, _CREATE, _PUBLISH, _ASK = (
    "policy.entity.read",
    "policy.entity.create",
    "rbac.policy.publish",
    "rbac.request.create",
)
_TEXT = {"type": "string"}
_YES = {"type": "boolean"}


def _tool(
    slug: str,
    title: str,
    call: Callable[[dict[str, Any]], Any],
    properties: dict[str, Any],
    required: tuple[str, ...] = (),
    permission: str = _READ,
    *,
    writes: bool = False,
) -> McpTool:
    return McpTool(
        id=f"rbac.{slug}",
        title=title,
        permission=permission,
        description=call.__doc__ or title,
        input_schema={
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
        },
        call=call,
        read_only=not writes,
        idempotent=not writes,
    )


contributions: tuple[Contribution, ...] = (
    ApiRouter(
        id="rbac.api", title="Access", prefix="rbac", router=api, description="Policies, the tester, reports, requests."
    ),
    ApiRouter(
        id="rbac.permission-api",
        title="Permissions",
        prefix="permission",
        router=permission_api,
        description="Ask what the caller may do; roles and policies in the shapes of the community's plugin.",
    ),
    CliCommand(id="rbac.cli", title="Access", name="rbac", app="callboard.plugins.rbac.cli:app"),
    _tool("list-policies", "List policies", mcp.list_policies, {}),
    _tool("read-policy", "Read a policy", mcp.read_policy, {"id": _TEXT}),
    _tool(
        "save-policy-draft",
        "Save a draft of the policy",
        mcp.save_draft,
        {"id": _TEXT, "revision": {"type": "integer"}, "document": {"type": "object"}},
        ("document",),
        _CREATE,
        writes=True,
    ),
    _tool("preview-policy", "See what publishing would change", mcp.preview_policy, {"id": _TEXT}, ("id",)),
    _tool(
        "publish-policy",
        "Publish a policy",
        mcp.publish_policy,
        {"id": _TEXT, "note": _TEXT, "accept_elevation": _YES},
        ("id",),
        _PUBLISH,
        writes=True,
    ),
    _tool(
        "explain-decision",
        "Explain a decision",
        mcp.explain,
        {"who": _TEXT, "permission": _TEXT, "resource": _TEXT},
        ("who", "permission"),
    ),
    _tool("who-can", "Who can do something", mcp.who_can, {"permission": _TEXT, "resource": _TEXT}, ("permission",)),
    _tool("what-can", "What somebody can do", mcp.what_can, {"who": _TEXT}, ("who",)),
    _tool("list-requests", "List requests for access", mcp.list_requests, {}, (), _ASK),
    _tool(
        "ask-for-access",
        "Ask for access",
        mcp.ask_for_access,
        {"role": _TEXT, "reason": _TEXT, "days": {"type": "integer", "minimum": 1}},
        ("role", "reason"),
        _ASK,
        writes=True,
    ),
    _tool(
        "decide-request",
        "Decide on a request for access",
        mcp.decide_request,
        {"id": _TEXT, "approve": _YES, "answer": _TEXT},
        ("id", "approve"),
        _ASK,
        writes=True,
    ),
)
