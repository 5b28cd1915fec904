"""What sources say becomes entities, relations and problems."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from callboard.plugins.catalog.models import Emission, Entity, Problem, Source, Tombstone, Version
from callboard.plugins.catalog.services.locations import refresh
from callboard.plugins.catalog.tests.engine import (
    catalog_settings,
    codes,
    component,
    docs,
    entity,
    group,
    location,
    loopback,
    process,
    refs,
    register,
    relations,
    write,
)
from callboard.plugins.catalog.tests.servers import commit, git, repository, running_git_site, running_site
from callboard.sdk.auth import OPERATOR, act_as

pytestmark = pytest.mark.django_db

EVERY_PAIR = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec:
  {type: website, lifecycle: production, owner: apples, system: shop, subcomponentOf: portal, providesApis: [web-api],
   consumesApis: [other/pay-api], dependsOn: ["resource:db", "component:portal"], dependencyOf: ["component:kiosk"]}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: web-api}
spec: {type: openapi, lifecycle: production, owner: user:ann, system: shop, definition: "openapi: 3.0.0"}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db}
spec: {type: database, owner: apples, system: shop, dependsOn: ["resource:disk"], dependencyOf: ["component:kiosk"]}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop}
spec: {owner: apples, domain: trade}
---
apiVersion: backstage.io/v1alpha1
kind: Domain
metadata: {name: trade}
spec: {owner: apples, subdomainOf: business}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: apples}
spec: {type: team, parent: fruit, children: [pips], members: [ann]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: bob}
spec: {memberOf: [apples]}
"""


def test_every_field_of_the_built_in_kinds_makes_its_pair_of_relations(tmp_path):
    register(write(tmp_path / "all.yaml", EVERY_PAIR))
    assert codes() == []
    assert relations("component:default/web") == {
        ("ownedBy", "group:default/apples"),
        ("partOf", "system:default/shop"),
        ("partOf", "component:default/portal"),
        ("providesApi", "api:default/web-api"),
        ("consumesApi", "api:other/pay-api"),
        ("dependsOn", "resource:default/db"),
        ("dependsOn", "component:default/portal"),
        ("dependencyOf", "component:default/kiosk"),
    }
    assert relations("api:default/web-api") == {
        ("ownedBy", "user:default/ann"),
        ("partOf", "system:default/shop"),
        ("apiProvidedBy", "component:default/web"),
    }
    assert relations("resource:default/db") == {
        ("ownedBy", "group:default/apples"),
        ("partOf", "system:default/shop"),
        ("dependencyOf", "component:default/web"),
        ("dependencyOf", "component:default/kiosk"),
        ("dependsOn", "resource:default/disk"),
    }
    assert relations("system:default/shop") == {
        ("ownedBy", "group:default/apples"),
        ("partOf", "domain:default/trade"),
        ("hasPart", "component:default/web"),
        ("hasPart", "api:default/web-api"),
        ("hasPart", "resource:default/db"),
    }
    assert relations("domain:default/trade") == {
        ("ownedBy", "group:default/apples"),
        ("partOf", "domain:default/business"),
        ("hasPart", "system:default/shop"),
    }
    assert relations("group:default/apples") == {
        ("childOf", "group:default/fruit"),
        ("parentOf", "group:default/pips"),
        ("hasMember", "user:default/ann"),
        ("hasMember", "user:default/bob"),
        *(("ownerOf", f"{kind}:default/{name}") for kind, name in
          [("component", "web"), ("resource", "db"), ("system", "shop"), ("domain", "trade")]),
    }  # fmt: skip
    assert relations("user:default/bob") == {("memberOf", "group:default/apples")}


def test_a_served_entity_has_uid_etag_and_says_where_it_comes_from(tmp_path):
    file = write(tmp_path / "a.yaml", component("Web"))
    register(file)
    found = entity("component:default/web")
    assert found["metadata"]["name"] == "Web"
    assert found["metadata"]["uid"] == str(Entity.objects.get(ref="component:default/web").uid)
    assert found["metadata"]["etag"]
    annotations = found["metadata"]["annotations"]
    assert annotations["backstage.io/managed-by-location"] == f"file:{file}"
    assert annotations["backstage.io/managed-by-origin-location"] == f"file:{file}"


