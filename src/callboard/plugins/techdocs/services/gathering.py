"""Bring together what a site is made of, however it is spread over the source, and nothing else."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from callboard.lib.digest import content_hash, text_hash
from callboard.plugins.catalog.public import EntityView, FolderResult, ReadError, read_entity_folder
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sources import DocsSource, settings
from callboard.plugins.techdocs.types import plain
from callboard.plugins.techdocs.types.layout import inside
from callboard.plugins.techdocs.types.mkdocs import (
    CONFIG_NAMES,
    ConfigRefusedError,
    SiteConfig,
    parse,
    site_config,
    snippet_paths,
)
from callboard.plugins.techdocs.types.openapi import parse_openapi

PIPELINE = "1"
"""Raised when this room or its builder changes what an unchanged folder gives."""

_ROUNDS = 6
_PICTURES = "**/*.{md,png,jpg,jpeg,gif,svg,webp,avif}"

Say = Callable[[str, str], None]


class SourceError(Exception):
    """A source no site can be made of; message and remedy are for its owner."""

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message, self.remedy = message, remedy
        super().__init__(f"{message} {remedy}".strip())


@dataclass
class Gathered:
    """Everything a build needs, or only that nothing has changed."""

    unchanged: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    config: SiteConfig = field(default_factory=lambda: SiteConfig({}))
    kind: str = "mkdocs"
    etag: str = ""
    commit: str = ""
    local: str = ""
    patterns: tuple[str, ...] = ()
    digest: str = ""


def gather(entity: EntityView, source: DocsSource, site: Site, say: Say, *, force: bool = False) -> Gathered:
    """Read the source of a site. Raises SourceError when no site can be made of it."""
    try:
        if source.kind == "openapi":
            found = _from_definition(entity)
        else:
            if not force and site.etag and site.patterns and site.target == source.target:
                seen = read_entity_folder(entity, source.target, site.patterns, etag=site.etag, version=site.version)
                if seen.not_modified:
                    return Gathered(unchanged=True)
            found = _from_folder(entity, source, site.version, say)
    except ReadError as error:
        raise SourceError(error.message, error.remedy) from error
    except ConfigRefusedError as error:
        raise SourceError(str(error)) from error
    _measure(found)
    hashes = sorted((path, text_hash(content)) for path, content in found.files.items())
    found.digest = content_hash([PIPELINE, found.config.values, hashes])
    return found


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Write the files of a source as plain files below an empty folder."""
    made: set[Path] = set()
    for path, content in files.items():
        safe = inside(path)
        if not safe:
            continue
        target = folder / safe
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        target.write_bytes(content)


def _from_definition(entity: EntityView) -> Gathered:
    text = str(entity.spec.get("definition") or "")
    description = parse_openapi(text)
    if description is None:
        raise SourceError(
            "The definition of the API is no OpenAPI document.", "Correct spec.definition; its Definition tab shows it."
        )
    files = plain.plain_site({}, entity.label, {"openapi.yaml": description})
    return _made(files, entity, "openapi")


def _from_folder(entity: EntityView, source: DocsSource, version: str, say: Say) -> Gathered:
    if source.kind == "adr":
        found = read_entity_folder(entity, source.target, (_PICTURES,), version=version)
        files = plain.plain_site({f"docs/adr/{path}": text for path, text in found.files.items()}, entity.label, {})
        return _read_as(_made(files, entity, "adr"), found, (_PICTURES,))
    patterns: set[str] = set(CONFIG_NAMES)
    config = SiteConfig({})
    at = version
    try:
        found = read_entity_folder(entity, source.target, tuple(sorted(patterns)), version=version)
    except ReadError as error:
        if error.code != "not-found":
            raise
        return _plain(entity, source, version, say)
    for _ in range(_ROUNDS):
        at = found.commit or version
        name = next(name for name in CONFIG_NAMES if name in found.files)
        config = site_config(found.files[name], title=entity.label, name=name, edit_url=found.edit_url)
        wanted = _wanted(found, config)
        if wanted <= patterns:
            break
        patterns |= wanted
        edit = found.edit_url
        found = read_entity_folder(entity, source.target, tuple(sorted(patterns)), version=at)
        if edit and not found.edit_url:
            # Read again at its commit, which nobody edits; the branch it was found by is what people change.
            found = FolderResult(
                found.files, found.etag, found.commit, found.not_modified, edit, found.local, found.errors
            )
    for problem in found.errors:
        say("warning", f"{problem.message} {problem.remedy}")
    files = dict(found.files)
    if not any(path.startswith(f"{config.docs_dir}/") for path in files):
        readme = next((path for path in files if path.lower() == "readme.md"), None)
        if readme is None:
            raise SourceError(
                f"The folder {config.docs_dir} is empty or missing.",
                f"Put Markdown files there, or name another with docs_dir in {CONFIG_NAMES[0]}.",
            )
        files[f"{config.docs_dir}/index.md"] = files[readme]
    return _read_as(Gathered(files=files, config=config), found, tuple(sorted(patterns)))


