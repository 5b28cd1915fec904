"""The filters of templates: those of Nunjucks, and those that scaffolder templates have besides."""

from __future__ import annotations

import math
import random as chance
import re
from collections.abc import Callable, Mapping
from html import escape as html_escape
from typing import Any
from urllib.parse import quote

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.scaffolder.types.budget import TemplatingError, budget
from callboard.plugins.scaffolder.types.members import join, member, replace_all
from callboard.plugins.scaffolder.types.repo_url import RepoUrlError, parse_repo_url
from callboard.plugins.scaffolder.types.values import dumped, equal, is_undefined, truthy, written

_TAGS = re.compile(r"</?([a-z][a-z0-9]*)\b[^>]*>|<!--[\s\S]*?-->", re.IGNORECASE)


def _items(value: Any) -> list[Any]:
    if value is None or is_undefined(value):
        return []
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, (str, list, tuple)):
        found = list(value)
        budget().room_for(len(found))
        return found
    raise TemplatingError("a list was expected")


def _get(item: Any, attribute: Any) -> Any:
    for part in str(attribute).split("."):
        item = member(item, part, lambda: None)
    return item


def _default(value: Any, other: Any = "", falsy: Any = False) -> Any:
    if truthy(falsy):
        return value if truthy(value) else other
    return other if is_undefined(value) else value


def _number(value: Any, default: Any, convert: Callable[[str], Any]) -> Any:
    if isinstance(value, bool):
        return default
    match = re.match(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", written(value)[:400])
    return default if match is None else convert(match.group())


def _int(value: Any, default: Any = 0, base: Any = 10) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if math.isfinite(value) else default
    if base != 10 and isinstance(value, str):
        try:
            return int(value.strip()[:400], int(base))
        except ValueError:
            return default
    return _number(value, default, lambda text: int(float(text)))


def _round(value: Any, precision: Any = 0, method: Any = "common") -> Any:
    factor = 10 ** min(max(int(precision), 0), 15)
    number = float(value) * factor
    rounded = {"ceil": math.ceil, "floor": math.floor}.get(method, lambda n: math.floor(n + 0.5))(number)
    return rounded / factor if precision else int(rounded)


def _dump(value: Any, spaces: Any = 0) -> str:
    return dumped(value, int(spaces or 0))


def _title(value: Any) -> str:
    return " ".join(word[:1].upper() + word[1:].lower() for word in written(value).split(" "))


def _truncate(value: Any, length: Any = 255, killwords: Any = False, end: Any = "...") -> str:
    text, size = written(value), int(length)
    if len(text) <= size:
        return text
    if not truthy(killwords):
        cut = text.rfind(" ", 0, size + 1)
        size = cut if cut > 0 else size
    return text[:size] + written(end)


def _indent(value: Any, width: Any = 4, first: Any = False) -> str:
    text, space = written(value), " " * min(max(int(width), 0), 200)
    budget().make(len(text) + (text.count("\n") + 1) * len(space))
    return "\n".join((space if number or truthy(first) else "") + line for number, line in enumerate(text.split("\n")))


def _center(value: Any, width: Any = 80) -> str:
    budget().make(max(int(width), 0))
    return written(value).center(max(int(width), 0))


def _join(value: Any, by: Any = "", attribute: Any = None) -> str:
    items = _items(value)
    return join(items if attribute is None else [_get(item, attribute) for item in items], by)


def _sort(value: Any, reverse: Any = False, case: Any = False, attribute: Any = None) -> list[Any]:
    def key(item: Any) -> tuple[int, Any]:
        budget().turn()
        found = _get(item, attribute) if attribute else item
        if isinstance(found, str):
            return (1, found if truthy(case) else found.lower())
        if isinstance(found, (int, float)):
            return (0, found)
        return (2, written(found))

    return sorted(_items(value), key=key, reverse=truthy(reverse))


def _dictsort(value: Any, case: Any = False, by: Any = "key") -> list[list[Any]]:
    if not isinstance(value, Mapping):
        raise TemplatingError("dictsort: an object was expected")
    place = 1 if by == "value" else 0
    pairs = [[key, item] for key, item in value.items()]
    return sorted(pairs, key=lambda p: written(p[place]) if truthy(case) else written(p[place]).lower())


def _groupby(value: Any, attribute: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for item in _items(value):
        groups.setdefault(written(_get(item, attribute)), []).append(item)
    return groups


def _batch(value: Any, size: Any, fill: Any = None) -> list[list[Any]]:
    items, number = _items(value), max(1, int(size))
    rows = [items[n : n + number] for n in range(0, len(items), number)]
    if rows and fill is not None:
        budget().room_for(number)
        rows[-1] += [fill] * (number - len(rows[-1]))
    return rows


def _slice(value: Any, count: Any, fill: Any = None) -> list[list[Any]]:
    items, number = _items(value), max(1, int(count))
    budget().room_for(number)
    each, more = divmod(len(items), number)
    result, start = [], 0
    for n in range(number):
        end = start + each + (1 if n < more else 0)
        result.append(items[start:end] + ([fill] if fill is not None and n >= more else []))
        start = end
    return result


def _sum(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    found = start
    for item in _items(value):
        number = _get(item, attribute) if attribute else item
        found += number if isinstance(number, (int, float)) else 0
    return found


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    return _items(value)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple, Mapping)) else 0


def _unique(value: Any) -> list[Any]:
    found: list[Any] = []
    for item in _items(value):
        if not any(equal(item, other) for other in found):
            found.append(item)
    return found


def _urlencode(value: Any) -> str:
    safe = "!'()*~"
    if isinstance(value, Mapping):
        return "&".join(f"{quote(written(k), safe=safe)}={quote(written(v), safe=safe)}" for k, v in value.items())
    return quote(written(value), safe=safe)


def _grow(value: Any, times: int) -> str:
    text = written(value)
    budget().make(len(text) * times)
    return text


def _repo_url(value: Any) -> dict[str, str]:
    try:
        return parse_repo_url(written(value)).as_dict()
    except RepoUrlError as error:
        raise TemplatingError(f"parseRepoUrl: {error}") from error


def _project_slug(value: Any) -> str:
    try:
        return parse_repo_url(written(value)).slug
    except RepoUrlError as error:
        raise TemplatingError(f"projectSlug: {error}") from error


def _entity_ref(value: Any, defaults: Any = None) -> dict[str, str]:
    known = defaults if isinstance(defaults, Mapping) else {}
    try:
        ref = EntityRef.parse(written(value), known.get("defaultKind"), known.get("defaultNamespace"))
    except RefError as error:
        raise TemplatingError(f"parseEntityRef: {error}") from error
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def _pick(value: Any, key: Any) -> Any:
    return _get(value, key)


def _capitalize(value: Any) -> str:
    text = written(value).lower()
    return text[:1].upper() + text[1:]


def _first(value: Any) -> Any:
    items = _items(value)
    return items[0] if items else None


def _last(value: Any) -> Any:
    items = _items(value)
    return items[-1] if items else None


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "batch": _batch,
    "capitalize": _capitalize,
    "center": _center,
    "d": _default,
    "default": _default,
    "dictsort": _dictsort,
    "dump": _dump,
    "e": lambda value: html_escape(_grow(value, 6)),
    "escape": lambda value: html_escape(_grow(value, 6)),
    "first": _first,
    "float": lambda value, default=0.0: _number(value, default, float),
    "forceescape": lambda value: html_escape(_grow(value, 6)),
    "groupby": _groupby,
    "indent": _indent,
    "int": _int,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": _list,
    "lower": lambda value: _grow(value, 1).lower(),
    "nl2br": lambda value: replace_all(written(value), "\n", "<br />\n"),
    "random": lambda value: chance.choice(_items(value)),  # noqa: S311 - for samples, not for secrets
    "rejectattr": lambda value, name: [item for item in _items(value) if not truthy(_get(item, name))],
    "replace": lambda value, old, new="", count=None: replace_all(written(value), old, new, count),
    "reverse": lambda value: value[::-1] if isinstance(value, str) else _items(value)[::-1],
    "round": _round,
    "safe": lambda value: value,
    "selectattr": lambda value, name: [item for item in _items(value) if truthy(_get(item, name))],
    "slice": _slice,
    "sort": _sort,
    "string": written,
    "striptags": lambda value: _TAGS.sub("", _grow(value, 1)).strip(),
    "sum": _sum,
    "title": _title,
    "trim": lambda value: _grow(value, 1).strip(),
    "truncate": _truncate,
    "unique": _unique,
    "upper": lambda value: _grow(value, 3).upper(),
    "urlencode": _urlencode,
    "wordcount": lambda value: len(re.findall(r"\w+", written(value))),
    "parseRepoUrl": _repo_url,
    "parseEntityRef": _entity_ref,
    "pick": _pick,
    "projectSlug": _project_slug,
    "jsonify": _dump,
    "tojson": _dump,
}

