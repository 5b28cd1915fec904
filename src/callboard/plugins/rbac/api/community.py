"""`/api/permission` beside the authorisation endpoint: roles and policies in the shapes of the community's plugin.

What is written here is written into a new version of the policy and put in force at once, as scripts expect of it;
with a second approver it is refused, because then nothing may be put in force at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema
from pydantic import ConfigDict

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.api.authorizing import api
from callboard.plugins.rbac.selectors.active import policy
from callboard.plugins.rbac.selectors.policies import document_in_question
from callboard.plugins.rbac.services import policies
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.types.community import condition_from_wire, match_of, role_name
from callboard.plugins.rbac.types.deciding import matches
from callboard.plugins.rbac.types.document import PolicyDocument, Role, Statement
from callboard.plugins.rbac.types.reading import leaves, plain, read_member
from callboard.sdk.api import ConflictError, InputError, NotFoundError
from callboard.sdk.contributions import Permission, Rule
from callboard.sdk.permissions import require
from callboard.sdk.plugins import contributions, registry

READ = "policy.entity.read"


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


ERRORS: dict[int, Any] = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut}
LIST: dict[int, Any] = {200: list[dict[str, Any]], **ERRORS}


class Strict(Schema):
    """Input that takes nothing beside what it names."""

    model_config = ConfigDict(extra="forbid")


class Metadata(Strict):
    """What is said about a role."""

    description: str | None = Field(default=None, max_length=2000)
    owner: str | None = Field(default=None, max_length=300)


class RoleIn(Strict):
    """A role with its members."""

    name: str = Field(min_length=1, max_length=200)
    memberReferences: list[str] = Field(max_length=10_000)
    metadata: Metadata | None = None


class RoleChange(Strict):
    """What a role was, and what it is to be."""

    oldRole: RoleIn
    newRole: RoleIn


class PolicyIn(Strict):
    """One permission of a role; ``permission`` is a permission's name or a type of resource."""

    entityReference: str = Field(min_length=1, max_length=200)
    permission: str = Field(min_length=1, max_length=200)
    policy: str = Field(min_length=1, max_length=20)
    effect: str = Field(min_length=1, max_length=10)


class ConditionalPolicyIn(Strict):
    """A permission that a role has on some resources."""

    result: str = Field(default="CONDITIONAL", max_length=20)
    roleEntityRef: str = Field(min_length=1, max_length=200)
    pluginId: str = Field(default="", max_length=100)
    resourceType: str = Field(min_length=1, max_length=100)
    permissionMapping: list[str] = Field(max_length=10)
    conditions: dict[str, Any]


def _entity_ref(role: Role) -> str:
    return f"role:{role.name}" if "/" in role.name else f"role:default/{role.name}"


# --- Roles ------------------------------------------------------------------------


