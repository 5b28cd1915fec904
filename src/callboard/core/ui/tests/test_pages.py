from __future__ import annotations

import json

import pytest
from django.test import Client, RequestFactory

from callboard.core.permissions.decision import NotAllowedError
from callboard.core.registry.discovery import Quarantined
from callboard.core.registry.models import PluginState
from callboard.core.registry.store import registry
from callboard.core.ui import errors
from callboard.core.ui.context import Shell


def text_of(answer):
    return answer.content.decode()


def test_a_page_stands_in_the_shell(signed_in):
    answer = signed_in.get("/sample/table")
    text = text_of(answer)
    assert answer.status_code == 200
    assert "<title>Catalog &amp; friends · Callboard</title>" in text
    assert 'href="/sample/table" aria-current="page"' in text
    assert text.count("<h1") == 1


def test_htmx_gets_the_part_that_changes(signed_in):
    text = text_of(signed_in.get("/sample/table", headers={"HX-Request": "true", "HX-Boosted": "true"}))
    assert text.startswith("<title>Catalog &amp; friends · Callboard</title>")
    assert "<html" not in text
    assert 'data-nav="/sample/table"' in text


def test_going_back_gets_the_whole_page(signed_in):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in text_of(signed_in.get("/sample/table", headers=headers))


def test_nobody_is_asked_to_sign_in_and_brought_back(nobody):
    answer = nobody.get("/sample/table?q=a&page=2")
    assert answer.status_code == 302
    assert answer["Location"] == "/sample/sign-in?next=/sample/table%3Fq%3Da%26page%3D2"


def test_htmx_is_told_to_open_the_sign_in_page(nobody):
    answer = nobody.get("/sample/table", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith("/sample/sign-in?next=")
    assert not answer.content


def test_an_open_page_needs_nobody(nobody):
    assert nobody.get("/sample/open").status_code == 200


def test_a_page_is_kept_from_those_who_may_not(signed_in):
    answer = signed_in.get("/sample/admin")
    assert answer.status_code == 403
    assert "this is for administrators (admin.sample)" in text_of(answer)


def test_the_side_bar_leaves_out_what_the_caller_may_not_use(signed_in, as_administrator):
    assert "Audit" not in text_of(signed_in.get("/sample/form"))
    text = text_of(as_administrator.get("/sample/form"))
    assert "Audit" in text
    assert "Administration" in text


def test_a_badge_that_fails_takes_down_itself_alone(signed_in, sample):
    text = text_of(signed_in.get("/sample/table"))
    assert '<span class="cb-nav-badge">12</span>' in text
    assert text.count("cb-nav-badge") == 1
    assert sample.faults["NavItem sample.nav-form"].message == "no count"


def test_a_broken_page_shows_an_error_and_the_rest_lives(signed_in, sample):
    answer = signed_in.get("/sample/broken", headers={"X-Request-Id": "abc-123"})
    text = text_of(answer)
    assert answer.status_code == 500
    assert "abc-123" in text
    assert "secret detail" not in text
    assert 'href="/sample/table"' in text
    assert "Page sample.broken" in sample.faults
    assert signed_in.get("/sample/table").status_code == 200


def test_what_a_view_raises_on_purpose_is_no_fault(signed_in, sample):
    answer = signed_in.get("/sample/missing")
    assert answer.status_code == 404
    assert "No entity named x with kind y in namespace z" in text_of(answer)
    assert "Page sample.missing" not in sample.faults


def test_the_page_of_a_plugin_that_is_off_says_so(signed_in):
    PluginState.objects.create(name="sample", enabled=False)
    registry.forget_state()
    answer = signed_in.get("/sample/table")
    assert answer.status_code == 404
    assert "the plugin Sample, which is switched off" in text_of(answer)


def test_an_address_of_nobody_gets_a_designed_page(signed_in):
    answer = signed_in.get("/nothing/here")
    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)
    assert "sample-table" not in text_of(answer)


@pytest.mark.parametrize("path", ["/api/nothing", "/api/catalog/x"])
def test_programs_get_the_error_body(signed_in, path):
    answer = signed_in.get(path)
    assert answer.status_code == 404
    body = json.loads(answer.content)
    assert body["error"]["name"] == "NotFoundError"
    assert body["request"] == {"method": "GET", "url": path}
    assert body["response"] == {"statusCode": 404}


def test_a_reason_is_written_as_text_never_as_html(rf, db):
    error = NotAllowedError("a.b", "<script>alert(1)</script>")
    text = text_of(errors.not_allowed(rf.get("/x"), error))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_administrators_see_what_is_quarantined(as_administrator, signed_in, monkeypatch):
    bad = Quarantined("wobbly", "wobbly", "it cannot be imported", "Mend it.")
    monkeypatch.setattr(registry, "_quarantined", {"wobbly": bad})
    assert "Quarantined, because it cannot be loaded: wobbly." in text_of(as_administrator.get("/sample/table"))
    assert "wobbly" not in text_of(signed_in.get("/sample/table"))


def test_the_palette_offers_pages_and_commands(signed_in):
    text = text_of(signed_in.get("/palette"))
    assert "Catalog" in text
    assert "Register" in text
    assert "<kbd>g</kbd><kbd>c</kbd>" in text
    assert "Open audit" not in text


def test_the_palette_finds_live_and_survives_a_broken_source(signed_in, sample):
    text = text_of(signed_in.get("/palette?q=seat"))
    assert 'href="/sample/entity/seat-reservation"' in text
    assert sample.faults["PaletteSource sample.find-broken"].message == "the source is down"


def test_a_command_is_found_by_any_of_its_words(signed_in):
    assert "Register a component" in text_of(signed_in.get("/palette?q=component reg"))


def test_the_palette_says_when_nothing_is_found(signed_in):
    assert "Nothing is called “&lt;b&gt;”." in text_of(signed_in.get("/palette?q=<b>"))


def test_nobody_gets_no_palette(nobody):
    assert nobody.get("/palette").status_code == 302
    assert 'id="palette"' not in text_of(nobody.get("/sample/sign-in"))


def test_a_theme_is_kept_for_the_browser_and_the_account(signed_in, person):
    answer = signed_in.post("/theme", {"theme": "dark", "next": "/sample/table"})
    assert answer["Location"] == "/sample/table"
    person.refresh_from_db()
    assert person.theme == "dark"
    assert 'data-bs-theme="dark"' in text_of(signed_in.get("/sample/table"))


def test_nobody_keeps_a_theme_in_the_browser(nobody):
    nobody.post("/theme", {"theme": "dark"})
    assert 'data-bs-theme="dark"' in text_of(nobody.get("/sample/sign-in"))


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_choosing_a_theme_leads_nowhere_else(signed_in, away):
    assert signed_in.post("/theme", {"theme": "dark", "next": away})["Location"] == "/"


def test_a_theme_that_is_none_is_refused(signed_in):
    assert signed_in.post("/theme", {"theme": "pink"}).status_code == 400


def test_a_form_from_elsewhere_is_refused_with_an_explanation(sample, person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    answer = client.post("/theme", {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form is out of date" in text_of(answer)


def test_initials_stand_for_a_name():
    shell = Shell(RequestFactory().get("/"))
    for name, initials in {"Ada Byron": "AB", "ada": "A", "Jean-Luc van der Picard": "JP", "": "?", "李": "李"}.items():
        shell.__dict__.pop("initials", None)
        shell.who = type(shell.who)("user", "user:default/x", name)
        assert shell.initials == initials
