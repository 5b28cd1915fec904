"""Read in which order entities are wanted: ``order=asc:metadata.name``, ``orderField=metadata.name,asc``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

Direction = Literal["asc", "desc"]


class OrderError(ValueError):
    """An order that cannot be understood; the message is fit for the answer of the API."""


@dataclass(frozen=True, slots=True)
class OrderField:
    """A search key, in lower case, and its direction."""

    field: str
    order: Direction = "asc"


def parse_order(parameters: Iterable[str]) -> tuple[OrderField, ...]:
    """Read ``order`` parameters such as ``asc:metadata.name``; all of them count."""
    fields = []
    for text in parameters:
        direction, colon, field = text.strip().partition(":")
        if not colon or direction not in ("asc", "desc") or not field.strip():
            raise OrderError(f'Invalid order parameter "{text}", expected "<asc or desc>:<field name>"')
        fields.append(OrderField(_key(field.strip()), cast(Direction, direction)))
    return tuple(fields)


def parse_order_fields(parameters: Iterable[str]) -> tuple[OrderField, ...]:
    """Read ``orderField`` parameters such as ``metadata.name,desc``; the direction may be left out."""
    fields = []
    for text in parameters:
        field, comma, direction = (part.strip() for part in text.partition(","))
        if not field:
            raise OrderError(f'Invalid orderField "{text}", expected "<field name>,<asc or desc>"')
        fields.append(_field(field, direction if comma else "asc"))
    return tuple(fields)


def order_from_json(items: Any) -> tuple[OrderField, ...]:
    """Read ``[{"field": …, "order": "asc"}]``, as request bodies and cursors have it."""
    if not isinstance(items, list):
        raise OrderError("Invalid order, expected a list of objects with field and order")
    fields = []
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("field"), str) or not item["field"].strip():
            raise OrderError("Invalid order, expected an object with field and order")
        fields.append(_field(item["field"].strip(), item.get("order", "asc")))
    return tuple(fields)


def order_to_json(fields: Iterable[OrderField]) -> list[dict[str, str]]:
    """Write an order the way :func:`order_from_json` reads it."""
    return [{"field": field.field, "order": field.order} for field in fields]


def _field(field: str, direction: object) -> OrderField:
    if direction not in ("asc", "desc"):
        raise OrderError(f'Invalid order of field "{field}", must be asc or desc')
    return OrderField(_key(field), direction)


def _key(field: str) -> str:
    if "\0" in field:
        raise OrderError("Invalid order, a field must not hold a null character")
    return field.lower()
