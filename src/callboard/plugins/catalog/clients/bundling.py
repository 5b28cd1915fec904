"""Bundle an API description that is spread over many files into one, so that any viewer can show it.

What an outside `$ref` leads to is put in its place the first time; further references to the same thing
point there. This also ends cycles: a thing that refers to itself points to where it stands.
"""

import json
from collections.abc import Callable
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from callboard.lib import yaml12
from callboard.lib.problems import Problem

ReadRelative = Callable[[str], tuple[bytes, str]]

_MAX_FILES = 200
_MAX_NODES = 500_000
_MAX_DEPTH = 200
_MAX_BYTES = 10_000_000


class BundleError(Exception):
    """A description that cannot be bundled; `remedy` says what to do."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        self.code = code
        self.message = message
        self.remedy = remedy
        super().__init__(message)


def parse_one(content: bytes, name: str) -> Any:
    """Read the one YAML or JSON document of a file; raises BundleError."""
    values = []
    for document in yaml12.read_documents(content, name):
        if isinstance(document, Problem):
            line = f" (line {document.place.line})" if document.place.line else ""
            raise BundleError(document.code, f"{name}{line}: {document.message}", document.remedy)
        values.append(document.value)
    if len(values) != 1:
        raise BundleError(
            "document-count",
            f"{name} has {len(values)} documents where one is needed.",
            "Name a file with exactly one document.",
        )
    return values[0]


def bundle(name: str, read: ReadRelative) -> str:
    """Read a description and all it refers to, and give one text in its own format (YAML or JSON).

    `read` takes a name relative to the entity, or a URL. A description without outside references stays as
    it was written. Raises BundleError, and whatever `read` raises.
    """
    content, _ = read(name)
    bundler = _Bundler(_normal(name), read)
    value = parse_one(content, name)
    bundler.documents[bundler.root] = value
    result = bundler.walk(value, bundler.root, (), 0)
    if not bundler.outside:
        return content.decode("utf-8-sig", "replace")
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    text = json.dumps(result, indent=2, ensure_ascii=False) if is_json else yaml12.dump(result)
    if len(text) > _MAX_BYTES:
        raise _too_large(name)
    return text


class _Bundler:
    def __init__(self, root: str, read: ReadRelative) -> None:
        self.root = root
        self.documents: dict[str, Any] = {}
        self.outside = False
        self._read = read
        self._placed: dict[tuple[str, str], tuple[str, ...]] = {}
        self._nodes = 0

    def walk(self, node: Any, name: str, at: tuple[str, ...], depth: int) -> Any:
        """Copy a value of the file `name` to its place `at` in the result, following outside references."""
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _too_large(self.root)
        if depth > _MAX_DEPTH:
            raise BundleError(
                "too-deep", f"{name} is nested deeper than {_MAX_DEPTH} levels.", "Flatten the description."
            )
        if isinstance(node, list):
            return [self.walk(item, name, (*at, str(index)), depth + 1) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {key: self.walk(item, name, (*at, key), depth + 1) for key, item in node.items()}
        base, fragment = urldefrag(reference)
        beside = {key: self.walk(item, name, (*at, key), depth + 1) for key, item in node.items() if key != "$ref"}
        scheme = urlsplit(base).scheme
        if (scheme and scheme not in ("http", "https")) or (not base and name == self.root):
            return {"$ref": reference, **beside}
        return self._follow(_resolve(name, base), fragment, reference, name, at, depth, beside)

    def _follow(
        self,
        target: str,
        fragment: str,
        reference: str,
        name: str,
        at: tuple[str, ...],
        depth: int,
        beside: dict[str, Any],
    ) -> Any:
        self.outside = True
        if target == self.root:
            return {"$ref": f"#{fragment}", **beside}
        key = (target, unquote(fragment))
        place = self._placed.get(key)
        if place == at:
            raise BundleError(
                "reference-cycle",
                f"{reference} in {name} leads back to itself and to nothing else.",
                "Let one of the references lead to a definition.",
            )
        if place is not None:
            return {"$ref": _pointer(place), **beside}
        self._placed[key] = at
        value = _pick(self._document(target), unquote(fragment), reference, name)
        result = self.walk(value, target, at, depth + 1)
        if beside and isinstance(result, dict):
            return {**result, **beside}
        return result

    def _document(self, name: str) -> Any:
        if name not in self.documents:
            if len(self.documents) >= _MAX_FILES:
                raise BundleError(
                    "too-many",
                    f"{self.root} refers to more than {_MAX_FILES} files.",
                    "Bundle the description in the repository and refer to the result.",
                )
            content, _ = self._read(name)
            self.documents[name] = parse_one(content, name)
        return self.documents[name]


def _normal(name: str) -> str:
    return name if urlsplit(name).scheme in ("http", "https") else normpath(name)


def _resolve(name: str, base: str) -> str:
    if not base:
        return name
    if urlsplit(base).scheme:
        return base
    if urlsplit(name).scheme:
        return urljoin(name, base)
    return normpath(join(dirname(name), base))


def _pointer(place: tuple[str, ...]) -> str:
    parts = [part.replace("~", "~0").replace("/", "~1") for part in place]
    return "#" + "".join("/" + quote(part, safe="~!$&'()*+,;=:@") for part in parts)


def _pick(value: Any, pointer: str, reference: str, name: str) -> Any:
    if pointer in ("", "/"):
        return value
    parts = pointer.split("/")[1:] if pointer.startswith("/") else [pointer]
    for part in parts:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and len(key) < 10 and int(key) < len(value):
            value = value[int(key)]
        else:
            raise BundleError(
                "reference-missing",
                f"{reference} in {name} leads to nothing: {key} is missing.",
                "Correct the reference, or add what it names.",
            )
    return value


def _too_large(name: str) -> BundleError:
    return BundleError(
        "too-large",
        f"{name} is too large once everything it refers to is put in.",
        "Refer to fewer or smaller files.",
    )
