"""Push entities in sets, decide on held deletions, ask how fresh an entity is: additions of Callboard's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query

from callboard.lib.problems import ProblemError
from callboard.plugins.catalog.api.answers import json_value
from callboard.plugins.catalog.api.entities import ERRORS, missing, refuse_null
from callboard.plugins.catalog.api.schemas import (
    FreshnessOut,
    HeldDecisionIn,
    HeldOut,
    PushedOut,
    PushIn,
    PushReplaceIn,
    PushSetDetailOut,
    PushSetOut,
)
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.selectors import sets as reading
from callboard.plugins.catalog.services import deciding, pushing
from callboard.plugins.catalog.types.pushing import PREFIX
from callboard.sdk.api import InputError, NotFoundError, router
from callboard.sdk.permissions import require

api = router(tags=["Sets"])

DryRun = Annotated[bool, Query(description="Say what would happen, and change nothing.")]
Confirm = Annotated[bool, Query(description="Remove even many entities at once, without holding them.")]


def _shape(source: Source) -> dict[str, Any]:
    return {
        "name": source.target.removeprefix(PREFIX),
        "entities": source.entity_count,  # type: ignore[attr-defined]  # annotated by the selector
        "problems": source.problem_count,  # type: ignore[attr-defined]  # likewise
        "pushedAt": source.read_at.isoformat() if source.read_at else None,
        "pushedBy": source.registered_by,
        "changedAt": source.changed_at.isoformat() if source.changed_at else None,
    }


@api.get("/sets", response={200: list[PushSetOut], **ERRORS}, operation_id="GetSets")
def get_sets(request: HttpRequest) -> HttpResponse:
    """List the sets of pushed entities."""
    require("catalog.location.read")
    return json_value([_shape(source) for source in reading.pushed_sets()])


@api.get("/sets/{name}", response={200: PushSetDetailOut, **ERRORS}, operation_id="GetSet")
def get_set(request: HttpRequest, name: str) -> HttpResponse:
    """Answer one set with the refs of its entities."""
    require("catalog.location.read")
    refuse_null(name)
    source = reading.pushed_set(name)
    if source is None:
        raise NotFoundError(f"Nothing was pushed to a set called {name}")
    return json_value(_shape(source) | {"entityRefs": reading.refs_in(source)})


@api.patch("/sets/{name}", response={200: PushedOut, **ERRORS}, operation_id="PushToSet")
def patch_set(request: HttpRequest, name: str, body: PushIn, dryRun: DryRun = False) -> HttpResponse:
    """Create or update entities of a set, and remove others; the rest of the set stays.

    Each item is answered with what became of it: `created`, `changed`, `unchanged`, `removed`, `absent` or
    `rejected` with the reason, the path and the remedy. A rejected item does not stop the others. The same
    request twice changes nothing the second time.
    """
    try:
        pushed = pushing.push(name, body.entities, removed=body.remove, dry_run=dryRun)
    except ProblemError as error:
        raise InputError(str(error)) from error
    return json_value(pushed.as_dict())


@api.put("/sets/{name}", response={200: PushedOut, **ERRORS}, operation_id="ReplaceSet")
def put_set(
    request: HttpRequest, name: str, body: PushReplaceIn, dryRun: DryRun = False, confirm: Confirm = False
) -> HttpResponse:
    """Make a set hold exactly these entities; what it held besides is removed.

    The loss of most of a set at once is `held` until somebody confirms it on the ingestion page, or is
    removed at once with `confirm`. Entities of other sets and sources are never touched.
    """
    try:
        pushed = pushing.push(name, body.entities, replace=True, dry_run=dryRun, confirmed=confirm)
    except ProblemError as error:
        raise InputError(str(error)) from error
    return json_value(pushed.as_dict())


@api.delete("/sets/{name}", response={204: None, **ERRORS}, operation_id="DeleteSet")
def delete_set(request: HttpRequest, name: str) -> HttpResponse:
    """Remove a set and the entities that it alone declares."""
    refuse_null(name)
    try:
        pushing.remove_set(name)
    except pushing.SetMissingError as error:
        raise NotFoundError(str(error)) from error
    return HttpResponse(status=204)


@api.get("/held-deletions", response={200: list[HeldOut], **ERRORS}, operation_id="GetHeldDeletions")
def get_held(request: HttpRequest) -> HttpResponse:
    """List mass deletions that wait for a decision, or whose entities somebody decided to keep."""
    require("catalog.location.read")
    return json_value(
        [
            {
                "id": str(hold.source.uid),
                "source": {"type": hold.source.type, "target": hold.source.target},
                "state": hold.state,
                "entityRefs": hold.refs,
                "known": hold.known,
                "since": hold.since.isoformat(),
            }
            for hold in reading.holds()
        ]
    )


@api.post("/held-deletions/{id}", response={200: dict[str, Any], **ERRORS}, operation_id="DecideHeldDeletion")
def post_held(request: HttpRequest, id: str, body: HeldDecisionIn) -> HttpResponse:
    """Let a held deletion happen (`confirm`), or keep its entities (`keep`)."""
    decision: Literal["confirm", "keep"] = body.decision
    try:
        if decision == "confirm":
            return json_value({"removed": deciding.confirm_deletion(id)})
        return json_value({"kept": deciding.keep_entities(id)})
    except deciding.HoldMissingError as error:
        raise NotFoundError(str(error)) from error


@api.get(
    "/entities/by-name/{kind}/{namespace}/{name}/freshness",
    response={200: FreshnessOut, **ERRORS},
    operation_id="GetEntityFreshness",
)
def get_freshness(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Answer where an entity comes from, when it was last seen and changed, and when it is read next."""
    refuse_null(kind, namespace, name)
    found = reading.freshness_of(f"{kind}:{namespace}/{name}".lower())
    if found is None:
        raise missing(kind, namespace, name)
    return json_value(found.as_dict())
