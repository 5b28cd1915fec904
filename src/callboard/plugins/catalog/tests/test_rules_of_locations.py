"""Which kinds may come from where."""

import pytest

from callboard.plugins.catalog.models import Problem, Source
from callboard.plugins.catalog.services.locations import follow_configuration, register_location
from callboard.plugins.catalog.services.processing import process_due
from callboard.plugins.catalog.services.rules import is_allowed
from callboard.plugins.catalog.settings import CatalogSettings
from callboard.plugins.catalog.tests.engine import (
    ANN,
    catalog_settings,
    codes,
    component,
    docs,
    group,
    location,
    loopback,
    process,
    refs,
    register,
    write,
)
from callboard.plugins.catalog.tests.servers import running_site
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.permissions import NotAllowedError

A, G = "component:default/a", "group:default/g"


def allowed(kind, origin="url:https://github.com/org/repo/blob/main/catalog-info.yaml", trusted=False, **settings):
    return is_allowed(kind, origin, trusted=trusted, settings=CatalogSettings.model_validate(settings))


def test_without_rules_everything_is_allowed_but_people_from_strangers():
    assert allowed("Component")
    assert allowed("Template")
    assert not allowed("User")
    assert not allowed("group")
    assert allowed("User", trusted=True)


def test_rules_name_the_only_kinds_that_are_allowed():
    rules = [{"allow": ["Component", "api"]}]
    assert allowed("component", rules=rules)
    assert allowed("API", rules=rules)
    assert not allowed("System", rules=rules)
    assert not allowed("User", rules=rules, trusted=True)
    assert allowed("Location", rules=rules)


@pytest.mark.parametrize(
    ("pattern", "ok"),
    [
        ("https://github.com/org/**", True),
        ("https://github.com/org/*/blob/main/*.yaml", True),
        ("https://github.com/{org,other}/**/catalog-info.yaml", True),
        ("https://github.com/org/*", False),
        ("https://github.com/*.yaml", False),
        ("https://github.com/other/**", False),
    ],
)
def test_a_pattern_matches_the_whole_target_and_a_star_stops_at_slashes(pattern, ok):
    rules = [{"allow": ["User"], "locations": [{"type": "url", "pattern": pattern}]}]
    assert allowed("User", rules=rules) is ok


def test_an_exact_rule_matches_its_target_alone():
    rules = [{"allow": ["User"], "locations": [{"type": "file", "exact": "/a.yaml"}]}]
    assert allowed("User", "file:/a.yaml", rules=rules)
    assert not allowed("User", "file:/b.yaml", rules=rules)
    assert not allowed("User", "url:/a.yaml", rules=rules)


def test_a_configured_location_has_rules_of_its_own_even_with_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = [{"type": "file", "target": "org.yaml", "rules": [{"allow": ["User"]}]}]
    rules = [{"allow": ["Component"]}]
    assert allowed("User", f"file:{tmp_path}/org.yaml", rules=rules, locations=places)
    assert not allowed("Group", f"file:{tmp_path}/org.yaml", rules=rules, locations=places)
    assert not allowed("User", f"file:{tmp_path}/else.yaml", rules=rules, locations=places)


@pytest.mark.django_db
def test_people_come_from_locations_of_administrators_alone_and_so_does_all_they_lead_to():
    with running_site() as site, loopback():
        site.text("/all.yaml", location("all", "./org.yaml"))
        site.text("/org.yaml", docs(component("a"), group("g")))
        register(f"{site.url}/all.yaml", "url", who=ANN)
        assert A in refs()
        assert G not in refs()
        problem = Problem.objects.get()
        assert problem.code == "not-allowed"
        assert "administrator" in problem.remedy
        site.text("/more.yaml", location("more", "./org.yaml"))
        register(f"{site.url}/more.yaml", "url")
        assert G in refs(), "an administrator's location leads to the same file"
        assert codes() == []


@pytest.mark.django_db
def test_what_a_stranger_may_not_bring_does_not_keep_what_left_the_file():
    with running_site() as site, loopback():
        url = site.text("/a.yaml", docs(component("a"), component("b"), group("g")))
        source = register(url, "url", who=ANN)
        site.text("/a.yaml", docs(component("b"), group("g")))
        process(source)
        assert refs() == {"component:default/b"}


@pytest.mark.django_db
def test_changed_rules_are_applied_to_files_that_did_not_change(tmp_path):
    write(tmp_path / "a.yaml", docs(component("a"), group("g")))
    register(tmp_path / "a.yaml")
    with catalog_settings(rules=[{"allow": ["Component"]}]), act_as(OPERATOR, "system"):
        follow_configuration()
        process_due()
        assert codes() == ["not-allowed"]
        assert G in refs(), "what was known stays, and the problem says why it is stale"


@pytest.mark.django_db
def test_a_local_file_of_a_stranger_is_not_read(tmp_path):
    register(write(tmp_path / "a.yaml", component("a")), who=ANN)
    assert refs() == set()
    assert codes() == ["refused"]


@pytest.mark.django_db
def test_a_read_only_catalog_takes_no_registrations(tmp_path):
    with catalog_settings(readonly=True), act_as(OPERATOR, "cli"), pytest.raises(NotAllowedError, match="read-only"):
        register_location("file", str(tmp_path / "a.yaml"))
    assert not Source.objects.exists()
