"""Permissions of the core and of this room, and what happened."""

from callboard.sdk.contributions import EventType, Permission

_ONE_NAME = {"type": "string", "minLength": 1}

contributions = (
    Permission(
        id="portal.settings.manage",
        title="Change one's own settings",
        action="update",
        description="Own name, password, appearance and API tokens. Guests have none.",
    ),
    Permission(
        id="admin.plugins.manage",
        title="Manage plugins",
        action="update",
        description="See all plugins with their errors, and switch them on and off.",
    ),
    Permission(
        id="admin.jobs.manage",
        title="Manage jobs",
        action="update",
        description="See all jobs with their logs, start, cancel and retry them.",
    ),
    Permission(
        id="admin.audit.read",
        title="Read the audit record",
        action="read",
        description="See and export who did what to what.",
    ),
    Permission(
        id="admin.tokens.manage",
        title="Manage API tokens",
        action="update",
        description="Create tokens for programs, and revoke anybody's.",
    ),
    Permission(
        id="admin.users.manage",
        title="Manage accounts",
        action="update",
        description="Create accounts, switch them on and off, make administrators.",
    ),
    Permission(
        id="admin.webhooks.manage",
        title="Manage webhooks",
        action="update",
        description="Decide which events are sent where.",
    ),
    EventType(
        id="portal.user-changed",
        title="An account was changed",
        description="Created, switched on or off, made administrator or no longer one.",
        schema={
            "type": "object",
            "required": ["username", "change"],
            "properties": {"username": _ONE_NAME, "change": _ONE_NAME},
        },
    ),
    EventType(
        id="portal.token-changed",
        title="An API token was changed",
        description="Created, rotated or revoked.",
        schema={
            "type": "object",
            "required": ["id", "subject", "change"],
            "properties": {"id": _ONE_NAME, "subject": _ONE_NAME, "change": _ONE_NAME},
        },
    ),
    EventType(
        id="portal.plugin-switched",
        title="A plugin was switched on or off",
        schema={
            "type": "object",
            "required": ["name", "enabled"],
            "properties": {"name": _ONE_NAME, "enabled": {"type": "boolean"}},
        },
    ),
)
