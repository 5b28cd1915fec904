"""A plugin from outside, installed as a real package, adds one of everything to a running portal."""

import html
import json

from callboard.sdk import contributions as points
from callboard.sdk.contributions import Contribution
from tests.plugins.installing import seen

POINTS = {
    name
    for name in points.__all__
    if isinstance(getattr(points, name), type) and issubclass(getattr(points, name), Contribution)
} - {"Contribution"}


def test_it_contributes_to_every_point():
    listed = seen("listed")
    assert set(listed) == POINTS
    assert [name for name, ids in listed.items() if not ids] == []


def test_its_migration_is_applied_with_the_others():
    assert "cb_dummy.0001_initial" in seen("migrated")


def test_its_settings_come_from_the_configuration_file():
    assert seen("settings") == "Ahoy"


def test_its_demo_data_may_be_loaded_twice():
    assert seen("demo_data") == ["demo-thing"]


def test_its_page_answers_inside_the_shell():
    page = seen("page")
    assert page["status"] == 200
    assert "Ahoy, dummy-page-marker" in page["text"]
    assert "<li>demo-thing</li>" in page["text"]


def test_its_page_asks_an_anonymous_visitor_to_sign_in():
    page = seen("page")
    assert page["anonymous"] == 302
    assert page["sent to"].startswith("/sign-in?next=/dummy")


def test_the_side_bar_shows_its_entry_with_its_badge():
    text = seen("page")["text"]
    assert 'href="/dummy"' in text
    assert "Dummy things" in text
    assert "1 things" in text


def test_a_page_that_fails_takes_down_itself_alone():
    failing = seen("failing_page")
    assert failing["status"] == 500
    assert failing["others"] == 200
    assert failing["faults"] == {"Page dummy.failing": "the puppet fell off its strings"}
    assert "Traceback" not in failing["text"]


def test_the_palette_lists_its_command_and_what_its_source_finds():
    palette = seen("palette")
    assert 'href="/dummy?from=palette"' in palette["command"]
    assert "Dummy finds" in palette["live"]
    assert "Thing demo-thing" in palette["live"]


def test_its_settings_page_is_a_tab_under_settings():
    settings = seen("settings_tab")
    assert "Dummy settings" in settings["tabs"]
    assert 'href="/settings/dummy"' in settings["tabs"]
    assert settings["page"] == 200


def test_its_widget_stands_on_the_home_page():
    assert "dummy-widget-marker" in seen("home")


def test_its_kind_is_accepted_and_makes_relations_both_ways():
    catalog = seen("catalog")
    puppet = catalog["puppets"]["marionette"]
    assert puppet["spec"] == {"strings": 7, "handledBy": "puppeteers"}
    assert {"type": "handledBy", "targetRef": "group:default/puppeteers"} in puppet["relations"]
    assert {"type": "handlerOf", "targetRef": "puppet:default/marionette"} in catalog["group"]["relations"]


def test_its_schema_rejects_what_breaks_it_and_the_rest_goes_on():
    catalog = seen("catalog")
    assert catalog["puppets"]["stringless"] is None
    assert catalog["stage"] is not None
    problem = next(p for p in catalog["problems"] if p["ref"] == "puppet:default/stringless")
    assert "strings" in problem["message"] + problem["remedy"]


def test_both_its_processors_change_entities_on_their_way_in():
    metadata = seen("catalog")["puppets"]["marionette"]["metadata"]
    assert metadata["labels"] == {"dummy": "seen"}
    assert metadata["annotations"]["dummy.example.org/stamped"] == "yes"


def test_what_its_processor_refuses_or_fails_on_is_a_problem_with_its_name():
    catalog = seen("catalog")
    found = {p["code"]: p for p in catalog["problems"]}
    assert found["rejected"]["message"] == "nothing may be called forbidden."
    assert "dummy.stamp" in found["rejected"]["remedy"]
    assert "dummy.stamp" in found["processor-failed"]["message"]
    assert catalog["forbidden"] is None
    assert catalog["fatal"] is None


def test_its_importer_reads_its_own_file_format():
    puppets = seen("catalog")["puppets"]
    assert puppets["hand"]["spec"] == {"strings": 1}
    assert puppets["glove"]["spec"] == {"strings": 2}


def test_what_its_importer_cannot_read_names_file_and_line():
    messages = seen("bad_import")
    assert len(messages) == 1
    assert "line 1 of" in messages[0]
    assert "troupe.yml" in messages[0]


def test_its_provider_feeds_entities_in_full_and_as_a_difference():
    puppets = seen("catalog")["puppets"]
    assert puppets["pinocchio"]["relations"] == [{"type": "handledBy", "targetRef": "group:default/geppetto"}]
    assert puppets["kasper"]["spec"] == {"strings": 5}
    assert puppets["punch"] is not None
    assert puppets["judy"] is None


def test_the_page_of_its_entity_shows_its_card():
    page = seen("entity_page")
    assert page["status"] == 200
    assert "dummy-card-marker marionette" in page["overview"]


def test_the_page_of_its_entity_shows_its_tab():
    page = seen("entity_page")
    assert "Dummy tab" in page["overview"]
    assert "dummy-tab-marker puppet:default/marionette" in page["tab"]


def test_its_card_and_tab_stay_away_from_other_kinds():
    other = seen("entity_page")["other"]
    assert "dummy-card-marker" not in other
    assert "Dummy tab" not in other


