"""What would feel it if an entity broke."""

import pytest

from callboard.plugins.catalog.models import Entity, Relation
from callboard.plugins.catalog.selectors.pages import impact
from callboard.plugins.catalog.tests.pages import Browser, company, text_of
from callboard.sdk.auth import OPERATOR, act_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    with act_as(OPERATOR, "cli"):
        yield


def entity(name, kind="component", owner="", system=""):
    ref = f"{kind}:default/{name}"
    Entity.objects.create(
        ref=ref, kind=kind, kind_name=kind.title(), namespace="default", name=name, owner_ref=owner, system_ref=system
    )
    return ref


def related(source, type_, target):
    Relation.objects.create(origin_ref=source, source_ref=source, type=type_, target_ref=target)


def test_consumers_of_what_it_provides_and_all_behind_them_are_affected(operator):
    base, api, near, far = entity("base"), entity("a", "api"), entity("near"), entity("far", owner="group:default/x")
    related(base, "providesApi", api)
    related(api, "apiConsumedBy", near)
    related(near, "dependencyOf", far)
    found, cut = impact.downstream(base)
    assert found == {api: (1, base), near: (2, api), far: (3, near)}
    assert not cut
    told = impact.impact_of(base)
    assert (told.total, told.direct, told.shown) == (3, 1, 3)
    assert told.owners[0].owner is None
    assert told.owners[-1].owner.ref == "group:default/x"


def test_a_circle_ends_where_it_began(operator):
    one, two = entity("one"), entity("two")
    related(one, "dependencyOf", two)
    related(two, "dependencyOf", one)
    assert list(impact.downstream(one)[0]) == [two]


def test_a_system_breaks_with_its_parts_which_are_not_counted_themselves(operator):
    system, part, outside = entity("s", "system"), entity("part", system="s"), entity("outside")
    related(system, "hasPart", part)
    related(part, "dependencyOf", outside)
    assert impact.downstream(system)[0] == {outside: (1, part)}


def test_more_than_anybody_reads_is_cut_and_said(operator, monkeypatch):
    monkeypatch.setattr(impact, "MOST", 5)
    base = entity("base")
    for number in range(9):
        related(base, "dependencyOf", entity(f"c{number}"))
    found, cut = impact.downstream(base)
    assert cut
    assert len(found) == 6


def test_the_tab_says_who_feels_it(tmp_path):
    company(tmp_path)
    ann = Browser()
    page = text_of(ann.get("/catalog/default/component/basket/used-by"))
    assert "If Basket breaks, 2 others feel it." in page
    assert "till" in page
    assert "Nothing known depends on it" in text_of(ann.get("/catalog/default/component/peel/used-by"))
    assert ann.get("/catalog/default/user/ann/used-by").status_code == 404
