"""Members and methods that values have inside templates; there are no others.

Nunjucks runs on JavaScript, so templates call ``name.toUpperCase()`` and ``list.length``; templates for
cookiecutter call ``name.lower()``. Each method here answers JSON and asks the budget first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from callboard.plugins.scaffolder.types.budget import budget
from callboard.plugins.scaffolder.types.values import Pattern, contains, dumped, equal, written


def _text(value: Any) -> str:
    return written(value)


def _size(value: Any, most: int | None = None) -> int:
    number = int(value) if isinstance(value, (int, float)) else 0
    return max(0, number if most is None else min(number, most))


def _replace_first(text: str, old: Any, new: Any = "") -> str:
    if isinstance(old, Pattern):
        return old.replace(text, _text(new))
    budget().make(len(text) + len(_text(new)))
    return text.replace(_text(old), _text(new), 1)


def replace_all(text: str, old: Any, new: Any = "", count: Any = None) -> str:
    """Replace every occurrence, or so many; a pattern with the flag ``g`` as well."""
    if isinstance(old, Pattern):
        return old.replace(text, _text(new), _size(count) if count is not None else 0)
    old, new = _text(old), _text(new)
    most = _size(count) if count is not None else -1
    if most == 0:
        return text
    hits = text.count(old) if old else len(text) + 1
    budget().make(len(text) + max(0, len(new) - len(old)) * (min(hits, most) if most > 0 else hits))
    return text.replace(old, new, most)


def _split(text: str, by: Any = None, limit: Any = None) -> list[Any]:
    if isinstance(by, Pattern):
        parts = by.split(text)
    elif by is None:
        parts = [text]
    elif by == "":
        parts = list(text)
    else:
        budget().room_for(text.count(_text(by)) + 1)
        parts = text.split(_text(by))
    budget().room_for(len(parts))
    return parts if limit is None else parts[: _size(limit)]


def _slice(value: Any, start: Any = 0, end: Any = None) -> Any:
    return value[int(start or 0) : None if end is None else int(end)]


def _substring(text: str, start: Any = 0, end: Any = None) -> str:
    first = _size(start, len(text))
    last = len(text) if end is None else _size(end, len(text))
    return text[min(first, last) : max(first, last)]


def _repeat(text: str, times: Any) -> str:
    count = _size(times)
    budget().make(len(text) * count)
    return text * count


def _pad(text: str, length: Any, fill: Any, *, before: bool) -> str:
    size, fill = _size(length), _text(fill) or " "
    budget().make(max(size, len(text)))
    missing = max(0, size - len(text))
    padding = (fill * (missing // len(fill) + 1))[:missing]
    return padding + text if before else text + padding


def join(items: Any, by: Any = ",") -> str:
    """Write items one after another, with something between them."""
    parts = []
    between = _text(by)
    for item in items:
        budget().turn()
        parts.append(written(item))
        budget().make(len(parts[-1]) + len(between))
    return between.join(parts)


def _index_of(holder: Any, item: Any) -> int:
    if isinstance(holder, str):
        return holder.find(_text(item))
    return next((n for n, other in enumerate(holder) if equal(item, other)), -1)


def _concat(holder: Any, *others: Any) -> Any:
    if isinstance(holder, str):
        parts = [holder, *map(_text, others)]
        budget().make(sum(map(len, parts)))
        return "".join(parts)
    result = list(holder)
    for other in others:
        more = other if isinstance(other, (list, tuple)) else [other]
        budget().room_for(len(result) + len(more))
        result.extend(more)
    return result


def _title(text: str) -> str:
    return text.title()


_TEXT: dict[str, Callable[..., Any]] = {
    "toLowerCase": lambda s: s.lower(),
    "toUpperCase": lambda s: s.upper(),
    "toLocaleLowerCase": lambda s: s.lower(),
    "toLocaleUpperCase": lambda s: s.upper(),
    "trim": lambda s: s.strip(),
    "trimStart": lambda s: s.lstrip(),
    "trimEnd": lambda s: s.rstrip(),
    "split": _split,
    "replace": _replace_first,
    "replaceAll": replace_all,
    "includes": lambda s, part: _text(part) in s,
    "startsWith": lambda s, part: s.startswith(_text(part)),
    "endsWith": lambda s, part: s.endswith(_text(part)),
    "indexOf": _index_of,
    "lastIndexOf": lambda s, part: s.rfind(_text(part)),
    "slice": _slice,
    "substring": _substring,
    "substr": lambda s, start, length=None: s[int(start) :][: None if length is None else _size(length)],
    "charAt": lambda s, index=0: s[int(index) : int(index) + 1] if int(index) >= 0 else "",
    "concat": _concat,
    "repeat": _repeat,
    "padStart": lambda s, length, fill=" ": _pad(s, length, fill, before=True),
    "padEnd": lambda s, length, fill=" ": _pad(s, length, fill, before=False),
    "match": lambda s, pattern: pattern.match(s) if isinstance(pattern, Pattern) else None,
    "toString": lambda s: s,
    # What templates for cookiecutter use, which was Python all along.
    "lower": lambda s: s.lower(),
    "upper": lambda s: s.upper(),
    "title": _title,
    "capitalize": lambda s: s.capitalize(),
    "strip": lambda s, chars=None: s.strip(chars),
    "lstrip": lambda s, chars=None: s.lstrip(chars),
    "rstrip": lambda s, chars=None: s.rstrip(chars),
    "startswith": lambda s, part: s.startswith(_text(part)),
    "endswith": lambda s, part: s.endswith(_text(part)),
}

_LIST: dict[str, Callable[..., Any]] = {
    "join": join,
    "includes": lambda items, item: contains(item, items),
    "indexOf": _index_of,
    "slice": _slice,
    "concat": _concat,
    "reverse": lambda items: list(items)[::-1],
    "toString": join,
}

_OBJECT: dict[str, Callable[..., Any]] = {
    "items": lambda obj: [[key, value] for key, value in obj.items()],
    "keys": lambda obj: list(obj.keys()),
    "values": lambda obj: list(obj.values()),
    "get": lambda obj, key, default=None: obj.get(written(key), default),
    "hasOwnProperty": lambda obj, key: written(key) in obj,
}

_OTHER: dict[str, Callable[..., Any]] = {
    "toString": written,
    "toFixed": lambda number, digits=0: f"{float(number):.{_size(digits, 20)}f}",
}

_PATTERN: dict[str, Callable[..., Any]] = {"test": lambda pattern, text: pattern.test(_text(text))}


class Method:
    """A method bound to a value; calling it is all that can be done with it."""

    __slots__ = ("_function", "_value", "name")

    def __init__(self, name: str, function: Callable[..., Any], value: Any) -> None:
        self.name = name
        self._function = function
        self._value = value

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call the method."""
        return self._function(self._value, *args, **named)


