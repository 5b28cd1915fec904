"""Read the configuration files of a Backstage installation: several, merged, with what they include."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import Document, read_documents

MOST_BYTES = 5_000_000
DEEPEST = 20
USUAL = ("app-config.yaml", "app-config.production.yaml", "app-config.local.yaml")
"""The files of an installation, later ones over earlier ones."""


class ConfigError(ValueError):
    """A file that cannot be read, or is no configuration; the message says which and why."""


class BackstageConfig:
    """The merged configuration of several files; ``where`` knows which of them a value comes from."""

    def __init__(self, paths: list[Path]) -> None:
        self.files = [file for path in paths for file in _files_of(path)]
        self.value: dict[str, Any] = {}
        self._documents: list[tuple[str, Document]] = []
        for file in self.files:
            document = _read(file)
            self._documents.append((str(file), document))
            self.value = _merged(self.value, _resolved(document.value, file, file.parent.resolve(), 0))

    def where(self, path: str) -> tuple[str, int]:
        """Answer the file and line of a path: the last file that has it wins."""
        for url, document in reversed(self._documents):
            if _has(document.value, path):
                line, _ = document.locate(path) or (document.line, 0)
                return url, line
        return (self._documents[0][0] if self._documents else ""), 0


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        found = [path / name for name in USUAL if (path / name).is_file()]
        if not found:
            raise ConfigError(f"{path} holds no app-config.yaml")
        return found
    if not path.is_file():
        raise ConfigError(f"{path} does not exist")
    return [path]


def _read(file: Path) -> Document:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{file} is larger than {MOST_BYTES:,} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    for document in read_documents(content, str(file)):
        if isinstance(document, Problem):
            raise ConfigError(str(document))
        if document.value is not None and not isinstance(document.value, dict):
            raise ConfigError(f"{file} is no mapping of keys to values")
        return document
    return Document({}, 1, "")


def _resolved(value: Any, file: Path, root: Path, depth: int) -> Any:
    """Put in what `$env`, `$include` and `$file` stand for; variables stay variables."""
    if depth > DEEPEST:
        raise ConfigError(f"{file} includes itself, or is nested more than {DEEPEST} deep")
    if isinstance(value, list):
        return [_resolved(item, file, root, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, what),) = value.items()
        if key == "$env" and isinstance(what, str):
            return f"${{{what}}}"
        if key == "$file" and isinstance(what, str):
            # Such files hold secrets: the proposal asks for a variable instead.
            return "${" + re.sub(r"[^A-Z0-9]+", "_", Path(what).stem.upper()).strip("_") + "}"
        if key == "$include" and isinstance(what, str):
            return _included(what, file, root, depth)
    return {key: _resolved(inner, file, root, depth + 1) for key, inner in value.items()}


def _included(what: str, file: Path, root: Path, depth: int) -> Any:
    name, _, inner = what.partition("#")
    place = Path(os.path.realpath(file.parent / name))
    if not place.is_relative_to(root):
        raise ConfigError(f"{file} includes {name}, which lies outside {root}")
    found: Any = _read(place).value
    for step in inner.split(".") if inner else ():
        if not isinstance(found, dict) or step not in found:
            raise ConfigError(f"{file} includes {what}, but {place.name} has no {inner}")
        found = found[step]
    return _resolved(found, place, root, depth + 1)


def _merged(below: Mapping[str, Any], above: Any) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items() if isinstance(above, Mapping) else ():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _has(value: Any, path: str) -> bool:
    for step in re.findall(r"[^.\[\]]+|\[\d+\]", path):
        if step.startswith("["):
            number = int(step[1:-1])
            if not isinstance(value, list) or number >= len(value):
                return False
            value = value[number]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return True
