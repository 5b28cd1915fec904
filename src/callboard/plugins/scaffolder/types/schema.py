"""JSON Schema of forms: which questions there are, given the answers so far, and what is wrong with them.

Schemas come from templates, so references never leave the document and nothing recurses without end.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

JsonObject = dict[str, Any]
DEPTH = 32
_MERGED = ("properties", "patternProperties", "definitions", "$defs", "dependencies", "ui:options")


class SchemaError(ValueError):
    """A schema that cannot be used."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with the answers: where (``("owner",)``), in words, and as the schema's keyword."""

    path: tuple[str | int, ...]
    message: str
    keyword: str = ""
    value: Any = None


@lru_cache(maxsize=256)
def _compiled(text: bytes) -> Any:
    # A library in Rust that is large to load; most processes never check a form.
    import jsonschema_rs  # noqa: PLC0415

    try:
        return jsonschema_rs.Draft7Validator(
            orjson.loads(text), validate_formats=True, ignore_unknown_formats=True, offline=True
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaError(str(error).split("\n")[0]) from error


def _validator(schema: Any) -> Any:
    try:
        return _compiled(orjson.dumps(schema))
    except (TypeError, orjson.JSONEncodeError) as error:
        raise SchemaError(str(error)) from error


def holds(schema: Any, value: Any, root: Mapping[str, Any]) -> bool:
    """Whether a value meets a schema that may refer to definitions of ``root``."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping):
        return False
    shared = {key: root[key] for key in ("definitions", "$defs") if key in root}
    try:
        return bool(_validator({**shared, **schema}).is_valid(value))
    except SchemaError:
        return False


def resolve(schema: Any, value: Any, root: Mapping[str, Any], depth: int = 0) -> JsonObject:
    """Answer the schema that applies to ``value``: references, conditions and choices are gone.

    Of ``oneOf`` and ``anyOf`` of an object the branch that fits is taken, or the first.
    """
    if depth > DEPTH:
        return {}
    found = _referred(schema, root, 0)
    if not any(key in found for key in ("allOf", "if", "dependencies", "dependentSchemas", "dependentRequired", "oneOf",
                                        "anyOf")):  # fmt: skip
        return found
    found = dict(found)
    for part in found.pop("allOf", None) or []:
        found = merge(found, resolve(part, value, root, depth + 1))
    condition = found.pop("if", None)
    then, otherwise = found.pop("then", None), found.pop("else", None)
    if condition is not None:
        branch = then if holds(condition, _known(value), root) else otherwise
        if isinstance(branch, Mapping):
            found = merge(found, resolve(branch, value, root, depth + 1))
    found = _with_dependencies(found, value, root, depth)
    if is_object(found):
        for keyword in ("oneOf", "anyOf"):
            branches = found.get(keyword)
            if isinstance(branches, list) and branches and not _only_required(branches):
                found = dict(found)
                del found[keyword]
                chosen = resolve(branches[choose(branches, value, root)], value, root, depth + 1)
                found = merge(found, {k: v for k, v in chosen.items() if k not in {"title", "description"}})
    return found


def _only_required(branches: list[Any]) -> bool:
    return all(isinstance(branch, Mapping) and set(branch) <= {"required", "title"} for branch in branches)


def choose(branches: list[Any], value: Any, root: Mapping[str, Any]) -> int:
    """Answer the branch that a value fits into; otherwise the one that names most of its keys, or the first."""
    known = _known(value)
    fitting = [n for n, branch in enumerate(branches) if holds(branch, known, root)]
    if isinstance(known, Mapping) and known:
        pool = fitting or range(len(branches))
        return max(pool, key=lambda n: (len(_properties(branches[n], root) & known.keys()), -n))
    return fitting[0] if fitting else 0


def _properties(branch: Any, root: Mapping[str, Any]) -> set[str]:
    properties = _referred(branch, root, 0).get("properties")
    return set(properties) if isinstance(properties, Mapping) else set()


def _known(value: Any) -> Any:
    return {} if value is None else value


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema describes an object."""
    return schema.get("type") == "object" or ("type" not in schema and "properties" in schema)


def _referred(schema: Any, root: Mapping[str, Any], depth: int) -> JsonObject:
    if not isinstance(schema, Mapping):
        return {}
    reference = schema.get("$ref")
    if not isinstance(reference, str) or depth > DEPTH:
        return dict(schema)
    if not reference.startswith("#"):
        raise SchemaError(f"$ref {reference!r} leads out of the template; only #/definitions/… can be used")
    target: Any = root
    for part in reference[1:].strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        target = target.get(key) if isinstance(target, Mapping) and key else target if not key else None
    if not isinstance(target, Mapping):
        raise SchemaError(f"$ref {reference!r} leads nowhere")
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return merge(_referred(target, root, depth + 1), rest)


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> JsonObject:
    """Put two schemas together that both apply; in doubt the second says more."""
    result = dict(first)
    for key, value in second.items():
        before = result.get(key)
        if key == "required" and isinstance(before, list) and isinstance(value, list):
            result[key] = list(dict.fromkeys([*before, *value]))
        elif key in _MERGED and isinstance(before, Mapping) and isinstance(value, Mapping):
            merged = dict(before)
            for name, item in value.items():
                both = isinstance(merged.get(name), Mapping) and isinstance(item, Mapping)
                merged[name] = merge(merged[name], item) if both else item
            result[key] = merged
        elif key in {"allOf", "oneOf", "anyOf"} and isinstance(before, list) and isinstance(value, list):
            result[key] = [*before, *value] if key == "allOf" else value
        else:
            result[key] = value
    return result


def _with_dependencies(found: JsonObject, value: Any, root: Mapping[str, Any], depth: int) -> JsonObject:
    wanted: dict[str, Any] = {}
    for keyword in ("dependencies", "dependentSchemas", "dependentRequired"):
        given = found.pop(keyword, None)
        if isinstance(given, Mapping):
            wanted |= given
    present = value if isinstance(value, Mapping) else {}
    for name, dependency in wanted.items():
        if present.get(name) is None:
            continue
        if isinstance(dependency, list):
            found = merge(found, {"required": dependency})
            continue
        added = _referred(dependency, root, 0)
        branches = added.pop("oneOf", None)
        found = merge(found, resolve(added, value, root, depth + 1))
        if isinstance(branches, list):
            found = merge(found, _branch(name, branches, present, root, depth))
    return found


def _branch(
    name: str, branches: list[Any], present: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> JsonObject:
    for branch in branches:
        plain = _referred(branch, root, 0)
        properties = dict(plain.get("properties") or {})
        question = properties.pop(name, None)
        if question is not None and holds({"properties": {name: question}}, {name: present[name]}, root):
            return resolve({**plain, "properties": properties}, present, root, depth + 1)
    return {}


# --- Answers that nobody has given yet -----------------------------------------


def with_defaults(schema: Mapping[str, Any], values: Any, root: Mapping[str, Any], depth: int = 0) -> Any:
    """Fill in what the schema has for a default, and what is left open of it; answers win."""
    if depth > DEPTH:
        return values
    found = resolve(schema, values, root)
    if values is None and "default" in found:
        values = copy.deepcopy(found["default"])
    if values is None and "const" in found and depth:
        return copy.deepcopy(found["const"])
    if is_object(found) and isinstance(values, Mapping | None):
        filled = dict(values or {})
        for _round in range(4):
            before = dict(filled)
            for name, part in (resolve(schema, filled, root).get("properties") or {}).items():
                if not isinstance(part, Mapping):
                    continue
                inner = with_defaults(part, filled.get(name), root, depth + 1)
                if inner is not None and inner != {}:
                    filled[name] = inner
            if filled == before:
                break
        return filled
    items, least = found.get("items"), found.get("minItems")
    if values is None and depth and isinstance(least, int) and isinstance(items, Mapping) and is_object(items):
        # A list that may not be empty begins with as many rows as it needs.
        values = [{}] * min(least, 20)
    if isinstance(values, list) and isinstance(found.get("items"), Mapping):
        return [with_defaults(found["items"], item, root, depth + 1) for item in values[:1000]]
    return values


# --- Checking --------------------------------------------------------------------


def check(schema: Mapping[str, Any], values: Any) -> list[Mistake]:
    """Answer what is wrong with the answers to a page, in words. Raises :class:`SchemaError`."""
    found: dict[tuple[tuple[str | int, ...], str], Mistake] = {}
    for number, error in enumerate(_validator(_checkable(schema)).iter_errors(values)):
        if number >= 200:
            break
        for mistake in _mistakes(error, schema, values):
            found.setdefault((mistake.path, mistake.message), mistake)
    return list(found.values())


def _checkable(schema: Mapping[str, Any]) -> JsonObject:
    """Leave out what is no JSON Schema: the word ``required: true`` of old templates, and formats of widgets."""
    found = dict(schema)
    if "required" in found and not isinstance(found["required"], list):
        del found["required"]
    properties = found.get("properties")
    if isinstance(properties, Mapping):
        found["properties"] = {
            name: _checkable(part) if isinstance(part, Mapping) else part for name, part in properties.items()
        }
    return found


def _mistakes(error: Any, schema: Mapping[str, Any], values: Any) -> Iterator[Mistake]:
    path = tuple(error.instance_path)
    kind, details = error.kind.name, error.kind.as_dict()
    if kind in {"oneOf", "anyOf"}:
        best = _best_branch(error, schema, values, path)
        if best:
            yield from best
            return
    if kind == "required":
        yield Mistake((*path, details["property"]), "This is needed.", "required")
        return
    if kind == "dependentRequired" or (kind == "dependencies" and "property" in details):
        yield Mistake((*path, details.get("property", "")), "This is needed.", "required")
        return
    yield Mistake(path, in_words(kind, details, error), kind, _at(values, path))


def _best_branch(error: Any, schema: Mapping[str, Any], values: Any, path: tuple[str | int, ...]) -> list[Mistake]:
    """Answer the mistakes of the branch that the person is filling in, if there is one."""
    branches = error.kind.as_dict().get("context") or []
    value = _at(values, path)
    if not isinstance(value, Mapping) or not branches:
        return []
    choices = []
    for errors in branches:
        mistakes: list[Mistake] = []
        discriminated = False
        for inner in errors:
            mistakes += list(_mistakes(inner, schema, values))
            discriminated = discriminated or inner.kind.name in {"enum", "const"}
        if mistakes and not discriminated:
            choices.append(mistakes)
    return min(choices, key=len) if choices else []


def _at(values: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        if isinstance(values, Mapping):
            values = values.get(str(part))
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return None
    return values


_FORMATS = {
    "email": "an e-mail address, such as ada@example.com",
    "uri": "an address, such as https://example.com",
    "url": "an address, such as https://example.com",
    "date": "a date, such as 2026-01-31",
    "date-time": "a date and a time",
    "time": "a time, such as 13:30",
    "hostname": "the name of a host, such as www.example.com",
    "ipv4": "an address of the form 192.0.2.1",
    "ipv6": "an address of the form 2001:db8::1",
    "uuid": "a UUID",
    "regex": "a regular expression",
}
_TYPES = {
    "string": "a text", "number": "a number", "integer": "a whole number", "boolean": "yes or no",
    "array": "a list", "object": "an object", "null": "nothing",
}  # fmt: skip


def in_words(kind: str, details: Mapping[str, Any], error: Any) -> str:
    """Say what a schema's keyword asks for, to somebody who does not know JSON Schema."""
    limit = details.get("limit")
    if kind == "type":
        names = [_TYPES.get(name, name) for name in _names(details.get("types"))]
        return f"This must be {' or '.join(names)}."
    if kind == "pattern":
        return f"This does not have the right form; it must match {details.get('pattern')}."
    if kind == "format":
        return f"This must be {_FORMATS.get(str(details.get('format')), details.get('format'))}."
    if kind in {"enum", "const"}:
        return "Choose one of the values that are offered." if kind == "enum" else "This value is not allowed here."
    texts = {
        "minLength": f"This is too short: it needs at least {limit} characters.",
        "maxLength": f"This is too long: {limit} characters are allowed.",
        "minimum": f"This must be {limit} or more.",
        "maximum": f"This must be {limit} or less.",
        "exclusiveMinimum": f"This must be more than {limit}.",
        "exclusiveMaximum": f"This must be less than {limit}.",
        "multipleOf": f"This must be a multiple of {details.get('multiple_of', details.get('multipleOf', limit))}.",
        "minItems": f"Add at least {limit} of these." if limit != 1 else "Add at least one.",
        "maxItems": f"{limit} are allowed at most.",
        "uniqueItems": "No two of these may be the same.",
        "minProperties": f"This needs at least {limit} entries.",
        "maxProperties": f"{limit} entries are allowed at most.",
        "oneOf": "This fits none of the choices, or more than one.",
        "anyOf": "This fits none of the choices.",
        "not": "This value is not allowed here.",
        "additionalProperties": f"There is no question called {', '.join(map(str, details.get('unexpected', [])))}.",
        "contains": "What must be in the list is missing.",
    }
    return texts.get(kind) or str(error.message)[:300]


def _names(types: Any) -> list[str]:
    if isinstance(types, str):
        return [types]
    return [str(name) for name in types or []]
