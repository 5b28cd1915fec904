"""Keep what a task needs between its steps: sealed secrets, and its files in the database or a bucket."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings as django_settings

from callboard.lib.crypto import SealError, seal, unseal
from callboard.plugins.scaffolder.clients.workspace import Workspace
from callboard.plugins.scaffolder.models import Task
from callboard.plugins.scaffolder.models import Workspace as Saved
from callboard.plugins.scaffolder.settings import ScaffolderSettings
from callboard.sdk.auth import Principal
from callboard.sdk.config import portal_config, room_settings


def settings() -> ScaffolderSettings:
    """Answer the settings of templates."""
    found: ScaffolderSettings = room_settings("scaffolder")
    return found


def sealed(task_id: Any, values: dict[str, Any]) -> str:
    """Answer secrets as they are kept."""
    if not values:
        return ""
    return seal(orjson.dumps(values).decode(), django_settings.ENCRYPTION_KEY, f"scaffolder-task:{task_id}")


def unsealed(task: Task) -> dict[str, Any]:
    """Answer the secrets of a task; none, where they cannot be opened any longer."""
    if not task.secrets:
        return {}
    try:
        text = unseal(task.secrets, django_settings.ENCRYPTION_KEY, f"scaffolder-task:{task.pk}")
    except SealError:
        return {}
    found: dict[str, Any] = orjson.loads(text)
    return found


def principal_to_json(who: Principal) -> dict[str, Any]:
    """Write down whom a task runs as."""
    return {**asdict(who), "scopes": None if who.scopes is None else sorted(who.scopes)}


def principal_from_json(value: dict[str, Any]) -> Principal:
    """Read what :func:`principal_to_json` wrote."""
    scopes = value.get("scopes")
    return Principal(
        **{
            **value,
            "ownership_refs": tuple(value.get("ownership_refs", ())),
            "scopes": None if scopes is None else frozenset(scopes),
        }
    )


def workspace_of(task_id: Any) -> Workspace:
    """Answer the folder of a task on this machine."""
    config = settings()
    root: Path = portal_config().data_dir / "scaffolder" / str(task_id)
    return Workspace(root, max_files=config.max_files, max_bytes=config.max_bytes)


def save_workspace(task: Task, workspace: Workspace) -> None:
    """Keep the files, for the case that another worker has to go on."""
    content = workspace.pack()
    store = _store()
    if store is None:
        Saved.objects.update_or_create(task=task, defaults={"content": content, "place": "", "size": len(content)})
        return
    place = f"workspaces/{task.pk}.tar.gz"
    store.put(place, content)
    Saved.objects.update_or_create(task=task, defaults={"content": None, "place": place, "size": len(content)})


def restore_workspace(task: Task, workspace: Workspace) -> None:
    """Bring the files back as they were after the last finished step; an empty folder if there was none."""
    saved = Saved.objects.filter(task=task).first()
    if saved is None:
        workspace.remove()
        workspace.make()
        return
    content = bytes(saved.content) if saved.content is not None else _fetched(saved.place)
    workspace.unpack(content)


def _fetched(place: str) -> bytes:
    store = _store()
    if store is None:
        raise RuntimeError(f"the workspace is in a bucket ({place}), but scaffolder.workspace_store names none")
    return bytes(store.get(place).bytes())


def forget_workspace(task: Task) -> None:
    """Remove the files, here and where they were kept."""
    saved = Saved.objects.filter(task=task).first()
    store = _store() if saved and saved.place else None
    if saved and store is not None:
        store.delete(saved.place)
    Saved.objects.filter(task=task).delete()
    workspace_of(task.pk).remove()


def _store() -> Any:
    address = settings().workspace_store
    if not address:
        return None
    from obstore.store import from_url  # noqa: PLC0415 - only where a bucket is used

    return from_url(address)