DESCRIPTIONS = {
    "parseRepoUrl": "Take a value of RepoUrlPicker apart: host, owner, repo, organization, workspace, project.",
    "parseEntityRef": "Take an entity ref apart: kind, namespace, name. Takes defaultKind and defaultNamespace.",
    "pick": "Take one member out of an object.",
    "projectSlug": "Write a value of RepoUrlPicker as owner/repo.",
    "jsonify": "Write a value as JSON, as cookiecutter does.",
}


def _numeric(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not is_undefined(value),
    "undefined": is_undefined,
    "none": lambda value: value is None,
    "null": lambda value: value is None,
    "truthy": truthy,
    "falsy": lambda value: not truthy(value),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "mapping": lambda value: isinstance(value, Mapping),
    "iterable": lambda value: isinstance(value, (str, list, tuple, Mapping)),
    "sequence": lambda value: isinstance(value, (str, list, tuple)),
    "boolean": lambda value: isinstance(value, bool),
    "odd": lambda value: _numeric(value) % 2 == 1,
    "even": lambda value: _numeric(value) % 2 == 0,
    "divisibleby": lambda value, by: _numeric(value) % by == 0,
    "lower": lambda value: written(value) == written(value).lower(),
    "upper": lambda value: written(value) == written(value).upper(),
    "eq": equal,
    "equalto": equal,
    "sameas": lambda value, other: value is other or (type(value) is type(other) and equal(value, other)),
    "ne": lambda value, other: not equal(value, other),
    "lt": lambda value, other: _numeric(value) < _numeric(other),
    "lessthan": lambda value, other: _numeric(value) < _numeric(other),
    "le": lambda value, other: _numeric(value) <= _numeric(other),
    "gt": lambda value, other: _numeric(value) > _numeric(other),
    "greaterthan": lambda value, other: _numeric(value) > _numeric(other),
    "ge": lambda value, other: _numeric(value) >= _numeric(other),
}
