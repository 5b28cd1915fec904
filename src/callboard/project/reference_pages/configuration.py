"""Describe every setting from its typed model."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from callboard.core.config.rooms import room_models
from callboard.core.config.schema import PortalConfig
from callboard.core.registry.store import registry
from callboard.project.reference_pages import text

_INTRODUCTION = """\
Every setting has a working default, so an empty configuration is a good one. Values come from four places; the later
one wins:

1. the defaults on this page;
2. `callboard.yaml` in the current directory, or the file that `--config` or `CALLBOARD_CONFIG` names;
3. environment variables: `DATABASE_URL`, and `CALLBOARD_` with the path in capitals and two underscores between its
   parts (`server.port` is `CALLBOARD_SERVER__PORT`). Lists and mappings are written as JSON;
4. options of the command line, such as `--port`.

What administrators change in the portal itself (marked *in the portal*) is kept in the database. It counts only where
none of the four places says anything.

Inside the file, `${NAME}` is replaced by an environment variable and `${NAME:-text}` by the text when the variable is
not set; `$${` stands for a plain `${`.

`callboard config check` lists every problem with file, line and remedy, and `callboard config show` prints every value
with the place it comes from. A wrong key or value stops the start: nothing is guessed.

Values marked *secret* never appear in logs, answers or `config show`.
"""


def page() -> str:
    """Answer the page about the configuration."""
    parts = ["## Top level", text.table(_HEADING, _rows(PortalConfig, "", sections=False))]
    for name, field in PortalConfig.model_fields.items():
        model = _model(field.annotation)
        if model is not None:
            parts += [f"## {name}", *_section(model, name)]
    models = room_models().models
    own = {loaded.plugin.name for loaded in registry.plugins() if loaded.plugin.bundled}
    for room in sorted(own):
        if room in models and models[room].model_fields:
            parts += [f"## {room}", *_section(models[room], room)]
    return text.page("Configuration", _INTRODUCTION, *parts)


_HEADING = ("Key", "Type", "Default", "Meaning")


def _section(model: type[BaseModel], path: str) -> Iterator[str]:
    yield text.prose(model.__doc__)
    yield text.table(_HEADING, _rows(model, path))
    for name, field in model.model_fields.items():
        for inner in _inner_models(field.annotation):
            place = f"{path}.{name}{_suffix(field.annotation)}"
            yield f"### {place}"
            yield from _section_of_items(inner, place)


def _section_of_items(model: type[BaseModel], place: str) -> Iterator[str]:
    yield text.prose(model.__doc__)
    yield text.table(_HEADING, _rows(model, place))
    for name, field in model.model_fields.items():
        for inner in _inner_models(field.annotation):
            if inner is not model and not place.endswith("].rules[]"):
                deeper = f"{place}.{name}{_suffix(field.annotation)}"
                yield f"#### {deeper}"
                yield text.prose(inner.__doc__)
                yield text.table(_HEADING, _rows(inner, deeper))


def _rows(model: type[BaseModel], path: str, *, sections: bool = True) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        if field.exclude or (not sections and _model(field.annotation) is not None):
            continue
        dotted = f"{path}.{name}" if path else name
        yield f"`{dotted}`", _type_of(field), _default_of(field), _meaning_of(field)


def _meaning_of(field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    marks = [mark for mark, key in (("*Secret.*", "secret"), ("*In the portal.*", "ui")) if extra.get(key)]
    limits = _limits(field)
    return " ".join(part for part in (text.prose(field.description), limits, *marks) if part)


def _limits(field: FieldInfo) -> str:
    words = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
    found = [
        said.format(getattr(item, name))
        for item in field.metadata
        for name, said in words.items()
        if getattr(item, name, None) is not None
    ]
    return f"{' and '.join(found).capitalize()}." if found else ""


def _type_of(field: FieldInfo) -> str:
    return _type(field.annotation)


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"mapping to {_type(inner[1])}"
    if origin in {Union, types.UnionType}:
        return " or ".join(_type(one) for one in inner if one is not type(None))
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is PydanticUndefined:
        return ""
    if value is None or value == "":
        return "empty"
    return f"`{json.dumps(value, ensure_ascii=False, default=str)}`"


def _model(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _inner_models(annotation: Any) -> Iterator[type[BaseModel]]:
    model = _model(annotation)
    if model is not None:
        yield model
        return
    for inner in get_args(annotation):
        yield from _inner_models(inner)


def _suffix(annotation: Any) -> str:
    return {list: "[]", dict: ".<name>"}.get(get_origin(annotation), "")
