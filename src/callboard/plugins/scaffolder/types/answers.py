"""Turn what a browser sends back into answers, guided by the schema of the questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from callboard.plugins.scaffolder.types.forms import (
    DEPTH,
    MAX_ITEMS,
    Asking,
    JsonObject,
    escaped,
    path_of,
    shown,
    type_of,
    ui,
    widget_of,
)
from callboard.plugins.scaffolder.types.repo_url import FIELDS, RepoUrl
from callboard.plugins.scaffolder.types.schema import choose, is_object, resolve

ROUNDS = 6
_NUMBER = re.compile(r"[-+]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][-+]?\d{1,2})?\Z")


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
            value = _read(part, sent, before.get(key), f"{name}/{escaped(key)}", asking, depth + 1)
            if value is not None:
                answers[key] = value
    return answers


def _read(given: Any, sent: Sent, before: Any, name: str, asking: Asking, depth: int) -> Any:
    before = _chosen_branch(given, sent, before, name, asking)
    schema = resolve(given, before, asking.root)
    widget = widget_of(schema)
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
    kind = type_of(schema) if isinstance(schema, Mapping) else "string"
    return {"object": {}, "array": [], "boolean": False, "string": ""}.get(kind)


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _scalar(schema: JsonObject, widget: str, text: str | None) -> Any:
    if text is None:
        return None
    kind = type_of(schema)
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
    path = path_of(name)
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


def secrets_of(
    schema: Mapping[str, Any], values: Any, root: Mapping[str, Any], name: str = "f"
) -> list[tuple[str, str]]:
    """Answer the questions of a page whose answers are secrets: the name of the field and of the secret."""
    found: list[tuple[str, str]] = []
    for key, part in (resolve(schema, values, root).get("properties") or {}).items():
        if not isinstance(part, Mapping):
            continue
        here = f"{name}/{escaped(key)}"
        answer = values.get(key) if isinstance(values, Mapping) else None
        if ui(part, "field") == "Secret":
            found.append((here, key))
        elif is_object(part) and here.count("/") < DEPTH:
            found += secrets_of(part, answer, root, here)
    return found
