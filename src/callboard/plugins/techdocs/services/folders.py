"""Build from and publish to folders, for pipelines that have no portal beside them."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from callboard.plugins.techdocs.clients.store import Store
from callboard.plugins.techdocs.types.layout import METADATA
from callboard.plugins.techdocs.types.mkdocs import CONFIG_NAMES, ConfigRefusedError, SiteConfig, site_config

_SKIPPED = frozenset({".git", "node_modules", ".venv", "site", "__pycache__"})
_MOST_FILES = 50_000


class FolderError(Exception):
    """A folder that cannot be built or published; the message says why."""


def copy_source(source: Path, target: Path, *, title: str, techdocs_ref: str) -> SiteConfig:
    """Copy what a build may see of a folder, plain files alone, and answer its checked configuration."""
    name = next((name for name in CONFIG_NAMES if (source / name).is_file()), None)
    if name is None:
        raise FolderError(f"{source.resolve()} holds no mkdocs.yml. Name another folder with --source-dir.")
    edit = techdocs_ref.removeprefix("url:") if techdocs_ref.startswith("url:https://") else ""
    edit = edit.replace("/tree/", "/edit/").replace("/blob/", "/edit/")
    try:
        text = (source / name).read_bytes()
        edit_url = f"{edit.rstrip('/')}/" if "/edit/" in edit else ""
        config = site_config(text, title=title or source.resolve().name, name=name, edit_url=edit_url)
    except ConfigRefusedError as error:
        raise FolderError(str(error)) from error
    root = os.path.realpath(source)
    count = 0
    for path, folders, names in os.walk(root):
        folders[:] = [item for item in folders if item not in _SKIPPED and not Path(path, item).is_symlink()]
        relative = posixpath.relpath(path, root)
        place = target / relative
        place.mkdir(parents=True, exist_ok=True)
        for item in names:
            file = Path(path, item)
            if not os.path.realpath(file).startswith(f"{root}/") or not file.is_file():
                continue
            count += 1
            if count > _MOST_FILES:
                raise FolderError(f"{source.resolve()} has more than {_MOST_FILES:,} files. Name a smaller folder.")
            (place / item).write_bytes(file.read_bytes())
    return config


def publish_folder(store: Store, entity: str, folder: Path, *, keep_case: bool = False) -> tuple[int, int]:
    """Publish a built site for ``namespace/kind/name``; answers how many files and bytes it has."""
    parts = entity.strip("/").split("/")
    if len(parts) != 3 or not all(parts):
        raise FolderError(f"{entity} is no entity. Write namespace/kind/name, such as default/component/shop.")
    if not (folder / "index.html").is_file() and not (folder / METADATA).is_file():
        raise FolderError(f"{folder.resolve()} holds no built site. Run `callboard techdocs generate` first.")
    prefix = "/".join(parts if keep_case else [part.lower() for part in parts])
    count = sum(1 for path in folder.rglob("*") if path.is_file())
    # The caller keeps its folder: what is moved on one disk is a copy.
    return count, store.publish(prefix, folder, keep=True)
