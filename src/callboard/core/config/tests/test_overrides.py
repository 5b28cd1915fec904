"""Settings that the UI may change."""

import pytest

from callboard.core.config import overrides
from callboard.core.config.overrides import SettingError, changeable, effective
from callboard.core.config.services import change_setting, reset_setting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh():
    overrides.forget()
    yield
    overrides.forget()


def test_without_a_change_what_is_configured_counts():
    assert effective("organisation", "name") == "Callboard"


def test_a_change_counts_at_once_and_is_undone_by_a_reset():
    change_setting("organisation", "name", "Playbill", "user:default/ada")
    assert effective("organisation", "name") == "Playbill"
    found = {(item.section, item.key): item for item in changeable()}[("organisation", "name")]
    assert (found.value, found.configured, found.changed) == ("Playbill", "Callboard", True)
    assert reset_setting("organisation", "name")
    assert effective("organisation", "name") == "Callboard"
    assert not reset_setting("organisation", "name")


@pytest.mark.parametrize("value", ["", "x" * 61, 7, None])
def test_a_value_of_the_wrong_kind_is_refused(value):
    with pytest.raises(SettingError):
        change_setting("organisation", "name", value, "")
    assert effective("organisation", "name") == "Callboard"


def test_an_address_that_could_run_a_script_is_refused():
    with pytest.raises(SettingError):
        change_setting("organisation", "support_url", "javascript:alert(1)", "")


@pytest.mark.parametrize(("section", "key"), [("server", "port"), ("database", "url"), ("organisation", "nam")])
def test_what_is_not_for_the_ui_cannot_be_changed_there(section, key):
    with pytest.raises(SettingError, match="cannot be changed here"):
        change_setting(section, key, "1", "")


def test_an_unknown_section_or_key_is_named():
    with pytest.raises(SettingError, match="no section `nosuch`"):
        effective("nosuch", "x")
    with pytest.raises(SettingError, match=r"no setting `server\.prot`"):
        effective("server", "prot")
