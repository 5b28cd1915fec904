"""Decide by a policy: which roles somebody has, which decisions match, how they meet; and say why.

A policy is compiled once. Roles of a person and verdicts of a set of roles are kept, so that a question that was
asked before costs two look-ups in a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from callboard.plugins.rbac.types.document import (
    CURRENT_USER,
    OWNER_REFS,
    Match,
    Member,
    PolicyDocument,
    Role,
    Statement,
)
from callboard.sdk.contributions import Permission

Result = Literal["allow", "deny", "conditional"]
KEPT = 50_000


class Who(Protocol):
    """What deciding needs to know of a caller."""

    @property
    def type(self) -> Any:
        """Guest, user, service."""
        ...

    @property
    def ref(self) -> str:
        """What is written down."""
        ...

    @property
    def ownership_refs(self) -> tuple[str, ...]:
        """Own ref and groups."""
        ...

    @property
    def administrator(self) -> bool:
        """Whether the account is an administrator's."""
        ...

    @property
    def idp_groups(self) -> tuple[str, ...]:
        """Groups of the identity provider."""
        ...


@dataclass(frozen=True)
class Step:
    """One decision that was looked at: whose it is, which, whether it decided."""

    role: str
    role_title: str
    index: int
    statement: Statement
    counts: bool


@dataclass(frozen=True)
class Verdict:
    """What the policy says to a set of roles: ``condition`` is there when it is conditional, with placeholders."""

    result: Result
    reason: str
    condition: Mapping[str, Any] | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Membership:
    """A membership beside the document: access that was granted for a time."""

    role: str
    member: Member


