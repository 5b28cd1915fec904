"""Turn a page of questions into fields, and what a browser sends back into answers.

A field's ``name`` is the JSON pointer of its answer below ``f``: ``f/database/size``, ``f/tags/0``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from callboard.plugins.scaffolder.types.schema import Mistake, choose, is_object, resolve
from callboard.plugins.scaffolder.types.template import flag_of

JsonObject = dict[str, Any]
MAX_ITEMS = 200
DEPTH = 12
ROUNDS = 6
_NUMBER = re.compile(r"[-+]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][-+]?\d{1,2})?\Z")


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
        _field(properties[key], answers.get(key), f"{name}/{_escaped(key)}", key, asking, depth + 1, key in needed)
        for key in ordered(properties, ui(found, "order"))
        if isinstance(properties[key], Mapping) and shown(properties[key], asking)
    ]


def _escaped(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _field(given: Any, value: Any, name: str, key: str, asking: Asking, depth: int, required: bool) -> Field:
    schema = resolve(given, value, asking.root)
    path = _path(name)
    extension = ui(schema, "field", "")
    options = schema.get("ui:options")
    found = Field(
        name=name,
        id="q" + re.sub(r"[^A-Za-z0-9]+", "-", name[1:]),
        title=str(ui(schema, "title") or schema.get("title") or key),
        widget=_widget(schema),
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


def _path(name: str) -> tuple[str, ...]:
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
        if not (isinstance(schema, Mapping) and schema.get("title")):
            child.title = f"{found.title} {number + 1}"
        child.removable = ui(options, "removable", True) is not False
        child.orderable = ui(options, "orderable", True) is not False and len(answers) > 1
        found.children.append(child)


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "string")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    sample = next(iter(_options(schema)), None)
    if sample is not None:
        value = sample[0]
        return "boolean" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "string"
    return "string"


def _options(schema: Mapping[str, Any]) -> list[tuple[Any, str]]:
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
    many = _type(schema) == "array" and isinstance(items, Mapping)
    options = _options(items if many and isinstance(items, Mapping) else schema)
    if _type(schema) == "boolean" and not options:
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


def _widget(schema: Mapping[str, Any]) -> str:
    asked = ui(schema, "widget")
    asked = _SAME.get(asked, asked) if isinstance(asked, str) else None
    kind = _type(schema)
    if asked == "hidden":
        return "hidden"
    if kind == "object":
        return "object"
    if kind == "array":
        items = schema.get("items")
        several = isinstance(items, Mapping) and _options(items)
        if several and (schema.get("uniqueItems") or asked in {"checkboxes", "select"}):
            return "checkboxes"
        return "array"
    if kind == "boolean":
        return asked if asked in {"radio", "select"} else "checkbox"
    if _options(schema):
        return asked if asked == "radio" else "select"
    if asked in _WIDGETS and asked not in {"radio", "select", "checkboxes", "checkbox"}:
        return asked
    if kind in {"number", "integer"}:
        return "number"
    if kind == "null":
        return "hidden"
    shape = schema.get("format")
    return _FORMATS.get(shape, "text") if isinstance(shape, str) else "text"


# --- From what the browser sends to answers ----------------------------------------


class Sent:
    """What a browser sent: names with one or more texts."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = lists

    def all(self, name: str) -> list[str]:
        """Answer every text of a name."""
        return list(self._lists.get(name, ()))

    def last(self, name: str) -> str | None:
        """Answer the last text of a name; a checkbox follows its hidden companion."""
        found = self._lists.get(name)
        return found[-1] if found else None

    def any_below(self, name: str) -> bool:
        """Whether anything was sent inside of a name."""
        return any(key.startswith(f"{name}/") for key in self._lists)


def read_answers(schema: Mapping[str, Any], sent: Sent, before: Mapping[str, Any], asking: Asking) -> JsonObject:
    """Answer what was filled in.

    Which questions there are depends on the answers, so it goes round until they agree.
    """
    answers: JsonObject = dict(before)
    for _round in range(ROUNDS):
        found = _read_members(dict(schema), sent, answers, "f", asking, 0)
        if found == answers:
            break
        answers = found
    return answers


