from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.test import Client

from callboard.plugins.portal.services.plugins import disable_plugin
from callboard.plugins.portal.services.tokens import create_token, revoke_token
from callboard.sdk.audit import AuditEntry, record
from callboard.sdk.auth import OPERATOR, Principal, User, act_as, create_user
from callboard.sdk.contributions import Permission
from callboard.sdk.manifest import Manifest
from callboard.sdk.permissions import NotAllowedError
from callboard.sdk.plugins import InstalledPlugin, LoadedPlugin, registry

pytestmark = pytest.mark.django_db
PAGES = [
    "/admin/plugins",
    "/admin/plugins/portal",
    "/admin/plugins/portal/switch",
    "/admin/audit",
    "/admin/users",
]


@pytest.fixture
def extra():
    """An optional plugin and one that requires it."""
    names = ("extra", "needs_extra")
    for name, requires in zip(names, ((), ("extra",)), strict=True):
        manifest = Manifest(name=name, title=name.title(), version="1", requires=requires)
        loaded = LoadedPlugin(
            InstalledPlugin(manifest, name, name, bundled=False),
            (Permission(id=f"{name}.thing.read", title="Read things", action="read"),),
        )
        registry._loaded[name] = loaded
        registry._by_type.setdefault(Permission, []).append((name, loaded.contributions[0]))
    registry.forget_state()
    yield
    for name in names:
        del registry._loaded[name]
    permissions = registry._by_type[Permission]
    registry._by_type[Permission] = [(owner, item) for owner, item in permissions if owner not in names]


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_administration_are_for_administrators(client, signed_in, administering, path):
    assert Client().get(path).status_code == 302
    page = signed_in.get(path)
    assert page.status_code == 403
    assert b"this is for administrators" in page.content
    assert administering.get(path).status_code == 200


def test_the_side_bar_shows_administration_to_administrators_alone(signed_in, administering):
    assert b"/admin/audit" not in signed_in.get("/settings").content
    assert b"/admin/audit" in administering.get("/settings").content


# --- Plugins ----------------------------------------------------------------------


def test_a_plugin_is_switched_off_and_on_with_a_trace(administering, extra):
    administering.post("/admin/plugins/needs_extra/switch", {"to": "off"})
    assert administering.post("/admin/plugins/extra/switch", {"to": "off"}).status_code == 302
    assert not registry.is_enabled("extra")
    assert registry.find(Permission, "extra.thing.read") is None
    assert b"Switch on" in administering.get("/admin/plugins/extra").content
    administering.post("/admin/plugins/extra/switch", {"to": "on"})
    assert registry.is_enabled("extra")
    entry = AuditEntry.objects.get(action="portal.plugin.enable")
    assert (entry.actor, entry.target) == ("user:default/root", "plugin:extra")


@pytest.mark.parametrize(
    ("name", "said"),
    [("extra", "needs_extra requires extra"), ("portal", "part of the portal itself")],
)
def test_a_plugin_that_is_needed_stays_on(administering, extra, name, said):
    page = administering.post(f"/admin/plugins/{name}/switch", {"to": "off"})
    assert page.status_code == 422
    assert said in page.content.decode()
    assert registry.is_enabled(name)


def test_a_plugin_comes_on_after_what_it_requires(administering, extra):
    for name in ("needs_extra", "extra"):
        administering.post(f"/admin/plugins/{name}/switch", {"to": "off"})
    page = administering.post("/admin/plugins/needs_extra/switch", {"to": "on"})
    assert "switch that on first" in page.content.decode()


def test_everything_a_plugin_adds_is_listed(administering, extra):
    page = administering.get("/admin/plugins/portal").content.decode()
    for loaded in registry.plugins():
        if loaded.plugin.name == "portal":
            assert all(item.id in page for item in loaded.contributions)
    assert administering.get("/admin/plugins/nothing").status_code == 404


def test_only_administrators_switch_plugins(signed_in, extra):
    assert signed_in.post("/admin/plugins/extra/switch", {"to": "off"}).status_code == 403
    with act_as(Principal("user", "user:default/x"), "cli"), pytest.raises(NotAllowedError):
        disable_plugin("extra")
    assert registry.is_enabled("extra")


# --- Audit ------------------------------------------------------------------------


