"""Check what a policy names against what there is: permissions, rules with their parameters, people and groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callboard.lib.nearest import nearest
from callboard.lib.problems import Place, Problem, Severity
from callboard.plugins.rbac.types.deciding import matches
from callboard.plugins.rbac.types.document import OWNER_REFS, PLACEHOLDERS, Match, PolicyDocument, Statement
from callboard.plugins.rbac.types.originals import ORIGINAL_PERMISSIONS
from callboard.sdk.auth import Listed, people_directory
from callboard.sdk.contributions import Permission, ResourceType, Rule
from callboard.sdk.permissions import params_problem
from callboard.sdk.plugins import contribution, contributions, registry

MAX_PROBLEMS = 500


def problems_of(document: PolicyDocument) -> list[Problem]:
    """Answer everything in a policy that cannot work (errors) or will not do what it seems to (warnings)."""
    checker = _Checker()
    for index, role in enumerate(document.roles):
        for n, statement in enumerate(role.decisions):
            checker.statement(statement, f"roles[{index}].decisions[{n}]")
    checker.members(document)
    return checker.problems[:MAX_PROBLEMS]


def errors_of(document: PolicyDocument) -> list[Problem]:
    """Answer what keeps a policy from being published."""
    return [problem for problem in problems_of(document) if problem.severity == "error"]


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.permissions = contributions(Permission)
        self.ids = {item.id for item in self.permissions} | {item.id for _, item in registry.every(Permission)}
        self.plugins = {loaded.plugin.name for loaded in registry.plugins()}
        self.resource_types = {item.id for _, item in registry.every(ResourceType)}
        self.owners = {item.id: registry.owner_of(item) for item in self.permissions}

    def say(self, path: str, message: str, remedy: str, severity: Severity = "error") -> None:
        self.problems.append(Problem("policy", message, remedy, Place(path=path), severity))

    def statement(self, statement: Statement, path: str) -> None:
        where = f"{path}.{statement.effect}"
        self.match(statement.match, where)
        if statement.condition is None:
            return
        meant = [item for item in self.permissions if matches(statement.match, item, self.owners[item.id])]
        kinds = {item.resource_type for item in meant if item.resource_type}
        if meant and not kinds:
            remedy = "Leave the condition out, or name permissions on resources, such as catalog.entity.read."
            self.say(f"{path}.if", "A condition needs a resource, and none of these permissions has one.", remedy)
        elif any(not item.resource_type for item in meant):
            said = "Some of these permissions have no resource; the condition can never be met for them."
            self.say(f"{path}.if", said, "Narrow the decision with `resource`.", "warning")
        self.condition(statement.condition, f"{path}.if", kinds)

    def match(self, match: Match, path: str) -> None:
        name = match.name
        if name.endswith("*"):
            if not any(known.startswith(name[:-1]) for known in self.ids):
                self.say(path, f"No permission begins with {name[:-1]!r}.", "Look it up in the list of permissions.")
        elif name and name not in self.ids:
            if name in ORIGINAL_PERMISSIONS:
                said = f"No plugin that is installed asks for {name!r}."
                self.say(path, said, "It counts as soon as one does.", "warning")
            else:
                hint = nearest(name, self.ids)
                remedy = f"Did you mean {hint!r}?" if hint else "Look it up in the list of permissions."
                self.say(path, f"There is no permission {name!r}.", remedy)
        for word, known, what in (
            (match.plugins, self.plugins, "plugin"),
            (match.resource_types, self.resource_types, "resource"),
        ):
            for item in word:
                if item not in known:
                    said = f"There is no {what} {item!r} now."
                    self.say(f"{path}.{what}", said, f"Known are {', '.join(sorted(known))}.", "warning")

    def condition(self, condition: Mapping[str, Any], path: str, kinds: set[str]) -> None:
        if "not" in condition:
            self.condition(condition["not"], f"{path}.not", kinds)
            return
        for key in ("allOf", "anyOf"):
            for n, part in enumerate(condition.get(key, ())):
                self.condition(part, f"{path}.{key}[{n}]", kinds)
        if "rule" in condition:
            self.rule(condition, path, kinds)

    def rule(self, leaf: Mapping[str, Any], path: str, kinds: set[str]) -> None:
        rule = contribution(Rule, leaf["rule"])
        if rule is None:
            hint = nearest(leaf["rule"], {item.id for item in contributions(Rule)})
            remedy = f"Did you mean {hint}?" if hint else "Look it up in the list of rules."
            self.say(f"{path}.rule", f"There is no rule {leaf['rule']!r}.", remedy)
            return
        if kinds and rule.resource_type not in kinds:
            said = (
                f"{rule.id} is about {rule.resource_type}, and these permissions are about {', '.join(sorted(kinds))}."
            )
            self.say(f"{path}.rule", said, "Choose a rule of that resource.")
        if wrong := params_problem(rule, stand_ins(dict(leaf.get("params") or {}))):
            self.say(f"{path}.params", f"{rule.id}{wrong}", "Correct the parameters of the rule.")

    def members(self, document: PolicyDocument) -> None:
        directory = people_directory()
        if directory is None:
            return
        groups = {group.ref: group for group in directory.groups()}
        people = {person.ref for person in directory.people()}
        for index, role in enumerate(document.roles):
            for n, member in enumerate(role.members):
                path = f"roles[{index}].members[{n}]"
                if member.type == "group" and member.ref not in groups:
                    said = f"There is no group {member.ref} in the catalog."
                    self.say(path, said, "It counts as soon as there is one.", "warning")
                elif member.type == "group" and (cycle := cycle_of(member.ref, groups)):
                    said = f"The groups {' → '.join(cycle)} are each above the other."
                    self.say(path, said, "Everybody in one of them is in all; mend their parents.", "warning")
                elif member.type == "user" and people and member.ref not in people:
                    said = f"There is no person {member.ref} in the catalog."
                    self.say(path, said, "It counts for an account of that name.", "warning")


def cycle_of(ref: str, groups: Mapping[str, Listed]) -> list[str]:
    """Answer the cycle of parents that a group stands in, beginning and ending with it; nothing if there is none."""
    came_from: dict[str, str] = {}
    todo = [ref]
    while todo:
        here = todo.pop()
        for parent in groups[here].groups if here in groups else ():
            if parent == ref:
                chain = [here]
                while chain[-1] != ref:
                    chain.append(came_from[chain[-1]])
                return [*reversed(chain), ref]
            if parent not in came_from:
                came_from[parent] = here
                todo.append(parent)
    return []


def stand_ins(params: dict[str, Any]) -> dict[str, Any]:
    """Answer parameters with values in place of placeholders, so that they can be checked against a schema."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return ["user:default/somebody" if inner in PLACEHOLDERS else put(inner) for inner in value]
        if value == OWNER_REFS:
            return ["user:default/somebody"]
        return "user:default/somebody" if value in PLACEHOLDERS else value

    found: dict[str, Any] = put(params)
    return found