def test_the_catalog_offers_its_kind():
    assert "puppets" in seen("catalog_page")


def test_its_rule_becomes_a_filter_and_a_decision():
    rule = seen("rule")
    assert (rule["mine"], rule["theirs"]) == (True, False)
    assert (rule["see mine"], rule["see theirs"]) == ("allow", "deny")


def test_its_permissions_are_decided_by_the_policy():
    assert seen("permission") == {"guest reads": "allow", "guest adds": "deny", "unknown": "deny"}


def test_its_api_answers_with_a_document_of_its_own():
    api = seen("api")
    assert api["paths"] == [
        # Every plugin with an API answers for its own permissions.
        "/api/dummy/.well-known/backstage/permissions/apply-conditions",
        "/api/dummy/.well-known/backstage/permissions/metadata",
        "/api/dummy/things",
    ]
    assert api["added"] == [201, {"name": "by-robot", "owner": ""}]
    assert {"name": "by-robot", "owner": ""} in api["listed"]


def test_its_api_refuses_strangers_and_wrong_input_in_the_common_shape():
    api = seen("api")
    assert api["anonymous"] == 401
    status, body = api["wrong"]
    assert status == 400
    assert body["error"]["name"] == "InputError"
    assert "name" in body["error"]["message"]


def test_its_service_writes_the_audit_record_with_the_door():
    assert seen("api")["audited"] == 1


def test_its_command_runs():
    command = seen("command_line")
    assert command["add"]["status"] == 0, command["add"]["err"]
    assert "Added by-command." in command["add"]["out"]
    assert "by-command" in json.loads(command["list"]["out"])["things"]


def test_the_command_line_lists_and_approves_it():
    command = seen("command_line")
    rows = {row["name"]: row for row in json.loads(command["plugins"]["out"])}
    assert rows["dummy"]["state"] == "enabled"
    assert rows["dummy"]["version"] == "1.2.3"
    assert not rows["dummy"]["bundled"]
    assert command["check"] == []


def test_its_job_runs_in_a_worker_with_progress_and_log():
    work = seen("work")
    assert work["over"], work["worker"]
    assert work["state"] == "succeeded", work["error"]
    assert work["progress"] == [3, 3]
    assert work["log"] == ["made 3 things"]
    assert work["made"] == ["worked-0", "worked-1", "worked-2"]


def test_its_event_reaches_its_subscriber():
    work = seen("work")
    assert work["announced"], work["worker"]


def test_its_service_runs_beside_the_jobs_of_a_worker():
    work = seen("work")
    assert work["company"], work["worker"]


def test_its_metric_stands_among_the_numbers_of_the_portal():
    text = seen("metrics")
    assert "# HELP callboard_dummy_things Number of things." in text
    assert 'callboard_dummy_things{announced="false"}' in text


def test_the_doctor_asks_its_health_check():
    found = {name: (status, message) for name, status, message, _ in seen("doctor")}
    status, message = found["Dummy health"]
    assert status == "ok"
    assert message.endswith("things are well")


def test_its_shredder_exports_and_erases_what_it_keeps_of_a_person():
    shredder = seen("shredder")
    assert shredder["export"] == {"things": ["private"]}
    assert shredder["erased"] == 1
    assert shredder["left"] == {"things": []}


def test_contributions_to_rooms_that_are_not_installed_do_what_they_say():
    assert seen("later") == {
        "action": {"puppet": "oak puppet"},
        "field": [[], ["Give a number of strings above zero."]],
        "filter": "ENCORE!",
        "facts": [["puppet:default/marionette", 7]],
        "check": [False, True, None],
        "track": [["Extra", ["dummy.enough-strings"]]],
        "documents": [["mine", "thing:mine"]],
        "found": {"before": [], "after": ["mine"], "stranger": []},
        "tool": ["demo-thing"],
        "resource": "A thing called demo-thing.",
        "theme": [{"--tblr-primary": "#123456"}, {"--tblr-primary": "#abcdef"}],
        "flag": False,
        "notification": "dummy/_notification.html",
    }


def test_its_page_under_plugins_lists_all_it_contributes_and_what_failed():
    page = seen("plugin_page")
    ids = [contribution for ids in seen("listed").values() for contribution in ids]
    assert [contribution for contribution in ids if contribution not in page] == []
    assert "the puppet fell off its strings" in page


def test_switched_off_nothing_of_it_is_left():
    off = seen("switched_off")
    assert not off["enabled"]
    assert off["left"] == {}
    assert 'href="/dummy"' not in off["nav"]
    assert "Dummy settings" not in off["nav"]
    assert "/dummy" not in off["palette"]
    assert "callboard_dummy_things" not in off["metrics"]
    assert "Dummy health" not in off["doctor"]
    assert off["kind"] == "deny"


def test_switched_off_its_page_says_so_and_what_to_do():
    off = seen("switched_off")
    assert off["status"] == 404
    assert "switched off" in off["page"]
    assert "Dummy" in html.unescape(off["page"])


def test_switched_off_its_api_answers_503_and_its_command_is_refused():
    off = seen("switched_off")
    assert off["api"] == 503
    assert off["command"]["status"] != 0
    assert "switched off" in off["command"]["err"]
    assert "callboard plugin enable dummy" in off["command"]["err"]


def test_switched_on_again_everything_is_still_there():
    assert seen("switched_on") == {"status": 200, "things": True}
