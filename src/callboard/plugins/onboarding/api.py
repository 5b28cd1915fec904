"""Bring repositories in over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, JsonResponse
from ninja import Schema
from pydantic import Field

from callboard.lib.problems import ProblemError
from callboard.plugins.onboarding import selectors, services
from callboard.plugins.onboarding.models import Repository
from callboard.sdk.api import InputError, NotFoundError, router

api = router(tags=["Onboarding"])


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


class ChooseIn(Schema):
    """Repositories of a connected host, by their full names."""

    host: str = Field(max_length=200)
    repositories: list[str] = Field(min_length=1, max_length=5_000)


class ComponentIn(Schema):
    """A component as it shall be."""

    name: str = Field(min_length=1, max_length=63)
    path: str = ""
    type: str = "service"
    owner: str = ""
    system: str = ""
    lifecycle: str = "production"
    language: str = ""
    description: str = ""
    docs: bool = False
    tags: list[str] = Field(default_factory=list)
    include: bool = True


class ComponentsIn(Schema):
    """The components of a repository."""

    components: list[ComponentIn] = Field(max_length=100)


class ActIn(Schema):
    """What to do with repositories, by their ids."""

    action: Literal["import", "request", "manage-here", "forget"]
    ids: list[str] = Field(min_length=1, max_length=5_000)


class RepositoryOut(Schema):
    """A repository on its way in."""

    id: str
    host: str
    repository: str
    url: str
    state: str
    message: str
    catalogFile: str
    pullRequest: str
    components: list[dict[str, Any]]
    entityRefs: list[str]


ERRORS = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut}


@api.get("/repositories", response={200: list[RepositoryOut], **ERRORS}, operation_id="GetOnboardingRepositories")
def get_repositories(request: HttpRequest) -> JsonResponse:
    """List the repositories that were chosen, with what is suggested and how far each is."""
    return JsonResponse([selectors.shape(row) for row in selectors.chosen()[:5_000]], safe=False)


@api.post("/repositories", response={200: list[RepositoryOut], **ERRORS}, operation_id="ChooseRepositories")
def post_repositories(request: HttpRequest, body: ChooseIn) -> JsonResponse:
    """Choose repositories; a worker looks at them."""
    try:
        rows = services.choose(body.host, [name.replace("\0", "") for name in body.repositories])
    except ProblemError as error:
        raise InputError(str(error)) from error
    return JsonResponse([selectors.shape(row) for row in rows], safe=False)


@api.put("/repositories/{id}", response={200: RepositoryOut, **ERRORS}, operation_id="CorrectRepository")
def put_repository(request: HttpRequest, id: str, body: ComponentsIn) -> JsonResponse:
    """Say what a repository is made of."""
    row = _one(id)
    return JsonResponse(selectors.shape(services.correct(row, [one.dict() for one in body.components])))


@api.post("/act", response={200: dict[str, Any], **ERRORS}, operation_id="ActOnRepositories")
def post_act(request: HttpRequest, body: ActIn) -> JsonResponse:
    """Import repositories, ask for files by pull request, manage their entities here, or take them off the list."""
    rows = [_one(text) for text in body.ids]
    try:
        if body.action == "import":
            return JsonResponse(services.import_repositories(rows))
        if body.action == "request":
            return JsonResponse({"requested": services.request_files(rows)})
        if body.action == "manage-here":
            return JsonResponse({"taken": [ref for row in rows for ref in services.manage_here(row)]})
        return JsonResponse({"forgotten": services.forget(rows)})
    except ProblemError as error:
        raise InputError(str(error)) from error


def _one(text: str) -> Repository:
    row = selectors.one(text)
    if row is None:
        raise NotFoundError(f"No chosen repository has the id {text[:100]}")
    return row
