"""People and groups that an identity provider pushes (SCIM 2.0): they become accounts and entities of the catalog.

The types, PATCH, PUT and filters are those of scim2-models, which is loaded when somebody pushes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from callboard.plugins.signin.models import ScimResource
from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import SYSTEM, User
from callboard.sdk.contributions import Mutation
from callboard.sdk.events import publish
from callboard.sdk.jobs import start
from callboard.sdk.permissions import require

MANAGE = "admin.scim.manage"
PROVIDER = "signin.scim"
IDP = "scim"
MAX_RESULTS = 500
MAX_SCANNED = 50_000
_FAST = re.compile(r'^\s*(userName|displayName|externalId|id)\s+eq\s+"([^"\\]*)"\s*$', re.IGNORECASE)
_COLUMNS = {"username": "name", "displayname": "name", "externalid": "external_id", "id": "id"}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")


@cache
def scim_models() -> dict[str, Any]:
    """Answer the types that are served, by name."""
    from scim2_models import EnterpriseUser, Group  # noqa: PLC0415 - not at start-up
    from scim2_models import User as ScimUser  # noqa: PLC0415

    return {"User": ScimUser[EnterpriseUser], "Group": Group}


# --- Reading ----------------------------------------------------------------------------


def search_all(request: Any, base: str) -> tuple[int, list[Any]]:
    """Answer how many users and groups together meet a search request, and its page of them."""
    require(MANAGE)
    rows = ScimResource.objects.prefetch_related("members", "member_of")
    found = [as_scim(row, base) for row in rows[:MAX_SCANNED]]
    if request.filter:
        found = [item for item in found if request.filter.match(item)]
    begin = (request.start_index or 1) - 1
    count = MAX_RESULTS if request.count is None else min(request.count, MAX_RESULTS)
    return len(found), request.sort(found)[begin : begin + count]


def search(kind: str, request: Any, base: str) -> tuple[int, list[Any]]:
    """Answer how many resources meet a search request, and its page of them."""
    require(MANAGE)
    rows = _rows(kind)
    begin = (request.start_index or 1) - 1
    count = MAX_RESULTS if request.count is None else min(request.count, MAX_RESULTS)
    fast = _FAST.match(str(request.filter)) if request.filter else None
    if fast:
        rows = _where(rows, _COLUMNS[fast[1].lower()], fast[2])
    if (request.filter and not fast) or request.sort_by:
        if rows.count() > MAX_SCANNED:
            from scim2_models import TooManyException  # noqa: PLC0415 - see above

            raise TooManyException(detail="filter by userName, displayName, externalId or id")
        found = [as_scim(row, base) for row in rows]
        if request.filter and not fast:
            found = [item for item in found if request.filter.match(item)]
        found = request.sort(found)
        return len(found), found[begin : begin + count]
    return rows.count(), [as_scim(row, base) for row in rows[begin : begin + count]]


def find(kind: str, resource_id: str, base: str) -> Any:
    """Answer one resource; raises scim2-models' ``NotFoundException``."""
    require(MANAGE)
    return as_scim(_row(kind, resource_id), base)


def as_scim(row: ScimResource, base: str) -> Any:
    """Answer a row as the protocol shows it."""
    body = dict(row.resource)
    body["id"] = str(row.pk)
    if row.type == "Group":
        said = {str(item.get("value")): item for item in body.get("members") or []}
        body["members"] = [{**_reference(m, base), **said.get(str(m.pk), {})} for m in row.members.all()]
    else:
        body["groups"] = [
            {"value": str(g.pk), "$ref": f"{base}/Groups/{g.pk}", "display": g.resource.get("displayName")}
            for g in row.member_of.all()
        ]
    body["meta"] = {
        "resourceType": row.type,
        "created": row.created_at.isoformat(),
        "lastModified": row.changed_at.isoformat(),
        "location": f"{base}/{row.type}s/{row.pk}",
        "version": f'W/"{row.version}"',
    }
    return scim_models()[row.type].model_validate(body)


def _reference(member: ScimResource, base: str) -> dict[str, Any]:
    display = member.resource.get("displayName") or member.resource.get("userName")
    return {
        "value": str(member.pk), "$ref": f"{base}/{member.type}s/{member.pk}", "type": member.type, "display": display,
    }  # fmt: skip


def _rows(kind: str) -> QuerySet[ScimResource]:
    return ScimResource.objects.filter(type=kind).prefetch_related("members" if kind == "Group" else "member_of")


