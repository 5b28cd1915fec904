"""A repository is what its manifests, its owners' file and its people say."""

import json

from callboard.plugins.onboarding.types import Facts, Suggestion, entity_of, parse_codeowners, suggest

FACTS = Facts("acme/shop", "https://github.com/acme/shop", "Sells fruit", "Go", "main", ("retail",), product="github")


def looked(files, committers=(), groups=(), facts=FACTS):
    return suggest(facts, list(files), lambda path: files.get(path, ""), committers, groups)


def test_a_plain_repository_is_one_component():
    (one,) = looked({"README.md": "", "docs/index.md": ""}, ["ann", "bob"])
    assert (one.name, one.path, one.type, one.owner) == ("shop", "", "service", "user:ann")
    assert one.docs
    assert one.language == "go"
    assert one.description == "Sells fruit"


def test_every_manifest_of_a_monorepo_is_a_component():
    files = {
        "package.json": json.dumps({"private": True, "workspaces": ["apps/*"]}),
        "apps/web/package.json": json.dumps({"dependencies": {"react": "1"}, "description": "The shop window"}),
        "services/till/go.mod": "module till",
        "services/till/Dockerfile": "FROM scratch",
        "services/till/mkdocs.yml": "",
        "libs/money/pyproject.toml": '[project]\nname = "money"\ndescription = "Adds up"\n',
        "services/batch/Dockerfile": "FROM scratch",
        "node_modules/x/package.json": "{}",
        "services/till/testdata/go.mod": "",
        ".github/CODEOWNERS": "* @acme/everybody\n/services/ @acme/till-team # and more\n/apps/web/ ann@acme.example\n",
    }
    found = {one.path: one for one in looked(files, ["bob"])}
    assert set(found) == {"apps/web", "services/till", "libs/money", "services/batch"}
    assert [found[p].type for p in sorted(found)] == ["website", "library", "service", "service"]
    assert found["apps/web"].name == "shop-web"
    assert found["apps/web"].description == "The shop window"
    assert found["apps/web"].owner == "user:ann"
    assert found["services/till"].owner == "group:till-team"
    assert found["services/till"].docs
    assert found["libs/money"].owner == "group:everybody"
    assert found["libs/money"].language == "python"
    assert {one.system for one in found.values()} == {"shop"}


def test_owners_are_read_the_way_reviews_are():
    text = "[Section]\n# nothing\n* @acme/a\n/x/ @bob\n*.js @acme/js\nalone\n"
    assert parse_codeowners(text) == [("*", "group:a"), ("/x/", "user:bob"), ("*.js", "group:js")]


def test_broken_manifests_harm_nothing():
    files = {"package.json": "{" * 2000, "a/pyproject.toml": "= =", "b/pom.xml": "<", "c/package.json": "[1]"}
    assert {one.path for one in looked(files)} == {"", "a", "b", "c"}


def test_a_suggestion_becomes_an_entity_and_comes_back_from_a_form():
    (one,) = looked({"mkdocs.yml": ""})
    assert Suggestion.of(one.as_dict()) == one
    entity = entity_of(one, FACTS)
    assert entity["metadata"]["annotations"] == {
        "backstage.io/source-location": "url:https://github.com/acme/shop/",
        "backstage.io/view-url": "https://github.com/acme/shop/",
        "github.com/project-slug": "acme/shop",
        "backstage.io/techdocs-ref": "dir:.",
    }
    assert entity["metadata"]["tags"] == ["go", "retail"]
    assert entity["spec"] == {"type": "service", "lifecycle": "production", "owner": "group:acme"}
