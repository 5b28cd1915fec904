"""Read what Port holds: blueprints say what there is, entities are of a blueprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import Document, read_documents
from callboard.plugins.importers.types.sheet import (
    UNKNOWN,
    Read,
    Sheet,
    annotate,
    as_text,
    entity,
    label,
    lifecycle,
    link,
    name_of,
    repository,
    slug_of,
    tags,
)

PREFIX = "getport.io"
_KINDS = {
    "service": "Component", "microservice": "Component", "component": "Component", "library": "Component",
    "package": "Component", "website": "Component", "application": "Component", "app": "Component",
    "api": "API", "system": "System", "product": "System", "domain": "Domain",
    "team": "Group", "_team": "Group", "group": "Group", "user": "User", "_user": "User",
}  # fmt: skip
"""Kinds by the usual identifiers of blueprints; everything else is a resource of that type."""


@dataclass
class _Blueprint:
    kind: str
    title: str = ""
    relations: Mapping[str, str] = field(default_factory=dict)


def read_port(text: str, url: str) -> Read:
    """Read blueprints, entities, or an export of both; in YAML or JSON, one or a list."""
    parts: list[tuple[Sheet, str, dict[str, Any]]] = []
    notes: list[Sheet] = []
    for document in read_documents(text.encode(), url):
        if isinstance(document, Problem):
            raise ValueError(str(document))  # noqa: TRY004 - the text is wrong, not a type of ours
        sheet, listed = _listed(document)
        notes.append(sheet)
        parts += [(sheet, path, item) for path, item in listed]
    blueprints = {}
    for sheet, path, item in parts:
        if _is_blueprint(item):
            blueprints[as_text(item["identifier"])] = _blueprint(sheet, path, item)
    found = False
    for sheet, path, item in parts:
        if as_text(item.get("identifier")) and as_text(item.get("blueprint")):
            found = True
            yield _entity(sheet, path, item, blueprints)
    if not found and not blueprints:
        raise ValueError(f"{url} holds neither Port blueprints nor entities")
    for sheet in notes:
        yield from sheet.rest()


def _listed(document: Document) -> tuple[Sheet, list[tuple[str, dict[str, Any]]]]:
    """Answer the objects of a document, whether it is one, a list, or an export with lists of both."""
    value = document.value
    sheet = Sheet(document)
    if isinstance(value, list):
        return sheet, [(f"[{n}]", item) for n, item in enumerate(value) if isinstance(item, dict)]
    listed: list[tuple[str, dict[str, Any]]] = []
    for key in ("blueprints", "entities"):
        listed += [(path, item) for path, item in sheet.items(key) if isinstance(item, dict)]
    if not listed and isinstance(value, dict):
        listed = [("", value)]
    return sheet, listed


def _is_blueprint(item: dict[str, Any]) -> bool:
    return "blueprint" not in item and isinstance(item.get("schema"), dict) and bool(as_text(item.get("identifier")))


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _blueprint(sheet: Sheet, path: str, item: dict[str, Any]) -> _Blueprint:
    name = as_text(item["identifier"])
    kind = _KINDS.get(name.lower(), "Resource")
    relations = item.get("relations") if isinstance(item.get("relations"), dict) else {}
    targets = {str(k): as_text(v.get("target")) for k, v in (relations or {}).items() if isinstance(v, dict)}
    to = f"kind {kind}" if kind != "Resource" else f"kind Resource, spec.type {slug_of(name)}"
    sheet.mapped(_at(path, "identifier"), to)
    properties = item["schema"].get("properties")
    for key in properties if isinstance(properties, dict) else ():
        sheet.mapped(_at(path, f"schema.properties.{key}"), f"labels, links or annotations of {kind} entities")
    for key, target in targets.items():
        sheet.mapped(_at(path, f"relations.{key}"), f"a relation to {_KINDS.get(target.lower(), 'Resource')} entities")
    return _Blueprint(kind, as_text(item.get("title")), targets)


def _entity(sheet: Sheet, path: str, item: dict[str, Any], blueprints: Mapping[str, _Blueprint]) -> dict[str, Any]:
    name, blueprint = as_text(item["identifier"]), as_text(item["blueprint"])
    known = blueprints.get(blueprint) or _Blueprint(_KINDS.get(blueprint.lower(), "Resource"))
    kind = known.kind
    found = entity(kind, name_of(name), _spec(kind, blueprint))
    if found["metadata"]["name"] == name:
        sheet.kept(_at(path, "identifier"))
    else:
        sheet.mapped(_at(path, "identifier"), f"metadata.name is {found['metadata']['name']}")
    sheet.mapped(_at(path, "blueprint"), f"kind {kind}")
    if as_text(item.get("title")):
        found["metadata"]["title"] = as_text(item["title"])
        sheet.kept(_at(path, "title"))
    team = item.get("team")
    teams = [slug_of(as_text(t)) for t in (team if isinstance(team, list) else [team]) if as_text(t)]
    if "owner" in found["spec"]:
        if teams:
            found["spec"]["owner"] = f"group:{teams[0]}"
            sheet.mapped(_at(path, "team"), f"spec.owner is group:{teams[0]}")
        else:
            sheet.absent(f"spec.owner of {name} is unknown: no team is named")
    _properties(sheet, path, item, found)
    _relations(sheet, path, item, found, known)
    return found


def _spec(kind: str, blueprint: str) -> dict[str, Any]:
    if kind == "Component":
        plain = {"microservice", "component", "app", "application"}
        type_ = "service" if blueprint.lower() in plain else blueprint.lower()
        return {"type": type_, "lifecycle": UNKNOWN, "owner": UNKNOWN}
    if kind == "API":
        return {"type": "openapi", "lifecycle": UNKNOWN, "owner": UNKNOWN, "definition": UNKNOWN}
    if kind == "Group":
        return {"type": "team", "children": []}
    if kind == "User":
        return {"memberOf": []}
    if kind == "Resource":
        return {"type": slug_of(blueprint), "owner": UNKNOWN}
    return {"owner": UNKNOWN}


def _properties(sheet: Sheet, path: str, item: dict[str, Any], found: dict[str, Any]) -> None:
    properties = item.get("properties")
    for key, value in properties.items() if isinstance(properties, dict) else ():
        at, plain, lower = _at(path, f"properties.{key}"), as_text(value), str(key).lower()
        if not plain:
            words = value if isinstance(value, list) and all(map(as_text, value)) else []
            if words and lower in {"tags", "labels", "languages"}:
                tags(found, map(as_text, value))
                sheet.mapped(at, "metadata.tags")
            elif value not in (None, [], {}):
                sheet.dropped(at, "only text, numbers and yes-or-no have a place")
            continue
        if lower in {"description", "summary"}:
            found["metadata"]["description"] = plain
            sheet.kept(at)
        elif lower == "lifecycle" and "lifecycle" in found["spec"]:
            found["spec"]["lifecycle"] = lifecycle(plain)
            sheet.mapped(at, f"spec.lifecycle is {found['spec']['lifecycle']}")
        elif lower in {"language", "languages"}:
            tags(found, [plain])
            sheet.mapped(at, "metadata.tags")
        elif lower in {"email", "mail"} and found["kind"] in {"User", "Group"}:
            found["spec"].setdefault("profile", {})["email"] = plain
            sheet.mapped(at, "spec.profile.email")
        elif lower in {"repository", "repo", "repourl", "giturl", "url"} and plain.startswith("https://"):
            sheet.mapped(at, f"metadata.annotations: {repository(found, plain)}")
        elif lower in {"definition", "spec", "openapi"} and found["kind"] == "API":
            found["spec"]["definition"] = plain
            sheet.mapped(at, "spec.definition")
        elif plain.startswith(("https://", "http://")):
            link(found, plain, str(key))
            sheet.mapped(at, "metadata.links")
        else:
            sheet.mapped(at, label(found, PREFIX, str(key), plain))


def _relations(sheet: Sheet, path: str, item: dict[str, Any], found: dict[str, Any], known: _Blueprint) -> None:
    relations = item.get("relations")
    spec = found["spec"]
    for key, value in relations.items() if isinstance(relations, dict) else ():
        at = _at(path, f"relations.{key}")
        target = known.relations.get(key) or str(key)
        guess = "Resource" if key in known.relations else _KINDS.get(str(key).lower(), "Resource")
        kind = _KINDS.get(target.lower(), guess)
        names = [name_of(as_text(v)) for v in (value if isinstance(value, list) else [value]) if as_text(v)]
        if not names:
            continue
        if kind == "System" and found["kind"] in {"Component", "API", "Resource"}:
            spec["system"] = names[0]
            sheet.mapped(at, f"spec.system is {names[0]}")
        elif kind == "Domain" and found["kind"] == "System":
            spec["domain"] = names[0]
            sheet.mapped(at, f"spec.domain is {names[0]}")
        elif kind == "Group" and "owner" in spec:
            spec["owner"] = f"group:{slug_of(names[0])}"
            sheet.mapped(at, f"spec.owner is {spec['owner']}")
        elif kind == "Group" and found["kind"] == "User":
            spec["memberOf"] = [slug_of(name) for name in names]
            sheet.mapped(at, "spec.memberOf")
        elif kind == "API" and found["kind"] == "Component":
            word = "consumesApis" if "consum" in str(key).lower() else "providesApis"
            spec[word] = [*spec.get(word, []), *names]
            sheet.mapped(at, f"spec.{word}")
        elif kind in {"Component", "Resource"} and found["kind"] in {"Component", "Resource"}:
            spec["dependsOn"] = [*spec.get("dependsOn", []), *(f"{kind.lower()}:{name}" for name in names)]
            sheet.mapped(at, "spec.dependsOn")
        else:
            annotate(found, f"{PREFIX}/{name_of(str(key))}", ", ".join(names))
            sheet.mapped(at, f"metadata.annotations.{PREFIX}/{name_of(str(key))}")