def _wanted(found: FolderResult, config: SiteConfig) -> set[str]:
    """Answer the patterns of everything that the configuration and the pages read so far ask for."""
    wanted = {f"{config.docs_dir}/**", "README.md"}
    seen: set[str] = set()
    todo = [(".", config.includes)]
    while todo:
        folder, includes = todo.pop()
        for include in includes:
            path = inside(posixpath.join(folder, include) if folder != "." else include)
            if path is None or path in seen:
                continue
            seen.add(path)
            wanted.add(path)
            for name in _matching(path, found.files):
                raw = parse(found.files[name], name)
                base = posixpath.dirname(name)
                docs = inside(posixpath.join(base, str(raw.get("docs_dir") or "docs")))
                if docs is None:
                    raise ConfigRefusedError(f"{name}: docs_dir leads out of the folder. Use a folder below it.")
                wanted.add(f"{docs}/**" if docs else "**/*.md")
                inner = site_config(found.files[name], title="", name=name) if raw.get("nav") else None
                if inner is not None and inner.includes:
                    todo.append((base or ".", inner.includes))
    bases = ["."]
    options = config.values.get("mdx_configs", {})
    for name, key in (("pymdownx.snippets", "base_path"), ("plantuml_markdown", "base_dir")):
        bases += options.get(name, {}).get(key, [])
    bases.append(config.docs_dir)
    for path, text in found.files.items():
        if path.endswith(".md"):
            for snippet in snippet_paths(text):
                # One that leads outside is left to the builder, which says that it is not there.
                places = (inside(posixpath.join(base, snippet)) for base in dict.fromkeys(bases))
                wanted |= {place for place in places if place and not place.startswith(f"{config.docs_dir}/")}
    return wanted


def _matching(path: str, files: dict[str, bytes]) -> list[str]:
    if "*" not in path:
        return [path] if path in files else []
    from fnmatch import fnmatch  # noqa: PLC0415 - rarely needed

    return [name for name in files if fnmatch(name, path)]


def _plain(entity: EntityView, source: DocsSource, version: str, say: Say) -> Gathered:
    """Make a site of what documentation there is, where nobody wrote a configuration."""
    try:
        found = read_entity_folder(entity, source.target, plain.PATTERNS, version=version)
    except ReadError as error:
        if error.code != "not-found":
            raise
        raise SourceError(
            "The folder holds neither mkdocs.yml nor README.md nor a folder docs, adr or runbooks.",
            "Add a mkdocs.yml with site_name and a folder docs with index.md, or correct the annotation "
            "backstage.io/techdocs-ref.",
        ) from error
    for problem in found.errors:
        say("warning", f"{problem.message} {problem.remedy}")
    descriptions = {}
    for path, text in found.files.items():
        if posixpath.splitext(posixpath.basename(path))[0] == "openapi":
            description = parse_openapi(text.decode("utf-8", "replace"))
            if description is None:
                say("warning", f"{path} is no OpenAPI document and was left out.")
            else:
                descriptions[path] = description
    files = plain.plain_site(found.files, entity.label, descriptions)
    if not files:
        raise SourceError("There is no Markdown file to make a page of.", "Add a README.md or a folder docs.")
    return _read_as(_made(files, entity, "plain", found.edit_url), found, plain.PATTERNS)


def _made(files: dict[str, bytes], entity: EntityView, kind: str, edit_url: str = "") -> Gathered:
    if not files:
        raise SourceError("There is nothing to make a page of.", "Add Markdown files.")
    config = site_config(files["mkdocs.yml"], title=entity.label)
    # Where a page came from differs from where it stands, so no edit link is offered rather than a wrong one.
    del edit_url
    return Gathered(files=files, config=config, kind=kind)


def _read_as(gathered: Gathered, found: FolderResult, patterns: tuple[str, ...]) -> Gathered:
    gathered.etag, gathered.commit, gathered.local = found.etag, found.commit, found.local
    gathered.patterns = patterns
    return gathered


def _measure(found: Gathered) -> None:
    limits = settings().build
    if len(found.files) > limits.max_files:
        raise SourceError(
            f"The documentation has {len(found.files):,} files; {limits.max_files:,} are allowed.",
            "Split it, or have an administrator raise techdocs.build.max_files.",
        )
    size = sum(map(len, found.files.values()))
    if size > limits.max_source_mb * 1_000_000:
        raise SourceError(
            f"The documentation is {size // 1_000_000:,} MB large; {limits.max_source_mb:,} are allowed.",
            "Keep videos and archives elsewhere, or have an administrator raise techdocs.build.max_source_mb.",
        )


__all__ = ["Gathered", "SourceError", "gather", "write_files"]
