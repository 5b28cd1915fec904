"""What templates show on the page of an entity."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from callboard.plugins.catalog.public import EntityView, entity_view, named
from callboard.plugins.scaffolder.selectors.day2 import done_to, made_for, made_of, templates_for
from callboard.plugins.scaffolder.selectors.templates import version_of
from callboard.sdk.ui import render_to_string


def entity_actions(request: HttpRequest, entity: EntityView) -> str:
    """Show what can be done to an entity, what was, and what it was made of; nothing where there is nothing."""
    offered = [
        (
            view,
            f"{reverse('create-template', args=[view.namespace, view.name])}?{urlencode({'entity': entity.ref})}",
        )
        for view in templates_for(entity)
    ]
    origin = made_of(entity.ref)
    tasks = done_to(entity)
    if not offered and origin is None and not tasks:
        return ""
    context: dict[str, Any] = {"offered": offered, "tasks": tasks, "receipts": made_for(entity), "origin": origin}
    if origin is not None:
        template = entity_view(origin.template_ref)
        context["template"] = named([origin.template_ref]).get(origin.template_ref)
        context["behind"] = template is not None and version_of(template) != origin.template_version
    return render_to_string("scaffolder/_entity_card.html", context, request)
