"""Cut entities down to the fields a client asks for (``?fields=metadata.name,spec.owner``)."""

from collections.abc import Iterable, Mapping
from typing import Any

Fields = tuple[str, ...]


class FieldsError(ValueError):
    """Fields that cannot be answered; the message is fit for the answer of the API."""


def parse_fields(parameters: Iterable[str]) -> Fields | None:
    """Read all ``fields`` parameters; ``None`` asks for whole entities. Raises :class:`FieldsError`."""
    fields = tuple(dict.fromkeys(field for text in parameters for part in text.split(",") if (field := part.strip())))
    if any("[" in field for field in fields):
        raise FieldsError("invalid fields, array type fields are not supported")
    return fields or None


def project(entity: Mapping[str, Any], fields: Fields | None) -> dict[str, Any]:
    """Answer an entity with only the fields asked for; what it does not have is left out silently.

    The parts are shared with the entity, not copied.
    """
    if fields is None:
        return dict(entity)
    out: dict[str, Any] = {}
    whole: set[tuple[str, ...]] = set()
    for field in fields:
        keys, value, found = _lookup(entity, field)
        if not found or any(keys[:length] in whole for length in range(1, len(keys) + 1)):
            continue
        whole.add(keys)
        target = out
        for key in keys[:-1]:
            target = target.setdefault(key, {})
        target[keys[-1]] = value
    return out


def _lookup(entity: Mapping[str, Any], field: str) -> tuple[tuple[str, ...], Any, bool]:
    """Follow a dotted path; a segment that is no key is joined with the next, for keys that have dots."""
    keys: list[str] = []
    value: Any = entity
    segment = ""
    for part in field.split("."):
        segment = f"{segment}.{part}" if segment else part
        if isinstance(value, Mapping) and segment in value:
            value = value[segment]
            keys.append(segment)
            segment = ""
    return tuple(keys), value, bool(keys) and not segment
