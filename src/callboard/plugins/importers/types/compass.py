"""Read `compass.yml`: one component a file."""

from __future__ import annotations

from typing import Any

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
    sheets,
    slug_of,
    tags,
)

PREFIX = "compass.atlassian.com"
_TYPES = {
    "SERVICE": "service",
    "APPLICATION": "website",
    "LIBRARY": "library",
    "CAPABILITY": "capability",
    "CLOUD_RESOURCE": "cloud-resource",
    "DATA_PIPELINE": "data-pipeline",
    "MACHINE_LEARNING_MODEL": "machine-learning-model",
    "UI_ELEMENT": "ui-element",
    "WEBSITE": "website",
    "OTHER": "other",
    "TEMPLATE": "template",
}


def read_compass(text: str, url: str) -> Read:
    """Read every document of a file as a component."""
    for sheet in sheets(text, url):
        if not sheet.text("name"):
            raise ValueError(f"{url} has no `name`, so it describes no Compass component")
        yield _component(sheet)
        yield from sheet.rest()


def _component(sheet: Sheet) -> dict[str, Any]:
    name = sheet.text("name")
    found = entity("Component", name_of(name), {"type": "other", "lifecycle": UNKNOWN, "owner": UNKNOWN})
    spec, metadata = found["spec"], found["metadata"]
    if metadata["name"] == name:
        sheet.kept("name")
    else:
        metadata["title"] = name
        sheet.mapped("name", "metadata.name and metadata.title")
    for path, key in (("id", "component-id"), ("ownerId", "team-id")):
        if sheet.text(path):
            annotate(found, f"{PREFIX}/{key}", sheet.text(path))
            sheet.mapped(path, f"metadata.annotations.{PREFIX}/{key}")
    if sheet.text("ownerId"):
        # A team's id is all that stands there; its last part is at least one that people can look for.
        spec["owner"] = f"group:{slug_of(sheet.text('ownerId').rpartition('/')[2])}"
        sheet.mapped("ownerId", f"spec.owner is {spec['owner']}; give that group its name or change it")
    if sheet.text("description"):
        metadata["description"] = sheet.text("description")
        sheet.kept("description")
    kind = sheet.text("typeId")
    if kind:
        spec["type"] = _TYPES.get(kind.upper(), slug_of(kind.replace("_", "-")))
        sheet.mapped("typeId", f"spec.type is {spec['type']}")
    _fields(sheet, found)
    labels = [as_text(item) for _, item in sheet.items("labels")]
    if labels:
        tags(found, labels)
        sheet.mapped("labels", "metadata.tags")
    _links(sheet, found)
    for path, item in sheet.items("customFields"):
        value = as_text(item.get("value")) if isinstance(item, dict) else ""
        if value and as_text(item.get("name")):
            sheet.mapped(path, label(found, PREFIX, as_text(item["name"]), value))
        else:
            sheet.dropped(path, "only text, numbers and yes-or-no have a place")
    _relations(sheet, found)
    if sheet.get("configVersion") is not None:
        sheet.dropped("configVersion", "it describes the format of the file")
    if spec["owner"] == UNKNOWN:
        sheet.absent("spec.owner is unknown: the file names no owner")
    return found


def _fields(sheet: Sheet, found: dict[str, Any]) -> None:
    stage = sheet.text("fields.lifecycle")
    if stage:
        found["spec"]["lifecycle"] = lifecycle(stage)
        sheet.mapped("fields.lifecycle", f"spec.lifecycle is {found['spec']['lifecycle']}")
    for key, value in (sheet.get("fields") or {}).items() if isinstance(sheet.get("fields"), dict) else ():
        if key != "lifecycle" and as_text(value):
            sheet.mapped(f"fields.{key}", label(found, PREFIX, key, as_text(value)))


def _links(sheet: Sheet, found: dict[str, Any]) -> None:
    for path, item in sheet.items("links"):
        url = as_text(item.get("url")) if isinstance(item, dict) else ""
        type_ = as_text(item.get("type")) if isinstance(item, dict) else ""
        if type_.upper() == "REPOSITORY" and url.startswith("https://"):
            sheet.mapped(path, f"metadata.annotations: {repository(found, url)}")
        elif url and link(found, url, as_text(item.get("name")), slug_of(type_.replace("_", "-"))):
            sheet.mapped(path, "metadata.links")
        else:
            sheet.dropped(path, "it has no address that a browser opens")


def _relations(sheet: Sheet, found: dict[str, Any]) -> None:
    relations = sheet.get("relationships")
    for kind, targets in relations.items() if isinstance(relations, dict) else ():
        if kind.upper() != "DEPENDS_ON":
            continue
        for number, target in enumerate(targets if isinstance(targets, list) else [targets]):
            name = name_of(as_text(target).rpartition("/")[2])
            if name:
                found["spec"].setdefault("dependsOn", []).append(f"component:{name}")
                path = f"relationships.{kind}[{number}]"
                sheet.mapped(path, f"spec.dependsOn names component:{name}; ids of Compass are not names here")