def member(value: Any, name: Any, missing: Callable[[], Any]) -> Any:
    """Answer a member of a value: a key, an index, the length or a method; otherwise what ``missing`` answers."""
    budget().turn()
    if isinstance(value, Mapping):
        key = name if isinstance(name, str) else written(name)
        if key in value:
            return value[key]
        return _method(_OBJECT, key, value, missing)
    if isinstance(value, (str, list, tuple)):
        if name == "length":
            return len(value)
        if isinstance(name, str) and name.isascii() and name.isdigit() and len(name) < 10:
            name = int(name)
        if isinstance(name, (int, float)) and not isinstance(name, bool):
            index = int(name)
            return value[index] if -len(value) <= index < len(value) else missing()
        return _method(_TEXT if isinstance(value, str) else _LIST, name, value, missing)
    if isinstance(value, Pattern):
        return _method(_PATTERN, name, value, missing)
    if isinstance(value, (int, float)):
        return _method(_OTHER, name, value, missing)
    return missing()


def _method(table: dict[str, Callable[..., Any]], name: Any, value: Any, missing: Callable[[], Any]) -> Any:
    function = table.get(name) if isinstance(name, str) else None
    return missing() if function is None else Method(name, function, value)


__all__ = ["Method", "dumped", "join", "member", "replace_all"]
