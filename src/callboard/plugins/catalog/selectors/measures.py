"""The catalog in numbers for monitoring: ``(labels, value)`` pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.models import Count

from callboard.plugins.catalog.models import Entity, Problem, Source

Measure = Iterator[tuple[Mapping[str, str], float]]


def entities() -> Measure:
    """Count the entities of each kind."""
    for kind, count in Entity.objects.order_by().values_list("kind").annotate(n=Count("id")):
        yield {"kind": kind}, count


def locations() -> Measure:
    """Count the locations that can be read and those that cannot."""
    known = Source.objects.exclude(type="provider")
    failing = known.filter(failures__gt=0).count()
    yield {"state": "ok"}, known.count() - failing
    yield {"state": "failing"}, failing


def problems() -> Measure:
    """Count the problems of each code."""
    for code, count in Problem.objects.order_by().values_list("code").annotate(n=Count("id")):
        yield {"code": code}, count
