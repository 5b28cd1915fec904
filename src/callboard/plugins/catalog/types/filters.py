"""Read the filters of query strings (``?filter=kind=component,spec.type=service``).

Inside one parameter conditions are joined by AND, several parameters by OR, values of the same key inside one
parameter by OR. Keys and values are compared without regard to case, so both are kept in lower case.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class FilterError(ValueError):
    """A filter that cannot be understood; the message is fit for the answer of the API."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The ``key`` has one of ``values``; ``None`` asks only that it exists."""

    key: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FilterSet:
    """All conditions must hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Any of the sets must hold."""

    sets: tuple[FilterSet, ...]


def parse_filters(parameters: Iterable[str]) -> Filter | None:
    """Read the values of all ``filter`` parameters; ``None`` where they ask for nothing.

    Raises :class:`FilterError` for a condition without key (``=x``).
    """
    parameters = list(parameters)
    if any("\0" in text for text in parameters):
        raise FilterError("Invalid filter, a null character matches nothing")
    sets = [found for text in parameters if (found := _parse_set(text))]
    return Filter(tuple(dict.fromkeys(sets))) if sets else None


def _parse_set(text: str) -> FilterSet | None:
    values_by_key: dict[str, list[str] | None] = {}
    for statement in map(str.strip, text.split(",")):
        if not statement:
            continue
        key, equals, value = statement.partition("=")
        key, value = key.strip().lower(), value.strip().lower()
        if not key:
            raise FilterError(
                f"Invalid filter, '{statement}' is not a valid statement (expected a string on the form a=b or a= or a)"
            )
        known = values_by_key.setdefault(key, None)
        if equals:
            # A value says more than "exists", which it implies.
            if known is None:
                values_by_key[key] = [value]
            elif value not in known:
                known.append(value)
    if not values_by_key:
        return None
    return FilterSet(
        tuple(Condition(key, None if values is None else tuple(values)) for key, values in values_by_key.items())
    )


def format_filter(wanted: Filter) -> list[str]:
    """Write a filter as query parameters again."""
    return [
        ",".join(
            condition.key if condition.values is None else f"{condition.key}={value}"
            for condition in one.conditions
            for value in (condition.values or ("",))
        )
        for one in wanted.sets
    ]


def filter_to_json(wanted: Filter) -> dict[str, Any]:
    """Write a filter as JSON, for cursors."""
    return {
        "anyOf": [
            {
                "allOf": [
                    {"key": condition.key}
                    if condition.values is None
                    else {"key": condition.key, "values": list(condition.values)}
                    for condition in one.conditions
                ]
            }
            for one in wanted.sets
        ]
    }


def filter_from_json(data: Any) -> Filter:
    """Read what :func:`filter_to_json` wrote; raises :class:`FilterError` for anything else."""
    try:
        sets = tuple(FilterSet(tuple(_condition(item) for item in _list(one["allOf"]))) for one in _list(data["anyOf"]))
    except (KeyError, TypeError) as error:
        raise FilterError("Invalid filter, expected anyOf sets of allOf conditions") from error
    return Filter(sets)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _condition(item: Any) -> Condition:
    key, values = item["key"], item.get("values")
    if not isinstance(key, str) or not key or "\0" in key:
        raise TypeError
    if values is None:
        return Condition(key.lower())
    if not all(isinstance(value, str) and "\0" not in value for value in _list(values)):
        raise TypeError
    return Condition(key.lower(), tuple(value.lower() for value in values))


def filter_matches(wanted: Filter | None, terms: Mapping[str, Collection[str | None]]) -> bool:
    """Tell whether search terms (key → values in lower case) satisfy a filter.

    This is the plain meaning of a filter, which the database query has to agree with.
    """
    return wanted is None or any(
        all(
            condition.key in terms
            and (condition.values is None or any(value in terms[condition.key] for value in condition.values))
            for condition in one.conditions
        )
        for one in wanted.sets
    )
