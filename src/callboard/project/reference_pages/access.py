"""Describe permissions, rules and events."""

from __future__ import annotations

import json

from callboard.core.registry.contract import EventType, Permission, Rule, Subscriber
from callboard.project.reference_pages import text

_PERMISSIONS = """\
Everything that can be done asks for a permission, in the service that does it: the portal's pages, the HTTP API, the
command line and jobs get the same answer. The answer is *allow*, *deny*, or a *condition* on the resource, which
becomes a filter of the database query. Each answer carries its reason.

## Who may do what

The policy is short:

| Caller | May |
|---|---|
| nobody (not signed in) | nothing |
| guest (demo mode, or `auth.guest_without_demo`) | read |
| signed-in person | read; create; change and remove what they or their groups own; change their own settings |
| API token of a person | the same, within the token's scopes |
| API token of its own (`service:NAME`) | what its scopes say |
| administrator | everything |
| whoever may run `callboard` on the machine | everything |

Administrators are accounts made with `callboard user create --administrator` or switched on under
*Administration › Accounts*, and everybody whom `auth.administrators` names, directly or through a group.

Permissions whose name begins with `admin.` are for administrators alone.

## Scopes of API tokens

| Scope | Covers |
|---|---|
| `read` | every permission with the action `read`, except `admin.` |
| `write` | `read`, and every other permission, except `admin.` |
| `admin` | everything |
| the name of a permission | that one |

A token never gives its person more than the person has.
"""

_EVENTS = """\
Whenever something happened, an event says so. It is written in the same transaction as the change, so there is no event
without the change and no change without the event. Plugins subscribe with a `Subscriber`, other systems with a
[webhook](../how-to/webhooks.md). Every event is delivered at least once.

A webhook gets this JSON, and subscribers get its `payload`:

```json
{"id": "…", "event": "catalog.location-registered", "at": "…", "actor": "user:default/ada", "payload": {}}
```
"""


def permissions_page() -> str:
    """Answer the page about permissions and rules."""
    permissions = [
        (f"`{item.id}`", item.action, text.code(item.resource_type), item.description or item.title)
        for _, item in text.bundled(Permission)
    ]
    rules = [
        part
        for _, item in text.bundled(Rule)
        for part in (
            f"### {item.id}",
            f"{item.description or item.title}. Applies to `{item.resource_type}`.",
            text.table(("Parameter", "Type", "Required"), _parameters(item)),
        )
    ]
    return text.page(
        "Permissions and rules",
        _PERMISSIONS,
        "## Permissions",
        text.table(("Permission", "Action", "Resource", "Meaning"), permissions),
        "## Rules",
        "Conditions are made of rules. The HTTP API accepts and answers them under the same names.",
        *rules,
    )


def _parameters(rule: Rule) -> list[tuple[str, str, str]]:
    properties = dict(rule.params_schema.get("properties", {}))
    required = set(rule.params_schema.get("required", ()))
    return [
        (
            f"`{name}`",
            "list of texts" if schema.get("type") == "array" else "text",
            "yes" if name in required else "no",
        )
        for name, schema in properties.items()
    ]


def events_page() -> str:
    """Answer the page about events."""
    parts = []
    subscribers = text.bundled(Subscriber)
    for _, item in text.bundled(EventType):
        parts.append(f"## {item.id}")
        parts.append(f"{item.description or item.title}{'' if (item.description or item.title).endswith('.') else '.'}")
        listening = [f"`{one.id}`" for _, one in subscribers if one.event == item.id]
        if listening:
            parts.append(f"Subscribers that come along: {', '.join(listening)}.")
        parts.append("Payload, as JSON Schema:")
        parts.append(f"```json\n{json.dumps(item.schema, indent=2)}\n```")
    return text.page("Events", _EVENTS, *parts)
