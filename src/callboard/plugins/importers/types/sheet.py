"""One document that is being read: what was taken from it, and what was left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import Document, read_documents
from callboard.sdk.contributions import ImportNote

API_VERSION = "backstage.io/v1alpha1"
UNKNOWN = "unknown"
"""Owner and lifecycle of what says none: visible, and easy to look for."""

_NOT_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_TAG = re.compile(r"[^a-z0-9:+#]+")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")

Read = Iterator[Mapping[str, Any] | ImportNote]


class Sheet:
    """Take values out of a document by their paths; whatever nobody took is dropped, and said so."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.value: dict[str, Any] = document.value if isinstance(document.value, dict) else {}
        self.notes: list[ImportNote] = []
        self._seen: set[str] = set()

    def get(self, path: str) -> Any:
        """Answer what stands at a dotted path, or nothing."""
        found: Any = self.value
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def text(self, path: str) -> str:
        """Answer the text or number at a path; empty where there is none."""
        return as_text(self.get(path))

    def items(self, path: str) -> list[tuple[str, Any]]:
        """Answer the items of a list with the path of each; a single value is a list of one."""
        found = self.get(path)
        if isinstance(found, list):
            return [(f"{path}[{n}]", item) for n, item in enumerate(found)]
        return [] if found in (None, "", {}) else [(path, found)]

    def kept(self, path: str) -> None:
        """Note that a value went over as it was."""
        self._note(path, "kept")

    def mapped(self, path: str, to: str) -> None:
        """Note that a value became something else."""
        self._note(path, "mapped", to)

    def dropped(self, path: str, why: str) -> None:
        """Note that a value has no place in the catalog."""
        self._note(path, "dropped", why)

    def absent(self, to: str) -> None:
        """Note what was put where the file says nothing."""
        self.notes.append(ImportNote(path="", result="mapped", to=to, line=self._document.line))

    def rest(self) -> Iterator[ImportNote]:
        """Answer every note in the order of the file; what nobody took is dropped."""
        for path, value in leaves(self._document.value):
            empty = value in (None, "", [], {})
            told = any(
                path == seen or path.startswith((f"{seen}.", f"{seen}[")) or seen.startswith(f"{path}[")
                for seen in self._seen
            )
            if not empty and not told:
                self.dropped(path, "the catalog has no such field")
        return iter(sorted(self.notes, key=lambda note: note.line))

    def _note(self, path: str, result: Any, to: str = "") -> None:
        self._seen.add(path)
        line, _ = self._document.locate(path) or (self._document.line, 0)
        self.notes.append(ImportNote(path=path, result=result, to=to, line=line))


def sheets(text: str, url: str) -> Iterator[Sheet]:
    """Read the documents of a YAML or JSON text; raises ``ValueError`` for what is none."""
    for document in read_documents(text.encode(), url):
        if isinstance(document, Problem):
            raise ValueError(str(document))  # noqa: TRY004 - the text is wrong, not a type of ours
        if not isinstance(document.value, dict):
            raise ValueError(f"line {document.line} of {url} starts a document that is no mapping of keys to values")  # noqa: TRY004
        yield Sheet(document)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Answer every value that holds no others, with its path; lists of plain values are one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def as_text(value: Any) -> str:
    """Answer a plain value as text, anything else as nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""


def name_of(text: str) -> str:
    """Answer a text as the name of an entity: letters, digits, ``-``, ``_`` and ``.``, at most 63."""
    return _NOT_NAME.sub("-", text.strip()).strip("-_.")[:63].rstrip("-_.")


def slug_of(text: str) -> str:
    """Answer a text as a name in lower case, as teams and people are called."""
    return name_of(text.lower())


def tag_of(text: str) -> str:
    """Answer a text as a tag."""
    return _NOT_TAG.sub("-", text.lower()).strip("-")[:63].rstrip("-")


def entity(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Start an entity."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def annotate(target: dict[str, Any], key: str, value: str) -> None:
    """Set an annotation."""
    target["metadata"].setdefault("annotations", {})[key] = value


def label(target: dict[str, Any], prefix: str, key: str, value: str) -> str:
    """Set a label, or an annotation where the value cannot be a label; answer where it went."""
    plain = name_of(key)
    if _LABEL.match(value):
        target["metadata"].setdefault("labels", {})[plain] = value
        return f"metadata.labels.{plain}"
    annotate(target, f"{prefix}/{plain}", value)
    return f"metadata.annotations.{prefix}/{plain}"


def link(target: dict[str, Any], url: str, title: str, type_: str = "") -> bool:
    """Add a link; answer whether it was one."""
    if not url.startswith(("http://", "https://", "mailto:")):
        return False
    found = {"url": url, **({"title": title} if title else {}), **({"type": type_} if type_ else {})}
    target["metadata"].setdefault("links", []).append(found)
    return True


def tags(target: dict[str, Any], texts: Iterable[str]) -> None:
    """Add tags, each once."""
    found = target["metadata"].setdefault("tags", [])
    found += [tag for tag in dict.fromkeys(map(tag_of, texts)) if tag and tag not in found]
    if not found:
        del target["metadata"]["tags"]


def repository(target: dict[str, Any], url: str) -> str:
    """Say which repository it is built from; answer the annotations that do."""
    found = ["backstage.io/source-location"]
    annotate(target, found[0], f"url:{url.rstrip('/').removesuffix('.git')}/")
    for host, key in (("github.com", "github.com/project-slug"), ("gitlab.com", "gitlab.com/project-slug")):
        _, at, path = url.partition(f"//{host}/")
        if at:
            annotate(target, key, path.rstrip("/").removesuffix(".git"))
            found.append(key)
    return ", ".join(found)


LIFECYCLES = {
    "active": "production",
    "generally-available": "production",
    "generally_available": "production",
    "ga": "production",
    "production": "production",
    "live": "production",
    "mature": "production",
    "beta": "experimental",
    "alpha": "experimental",
    "pre-alpha": "experimental",
    "pre-release": "experimental",
    "pre-production": "experimental",
    "experimental": "experimental",
    "development": "experimental",
    "in-development": "experimental",
    "deprecated": "deprecated",
    "end-of-life": "deprecated",
    "retired": "deprecated",
}
"""What lifecycles of other tools are called here; any other is kept as it is."""


def lifecycle(text: str) -> str:
    """Answer a lifecycle in the words of the catalog."""
    return LIFECYCLES.get(text.lower().replace(" ", "-"), text)
