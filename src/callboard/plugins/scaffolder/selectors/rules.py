"""Conditions on tasks, as database filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q


def created_by(params: Mapping[str, Any]) -> Q:
    """Tasks that one of these people started."""
    return Q(created_by__in=list(params.get("createdBy") or []))


def of_template(params: Mapping[str, Any]) -> Q:
    """Tasks of one of these templates."""
    return Q(template_ref__in=[str(ref).lower() for ref in params.get("templateEntityRefs") or []])


def checked_elsewhere(_params: Mapping[str, Any]) -> Q:
    """Match nothing: rules on actions and on steps are checked against the thing itself."""
    return Q(pk__in=[])
