"""`/api/hosts`: connections to source hosts, without their secrets."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.services import connections as verbs
from callboard.plugins.hosts.types.errors import HostError
from callboard.sdk.api import ConflictError, InputError, NotFoundError, ServiceUnavailableError, router
from callboard.sdk.permissions import require

api = router(tags=["hosts"])


class ConnectionOut(Schema):
    """A connection; secrets are never part of it."""

    name: str
    product: str
    url: str
    configured: bool
    has_credentials: bool
    has_webhook_secret: bool
    private: bool
    options: dict[str, Any]
    ok: bool | None = None
    account: str = ""
    message: str = ""
    remedy: str = ""
    requests_left: int | None = None
    blocked_until: str | None = None


class ConnectionIn(Schema):
    """Values of a connection; secrets that are left out stay as they are, ``null`` removes one."""

    model_config = {"extra": "allow"}


class NewConnection(ConnectionIn):
    """A connection to make."""

    name: str = Field(max_length=50)
    product: str


class TestOut(Schema):
    """What a test found."""

    ok: bool
    account: str = ""
    message: str = ""
    remedy: str = ""


class OrganisationOut(Schema):
    """Something that holds repositories."""

    path: str
    title: str
    kind: str
    url: str


class RepositoryOut(Schema):
    """A repository."""

    full_name: str
    url: str
    description: str
    default_branch: str
    visibility: str
    archived: bool
    fork: bool
    topics: list[str]
    language: str


@api.get("", response=list[ConnectionOut], operation_id="listHosts")
def list_hosts(request: HttpRequest) -> Any:
    """Answer all connections."""
    require(verbs.MANAGE)
    return [_out(one) for one in selectors.states()]


@api.post("", response={201: ConnectionOut}, operation_id="createHost")
def create_host(request: HttpRequest, body: NewConnection) -> Any:
    """Make a connection."""
    values = body.model_dump(exclude_unset=True)
    name = str(values.pop("name"))
    try:
        verbs.create_connection(name, values)
    except verbs.ConnectionInvalidError as error:
        raise _refused(error) from None
    return 201, _one(name)


@api.get("/{name}", response=ConnectionOut, operation_id="getHost")
def get_host(request: HttpRequest, name: str) -> Any:
    """Answer one connection."""
    require(verbs.MANAGE)
    return _one(name)


@api.patch("/{name}", response=ConnectionOut, operation_id="changeHost")
def change_host(request: HttpRequest, name: str, body: ConnectionIn) -> Any:
    """Change a connection; what is left out stays."""
    require(verbs.MANAGE)
    known = selectors.host(name)
    before = {} if known is None else {"url": known.url, "private": known.private, **known.options}
    try:
        verbs.change_connection(name, {**before, **body.model_dump(exclude_unset=True)})
    except verbs.ConnectionInvalidError as error:
        raise _refused(error) from None
    except verbs.ConnectionMissingError:
        raise NotFoundError(f"no connection called {name} was made in the portal") from None
    return _one(name)


@api.delete("/{name}", response={204: None}, operation_id="deleteHost")
def delete_host(request: HttpRequest, name: str) -> Any:
    """Remove a connection with its secrets."""
    try:
        verbs.delete_connection(name)
    except verbs.ConnectionMissingError:
        raise NotFoundError(f"no connection called {name} was made in the portal") from None
    return 204, None


@api.post("/{name}/test", response=TestOut, operation_id="testHost")
def test_host(request: HttpRequest, name: str) -> Any:
    """Sign in to a host and answer what came of it."""
    try:
        found = verbs.check_connection(name)
    except verbs.ConnectionMissingError:
        raise NotFoundError(f"there is no connection called {name}") from None
    account = found.account.login if found.account else ""
    return {"ok": found.ok, "account": account, "message": found.message, "remedy": found.remedy}


@api.get("/{name}/organisations", response=list[OrganisationOut], operation_id="listHostOrganisations")
def list_organisations(request: HttpRequest, name: str) -> Any:
    """Answer whatever holds repositories that the connection can see."""
    require(verbs.MANAGE)
    try:
        with verbs.client_for(name) as client:
            return list(client.organisations())
    except HostError as error:
        raise _host_error(error) from None


@api.get("/{name}/repositories", response=list[RepositoryOut], operation_id="listHostRepositories")
def list_repositories(request: HttpRequest, name: str, owner: str) -> Any:
    """Answer the repositories of an organisation."""
    require(verbs.MANAGE)
    try:
        with verbs.client_for(name) as client:
            return [{**_plain(one), "topics": list(one.topics)} for one in client.repositories(owner)]
    except HostError as error:
        raise _host_error(error) from None


def _plain(value: Any) -> dict[str, Any]:
    return {key: getattr(value, key) for key in RepositoryOut.model_fields}


def _one(name: str) -> dict[str, Any]:
    found = selectors.state_of(name)
    if found is None:
        raise NotFoundError(f"there is no connection called {name}")
    return _out(found)


def _out(state: selectors.HostState) -> dict[str, Any]:
    known, check = state.host, state.check
    return {
        "name": known.name,
        "product": known.product,
        "url": known.url,
        "configured": known.configured,
        "has_credentials": known.has_credentials,
        "has_webhook_secret": known.has_webhook_secret,
        "private": known.private,
        "options": known.options,
        "ok": check.ok if check else None,
        "account": check.account if check else "",
        "message": check.message if check else "",
        "remedy": check.remedy if check else "",
        "requests_left": state.limit.remaining if state.limit else None,
        "blocked_until": state.blocked_until.isoformat() if state.blocked_until else None,
    }


def _refused(error: verbs.ConnectionInvalidError) -> Exception:
    text = "; ".join(f"{field}: {sentence}" for field, sentence in error.errors.items())
    return ConflictError(text) if "already" in error.errors.get("name", "") else InputError(text)


def _host_error(error: HostError) -> Exception:
    text = f"{error.message} {error.remedy}".strip()
    if error.code in ("not-found", "not-connected"):
        return NotFoundError(text)
    return ServiceUnavailableError(text) if error.transient else InputError(text)
