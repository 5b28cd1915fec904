"""Keep answers that are not finished, so that nobody types them twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callboard.plugins.scaffolder.models import Draft
from callboard.plugins.scaffolder.selectors.access import CREATE
from callboard.sdk.auth import principal
from callboard.sdk.permissions import require


def save_draft(template_ref: str, values: Mapping[str, Any], page: int) -> None:
    """Keep what the caller has answered so far. Secrets are never among the answers."""
    require(CREATE)
    Draft.objects.update_or_create(
        owner=principal().ref, template_ref=template_ref, defaults={"values": dict(values), "page": page}
    )


def drop_draft(template_ref: str) -> None:
    """Forget what the caller has answered."""
    require(CREATE)
    Draft.objects.filter(owner=principal().ref, template_ref=template_ref).delete()