def test_a_broken_document_leaves_the_others_and_what_was_known_alone(tmp_path):
    file = write(tmp_path / "a.yaml", docs(component("a"), component("b"), component("c")))
    source = register(file)
    assert refs() == {"component:default/a", "component:default/b", "component:default/c"}
    write(file, docs(component("a"), "kind: [unclosed\nmetadata: {name: b}\n", component("d")))
    process(source)
    assert refs() == {f"component:default/{name}" for name in "abcd"}
    problem = Problem.objects.get()
    assert problem.url == str(file)
    assert problem.line is not None
    assert 11 <= problem.line <= 13
    assert problem.remedy
    write(file, docs(component("a"), component("d")))
    process(source)
    assert refs() == {"component:default/a", "component:default/d"}
    assert codes() == []


def test_a_broken_file_of_a_pattern_does_not_keep_what_left_the_other_files(tmp_path):
    write(tmp_path / "bad.yaml", "a: [")
    write(tmp_path / "good.yaml", docs(component("a"), component("b")))
    source = register(tmp_path / "*.yaml")
    write(tmp_path / "good.yaml", component("a"))
    process(source)
    assert refs() == {"component:default/a"}
    assert len(codes()) == 1


def test_an_entity_that_becomes_invalid_keeps_its_last_good_state_and_says_so(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    source = register(file)
    write(file, component("a").replace("  owner: group:apples\n", ""))
    process(source)
    found = entity("component:default/a")
    assert found["spec"]["owner"] == "group:apples"
    (item,) = found["status"]["items"]
    assert (item["type"], item["level"]) == ("backstage.io/catalog-processing", "error")
    assert "owner" in item["message"]
    assert Entity.objects.get(ref="component:default/a").errors == 1
    write(file, component("a"))
    process(source)
    assert "status" not in entity("component:default/a")
    assert codes() == []


@pytest.mark.parametrize(("right", "wrong"), [("kind: Component", "kind: Componnent"), ("name: a", "name: a b")])
def test_a_typing_error_in_kind_or_name_does_not_remove_what_was_known(tmp_path, right, wrong):
    file = write(tmp_path / "a.yaml", docs(component("a"), component("b")))
    source = register(file)
    write(file, docs(component("a").replace(right, wrong), component("b")))
    process(source)
    assert "component:default/a" in refs()
    assert len(codes()) == 1


def test_a_renamed_entity_replaces_the_old_one(tmp_path):
    file = write(tmp_path / "a.yaml", component("old"))
    source = register(file)
    write(file, component("new"))
    process(source)
    assert refs() == {"component:default/new"}
    assert Tombstone.objects.get().ref == "component:default/old"


def test_names_that_differ_only_by_case_are_the_same_entity(tmp_path):
    source = register(write(tmp_path / "a.yaml", docs(component("Shop"), component("shop"))))
    assert refs() == {"component:default/shop"}
    assert entity("component:default/shop")["metadata"]["name"] == "Shop"
    assert codes() == ["duplicate"]
    write(tmp_path / "a.yaml", component("SHOP"))
    process(source)
    assert entity("component:default/shop")["metadata"]["name"] == "SHOP"


def test_entities_of_different_files_of_a_pattern_are_all_there(tmp_path):
    write(tmp_path / "x" / "one" / "catalog-info.yaml", component("one"))
    write(tmp_path / "x" / "two" / "catalog-info.yaml", component("two"))
    write(tmp_path / "all.yaml", location("all", "./x/*/catalog-info.yaml"))
    register(tmp_path / "all.yaml")
    assert refs() == {"location:default/all", "component:default/one", "component:default/two"}
    place = entity("component:default/two")["metadata"]["annotations"]["backstage.io/managed-by-location"]
    assert place == f"file:{tmp_path}/x/two/catalog-info.yaml"


def test_an_optional_location_may_be_missing_and_a_required_one_not(tmp_path):
    write(tmp_path / "all.yaml", location("all", "./gone.yaml", more="  presence: optional\n"))
    source = register(tmp_path / "all.yaml")
    assert codes() == []
    write(tmp_path / "all.yaml", location("all", "./gone.yaml"))
    process(source)
    problem = Problem.objects.get()
    assert problem.code == "not-found"
    assert "gone.yaml" in problem.url
    assert problem.remedy


def test_placeholders_are_replaced_by_what_the_files_hold(tmp_path):
    write(tmp_path / "spec.txt", "openapi: 3.0.0\n")
    write(tmp_path / "data.json", '{"a": [1, 2]}')
    api = """
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: a, annotations: {}}
spec: {type: openapi, lifecycle: production, owner: apples, definition: {$text: ./spec.txt}, extra: {$json: data.json}}
"""
    source = register(write(tmp_path / "a.yaml", api))
    assert entity("api:default/a")["spec"]["definition"] == "openapi: 3.0.0\n"
    assert entity("api:default/a")["spec"]["extra"] == {"a": [1, 2]}
    write(tmp_path / "spec.txt", "openapi: 3.1.0\n")
    process(source)
    assert entity("api:default/a")["spec"]["definition"] == "openapi: 3.1.0\n"
    (tmp_path / "spec.txt").unlink()
    process(source)
    assert entity("api:default/a")["spec"]["definition"] == "openapi: 3.1.0\n"
    assert "spec.txt" in Problem.objects.get().message
    assert entity("api:default/a")["status"]["items"]


def test_what_a_database_cannot_hold_is_a_problem_of_that_entity_alone(tmp_path):
    bad = component("bad").replace("spec:", 'spec:\n  odd: "a\\0b"')
    long = component("long").replace("spec:", f"spec:\n  text: {'x' * 100_000}")
    huge = component("huge").replace("spec:", "spec:\n  number: 123456789012345678901234567890")
    register(write(tmp_path / "a.yaml", docs(component("a"), bad, long, huge)))
    assert {"component:default/a", "component:default/long"} <= refs()
    assert "component:default/bad" not in refs()


def test_unchanged_input_writes_nothing(tmp_path):
    file = write(tmp_path / "a.yaml", EVERY_PAIR)
    register(file)

    def written():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 'e', id, xmin::text, changed_at::text, etag FROM cb_catalog_entity"
                " UNION ALL SELECT 'b', entity_id, xmin::text, '', '' FROM cb_catalog_body"
                " UNION ALL SELECT 'm', id, xmin::text, '', '' FROM cb_catalog_emission"
                " UNION ALL SELECT 'r', id, xmin::text, '', '' FROM cb_catalog_relation ORDER BY 1, 2"
            )
            return cursor.fetchall()

    before = written()
    with act_as(OPERATOR, "cli"):
        refresh(["component:default/web"])
    applied = process()
    assert applied.unchanged == 7
    assert not applied
    assert written() == before


