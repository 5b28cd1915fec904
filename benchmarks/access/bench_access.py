"""Measure what permissions cost: decisions, batches, conditional lists, and the preview of a policy.

    python benchmarks/access/bench_access.py --entities 100000 --people 5000

A database of its own on the embedded server, filled set-based: entities with owners, 200 roles, people in 50 groups
each. Every figure is the median of its rounds, in this process, without HTTP. `make bench` runs it as well.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROLES, GROUPS = 200, 50
LIMITS = {
    "decision, allow or deny": (0.3, "ms"),
    "decision, conditional": (None, "ms"),
    "batch of 1,000, one resource each": (20.0, "ms"),
    "preview of a publish": (2.0, "s"),
}


def main() -> None:
    """Fill, measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    from callboard.project import testing

    testing.database_url()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callboard.project.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"bench_access_{os.getpid()}"
    settings.DATABASES["default"].get("OPTIONS", {}).pop("pool", None)
    before = setup_databases(verbosity=0, interactive=False)
    try:
        fill(connection, options.entities, options.people)
        rows = measure(options)
    finally:
        teardown_databases(before, verbosity=0)
    write(options, rows)


def fill(connection: Any, entities: int, people: int) -> None:
    """Make components owned by 2,000 teams, people in 50 teams each, and their relations."""
    from callboard.plugins.catalog.models import Entity

    teams = 2_000
    Entity.objects.bulk_create(
        (
            Entity(
                ref=f"component:default/c{n}",
                kind="component",
                kind_name="Component",
                namespace="default",
                name=f"c{n}",
                display_name=f"c{n}",
                owner_ref=f"group:default/t{n % teams}",
                terms=["kind=component", f"spec.lifecycle={'experimental' if n % 10 == 0 else 'production'}"],
            )
            for n in range(1, entities + 1)
        ),
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO cb_catalog_body (entity_id, json) SELECT id, \'{"kind":"Component","metadata":{"name":"\''
            ' || name || \'","namespace":"default"},"relations":[]}\' FROM cb_catalog_entity'
        )
        cursor.execute(
            "INSERT INTO cb_catalog_relation (origin_ref, source_ref, type, target_ref)"
            " SELECT ref, ref, 'ownedBy', owner_ref FROM cb_catalog_entity WHERE owner_ref <> ''"
        )
        cursor.execute(
            "INSERT INTO cb_catalog_relation (origin_ref, source_ref, type, target_ref)"
            " SELECT 'user:default/u' || n, 'user:default/u' || n, 'memberOf', 'group:default/t' || (n * 37 + g) %% %s"
            " FROM generate_series(1, %s) n, generate_series(1, %s) g",
            [teams, people, GROUPS],
        )
    named = [("user", "u", people, 1), ("group", "t", teams, 0)]
    Entity.objects.bulk_create(
        (
            Entity(
                ref=f"{k}:default/{p}{n}",
                kind=k,
                kind_name=k.title(),
                namespace="default",
                name=f"{p}{n}",
                display_name=f"{p}{n}",
            )
            for k, p, count, first in named
            for n in range(first, first + count)
        ),
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def policy_data(changed: bool = False) -> dict[str, Any]:
    """Answer a policy of 200 roles: teams that see and change on conditions, and a role for everybody."""
    owned = {"rule": "IS_ENTITY_OWNER", "params": {"claims": ["$ownerRefs"]}}
    live = {"rule": "HAS_SPEC", "params": {"key": "lifecycle", "value": "production"}}
    roles = [{"name": "admins", "members": ["administrators"], "decisions": [{"allow": "all"}]}]
    roles += [
        {
            "name": f"team-{n}",
            "members": [f"group:default/t{n * 10}"],
            "decisions": [{"allow": "catalog.entity.delete", "if": owned}, {"allow": "catalog.location.create"}],
        }
        for n in range(ROLES - 2)
    ]
    read: dict[str, Any] = {"allow": "catalog.entity.read", "if": {"anyOf": [live, owned]}}
    if changed:
        read = {"allow": "catalog.entity.read", "if": owned}
    roles.append({"name": "everybody", "members": ["everyone"], "decisions": [read, {"allow": {"action": "read"}}]})
    return {"name": "Bench", "resolution": "any-allow", "roles": roles}


def median(rounds: int, ask: Callable[[], Any]) -> float:
    """Answer the median of the seconds a question takes, after one round that is not counted."""
    ask()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def measure(options: argparse.Namespace) -> list[tuple[str, float, str, str]]:  # noqa: PLR0915 - one figure below the other
    """Answer ``(what, figure, unit, note)`` of everything measured."""
    from django.db import transaction

    from callboard.plugins.catalog.selectors.querying import EntityQuery, page
    from callboard.plugins.rbac.selectors.active import policy
    from callboard.plugins.rbac.selectors.preview import preview
    from callboard.plugins.rbac.services import policies
    from callboard.plugins.rbac.types.deciding import Compiled
    from callboard.plugins.rbac.types.reading import read_document
    from callboard.sdk.auth import OPERATOR, act_as, create_user, everybody, principal_named
    from callboard.sdk.permissions import DefaultPolicy, authorize_many, decide, use_policy

    create_user("boss", administrator=True)
    with act_as(OPERATOR, "cli"), transaction.atomic():
        row = policies.begin_draft(read_document(policy_data()))
        policies.publish_policy(row.pk, accept_elevation=True)
    use_policy(policy)
    who = principal_named("user:default/u100")
    assert who is not None
    assert len(who.ownership_refs) == GROUPS + 1
    names = ["catalog.location.create", "catalog.location.read", "admin.users.manage", "admin.audit.read"]

    def many(permissions: list[str]) -> Callable[[], None]:
        def ask() -> None:
            for _ in range(250):
                for name in permissions:
                    decide(name, who)

        return ask

    rows = []
    each = median(options.rounds, many(names)) / (250 * len(names)) * 1000
    rows.append(("decision, allow or deny", each, "ms", f"{ROLES} roles, {GROUPS} groups a person"))
    each = median(options.rounds, many(["catalog.entity.read"])) / 250 * 1000
    rows.append(("decision, conditional", each, "ms", "with the refs of the person filled in"))
    questions = [("catalog.entity.read", f"component:default/c{n}") for n in range(1, 1001)]
    figure = median(options.rounds, lambda: authorize_many(questions, who)) * 1000
    rows.append(("batch of 1,000, one resource each", figure, "ms", "one condition, checked in the database"))

    def listing(count: bool) -> float:
        def ask() -> None:
            with act_as(who, "api"):
                page(EntityQuery(), limit=20, count=count)

        return median(options.rounds, ask) * 1000

    with_condition, counted = listing(False), listing(True)
    use_policy(DefaultPolicy())
    from callboard.plugins.catalog.selectors import remembering

    def forgetful(count: bool) -> float:
        def ask() -> None:
            remembering._kept.clear()
            with act_as(who, "api"):
                page(EntityQuery(), limit=20, count=count)

        return median(options.rounds, ask) * 1000

    plain, plain_counted = forgetful(False), forgetful(True)
    use_policy(policy)
    note = f"{plain:.2f} ms without a condition"
    rows.append((f"list of 20 of {options.entities:,} under a condition", with_condition, "ms", note))
    note = f"{plain_counted:.2f} ms without a condition, nothing remembered"
    rows.append(("the same with the count of all", counted, "ms", note))
    people = everybody()
    active = policy.active().compiled
    figure = median(max(3, options.rounds // 3), everybody)
    rows.append((f"everybody: {len(people):,} people with their groups", figure, "s", ""))
    after = read_document(policy_data(changed=True))
    figure = median(max(3, options.rounds // 3), lambda: preview(active, Compiled(after), everybody()))
    rows.append(("preview of a publish", figure, "s", f"{len(people):,} people, everybody included"))
    return rows


def write(options: argparse.Namespace, rows: list[tuple[str, float, str, str]]) -> None:
    """Print the result and keep it."""
    sys.path.insert(0, str(HERE.parent))
    from run import machine

    command = f"python benchmarks/access/bench_access.py --entities {options.entities} --people {options.people}"
    lines = [
        f"# Access: {options.entities:,} entities, {options.people:,} people",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()} with `{command}`. Medians of {options.rounds} rounds.",
        "",
        "| | figure | wanted | |",
        "|---|---|---|---|",
    ]
    for what, figure, unit, note in rows:
        limit, _unit = LIMITS.get(what, (None, ""))
        wanted = f"under {limit:g} {unit}" if limit else ""
        lines.append(f"| {what} | {figure:.3f} {unit} | {wanted} | {note} |")
    text = "\n".join(lines) + "\n"
    (HERE / f"results-{options.entities}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
