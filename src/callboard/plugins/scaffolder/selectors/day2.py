"""Templates that act on what is in the catalog already: which ones fit an entity.

A template says so with the annotation ``callboard.dev/acts-on``, whose value is a filter as in the address of
the catalog's API: ``kind=component,spec.type=service``.
"""

from __future__ import annotations

from callboard.plugins.catalog.public import EntityView, entities_like, entity_views
from callboard.plugins.scaffolder.models import Origin, Receipt, Task
from callboard.plugins.scaffolder.selectors.tasks import tasks

ACTS_ON = "callboard.dev/acts-on"


def templates_for(entity: EntityView) -> list[EntityView]:
    """Answer the templates that act on an entity."""
    found = entities_like([{"kind": ["template"], f"metadata.annotations.{ACTS_ON}": None}], limit=100)
    views = entity_views([item.ref for item in found])
    return [view for view in views.values() if acts_on(view.annotations.get(ACTS_ON, ""), entity)]


def acts_on(wanted: str, entity: EntityView) -> bool:
    """Whether an entity meets the filter of a template."""
    conditions = [part.partition("=") for part in wanted.split(",") if part.strip()]
    return bool(conditions) and all(_has(entity, key.strip(), value.strip()) for key, _equals, value in conditions)


def _has(entity: EntityView, key: str, value: str) -> bool:
    found: object = entity.data
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    values = found if isinstance(found, list) else [found]
    if not value:
        return found is not None
    return any(str(item).lower() == value.lower() for item in values if item is not None)


def done_to(entity: EntityView, limit: int = 5) -> list[Task]:
    """Answer the latest tasks about an entity."""
    return list(tasks(entity=entity.ref)[:limit])


def made_of(ref: str) -> Origin | None:
    """Answer what an entity was made of, if a template made it."""
    return Origin.objects.filter(entity_ref=ref).first()


def made_for(entity: EntityView, limit: int = 20) -> list[Receipt]:
    """Answer what day-2 tasks made for an entity and is still there."""
    found = Receipt.objects.filter(task__entity_ref=entity.ref, undone_at__isnull=True)
    return list(found.order_by("-id")[:limit])
