"""Read a plain CSV file: one entity a row, fields by the headings of the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from callboard.plugins.importers.types.sheet import (
    API_VERSION,
    UNKNOWN,
    Read,
    annotate,
    label,
    lifecycle,
    link,
    name_of,
    repository,
    slug_of,
    tags,
)
from callboard.sdk.contributions import ImportNote

LISTS = frozenset(
    {
        "metadata.tags", "spec.dependsOn", "spec.providesApis", "spec.consumesApis", "spec.memberOf", "spec.children",
        "spec.members",
    }
)  # fmt: skip

COLUMNS: Mapping[str, str] = {
    "kind": "kind", "name": "metadata.name", "id": "metadata.name", "service": "metadata.name",
    "component": "metadata.name", "service name": "metadata.name", "component name": "metadata.name",
    "application name": "metadata.name", "app": "metadata.name", "application": "metadata.name",
    "namespace": "metadata.namespace",
    "title": "metadata.title", "display name": "metadata.title", "description": "metadata.description",
    "summary": "metadata.description", "tags": "metadata.tags", "labels": "metadata.tags", "type": "spec.type",
    "lifecycle": "spec.lifecycle", "status": "spec.lifecycle", "stage": "spec.lifecycle", "owner": "spec.owner",
    "team": "spec.owner", "owned by": "spec.owner", "system": "spec.system", "product": "spec.system",
    "domain": "spec.domain", "parent": "spec.parent", "depends on": "spec.dependsOn",
    "dependencies": "spec.dependsOn", "provides apis": "spec.providesApis", "consumes apis": "spec.consumesApis",
    "member of": "spec.memberOf", "teams": "spec.memberOf", "groups": "spec.memberOf", "members": "spec.members",
    "email": "spec.profile.email", "e mail": "spec.profile.email", "repository": "repository", "repo": "repository",
    "repository url": "repository", "url": "link", "link": "link", "docs": "link", "documentation": "link",
}  # fmt: skip
"""Where columns go by the words of their headings, in lower case and without punctuation."""

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Component": {"type": "service", "lifecycle": UNKNOWN, "owner": UNKNOWN},
    "API": {"type": "openapi", "lifecycle": UNKNOWN, "owner": UNKNOWN, "definition": UNKNOWN},
    "Resource": {"type": "other", "owner": UNKNOWN},
    "System": {"owner": UNKNOWN},
    "Domain": {"owner": UNKNOWN},
    "Group": {"type": "team", "children": []},
    "User": {"memberOf": []},
}
_KINDS = {kind.lower(): kind for kind in _DEFAULTS}
_SEPARATORS = re.compile(r"[;,|\n]")


def columns_of(headings: list[str], given: Mapping[str, str]) -> dict[str, str]:
    """Answer where each column goes: where the operator says, where its heading says, else to an annotation."""
    wanted = {key.strip().lower(): value for key, value in given.items()}
    found = {}
    for heading in headings:
        plain = heading.strip()
        words = re.sub(r"[^a-z0-9]+", " ", plain.lower()).strip()
        known = plain if plain.startswith(("metadata.", "spec.")) else COLUMNS.get(words, "")
        found[heading] = wanted.get(plain.lower()) or known or (f"label:{name_of(plain)}" if name_of(plain) else "-")
    return found


def read_csv(
    text: str, url: str, given: Mapping[str, str] | None = None, defaults: Mapping[str, str] | None = None
) -> Read:
    """Read every row as an entity. Raises ``ValueError`` where no column holds names."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count) if first else ","
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    headings = next(rows, [])
    places = columns_of(headings, given or {})
    if "metadata.name" not in places.values():
        raise ValueError(f"no column of {url} holds names; call one `name`, or map one to metadata.name")
    for heading in headings:
        yield _told(heading, places[heading])
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise ValueError(f"line {rows.line_num} of {url}: {error}") from error
        if row is None:
            return
        values = {heading: value.strip() for heading, value in zip(headings, row, strict=False) if value.strip()}
        if not values:
            continue
        if len(row) > len(headings):
            yield ImportNote(
                path=f"row {rows.line_num}", result="dropped", to="it has more cells than there are headings",
                line=rows.line_num,
            )  # fmt: skip
        named = next((v for h, v in values.items() if places[h] == "metadata.name"), "")
        if not named:
            yield ImportNote(path=f"row {rows.line_num}", result="dropped", to="it has no name", line=rows.line_num)
            continue
        yield _entity(values, places, defaults or {})


def _told(heading: str, place: str) -> ImportNote:
    if place == "-":
        return ImportNote(path=heading, result="dropped", to="nobody says where it goes", line=1)
    if place.startswith("label:"):
        return ImportNote(path=heading, result="mapped", to=f"a label called {place[6:]}", line=1)
    same = place.rpartition(".")[2].lower() == heading.strip().lower()
    return ImportNote(path=heading, result="kept" if same else "mapped", to="" if same else place, line=1)


def _entity(values: Mapping[str, str], places: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, Any]:
    cells = {place: value for place, value in defaults.items() if value}
    cells |= {places[heading]: value for heading, value in values.items() if places[heading] in COLUMNS.values()}
    kind = _KINDS.get(cells.get("kind", "component").lower(), cells.get("kind", "Component"))
    name = cells["metadata.name"]
    found: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name_of(name)},
        "spec": {**{k: list(v) if isinstance(v, list) else v for k, v in _DEFAULTS.get(kind, {}).items()}},
    }
    if found["metadata"]["name"] != name:
        found["metadata"]["title"] = name
    for place, value in {**cells, **{places[h]: v for h, v in values.items()}}.items():
        if place not in {"kind", "metadata.name", "-"}:
            _put(found, place, value)
    return found


def _put(found: dict[str, Any], place: str, value: str) -> None:
    if place.startswith("label:"):
        label(found, "callboard.dev", place[6:], value)
    elif place == "repository":
        if value.startswith("https://"):
            repository(found, value)
        else:
            annotate(found, "github.com/project-slug", value)
    elif place == "link":
        link(found, value, "")
    elif place == "metadata.tags":
        tags(found, _SEPARATORS.split(value))
    elif place.startswith("metadata.annotations."):
        annotate(found, place.removeprefix("metadata.annotations."), value)
    elif place.startswith("metadata.labels."):
        label(found, "callboard.dev", place.removeprefix("metadata.labels."), value)
    elif place in LISTS:
        items = [item.strip() for item in _SEPARATORS.split(value) if item.strip()]
        if place == "spec.dependsOn":
            items = [item if ":" in item else f"component:{name_of(item)}" for item in items]
        found["spec"][place.removeprefix("spec.")] = items
    elif place == "spec.lifecycle":
        found["spec"]["lifecycle"] = lifecycle(value)
    elif place == "spec.owner":
        found["spec"]["owner"] = value if ":" in value else slug_of(value)
    else:
        *path, last = place.split(".")
        target = found
        for step in path:
            target = target.setdefault(step, {})
        target[last] = value
