"""Catalog files, people and teams of every source host arrive in the catalog and stay fresh."""

import pytest

from callboard.plugins.sources import selectors
from callboard.plugins.sources.models import FoundLocation, SourceRun, SourceState
from callboard.plugins.sources.services.keeping import delete_source
from callboard.plugins.sources.services.running import perform_run, preview_source, try_source
from callboard.plugins.sources.tests.conftest import entity, made, refs, run_source, service
from callboard.plugins.sources.types.found import SourceError
from tests.servers.hosts import running_host

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("product", ["github", "gitlab", "bitbucket-server", "azure", "gitea", "gerrit", "git"])
def test_files_of_a_host_become_entities_and_follow_it(product, connect, tmp_path):
    with running_host(product, tmp_path) as host:
        connect("host", **host.connection)
        basket = host.forge.repo(host.name("basket"), {"catalog-info.yaml": service("basket")})
        host.forge.repo(host.name("till"), {"catalog-info.yaml": service("till")})
        host.forge.repo(host.name("empty"))
        names = [
            f"{host.name(name)}.git" if product == "git" else host.name(name) for name in ("basket", "till", "empty")
        ]
        where = {"repositories": names} if product == "git" else {"organisations": [host.owner]}
        made("it", product, connection="host", **where)
        done = run_source("it")
        assert (done.state, done.found, done.troubles) == ("succeeded", {"files": 2}, [])
        assert refs() == {"component:default/basket", "component:default/till"}

        basket.write({"catalog-info.yaml": service("basket", dependsOn='["component:till"]')})
        run_source("it")
        assert entity("component:default/basket")["spec"]["dependsOn"] == ["component:till"]

        basket.write({"catalog-info.yaml": None, "README.md": "moved"})
        run_source("it")
        assert refs() == {"component:default/till"}


def test_files_of_bitbucket_cloud_are_found(connect, tmp_path):
    with running_host("bitbucket", tmp_path) as host:
        connect("host", **host.connection)
        host.forge.repo("acme/basket", {"catalog-info.yaml": service("basket")})
        made("it", "bitbucket", connection="host")
        found = preview_source("bitbucket", {"connection": "host"}).discovery
        assert [(one.repository, one.path) for one in found.files] == [("acme/basket", "catalog-info.yaml")]
        assert found.files[0].target == f"{host.url}/acme/basket/src/main/catalog-info.yaml"


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, {"basket", "till"}),
        ({"archived": True}, {"basket", "till", "old"}),
        ({"topics": ["shop"]}, {"basket"}),
        ({"topics": ["!shop"]}, {"till"}),
        ({"repositories": ["b*"]}, {"basket"}),
        ({"repositories": ["!acme/t*"]}, {"basket"}),
        ({"visibility": "public"}, set()),
        ({"paths": ["**/catalog-info.yaml"]}, {"basket", "till", "till-docs"}),
        ({"organisations": ["initech"]}, set()),
        ({"branch": "release"}, {"next"}),
    ],
)
def test_filters_decide_what_is_found(github, settings, found):
    github.forge.owner("initech")
    github.forge.repos["acme/basket"].write({"catalog-info.yaml": service("next")}, branch="release", start="main")
    made("it", "github", connection="gh", **settings)
    run_source("it")
    assert refs() == {f"component:default/{name}" for name in found}


def test_people_and_teams_become_users_and_groups(github):
    github.forge.person("bob", "Bob Builder", "bob@example.com", "acme")
    github.forge.person("cem", "Cem", "", "acme")
    github.forge.team("acme", "shop", "The Shop", ("bob",))
    github.forge.team("acme", "till", "Till", ("bob", "cem"), parent="shop")
    made("it", "github", connection="gh", organisations=["acme"], people=True)
    run_source("it")
    bob = entity("user:default/bob")
    assert bob["spec"]["profile"] == {
        "displayName": "Bob Builder",
        "email": "bob@example.com",
        "picture": f"{github.url}/bob.png",
    }
    assert sorted(bob["spec"]["memberOf"]) == ["shop", "till"]
    assert entity("group:default/till")["spec"]["parent"] == "shop"
    assert entity("group:default/shop")["metadata"]["annotations"]["github.com/team-slug"] == "acme/shop"
    assert selectors.brought_by("it")[0] == {"component": 2, "group": 2, "user": 2}


