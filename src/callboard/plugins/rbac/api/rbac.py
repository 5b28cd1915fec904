"""`/api/rbac`: policies, the tester, reports, requests and grants, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema
from pydantic import ConfigDict

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors import requests as asking
from callboard.plugins.rbac.selectors.active import document_of
from callboard.plugins.rbac.selectors.answers import (
    explanation_data,
    grant_data,
    policy_data,
    preview_data,
    request_data,
)
from callboard.plugins.rbac.selectors.checking import problems_of
from callboard.plugins.rbac.selectors.differing import diff_data
from callboard.plugins.rbac.selectors.policies import (
    explained,
    report_what_can,
    report_who_can,
    version,
    versions,
)
from callboard.plugins.rbac.services import files, policies, requests
from callboard.plugins.rbac.services.errors import AccessError, MissingError, OutdatedError
from callboard.plugins.rbac.types.reading import read_document
from callboard.plugins.rbac.types.ready import starting_policy, strict_policy
from callboard.sdk.api import ConflictError, InputError, NotFoundError, router
from callboard.sdk.contributions import Permission, Rule
from callboard.sdk.permissions import permission_to_wire, require
from callboard.sdk.plugins import contributions, registry

READ = "policy.entity.read"
REF = Field(default="", max_length=1000)

api = router(tags=["rbac"])


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


ERRORS: dict[int, Any] = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut}


class Strict(Schema):
    """Input that takes nothing beside what it names."""

    model_config = ConfigDict(extra="forbid")


class NewPolicy(Strict):
    """Begin a draft: of a document, of YAML, of an earlier version, or of a ready-made policy."""

    document: dict[str, Any] | None = None
    yaml: str | None = Field(default=None, max_length=8_000_000)
    copy_of: UUID | None = None
    ready: Literal["starting", "strict"] | None = None


class PolicyChange(Strict):
    """New content of a draft; with ``revision``, only if nobody saved meanwhile."""

    document: dict[str, Any] | None = None
    yaml: str | None = Field(default=None, max_length=8_000_000)
    revision: int | None = None


class Publish(Strict):
    """Put a draft in force."""

    note: str = Field(default="", max_length=2000)
    revision: int | None = None
    accept_elevation: bool = False


class Schedule(Strict):
    """When to publish; nothing takes the schedule back."""

    publish_at: datetime | None = None


class Note(Strict):
    """A remark."""

    note: str = Field(default="", max_length=2000)
    accept_elevation: bool = False


class Test(Strict):
    """Who wants to do what to which resource; ``policy`` is an id, else the policy in force."""

    who: str = Field(default="", max_length=300)
    roles: list[str] = Field(default_factory=list, max_length=1000)
    permission: str = Field(min_length=1, max_length=200)
    resource: str = REF
    policy: UUID | None = None


class Ask(Strict):
    """A request for access."""

    role: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=2000)
    days: int = Field(ge=1, le=365)
    permission: str = Field(default="", max_length=200)


class Decide(Strict):
    """An answer to a request."""

    approve: bool
    days: int | None = Field(default=None, ge=1, le=365)
    answer: str = Field(default="", max_length=2000)


def _said(error: AccessError) -> Exception:
    more = {"problems": policies.problems_text(error.problems)} if error.problems else {}
    if isinstance(error, MissingError):
        return NotFoundError(str(error))
    if isinstance(error, OutdatedError):
        return ConflictError(str(error))
    return InputError(str(error), **more)


def _document(value: dict[str, Any]) -> Any:
    try:
        return read_document(value)
    except ProblemError as error:
        raise InputError(str(error.problems[0]), problems=[p.as_dict() for p in error.problems]) from error


# --- Policies ---------------------------------------------------------------------


@api.get("/policies", response={200: dict[str, Any], **ERRORS}, operation_id="ListPolicies")
def list_policies(request: HttpRequest) -> dict[str, Any]:
    """Answer all versions and drafts, newest first, without their content."""
    require(READ)
    return {"items": [policy_data(row) for row in versions()]}


@api.post("/policies", response={201: dict[str, Any], **ERRORS}, operation_id="CreatePolicy")
def create_policy(request: HttpRequest, body: NewPolicy) -> tuple[int, dict[str, Any]]:
    """Begin a draft; without anything, of the policy in force."""
    try:
        if body.yaml is not None:
            row = files.import_policy(body.yaml)
        elif body.copy_of is not None:
            row = policies.duplicate_policy(body.copy_of)
        elif body.document is not None:
            require(policies.CREATE)
            row = policies.begin_draft(_document(body.document))
        else:
            ready = {"starting": starting_policy, "strict": strict_policy}
            row = policies.begin_draft(ready[body.ready]() if body.ready else None)
    except AccessError as error:
        raise _said(error) from error
    return 201, policy_data(row, whole=True)


@api.get("/policies/{policy_id}", response={200: dict[str, Any], **ERRORS}, operation_id="GetPolicy")
def get_policy(request: HttpRequest, policy_id: UUID) -> dict[str, Any]:
    """Answer one version with its content and what is wrong with it."""
    row = _row(policy_id)
    return {**policy_data(row, whole=True), "problems": [p.as_dict() for p in problems_of(document_of(row))]}


@api.put("/policies/{policy_id}", response={200: dict[str, Any], **ERRORS}, operation_id="ChangePolicy")
def change_policy(request: HttpRequest, policy_id: UUID, body: PolicyChange) -> dict[str, Any]:
    """Replace the content of a draft."""
    require(policies.UPDATE)
    try:
        if body.yaml is not None:
            document = files.read_policy_file(body.yaml)
            row = policies.save_draft(policy_id, document, body.revision, source=body.yaml)
        elif body.document is not None:
            row = policies.save_draft(policy_id, _document(body.document), body.revision)
        else:
            raise InputError("body: send a document or yaml")
    except ProblemError as error:
        raise InputError(str(error.problems[0]), problems=[p.as_dict() for p in error.problems]) from error
    except AccessError as error:
        raise _said(error) from error
    return policy_data(row, whole=True)


@api.delete("/policies/{policy_id}", response={204: None, **ERRORS}, operation_id="DeletePolicy")
def delete_policy(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Throw a draft away."""
    try:
        policies.delete_draft(policy_id)
    except AccessError as error:
        raise _said(error) from error
    return HttpResponse(status=204)