@api.get("/roles", response=LIST, operation_id="GetRoles")
def get_roles(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer all roles with their members."""
    require(READ)
    return [_role_out(role) for role in document_in_question().roles]


@api.get("/roles/role/{namespace}/{name}", response=LIST, operation_id="GetRole")
def get_role(request: HttpRequest, namespace: str, name: str) -> list[dict[str, Any]]:
    """Answer one role."""
    require(READ)
    return [_role_out(_role(document_in_question(), f"role:{namespace}/{name}"))]


@api.post("/roles", response={201: None, **ERRORS}, operation_id="CreateRole")
def create_role(request: HttpRequest, body: RoleIn) -> HttpResponse:
    """Add a role."""

    def add(document: PolicyDocument) -> PolicyDocument:
        new = _role_in(body, Role(_name(body.name)))
        if document.role(new.name):
            raise ConflictError(f"There is a role {body.name} already")
        return replace(document, roles=(*document.roles, new))

    _at_once(add, f"Role {body.name} added")
    return HttpResponse(status=201)


@api.put("/roles/role/{namespace}/{name}", response={200: None, **ERRORS}, operation_id="UpdateRole")
def update_role(request: HttpRequest, namespace: str, name: str, body: RoleChange) -> HttpResponse:
    """Change a role's members, name or metadata."""

    def change(document: PolicyDocument) -> PolicyDocument:
        old = _role(document, f"role:{namespace}/{name}")
        new = _role_in(body.newRole, replace(old, name=_name(body.newRole.name)))
        return replace(document, roles=tuple(new if role is old else role for role in document.roles))

    _at_once(change, f"Role {namespace}/{name} changed")
    return HttpResponse(status=200)


@api.delete("/roles/role/{namespace}/{name}", response={204: None, **ERRORS}, operation_id="DeleteRole")
def delete_role(
    request: HttpRequest, namespace: str, name: str, memberReferences: Annotated[str, Field(max_length=300)] = ""
) -> HttpResponse:
    """Remove a role, or one member of it."""

    def change(document: PolicyDocument) -> PolicyDocument:
        old = _role(document, f"role:{namespace}/{name}")
        if not memberReferences:
            return replace(document, roles=tuple(role for role in document.roles if role is not old))
        left = tuple(member for member in old.members if member.text != memberReferences.lower())
        return replace(
            document, roles=tuple(replace(old, members=left) if role is old else role for role in document.roles)
        )

    _at_once(change, f"Role {namespace}/{name} removed")
    return HttpResponse(status=204)


# --- Permission policies ------------------------------------------------------------


@api.get("/policies", response=LIST, operation_id="GetPolicies")
def get_policies(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer the plain permissions of all roles."""
    require(READ)
    return [row for role in document_in_question().roles for row in _policies_out(role)]


@api.get("/policies/role/{namespace}/{name}", response=LIST, operation_id="GetPoliciesOfRole")
def get_policies_of(request: HttpRequest, namespace: str, name: str) -> list[dict[str, Any]]:
    """Answer the plain permissions of one role."""
    require(READ)
    return _policies_out(_role(document_in_question(), f"role:{namespace}/{name}"))


@api.post("/policies", response={201: None, **ERRORS}, operation_id="CreatePolicies")
def create_policies(request: HttpRequest, body: list[PolicyIn]) -> HttpResponse:
    """Add permissions to roles."""

    def change(document: PolicyDocument) -> PolicyDocument:
        for index, item in enumerate(body):
            statement = _statement_in(item, index)
            role = _role(document, item.entityReference)
            if statement in role.decisions:
                raise ConflictError(f"items[{index}]: the role has this permission already")
            # A denial goes first: within a role the first decision that matches counts.
            place = 0 if statement.effect == "deny" else len(role.decisions)
            decisions = (*role.decisions[:place], statement, *role.decisions[place:])
            document = replace(
                document, roles=tuple(replace(r, decisions=decisions) if r is role else r for r in document.roles)
            )
        return document

    _at_once(change, "Permissions added")
    return HttpResponse(status=201)


@api.delete("/policies/role/{namespace}/{name}", response={204: None, **ERRORS}, operation_id="DeletePolicies")
def delete_policies(request: HttpRequest, namespace: str, name: str, body: list[PolicyIn]) -> HttpResponse:
    """Take permissions from a role."""

    def change(document: PolicyDocument) -> PolicyDocument:
        role = _role(document, f"role:{namespace}/{name}")
        gone = [_statement_in(item, index) for index, item in enumerate(body)]
        missing = [item for item in gone if item not in role.decisions]
        if missing:
            raise NotFoundError("The role has no such permission")
        left = tuple(item for item in role.decisions if item not in gone)
        return replace(document, roles=tuple(replace(r, decisions=left) if r is role else r for r in document.roles))

    _at_once(change, "Permissions removed")
    return HttpResponse(status=204)


# --- Conditional policies -------------------------------------------------------------


@api.get("/roles/conditions", response=LIST, operation_id="GetConditions")
def get_conditions(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer all permissions with conditions; ids count them in the order of the policy."""
    require(READ)
    return [_condition_out(*item) for item in _conditions(document_in_question())]


@api.get("/roles/conditions/{condition_id}", response={200: dict[str, Any], **ERRORS}, operation_id="GetCondition")
def get_condition(request: HttpRequest, condition_id: int) -> dict[str, Any]:
    """Answer one permission with a condition."""
    require(READ)
    return _condition_out(*_condition(document_in_question(), condition_id))


@api.post("/roles/conditions", response={201: dict[str, Any], **ERRORS}, operation_id="CreateCondition")
def create_condition(request: HttpRequest, body: ConditionalPolicyIn) -> tuple[int, dict[str, Any]]:
    """Add a permission with a condition, before the plain ones of its role."""
    require(policies.PUBLISH)
    statement = _conditional_in(body)

    def change(document: PolicyDocument) -> PolicyDocument:
        role = _role(document, body.roleEntityRef)
        return replace(
            document,
            roles=tuple(replace(r, decisions=(statement, *r.decisions)) if r is role else r for r in document.roles),
        )

    document = _at_once(change, f"Condition for {body.roleEntityRef} added")
    found = next(
        item for item in _conditions(document) if item[2] == statement and item[1].name == _name(body.roleEntityRef)
    )
    return 201, {"id": found[0]}


@api.put("/roles/conditions/{condition_id}", response={200: None, **ERRORS}, operation_id="UpdateCondition")
def update_condition(request: HttpRequest, condition_id: int, body: ConditionalPolicyIn) -> HttpResponse:
    """Change a permission with a condition."""
    require(policies.PUBLISH)
    statement = _conditional_in(body)
    _replace_condition(condition_id, statement)
    return HttpResponse(status=200)


@api.delete("/roles/conditions/{condition_id}", response={204: None, **ERRORS}, operation_id="DeleteCondition")
def delete_condition(request: HttpRequest, condition_id: int) -> HttpResponse:
    """Remove a permission with a condition."""
    _replace_condition(condition_id, None)
    return HttpResponse(status=204)


def _replace_condition(condition_id: int, statement: Statement | None) -> None:
    def change(document: PolicyDocument) -> PolicyDocument:
        _id, role, old = _condition(document, condition_id)
        decisions = tuple(new for item in role.decisions if (new := statement if item is old else item) is not None)
        return replace(
            document, roles=tuple(replace(r, decisions=decisions) if r is role else r for r in document.roles)
        )

    _at_once(change, f"Condition {condition_id} changed")


# --- What plugins bring -----------------------------------------------------------------


@api.get("/plugins/id", response={200: dict[str, list[str]], **ERRORS}, operation_id="GetPluginIds")
def plugin_ids(request: HttpRequest) -> dict[str, list[str]]:
    """Answer the plugins that have permissions."""
    require(READ)
    return {"ids": sorted({registry.owner_of(item) for item in contributions(Permission)})}


@api.get("/plugins/policies", response=LIST, operation_id="GetPluginPolicies")
def plugin_policies(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer the permissions of each plugin."""
    require(READ)
    found: dict[str, list[dict[str, Any]]] = {}
    for item in contributions(Permission):
        entry = {"name": item.id, "policy": item.action or "use"}
        if item.resource_type:
            entry["resourceType"] = item.resource_type
        found.setdefault(registry.owner_of(item), []).append(entry)
    return [{"pluginId": plugin, "policies": entries} for plugin, entries in sorted(found.items())]


@api.get("/plugins/condition-rules", response=LIST, operation_id="GetConditionRules")
def condition_rules(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer the rules of each plugin."""
    require(READ)
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in contributions(Rule):
        entry = {
            "name": rule.id,
            "description": rule.description or rule.title,
            "resourceType": rule.resource_type,
            "paramsSchema": dict(rule.params_schema),
        }
        found.setdefault(registry.owner_of(rule), []).append(entry)
    return [{"pluginId": plugin, "rules": rules} for plugin, rules in sorted(found.items())]


# --- Between the shapes -------------------------------------------------------------------


def _at_once(change: Callable[[PolicyDocument], PolicyDocument], note: str) -> PolicyDocument:
    """Change the policy in force: a draft, the change, and publishing, all or nothing."""
    require(policies.PUBLISH)
    try:
        with transaction.atomic():
            row = policies.begin_draft()
            row = policies.change_draft(row.pk, change)
            policies.publish_policy(row.pk, note=f"{note} through the API", accept_elevation=True)
            return document_in_question()
    except AccessError as error:
        raise InputError(str(error)) from error
    finally:
        policy.forget()


def _name(ref: str) -> str:
    name = role_name(ref)
    if not name:
        raise InputError(f"{ref[:100]!r} is no role; write role:default/name")
    return name


def _role(document: PolicyDocument, ref: str) -> Role:
    found = document.role(_name(ref))
    if found is None:
        raise NotFoundError(f"There is no role {ref[:200]}")
    return found


def _role_out(role: Role) -> dict[str, Any]:
    return {
        "name": _entity_ref(role),
        "memberReferences": [member.text for member in role.members],
        "metadata": {"source": "rest", "description": role.description or None, "owner": role.owner or None},
    }


def _role_in(body: RoleIn, role: Role) -> Role:
    members = []
    for text in body.memberReferences:
        try:
            members.append(read_member(text))
        except ProblemError as error:
            raise InputError(f"memberReferences: {error.problems[0].message} {error.problems[0].remedy}") from error
    more = body.metadata
    return replace(
        role,
        members=tuple(dict.fromkeys(members)),
        description=(more.description if more and more.description is not None else role.description),
        owner=(more.owner if more and more.owner is not None else role.owner),
    )


def _policies_out(role: Role) -> list[dict[str, Any]]:
    rows = []
    for statement in role.decisions:
        if statement.condition is not None:
            continue
        match = statement.match
        if match.name and not match.name.endswith("*"):
            action = next((p.action for p in contributions(Permission) if p.id == match.name), "")
            pairs = [(match.name, action or "use")]
        elif match.resource_types:
            pairs = [(kind, action) for kind in match.resource_types for action in match.actions or ("use",)]
        else:
            # Wider decisions have no word in this shape; they are told by what they mean now.
            pairs = [
                (item.id, item.action or "use")
                for item in contributions(Permission)
                if matches(match, item, registry.owner_of(item))
            ]
        rows += [
            {
                "entityReference": _entity_ref(role),
                "permission": permission,
                "policy": action,
                "effect": statement.effect,
                "metadata": {"source": "rest"},
            }
            for permission, action in pairs
        ]
    return rows


def _statement_in(item: PolicyIn, index: int) -> Statement:
    if item.effect not in {"allow", "deny"}:
        raise InputError(f"items[{index}].effect: is {item.effect!r}, expected allow or deny")
    match = match_of(item.permission, item.policy)
    if match is None:
        raise InputError(f"items[{index}].policy: there is no action {item.policy!r}")
    return Statement("allow" if item.effect == "allow" else "deny", match)


def _conditions(document: PolicyDocument) -> list[tuple[int, Role, Statement]]:
    found = [(role, item) for role in document.roles for item in role.decisions if item.condition is not None]
    return [(n, role, item) for n, (role, item) in enumerate(found, start=1)]


def _condition(document: PolicyDocument, condition_id: int) -> tuple[int, Role, Statement]:
    found = next((item for item in _conditions(document) if item[0] == condition_id), None)
    if found is None:
        raise NotFoundError(f"There is no condition {condition_id}")
    return found


def _condition_out(number: int, role: Role, statement: Statement) -> dict[str, Any]:
    meant = [
        p for p in contributions(Permission) if p.resource_type and matches(statement.match, p, registry.owner_of(p))
    ]
    kind = next((p.resource_type for p in meant), "")
    used = next((leaf["rule"] for leaf in leaves(statement.condition)), "")
    return {
        "id": number,
        "result": "CONDITIONAL",
        "roleEntityRef": _entity_ref(role),
        "pluginId": next((registry.owner_of(rule) for rule in contributions(Rule) if rule.id == used), ""),
        "resourceType": kind,
        "permissionMapping": sorted({p.action for p in meant if p.action}),
        "conditions": _typed(plain(statement.condition), kind),
    }


def _typed(condition: dict[str, Any], kind: str) -> dict[str, Any]:
    if "rule" in condition:
        return {"rule": condition["rule"], "resourceType": kind, "params": condition.get("params") or {}}
    if "not" in condition:
        return {"not": _typed(condition["not"], kind)}
    key = "allOf" if "allOf" in condition else "anyOf"
    return {key: [_typed(part, kind) for part in condition[key]]}


def _conditional_in(body: ConditionalPolicyIn) -> Statement:
    if body.result != "CONDITIONAL":
        raise InputError("result: expected CONDITIONAL")
    try:
        return condition_from_wire(body.resourceType, body.permissionMapping, body.conditions)
    except ProblemError as error:
        raise InputError(f"{error.problems[0].place.path}: {error.problems[0].message}") from error


__all__ = ["api"]
