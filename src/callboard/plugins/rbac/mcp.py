"""Access for coding agents: the same reads and verbs as everywhere, with the same permissions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors import requests as asking
from callboard.plugins.rbac.selectors.active import document_of
from callboard.plugins.rbac.selectors.answers import explanation_data, policy_data, preview_data, request_data
from callboard.plugins.rbac.selectors.checking import problems_of
from callboard.plugins.rbac.selectors.policies import explained, report_what_can, report_who_can, version, versions
from callboard.plugins.rbac.services import policies, requests
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.types.reading import read_document
from callboard.sdk.api import InputError, NotFoundError
from callboard.sdk.permissions import require

READ = "policy.entity.read"


def list_policies(_arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer all versions and drafts, without their content."""
    require(READ)
    return [policy_data(row) for row in versions()]


def read_policy(arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer one version with its content and problems; without an id the one in force."""
    require(READ)
    row = _row(arguments)
    return {**policy_data(row, whole=True), "problems": [p.as_dict() for p in problems_of(document_of(row))]}


def save_draft(arguments: dict[str, Any]) -> dict[str, Any]:
    """Begin a draft with a document, or replace the content of one."""
    try:
        document = read_document(arguments["document"])
        if arguments.get("id"):
            row = policies.save_draft(_row(arguments).pk, document, arguments.get("revision"))
        else:
            row = policies.begin_draft(document)
    except (ProblemError, AccessError) as error:
        raise InputError(str(error)) from error
    return policy_data(row)


def preview_policy(arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer what changes if a draft is published."""
    require(READ)
    return preview_data(policies.look_ahead(document_of(_row(arguments))))


def publish_policy(arguments: dict[str, Any]) -> dict[str, Any]:
    """Put a draft in force; giving oneself more has to be confirmed."""
    try:
        row = policies.publish_policy(
            _row(arguments).pk,
            note=str(arguments.get("note", "")),
            accept_elevation=arguments.get("accept_elevation") is True,
        )
    except AccessError as error:
        raise InputError(str(error)) from error
    return policy_data(row)


def explain(arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer a decision with the chain that leads to it."""
    require(READ)
    try:
        told = explained(arguments["who"], arguments["permission"], str(arguments.get("resource", "")))
    except LookupError as error:
        raise NotFoundError(str(error.args[0])) from error
    return explanation_data(told)


def who_can(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer everybody who may."""
    require(READ)
    try:
        found = report_who_can(arguments["permission"], str(arguments.get("resource", "")))
    except LookupError as error:
        raise NotFoundError(str(error.args[0])) from error
    return [
        {"ref": can.who.ref, "on_some": can.allowed is None, "reason": can.verdict.reason}
        for can in found
        if can.allowed is not False
    ]


def what_can(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer everything somebody may do."""
    require(READ)
    try:
        found = report_what_can(arguments["who"])
    except LookupError as error:
        raise NotFoundError(str(error.args[0])) from error
    return [
        {"permission": can.permission.id, "result": can.verdict.result, "reason": can.verdict.reason}
        for can in found
        if can.verdict.result != "deny"
    ]


def list_requests(_arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer one's own requests, and those that wait for one's decision."""
    require("rbac.request.create")
    return {
        "own": [request_data(row) for row in asking.own_requests()[:100]],
        "to_decide": [request_data(row) for row in asking.requests_to_decide()[:100]],
    }


def ask_for_access(arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask for a role."""
    try:
        row = requests.ask_for_access(arguments["role"], arguments["reason"], int(arguments.get("days", 7)))
    except AccessError as error:
        raise InputError(str(error)) from error
    return request_data(row)


def decide_request(arguments: dict[str, Any]) -> dict[str, Any]:
    """Grant or refuse a request."""
    try:
        row = requests.decide_request(
            _uuid(arguments["id"]), approve=arguments["approve"] is True, answer=str(arguments.get("answer", ""))
        )
    except AccessError as error:
        raise InputError(str(error)) from error
    return request_data(row)


def _row(arguments: dict[str, Any]) -> Policy:
    row = version(_uuid(arguments["id"]) if arguments.get("id") else None)
    if row is None:
        raise NotFoundError("There is no such policy")
    return row


def _uuid(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise InputError(f"{str(text)[:100]!r} is no id") from None
