"""Plugins that cannot be loaded stand in quarantine with reason and remedy; the portal runs on."""

import json

import pytest

from tests.plugins.installing import BROKEN, seen

REASONS = {
    "broken_manifest": "the manifest went up in smoke",
    "broken_models": "the models went up in smoke",
    "broken_contributions": "the contributions went up in smoke",
    "broken_sdk": "SDK >=99",
    "broken_requires": "requires nowhere",
    "broken_settings": "the settings went up in smoke",
}


def test_every_broken_plugin_of_the_tests_is_expected():
    assert set(REASONS) == {f"broken_{name}" for name in BROKEN}


@pytest.mark.parametrize("name", REASONS)
def test_it_is_quarantined_with_reason_and_remedy(name):
    found = seen("quarantine")["plugins"][name]
    assert REASONS[name] in found["reason"]
    assert len(found["remedy"]) > 20


@pytest.mark.parametrize("name", REASONS)
def test_an_administrator_reads_it_on_the_page_of_plugins(name):
    quarantine = seen("quarantine")
    assert quarantine["status"] == 200
    assert name in quarantine["page"]
    assert REASONS[name] in quarantine["page"]
    assert REASONS[name] in quarantine["details"][name]
    assert quarantine["plugins"][name]["remedy"] in quarantine["details"][name]


@pytest.mark.parametrize("name", REASONS)
def test_the_doctor_and_the_command_line_say_it_too(name):
    remedies = {message.partition(" ")[0]: remedy for point, _, message, remedy in seen("doctor") if point == "plugins"}
    assert len(remedies[name]) > 20
    rows = {row["name"]: row for row in json.loads(seen("command_line")["plugins"]["out"])}
    assert rows[name]["state"] == "quarantined"
    assert REASONS[name] in rows[name]["reason"]


def test_the_other_plugins_are_loaded():
    assert set(seen("quarantine")["loaded"]) >= {"catalog", "home", "portal", "dummy"}
    assert set(seen("quarantine")["plugins"]) == set(REASONS)


def test_pages_of_quarantined_plugins_are_not_there():
    assert set(seen("quarantine")["pages"].values()) == {404}
