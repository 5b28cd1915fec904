"""Put the contents of other files where an entity asks for them.

An object with exactly one key, `$text`, `$json`, `$yaml`, `$openapi` or `$asyncapi`, is replaced by what
the named file holds; any other `$key` is left alone. A placeholder that fails is reported and left as it
is, and the rest goes on.
"""

import json
from collections.abc import Callable
from typing import Any

from callboard.lib.problems import Place, Problem

from .bundling import BundleError, ReadRelative, bundle, parse_one
from .types import ReadError

__all__ = ["PLACEHOLDERS", "ReadRelative", "resolve_placeholders"]

_MAX_READS = 500
_MAX_DEPTH = 200


def resolve_placeholders(
    entity: dict[str, Any], read_relative: ReadRelative, *, url: str = ""
) -> tuple[dict[str, Any], list[Problem], list[str]]:
    """Replace every placeholder of an entity, which itself is not changed.

    `read_relative` takes the name in a placeholder (relative to the entity's file, or a URL) and gives the
    bytes and the address they came from; it raises ReadError. `url` is the place of the entity, for
    problems. Gives the new entity, the problems with their JSON paths, and the addresses of all files that
    were read, in order.
    """
    resolver = _Resolver(read_relative, url)
    result = resolver.walk(entity, "", 0)
    return result, resolver.problems, list(resolver.dependencies)


class _Resolver:
    def __init__(self, read: ReadRelative, url: str) -> None:
        self._read = read
        self._url = url
        self._cache: dict[str, tuple[bytes, str]] = {}
        self.problems: list[Problem] = []
        # A dict keeps the order in which files were met.
        self.dependencies: dict[str, None] = {}

    def walk(self, node: Any, path: str, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            return node
        if isinstance(node, list):
            return [self.walk(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            key, value = next(iter(node.items()))
            resolve = PLACEHOLDERS.get(key)
            if resolve is not None:
                return self._replace(node, key, value, resolve, path)
        return {key: self.walk(item, f"{path}.{key}" if path else str(key), depth + 1) for key, item in node.items()}

    def _replace(self, node: Any, key: str, value: Any, resolve: "Resolve", path: str) -> Any:
        if not isinstance(value, str) or not value.strip():
            self._report(
                "placeholder-value",
                f"{key} needs the name of a file as a string.",
                f"Write it as {key}: ./path/to/file or {key}: https://host/file.",
                path,
            )
            return node
        try:
            return resolve(value.strip(), self._reading)
        except ReadError as error:
            self._report(error.code, f"{key}: {error.message}", error.remedy, path)
        except BundleError as error:
            self._report(error.code, f"{key}: {error.message}", error.remedy, path)
        except RecursionError:
            self._report("too-deep", f"{key}: {value} is nested too deeply.", "Flatten the file.", path)
        return node

    def _reading(self, name: str) -> tuple[bytes, str]:
        if name not in self._cache:
            if len(self._cache) >= _MAX_READS:
                raise ReadError(
                    "too-many",
                    f"The entity names more than {_MAX_READS} files.",
                    "Split it, or bundle the files in the repository.",
                )
            self._cache[name] = self._read(name)
        self.dependencies[self._cache[name][1]] = None
        return self._cache[name]

    def _report(self, code: str, message: str, remedy: str, path: str) -> None:
        self.problems.append(Problem(code, message, remedy, Place(url=self._url, path=path)))


Resolve = Callable[[str, ReadRelative], Any]


def _text(name: str, read: ReadRelative) -> str:
    content, place = read(name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleError(
            "not-text", f"{place} is not UTF-8 text (byte {error.start}).", "Save the file as UTF-8."
        ) from None
    if "\0" in text:
        raise BundleError("not-text", f"{place} holds a null character.", "Name a text file.")
    return text


def _json(name: str, read: ReadRelative) -> Any:
    text = _text(name, read)
    try:
        # NaN and Infinity are no JSON, and a database would refuse them later.
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise BundleError("json-syntax", f"{name} is not valid JSON: {error}.", "Correct the file.") from None


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON value")


def _yaml(name: str, read: ReadRelative) -> Any:
    content, _ = read(name)
    return parse_one(content, name)


PLACEHOLDERS: dict[str, Resolve] = {
    "$text": _text,
    "$json": _json,
    "$yaml": _yaml,
    "$openapi": bundle,
    "$asyncapi": bundle,
}
