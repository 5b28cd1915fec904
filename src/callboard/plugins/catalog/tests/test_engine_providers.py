"""What providers say, and many workers at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from callboard.plugins.catalog.models import Dirty, Source, Version
from callboard.plugins.catalog.services.locations import (
    refresh,
    register_location,
)
from callboard.plugins.catalog.services.processing import LEASE, claim, process_due
from callboard.plugins.catalog.services.providers import run_provider
from callboard.plugins.catalog.services.stitching import stitch_dirty
from callboard.plugins.catalog.tests.engine import (
    codes,
    component,
    docs,
    entity,
    group,
    location,
    process,
    refs,
    register,
    relations,
    write,
)
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.contributions import CatalogProvider, Mutation
from callboard.sdk.plugins import registry

pytestmark = pytest.mark.django_db

A, B = "component:default/a", "component:default/b"


# --- Providers ------------------------------------------------------------------


def plain(name: str, owner: str = "apples") -> dict:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name},
        "spec": {"type": "service", "lifecycle": "production", "owner": owner},
    }


@pytest.fixture
def provide():
    """Run a provider that says what the test says."""
    said: list = []

    def changes():
        for item in said:
            if isinstance(item, Exception):
                raise item
            yield item

    provider = CatalogProvider(id="catalog.test-provider", changes=changes)
    registry._by_type.setdefault(CatalogProvider, []).append(("catalog", provider))

    def run(*items):
        said[:] = items
        with act_as(OPERATOR, "cli"):
            return run_provider(provider.id)

    yield run
    registry._by_type[CatalogProvider].remove(("catalog", provider))


def test_a_full_mutation_replaces_the_bucket_and_a_delta_changes_it(provide):
    provide(Mutation(type="full", entities=(plain("a"), plain("b"))))
    assert refs() == {A, B}
    provide(Mutation(type="full", entities=(plain("b"), plain("c"))))
    assert refs() == {B, "component:default/c"}
    provide(Mutation(type="delta", entities=(plain("a"),), removed=("Component:default/B",)))
    assert refs() == {A, "component:default/c"}
    assert not provide(Mutation(type="full", entities=(plain("a"), plain("c"))))


def test_a_provider_that_fails_half_way_keeps_what_it_said(provide):
    provide(Mutation(type="full", entities=(plain("a"),)))
    with pytest.raises(RuntimeError, match="boom"):
        provide(Mutation(type="delta", entities=(plain("b"),)), RuntimeError("boom"))
    assert refs() == {A, B}
    assert codes() == ["provider-failed"]
    provide(Mutation(type="delta"))
    assert codes() == []


def test_an_invalid_entity_of_a_provider_keeps_its_last_good_state(provide):
    provide(Mutation(type="full", entities=(plain("a"), plain("b"))))
    bad = plain("a")
    del bad["spec"]["owner"]
    provide(Mutation(type="full", entities=(bad, plain("c"))))
    assert refs() == {A, "component:default/c"}
    assert entity(A)["status"]["items"]


def test_a_provider_and_a_location_that_say_the_same_are_a_conflict(provide, tmp_path):
    register(write(tmp_path / "a.yaml", component("a", owner="file")))
    provide(Mutation(type="full", entities=(plain("a", owner="provider"),)))
    assert entity(A)["spec"]["owner"] == "file"
    assert codes() == ["conflict"]


# --- At once --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_apply_everything_once(tmp_path):
    write(tmp_path / "g.yaml", group("apples"))
    for number in range(30):
        write(tmp_path / "s" / f"{number}.yaml", docs(component(f"c{number}"), component(f"d{number}")))
    write(tmp_path / "all.yaml", location("all", "./g.yaml", *(f"./s/{n}.yaml" for n in range(30))))
    with act_as(OPERATOR, "cli"):
        register_location("file", str(tmp_path / "all.yaml"))
    failures = []

    def work():
        try:
            with act_as(OPERATOR, "job"):
                for _ in range(4):
                    process_due()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with act_as(OPERATOR, "job"):
        process_due()
    assert failures == []
    assert len(refs()) == 62
    assert len(relations("group:default/apples")) == 60
    assert not Dirty.objects.exists()
    assert Version.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_relation_that_is_being_written_is_not_missed_by_the_stitcher(tmp_path):
    register(write(tmp_path / "g.yaml", group("apples")))
    register(write(tmp_path / "a.yaml", component("a")))
    Dirty.objects.create(ref="group:default/apples")
    write(tmp_path / "b.yaml", component("b"))
    stitcher = threading.Thread(target=lambda: (stitch_dirty(), connection.close()))
    with act_as(OPERATOR, "cli"), transaction.atomic():
        source = register_location("file", str(tmp_path / "b.yaml"))
        process_due(only=[source.pk])
        stitcher.start()
        stitcher.join(0.3)
    stitcher.join()
    stitch_dirty()
    assert relations("group:default/apples") == {("ownerOf", A), ("ownerOf", B)}


def test_a_leased_source_is_left_alone_and_a_dead_workers_lease_ends(tmp_path):
    source = register(write(tmp_path / "a.yaml", component("a")))
    Source.objects.filter(pk=source.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    assert [s.pk for s in claim()] == [source.pk]
    assert claim() == []
    assert claim([source.pk]) == []
    Source.objects.filter(pk=source.pk).update(lease_until=timezone.now() - LEASE)
    assert [s.pk for s in claim()] == [source.pk]


def test_a_refresh_that_comes_while_a_source_is_being_read_is_not_lost(tmp_path):
    from callboard.plugins.catalog.services.applying import apply
    from callboard.plugins.catalog.services.reading import read_source

    file = write(tmp_path / "a.yaml", component("a", owner="one"))
    source = register(file)
    (claimed,) = claim([source.pk])
    reading = read_source(claimed, force=True)
    write(file, component("a", owner="two"))
    with act_as(OPERATOR, "cli"):
        refresh([A])
        apply([reading])
    process()
    assert entity(A)["spec"]["owner"] == "two"
