"""What field extensions need to be shown: hosts, entities to choose from, the caller's groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.public import entities_like, groups_of, named
from callboard.plugins.scaffolder.types.forms import Field, object_fields
from callboard.plugins.scaffolder.types.repo_url import RepoUrlError, parse_repo_url
from callboard.sdk.auth import principal
from callboard.sdk.contributions import FormField
from callboard.sdk.plugins import contributions

SELECT = 12
"""Up to so many entities are shown as a list; more are looked for while typing."""

ENTITY_FIELDS = {"EntityPicker", "OwnerPicker", "OwnedEntityPicker", "MyEntitiesPicker", "MultiEntityPicker"}
PARTS = {
    "github": ("owner", "repo"),
    "gitlab": ("owner", "repo"),
    "gitea": ("owner", "repo"),
    "azure": ("organization", "project", "repo"),
    "bitbucket": ("workspace", "project", "repo"),
    "bitbucket-server": ("project", "repo"),
    "gerrit": ("owner", "repo"),
}
KNOWN = {
    "github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket", "dev.azure.com": "azure",
    "codeberg.org": "gitea",
}  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_TAG = re.compile(r"[a-z0-9+#]+([-:][a-z0-9+#]+)*")
_REPO = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass
class Extension:
    """How a field extension is shown: its template, and what it needs."""

    template: str
    options: list[tuple[str, str, bool]] = field(default_factory=list)
    lookup: str = ""
    values: list[str] = field(default_factory=list)
    parts: list[tuple[str, str, list[str]]] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    host: str = ""
    arbitrary: bool = True
    note: str = ""


def extend(fields: list[Field], hosts: Mapping[str, str]) -> None:
    """Give every field with a ``ui:field`` what it needs to be shown. ``hosts`` maps host to product."""
    for item in object_fields(fields):
        if item.extension:
            item.options["extension"] = extension_of(item, hosts)


def extension_of(item: Field, hosts: Mapping[str, str]) -> Extension:
    """Answer how one field extension is shown."""
    name = item.extension
    if name in ENTITY_FIELDS or name == "MyGroupsPicker":
        return _entities(item)
    if name == "RepoUrlPicker":
        return _repository(item, hosts)
    if name == "EntityTagsPicker":
        values = item.value if isinstance(item.value, list) else []
        query = urlencode({"tags": 1, "kinds": ",".join(map(str, item.options.get("kinds") or []))})
        return Extension("scaffolder/_tags.html", values=[str(v) for v in values], lookup=query)
    if name == "Secret":
        return Extension("scaffolder/_secret_later.html")
    if name in {"EntityNamePicker", "RepoBranchPicker", "RepoOwnerPicker"}:
        return Extension("scaffolder/_plain.html")
    for contributed in contributions(FormField):
        if contributed.field == name:
            return Extension(contributed.template)
    return Extension("scaffolder/_plain.html", note=name)


def _wanted(item: Field) -> list[dict[str, list[str] | None]]:
    """Turn ``catalogFilter`` (an object or a list of them) into filters of the catalog."""
    given = item.options.get("catalogFilter")
    kinds = item.options.get("allowedKinds")
    sets = given if isinstance(given, list) else [given] if isinstance(given, Mapping) else []
    found: list[dict[str, list[str] | None]] = []
    for one in sets:
        wanted: dict[str, list[str] | None] = {}
        for key, value in one.items() if isinstance(one, Mapping) else ():
            if isinstance(value, Mapping):
                wanted[str(key)] = None
            else:
                wanted[str(key)] = [str(v) for v in value] if isinstance(value, list) else [str(value)]
        found.append(wanted)
    if not found and item.extension == "OwnerPicker":
        found = [{"kind": [str(k) for k in kinds] if kinds else ["Group", "User"]}]
    elif not found and isinstance(kinds, list) and kinds:
        found = [{"kind": [str(k) for k in kinds]}]
    if item.extension in {"OwnedEntityPicker", "MyEntitiesPicker"}:
        owners = list(principal().ownership_refs) or [principal().ref]
        found = [{**one, "relations.ownedby": owners} for one in found or [{}]]
    return found


def _short(ref: str, item: Field) -> str:
    """Answer a ref as the template stores it: relative to its defaults."""
    kind, space = item.options.get("defaultKind"), item.options.get("defaultNamespace")
    if item.extension == "OwnerPicker":
        kind = kind or "Group"
    try:
        parsed = EntityRef.parse(ref)
    except RefError:
        return ref
    if not kind or parsed.kind.lower() != str(kind).lower():
        return ref
    namespace = "" if space is False else str(space or "default")
    if namespace and parsed.namespace.lower() == namespace.lower():
        return parsed.name
    return f"{parsed.namespace}/{parsed.name}"


def _entities(item: Field) -> Extension:
    values = item.value if isinstance(item.value, list) else [item.value] if item.value else []
    if item.extension == "MyGroupsPicker":
        refs = [group.ref for group in groups_of(principal().ref)]
        refs = list(dict.fromkeys([*refs, *(ref for ref in principal().ownership_refs if ref.startswith("group:"))]))
        names = named(refs)
        options = [(ref, names[ref].label if ref in names else ref, ref == item.value) for ref in refs]
        return Extension("scaffolder/_entity.html", options=options, arbitrary=False, values=[str(v) for v in values])
    wanted = _wanted(item)
    found = entities_like(wanted, limit=SELECT + 1)
    arbitrary = item.options.get("allowArbitraryValues", True) is not False
    short = [(_short(entity.ref, item), entity.label) for entity in found]
    many = item.extension == "MultiEntityPicker"
    few = len(found) <= SELECT and not many
    known = {ref for ref, _ in short}
    options = [(ref, label, ref in values) for ref, label in short]
    if few and (not arbitrary or all(value in known for value in values)) and found:
        return Extension("scaffolder/_entity.html", options=options, arbitrary=False, values=[str(v) for v in values])
    settings = {k: item.options[k] for k in ("defaultKind", "defaultNamespace") if k in item.options}
    query = urlencode(
        {"filter": orjson.dumps(wanted).decode(), "as": orjson.dumps(settings).decode(), "of": item.extension}
    )
    template = "scaffolder/_entities.html" if many else "scaffolder/_entity_search.html"
    return Extension(template, options=options, lookup=query, values=[str(v) for v in values], arbitrary=arbitrary)


def suggestions(filters: str, settings: str, extension: str, text: str) -> list[tuple[str, str]]:
    """Answer values and names of entities for what somebody types into a picker."""
    try:
        wanted, options = orjson.loads(filters or "[]"), orjson.loads(settings or "{}")
    except orjson.JSONDecodeError:
        return []
    if not isinstance(wanted, list) or not isinstance(options, dict):
        return []
    sets: list[dict[str, list[str] | None]] = []
    for one in wanted[:20]:
        if not isinstance(one, dict):
            return []
        usable = all(v is None or (isinstance(v, list) and all(isinstance(x, str) for x in v)) for v in one.values())
        if not usable or any("\0" in str(part) for part in one.items()):
            return []
        sets.append(one)
    item = Field("", "", "", "", {}, extension=extension, options=options)
    return [(_short(entity.ref, item), f"{entity.label} · {entity.kind}") for entity in entities_like(sets, text)]


def _repository(item: Field, hosts: Mapping[str, str]) -> Extension:
    allowed = [str(h) for h in item.options.get("allowedHosts") or []] or list(hosts) or list(KNOWN)
    value: dict[str, str] = {}
    if isinstance(item.value, str) and item.value:
        host, _, query = item.value.partition("?")
        value = {"host": host}
        try:
            value = parse_repo_url(item.value).as_dict()
        except RepoUrlError:
            value |= dict(part.split("=", 1) for part in query.split("&") if "=" in part)
    host = value.get("host") or allowed[0]
    product = hosts.get(host) or KNOWN.get(host) or "github"
    limits = {
        "owner": item.options.get("allowedOwners"), "organization": item.options.get("allowedOrganizations"),
        "project": item.options.get("allowedProjects"), "repo": item.options.get("allowedRepos"),
    }  # fmt: skip
    parts = [
        (
            part,
            value.get(part, ""),
            [str(v) for v in limits.get(part) or []] if isinstance(limits.get(part), list) else [],
        )
        for part in PARTS.get(product, ("owner", "repo"))
    ]
    return Extension("scaffolder/_repository.html", parts=parts, hosts=allowed, host=host)


def wrong_values(fields: list[Field], hosts: Mapping[str, str]) -> dict[str, str]:
    """Answer what is wrong with values of field extensions, by the name of the field."""
    found: dict[str, str] = {}
    for item in object_fields(fields):
        message = _wrong(item, hosts) if item.extension and item.value else ""
        if message:
            found[item.name] = message
    return found


def _wrong(item: Field, hosts: Mapping[str, str]) -> str:
    value: Any = item.value
    if item.extension == "EntityNamePicker" and (
        not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > 63
    ):
        return "A name has letters, digits, - _ and . in between, and at most 63 characters."
    if item.extension == "RepoUrlPicker":
        return _wrong_repository(item, str(value), hosts)
    if item.extension == "EntityTagsPicker" and isinstance(value, list):
        bad = [tag for tag in value if not _TAG.fullmatch(str(tag)) or len(str(tag)) > 63]
        return f"{bad[0]} is no tag: use lower-case letters, digits, + # : and -." if bad else ""
    if item.extension in ENTITY_FIELDS and item.options.get("allowArbitraryValues") is False:
        return _wrong_entities(item, value)
    for contributed in contributions(FormField):
        if contributed.field == item.extension and contributed.validate is not None:
            return " ".join(contributed.validate(value, item.schema))
    return ""


def _wrong_repository(item: Field, value: str, hosts: Mapping[str, str]) -> str:
    try:
        url = parse_repo_url(value)
    except RepoUrlError:
        return "Give the host, the owner and the name of the repository."
    allowed = item.options.get("allowedHosts")
    if isinstance(allowed, list) and allowed and url.host not in allowed:
        return f"The host must be one of {', '.join(map(str, allowed))}."
    product = hosts.get(url.host) or KNOWN.get(url.host) or "github"
    missing = [part for part in PARTS.get(product, ("owner", "repo")) if not getattr(url, part)]
    if product == "gerrit":
        missing = [part for part in missing if part != "owner"]
    if missing:
        return f"Give the {' and the '.join(missing)}."
    for part, option in (
        ("owner", "allowedOwners"), ("organization", "allowedOrganizations"), ("project", "allowedProjects"),
        ("repo", "allowedRepos"),
    ):  # fmt: skip
        choices = item.options.get(option)
        if isinstance(choices, list) and choices and getattr(url, part) not in choices:
            return f"The {part} must be one of {', '.join(map(str, choices))}."
    if not _REPO.fullmatch(url.repo):
        return "The name of a repository has letters, digits, - _ and . only."
    return ""


def _wrong_entities(item: Field, value: Any) -> str:
    kind = item.options.get("defaultKind") or ("Group" if item.extension == "OwnerPicker" else None)
    refs = []
    for text in value if isinstance(value, list) else [value]:
        try:
            refs.append(str(EntityRef.parse(str(text), kind, item.options.get("defaultNamespace") or None)))
        except RefError:
            return f"{text} is no entity; choose one from the list."
    names = named(refs)
    missing = [ref for ref in refs if ref not in names or not names[ref].exists]
    return f"{missing[0]} is not in the catalog; choose one from the list." if missing else ""
