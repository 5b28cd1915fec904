"""Open templates to programs: HTTP API, commands, tools for agents."""

from __future__ import annotations

from callboard.plugins.scaffolder import mcp
from callboard.plugins.scaffolder.api.router import api
from callboard.plugins.scaffolder.contributions.work import actions
from callboard.sdk.contributions import ApiRouter, CliCommand, Contribution, McpTool

_REF = {"type": "string", "description": "Template, such as template:default/python-service."}

contributions: tuple[Contribution, ...] = (
    ApiRouter(
        id="scaffolder.api",
        title="Templates",
        prefix="scaffolder",
        router=api,
        description="Templates, their questions, tasks and actions.",
    ),
    CliCommand(
        id="scaffolder.cli-action", title="Actions", name="action", app="callboard.plugins.scaffolder.cli:action_app"
    ),
    CliCommand(
        id="scaffolder.cli-template",
        title="Templates",
        name="template",
        app="callboard.plugins.scaffolder.cli:template_app",
    ),
    McpTool(
        id="scaffolder.list-templates",
        title="List templates",
        description="Lists software templates that match a text.",
        input_schema={"type": "object", "properties": {"text": {"type": "string"}}},
        call=mcp.list_templates,
    ),
    McpTool(
        id="scaffolder.describe-template",
        title="Describe a template",
        description="Answers the questions of a template as JSON Schema.",
        input_schema={"type": "object", "properties": {"templateRef": _REF}, "required": ["templateRef"]},
        call=mcp.describe_template,
    ),
    McpTool(
        id="scaffolder.start-template",
        title="Create from a template",
        description="Starts a task that creates something from a template; with dryRun nothing is changed.",
        input_schema={
            "type": "object",
            "properties": {"templateRef": _REF, "values": {"type": "object"}, "dryRun": {"type": "boolean"}},
            "required": ["templateRef"],
        },
        call=mcp.start_template,
        permission="scaffolder.task.create",
        read_only=False,
        idempotent=False,
    ),
    McpTool(
        id="scaffolder.describe-task",
        title="Look at a task",
        description="Answers how a task is doing, step by step.",
        input_schema={"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        call=mcp.describe_task,
    ),
    *(
        McpTool(
            id=f"scaffolder.action.{action.id}",
            title=action.title,
            description=action.description or action.title,
            input_schema=action.input_schema,
            call=mcp.action_tool(action.id),
            permission="scaffolder.task.create",
            read_only=action.read_only,
            idempotent=action.idempotent or action.read_only or action.local,
            destructive=action.destructive,
        )
        for action in actions
    ),
)
