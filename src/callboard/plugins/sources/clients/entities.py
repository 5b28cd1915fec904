"""Make entities of people, groups and texts, with names that the catalog takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import read_documents
from callboard.plugins.sources.types.found import Discovery

API_VERSION = "backstage.io/v1alpha1"
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_EDGES = re.compile(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$")


def name_of(text: object) -> str:
    """Turn any text into a name the catalog takes: letters without accents, digits, ``-``, ``_`` and ``.``."""
    plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode()
    return _EDGES.sub("", _STRANGE.sub("-", plain))[:63].rstrip("-._")


def user_entity(
    name: str,
    *,
    namespace: str = "default",
    display_name: str = "",
    email: str = "",
    picture: str = "",
    description: str = "",
    groups: Iterable[str] = (),
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a User."""
    profile = {"displayName": display_name, "email": email, "picture": picture}
    return _entity(
        "User",
        name,
        namespace,
        "",
        description,
        annotations,
        {"profile": {key: value for key, value in profile.items() if value}, "memberOf": sorted(set(groups))},
    )


def group_entity(
    name: str,
    *,
    namespace: str = "default",
    type_: str = "team",
    display_name: str = "",
    email: str = "",
    description: str = "",
    parent: str = "",
    members: Iterable[str] | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a Group."""
    profile = {key: value for key, value in {"displayName": display_name, "email": email}.items() if value}
    spec: dict[str, Any] = {"type": type_ or "team", "children": []}
    spec |= {"profile": profile} if profile else {}
    spec |= {"parent": parent} if parent else {}
    spec |= {"members": sorted(set(members))} if members is not None else {}
    return _entity("Group", name, namespace, display_name, description, annotations, spec)


def _entity(
    kind: str,
    name: str,
    namespace: str,
    title: str,
    description: str,
    annotations: dict[str, str] | None,
    spec: dict[str, Any],
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    metadata |= {"title": title} if title and title != name else {}
    metadata |= {"description": description} if description else {}
    given = {key: value for key, value in (annotations or {}).items() if value}
    metadata |= {"annotations": given} if given else {}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def take_documents(content: bytes, place: str, found: Discovery, location: str = "") -> None:
    """Take all entities of a catalog file; what cannot be read is a trouble and the rest goes on."""
    for document in read_documents(content, place):
        if isinstance(document, Problem):
            line = f", line {document.place.line}" if document.place.line else ""
            found.trouble(f"{place}{line}", document.message, document.remedy, document.code)
            continue
        value = document.value
        if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
            found.trouble(
                place, "A document is no entity.", "Give it apiVersion, kind, metadata and spec.", complete=True
            )
            continue
        if location:
            annotations = dict(value["metadata"].get("annotations") or {})
            annotations.setdefault("backstage.io/managed-by-location", location)
            value["metadata"]["annotations"] = annotations
        found.entities.append(value)
