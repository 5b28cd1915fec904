"""Answer every state an entity was in, who made it, and what differs between any two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from callboard.plugins.catalog.models import Version
from callboard.plugins.catalog.selectors.pages.names import Named, named
from callboard.plugins.catalog.selectors.views import EntityView

NOW = "now"
LISTED = 200


@dataclass(frozen=True)
class State:
    """One state of an entity. ``made_by`` is who or what brought it; the first one's maker is not written."""

    key: str
    since: datetime
    until: datetime | None
    made_by: str
    person: Named | None
    how: str
    location: str
    changes: int | None = None


@dataclass(frozen=True)
class Change:
    """One field that differs: ``path``, what it was, what it is."""

    path: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        """Whether the field came, went or changed."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"


def states_of(entity: EntityView) -> list[State]:
    """Answer the current state and all it superseded, newest first."""
    versions = list(Version.objects.filter(ref=entity.ref).order_by("-valid_to", "-id")[:LISTED])
    people = named([v.ended_by for v in versions if v.ended_by.startswith(("user:", "group:"))])

    def maker(index: int) -> tuple[str, Named | None]:
        if index >= len(versions):
            return "", None
        who = versions[index].ended_by
        return who, people.get(who.lower())

    who, person = maker(0)
    found = [State(NOW, entity.changed_at, None, who, person, "current", entity.location)]
    for index, version in enumerate(versions):
        who, person = maker(index + 1)
        found.append(
            State(
                str(version.pk), version.valid_from, version.valid_to, who, person, version.ended_how, version.location
            )
        )
    return found


def content_of(entity: EntityView, key: str) -> dict[str, Any] | None:
    """Answer what an entity said in one of its states; nothing for a state that is not its own."""
    if key == NOW:
        return declared(entity.data)
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    text = Version.objects.filter(ref=entity.ref, pk=int(key)).values_list("entity", flat=True).first()
    return orjson.loads(text) if text else None


def declared(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Answer an entity as its source says it, without what the portal adds."""
    metadata = {k: v for k, v in entity.get("metadata", {}).items() if k not in {"uid", "etag"}}
    rest = {k: v for k, v in entity.items() if k not in {"relations", "status", "metadata"}}
    head: dict[str, Any] = {k: rest.pop(k) for k in ("apiVersion", "kind") if k in rest}
    return {**head, "metadata": metadata, **rest}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Answer the fields that differ, in the order they are written."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    return [
        Change(path, old.get(path), new.get(path))
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            # Keys of annotations and labels hold dots themselves.
            step = f'["{key}"]' if "." in key or "/" in key else f".{key}" if path else str(key)
            yield from _leaves(inner, f"{path}{step}")
    elif isinstance(value, list) and value and all(not isinstance(item, (Mapping, list)) for item in value):
        # Lists of words are sets to people: an entry in the middle must not change all that follow.
        seen: dict[str, int] = {}
        for item in value:
            text = _said(item)
            seen[text] = seen.get(text, 0) + 1
            yield f"{path}[{text}]" + (f" ×{seen[text]}" if seen[text] > 1 else ""), text
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, _said(value)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
