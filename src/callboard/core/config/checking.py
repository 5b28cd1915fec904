"""Validate settings and turn what is wrong into sentences with a place and a remedy."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from callboard.core.config.sources import Gathered, describe
from callboard.lib.nearest import nearest
from callboard.lib.problems import Problem

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "a mapping (`key: value` lines)",
    "model": "a mapping (`key: value` lines)",
    "path": "a path",
}


def inner(annotation: Any) -> Any:
    """Answer the type of an optional or annotated type."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, types.UnionType}:
            rest = [a for a in get_args(annotation) if a is not type(None)]
            if len(rest) != 1:
                return annotation
            annotation = rest[0]
        else:
            return annotation


def field_at(model: type[BaseModel], location: Iterable[int | str]) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Follow a location through nested models; answer the innermost model and field on the way."""
    annotation: Any = model
    owner: type[BaseModel] | None = None
    info: FieldInfo | None = None
    for step in location:
        annotation = inner(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            owner, info = annotation, annotation.model_fields.get(str(step))
            if info is None:
                return owner, None
            annotation = info.annotation
        elif get_origin(annotation) is list:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            return owner, info
    annotation = inner(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, info
    return owner, info


def has_mark(info: FieldInfo | None, mark: str) -> bool:
    """Whether a field carries ``json_schema_extra={mark: True}``."""
    extra = info.json_schema_extra if info else None
    return isinstance(extra, dict) and bool(extra.get(mark))


def dotted(location: Iterable[int | str]) -> str:
    """Write a location as a JSON path: ``catalog.rules[0].allow``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def from_texts(model: type[BaseModel], value: Any) -> Any:
    """Turn texts (as the environment gives them) into lists and mappings where the model wants those."""
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        info = model.model_fields.get(key)
        wanted = inner(info.annotation) if info else None
        if isinstance(wanted, type) and issubclass(wanted, BaseModel):
            result[key] = from_texts(wanted, {} if item is None else item)
        elif isinstance(item, str) and get_origin(wanted) in {list, dict}:
            result[key] = _from_text(item, is_list=get_origin(wanted) is list)
        else:
            result[key] = item
    return result


def _from_text(text: str, *, is_list: bool) -> Any:
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()] if is_list else text


def resolve_paths(model: BaseModel, base: Path, places: Gathered, prefix: str = "") -> None:
    """Make relative paths absolute: those of the file and defaults from its directory, others from here."""
    for name, info in type(model).model_fields.items():
        value, path = getattr(model, name), f"{prefix}.{name}" if prefix else name
        if isinstance(value, BaseModel):
            resolve_paths(value, base, places, path)
            continue
        start = Path.cwd() if path in places.places else base
        if isinstance(value, Path):
            setattr(model, name, (start / value.expanduser()).resolve())
        elif has_mark(info, "path") and isinstance(value, list):
            setattr(model, name, [str((start / Path(item).expanduser()).resolve()) for item in value])
        elif has_mark(info, "path") and value:
            setattr(model, name, str((start / Path(value).expanduser()).resolve()))


def validate(
    model: type[BaseModel], values: Any, gathered: Gathered, prefix: str = "", more_keys: Iterable[str] = ()
) -> BaseModel | None:
    """Answer the validated model, or nothing after adding every problem to ``gathered``."""
    try:
        return model.model_validate(from_texts(model, values))
    except ValidationError as error:
        gathered.problems += _problems(model, error, gathered, prefix, tuple(more_keys))
        return None


def _problems(
    model: type[BaseModel],
    error: ValidationError,
    gathered: Gathered,
    prefix: str,
    more_keys: tuple[str, ...],
) -> Iterator[Problem]:
    for item in error.errors(include_url=False):
        location = tuple(item["loc"])
        path = dotted((prefix, *location)) if prefix else dotted(location)
        place = gathered.place_of(path)
        if item["type"] == "extra_forbidden":
            owner, _ = field_at(model, location[:-1])
            known = [*(owner.model_fields if owner else ()), *(() if location[:-1] else more_keys)]
            known = [name for name in known if name != "rooms"]
            yield Problem(
                "config-unknown-key",
                f"Unknown key `{path}`.",
                remedy_for_key(str(location[-1]), known),
                place,
            )
            continue
        _, info = field_at(model, location)
        expected, remedy = _expected(item), info.description if info and info.description else ""
        if item["type"] == "missing":
            yield Problem("config-missing", f"`{path}` is missing.", remedy or "Add it.", place)
            continue
        got = describe(item["input"], secret=has_mark(info, "secret"))
        remedy = remedy or "Correct the value, or remove the key to use the default."
        if item["type"] == "string_type" and isinstance(item["input"], (int, float)):
            remedy = "Put the value in quotes."
        yield Problem("config-value", f"`{path}`: expected {expected}, got {got}.", remedy, place)


def remedy_for_key(word: str, known: Iterable[str]) -> str:
    """Say which key was probably meant, or which ones there are."""
    names = sorted(known)
    meant = nearest(word, names)
    if meant:
        return f"Did you mean `{meant}`?"
    return f"Valid keys here: {', '.join(f'`{name}`' for name in names)}." if names else "Remove it."


def _expected(item: ErrorDetails) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "literal_error":
        return f"one of {context['expected']}"
    limits = {"greater_than_equal": ("at least", "ge"), "greater_than": ("more than", "gt"),
              "less_than_equal": ("at most", "le"), "less_than": ("less than", "lt")}  # fmt: skip
    if kind in limits:
        word, key = limits[kind]
        return f"a number of {word} {context[key]}"
    if kind in {"string_too_long", "string_too_short"}:
        word = "at most" if "max_length" in context else "at least"
        return f"text of {word} {next(iter(context.values()))} characters"
    if kind == "string_pattern_mismatch":
        return f"text matching {context['pattern']}"
    found = _EXPECTED.get(kind.split("_", maxsplit=1)[0])
    return found or item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