def test_lines_that_move_are_no_change_of_an_entity(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    source = register(file)
    etag = entity("component:default/a")["metadata"]["etag"]
    write(file, "# a comment\n# and another\n" + component("a"))
    assert not process(source)
    assert entity("component:default/a")["metadata"]["etag"] == etag
    assert Version.objects.count() == 0
    assert Entity.objects.get(ref="component:default/a").line == 3
    assert Emission.objects.get(ref="component:default/a").line == 3


def test_a_refresh_sees_a_change_and_the_other_end_of_a_relation_follows(tmp_path):
    register(write(tmp_path / "g.yaml", docs(group("apples"), group("pears"))))
    file = write(tmp_path / "a.yaml", component("a"))
    register(file)
    assert ("ownerOf", "component:default/a") in relations("group:default/apples")
    write(file, component("a", owner="pears"))
    with act_as(OPERATOR, "cli"):
        assert refresh(["component:default/a"]) == 1
    process()
    assert relations("group:default/apples") == set()
    assert relations("group:default/pears") == {("ownerOf", "component:default/a")}


def test_relative_targets_lead_on_from_a_url(tmp_path):
    with running_site() as site, loopback():
        site.text("/cat/all.yaml", location("all", "./sub/a.yaml", f"{site.url}/b.yaml"))
        site.text("/cat/sub/a.yaml", component("a"))
        site.text("/b.yaml", component("b"))
        register(f"{site.url}/cat/all.yaml", "url")
        assert refs() == {"location:default/all", "component:default/a", "component:default/b"}
        where = entity("component:default/a")["metadata"]["annotations"]
        assert where["backstage.io/managed-by-location"] == f"url:{site.url}/cat/sub/a.yaml"
        assert where["backstage.io/managed-by-origin-location"] == f"url:{site.url}/cat/all.yaml"


@pytest.mark.parametrize("status", [404, 500, 401, 429])
def test_a_source_that_fails_keeps_everything_and_is_asked_less_often(status):
    with running_site() as site, loopback():
        url = site.text("/a.yaml", component("a") + "---\n" + component("b", owner="[]"))
        source = register(url, "url")
        assert codes() == ["schema"] or len(codes()) == 1
        site.text("/a.yaml", "no", status=status)
        waits = []
        for _ in range(3):
            process(source)
            source.refresh_from_db()
            waits.append(source.due_at - timezone.now())
        assert refs() == {"component:default/a"}
        assert source.failures == 3
        assert waits[0] < waits[1] < waits[2]
        assert len(codes()) == 2, "what was known to be wrong is still known"
        site.text("/a.yaml", component("a"))
        process(source)
        source.refresh_from_db()
        assert (source.failures, codes()) == (0, [])


def test_a_source_that_does_not_answer_in_time_keeps_everything():
    with running_site() as site, catalog_settings(reading={"allow": ["127.0.0.1"], "timeout_seconds": 0.3}):
        url = site.text("/a.yaml", component("a"))
        source = register(url, "url")

        def late(handler):
            time.sleep(1)
            handler.reply(200, b"", {})

        site.does("/a.yaml", late)
        process(source)
        assert refs() == {"component:default/a"}
        assert codes() == ["timed-out"]


def test_an_etag_that_still_holds_ends_the_matter():
    with running_site() as site, loopback():
        body = component("a").encode()

        def answer(handler):
            known = handler.headers.get("If-None-Match") == '"1"'
            handler.reply(304 if known else 200, b"" if known else body, {"ETag": '"1"'})

        source = register(site.does("/a.yaml", answer), "url")
        process(source)
        assert site.seen("/a.yaml")[-1]["if-none-match"] == '"1"'
        assert refs() == {"component:default/a"}


def test_a_git_repository_is_read_at_its_branch_and_followed(tmp_path):
    repo = repository(
        tmp_path / "shop.git",
        {
            "catalog-info.yaml": location("all", "./services/*/catalog-info.yaml"),
            "services/a/catalog-info.yaml": component("a"),
            "services/b/catalog-info.yaml": component("b"),
        },
    )
    with running_git_site(tmp_path) as site, loopback():
        source = register(f"{site.url}/shop.git/", "git")
        assert {"component:default/a", "component:default/b"} <= refs(), list(
            Problem.objects.values_list("message", flat=True)
        )
        commit(repo, {"services/c/catalog-info.yaml": component("c")})
        git(repo, "rm", "-q", "services/a/catalog-info.yaml")
        git(repo, "commit", "-q", "-m", "drop a")
        process(*Source.objects.filter(type="git"))
        assert refs() >= {"component:default/b", "component:default/c"}
        assert "component:default/a" not in refs()
        assert source.registered


def test_what_is_not_due_is_left_alone(tmp_path):
    source = register(write(tmp_path / "a.yaml", component("a")))
    assert timedelta(0) < source.due_at - timezone.now() < timedelta(minutes=4)
    write(tmp_path / "a.yaml", component("b"))
    process()
    assert refs() == {"component:default/a"}


def test_more_sources_than_a_batch_are_all_read_when_they_are_asked_for(tmp_path):
    for number in range(45):
        write(tmp_path / f"f{number}.yaml", component(f"c{number}"))
    write(tmp_path / "all.yaml", location("all", *(f"./f{number}.yaml" for number in range(45))))
    register(tmp_path / "all.yaml")
    assert len(refs()) == 46
    for number in range(45):
        write(tmp_path / f"f{number}.yaml", component(f"d{number}"))
    process(*Source.objects.filter(target__contains="/f").order_by("-id"))
    assert {f"component:default/d{number}" for number in range(45)} <= refs()
    assert len(refs()) == 46
