"""Read `cortex.yaml`: an OpenAPI document whose `info` holds `x-cortex-*` fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from callboard.lib.yaml12 import dump
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

PREFIX = "cortex.io"
X = "info.x-cortex-"
_HOSTS = {"github": "https://github.com/", "gitlab": "https://gitlab.com/", "bitbucket": "https://bitbucket.org/"}
_KINDS = {"domain": "Domain", "team": "Group"}


def read_cortex(text: str, url: str) -> Read:
    """Read every document of a file: a service, a domain, a team, a resource, and the API it describes."""
    for sheet in sheets(text, url):
        tag = sheet.text(f"{X}tag") or sheet.text("info.title")
        if not tag:
            raise ValueError(f"{url} has neither `x-cortex-tag` nor a title under `info`")
        type_ = sheet.text(f"{X}type") or "service"
        found = _start(sheet, name_of(tag), type_)
        _common(sheet, found)
        if found["kind"] == "Group":
            _team(sheet, found)
        else:
            _owned(sheet, found)
            _places(sheet, found)
            _monitoring(sheet, found)
        yield found
        yield from _api(sheet, found)
        yield from sheet.rest()


def _start(sheet: Sheet, name: str, type_: str) -> dict[str, Any]:
    kind = _KINDS.get(type_, "Component" if type_ in {"service", "library", "website"} else "Resource")
    specs: dict[str, dict[str, Any]] = {
        "Group": {"type": "team", "children": []},
        "Domain": {"owner": UNKNOWN},
        "Resource": {"type": slug_of(type_), "owner": UNKNOWN},
        "Component": {"type": slug_of(type_), "lifecycle": UNKNOWN, "owner": UNKNOWN},
    }
    spec = specs[kind]
    if sheet.text(f"{X}tag"):
        sheet.mapped(f"{X}tag", "metadata.name")
    if sheet.text(f"{X}type"):
        sheet.mapped(f"{X}type", f"kind {kind}" + (f", spec.type {spec['type']}" if "type" in spec else ""))
    if sheet.get("openapi") is not None:
        sheet.dropped("openapi", "it describes the format of the file")
    return entity(kind, name, spec)


def _common(sheet: Sheet, found: dict[str, Any]) -> None:
    metadata = found["metadata"]
    for path, key in (("info.title", "title"), ("info.description", "description")):
        if sheet.text(path):
            metadata[key] = sheet.text(path)
            sheet.kept(path)
    groups = [as_text(item) for _, item in sheet.items(f"{X}groups")]
    if groups:
        tags(found, [group.replace("/", "-") for group in groups])
        sheet.mapped(f"{X}groups", "metadata.tags")
    for path, item in sheet.items(f"{X}link"):
        url, name, type_ = (as_text(item.get(k)) if isinstance(item, dict) else "" for k in ("url", "name", "type"))
        if link(found, url, name, slug_of(type_)):
            sheet.mapped(path, "metadata.links")
        else:
            sheet.dropped(path, "it has no address that a browser opens")
    custom = sheet.get(f"{X}custom-metadata")
    for key, value in custom.items() if isinstance(custom, dict) else ():
        plain = as_text(value.get("value") if isinstance(value, dict) else value)
        path = f"{X}custom-metadata.{key}"
        if plain:
            sheet.mapped(path, label(found, PREFIX, str(key), plain))
        else:
            sheet.dropped(path, "only text, numbers and yes-or-no have a place")
    for path, item in sheet.items(f"{X}slack.channels"):
        channel = as_text(item.get("name") if isinstance(item, dict) else item)
        if channel:
            annotate(found, "slack.com/channel", channel)
            sheet.mapped(path, "metadata.annotations.slack.com/channel")


def _owned(sheet: Sheet, found: dict[str, Any]) -> None:
    spec = found["spec"]
    owners = []
    for path, item in sheet.items(f"{X}owners"):
        type_ = as_text(item.get("type")).lower() if isinstance(item, dict) else ""
        name = as_text(item.get("name") or item.get("email")) if isinstance(item, dict) else ""
        if type_ == "slack" and as_text(item.get("channel")):
            annotate(found, "slack.com/channel", as_text(item["channel"]))
            sheet.mapped(path, "metadata.annotations.slack.com/channel")
        elif name:
            ref = f"user:{slug_of(name.partition('@')[0])}" if type_ in {"email", "user"} else f"group:{slug_of(name)}"
            owners.append(ref)
            if len(owners) == 1:
                sheet.mapped(path, f"spec.owner is {ref}")
            else:
                sheet.dropped(path, f"an entity has one owner, which is {owners[0]}")
        else:
            sheet.dropped(path, "it names nobody")
    if owners:
        spec["owner"] = owners[0]
    else:
        sheet.absent("spec.owner is unknown: the file names no owner")
    stage = sheet.get(f"{X}lifecycle")
    stage = as_text(stage.get("stage") if isinstance(stage, dict) else stage)
    if stage and "lifecycle" in spec:
        spec["lifecycle"] = lifecycle(stage)
        sheet.mapped(f"{X}lifecycle", f"spec.lifecycle is {spec['lifecycle']}")
    domain = found["kind"] == "Domain"
    for path, item in [*sheet.items(f"{X}parents"), *sheet.items(f"{X}domain-parents")]:
        tag = name_of(as_text(item.get("tag") if isinstance(item, dict) else item))
        key = "subdomainOf" if domain else "system"
        if tag and key not in spec:
            spec[key] = tag if domain else f"system:{tag}"
            sheet.mapped(path, f"spec.{key} is {spec[key]}")
        else:
            sheet.dropped(path, "an entity is part of one thing")
    for path, item in _dependencies(sheet):
        tag = name_of(as_text(item.get("tag") if isinstance(item, dict) else item))
        if tag and not domain:
            spec.setdefault("dependsOn", [])
            ref = f"component:{tag}"
            if ref not in spec["dependsOn"]:
                spec["dependsOn"].append(ref)
            sheet.mapped(path, f"spec.dependsOn names {ref}")


def _dependencies(sheet: Sheet) -> Iterator[tuple[str, Any]]:
    found = sheet.get(f"{X}dependency")
    if isinstance(found, dict):
        # Newer files list them by where they live; those of Cortex itself name entities.
        yield from sheet.items(f"{X}dependency.cortex")
    else:
        yield from sheet.items(f"{X}dependency")


def _places(sheet: Sheet, found: dict[str, Any]) -> None:
    git = sheet.get(f"{X}git")
    for host, place in git.items() if isinstance(git, dict) else ():
        path = f"{X}git.{host}"
        name = as_text(place.get("repository")) if isinstance(place, dict) else ""
        if name and host in _HOSTS:
            base = as_text(place.get("basepath"))
            sheet.mapped(path, f"metadata.annotations: {repository(found, _HOSTS[host] + name)}")
            if base:
                location = found["metadata"]["annotations"]["backstage.io/source-location"]
                annotate(found, "backstage.io/source-location", f"{location}tree/HEAD/{base.strip('/')}/")
        elif name:
            annotate(found, f"{PREFIX}/{host}-repository", name)
            sheet.mapped(path, f"metadata.annotations.{PREFIX}/{host}-repository")


def _monitoring(sheet: Sheet, found: dict[str, Any]) -> None:
    places = (
        ("oncall.pagerduty.id", "pagerduty.com/service-id"),
        ("oncall.opsgenie.id", "opsgenie.com/team"),
        ("oncall.victorops.id", "splunk.com/on-call-team"),
        ("sentry.project", "sentry.io/project-slug"),
        ("static-analysis.sonarqube.project", "sonarqube.org/project-key"),
        ("k8s.deployment", "backstage.io/kubernetes-id"),
    )
    for path, key in places:
        value = sheet.text(f"{X}{path}")
        if value:
            annotate(found, key, value)
            sheet.mapped(f"{X}{path}", f"metadata.annotations.{key}")
    projects = [as_text(item) for _, item in sheet.items(f"{X}issues.jira.projects")]
    if projects:
        annotate(found, "jira/project-key", projects[0])
        sheet.mapped(f"{X}issues.jira.projects", "metadata.annotations.jira/project-key (the first)")


def _team(sheet: Sheet, found: dict[str, Any]) -> None:
    spec = found["spec"]
    if found["metadata"].get("title"):
        spec["profile"] = {"displayName": found["metadata"]["title"]}
    members = []
    for path, item in sheet.items(f"{X}team.members"):
        who = as_text(item.get("email") or item.get("name")) if isinstance(item, dict) else as_text(item)
        if who:
            members.append(slug_of(who.partition("@")[0]))
            sheet.mapped(path, f"spec.members names {members[-1]}")
    if members:
        spec["members"] = members
    for path, item in sheet.items(f"{X}parents"):
        tag = slug_of(as_text(item.get("tag") if isinstance(item, dict) else item))
        if tag and "parent" not in spec:
            spec["parent"] = tag
            sheet.mapped(path, f"spec.parent is {tag}")
    for path, item in sheet.items(f"{X}children"):
        tag = slug_of(as_text(item.get("tag") if isinstance(item, dict) else item))
        if tag:
            spec["children"].append(tag)
            sheet.mapped(path, f"spec.children names {tag}")


def _api(sheet: Sheet, found: dict[str, Any]) -> Read:
    paths = sheet.get("paths")
    if not isinstance(paths, dict) or not paths or found["kind"] != "Component":
        return
    info = {k: v for k, v in (sheet.get("info") or {}).items() if not str(k).startswith("x-cortex-")}
    document = {**{k: v for k, v in sheet.value.items() if k != "info"}, "info": info}
    spec = found["spec"]
    name = found["metadata"]["name"][:59] + "-api"
    common = {"type": "openapi", "lifecycle": spec["lifecycle"], "owner": spec["owner"]}
    api = entity("API", name, {**common, "definition": dump(document)})
    spec["providesApis"] = [name]
    for key in sheet.value:
        if key not in {"info", "openapi"}:
            sheet.mapped(key, f"spec.definition of the API {name}")
    yield api