def _where(rows: QuerySet[ScimResource], column: str, value: str) -> QuerySet[ScimResource]:
    if column == "id":
        try:
            return rows.filter(pk=uuid.UUID(value))
        except ValueError:
            return rows.none()
    return rows.filter(**{column: value.lower() if column == "name" else value})


def _row(kind: str, resource_id: str, *, lock: bool = False) -> ScimResource:
    from scim2_models import NotFoundException  # noqa: PLC0415 - see above

    try:
        wanted = uuid.UUID(resource_id)
    except ValueError:
        raise NotFoundException(detail=f"{kind} {resource_id[:100]} not found") from None
    rows = ScimResource.objects.select_for_update() if lock else _rows(kind)
    row = rows.filter(type=kind, pk=wanted).first()
    if row is None:
        raise NotFoundException(detail=f"{kind} {resource_id[:100]} not found")
    return row


# --- Writing ----------------------------------------------------------------------------


def create(kind: str, resource: Any, base: str) -> Any:
    """Take a new user or group."""
    require(MANAGE)
    with transaction.atomic():
        row = ScimResource(type=kind, version=0)
        _store(row, resource)
        _done("create", row)
    return as_scim(_row(kind, str(row.pk)), base)


def replace(kind: str, resource_id: str, resource: Any, base: str) -> Any:
    """Replace a user or group (PUT)."""
    require(MANAGE)
    with transaction.atomic():
        row = _row(kind, resource_id, lock=True)
        resource.replace(as_scim(row, base))
        _store(row, resource)
        _done("change", row)
    return as_scim(_row(kind, resource_id), base)


def patch(kind: str, resource_id: str, operations: Any, base: str) -> Any:
    """Change a user or group in parts (PATCH)."""
    require(MANAGE)
    with transaction.atomic():
        row = _row(kind, resource_id, lock=True)
        resource = as_scim(row, base)
        if operations.patch(resource):
            _store(row, resource)
            _done("change", row)
    return as_scim(_row(kind, resource_id), base)


def delete(kind: str, resource_id: str) -> None:
    """Remove a user or group; the account of a user is switched off, not removed, for the record's sake."""
    require(MANAGE)
    with transaction.atomic():
        row = _row(kind, resource_id, lock=True)
        touched = list(row.members.all()) if kind == "Group" else []
        user = row.user
        _done("remove", row)
        row.delete()
        if user is not None and user.is_active:
            auth.set_active(user, False)
            publish("portal.user-changed", {"username": user.username, "change": "disabled"})
        for member in touched:
            _groups_of(member)


def _store(row: ScimResource, resource: Any) -> None:
    from scim2_models import UniquenessException  # noqa: PLC0415 - see above

    body = resource.model_dump()
    for name in ("id", "meta", "groups", "password"):
        body.pop(name, None)
    row.resource = body
    row.name = str(body.get("userName") or body.get("displayName") or "").lower()[:300]
    row.external_id = str(body.get("externalId") or "")[:300]
    row.version += 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise UniquenessException(detail=f"there is a {row.type} of this name already") from None
    if row.type == "User":
        _account(row)
        return
    before = set(row.members.values_list("pk", flat=True))
    _set_members(row, resource.members or [])
    for member in ScimResource.objects.filter(
        pk__in=before.symmetric_difference(row.members.values_list("pk", flat=True))
    ):
        _groups_of(member)


def _set_members(row: ScimResource, members: list[Any]) -> None:
    wanted = []
    for member in members:
        try:
            wanted.append(uuid.UUID(str(member.value)))
        except ValueError:
            continue  # of somebody who was never pushed
    row.members.set(ScimResource.objects.filter(pk__in=wanted).exclude(pk=row.pk))


def _account(row: ScimResource) -> None:
    body = row.resource
    user = row.user or _own_account(row) or _new_account(row)
    active = body.get("active") is not False
    if user.is_active != active:
        auth.set_active(user, active)
        publish("portal.user-changed", {"username": user.username, "change": "enabled" if active else "disabled"})
    name = _display(body)
    if name and name != user.get_full_name() and not user.has_usable_password():
        auth.set_profile(user, name)
    email = _email(body)
    if email and email != user.email and not User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists():
        user.email = email
        user.save(update_fields=["email"])
    if row.user_id != user.pk:
        row.user = user
        row.save(update_fields=["user"])


