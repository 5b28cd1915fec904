"""Turn a page of questions into fields, and what a browser sends back into answers.

A field's ``name`` is the JSON pointer of its answer below ``f``: ``f/database/size``, ``f/tags/0``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from callboard.plugins.scaffolder.types.schema import Mistake, choose, resolve
from callboard.plugins.scaffolder.types.template import flag_of

JsonObject = dict[str, Any]
MAX_ITEMS = 200
DEPTH = 12


@dataclass
class Field:
    """One question as it is shown. ``widget`` names the way it is asked, ``extension`` a ``ui:field``."""

    name: str
    id: str
    title: str
    widget: str
    schema: JsonObject
    value: Any = None
    help: str = ""
    hint: str = ""
    extension: str = ""
    options: JsonObject = field(default_factory=dict)
    choices: list[tuple[str, str, bool]] = field(default_factory=list)
    required: bool = False
    disabled: bool = False
    readonly: bool = False
    autofocus: bool = False
    placeholder: str = ""
    autocomplete: str = ""
    rows: int = 4
    errors: list[str] = field(default_factory=list)
    children: list[Field] = field(default_factory=list)
    addable: bool = False
    removable: bool = False
    orderable: bool = False
    branches: list[tuple[str, str, bool]] = field(default_factory=list)

    @property
    def error(self) -> str:
        """All that is wrong with it, in one line."""
        return " ".join(self.errors)

    @property
    def text(self) -> str:
        """The answer as an input shows it."""
        if self.value is None:
            return ""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return self.value if isinstance(self.value, str) else orjson.dumps(self.value).decode()


@dataclass(frozen=True)
class Asking:
    """What building a form needs to know besides the schema."""

    root: Mapping[str, Any]
    mistakes: Sequence[Mistake] = ()
    flags: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    """Tags whose questions the caller may not see."""


def ui(schema: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Answer a hint, written as ``ui:name`` or inside ``ui:options``."""
    if f"ui:{name}" in schema:
        return schema[f"ui:{name}"]
    options = schema.get("ui:options")
    return options.get(name, default) if isinstance(options, Mapping) else default


def shown(schema: Mapping[str, Any], asking: Asking) -> bool:
    """Whether a question is asked: its feature flag is on and its tags are not hidden from the caller."""
    flag = flag_of(schema)
    if flag and flag not in asking.flags:
        return False
    permissions = schema.get("backstage:permissions")
    tags = permissions.get("tags") if isinstance(permissions, Mapping) else None
    return not (isinstance(tags, list) and any(tag in asking.hidden for tag in tags))


def ordered(properties: Mapping[str, Any], order: Any) -> list[str]:
    """Answer the names in the order of ``ui:order``; ``*`` stands for the rest."""
    names = list(properties)
    if not isinstance(order, list):
        return names
    listed = [name for name in order if name in properties]
    rest = [name for name in names if name not in listed]
    if "*" not in order:
        return listed + rest
    place = sum(1 for name in order[: order.index("*")] if name in properties)
    return listed[:place] + rest + listed[place:]


def build_fields(schema: Mapping[str, Any], values: Mapping[str, Any], asking: Asking) -> list[Field]:
    """Answer the fields of a page."""
    return _members(dict(schema), values, "f", asking, 0)


def _members(schema: JsonObject, values: Any, name: str, asking: Asking, depth: int) -> list[Field]:
    found = resolve(schema, values, asking.root)
    properties = found.get("properties")
    if not isinstance(properties, Mapping) or depth > DEPTH:
        return []
    required = found.get("required")
    needed = set(required) if isinstance(required, list) else set()
    answers = values if isinstance(values, Mapping) else {}
    return [
        _field(properties[key], answers.get(key), f"{name}/{escaped(key)}", key, asking, depth + 1, key in needed)
        for key in ordered(properties, ui(found, "order"))
        if isinstance(properties[key], Mapping) and shown(properties[key], asking)
    ]


def escaped(key: Any) -> str:
    """Answer a key as part of a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _field(given: Any, value: Any, name: str, key: str, asking: Asking, depth: int, required: bool) -> Field:
    schema = resolve(given, value, asking.root)
    path = path_of(name)
    extension = ui(schema, "field", "")
    options = schema.get("ui:options")
    found = Field(
        name=name,
        id="q" + re.sub(r"[^A-Za-z0-9]+", "-", name[1:]),
        title=str(ui(schema, "title") or schema.get("title") or key),
        widget=widget_of(schema),
        schema=schema,
        value=value,
        help=str(ui(schema, "description") or schema.get("description") or ""),
        hint=str(ui(schema, "help") or ""),
        extension=extension if isinstance(extension, str) else "",
        options=dict(options) if isinstance(options, Mapping) else {},
        required=required or schema.get("required") is True,
        disabled=ui(schema, "disabled") is True,
        readonly=ui(schema, "readonly") is True or schema.get("readOnly") is True,
        autofocus=ui(schema, "autofocus") is True,
        placeholder=str(ui(schema, "placeholder") or ""),
        autocomplete=str(ui(schema, "autocomplete") or ""),
        rows=_rows(ui(schema, "rows")),
        errors=[m.message for m in asking.mistakes if tuple(map(str, m.path)) == path],
    )
    if found.extension:
        # The answer of a field extension is its own matter; mistakes inside it are shown at the field.
        found.errors = [m.message for m in asking.mistakes if tuple(map(str, m.path))[: len(path)] == path]
    elif found.widget == "object":
        found.children = _members(dict(schema), value, name, asking, depth)
        found.branches = _branches(given, value, asking)
    elif found.widget == "array":
        _items(found, value, asking, depth)
    found.choices = _choices(schema, value)
    return found


def _rows(value: Any) -> int:
    return value if isinstance(value, int) and 1 <= value <= 40 else 4


def path_of(name: str) -> tuple[str, ...]:
    """Answer the keys that the name of a field stands for."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in name.split("/")[1:])


