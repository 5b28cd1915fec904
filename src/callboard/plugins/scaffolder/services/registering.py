"""Put what a task made into the catalog."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from callboard.lib.problems import ProblemError
from callboard.lib.refs import EntityRef
from callboard.plugins.catalog.public import (
    LocationExistsError,
    ReadError,
    preview_location,
    refresh_location,
    register_location,
)
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.config import portal_config

if TYPE_CHECKING:
    from callboard.plugins.scaffolder.services.context import ActionContext


def entity_at(contents: str, path: str) -> str:
    """Answer the address of a file inside of what a publish action calls ``repoContentsUrl``."""
    clean = posixpath.normpath("/" + path).lstrip("/")
    if contents.startswith("git:"):
        repository, _, ref = contents.partition("?ref=")
        return f"{repository.rstrip('/')}//{clean}" + (f"?ref={ref}" if ref else "")
    base, _, query = contents.partition("?")
    if "path=" in query:
        # Azure DevOps names the file in the query.
        return f"{base}?path=/{clean}" + "".join(
            f"&{part}" for part in query.split("&") if not part.startswith("path=")
        )
    shown = base.replace("/tree/", "/blob/", 1) if "/tree/" in base else base
    return shown.rstrip("/") + "/" + clean + (f"?{query}" if query else "")


def shown(url: str) -> str:
    """Answer an address as people may see it: where the portal keeps its own repositories is nobody's business."""
    return url.replace(f"git:file://{portal_config().data_dir}/git/", "local:")


def register(url: str, *, optional: bool, context: ActionContext) -> str:
    """Register a location and answer the ref of what it declares; a component is preferred.

    To register again what is registered already reads it again, so that a retry does no harm.
    """
    type_, target = ("git", url.removeprefix("git:")) if url.startswith("git:") else ("url", url)
    try:
        preview = preview_location(type_, target)
    except (ReadError, ProblemError) as error:
        if optional:
            context.log(f"Failed to register {url}: {error}", "warning")
            return ""
        raise ActionError(
            f"Failed to register {url}: {error}", "The file must be readable and hold entities."
        ) from error
    if preview.problems and not preview.entities:
        words = "; ".join(str(item.problem) for item in preview.problems[:5])
        if optional:
            context.log(f"Failed to register {url}: {words}", "warning")
            return ""
        raise ActionError(f"Failed to register {url}: {words}", "Correct the file in the template.")
    try:
        register_location(type_, target)
        context.receipt("location", f"Registered {shown(url)}", data={"type": type_, "target": target})
    except LocationExistsError:
        context.log("It is registered already, and is read again.")
        refresh_location(type_, target)
    found = [item.entity for item in preview.entities]
    best = next((entity for entity in found if entity.get("kind") == "Component"), found[0] if found else None)
    return str(EntityRef.of(best)) if best else ""
