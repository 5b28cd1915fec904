"""What differs between two policies, role by role and decision by decision, in words and as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callboard.plugins.rbac.selectors.sentences import member_words, statement_sentence
from callboard.plugins.rbac.types.document import PolicyDocument, Role
from callboard.plugins.rbac.types.reading import role_to_data, statement_to_data


@dataclass(frozen=True)
class Line:
    """One thing that was added, removed, or stayed; ``mark`` is ``+``, ``-`` or empty."""

    mark: str
    text: str


@dataclass(frozen=True)
class RoleDiff:
    """What became of one role; ``how`` is added, removed, changed or moved."""

    name: str
    title: str
    how: str
    facts: tuple[Line, ...] = ()
    members: tuple[Line, ...] = ()
    decisions: tuple[Line, ...] = ()


@dataclass(frozen=True)
class PolicyDiff:
    """What became of a policy."""

    facts: tuple[Line, ...]
    roles: tuple[RoleDiff, ...]

    @property
    def nothing(self) -> bool:
        """Whether they are equal."""
        return not self.facts and not self.roles


def differences(before: PolicyDocument, after: PolicyDocument) -> PolicyDiff:
    """Compare two policies; roles are the same when they have the same name."""
    facts = _facts(
        (("name", before.name, after.name), ("description", before.description, after.description))
    ) + _facts((("resolution", before.resolution, after.resolution),))
    was = {role.name: role for role in before.roles}
    will = {role.name: role for role in after.roles}
    kept_before = [name for name in was if name in will]
    kept_after = [name for name in will if name in was]
    moved = {b for a, b in zip(kept_before, kept_after, strict=True) if a != b}
    found = []
    for name in (*will, *(name for name in was if name not in will)):
        diff = _role(was.get(name), will.get(name), name in moved)
        if diff is not None:
            found.append(diff)
    return PolicyDiff(facts, tuple(found))


def _facts(pairs: Any) -> tuple[Line, ...]:
    lines: list[Line] = []
    for what, was, will in pairs:
        if was != will:
            lines += [Line("-", f"{what}: {was}")] if was else []
            lines += [Line("+", f"{what}: {will}")] if will else []
    return tuple(lines)


def _role(was: Role | None, will: Role | None, moved: bool) -> RoleDiff | None:
    role = will or was
    if role is None or (was == will and not moved):
        return None
    facts = _facts(
        tuple((name, getattr(was, name, ""), getattr(will, name, "")) for name in ("title", "description", "owner"))
    )
    return RoleDiff(
        role.name,
        role.label,
        "added" if was is None else "removed" if will is None else "moved" if was == will else "changed",
        facts,
        _lines(_members(was), _members(will)),
        _lines(_sentences(was), _sentences(will), whole=was != will and bool(was) and bool(will)),
    )


def _members(role: Role | None) -> list[str]:
    if role is None:
        return []
    return [
        member_words(m) + (f" ({m.ref})" if m.ref else "") + (f" – {m.until:%Y-%m-%d}" if m.until else "")
        for m in role.members
    ]


def _sentences(role: Role | None) -> list[str]:
    return [statement_sentence(s) for s in role.decisions] if role else []


def _lines(was: list[str], will: list[str], *, whole: bool = False) -> tuple[Line, ...]:
    if was == will:
        return ()
    if not whole:
        gone = [Line("-", text) for text in was if text not in will]
        return (*gone, *(Line("+", text) for text in will if text not in was))
    from difflib import SequenceMatcher  # noqa: PLC0415 - of use on one page

    lines: list[Line] = []
    for tag, a, b, c, d in SequenceMatcher(None, was, will, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [Line("", text) for text in was[a:b]]
        else:
            lines += [Line("-", text) for text in was[a:b]] + [Line("+", text) for text in will[c:d]]
    return tuple(lines)


def diff_data(before: PolicyDocument, after: PolicyDocument) -> dict[str, Any]:
    """Answer the differences as plain data, for the audit record and programs."""
    was = {role.name: role for role in before.roles}
    will = {role.name: role for role in after.roles}
    changed = {}
    for name in was.keys() & will.keys():
        a, b = was[name], will[name]
        if a != b:
            members_a, members_b = ({m.text for m in role.members} for role in (a, b))
            entry: dict[str, Any] = {
                "members_added": sorted(members_b - members_a),
                "members_removed": sorted(members_a - members_b),
            }
            if a.decisions != b.decisions:
                entry["decisions_before"] = [statement_to_data(s) for s in a.decisions]
                entry["decisions_after"] = [statement_to_data(s) for s in b.decisions]
            changed[name] = {key: value for key, value in entry.items() if value}
    return {
        "roles_added": [role_to_data(will[name]) for name in will if name not in was],
        "roles_removed": sorted(was.keys() - will.keys()),
        "roles_changed": changed,
        **({"resolution": [before.resolution, after.resolution]} if before.resolution != after.resolution else {}),
        **({"name": [before.name, after.name]} if before.name != after.name else {}),
    }