@api.get("/policies/{policy_id}/yaml", response={200: str, **ERRORS}, operation_id="ExportPolicy")
def export_policy(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Answer one version as YAML, with the comments of the file it came from."""
    return HttpResponse(files.export_policy(_row(policy_id)), content_type="application/yaml; charset=utf-8")


@api.get("/policies/{policy_id}/preview", response={200: dict[str, Any], **ERRORS}, operation_id="PreviewPolicy")
def preview_policy(request: HttpRequest, policy_id: UUID) -> dict[str, Any]:
    """Answer what changes if this version is published."""
    return preview_data(policies.look_ahead(document_of(_row(policy_id))))


@api.get("/policies/{policy_id}/diff", response={200: dict[str, Any], **ERRORS}, operation_id="DiffPolicy")
def diff_policy(request: HttpRequest, policy_id: UUID, against: UUID | None = None) -> dict[str, Any]:
    """Answer how a version differs from another, or from the one in force."""
    row = _row(policy_id)
    other = _row(against) if against else version()
    return diff_data(document_of(other) if other else starting_policy(), document_of(row))


@api.post("/policies/{policy_id}/publish", response={200: dict[str, Any], **ERRORS}, operation_id="PublishPolicy")
def publish_policy(request: HttpRequest, policy_id: UUID, body: Publish) -> dict[str, Any]:
    """Put a draft in force."""
    try:
        row = policies.publish_policy(
            policy_id, note=body.note, revision=body.revision, accept_elevation=body.accept_elevation
        )
    except AccessError as error:
        raise _said(error) from error
    return policy_data(row)


@api.post("/policies/{policy_id}/approve", response={200: dict[str, Any], **ERRORS}, operation_id="ApprovePolicy")
def approve_policy(request: HttpRequest, policy_id: UUID, body: Note) -> dict[str, Any]:
    """Approve a draft that somebody else edited last."""
    try:
        approval = policies.approve_policy(policy_id, body.note)
    except AccessError as error:
        raise _said(error) from error
    return {"by": approval.by, "digest": approval.digest}


@api.post("/policies/{policy_id}/schedule", response={200: dict[str, Any], **ERRORS}, operation_id="SchedulePolicy")
def schedule_policy(request: HttpRequest, policy_id: UUID, body: Schedule) -> dict[str, Any]:
    """Publish a draft at a moment, by itself."""
    at = body.publish_at
    if at is not None and at.tzinfo is None:
        raise InputError("publish_at: name the time zone, as in 2026-01-31T18:00:00Z")
    try:
        return policy_data(policies.schedule_policy(policy_id, at))
    except AccessError as error:
        raise _said(error) from error


@api.post("/policies/{policy_id}/roll-back", response={200: dict[str, Any], **ERRORS}, operation_id="RollBackPolicy")
def roll_back(request: HttpRequest, policy_id: UUID, body: Note) -> dict[str, Any]:
    """Put an earlier version in force again."""
    try:
        return policy_data(policies.roll_back(policy_id, note=body.note, accept_elevation=body.accept_elevation))
    except AccessError as error:
        raise _said(error) from error


# --- What there is to decide on -----------------------------------------------------


@api.get("/permissions", response={200: dict[str, Any], **ERRORS}, operation_id="ListPermissions")
def list_permissions(request: HttpRequest) -> dict[str, Any]:
    """Answer every permission and every rule of plugins that are on."""
    require(READ)
    return {
        "permissions": [
            {**permission_to_wire(item), "title": item.title, "pluginId": registry.owner_of(item)}
            for item in contributions(Permission)
        ],
        "rules": [
            {
                "name": rule.id,
                "title": rule.title,
                "resourceType": rule.resource_type,
                "paramsSchema": dict(rule.params_schema),
                "pluginId": registry.owner_of(rule),
            }
            for rule in contributions(Rule)
        ],
    }


@api.post("/test", response={200: dict[str, Any], **ERRORS}, operation_id="TestDecision")
def test_decision(request: HttpRequest, body: Test) -> dict[str, Any]:
    """Answer a decision with the whole chain that leads to it, and what would change it."""
    require(READ)
    try:
        told = explained(body.who, body.permission, body.resource, body.policy, body.roles)
    except LookupError as error:
        raise NotFoundError(str(error.args[0])) from error
    return explanation_data(told)


@api.get("/reports/who-can", response={200: dict[str, Any], **ERRORS}, operation_id="WhoCan")
def who_can(
    request: HttpRequest, permission: str, resource: Annotated[str, Field(max_length=1000)] = ""
) -> dict[str, Any]:
    """Answer for everybody whether they may."""
    require(READ)
    try:
        found = report_who_can(permission, resource)
    except LookupError as error:
        raise NotFoundError(str(error.args[0])) from error
    words = {True: "ALLOW", False: "DENY", None: "CONDITIONAL"}
    return {
        "items": [
            {"ref": can.who.ref, "name": can.who.name, "result": words[can.allowed], "reason": can.verdict.reason}
            for can in found
        ]
    }


@api.get("/reports/what-can", response={200: dict[str, Any], **ERRORS}, operation_id="WhatCan")
def what_can(request: HttpRequest, who: Annotated[str, Field(max_length=300)]) -> dict[str, Any]:
    """Answer everything one person may do."""
    require(READ)
    try:
        found = report_what_can(who)
    except LookupError as error:
        raise NotFoundError(str(error.args[0])) from error
    return {
        "items": [
            {
                "permission": can.permission.id,
                "pluginId": can.plugin,
                "result": can.verdict.result.upper(),
                "reason": can.verdict.reason,
                "resources": can.count.count if can.count else None,
            }
            for can in found
        ]
    }


# --- Requests -----------------------------------------------------------------------


@api.get("/requests", response={200: dict[str, Any], **ERRORS}, operation_id="ListRequests")
def list_requests(request: HttpRequest) -> dict[str, Any]:
    """Answer one's own requests, and those that wait for one's decision."""
    require("rbac.request.create")
    return {
        "own": [request_data(row) for row in asking.own_requests()[:100]],
        "to_decide": [request_data(row) for row in asking.requests_to_decide()[:500]],
    }


@api.post("/requests", response={201: dict[str, Any], **ERRORS}, operation_id="AskForAccess")
def ask(request: HttpRequest, body: Ask) -> tuple[int, dict[str, Any]]:
    """Ask for a role."""
    try:
        row = requests.ask_for_access(body.role, body.reason, body.days, permission=body.permission)
    except AccessError as error:
        raise _said(error) from error
    return 201, request_data(row)


@api.post("/requests/{request_id}/decide", response={200: dict[str, Any], **ERRORS}, operation_id="DecideRequest")
def decide_request(request: HttpRequest, request_id: UUID, body: Decide) -> dict[str, Any]:
    """Grant or refuse a request."""
    try:
        row = requests.decide_request(request_id, approve=body.approve, days=body.days, answer=body.answer)
    except AccessError as error:
        raise _said(error) from error
    return request_data(row)


@api.post("/requests/{request_id}/withdraw", response={200: dict[str, Any], **ERRORS}, operation_id="WithdrawRequest")
def withdraw(request: HttpRequest, request_id: UUID) -> dict[str, Any]:
    """Take back one's own request."""
    try:
        return request_data(requests.withdraw_request(request_id))
    except AccessError as error:
        raise _said(error) from error


@api.get("/grants", response={200: dict[str, Any], **ERRORS}, operation_id="ListGrants")
def list_grants(request: HttpRequest) -> dict[str, Any]:
    """Answer access that is granted for a time and holds now."""
    require(READ)
    return {"items": [grant_data(row) for row in asking.holding_grants()]}


@api.delete("/grants/{grant_id}", response={204: None, **ERRORS}, operation_id="EndGrant")
def end_grant(request: HttpRequest, grant_id: int) -> HttpResponse:
    """End access before its time."""
    if not 0 < grant_id < 2**63:
        raise NotFoundError("There is no such access")
    try:
        requests.end_grant(grant_id)
    except AccessError as error:
        raise _said(error) from error
    return HttpResponse(status=204)


def _row(policy_id: UUID) -> Policy:
    require(READ)
    row = version(policy_id)
    if row is None:
        raise NotFoundError("There is no such policy")
    return row