@dataclass
class Compiled:
    """A policy made ready to answer."""

    document: PolicyDocument
    granted: tuple[Membership, ...] = ()
    _by_member: dict[tuple[str, str], list[tuple[int, datetime | None]]] = field(default_factory=dict)
    _has_until: bool = False
    _people: dict[Any, tuple[int, ...]] = field(default_factory=dict)
    _verdicts: dict[tuple[tuple[int, ...], str], Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the members."""
        place = {role.name: index for index, role in enumerate(self.document.roles)}
        members = [(index, member) for index, role in enumerate(self.document.roles) for member in role.members]
        members += [(place[item.role], item.member) for item in self.granted if item.role in place]
        for index, member in members:
            self._by_member.setdefault((member.type, member.ref), []).append((index, member.until))
            self._has_until = self._has_until or member.until is not None

    # --- Roles ------------------------------------------------------------------

    def roles_of(self, who: Who, now: datetime) -> tuple[int, ...]:
        """Answer the places of the roles somebody has, in the order of the policy."""
        key: tuple[Any, ...] = (who.type, who.ref, who.ownership_refs, who.administrator, who.idp_groups)
        if self._has_until:
            key = (*key, int(now.timestamp()) // 10)  # what ends, ends within ten seconds
        found = self._people.get(key)
        if found is None:
            if len(self._people) > KEPT:
                self._people.clear()
            found = self._people[key] = self._find_roles(who, now)
        return found

    def _find_roles(self, who: Who, now: datetime) -> tuple[int, ...]:
        found: set[int] = set()
        for key in member_keys(who):
            for index, until in self._by_member.get(key, ()):
                if until is None or until > now:
                    found.add(index)
        return tuple(sorted(found))

    # --- Verdicts ---------------------------------------------------------------

    def verdict(self, roles: tuple[int, ...], permission: Permission, plugin: str) -> Verdict:
        """Answer what the policy says of a permission to somebody with these roles."""
        key = (roles, permission.id)
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) > KEPT:
                self._verdicts.clear()
            found = self._verdicts[key] = self.judge([self.document.roles[i] for i in roles], permission, plugin)
        return found

    def judge(self, roles: Sequence[Role], permission: Permission, plugin: str) -> Verdict:
        """Answer what these roles say of a permission, with every decision that matched."""
        first_match = self.document.resolution == "first-match"
        said: list[tuple[Role, int, Statement]] = []
        also: list[tuple[Role, int, Statement]] = []
        for role in roles:
            matching = [(n, s) for n, s in enumerate(role.decisions) if matches(s.match, permission, plugin)]
            # Within a role the order counts in every resolution: what stands first is what the role says.
            for place, (n, statement) in enumerate(matching):
                (said if place == 0 else also).append((role, n, statement))
        if first_match:
            said, rest = said[:1], said[1:]
            also = [*rest, *also]
        counting = _counting(said, self.document.resolution)
        order = {role.name: index for index, role in enumerate(roles)}
        looked_at = sorted([*said, *also], key=lambda item: (order[item[0].name], item[1]))
        steps = tuple(
            Step(role.name, role.label, n, statement, (role.name, n) in counting) for role, n, statement in looked_at
        )
        return _combined(said, self.document.resolution, steps, bool(roles))


def _counting(said: list[tuple[Role, int, Statement]], resolution: str) -> set[tuple[str, int]]:
    if resolution == "any-allow":
        plain = [item for item in said if item[2].effect == "allow" and item[2].condition is None]
        chosen = plain[:1] or [item for item in said if item[2].effect == "allow"] or said
    else:
        denied = [item for item in said if item[2].effect == "deny"]
        plain = [item for item in said if item[2].condition is None]
        chosen = denied[:1] or plain[:1] or said
    return {(role.name, n) for role, n, _ in chosen}


def _combined(
    said: list[tuple[Role, int, Statement]], resolution: str, steps: tuple[Step, ...], has_roles: bool
) -> Verdict:
    if not said:
        why = "no role of yours says anything about it" if has_roles else "you have no role"
        return Verdict("deny", why, None, steps)
    denied = [role for role, _n, statement in said if statement.effect == "deny"]
    allowed = [(role, statement) for role, _n, statement in said if statement.effect == "allow"]
    if denied and (resolution != "any-allow" or not allowed):
        return Verdict("deny", f"the role {denied[0].label} denies it", None, steps)
    for role, statement in allowed:
        if statement.condition is None:
            return Verdict("allow", f"the role {role.label} allows it", None, steps)
    names = ", ".join(dict.fromkeys(role.label for role, _ in allowed))
    conditions = [statement.condition for _, statement in allowed if statement.condition is not None]
    condition = simplified({"anyOf": conditions}) if len(conditions) > 1 else conditions[0]
    word = "role" if len({role.name for role, _ in allowed}) == 1 else "roles"
    return Verdict(
        "conditional", f"the {word} {names} {'allows' if word == 'role' else 'allow'} it on some", condition, steps
    )


def member_keys(who: Who) -> Iterable[tuple[str, str]]:
    """Yield everything by which somebody may be a member of a role."""
    yield "everyone", ""
    if who.administrator:
        yield "administrators", ""
    if who.type == "guest":
        yield "guests", ""
    elif who.type == "service":
        yield "services", ""
        yield "service", who.ref.removeprefix("service:").lower()
    elif who.type == "user":
        yield "people", ""
    kind, _colon, rest = who.ref.partition(":")
    if kind == "user":
        yield "namespace", rest.partition("/")[0]
        yield "user", who.ref
    for ref in who.ownership_refs:
        yield ref.partition(":")[0], ref
    for group in who.idp_groups:
        yield "idp-group", group
        yield "idp-group", group.partition(":")[2]


def matches(match: Match, permission: Permission, plugin: str) -> bool:
    """Whether a decision is about a permission."""
    if match.name:
        if match.name.endswith("*"):
            if not permission.id.startswith(match.name[:-1]):
                return False
        elif match.name != permission.id:
            return False
    return (
        (not match.actions or permission.action in match.actions)
        and (not match.resource_types or permission.resource_type in match.resource_types)
        and (not match.plugins or plugin in match.plugins)
        and (match.harmless is None or match.harmless == permission.harmless)
        and (match.administrative is None or match.administrative == permission.for_administrators)
    )


def filled(condition: Mapping[str, Any], who: Who) -> dict[str, Any]:
    """Answer a condition with the placeholders replaced by the refs of whoever asks."""
    if "rule" in condition:
        return {"rule": condition["rule"], "params": _fill(condition.get("params") or {}, who)}
    if "not" in condition:
        return {"not": filled(condition["not"], who)}
    key = "allOf" if "allOf" in condition else "anyOf"
    return {key: [filled(part, who) for part in condition[key]]}


def _fill(value: Any, who: Who) -> Any:
    if isinstance(value, Mapping):
        return {key: _fill(inner, who) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        found: list[Any] = []
        for inner in value:
            if inner == OWNER_REFS:
                found.extend(who.ownership_refs or (who.ref,))
            elif inner == CURRENT_USER:
                found.append(who.ref)
            else:
                found.append(_fill(inner, who))
        return found
    if value == CURRENT_USER:
        return who.ref
    return list(who.ownership_refs or (who.ref,)) if value == OWNER_REFS else value


def simplified(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Answer an equal condition without repetitions and needless levels, so that its SQL is short.

    Alternatives of kinds, and of owners, become one rule with more values: hundreds of roles make one filter.
    """
    if "rule" in condition:
        return dict(condition)
    if "not" in condition:
        return {"not": simplified(condition["not"])}
    key = "allOf" if "allOf" in condition else "anyOf"
    parts: list[dict[str, Any]] = []
    for part in map(simplified, condition[key]):
        parts.extend(part.get(key, [part]))
    if key == "anyOf":
        parts = _merged(parts)
    unique = list({repr(sorted(part.items(), key=str)): part for part in parts}.values())
    return unique[0] if len(unique) == 1 else {key: unique}


_ALTERNATIVES = {"IS_ENTITY_KIND": "kinds", "IS_ENTITY_OWNER": "claims"}
"""Rules whose one parameter is a list of alternatives."""


def _merged(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for part in parts:
        rule = str(part.get("rule", ""))
        name = _ALTERNATIVES.get(rule, "")
        params = part.get("params") or {}
        if not name or set(params) != {name} or not isinstance(params[name], list):
            found.append(part)
        elif rule in places:
            values = found[places[rule]]["params"][name]
            found[places[rule]] = {"rule": rule, "params": {name: list(dict.fromkeys([*values, *params[name]]))}}
        else:
            places[rule] = len(found)
            found.append({"rule": rule, "params": {name: list(params[name])}})
    return found


def with_role(document: PolicyDocument, name: str, member: Member) -> PolicyDocument:
    """Answer the policy as it would be with one more member in a role."""
    roles = tuple(
        replace(role, members=(*role.members, member)) if role.name == name else role for role in document.roles
    )
    return replace(document, roles=roles)