@pytest.mark.parametrize("product", ["gitlab", "bitbucket-server", "azure", "gitea"])
def test_people_of_other_hosts_arrive_too(product, connect, tmp_path):
    with running_host(product, tmp_path) as host:
        connect("host", **host.connection)
        host.forge.person("bob", "Bob Builder", "bob@example.com", host.owner)
        if product == "gitlab":
            host.forge.owner("acme/shop", "Shop")
            host.forge.members["acme/shop"] = ["bob"]
        else:
            host.forge.team(host.owner, "shop", "Shop", ("bob",))
        made("it", product, connection="host", organisations=[host.owner], people=True)
        run_source("it")
        groups = {ref for ref in refs() if ref.startswith("group:")}
        assert entity("user:default/bob")["spec"]["profile"]["displayName"] == "Bob Builder"
        assert len(groups) == (2 if product == "gitlab" else 1)
        assert entity("user:default/bob")["spec"]["memberOf"]


def test_files_may_not_declare_people_unless_they_are_trusted(github):
    person = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: eve}\nspec: {memberOf: [admins]}\n"
    github.forge.repos["acme/notes"].write({"catalog-info.yaml": person})
    made("it", "github", connection="gh")
    run_source("it")
    assert "user:default/eve" not in refs()
    from callboard.plugins.sources.services.keeping import change_source

    change_source("it", {"connection": "gh", "trusted": True})
    run_source("it")
    assert "user:default/eve" in refs()


def test_what_cannot_be_looked_at_keeps_its_last_good_state(github):
    made("it", "github", connection="gh")
    run_source("it")
    github.forge.fail("acme/till/git/trees", 500, times=3, retry_after="0")
    github.forge.repos["acme/basket"].write({"catalog-info.yaml": None, "x": "y"})
    done = run_source("it")
    assert done.state == "partial"
    assert [one["place"] for one in done.troubles] == ["acme/till"]
    assert refs() == {"component:default/basket", "component:default/till"}
    assert run_source("it").state == "succeeded"
    assert refs() == {"component:default/till"}


def test_a_source_that_fails_altogether_keeps_everything_and_says_why(github):
    made("it", "github", connection="gh")
    run_source("it")
    before = refs()
    github.forge.token = "another"
    with pytest.raises(SourceError):
        perform_run("it")
    view = selectors.source("it")
    assert view.state == "failed"
    assert "Bad credentials" in view.last.message
    assert "enter new ones" in view.last.remedy
    assert refs() == before


def test_a_host_that_asks_for_time_is_left_alone_until_then(github):
    made("it", "github", connection="gh")
    github.forge.fail("/user/orgs", 429, times=9, retry_after="900")
    with pytest.raises(SourceError) as error:
        perform_run("it")
    assert error.value.retry_after == pytest.approx(900, abs=3)
    view = selectors.source("it")
    assert view.waits_until is not None
    assert view.next_at >= SourceState.objects.get(source="it").not_before


def test_a_renamed_repository_takes_its_entities_along(github):
    made("it", "github", connection="gh")
    run_source("it")
    moved = github.forge.repos.pop("acme/basket")
    moved.full_name = "acme/purse"
    github.forge.repos["acme/purse"] = moved
    run_source("it")
    assert "component:default/basket" in refs()
    location = entity("component:default/basket")["metadata"]["annotations"]["backstage.io/managed-by-location"]
    assert location == f"url:{github.url}/acme/purse/blob/main/catalog-info.yaml"


def test_unchanged_repositories_cost_the_host_little(github):
    made("it", "github", connection="gh")
    run_source("it")
    limit = github.forge.limit
    run_source("it")
    assert github.forge.limit == limit
    assert FoundLocation.objects.filter(source="it").count() == 2


def test_a_dry_run_lists_and_writes_nothing(github):
    look = preview_source("github", {"connection": "gh"})
    assert sorted(one.repository for one in look.discovery.files) == ["acme/basket", "acme/till"]
    assert refs() == set()
    assert SourceRun.objects.count() == 0


def test_a_test_says_who_signed_in(github):
    assert "as ada" in try_source("github", {"connection": "gh"})
    with pytest.raises(SourceError) as error:
        try_source("github", {"connection": "gh", "organisations": ["nobody"], "visibility": "any"})
    assert error.value.code == "not-found"


def test_a_deleted_source_takes_along_what_it_alone_brought(github):
    made("it", "github", connection="gh")
    run_source("it")
    delete_source("it")
    assert refs() == set()
    assert FoundLocation.objects.count() == 0


def test_what_two_sources_find_stays_while_one_of_them_has_it(github):
    made("one", "github", connection="gh")
    made("two", "github", connection="gh", repositories=["basket"])
    run_source("one")
    run_source("two")
    delete_source("one")
    assert refs() == {"component:default/basket"}
