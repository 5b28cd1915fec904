"""Make a site of a folder that has none: README, decisions, runbooks and API descriptions become pages."""

from __future__ import annotations

import posixpath
import re
from typing import Any

PATTERNS = (
    "README.md",
    "readme.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/**",
    "doc/**",
    "adr/**",
    "adrs/**",
    "decisions/**",
    "runbooks/**",
    "runbook.md",
    "RUNBOOK.md",
    "openapi.yaml",
    "openapi.yml",
    "openapi.json",
    "api/openapi.yaml",
)
"""What is looked for beside the catalog file of an entity without `mkdocs.yml`."""

_TITLE = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_SECTIONS = (
    ("adr", "Decisions"),
    ("adrs", "Decisions"),
    ("decisions", "Decisions"),
    ("architecture-decisions", "Decisions"),
    ("runbooks", "Runbooks"),
)


def plain_site(files: dict[str, bytes], title: str, openapi: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Answer the files of a site, configuration included, made of what was found; empty when nothing was.

    ``openapi`` holds parsed API descriptions by their path.
    """
    from callboard.plugins.techdocs.types.openapi import openapi_pages  # noqa: PLC0415 - only here

    pages: dict[str, bytes] = {}
    for path, content in files.items():
        target = _place(path)
        if target is not None:
            pages[f"docs/{target}"] = content
    alone = len(openapi) == 1 and not any(path.endswith(".md") for path in pages)
    for path, description in openapi.items():
        # Where the description is all there is, it is the site.
        folder = "" if alone else "api/" if len(openapi) == 1 else f"api/{posixpath.splitext(path)[0]}/"
        for name, text in openapi_pages(description).items():
            pages[f"docs/{folder}{name}"] = text.encode()
    markdown = sorted(path for path in pages if path.endswith(".md"))
    if not markdown:
        return {}
    if "docs/index.md" not in pages:
        if len(markdown) == 1:
            pages["docs/index.md"] = pages.pop(markdown[0])
        else:
            lines = [f"# {title}", "", *(f"- [{_title(pages[path], path)}]({path[5:]})" for path in markdown)]
            pages["docs/index.md"] = "\n".join(lines).encode()
    import yaml  # noqa: PLC0415 - only here

    config = {"site_name": title, "nav": _nav(pages), "plugins": ["techdocs-core"]}
    pages["mkdocs.yml"] = yaml.safe_dump(config, allow_unicode=True, sort_keys=False).encode()
    return pages


def _place(path: str) -> str | None:
    """Answer where a file of the source stands in the made site."""
    name = posixpath.basename(path)
    if path.lower() == "readme.md":
        return "index.md"
    if path.endswith((".yaml", ".yml", ".json")):
        return None
    for folder in ("docs/", "doc/"):
        if path.startswith(folder):
            inner = path[len(folder) :]
            return inner if inner.lower() != "readme.md" else "index.md"
    return path if "/" in path else name.lower()


def _title(content: bytes, path: str) -> str:
    match = _TITLE.search(content[:4000].decode("utf-8", "replace"))
    if match:
        return re.sub(r"[`*_\[\]]", "", match[1])
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return stem.replace("-", " ").replace("_", " ").capitalize()


def _nav(pages: dict[str, bytes]) -> list[Any]:
    top: list[Any] = []
    sections: dict[str, list[Any]] = {}
    for path in sorted(pages, key=lambda p: (p.count("/"), p != "docs/index.md", p.lower())):
        if not path.endswith(".md") or not path.startswith("docs/"):
            continue
        inner = path[5:]
        folder = inner.rpartition("/")[0]
        entry = {_title(pages[path], path): inner}
        if not folder:
            top.append({"Overview": inner} if inner == "index.md" else entry)
            continue
        known = dict(_SECTIONS)
        first = folder.split("/")[-1].lower()
        name = known.get(first) or ("API" if folder.split("/")[0] == "api" else first.replace("-", " ").capitalize())
        sections.setdefault(name, []).append(entry)
    return top + [{name: entries} for name, entries in sections.items()]
