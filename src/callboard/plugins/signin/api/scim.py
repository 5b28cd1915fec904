"""SCIM 2.0 (RFC 7643, 7644): users and groups that an identity provider pushes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from callboard.plugins.signin.services import scim
from callboard.sdk.api import router
from callboard.sdk.auth import issuer
from callboard.sdk.permissions import NotAllowedError, require

api = router(tags=["scim"])
CONTENT_TYPE = "application/scim+json"
MAX_BODY = 1_000_000
KINDS = {"Users": "User", "Groups": "Group"}


def base_url() -> str:
    """Answer where the service is."""
    return f"{issuer().removesuffix('/api/auth')}/api/scim/v2"


def _answer(body: dict[str, Any] | None, status: int = 200, location: str = "") -> HttpResponse:
    text = "" if body is None else json.dumps(body)
    response = HttpResponse(text, status=status, content_type=CONTENT_TYPE)
    if location:
        response["Location"] = location
    return response


Operation = Callable[..., HttpResponse]


def _scim(operation: Operation) -> Operation:
    """Answer what goes wrong the way the protocol says it."""

    @wraps(operation)
    def answered(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        from pydantic import ValidationError  # noqa: PLC0415 - beside its use
        from scim2_models import Error, SCIMException  # noqa: PLC0415 - not at start-up

        try:
            return operation(request, *arguments, **named)
        except SCIMException as error:
            found = error.to_error()
        except ValidationError as error:
            found = Error.from_validation_errors(error)[0]
        except NotAllowedError as error:
            found = Error(status=403, detail=str(error))
        return _answer(found.model_dump(), int(found.status or 400))

    return answered


def _body(request: HttpRequest) -> Any:
    from scim2_models import InvalidSyntaxException, PayloadTooLargeException  # noqa: PLC0415 - not at start-up

    if len(request.body) > MAX_BODY:
        raise PayloadTooLargeException(detail="the body is too big")
    try:
        return json.loads(request.body)
    except ValueError:
        raise InvalidSyntaxException(detail="the body is no JSON") from None


def _not_found(name: str) -> Any:
    from scim2_models import NotFoundException  # noqa: PLC0415 - not at start-up

    return NotFoundException(detail=f"there is no {name[:100]}")


def _kind(endpoint: str) -> str:
    require(scim.MANAGE)  # before the body is looked at: what is wrong with it is nobody else's business
    if endpoint not in KINDS:
        raise _not_found(endpoint)
    return KINDS[endpoint]


# --- What the service can do ------------------------------------------------------------------


@api.get("/v2/ServiceProviderConfig", operation_id="scimServiceProviderConfig")
@_scim
def service_provider_config(request: HttpRequest) -> HttpResponse:
    """Answer what is supported."""
    from scim2_models import (  # noqa: PLC0415 - not at start-up
        AuthenticationScheme,
        Bulk,
        ChangePassword,
        ETag,
        Filter,
        Meta,
        Patch,
        ServiceProviderConfig,
        Sort,
    )

    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=scim.MAX_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=False),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type("oauthbearertoken"),
                name="API token",
                description="A token of a service account with the scope admin.scim.manage.",
                primary=True,
            )
        ],
        meta=Meta(resource_type="ServiceProviderConfig", location=f"{base_url()}/ServiceProviderConfig"),
    )
    return _answer(config.model_dump())


@api.get("/v2/ResourceTypes", operation_id="scimResourceTypes")
@_scim
def resource_types(request: HttpRequest) -> HttpResponse:
    """Answer the kinds of resources."""
    _no_filter(request)
    return _answer(_listed([_resource_type(model) for model in scim.scim_models().values()]))


@api.get("/v2/ResourceTypes/{name}", operation_id="scimResourceType")
@_scim
def resource_type(request: HttpRequest, name: str) -> HttpResponse:
    """Answer one kind of resources."""
    model = scim.scim_models().get(name)
    if model is None:
        raise _not_found(name)
    return _answer(_resource_type(model))


@api.get("/v2/Schemas", operation_id="scimSchemas")
@_scim
def schemas(request: HttpRequest) -> HttpResponse:
    """Answer the schemas of all resources."""
    _no_filter(request)
    return _answer(_listed(list(_schemas().values())))


@api.get("/v2/Schemas/{name}", operation_id="scimSchema")
@_scim
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """Answer one schema."""
    found = {key.lower(): value for key, value in _schemas().items()}.get(name.lower())
    if found is None:
        raise _not_found(name)
    return _answer(found)


def _no_filter(request: HttpRequest) -> None:
    from scim2_models import ForbiddenException  # noqa: PLC0415 - not at start-up

    if request.GET.get("filter"):
        raise ForbiddenException(detail="these cannot be filtered")


def _resource_type(model: Any) -> dict[str, Any]:
    from scim2_models import Meta, ResourceType  # noqa: PLC0415 - not at start-up

    found = ResourceType.from_resource(model)
    found.meta = Meta(resource_type="ResourceType", location=f"{base_url()}/ResourceTypes/{found.id}")
    return dict(found.model_dump())


def _schemas() -> dict[str, dict[str, Any]]:
    from scim2_models import EnterpriseUser, Group, Meta, ResourceType, Schema, ServiceProviderConfig  # noqa: PLC0415
    from scim2_models import User as ScimUser  # noqa: PLC0415 - not at start-up

    found = {}
    for model in (ScimUser, EnterpriseUser, Group, ResourceType, Schema, ServiceProviderConfig):
        each = model.to_schema()
        each.meta = Meta(resource_type="Schema", location=f"{base_url()}/Schemas/{each.id}")
        found[str(each.id)] = dict(each.model_dump())
    return found


def _listed(items: list[dict[str, Any]], total: int | None = None, begin: int = 1) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(items) if total is None else total,
        "startIndex": begin,
        "itemsPerPage": len(items),
        "Resources": items,
    }


# --- Users and groups ---------------------------------------------------------------------------


def _page(asked: Any, total: int, found: list[Any]) -> dict[str, Any]:
    from scim2_models import Context  # noqa: PLC0415 - not at start-up

    context = Context.RESOURCE_QUERY_RESPONSE
    items = [dict(item.model_dump(scim_ctx=context, response_parameters=asked)) for item in found]
    return _listed(items, total, asked.start_index or 1)


def _found(asked: Any, kind: str) -> HttpResponse:
    total, found = scim.search(kind, asked, base_url())
    return _answer(_page(asked, total, found))


@api.post("/v2/{endpoint}/.search", operation_id="scimSearchByForm")
@_scim
def search_by_form(request: HttpRequest, endpoint: str) -> HttpResponse:
    """List users or groups; the question is in the body, where it is in no log."""
    from scim2_models import Context, SearchRequest  # noqa: PLC0415 - not at start-up

    kind = _kind(endpoint)
    request_type: Any = SearchRequest
    asked = request_type[scim.scim_models()[kind]].model_validate(_body(request), scim_ctx=Context.SEARCH_REQUEST)
    return _found(asked, kind)


def _search_request(request: HttpRequest, kind: str) -> Any:
    from scim2_models import SearchRequest  # noqa: PLC0415 - not at start-up

    given = {name: value for name, value in request.GET.items() if value}
    for name in ("attributes", "excludedAttributes"):
        if name in given:
            given[name] = given[name].split(",")  # type: ignore[assignment]
    request_type: Any = SearchRequest
    return request_type[scim.scim_models()[kind]].model_validate(given)


def _shown(resource: Any, request: HttpRequest, kind: str, context: str = "RESOURCE_QUERY_RESPONSE") -> dict[str, Any]:
    from scim2_models import Context, ResponseParameters  # noqa: PLC0415 - not at start-up

    given = {
        name: request.GET[name].split(",") for name in ("attributes", "excludedAttributes") if request.GET.get(name)
    }
    parameters: Any = ResponseParameters
    chosen = parameters[scim.scim_models()[kind]].model_validate(given)
    return dict(resource.model_dump(scim_ctx=Context[context], response_parameters=chosen))


@api.get("/v2/{endpoint}", operation_id="scimSearch")
@_scim
def search(request: HttpRequest, endpoint: str) -> HttpResponse:
    """List users or groups."""
    kind = _kind(endpoint)
    return _found(_search_request(request, kind), kind)


@api.post("/v2/{endpoint}", operation_id="scimCreate")
@_scim
def create(request: HttpRequest, endpoint: str) -> HttpResponse:
    """Take a new user or group; `.search` in the place of the endpoint searches both."""
    from scim2_models import Context, SearchRequest  # noqa: PLC0415 - not at start-up

    if endpoint == ".search":
        models = scim.scim_models()
        request_type: Any = SearchRequest
        union = models["User"] | models["Group"]
        asked = request_type[union].model_validate(_body(request), scim_ctx=Context.SEARCH_REQUEST)
        total, found = scim.search_all(asked, base_url())
        return _answer(_page(asked, total, found))
    kind = _kind(endpoint)
    given = scim.scim_models()[kind].model_validate(_body(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = scim.create(kind, given, base_url())
    body = _shown(made, request, kind, "RESOURCE_CREATION_RESPONSE")
    return _answer(body, 201, str(made.meta.location))


@api.get("/v2/{endpoint}/{resource_id}", operation_id="scimGet")
@_scim
def get(request: HttpRequest, endpoint: str, resource_id: str) -> HttpResponse:
    """Answer a user or group."""
    kind = _kind(endpoint)
    return _answer(_shown(scim.find(kind, resource_id, base_url()), request, kind))


@api.put("/v2/{endpoint}/{resource_id}", operation_id="scimReplace")
@_scim
def replace(request: HttpRequest, endpoint: str, resource_id: str) -> HttpResponse:
    """Replace a user or group."""
    from scim2_models import Context  # noqa: PLC0415 - not at start-up

    kind = _kind(endpoint)
    given = scim.scim_models()[kind].model_validate(_body(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    changed = scim.replace(kind, resource_id, given, base_url())
    return _answer(_shown(changed, request, kind, "RESOURCE_REPLACEMENT_RESPONSE"))


@api.patch("/v2/{endpoint}/{resource_id}", operation_id="scimPatch")
@_scim
def patch(request: HttpRequest, endpoint: str, resource_id: str) -> HttpResponse:
    """Change a user or group in parts."""
    from scim2_models import Context, PatchOp  # noqa: PLC0415 - not at start-up

    kind = _kind(endpoint)
    model = scim.scim_models()[kind]
    patch_type: Any = PatchOp
    operations = patch_type[model].model_validate(_body(request), scim_ctx=Context.RESOURCE_PATCH_REQUEST)
    changed = scim.patch(kind, resource_id, operations, base_url())
    return _answer(_shown(changed, request, kind, "RESOURCE_PATCH_RESPONSE"))


@api.delete("/v2/{endpoint}/{resource_id}", operation_id="scimDelete")
@_scim
def delete(request: HttpRequest, endpoint: str, resource_id: str) -> HttpResponse:
    """Remove a user or group."""
    scim.delete(_kind(endpoint), resource_id)
    return _answer(None, 204)
