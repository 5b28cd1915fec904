"""Read `opslevel.yml`: a component (formerly a service), or a repository."""

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
    repository,
    sheets,
    slug_of,
    tags,
)

PREFIX = "opslevel.com"
_HOSTS = {"github": "https://github.com/", "gitlab": "https://gitlab.com/", "bitbucket": "https://bitbucket.org/"}


def read_opslevel(text: str, url: str) -> Read:
    """Read every document of a file as a component; what it says of the repository alone is dropped."""
    for sheet in sheets(text, url):
        root = next((key for key in ("component", "service") if isinstance(sheet.get(key), dict)), "")
        if not root and not isinstance(sheet.get("repository"), dict):
            raise ValueError(f"{url} has neither `component`, `service` nor `repository`")
        if sheet.get("version") is not None:
            sheet.dropped("version", "it describes the format of the file")
        if root:
            if not sheet.text(f"{root}.name"):
                raise ValueError(f"{url} has no name under `{root}`")
            yield _component(sheet, root)
        elif sheet.get("repository"):
            sheet.dropped("repository", "the catalog has components, not repositories; declare one under `component`")
        yield from sheet.rest()


def _component(sheet: Sheet, root: str) -> dict[str, Any]:
    name = sheet.text(f"{root}.name")
    found = entity("Component", slug_of(name), {"type": "service", "lifecycle": UNKNOWN, "owner": UNKNOWN})
    metadata, spec = found["metadata"], found["spec"]
    if metadata["name"] == name:
        sheet.kept(f"{root}.name")
    else:
        metadata["title"] = name
        sheet.mapped(f"{root}.name", f"metadata.name is {metadata['name']}, metadata.title as it was")
    if sheet.text(f"{root}.description"):
        metadata["description"] = sheet.text(f"{root}.description")
        sheet.kept(f"{root}.description")
    if sheet.text(f"{root}.type"):
        spec["type"] = slug_of(sheet.text(f"{root}.type"))
        sheet.kept(f"{root}.type")
    if sheet.text(f"{root}.lifecycle"):
        spec["lifecycle"] = lifecycle(sheet.text(f"{root}.lifecycle"))
        sheet.mapped(f"{root}.lifecycle", f"spec.lifecycle is {spec['lifecycle']}")
    if sheet.text(f"{root}.owner"):
        spec["owner"] = f"group:{slug_of(sheet.text(f'{root}.owner'))}"
        sheet.mapped(f"{root}.owner", f"spec.owner is {spec['owner']}")
    else:
        sheet.absent("spec.owner is unknown: the file names no owner")
    for key in ("system", "product"):
        value = slug_of(sheet.text(f"{root}.{key}"))
        if value and "system" not in spec:
            spec["system"] = value
            sheet.mapped(f"{root}.{key}", f"spec.system is {value}")
    words = [sheet.text(f"{root}.{key}") for key in ("language", "framework")]
    for key, word in zip(("language", "framework"), words, strict=True):
        if word:
            sheet.mapped(f"{root}.{key}", "metadata.tags")
    tags(found, [word for word in words if word])
    if sheet.text(f"{root}.tier"):
        sheet.mapped(f"{root}.tier", label(found, PREFIX, "tier", sheet.text(f"{root}.tier")))
    aliases = [slug_of(as_text(item)) for _, item in sheet.items(f"{root}.aliases")]
    aliases = [alias for alias in aliases if alias and alias != metadata["name"]]
    if aliases:
        annotate(found, "callboard.dev/aliases", ", ".join(aliases))
        sheet.mapped(f"{root}.aliases", "metadata.annotations.callboard.dev/aliases, so that old names lead here")
    _lists(sheet, root, found)
    return found


def _lists(sheet: Sheet, root: str, found: dict[str, Any]) -> None:
    for path, item in sheet.items(f"{root}.tags"):
        if isinstance(item, dict) and as_text(item.get("key")):
            sheet.mapped(path, label(found, PREFIX, as_text(item["key"]), as_text(item.get("value"))))
        elif as_text(item):
            tags(found, [as_text(item)])
            sheet.mapped(path, "metadata.tags")
    for path, item in sheet.items(f"{root}.tools"):
        url = as_text(item.get("url")) if isinstance(item, dict) else ""
        title = as_text(item.get("name") or item.get("displayName")) if isinstance(item, dict) else ""
        if link(found, url, title, slug_of(as_text(item.get("category"))) if isinstance(item, dict) else ""):
            sheet.mapped(path, "metadata.links")
        else:
            sheet.dropped(path, "it has no address that a browser opens")
    for number, (path, item) in enumerate(sheet.items(f"{root}.repositories")):
        name = as_text(item.get("name") if isinstance(item, dict) else item)
        provider = as_text(item.get("provider")).partition(".")[0].lower() if isinstance(item, dict) else ""
        if name and number == 0:
            base = _HOSTS.get(provider, _HOSTS["github"])
            sheet.mapped(path, f"metadata.annotations: {repository(found, base + name)}")
        else:
            sheet.dropped(path, "an entity has one source location, which is that of the first repository")
    listed = sheet.get(f"{root}.dependencies")
    at = f"{root}.dependencies.depends_on" if isinstance(listed, dict) else f"{root}.dependencies"
    for path, item in sheet.items(at):
        name = slug_of(as_text(item.get("alias") or item.get("name")) if isinstance(item, dict) else as_text(item))
        if name:
            found["spec"].setdefault("dependsOn", []).append(f"component:{name}")
            sheet.mapped(path, f"spec.dependsOn names component:{name}")
    properties = sheet.get(f"{root}.properties")
    for key, value in properties.items() if isinstance(properties, dict) else ():
        if as_text(value):
            sheet.mapped(f"{root}.properties.{key}", label(found, PREFIX, str(key), as_text(value)))