def _read_members(
    schema: JsonObject, sent: Sent, before: Mapping[str, Any], name: str, asking: Asking, depth: int
) -> JsonObject:
    resolved = resolve(schema, before, asking.root)
    properties = resolved.get("properties")
    if not isinstance(properties, Mapping) or depth > DEPTH:
        return {}
    answers: JsonObject = {}
    for key, part in properties.items():
        if isinstance(part, Mapping) and shown(part, asking):
            value = _read(part, sent, before.get(key), f"{name}/{_escaped(key)}", asking, depth + 1)
            if value is not None:
                answers[key] = value
    return answers


def _read(given: Any, sent: Sent, before: Any, name: str, asking: Asking, depth: int) -> Any:
    before = _chosen_branch(given, sent, before, name, asking)
    schema = resolve(given, before, asking.root)
    widget = _widget(schema)
    extension = ui(schema, "field", "")
    if extension in READERS:
        return READERS[extension](schema, sent, name)
    if extension and sent.last(f"{name}:json") is not None:
        return _loaded(sent.last(f"{name}:json") or "")
    if widget == "object":
        inner = _read_members(dict(given), sent, before if isinstance(before, Mapping) else {}, name, asking, depth)
        return inner or None
    if widget == "checkboxes":
        values = [item for item in (_loaded(text) for text in sent.all(name) if text) if item is not None]
        return values or ([] if sent.last(f"{name}:n") is not None and not schema.get("minItems") else None)
    if widget == "array":
        return _read_items(schema, sent, before, name, asking, depth)
    return _scalar(schema, widget, sent.last(name))


def _chosen_branch(given: Any, sent: Sent, before: Any, name: str, asking: Asking) -> Any:
    """Start a shape afresh with the answers that mark it, when somebody has chosen another one."""
    choice = sent.last(f"{name}:shape")
    if choice is None or not isinstance(given, Mapping) or not choice.isdigit():
        return before
    shapes = given.get("oneOf") or given.get("anyOf")
    if not isinstance(shapes, list) or int(choice) >= len(shapes):
        return before
    if choose(shapes, before, asking.root) == int(choice):
        return before
    properties = resolve(shapes[int(choice)], {}, asking.root).get("properties") or {}
    return {
        key: part.get("const", part.get("default")) for key, part in properties.items() if isinstance(part, Mapping)
    }


def _read_items(schema: JsonObject, sent: Sent, before: Any, name: str, asking: Asking, depth: int) -> Any:
    count = sent.last(f"{name}:n")
    if count is None:
        return before if isinstance(before, list) else None
    number = min(int(count), MAX_ITEMS) if count.isascii() and count.isdigit() and len(count) < 6 else 0
    items = schema.get("items")
    old = before if isinstance(before, list) else []
    found = []
    for index in range(number):
        part = items[min(index, len(items) - 1)] if isinstance(items, list) and items else items
        inner = old[index] if index < len(old) else None
        value = _read(part if isinstance(part, Mapping) else {}, sent, inner, f"{name}/{index}", asking, depth + 1)
        found.append(_empty_of(part) if value is None else value)
    return found or None


def _empty_of(schema: Any) -> Any:
    kind = _type(schema) if isinstance(schema, Mapping) else "string"
    return {"object": {}, "array": [], "boolean": False, "string": ""}.get(kind)


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _scalar(schema: JsonObject, widget: str, text: str | None) -> Any:
    if text is None:
        return None
    kind = _type(schema)
    text = text.replace("\r\n", "\n").replace("\0", "")
    if kind == "boolean":
        return text in {"true", "on"} if widget == "checkbox" else {"true": True, "false": False}.get(text)
    if widget in {"radio", "select"}:
        return _loaded(text) if text else None
    if text.strip() == "":
        empty = ui(schema, "emptyValue")
        return empty if empty is not None else None
    if kind in {"number", "integer"}:
        if not _NUMBER.match(text.strip()):
            return text
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return text


def _repo_url(_schema: JsonObject, sent: Sent, name: str) -> Any:
    from callboard.plugins.scaffolder.types.repo_url import FIELDS, RepoUrl  # noqa: PLC0415 - used here alone

    host = (sent.last(f"{name}:host") or "").strip()
    values = {part: (sent.last(f"{name}:{part}") or "").strip() for part in FIELDS}
    if not host or not any(values.values()):
        return sent.last(name) or None
    return str(RepoUrl(host, **values))


