"""Policies and roles to start from. The first says exactly what the portal does without any policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from callboard.plugins.rbac.types.document import OWNER_REFS, Match, Member, PolicyDocument, Role, Statement

ALL = Match()
READ = Match(actions=("read",))
ADMINISTRATION = Match(administrative=True)
OWNED = Match(actions=("update", "delete"), resource_types=("catalog-entity",))
TASKS = Match(resource_types=("scaffolder-task",))
BY_TASK_OWNERS = {"rule": "IS_TASK_OWNER", "params": {"createdBy": [OWNER_REFS]}}
BY_OWNERS = {"rule": "IS_ENTITY_OWNER", "params": {"claims": [OWNER_REFS]}}


def _allow(match: Match, condition: Mapping[str, Any] | None = None) -> Statement:
    return Statement("allow", match, condition)


def _named(*names: str) -> tuple[Statement, ...]:
    return tuple(_allow(Match(name=name)) for name in names)


VIEWER = Role(
    "viewer",
    "Viewer",
    "Sees everything that is not administration, and changes nothing.",
    decisions=(Statement("deny", ADMINISTRATION), _allow(READ)),
)
DEVELOPER = Role(
    "developer",
    "Developer",
    "Sees everything, registers and creates, and changes what they own.",
    decisions=(
        Statement("deny", ADMINISTRATION),
        _allow(READ),
        _allow(Match(harmless=True)),
        _allow(OWNED, BY_OWNERS),
        _allow(TASKS, BY_TASK_OWNERS),
        _allow(ALL),
    ),
)
OWNER = Role(
    "owner",
    "Owner",
    "Changes and removes the entities that they or their teams own.",
    decisions=(_allow(Match(name="catalog.entity.read")), _allow(OWNED, BY_OWNERS)),
)
PLATFORM_ENGINEER = Role(
    "platform-engineer",
    "Platform engineer",
    "Changes everything in the catalog and the templates, and keeps jobs, plugins and webhooks running.",
    decisions=(
        *_named("admin.jobs.manage", "admin.plugins.manage", "admin.webhooks.manage"),
        Statement("deny", ADMINISTRATION),
        _allow(ALL),
    ),
)
SECURITY = Role(
    "security",
    "Security",
    "Sees everything, the audit record and all access, and takes access away by editing drafts.",
    decisions=(
        *_named("admin.audit.read", "policy.entity.read", "policy.entity.create", "policy.entity.update"),
        Statement("deny", ADMINISTRATION),
        _allow(READ),
        _allow(Match(harmless=True)),
    ),
)
AUDITOR = Role(
    "auditor",
    "Auditor",
    "Sees everything, also the audit record and who may do what; changes nothing.",
    decisions=(*_named("admin.audit.read", "policy.entity.read"), Statement("deny", ADMINISTRATION), _allow(READ)),
)
ADMINISTRATOR = Role(
    "portal-administrator",
    "Portal administrators",
    "May do everything.",
    requestable=False,
    members=(Member("administrators"),),
    decisions=(_allow(ALL),),
)
GUEST = Role(
    "guest",
    "Guests",
    "Look around and change nothing.",
    requestable=False,
    members=(Member("guests"),),
    decisions=(Statement("deny", ADMINISTRATION), _allow(READ), Statement("deny", ALL)),
)

READY_ROLES = (VIEWER, DEVELOPER, OWNER, PLATFORM_ENGINEER, SECURITY, AUDITOR, ADMINISTRATOR, GUEST)
"""Roles to add to a policy; all but the last two come without members."""


def starting_policy() -> PolicyDocument:
    """Answer the policy that decides as the portal does without one."""
    return PolicyDocument(
        name="Starting policy",
        description="Decides as the portal did before it had a policy: everybody reads, owners change what they own.",
        roles=(
            ADMINISTRATOR,
            GUEST,
            Role(
                "programs",
                "Programs",
                "API tokens without a person: what their scopes allow, but no administration.",
                requestable=False,
                members=(Member("services"),),
                decisions=(Statement("deny", ADMINISTRATION), _allow(ALL)),
            ),
            replace(DEVELOPER, requestable=False, members=(Member("people"),)),
        ),
    )


def strict_policy() -> PolicyDocument:
    """Answer a policy that starts closed: people see, and change only what they own."""
    return PolicyDocument(
        name="Strict policy",
        description="Everybody sees; only owners change, and only what they own.",
        roles=(
            ADMINISTRATOR,
            GUEST,
            replace(OWNER, members=(Member("people"),), requestable=False),
            replace(VIEWER, members=(Member("everyone"),), requestable=False),
        ),
    )
