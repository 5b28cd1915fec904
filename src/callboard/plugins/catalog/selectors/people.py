"""Who people are: from accounts to User entities, from those to everything they own things as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import connection
from django.db.models.fields.json import KeyTextTransform

from callboard.plugins.catalog.models import Entity, Relation
from callboard.sdk.auth import Listed


class CatalogDirectory:
    """Answer for sign-in from the User and Group entities of the catalog."""

    def find_user_ref(self, username: str, email: str) -> str:
        """Answer the User entity of an account: by e-mail address first, then by name; empty if there is none."""
        users = Entity.objects.filter(kind="user")
        if email:
            term = f"spec.profile.email={email.lower()}"
            found = list(users.filter(terms__contains=[term]).values_list("ref", flat=True)[:2])
            if len(found) == 1:
                return str(found[0])
        ref = users.filter(namespace="default", name=username.lower()).values_list("ref", flat=True).first()
        return str(ref or "")

    def ownership_refs(self, user_ref: str) -> tuple[str, ...]:
        """Answer the person's own ref, their groups, and the groups those belong to."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH RECURSIVE mine(ref) AS (
                  SELECT target_ref FROM cb_catalog_relation WHERE source_ref = %s AND type = 'memberOf'
                  UNION
                  SELECT r.target_ref FROM mine
                  JOIN cb_catalog_relation r ON r.source_ref = mine.ref AND r.type = 'childOf'
                )
                SELECT ref FROM mine ORDER BY ref
                """,
                [user_ref],
            )
            return (user_ref, *(ref for (ref,) in cursor.fetchall()))

    def people(self) -> Iterator[Listed]:
        """Answer every User entity with its groups: three queries, whatever their number."""
        members = _pairs("memberOf")
        parents = _pairs("childOf")
        above: dict[tuple[str, ...], tuple[str, ...]] = {}
        rows = Entity.objects.filter(kind="user").order_by("ref")
        profile = (KeyTextTransform(f"spec.profile.{name}", "fields") for name in ("displayname", "email"))
        for ref, title, name, shown, email in rows.values_list("ref", "title", "display_name", *profile):
            direct = tuple(sorted(members.get(ref, ())))
            if direct not in above:
                above[direct] = _closure(direct, parents)
            yield Listed(ref, shown or title or name, (email or "").lower(), above[direct])

    def groups(self) -> Iterator[Listed]:
        """Answer every Group entity with the groups it is directly in."""
        parents = _pairs("childOf")
        profile = KeyTextTransform("spec.profile.displayname", "fields")
        rows = Entity.objects.filter(kind="group").order_by("ref")
        for ref, title, name, shown in rows.values_list("ref", "title", "display_name", profile):
            yield Listed(ref, shown or title or name, groups=tuple(sorted(parents.get(ref, ()))))


def _pairs(type_: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for source, target in Relation.objects.filter(type=type_).values_list("source_ref", "target_ref"):
        found.setdefault(source, set()).add(target)
    return found


def _closure(direct: Iterable[str], parents: dict[str, set[str]]) -> tuple[str, ...]:
    """Answer groups and those above them; a cycle of groups ends where it began."""
    found = dict.fromkeys(direct)
    todo = list(found)
    while todo:
        for parent in parents.get(todo.pop(), ()):
            if parent not in found:
                found[parent] = None
                todo.append(parent)
    return tuple(sorted(found))


def user_refs_with(key: str, value: str) -> tuple[str, ...]:
    """Answer User entities that have a value at a dotted path (``spec.profile.email``); two at most are told."""
    found = Entity.objects.filter(kind="user", terms__contains=[f"{key.lower()}={value.lower()}"])
    return tuple(found.order_by("ref").values_list("ref", flat=True)[:2])


def user_email(user_ref: str) -> str | None:
    """Answer the address in the profile of a User entity, empty if it has none; nothing if there is no such entity."""
    row = Entity.objects.filter(kind="user", ref=user_ref.lower()).values_list("terms", flat=True).first()
    if row is None:
        return None
    start = "spec.profile.email="
    return next((term.removeprefix(start) for term in row if term.startswith(start)), "")