def _lines(_schema: JsonObject, sent: Sent, name: str) -> Any:
    """Read a list whose members are typed one a row: rows that are left empty are no members."""
    texts = [text.strip() for text in sent.all(name)]
    found = list(dict.fromkeys(part for text in texts for part in text.split("\n") if part.strip()))
    return found or None


def _tags(_schema: JsonObject, sent: Sent, name: str) -> Any:
    texts = [part.strip() for text in sent.all(name) for part in re.split(r"[,\s]+", text)]
    return list(dict.fromkeys(part for part in texts if part)) or None


def _one(_schema: JsonObject, sent: Sent, name: str) -> Any:
    return (sent.last(name) or "").strip() or None


READERS: dict[str, Callable[[JsonObject, Sent, str], Any]] = {
    "RepoUrlPicker": _repo_url,
    "EntityPicker": _one,
    "OwnerPicker": _one,
    "OwnedEntityPicker": _one,
    "MyGroupsPicker": _one,
    "EntityNamePicker": _one,
    "RepoBranchPicker": _one,
    "RepoOwnerPicker": _one,
    "MultiEntityPicker": _lines,
    "MyEntitiesPicker": _one,
    "EntityTagsPicker": _tags,
    "Secret": lambda _schema, _sent, _name: None,
}
"""Field extensions that read their answer in a way of their own. A secret is never an answer."""


def change_list(values: JsonObject, operation: str) -> JsonObject:
    """Answer the answers after a button of a list: ``add:f/tags``, ``remove:f/tags/1``, ``up:``, ``down:``."""
    action, _, name = operation.partition(":")
    path = _path(name)
    found = orjson.loads(orjson.dumps(values))
    if action == "add":
        holder = _reach(found, path[:-1], make=True)
        if isinstance(holder, dict) and path:
            items = holder.setdefault(path[-1], [])
            if isinstance(items, list) and len(items) < MAX_ITEMS:
                items.append(None)
        elif isinstance(holder, list) and path and path[-1].isdigit() and int(path[-1]) < len(holder):
            inner = holder[int(path[-1])]
            holder[int(path[-1])] = [*(inner if isinstance(inner, list) else []), None]
        return found
    items = _reach(found, path[:-1], make=False)
    if not isinstance(items, list) or not path or not path[-1].isdigit() or int(path[-1]) >= len(items):
        return found
    place = int(path[-1])
    if action == "remove":
        items.pop(place)
    other = place + {"up": -1, "down": 1}.get(action, 0)
    if action in {"up", "down"} and 0 <= other < len(items):
        items[place], items[other] = items[other], items[place]
    return found


def _reach(values: Any, path: Sequence[str], *, make: bool) -> Any:
    for part in path:
        if isinstance(values, dict):
            values = values.setdefault(part, {}) if make else values.get(part)
        elif isinstance(values, list) and part.isdigit() and int(part) < len(values):
            if values[int(part)] is None and make:
                values[int(part)] = {}
            values = values[int(part)]
        else:
            return None
    return values


def object_fields(fields: Sequence[Field]) -> list[Field]:
    """Answer all fields, those inside of others too."""
    found: list[Field] = []
    for item in fields:
        found.append(item)
        found.extend(object_fields(item.children))
    return found


def secrets_of(
    schema: Mapping[str, Any], values: Any, root: Mapping[str, Any], name: str = "f"
) -> list[tuple[str, str]]:
    """Answer the questions of a page whose answers are secrets: the name of the field and of the secret."""
    found: list[tuple[str, str]] = []
    for key, part in (resolve(schema, values, root).get("properties") or {}).items():
        if not isinstance(part, Mapping):
            continue
        here = f"{name}/{_escaped(key)}"
        answer = values.get(key) if isinstance(values, Mapping) else None
        if ui(part, "field") == "Secret":
            found.append((here, key))
        elif is_object(part) and here.count("/") < DEPTH:
            found += secrets_of(part, answer, root, here)
    return found
