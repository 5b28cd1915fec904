"""Say whether the portal lives and is ready, and its numbers for Prometheus."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import CollectorRegistry

from callboard.core.auth.principal import SYSTEM, act_as
from callboard.core.registry.contract import Metric
from callboard.core.registry.store import registry


def liveness(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


def readiness(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "error", "message": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok"})


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the metrics that plugins contribute, in Prometheus' format."""
    collectors = CollectorRegistry()
    collectors.register(_Contributed())
    return HttpResponse(generate_latest(collectors), content_type=CONTENT_TYPE_LATEST)


class _Contributed:
    """Reads every contributed metric at the moment it is asked for."""

    def collect(self) -> list[GaugeMetricFamily]:
        """Answer one family a metric; one that fails is left out and noted on its plugin's page."""
        families = []
        for metric in registry.of(Metric):
            try:
                with act_as(SYSTEM, "system"), registry.guard(metric):
                    values = list(metric.read())
            except Exception:  # noqa: BLE001, S112 - noted by the guard
                continue
            labels = sorted({key for names, _ in values for key in names})
            family = GaugeMetricFamily(metric.name, metric.description or metric.title, labels=labels)
            for names, value in values:
                family.add_metric([names.get(key, "") for key in labels], value)
            families.append(family)
        return families
