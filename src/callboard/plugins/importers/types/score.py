"""Read `score.yaml`: a workload becomes a component, what it needs becomes resources."""

from __future__ import annotations

from typing import Any

from callboard.plugins.importers.types.sheet import (
    UNKNOWN,
    Read,
    Sheet,
    annotate,
    as_text,
    entity,
    name_of,
    sheets,
    slug_of,
    tags,
)

PREFIX = "score.dev"
_PLUMBING = {"environment", "volume", "dns", "route", "service-port"}
"""Types of what a workload needs to run, which nobody looks for in a catalog."""


def read_score(text: str, url: str) -> Read:
    """Read every document of a file as a workload."""
    for sheet in sheets(text, url):
        if not sheet.text("apiVersion").startswith("score.dev/"):
            raise ValueError(f"{url} is no Score file: its `apiVersion` is not score.dev/…")
        name = name_of(sheet.text("metadata.name"))
        if not name:
            raise ValueError(f"{url} has no `metadata.name`")
        found, resources = _workload(sheet, name)
        yield found
        yield from resources
        yield from sheet.rest()


def _workload(sheet: Sheet, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    found = entity("Component", name, {"type": "service", "lifecycle": UNKNOWN, "owner": UNKNOWN})
    spec, metadata = found["spec"], found["metadata"]
    sheet.kept("metadata.name")
    sheet.dropped("apiVersion", "it describes the format of the file")
    annotations = sheet.get("metadata.annotations")
    for key, value in annotations.items() if isinstance(annotations, dict) else ():
        annotate(found, str(key), as_text(value))
        sheet.kept(f"metadata.annotations.{key}")
    for key in ("description", "title"):
        if sheet.text(f"metadata.{key}"):
            metadata[key] = sheet.text(f"metadata.{key}")
            sheet.kept(f"metadata.{key}")
    for key in ("owner", "team"):
        if sheet.text(f"metadata.{key}") and spec["owner"] == UNKNOWN:
            spec["owner"] = f"group:{slug_of(sheet.text(f'metadata.{key}'))}"
            sheet.mapped(f"metadata.{key}", f"spec.owner is {spec['owner']}")
    if spec["owner"] == UNKNOWN:
        sheet.absent("spec.owner is unknown: a Score file names no owner")
    if not sheet.items("service.ports") and not sheet.get("service.ports"):
        spec["type"] = "worker"
        sheet.absent("spec.type is worker: the workload publishes no port")
    elif isinstance(sheet.get("service.ports"), dict):
        sheet.mapped("service", "spec.type is service: the workload publishes ports")
    containers = sheet.get("containers") if isinstance(sheet.get("containers"), dict) else {}
    images = [as_text(c.get("image")) for c in containers.values() if isinstance(c, dict)]
    images = [image for image in images if image not in ("", ".")]
    if images:
        annotate(found, f"{PREFIX}/images", ", ".join(images))
    for key, container in containers.items():
        if isinstance(container, dict) and as_text(container.get("image")) not in ("", "."):
            sheet.mapped(f"containers.{key}.image", f"metadata.annotations.{PREFIX}/images")
        sheet.dropped(f"containers.{key}", "how it runs is for the platform, not the catalog")
    resources = []
    needed = sheet.get("resources")
    for key, need in needed.items() if isinstance(needed, dict) else ():
        type_ = slug_of(as_text(need.get("type"))) if isinstance(need, dict) else ""
        path = f"resources.{key}"
        if not type_ or type_ in _PLUMBING:
            sheet.dropped(path, f"{type_ or 'it'} is plumbing of the workload")
            continue
        # A shared resource has an id, under which every workload means the same one.
        shared = name_of(as_text(need.get("id")).replace(".", "-"))
        resource = entity("Resource", shared or name_of(f"{name}-{key}"), {"type": type_, "owner": spec["owner"]})
        if as_text(need.get("class")):
            tags(resource, [as_text(need["class"])])
        resources.append(resource)
        ref = f"resource:{resource['metadata']['name']}"
        spec.setdefault("dependsOn", []).append(ref)
        sheet.mapped(path, f"{ref} of type {type_}, in spec.dependsOn")
    return found, resources
