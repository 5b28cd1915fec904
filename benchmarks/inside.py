#!/usr/bin/env python3
"""What can only be measured inside of the portal: unchanged input, server time of pages, the bare SQL.

Called by run.py with the portal's environment; prints one JSON object.
"""

import json
import sys
import time

from callboard.project.boot import start_django

start_django()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from callboard.plugins.catalog.models import Entity, Source  # noqa: E402
from callboard.plugins.catalog.services.processing import process_due  # noqa: E402
from callboard.sdk.auth import OPERATOR, act_as  # noqa: E402

SQL = {
    "by-name": "SELECT json FROM cb_catalog_body b JOIN cb_catalog_entity e ON e.id = b.entity_id"
    " WHERE e.ref = '{ref}'",
    "list-20": "SELECT id, ref FROM cb_catalog_entity WHERE kind = 'component' ORDER BY ref, id LIMIT 21",
    "filter-order-20": "SELECT id, name FROM cb_catalog_entity WHERE kind = 'component'"
    " AND terms @> ARRAY['spec.type=service'] ORDER BY name, id LIMIT 21",
    "count of filter-order-20": "SELECT count(*) FROM cb_catalog_entity WHERE kind = 'component'"
    " AND terms @> ARRAY['spec.type=service']",
    "facets": "SELECT type, count(*) FROM cb_catalog_entity GROUP BY type",
    "tag facets": "SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM cb_catalog_entity"
    " WHERE kind = 'component') t GROUP BY tag",
}

PAGES = {
    "home": "/",
    "catalog table": "/catalog?kind=component",
    "catalog table, page 50": "/catalog?kind=component&page=50",
    "catalog table, by type": "/catalog?kind=component&type=service",
    "catalog table, by words": "/catalog?kind=component&q=ledger",
    "all kinds": "/catalog?kind=all",
    "a component": "/catalog/default/component/{component}",
    "the largest group": "/catalog/default/group/{group}",
    "ingestion": "/catalog/ingestion",
    "locations": "/catalog/ingestion/locations",
}


def unchanged() -> dict:
    """Have every source read again and nothing found."""
    sources = list(Source.objects.exclude(type="provider").values_list("pk", flat=True))
    with act_as(OPERATOR, "cli"):
        process_due(only=sources[:1])  # compile what is compiled once
        began = time.monotonic()
        done = process_due(only=sources)
    return {"unchanged_s": time.monotonic() - began, "changed": len(done.created) + len(done.changed)}


def pages() -> dict:
    """Ask for every page as an administrator; the first and the median of the next five, in milliseconds."""
    user, _ = get_user_model().objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_ref FROM cb_catalog_relation WHERE type = 'hasMember'"
            " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        )
        group = (cursor.fetchone() or ["group:default/acme"])[0].partition("/")[2]
    component = Entity.objects.filter(kind="component").order_by("name").values_list("name", flat=True)[0]
    client.get("/catalog/ingestion")  # compile the templates that all pages share
    found = {}
    for title, path in PAGES.items():
        times = []
        for _ in range(6):
            began = time.monotonic()
            answer = client.get(path.format(component=component, group=group))
            times.append((time.monotonic() - began) * 1000)
            assert answer.status_code == 200, (path, answer.status_code)
        found[title] = {"first_ms": times[0], "ms": sorted(times[1:])[2]}
    return found


def bare_sql() -> dict:
    """Time the statements alone, prepared, in milliseconds: the limit of any server in front of them."""
    ref = Entity.objects.filter(kind="component").order_by("name").values_list("ref", flat=True)[0]
    found = {}
    with connection.cursor() as cursor:
        for title, sql in SQL.items():
            cursor.execute(f"PREPARE bare AS {sql.format(ref=ref)}")
            times = []
            for _ in range(30):
                began = time.monotonic()
                cursor.execute("EXECUTE bare")
                cursor.fetchall()
                times.append((time.monotonic() - began) * 1000)
            cursor.execute("DEALLOCATE bare")
            found[title] = sorted(times)[len(times) // 2]
    return found


if __name__ == "__main__":
    print(json.dumps({name: globals()[name]() for name in sys.argv[1:]}))
