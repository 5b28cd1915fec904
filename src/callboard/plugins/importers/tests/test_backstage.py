"""The configuration of Backstage becomes a proposal for callboard.yaml, with a report of every setting."""

import pytest

from callboard.plugins.importers.clients import BackstageConfig, ConfigError
from callboard.plugins.importers.tests.samples import APP_CONFIG
from callboard.plugins.importers.types.backstage import migrate_backstage
from callboard.plugins.importers.types.sheet import leaves


@pytest.fixture
def place(tmp_path):
    (tmp_path / "app-config.yaml").write_text(APP_CONFIG)
    (tmp_path / "app-config.local.yaml").write_text("app: {title: Acme here}\nbackend: {listen: {port: 7777}}\n")
    (tmp_path / "more.yaml").write_text("inner: {a: {$env: INNER}}\n")
    (tmp_path / "pg-password.txt").write_text("the very password")
    return tmp_path


def migrated(*paths):
    config = BackstageConfig(list(paths))
    return config, migrate_backstage(config.value, config.where)


def test_what_has_a_place_is_proposed(place):
    _, found = migrated(place)
    assert found.settings == {
        "organisation": {"name": "Acme"},
        "server": {"base_url": "https://portal.acme.example", "port": 7777},
        "catalog": {
            "refresh_minutes": 45,
            "rules": [{"allow": ["Component", "API"]}],
            "locations": [
                {
                    "type": "url",
                    "target": "https://github.com/acme/catalog/blob/main/all.yaml",
                    "rules": [{"allow": ["Group", "User"]}],
                },
                {"type": "file", "target": "../examples/all.yaml"},
            ],
            "reading": {
                "hosts": {
                    "github.com": {"token": "${GITHUB_TOKEN}"},
                    "ghe.acme.example": {"token": "${GHE_ACME_EXAMPLE_TOKEN}", "type": "github"},
                    "gitlab.com": {"token": "${GL}"},
                },
                "allow": ["*.acme.example"],
            },
        },
    }
    assert found.variables == ["GITHUB_TOKEN", "GHE_ACME_EXAMPLE_TOKEN", "GL"]


def test_secrets_never_reach_the_proposal_or_the_report(place):
    config, found = migrated(place)
    everything = repr(found.as_dict())
    assert "plain-text-secret" not in everything
    assert "the very password" not in repr(config.value)
    assert "the very password" not in everything


def test_every_setting_is_mentioned_with_its_file_and_line(place):
    config, found = migrated(place)
    noted = {note.path: (url, note) for url, note in found.notes}
    for path, value in leaves(config.value):
        if value not in (None, "", [], {}):
            assert any(path == p or path.startswith((f"{p}.", f"{p}[")) for p in noted), path
    url, note = noted["app.title"]
    assert (url, note.line) == (str(place / "app-config.local.yaml"), 1)
    url, note = noted["catalog.locations[2]"]
    assert (url, note.line, note.result) == (str(place / "app-config.yaml"), 28, "dropped")
    assert "extra.a" in noted
    assert noted["auth.providers.okta"][1].result == "dropped"
    assert any("okta" in item and "OKTA_ID" in item for item in found.todo)
    assert any("githubOrg" in item for item in found.todo)


def test_later_files_win_and_lists_are_replaced(tmp_path):
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("catalog: {rules: [{allow: [API]}], readonly: true}\n")
    two.write_text("catalog: {rules: [{allow: [System]}]}\n")
    _, found = migrated(one, two)
    assert found.settings["catalog"] == {"rules": [{"allow": ["System"]}], "readonly": True}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: {$include: ../secret.yaml}", "outside"),
        ("a: {$include: app-config.yaml}", "includes itself"),
        ("a: {$include: more.yaml#nothing}", "has no nothing"),
        ("a: [", "yaml"),
        ("- a", "no mapping"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(place, text, says):
    (place.parent / "secret.yaml").write_text("a: 1")
    (place / "app-config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        BackstageConfig([place])


def test_a_place_without_a_configuration_says_so(tmp_path):
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(ConfigError):
            BackstageConfig([path])
