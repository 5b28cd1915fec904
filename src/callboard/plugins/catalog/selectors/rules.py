"""Permission rules on entities: each a database filter and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from callboard.plugins.catalog.models import Relation


def _has(key: str, value: Any) -> Q:
    lowered = key.lower()
    term = lowered if value is None else f"{lowered}={str(value).lower()}"
    return Q(terms__contains=[term])


def has_annotation(params: Mapping[str, Any]) -> Q:
    """The entity has the annotation, with the value if one is given."""
    return _has(f"metadata.annotations.{params['annotation']}", params.get("value"))


def has_label(params: Mapping[str, Any]) -> Q:
    """The entity has the label."""
    return _has(f"metadata.labels.{params['label']}", params.get("value"))


def has_metadata(params: Mapping[str, Any]) -> Q:
    """The entity has the metadata field, with the value if one is given."""
    return _has(f"metadata.{params['key']}", params.get("value"))


def has_spec(params: Mapping[str, Any]) -> Q:
    """The entity has the spec field, with the value if one is given."""
    return _has(f"spec.{params['key']}", params.get("value"))


def is_entity_kind(params: Mapping[str, Any]) -> Q:
    """The entity is of one of the kinds."""
    return Q(kind__in=[str(kind).lower() for kind in params["kinds"]])


def is_entity_owner(params: Mapping[str, Any]) -> Q:
    """The entity is owned by one of the claims.

    The subquery asks nothing of the row outside, so that it is run once and hashed wherever the rule stands: under an
    "or" or a "not", a correlated one would be run for every entity.
    """
    owned = Relation.objects.filter(type="ownedBy", target_ref__in=[str(c).lower() for c in params["claims"]])
    return Q(ref__in=owned.values("source_ref"))
