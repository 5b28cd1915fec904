"""Name the places of a site: its objects in the store, its pages, and what an entity says about its docs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import normpath

REF_ANNOTATION = "backstage.io/techdocs-ref"
ENTITY_ANNOTATION = "backstage.io/techdocs-entity"
PATH_ANNOTATION = "backstage.io/techdocs-entity-path"
METADATA = "techdocs_metadata.json"
SEARCH_INDEX = "search/search_index.json"

_VERSION = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A site: the entity it belongs to, and the branch or tag it was built from (empty: the usual one)."""

    ref: str
    version: str = ""

    @property
    def triplet(self) -> tuple[str, str, str]:
        """Namespace, kind and name."""
        kind, _, rest = self.ref.partition(":")
        namespace, _, name = rest.partition("/")
        return namespace, kind, name

    def prefix(self, *, case: Mapping[str, str] | None = None) -> str:
        """Answer where its objects lie: ``namespace/kind/name``, versions below a folder of their own."""
        namespace, kind, name = self.triplet
        if case:
            namespace, kind, name = case["namespace"], case["kind"], case["name"]
        base = f"{namespace}/{kind}/{name}"
        return f"@versions/{_slug(self.version)}/{base}" if self.version else base


def _slug(version: str) -> str:
    """Answer a path segment for a ref: readable, and different for different refs."""
    return _VERSION.sub(lambda match: f"~{ord(match[0]):x}", version)


def inside(path: str) -> str | None:
    """Answer a normal relative path, or nothing when it leads outside."""
    if "\0" in path or path.startswith("/"):
        return None
    found = normpath(path) if path else ""
    if found == ".." or found.startswith("../"):
        return None
    return "" if found == "." else found


def page_object(path: str) -> list[str]:
    """Answer the objects that may hold the page at ``path``, the likeliest first."""
    if path.endswith(".html"):
        return [path]
    bare = path.strip("/")
    return [f"{bare}/index.html", f"{bare}.html"] if bare else ["index.html"]


def page_path(name: str) -> str:
    """Answer the path of the page that an object holds: ``guide/index.html`` is ``guide/``."""
    if name == "index.html":
        return ""
    return name.removesuffix("index.html") if name.endswith("/index.html") else name
