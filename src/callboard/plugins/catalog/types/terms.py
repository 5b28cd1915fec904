"""Break an entity into the search values that filters, facets, order and queries work on.

Every leaf of the entity becomes a key such as ``metadata.annotations.backstage.io/orphan`` with its value.
Relations are added elsewhere, because they come from other entities too.
"""

from collections.abc import Mapping
from typing import Any

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.refs import DEFAULT_NAMESPACE

MAX_KEY_LENGTH = 200
MAX_VALUE_LENGTH = 200
MAX_TERMS = 20_000
"""Values of one entity that are searchable; more are a mistake or an attack."""

_EXCLUDED = frozenset(
    {
        "attachments",
        "relations",
        "status",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.etag",
    }
)

Scalar = str | int | float | bool | None


def search_values(entity: Mapping[str, Any], url: str = "") -> list[tuple[str, str | None]]:
    """Answer the pairs of lower-case key and value (in its own case), each once, in the entity's order.

    Keys longer than 200 characters are left out; values longer than that, and null, become ``None``.
    Raises :class:`ProblemError` where two keys differ only by case, or there are far too many.
    """
    out: dict[tuple[str, str | None], None] = {}
    spelling: dict[str, str] = {}
    metadata = entity.get("metadata")
    own: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    pairs = _leaves(entity)
    pairs.append(("metadata.name", own.get("name")))
    pairs.append(("metadata.namespace", own.get("namespace") or DEFAULT_NAMESPACE))
    pairs.append(("metadata.uid", own.get("uid")))
    for path, value in pairs:
        if len(path) > MAX_KEY_LENGTH:
            continue
        key = path.lower()
        known = spelling.setdefault(key, path)
        if known != path:
            raise ProblemError(
                Problem(
                    "duplicate-keys",
                    f'The keys "{known}" and "{path}" differ only by case.',
                    "Remove one of the two, or rename it.",
                    Place(url, path=path),
                )
            )
        out[key, search_text(value)] = None
        if len(out) > MAX_TERMS:
            raise ProblemError(
                Problem(
                    "too-many-values",
                    f"The entity has more than {MAX_TERMS} values.",
                    "Move large data out of the entity, for example into a definition file.",
                    Place(url, path=path),
                )
            )
    return list(out)


def searchable(entity: Mapping[str, Any], url: str = "") -> tuple[list[str], dict[str, Any]]:
    """Answer what an entity is found by: its terms for filters, and its fields with their values.

    Terms are ``key`` and ``key=value`` in lower case; a field that has several values has a list of them.
    Raises what :func:`search_values` raises.
    """
    fields: dict[str, Any] = {}
    terms: dict[str, None] = {}
    for key, value in search_values(entity, url):
        if key not in fields:
            terms[key] = None
            fields[key] = value
        elif isinstance(held := fields[key], list):
            held.append(value)
        else:
            fields[key] = [held, value]
        if value is not None:
            terms[f"{key}={value.lower()[:MAX_VALUE_LENGTH]}"] = None
    return list(terms), fields


def search_text(value: Scalar) -> str | None:
    """Answer the text a value is searched by, or ``None`` if it cannot be searched."""
    text = scalar_text(value)
    return text if text is not None and len(text) <= MAX_VALUE_LENGTH else None


def scalar_text(value: Scalar) -> str | None:
    """Write a plain value as text the way JavaScript does, which clients compare with."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    mantissa, e, exponent = repr(value).partition("e")
    if not e:
        return mantissa
    if exponent.startswith("-") and int(exponent) >= -6:
        return f"{value:.{len(mantissa.replace('-', '').replace('.', '')) - int(exponent) - 1}f}"
    mantissa = mantissa.removesuffix(".0")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"


def _leaves(entity: Mapping[str, Any]) -> list[tuple[str, Scalar]]:
    """Walk in document order; how deep an entity may be is limited before it gets here."""
    out: list[tuple[str, Scalar]] = []
    for key, item in entity.items():
        if key not in _EXCLUDED:
            _walk(key, item, out, set())
    return out


def _walk(path: str, value: Any, out: list[tuple[str, Scalar]], array_keys: set[str]) -> None:
    kind = type(value)
    if kind is str or kind is bool or kind is int or kind is float or value is None:
        out.append((path, value))
    elif kind is dict:
        for key, item in value.items():
            inner = f"{path}.{key}"
            if inner not in _EXCLUDED:
                _walk(inner, item, out, array_keys)
    elif kind is list:
        for item in value:
            # So that a filter can ask for one item as a key: metadata.tags.java=true.
            if type(item) is str and (key := f"{path}.{item}").lower() not in array_keys:
                array_keys.add(key.lower())
                out.append((key, True))
        for item in value:
            _walk(path, item, out, array_keys)