def _own_account(row: ScimResource) -> User | None:
    """Answer the account the person has already; an administrator's is never taken over by a push."""
    free = User.objects.filter(is_service=False, is_superuser=False)
    taken = ScimResource.objects.filter(user__isnull=False).values("user")
    return free.filter(entity_ref__iexact=_ref(row)).exclude(pk__in=taken).first()


def _new_account(row: ScimResource) -> User:
    name = entity_name(row)
    taken = {n.lower() for n in User.objects.filter(username__istartswith=name).values_list("username", flat=True)}
    username = next(c for n in range(1, 100_000) if (c := name if n == 1 else f"{name}-{n}") not in taken)
    user = auth.create_user(username, name=_display(row.resource), entity_ref=_ref(row))
    user.set_unusable_password()
    user.save(update_fields=["password"])
    publish("portal.user-changed", {"username": username, "change": "created"})
    return user


def _groups_of(row: ScimResource) -> None:
    if row.type != "User" or row.user is None:
        return
    names = [f"{IDP}:{g.resource.get('displayName')}" for g in row.member_of.all()]
    others = [group for group in row.user.idp_groups if not group.startswith(f"{IDP}:")]
    auth.set_idp_groups(row.user, [*others, *names])


def _done(change: str, row: ScimResource) -> None:
    record(f"signin.scim.{change}", f"scim:{row.type}:{row.name}"[:500], {"id": str(row.pk)})
    with auth.act_as(SYSTEM, auth.acting().door, auth.acting().request_id):
        start("signin.scim-sync")


# --- Entities ---------------------------------------------------------------------------


def entity_name(row: ScimResource) -> str:
    """Answer how the entity of a user or group is called."""
    text = row.name.partition("@")[0] if row.type == "User" else row.name
    return _NOT_IN_NAMES.sub("-", text).strip("-._")[:60] or f"{row.type.lower()}-{str(row.pk)[:8]}"


def changes() -> Iterator[Mutation]:
    """Yield everything that was pushed, as entities; people who are switched off are no longer among them."""
    rows = list(ScimResource.objects.prefetch_related("members"))
    names: dict[uuid.UUID, str] = {}
    used: set[tuple[str, str]] = set()
    for row in rows:
        name = entity_name(row)
        unique = next(c for n in range(1, 100_000) if (row.type, c := name if n == 1 else f"{name}-{n}") not in used)
        used.add((row.type, unique))
        names[row.pk] = unique
    groups: dict[uuid.UUID, list[str]] = {}
    parents: dict[uuid.UUID, str] = {}
    for row in rows:
        for member in row.members.all():
            if member.type == "User":
                groups.setdefault(member.pk, []).append(names[row.pk])
            else:
                parents.setdefault(member.pk, names[row.pk])
    entities = [
        _user_entity(row, names[row.pk], sorted(groups.get(row.pk, [])))
        if row.type == "User"
        else _group_entity(row, names[row.pk], parents.get(row.pk, ""))
        for row in rows
        if row.type == "Group" or row.resource.get("active") is not False
    ]
    yield Mutation(type="full", entities=tuple(entities))


def _user_entity(row: ScimResource, name: str, groups: list[str]) -> dict[str, Any]:
    profile = {"displayName": _display(row.resource) or row.resource.get("userName"), "email": _email(row.resource)}
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "User",
        "metadata": {"name": name, "annotations": {"callboard.dev/scim-id": str(row.pk)}},
        "spec": {"profile": {k: v for k, v in profile.items() if v}, "memberOf": groups},
    }


def _group_entity(row: ScimResource, name: str, parent: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "team", "profile": {"displayName": row.resource.get("displayName")}, "children": []}
    if parent:
        spec["parent"] = parent
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name, "annotations": {"callboard.dev/scim-id": str(row.pk)}},
        "spec": spec,
    }


def _ref(row: ScimResource) -> str:
    return f"user:default/{entity_name(row)}"


def _display(body: dict[str, Any]) -> str:
    name = body.get("name") or {}
    parts = f"{name.get('givenName') or ''} {name.get('familyName') or ''}".strip()
    return str(body.get("displayName") or name.get("formatted") or parts or "")[:200]


def _email(body: dict[str, Any]) -> str:
    emails = [e for e in body.get("emails") or [] if isinstance(e, dict) and e.get("value")]
    first = next((e for e in emails if e.get("primary")), emails[0] if emails else None)
    value = str(first["value"]) if first else str(body.get("userName") or "")
    return value.lower() if "@" in value and len(value) <= 254 else ""
