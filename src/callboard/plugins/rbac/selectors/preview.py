"""What changes if a policy is published: people and resources gained and lost, self-elevation, lock-out.

People with the same roles before and after are decided the same, so that thousands of people are a few dozen groups;
each permission is judged once a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils import timezone

from callboard.plugins.rbac.selectors.active import criteria_for
from callboard.plugins.rbac.selectors.reach import together
from callboard.plugins.rbac.types.deciding import Compiled, Verdict
from callboard.plugins.rbac.types.reading import has_placeholder
from callboard.plugins.rbac.types.ready import starting_policy
from callboard.sdk.auth import Principal
from callboard.sdk.contributions import Permission, ResourceType
from callboard.sdk.permissions import to_query
from callboard.sdk.plugins import contribution, contributions, registry

PUBLISH = "rbac.policy.publish"
SAMPLE = 12
EVERYTHING = ~Q(pk__in=[])
NOTHING = Q(pk__in=[])


@dataclass
class Change:
    """What becomes of one permission: who gains, loses, or gets another condition; and resources where they differ."""

    permission: Permission
    gained: list[Principal] = field(default_factory=list)
    lost: list[Principal] = field(default_factory=list)
    altered: list[Principal] = field(default_factory=list)
    resources_gained: int = 0
    resources_lost: int = 0
    resource_sample_gained: list[str] = field(default_factory=list)
    resource_sample_lost: list[str] = field(default_factory=list)
    each: bool = False

    @property
    def people(self) -> int:
        """How many people notice."""
        return len(self.gained) + len(self.lost) + len(self.altered)


@dataclass(frozen=True)
class RoleChange:
    """Who joins and leaves a role."""

    name: str
    title: str
    joined: tuple[Principal, ...]
    left: tuple[Principal, ...]


@dataclass(frozen=True)
class Preview:
    """Everything that publishing would do."""

    changes: tuple[Change, ...]
    roles: tuple[RoleChange, ...]
    people: int
    elevated: tuple[str, ...]
    publishers: tuple[Principal, ...]
    locked_out: bool

    @property
    def nothing(self) -> bool:
        """Whether nobody would notice."""
        return not self.changes

    @property
    def affected(self) -> int:
        """How many different people notice."""
        every = (who.ref for change in self.changes for who in (*change.gained, *change.lost, *change.altered))
        return len(set(every))

    @property
    def gaining(self) -> int:
        """How many people get more."""
        return len({who.ref for change in self.changes for who in change.gained})

    @property
    def losing(self) -> int:
        """How many people get less."""
        return len({who.ref for change in self.changes for who in change.lost})


def preview(
    before: Compiled | None, after: Compiled, people: Sequence[Principal], publisher: Principal | None = None
) -> Preview:
    """Compare two policies over all people and permissions; without one before, with what the portal does then."""
    old = before or Compiled(starting_policy())
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Principal]] = {}
    now = timezone.now()
    for who in people:
        groups.setdefault((old.roles_of(who, now), after.roles_of(who, now)), []).append(who)
    changes: dict[str, Change] = {}
    conditions: dict[str, dict[str, tuple[Verdict, Verdict, list[Principal]]]] = {}
    for permission in contributions(Permission):
        plugin = registry.owner_of(permission)
        for (was_roles, now_roles), group in groups.items():
            was = old.verdict(was_roles, permission, plugin)
            will = after.verdict(now_roles, permission, plugin)
            if was.result == will.result and was.condition == will.condition:
                continue
            change = changes.setdefault(permission.id, Change(permission))
            _side(change, was, will).extend(group)
            if permission.resource_type and (was.condition is not None or will.condition is not None):
                pair = conditions.setdefault(permission.id, {})
                key = f"{was.result}{was.condition!r}{will.result}{will.condition!r}"
                pair.setdefault(key, (was, will, []))[2].extend(group)
            elif permission.resource_type:
                pair = conditions.setdefault(permission.id, {})
                pair.setdefault(f"{was.result}{will.result}", (was, will, []))[2].extend(group)
    for name, pairs in conditions.items():
        _count(changes[name], pairs.values())
    publishers = _publishers(after, people)
    return Preview(
        changes=tuple(sorted(changes.values(), key=lambda c: (-c.people, c.permission.id))),
        roles=tuple(_roles(old, after, people)),
        people=len(people),
        elevated=_elevated(changes, publisher),
        publishers=tuple(publishers),
        locked_out=not publishers,
    )


def _side(change: Change, was: Verdict, will: Verdict) -> list[Principal]:
    if was.result == "deny" or (will.result == "allow" and was.result == "conditional"):
        return change.gained
    if will.result == "deny" or (was.result == "allow" and will.result == "conditional"):
        return change.lost
    return change.altered


def _count(change: Change, pairs: Any) -> None:
    """Count the resources that somebody gains and somebody loses: the larger of the groups, not their sum."""
    kind = contribution(ResourceType, change.permission.resource_type)
    if kind is None:
        return
    field_ = kind.ref_field
    for was, will, group in pairs:
        seen = together(group)
        had = _query(was, change.permission.resource_type, seen)
        has = _query(will, change.permission.resource_type, seen)
        change.each = change.each or has_placeholder(was.condition) or has_placeholder(will.condition)
        gains = kind.queryset().filter(has).exclude(had)
        loses = kind.queryset().filter(had).exclude(has)
        gained = gains.count() if has is not NOTHING else 0
        lost = loses.count() if had is not NOTHING else 0
        if gained > change.resources_gained:
            change.resources_gained = gained
            change.resource_sample_gained = list(gains.values_list(field_, flat=True)[:SAMPLE]) if field_ else []
        if lost > change.resources_lost:
            change.resources_lost = lost
            change.resource_sample_lost = list(loses.values_list(field_, flat=True)[:SAMPLE]) if field_ else []


def _query(verdict: Verdict, resource_type: str, who: Principal) -> Any:
    if verdict.result == "allow":
        return EVERYTHING
    if verdict.condition is None:
        return NOTHING
    return to_query(criteria_for(verdict.condition, resource_type, who))


def _publishers(after: Compiled, people: Sequence[Principal]) -> list[Principal]:
    """Answer who could publish the next policy and thereby undo this one: people who can sign in."""
    permission = contribution(Permission, PUBLISH)
    if permission is None:
        return []
    now, plugin = timezone.now(), registry.owner_of(permission)
    return [
        who
        for who in people
        if who.user_id is not None
        and who.type == "user"
        and after.verdict(after.roles_of(who, now), permission, plugin).result == "allow"
    ]


def _elevated(changes: Mapping[str, Change], publisher: Principal | None) -> tuple[str, ...]:
    """Answer the permissions that whoever publishes would gain by it."""
    if publisher is None:
        return ()
    return tuple(
        sorted(name for name, change in changes.items() if any(who.ref == publisher.ref for who in change.gained))
    )


def _roles(old: Compiled, after: Compiled, people: Sequence[Principal]) -> list[RoleChange]:
    now = timezone.now()
    was: dict[str, dict[str, Principal]] = {}
    will: dict[str, dict[str, Principal]] = {}
    for compiled, found in ((old, was), (after, will)):
        for who in people:
            for place in compiled.roles_of(who, now):
                found.setdefault(compiled.document.roles[place].name, {})[who.ref] = who
    names = {role.name: role.label for role in (*old.document.roles, *after.document.roles)}
    changes = []
    for name, title in names.items():
        left = [who for ref, who in was.get(name, {}).items() if ref not in will.get(name, {})]
        joined = [who for ref, who in will.get(name, {}).items() if ref not in was.get(name, {})]
        if left or joined:
            changes.append(RoleChange(name, title, tuple(joined), tuple(left)))
    return changes
