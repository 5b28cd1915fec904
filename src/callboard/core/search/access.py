"""Decide which documents a caller may find, as a condition inside the query and never after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from callboard.core.auth.principal import Principal, principal
from callboard.core.permissions.services import allowed_filter, decide
from callboard.core.registry.contract import Permission, ResourceType, SearchCollator
from callboard.core.registry.store import registry


@dataclass(frozen=True)
class Access:
    """Types a caller may find: ``whole`` without condition, ``partly`` where the resource meets one.

    ``partly`` holds types with a query of the resources that the caller may read, and the field of their ref.
    """

    whole: tuple[str, ...]
    partly: tuple[tuple[tuple[str, ...], QuerySet[Any], str], ...] = ()
    owner_refs: tuple[str, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        """Every type that the caller may find something of."""
        return (*self.whole, *(name for names, _, _ in self.partly for name in names))

    def condition(self, alias: str = "d") -> tuple[str, list[Any]]:
        """Answer the condition on documents as SQL with parameters."""
        parts: list[str] = []
        params: list[Any] = []
        if self.whole:
            # The index by type would only be in the way: most documents are of the types that are allowed.
            parts.append(f"{alias}.type || '' = ANY(%s)")
            params.append(list(self.whole))
        for names, resources, ref_field in self.partly:
            # Correlated, so that the server may choose between looking up each and gathering all once.
            joined = resources.filter(**{ref_field: RawSQL(f"{alias}.authorization_ref", [])}).values("pk")  # noqa: S611
            try:
                sql, values = joined.query.sql_with_params()
            except EmptyResultSet:  # no resource can meet the condition, which Django notices without asking
                continue
            parts.append(f"({alias}.type || '' = ANY(%s) AND EXISTS ({sql}))")
            params += [list(names), *values]
        return f"({' OR '.join(parts)})" if parts else "false", params


def access(types: tuple[str, ...] = (), who: Principal | None = None) -> Access:
    """Answer what the caller may find of these types, of all when none is named.

    Types of plugins that are off, and types whose permission is denied, are left out.
    """
    who = who or principal()
    whole: list[str] = []
    partly: dict[str, list[str]] = {}
    if who.signed_in:
        decided: dict[str, str] = {}
        for collator in registry.of(SearchCollator):
            if types and collator.type not in types:
                continue
            if collator.permission is None:
                whole.append(collator.type)
                continue
            name = collator.permission
            result = decided.get(name) or decided.setdefault(name, decide(name, who).result)
            if result == "allow":
                whole.append(collator.type)
            elif result == "conditional":
                partly.setdefault(name, []).append(collator.type)
    return Access(tuple(whole), tuple(_conditional(partly, who)), who.ownership_refs)


def _conditional(partly: dict[str, list[str]], who: Principal) -> list[tuple[tuple[str, ...], QuerySet[Any], str]]:
    found = []
    for name, types in partly.items():
        permission = registry.find(Permission, name)
        kind = registry.find(ResourceType, permission.resource_type) if permission else None
        condition = allowed_filter(name, who)
        if kind is None or condition is None or not kind.ref_field:
            # What cannot be joined cannot be judged inside the query, so it is not found.
            continue
        found.append((tuple(types), kind.queryset().filter(condition), kind.ref_field))
    return found


def spelling(collator: SearchCollator) -> Callable[[str], str]:
    """Answer how the resource type that guards a collator's documents spells its refs."""
    permission = registry.find(Permission, collator.permission) if collator.permission else None
    kind = registry.find(ResourceType, permission.resource_type) if permission else None
    return kind.canonical if kind else str


def known_types() -> tuple[str, ...]:
    """Answer the types that plugins which are on contribute, whoever may find them."""
    return tuple(dict.fromkeys(collator.type for collator in registry.of(SearchCollator)))


def known_fields() -> tuple[str, ...]:
    """Answer the fields that collators offer for narrowing down, each once."""
    return tuple(dict.fromkeys(name for collator in registry.of(SearchCollator) for name in collator.facets))
