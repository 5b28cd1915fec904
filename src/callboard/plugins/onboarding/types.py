"""What a repository probably is: components by their manifests, owner by CODEOWNERS and committers. Pure rules."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MANIFESTS: Mapping[str, str] = {
    "package.json": "javascript",
    "pyproject.toml": "python",
    "setup.py": "python",
    "go.mod": "go",
    "pom.xml": "java",
    "build.gradle": "java",
    "build.gradle.kts": "kotlin",
    "Cargo.toml": "rust",
    "Gemfile": "ruby",
    "composer.json": "php",
    "Dockerfile": "",
}
"""Files that say that a folder is a component, and the language they speak of."""

CATALOG_FILES = ("catalog-info.yaml", "catalog-info.yml")
CODEOWNERS = ("CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
MOST_COMPONENTS = 50
_SKIPPED = frozenset(
    {"node_modules", "vendor", "test", "tests", "testdata", "fixtures", "examples", "example", "docs", "dist", "build"}
)
_NOT_NAME = re.compile(r"[^a-z0-9._-]+")
_FRONTENDS = frozenset({"react", "vue", "next", "@angular/core", "svelte", "nuxt", "preact", "astro"})

Read = Callable[[str], str]
"""Answers the text of a file of the repository; empty where it cannot be read."""


@dataclass(frozen=True)
class Suggestion:
    """A component as it is suggested, and as a person corrects it. ``path`` is its folder, empty for the root."""

    name: str
    path: str = ""
    type: str = "service"
    owner: str = ""
    system: str = ""
    lifecycle: str = "production"
    language: str = ""
    description: str = ""
    docs: bool = False
    tags: tuple[str, ...] = ()
    include: bool = True
    reasons: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""
        return {**asdict(self), "tags": list(self.tags), "reasons": list(self.reasons)}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Suggestion:
        """Read what :meth:`as_dict` answered, or what a form or a program sent."""
        texts = {
            key: str(values.get(key) or "").strip()[:500]
            for key in ("name", "path", "type", "owner", "system", "lifecycle", "language", "description")
        }
        return cls(
            **texts,
            docs=bool(values.get("docs")),
            include=bool(values.get("include", True)),
            tags=tuple(str(tag) for tag in values.get("tags") or ()),
            reasons=tuple(str(reason) for reason in values.get("reasons") or ()),
        )


@dataclass(frozen=True)
class Facts:
    """What is known of a repository before its files are looked at."""

    full_name: str
    url: str
    description: str = ""
    language: str = ""
    default_branch: str = ""
    topics: tuple[str, ...] = ()
    archived: bool = False
    product: str = ""


def suggest(
    facts: Facts, paths: Sequence[str], read: Read, committers: Sequence[str] = (), groups: Iterable[str] = ()
) -> list[Suggestion]:
    """Suggest the components of a repository, the root first. There is always at least one."""
    files = frozenset(paths)
    owners = parse_codeowners(next((read(path) for path in CODEOWNERS if path in files), ""))
    known = {group.partition(":")[2].rpartition("/")[2] for group in groups}
    found: dict[str, str] = {}
    for path in sorted(paths, key=lambda p: (p.count("/"), p)):
        folder, _, name = path.rpartition("/")
        inside = not _SKIPPED & set(folder.lower().split("/")) and folder.count("/") < 3
        # A manifest says more than the recipe of a container beside it.
        if name in MANIFESTS and inside and found.get(folder, "Dockerfile") == "Dockerfile":
            found[folder] = name
    workspace = len(found) > 1 and _is_workspace(found.get("", ""), read)
    folders = [folder for folder in found if folder or not workspace][:MOST_COMPONENTS] or [""]
    return [_component(facts, f, found.get(f, ""), files, read, owners, committers, known, alone=len(folders) == 1)
            for f in folders]  # fmt: skip


def _component(
    facts: Facts,
    folder: str,
    manifest: str,
    files: frozenset[str],
    read: Read,
    owners: Sequence[tuple[str, str]],
    committers: Sequence[str],
    known: set[str],
    *,
    alone: bool,
) -> Suggestion:
    repository = facts.full_name.rpartition("/")[2]
    text = read(_join(folder, manifest)) if manifest else ""
    name = repository if not folder else folder.rpartition("/")[2]
    if not alone and folder and not name.startswith(repository):
        name = f"{repository}-{name}"
    reasons = [f"found by {_join(folder, manifest)}"] if manifest else ["the repository itself"]
    owner, why = _owner(facts, folder, owners, committers, known)
    reasons.append(why)
    language = MANIFESTS.get(manifest, "") or facts.language.lower()
    return Suggestion(
        name=name_of(name),
        path=folder,
        type=_type(folder, manifest, text, _join(folder, "Dockerfile") in files),
        owner=owner,
        system="" if alone else name_of(repository),
        lifecycle="deprecated" if facts.archived else "production",
        language=language,
        description=_description(manifest, text) or (facts.description if alone or not folder else ""),
        docs=_join(folder, "mkdocs.yml") in files or (not folder and "docs/index.md" in files),
        tags=tuple(dict.fromkeys(tag for tag in (name_of(language), *map(name_of, facts.topics)) if tag)),
        reasons=tuple(reasons),
    )


def _owner(
    facts: Facts, folder: str, owners: Sequence[tuple[str, str]], committers: Sequence[str], known: set[str]
) -> tuple[str, str]:
    place = f"/{folder}/" if folder else "/"
    # The last line that fits decides, as it does for reviews.
    for pattern, owner in reversed(owners):
        if _covers(pattern, place):
            return owner, f"owner by CODEOWNERS ({pattern})"
    for topic in facts.topics:
        if topic in known:
            return f"group:{topic}", "owner by a topic that is a group"
    if committers:
        return f"user:{name_of(committers[0])}", "owner by who commits most"
    return f"group:{name_of(facts.full_name.partition('/')[0])}", "owner by the organisation, for want of a better one"


def parse_codeowners(text: str) -> list[tuple[str, str]]:
    """Answer the patterns of a CODEOWNERS file with the first owner of each, as an entity ref."""
    found = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) < 2 or words[0].startswith(("[", "^[")):
            continue
        who = words[1]
        if who.startswith("@") and "/" in who:
            found.append((words[0], f"group:{name_of(who.rpartition('/')[2])}"))
        elif who.startswith("@"):
            found.append((words[0], f"user:{name_of(who[1:])}"))
        elif "@" in who:
            found.append((words[0], f"user:{name_of(who.partition('@')[0])}"))
    return found


def _covers(pattern: str, place: str) -> bool:
    if pattern in ("*", "/", "/*", "/**", "**"):
        return True
    base = "/" + pattern.strip("/").removesuffix("/**").removesuffix("/*") + "/"
    return "*" not in base and (place.startswith(base) or (not pattern.startswith("/") and base in place))


def _is_workspace(manifest: str, read: Read) -> bool:
    """Whether the root only holds others together."""
    if manifest != "package.json":
        return manifest in ("", "Dockerfile")
    found = _json(read("package.json"))
    return bool(found.get("workspaces")) or bool(found.get("private"))


def _type(folder: str, manifest: str, text: str, container: bool) -> str:
    words = set(re.split(r"[^a-z0-9]+", folder.lower()))
    if words & {"lib", "libs", "library", "libraries", "packages", "pkg", "common", "shared"} and not container:
        return "library"
    if manifest == "package.json":
        found = _json(text)
        needs = {*_keys(found.get("dependencies")), *_keys(found.get("devDependencies"))}
        if needs & _FRONTENDS:
            return "website"
        if not container and not found.get("private") and (found.get("main") or found.get("exports")):
            return "library"
    if manifest == "pyproject.toml" and not container:
        project = _toml(text).get("project")
        if isinstance(project, dict) and not project.get("scripts"):
            return "library"
    return "service"


def _description(manifest: str, text: str) -> str:
    if manifest in ("package.json", "composer.json"):
        found = _json(text).get("description")
    elif manifest in ("pyproject.toml", "Cargo.toml"):
        toml = _toml(text)
        part = toml.get("project") or toml.get("package")
        found = part.get("description") if isinstance(part, dict) else ""
    elif manifest == "pom.xml":
        match = re.search(r"<description>([^<]{1,500})</description>", text)
        found = match[1].strip() if match else ""
    else:
        found = ""
    return found[:500] if isinstance(found, str) else ""


def entity_of(one: Suggestion, facts: Facts) -> dict[str, Any]:
    """Answer the entity that a suggestion describes."""
    base = f"{facts.url.rstrip('/')}/"
    annotations: dict[str, str] = {}
    if facts.url.startswith("https://") or facts.url.startswith("http://"):
        branch = facts.default_branch or "HEAD"
        tree = "-/tree" if facts.product == "gitlab" else "src/branch" if facts.product == "gitea" else "tree"
        source = f"{base}{tree}/{branch}/{one.path}/" if one.path else base
        annotations["backstage.io/source-location"] = f"url:{source}"
        annotations["backstage.io/view-url"] = source
    if facts.product in ("github", "gitlab"):
        annotations[f"{facts.product}.com/project-slug"] = facts.full_name
    if one.docs:
        annotations["backstage.io/techdocs-ref"] = "dir:."
    metadata: dict[str, Any] = {"name": one.name}
    if one.description:
        metadata["description"] = one.description
    if one.tags:
        metadata["tags"] = list(one.tags)
    if annotations:
        metadata["annotations"] = annotations
    spec: dict[str, Any] = {
        "type": one.type or "other",
        "lifecycle": one.lifecycle or "unknown",
        "owner": one.owner or "unknown",
    }
    if one.system:
        spec["system"] = one.system
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": spec}


def name_of(text: str) -> str:
    """Answer a text as the name of an entity."""
    return _NOT_NAME.sub("-", text.lower()).strip("-_.")[:63].rstrip("-_.")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _keys(value: Any) -> Iterable[str]:
    return value.keys() if isinstance(value, dict) else ()
