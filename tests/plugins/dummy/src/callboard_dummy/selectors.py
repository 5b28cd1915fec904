"""Reads of the dummy plugin."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from callboard.sdk.permissions import allowed_filter
from callboard_dummy.models import Thing


def all_things() -> QuerySet[Thing]:
    """Answer every thing, whoever asks."""
    return Thing.objects.order_by("name")


def readable_things() -> QuerySet[Thing]:
    """Answer the things that the caller may see."""
    condition = allowed_filter("dummy.thing.read")
    return all_things() if condition is None else all_things().filter(condition)


def things_by_ref() -> QuerySet[Thing]:
    """Answer every thing with its ref, by which the search platform joins them."""
    return Thing.objects.annotate(ref=Concat(Value("thing:"), "name"))


def thing_named(ref: str) -> Q:
    """Answer the filter that finds one thing by its ref."""
    return Q(name=ref.removeprefix("thing:"))


def belongs_to(params: Mapping[str, Any]) -> Q:
    """Answer the filter of the rule IS_THING_OWNER."""
    return Q(owner__in=params["claims"])


def things_of(user_ref: str) -> dict[str, Any]:
    """Answer what is kept about a person."""
    return {"things": list(Thing.objects.filter(owner=user_ref).values_list("name", flat=True))}