def _branches(given: Any, value: Any, asking: Asking) -> list[tuple[str, str, bool]]:
    """Answer the choices between shapes of an object, where it has several."""
    if not isinstance(given, Mapping):
        return []
    for keyword in ("oneOf", "anyOf"):
        shapes = given.get(keyword)
        if (
            isinstance(shapes, list)
            and len(shapes) > 1
            and all(isinstance(s, Mapping) and "properties" in s for s in shapes)
        ):
            chosen = choose(shapes, value, asking.root)
            return [(str(n), str(s.get("title") or f"Option {n + 1}"), n == chosen) for n, s in enumerate(shapes)]
    return []


def _items(found: Field, value: Any, asking: Asking, depth: int) -> None:
    items = found.schema.get("items")
    answers = value if isinstance(value, list) else []
    options = found.schema
    most = options.get("maxItems")
    fixed = ui(options, "addable", True) is False
    found.addable = not fixed and len(answers) < (most if isinstance(most, int) else MAX_ITEMS)
    for number, answer in enumerate(answers[:MAX_ITEMS]):
        schema = items[min(number, len(items) - 1)] if isinstance(items, list) and items else items
        child = _field(
            schema if isinstance(schema, Mapping) else {}, answer, f"{found.name}/{number}", str(number + 1), asking,
            depth + 1, required=True,
        )  # fmt: skip
        if not child.schema.get("title"):
            child.title = f"{found.title} {number + 1}"
        child.removable = ui(options, "removable", True) is not False
        child.orderable = ui(options, "orderable", True) is not False and len(answers) > 1
        found.children.append(child)


def type_of(schema: Mapping[str, Any]) -> str:
    """Answer the type that a schema means, also where it does not say."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "string")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    sample = next(iter(options_of(schema)), None)
    if sample is not None:
        value = sample[0]
        return "boolean" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "string"
    return "string"


def options_of(schema: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """Answer the values to choose from with their names, if there are any."""
    values = schema.get("enum")
    if isinstance(values, list):
        names = schema.get("enumNames") or ui(schema, "enumNames") or []
        named = isinstance(names, list)
        return [(v, str(names[n]) if named and n < len(names) else _said(v)) for n, v in enumerate(values[:2000])]
    for keyword in ("oneOf", "anyOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            found = [_constant(branch) for branch in branches]
            if all(item is not None for item in found):
                return [item for item in found if item is not None]
    return []


def _constant(branch: Any) -> tuple[Any, str] | None:
    if not isinstance(branch, Mapping):
        return None
    if "const" in branch:
        return branch["const"], str(branch.get("title") or _said(branch["const"]))
    values = branch.get("enum")
    if isinstance(values, list) and len(values) == 1:
        return values[0], str(branch.get("title") or _said(values[0]))
    return None


def _said(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _choices(schema: Mapping[str, Any], value: Any) -> list[tuple[str, str, bool]]:
    items = schema.get("items")
    many = type_of(schema) == "array" and isinstance(items, Mapping)
    options = options_of(items if many and isinstance(items, Mapping) else schema)
    if type_of(schema) == "boolean" and not options:
        options = [(True, "Yes"), (False, "No")]
    chosen = value if many and isinstance(value, list) else [value]
    return [(orjson.dumps(item).decode(), name, item in chosen) for item, name in options]


_WIDGETS = frozenset(
    ("textarea", "password", "radio", "select", "checkbox", "checkboxes", "hidden", "updown", "range", "color", "email",
     "uri", "date", "datetime", "time", "text", "file")
)  # fmt: skip
_SAME = {
    "alt-date": "date",
    "alt-datetime": "datetime",
    "date-time": "datetime",
    "url": "uri",
    "SecretWidget": "password",
}
_FORMATS = {
    "email": "email", "uri": "uri", "url": "uri", "date": "date", "date-time": "datetime", "time": "time",
    "color": "color", "data-url": "file", "password": "password",
}  # fmt: skip


def widget_of(schema: Mapping[str, Any]) -> str:
    """Answer how a question is asked."""
    asked = ui(schema, "widget")
    asked = _SAME.get(asked, asked) if isinstance(asked, str) else None
    kind = type_of(schema)
    if asked == "hidden":
        return "hidden"
    if kind == "object":
        return "object"
    if kind == "array":
        items = schema.get("items")
        several = isinstance(items, Mapping) and options_of(items)
        if several and (schema.get("uniqueItems") or asked in {"checkboxes", "select"}):
            return "checkboxes"
        return "array"
    if kind == "boolean":
        return asked if asked in {"radio", "select"} else "checkbox"
    if options_of(schema):
        return asked if asked == "radio" else "select"
    if asked in _WIDGETS and asked not in {"radio", "select", "checkboxes", "checkbox"}:
        return asked
    if kind in {"number", "integer"}:
        return "number"
    if kind == "null":
        return "hidden"
    shape = schema.get("format")
    return _FORMATS.get(shape, "text") if isinstance(shape, str) else "text"


def object_fields(fields: Sequence[Field]) -> list[Field]:
    """Answer all fields, those inside of others too."""
    found: list[Field] = []
    for item in fields:
        found.append(item)
        found.extend(object_fields(item.children))
    return found
