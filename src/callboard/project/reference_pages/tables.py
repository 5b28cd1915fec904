"""Describe the tables of the database from the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps

from callboard.core.registry.store import registry
from callboard.project.reference_pages import text

_INTRODUCTION = """\
The tables of Callboard begin with `cb_` and the name of the room or part of the core they belong to. They are described
here so that you can look into them; **they are not a public interface** and change with releases. Programs use the
[HTTP API](http-api.md).

Besides these there are Django's own tables (`django_*`, `auth_*`), those of django-allauth (`account_*`,
`socialaccount_*`, `mfa_*`) and those of the queue (`procrastinate_*`).
"""


def page() -> str:
    """Answer the page about tables."""
    own = {loaded.plugin.label for loaded in registry.plugins() if loaded.plugin.bundled}
    parts = []
    for config in sorted(apps.get_app_configs(), key=lambda one: one.label):
        core = config.name.startswith("callboard.core.")
        models = sorted(config.get_models(), key=lambda model: model._meta.db_table)
        if models and (core or config.label in own):
            parts.append(f"## {config.label.removeprefix('cb_')}")
            for model in models:
                parts.extend(_model(model))
    return text.page("Tables", _INTRODUCTION, *parts)


def _model(model: Any) -> Iterator[str]:
    yield f"### {model._meta.db_table}"
    yield text.prose(model.__doc__)
    yield text.table(("Column", "Type", "Meaning"), (_column(field) for field in model._meta.concrete_fields))


def _column(field: Any) -> tuple[str, str, str]:
    internal = field.get_internal_type()
    kind = _TYPES.get(internal, internal.removesuffix("Field").lower())
    if field.is_relation:
        kind = f"reference to `{field.related_model._meta.db_table}`"
    elif internal == "ArrayField":
        kind = "text[]"
    marks = [
        mark
        for mark, there in (("key", field.primary_key), ("unique", field.unique and not field.primary_key))
        if there
    ]
    if field.null:
        marks.append("may be null")
    said = str(field.help_text or "")
    return f"`{field.column}`", ", ".join([kind, *marks]), said


_TYPES = {
    "BigAutoField": "bigint",
    "AutoField": "integer",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "CharField": "text",
    "DateTimeField": "timestamp",
    "FloatField": "double",
    "IntegerField": "integer",
    "JSONField": "jsonb",
    "OneToOneField": "bigint",
    "PositiveIntegerField": "integer",
    "TextField": "text",
    "UUIDField": "uuid",
}
