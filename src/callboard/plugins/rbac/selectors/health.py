"""Say whether the policy in force and the streams of the audit record are well."""

from __future__ import annotations

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.models import Policy, StreamPosition
from callboard.plugins.rbac.selectors.active import document_of
from callboard.plugins.rbac.selectors.checking import errors_of
from callboard.sdk.contributions import HealthResult


def policy_works() -> HealthResult:
    """Whether everything the policy in force names is there."""
    row = Policy.objects.filter(status=Policy.Status.PUBLISHED).first()
    if row is None:
        return HealthResult(status="ok", message="No policy is in force; the portal decides as it does without one.")
    try:
        problems = errors_of(document_of(row))
    except ProblemError as error:
        return HealthResult(
            status="error",
            message=f"Version {row.number} cannot be read: {error.problems[0]}",
            remedy="`callboard rbac reset` takes it out of force.",
        )
    if problems:
        return HealthResult(
            status="warning",
            message=f"Version {row.number} has {len(problems)} problems: {problems[0]}",
            remedy="Open it under Access, begin a draft of it and mend it.",
        )
    return HealthResult(status="ok", message=f"Version {row.number} is in force.")


def streams_work() -> HealthResult:
    """Whether every stream takes what it is sent."""
    failing = list(StreamPosition.objects.exclude(error="").values_list("name", "error"))
    if failing:
        name, error = failing[0]
        return HealthResult(
            status="warning",
            message=f"The stream {name} fails: {error}",
            remedy="Nothing is lost: it goes on from where it stopped. Mend it in `rbac.streams`.",
        )
    return HealthResult(status="ok", message="Every stream takes what it is sent, or there is none.")
