"""Count whom and what a policy reaches: people by role, resources by condition, who can do what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import BooleanField, Case, Q, Value, When
from django.utils import timezone

from callboard.plugins.rbac.selectors.active import criteria_for, decision_of
from callboard.plugins.rbac.types.deciding import Compiled, Verdict
from callboard.plugins.rbac.types.document import PolicyDocument, Role, Statement
from callboard.plugins.rbac.types.reading import has_placeholder
from callboard.sdk.auth import GUEST, Principal, everybody, guests_welcome
from callboard.sdk.contributions import Permission, ResourceType
from callboard.sdk.permissions import Criteria, to_query
from callboard.sdk.plugins import contribution, contributions, registry

CHUNK = 100


@dataclass(frozen=True)
class Count:
    """How many of how many. ``each`` says that everybody gets a part of their own of these."""

    count: int
    total: int
    each: bool = False


@dataclass(frozen=True)
class Reach:
    """Whom a decision of a role reaches, and what; ``what`` is nothing where there are no resources."""

    people: int
    permissions: int
    what: Count | None
    resource_type: str = ""


@dataclass(frozen=True)
class Can:
    """Somebody and what is decided for them."""

    who: Principal
    verdict: Verdict
    allowed: bool | None


def population() -> list[Principal]:
    """Answer everybody there is, and the guest where guests are welcome."""
    return [*everybody(), GUEST] if guests_welcome() else everybody()


def members_of(role: Role, people: Sequence[Principal]) -> list[Principal]:
    """Answer who is in a role now."""
    compiled, now = Compiled(PolicyDocument(roles=(role,))), timezone.now()
    return [who for who in people if compiled.roles_of(who, now)]


def by_roles(compiled: Compiled, people: Iterable[Principal]) -> dict[tuple[int, ...], list[Principal]]:
    """Answer people by the roles they have: whoever has the same, is decided the same."""
    found: dict[tuple[int, ...], list[Principal]] = {}
    now = timezone.now()
    for who in people:
        found.setdefault(compiled.roles_of(who, now), []).append(who)
    return found


def reach_of(role: Role, statement: Statement, people: Sequence[Principal]) -> Reach:
    """Answer whom and what one decision reaches, whatever other decisions say."""
    members = members_of(role, people)
    compiled = Compiled(PolicyDocument(roles=(replace(role, decisions=(statement,)),)))
    meant = [
        item
        for item in contributions(Permission)
        if compiled.judge(compiled.document.roles, item, registry.owner_of(item)).steps
    ]
    kind = next((item.resource_type for item in meant if item.resource_type), "")
    what = count_resources(kind, statement.condition, members) if kind and statement.effect == "allow" else None
    return Reach(len(members), len(meant), what, kind)


def count_resources(
    resource_type: str, condition: Mapping[str, Any] | None, people: Sequence[Principal]
) -> Count | None:
    """Count the resources that a condition opens to at least one of these people."""
    kind = contribution(ResourceType, resource_type)
    if kind is None:
        return None
    total = kind.queryset().count()
    if condition is None:
        return Count(total if people else 0, total)
    found = kind.queryset().filter(to_query(criteria_for(condition, resource_type, together(people))))
    return Count(found.count() if people else 0, total, has_placeholder(condition))


def together(people: Sequence[Principal]) -> Principal:
    """Answer one caller who owns what all of these own together: for counting what anybody of them reaches."""
    refs = dict.fromkeys(ref for who in people for ref in (who.ref, *who.ownership_refs))
    return Principal("user", people[0].ref if people else "user:default/nobody", "", tuple(refs))


def who_can(compiled: Compiled, permission: Permission, ref: str, people: Sequence[Principal]) -> list[Can]:
    """Answer for everybody whether they may; with a resource, conditions are checked against it in few queries."""
    plugin = registry.owner_of(permission)
    found: list[Can] = []
    open_: list[tuple[Principal, Verdict]] = []
    for roles, group in by_roles(compiled, people).items():
        verdict = compiled.verdict(roles, permission, plugin)
        if verdict.condition is not None and ref:
            open_ += [(who, verdict) for who in group]
        else:
            allowed = None if verdict.condition is not None else verdict.result == "allow"
            found += [Can(who, verdict, allowed) for who in group]
    if open_:
        met = _met(permission.resource_type, ref, open_)
        found += [Can(who, verdict, who.ref in met) for who, verdict in open_]
    return sorted(
        found, key=lambda can: (can.allowed is False, can.allowed is None, can.who.name.casefold(), can.who.ref)
    )


def _met(resource_type: str, ref: str, asked: Sequence[tuple[Principal, Verdict]]) -> set[str]:
    """Answer whose condition one resource meets: a hundred people a query."""
    kind = contribution(ResourceType, resource_type)
    if kind is None:
        return set()
    shared: dict[str, Q] = {}
    for who, verdict in asked:
        condition = verdict.condition or {}
        if not has_placeholder(condition):
            shared.setdefault(repr(condition), to_query(criteria_for(condition, resource_type, who)))
    answers = _ask(kind, ref, shared)
    found = {who.ref for who, verdict in asked if answers.get(repr(verdict.condition or {}))}
    own = [(who, verdict) for who, verdict in asked if has_placeholder(verdict.condition)]
    for start in range(0, len(own), CHUNK):
        chunk = own[start : start + CHUNK]
        questions = {
            who.ref: to_query(criteria_for(verdict.condition or {}, resource_type, who)) for who, verdict in chunk
        }
        found |= {key for key, yes in _ask(kind, ref, questions).items() if yes}
    return found


def _ask(kind: ResourceType, ref: str, questions: Mapping[str, Q]) -> dict[str, bool]:
    if not questions:
        return {}
    keys = list(questions)
    asked = {
        f"met_{n}": Case(When(questions[key], then=Value(True)), default=Value(False), output_field=BooleanField())
        for n, key in enumerate(keys)
    }
    row = kind.queryset().filter(kind.lookup(ref)).annotate(**asked).values_list(*asked).first()
    return dict(zip(keys, row, strict=True)) if row else {}


@dataclass(frozen=True)
class CanDo:
    """A permission and what is decided on it for one person."""

    permission: Permission
    plugin: str
    verdict: Verdict
    count: Count | None


def what_can(compiled: Compiled, who: Principal, *, counted: bool = True) -> list[CanDo]:
    """Answer everything one person may do, with how many resources a condition leaves them."""
    roles = compiled.roles_of(who, timezone.now())
    found = []
    counts: dict[str, Count | None] = {}
    for permission in sorted(contributions(Permission), key=lambda item: item.id):
        plugin = registry.owner_of(permission)
        verdict = compiled.verdict(roles, permission, plugin)
        count = None
        if counted and verdict.condition is not None:
            key = f"{permission.resource_type} {verdict.condition!r}"
            if key not in counts:
                counts[key] = count_resources(permission.resource_type, verdict.condition, [who])
            count = counts[key]
        found.append(CanDo(permission, plugin, verdict, count))
    return found


def criteria_of(compiled: Compiled, permission: Permission, who: Principal) -> Criteria | None:
    """Answer the condition under which somebody may, if there is one."""
    return decision_of(compiled, permission, who, timezone.now()).criteria


def rows_of(cans: Iterable[Can]) -> Iterator[list[str]]:
    """Yield a report as rows of a table, with a heading."""
    yield ["ref", "name", "decision", "reason"]
    for can in cans:
        word = {True: "allow", False: "deny", None: "conditional"}[can.allowed]
        yield [can.who.ref, can.who.name, word, can.verdict.reason]
