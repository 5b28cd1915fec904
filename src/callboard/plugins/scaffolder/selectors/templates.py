"""Templates of the catalog, read: their pages as the caller may see them, their steps, their version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from callboard.lib.digest import content_hash
from callboard.plugins.catalog.public import EntityView, entity_view
from callboard.plugins.scaffolder.selectors.access import READ_PARAMETER, READ_STEP, may
from callboard.plugins.scaffolder.types.forms import Asking, shown
from callboard.plugins.scaffolder.types.schema import Mistake
from callboard.plugins.scaffolder.types.tasks import ScaffolderError, UnknownTemplateError
from callboard.plugins.scaffolder.types.template import Page, Step, Template, TemplateError, read_template
from callboard.sdk.contributions import Flag
from callboard.sdk.plugins import contributions


@dataclass(frozen=True)
class Found:
    """A template together with its entity."""

    ref: str
    view: EntityView
    template: Template

    @property
    def version(self) -> str:
        """Answer a digest that changes whenever the template itself does."""
        return version_of(self.view)

    @property
    def pages(self) -> list[Page]:
        """Answer the pages that the caller gets to see."""
        flags = flags_on()
        return [
            page
            for page in self.template.pages
            if (not page.flag or page.flag in flags)
            and (not page.tags or may(READ_PARAMETER, {"tags": list(page.tags)}))
        ]


def version_of(view: EntityView) -> str:
    """Answer a digest of a template that changes whenever the template does."""
    return content_hash(view.spec)[:16]


def flags_on() -> frozenset[str]:
    """Answer the feature flags that are on."""
    return frozenset(flag.id for flag in contributions(Flag) if flag.default)


def find_template(ref: str) -> Found:
    """Answer a template that the caller may see and use. Raises :class:`UnknownTemplateError`."""
    view = entity_view(ref)
    if view is None or view.kind != "Template":
        raise UnknownTemplateError(f"Template {ref} not found", "Look for it in the catalog; it may have been renamed.")
    try:
        return Found(view.ref, view, read_template(view.data))
    except TemplateError as error:
        raise ScaffolderError(f"The template {view.ref} cannot be used: {error}", "Correct the template.") from error


def asking(page: Page, mistakes: Iterable[Mistake] = ()) -> Asking:
    """Answer what building the form of a page needs."""
    hidden = {tag for tag in _tags(page.schema, 0) if not may(READ_PARAMETER, {"tags": [tag]})}
    return Asking(page.schema, tuple(mistakes), flags_on(), frozenset(hidden))


def _tags(schema: Any, depth: int) -> set[str]:
    if depth > 12:
        return set()
    if isinstance(schema, Mapping):
        permissions = schema.get("backstage:permissions")
        tags = permissions.get("tags") if isinstance(permissions, Mapping) else None
        found = {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
        return found.union(*(_tags(part, depth + 1) for part in schema.values()))
    if isinstance(schema, list):
        return set().union(*(_tags(part, depth + 1) for part in schema))
    return set()


def visible_steps(template: Template) -> list[Step]:
    """Answer the steps that run for the caller: flags are on, and their tags are not kept from them."""
    flags = flags_on()
    return [
        step
        for step in template.steps
        if (not step.flag or step.flag in flags) and (not step.tags or may(READ_STEP, {"tags": list(step.tags)}))
    ]


def parameter_schema(found: Found) -> dict[str, Any]:
    """Answer the pages of questions as the API sends them."""
    template = found.template
    answer: dict[str, Any] = {
        "title": template.title,
        "steps": [
            {
                "title": page.title,
                **({"description": page.description} if page.description else {}),
                "schema": _without_hidden(page.schema, asking(page)),
            }
            for page in found.pages
        ],
    }
    if template.description:
        answer["description"] = template.description
    if template.presentation:
        answer["presentation"] = template.presentation
    if template.ui_options:
        answer["ui:options"] = template.ui_options
    if template.decorators:
        answer["formDecorators"] = answer["EXPERIMENTAL_formDecorators"] = list(template.decorators)
    return answer


def _without_hidden(schema: Mapping[str, Any], questions: Asking) -> dict[str, Any]:

    result = dict(schema)
    properties = result.get("properties")
    if isinstance(properties, Mapping):
        result["properties"] = {
            name: _without_hidden(part, questions) if isinstance(part, Mapping) else part
            for name, part in properties.items()
            if not isinstance(part, Mapping) or shown(part, questions)
        }
    return result
