"""Gather settings from the file, the environment and the command line, remembering where each stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callboard.lib.problems import Place, Problem
from callboard.lib.yaml12 import Document, read_documents

FILE_NAME = "callboard.yaml"
PREFIX = "CALLBOARD_"
NOT_SETTINGS = {"CALLBOARD_CONFIG"}

_VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass
class Gathered:
    """Raw values, the place of each by dotted path, and what went wrong while reading them."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    file: Path | None = None
    document: Document | None = None

    def place_of(self, path: str) -> Place:
        """Answer where the value at ``path``, or the nearest thing above it, is written."""
        outer = path
        while outer:
            if outer in self.places:
                found = self.places[outer]
                return Place(found.url, found.line, found.column, path)
            outer = _parent(outer)
        if self.document is not None and self.file is not None:
            return self.document.place(str(self.file), path)
        return Place("configuration", path=path)


def _parent(path: str) -> str:
    cut = max(path.rfind("."), path.rfind("["))
    return path[:cut] if cut > 0 else ""


def gather(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> Gathered:
    """Merge all sources; later ones win: file, environment, command line."""
    found = Gathered()
    chosen = path or (Path(environ["CALLBOARD_CONFIG"]) if environ.get("CALLBOARD_CONFIG") else None)
    _read_file(found, chosen, environ)
    for name in sorted(environ, key=lambda name: (name.startswith(PREFIX), name)):  # ours come last and win
        target = _target(name)
        if target and environ[name] != "":
            _set(found.values, target, environ[name])
            found.places[".".join(target)] = Place(f"environment variable {name}")
    for dotted, value in overrides.items():
        if value is not None:
            _set(found.values, dotted.split("."), value)
            found.places[dotted] = Place("command line")
    return found


def _target(name: str) -> list[str] | None:
    if name == "DATABASE_URL":
        return ["database", "url"]
    if not name.startswith(PREFIX) or name in NOT_SETTINGS:
        return None
    parts = name.removeprefix(PREFIX).lower().split("__")
    # Without a section only the few top-level settings are meant; other programs use the prefix too.
    if len(parts) == 1 and parts[0] not in {"data_dir", "secret_key", "demo", "debug"}:
        return None
    return parts


def environment_for(overrides: Mapping[str, Any]) -> dict[str, str]:
    """Answer the environment variables that give child processes the same overrides."""
    result = {}
    for dotted, value in overrides.items():
        if value is not None:
            text = value if isinstance(value, str) else str(value) if isinstance(value, Path) else json.dumps(value)
            result[PREFIX + "__".join(dotted.split(".")).upper()] = text
    return result


def _set(values: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        inner = values.get(part)
        if not isinstance(inner, dict):
            inner = values[part] = {}
        values = inner
    values[parts[-1]] = value


def _read_file(found: Gathered, chosen: Path | None, environ: Mapping[str, str]) -> None:
    path = (chosen or Path(FILE_NAME)).expanduser().absolute()
    if chosen is None and not path.exists():
        return
    found.file = path
    try:
        text = path.read_bytes()
    except OSError as error:
        found.problems.append(
            Problem(
                "config-unreadable",
                f"The configuration file cannot be read: {error.strerror}.",
                "Name an existing, readable file with --config or CALLBOARD_CONFIG.",
                Place(str(path)),
            )
        )
        return
    documents = read_documents(text, str(path))
    found.problems += [item for item in documents if isinstance(item, Problem)]
    readable = [item for item in documents if isinstance(item, Document)]
    if not readable:
        return
    found.document = readable[0]
    if len(readable) > 1:
        found.problems.append(
            Problem(
                "config-documents",
                f"The file holds {len(readable)} YAML documents; a configuration is one.",
                "Remove the `---` line and merge the parts.",
                Place(str(path), readable[1].line),
            )
        )
    value = readable[0].value
    if not isinstance(value, dict):
        found.problems.append(
            Problem(
                "config-shape",
                f"Expected keys such as `server:`, got {describe(value)}.",
                "Write settings as `key: value` lines.",
                Place(str(path), readable[0].line),
            )
        )
        return
    found.values = _substitute(value, "", environ, found)


def _substitute(value: Any, path: str, environ: Mapping[str, str], found: Gathered) -> Any:
    if isinstance(value, dict):
        return {k: _substitute(v, f"{path}.{k}" if path else k, environ, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_substitute(v, f"{path}[{i}]", environ, found) for i, v in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def replace(match: re.Match[str]) -> str:
        if match[1]:  # `$${` is how a literal `${` is written
            return match[1]
        chosen = environ.get(match[2]) or match[3]
        if chosen is None:
            chosen = environ.get(match[2])
        if chosen is None:
            found.problems.append(
                Problem(
                    "config-variable",
                    f"The environment variable `{match[2]}` is not set.",
                    f"Set it, or write `${{{match[2]}:-default}}`.",
                    found.place_of(path),
                )
            )
            return ""
        return chosen

    return _VARIABLE.sub(replace, value)


def describe(value: Any, *, secret: bool = False) -> str:
    """Say what a value is, short enough for a message and without giving a secret away."""
    names = {bool: "true/false", int: "number", float: "number", str: "text", list: "list", dict: "mapping"}
    kind = names.get(type(value), "nothing" if value is None else type(value).__name__)
    if secret or isinstance(value, (list, dict)) or value is None:
        return f"a {kind}" if value is not None else "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({kind})"
