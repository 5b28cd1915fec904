"""Read the files of the community's RBAC plugin: casbin lines (`p, …` and `g, …`) and conditional policies in YAML."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.plugins.rbac.types.document import Match, Member, PolicyDocument, Role, Statement
from callboard.plugins.rbac.types.reading import ACTIONS, read_document, read_member

USE = {"use": ""}


@dataclass
class Imported:
    """What was read, and what could not be."""

    document: PolicyDocument
    problems: list[Problem] = field(default_factory=list)


def read_community(csv_text: str, conditions: list[tuple[Any, int]], url: str = "rbac-policy.csv") -> Imported:
    """Answer one policy of the lines and the conditional policies; what cannot be used is told with its line.

    The original lets any denial win over any allowance, and so does the result.
    """
    reader = _Reader(url)
    rows = csv.reader(csv_text.splitlines(), skipinitialspace=True)
    for row in rows:
        reader.line(row, rows.line_num)
    for value, line in conditions:
        reader.conditional(value, line)
    document = PolicyDocument(
        name="Imported policy",
        description="Imported from the community's RBAC files.",
        resolution="deny-overrides",
        roles=tuple(reader.role(name) for name in reader.names),
    )
    return Imported(document, reader.problems)


class _Reader:
    def __init__(self, url: str) -> None:
        self.url = url
        self.problems: list[Problem] = []
        self.names: dict[str, None] = {}
        self.members: dict[str, dict[Member, None]] = {}
        self.decisions: dict[str, list[Statement]] = {}
        self.conditions: dict[str, list[Statement]] = {}

    def say(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem("community-rbac", message, remedy, Place(self.url, line)))

    def role(self, name: str) -> Role:
        # Denials first: within a role the first decision that matches counts.
        plain_ = self.decisions.get(name, [])
        denials = [item for item in plain_ if item.effect == "deny"]
        conditional = self.conditions.get(name, [])
        # A conditional policy takes the place of a plain permission on the same thing.
        allowed = [item for item in plain_ if item.effect == "allow"]
        title = name.rpartition("/")[2]
        decisions: list[Statement] = []
        for item in (*denials, *conditional, *allowed):
            if item not in decisions:
                decisions.append(item)
        return Role(name, title, members=tuple(self.members.get(name, ())), decisions=tuple(decisions))

    def line(self, row: list[str], number: int) -> None:
        cells = [cell.strip() for cell in row]
        if not cells or not cells[0] or cells[0].startswith("#"):
            return
        if cells[0] == "p" and len(cells) == 5:
            self.permission(cells, number)
        elif cells[0] == "g" and len(cells) == 3:
            self.grouping(cells, number)
        else:
            self.say(
                number,
                f"This line is neither `p` with four values nor `g` with two: {', '.join(cells)[:100]}",
                "Write p, role:default/name, permission, action, allow or g, user:default/name, role:default/name.",
            )

    def known(self, text: str, number: int) -> str:
        name = role_name(text)
        if not name:
            self.say(number, f"{text!r} is no role.", "Write role:default/name.")
        else:
            self.names.setdefault(name)
        return name

    def permission(self, cells: list[str], number: int) -> None:
        _p, role, permission, action, effect = cells
        name = self.known(role, number)
        if effect not in {"allow", "deny"}:
            self.say(number, f"The effect is {effect!r}.", "Write allow or deny.")
            return
        match = match_of(permission, action)
        if match is None:
            self.say(number, f"There is no action {action!r}.", f"Write {', '.join(ACTIONS)} or use.")
            return
        if name:
            self.decisions.setdefault(name, []).append(Statement("allow" if effect == "allow" else "deny", match))

    def grouping(self, cells: list[str], number: int) -> None:
        _g, member, role = cells
        name = self.known(role, number)
        try:
            found = read_member(member)
        except ProblemError as error:
            self.say(number, error.problems[0].message, error.problems[0].remedy)
            return
        if name:
            self.members.setdefault(name, {}).setdefault(found)

    def conditional(self, value: Any, line: int) -> None:
        if not isinstance(value, Mapping):
            self.say(
                line, "This is no conditional policy.", "Write result, roleEntityRef, resourceType and conditions."
            )
            return
        name = self.known(str(value.get("roleEntityRef", "")), line)
        resource = str(value.get("resourceType", ""))
        actions = tuple(
            str(item.get("action") if isinstance(item, Mapping) else item)
            for item in value.get("permissionMapping") or ()
        )
        wrong = [action for action in actions if action not in ACTIONS]
        if not name:
            return
        if not resource or wrong or str(value.get("result", "CONDITIONAL")).upper() != "CONDITIONAL":
            said = f"There is no action {wrong[0]!r}." if wrong else "The resource type or the result is missing."
            self.say(line, said, "Compare it with the documentation of the community's plugin.")
            return
        try:
            statement = condition_from_wire(resource, list(actions), value.get("conditions"))
        except ProblemError as error:
            self.say(line, error.problems[0].message, error.problems[0].remedy)
            return
        self.conditions.setdefault(name, []).append(statement)


def condition_from_wire(resource_type: str, actions: list[str], conditions: Any) -> Statement:
    """Answer one decision for a conditional policy; raise :class:`ProblemError` for what is none."""
    decision = {"allow": {"action": actions, "resource": [resource_type]}, "if": _without_types(conditions)}
    return read_document({"roles": [{"name": "x", "decisions": [decision]}]}).roles[0].decisions[0]


def role_name(text: str) -> str:
    """Answer the name of a role as this portal spells it, or nothing if it is none: ``role:default/x`` is ``x``."""
    kind, _colon, rest = text.partition(":")
    if kind.lower() != "role" or not rest:
        return ""
    namespace, slash, name = rest.partition("/")
    short = (name if slash and namespace == "default" else rest).lower()
    try:
        return read_document({"roles": [{"name": short}]}).roles[0].name
    except ProblemError:
        return ""


def match_of(permission: str, action: str) -> Match | None:
    """Answer which permissions a line is about: by name with a dot in it, otherwise by resource type."""
    action = action.lower()
    if action not in (*ACTIONS, *USE):
        return None
    if "." in permission:
        return Match(name=permission, actions=() if action in USE else (action,))
    return Match(resource_types=(permission,), actions=() if action in USE else (action,))


def _without_types(value: Any) -> Any:
    """Drop the resource types of leaves: a decision names it once."""
    if isinstance(value, list):
        return [_without_types(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _without_types(inner) for key, inner in value.items() if key != "resourceType"}
    return value