def test_the_audit_page_filters_pages_and_links(administering):
    for number in range(60):
        record("test.thing.do", f"thing:{number}")
    page = administering.get("/admin/audit", {"action": "test"}).content.decode()
    assert "thing:59" in page
    assert "thing:5<" not in page
    older = re.search(r'rel="next" href="([^"]+)"', page).group(1).replace("&amp;", "&")
    assert "thing:5<" in administering.get("/admin/audit" + older).content.decode()
    entry = AuditEntry.objects.get(target="thing:7")
    assert administering.get(f"/admin/audit/{entry.pk}").status_code == 200
    assert administering.get("/admin/audit/99999999999999999999").status_code == 404
    assert "Nothing matches" in administering.get("/admin/audit", {"text": "zzz"}).content.decode()


@pytest.mark.parametrize("query", ["since=yesterday", "before=x", "text=%00", "door=" + "x" * 999])
def test_a_strange_filter_is_no_fault(administering, query):
    assert administering.get(f"/admin/audit?{query}").status_code == 200


def test_the_audit_record_is_exported_without_formulas(administering):
    record("test.thing.do", "=HYPERLINK(1)", {"a": "b"})
    page = administering.get("/admin/audit", {"action": "test", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(page.streaming_content).decode())))
    assert [row["target"] for row in rows] == ["'=HYPERLINK(1)"]
    page = administering.get("/admin/audit", {"action": "test", "format": "jsonl"})
    lines = [json.loads(line) for line in b"".join(page.streaming_content).decode().splitlines()]
    assert lines[0]["details"] == {"a": "b"}
    assert AuditEntry.objects.filter(action="portal.audit.export").count() == 2


# --- Accounts -----------------------------------------------------------------------


def test_an_account_is_made_with_a_link_to_choose_the_password(administering):
    page = administering.post("/admin/users", {"username": "eve", "email": "eve@example.org", "name": "Eve E"})
    link = re.search(r"http://testserver(/setup\?token=[\w-]+)", page.content.decode()).group(1)
    assert Client().get(link).status_code == 200
    assert not User.objects.get(username="eve").is_superuser
    page = administering.post("/admin/users", {"username": "EVE"})
    assert page.status_code == 422
    assert b"Another account has this username" in page.content


def test_an_account_is_switched_off_and_on(administering, ada):
    administering.post(f"/admin/users/{ada.pk}/disable")
    ada.refresh_from_db()
    assert not ada.is_active
    administering.post(f"/admin/users/{ada.pk}/enable")
    ada.refresh_from_db()
    assert ada.is_active


@pytest.mark.parametrize("action", ["disable", "withdraw"])
def test_nobody_locks_themselves_out(administering, root, action):
    administering.post(f"/admin/users/{root.pk}/{action}")
    root.refresh_from_db()
    assert root.is_active
    assert root.is_superuser


def test_the_last_administrator_stays(root):
    from callboard.plugins.portal.services.accounts import make_administrator
    from callboard.sdk.auth import AccountError

    with act_as(OPERATOR, "cli"):
        with pytest.raises(AccountError, match="last administrator"):
            make_administrator(root.pk, administrator=False)
        create_user("second", administrator=True)
        make_administrator(root.pk, administrator=False)


def test_unknown_actions_and_accounts_are_no_fault(administering):
    assert administering.post("/admin/users/1/explode").status_code == 404
    assert administering.post("/admin/users/999999/disable").status_code == 302


def test_only_administrators_change_accounts(signed_in, root):
    assert signed_in.post(f"/admin/users/{root.pk}/disable").status_code == 403
    assert signed_in.post("/admin/users", {"username": "mine", "administrator": "on"}).status_code == 403
    assert User.objects.count() == 2


def test_the_operator_makes_and_revokes_tokens_for_programs(db):
    with act_as(OPERATOR, "cli"):
        token, secret = create_token("ci", ["read"], None)
        revoke_token(token.pk)
    assert secret.startswith(token.hint)
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "door"))
    assert actions == [
        ("portal.token.create", "system:operator", "cli"),
        ("portal.token.revoke", "system:operator", "cli"),
    ]
    with act_as(Principal("user", "user:default/x"), "cli"), pytest.raises(NotAllowedError):
        create_token("mine", ["admin"], None)
