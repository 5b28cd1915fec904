"""Every room is of the same shape, and what it names is named after it."""

import ast
import re

import pytest
from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField

from callboard.core.registry import contract
from callboard.core.registry.discovery import discover
from callboard.core.registry.store import registry
from tests.architecture.tree import PACKAGE, ROOMS, modules, name_of, parsed

FILES = {
    "plugin", "contributions", "settings", "types", "models", "clients", "selectors", "services", "public", "apps",
    "views", "api", "cli", "jobs", "mcp", "search", "facts", "providers", "actions",
}  # fmt: skip
FOLDERS = {"templates", "static", "migrations", "locale", "tests", "README.md", "__init__.py", "__pycache__"}

MORE_THAN_A_DOCSTRING = {
    "src/callboard/lib/yaml12/__init__.py": "replaces a single file",
    "src/callboard/plugins/catalog/contributions/__init__.py": "puts the parts of the list together",
    "src/callboard/plugins/portal/contributions/__init__.py": "puts the parts of the list together",
    "src/callboard/plugins/scaffolder/contributions/__init__.py": "puts the parts of the list together",
    "src/callboard/plugins/rbac/contributions/__init__.py": "puts the parts of the list together",
    "src/callboard/project/cli/__init__.py": "the entry point of the command, which must start fast",
    "src/callboard/project/postgres/__init__.py": "replaces a single file",
}

WIRE_NAMES = (contract.Rule, contract.ResourceType, contract.FormField, contract.Flag, contract.ScaffolderAction)
"""Points whose ids other software chose, or that have a name space of their own."""

PERMISSION_PREFIXES = {"portal": ("admin.",), "signin": ("admin.",), "rbac": ("policy.entity.",)}
"""Permissions of the core, which is no room: the portal's pages are where they are used; and the names that the
community's plugin gave to permissions on policies."""

WORDS = {
    "home": {"home"},
    "rbac": {"access"},
    "scaffolder": {"create"},
    "catalog": {"entity", "ingestion", "location"},
    "importers": {"importers"},
    "hosts": {"host"},
    "sources": {"source"},
    "portal": {
        # What the frame links to, whichever rooms there are.
        "sign", "setup", "guest", "settings", "token", "session", "sessions", "user", "users", "plugin", "plugins",
        "job", "jobs", "audit", "webhook", "webhooks", "dead", "theme", "password",
        # Fixed by django-allauth, which links to them.
        "account", "mfa",
    },
}  # fmt: skip
"""First words of page names that a room has instead of its own name."""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_only_files_that_every_room_may_have(room):
    found = {p.name for p in (PACKAGE / "plugins" / room).iterdir()}
    strange = {name for name in found if name not in FOLDERS and name.removesuffix(".py") not in FILES}
    assert strange == set()


def test_an_init_file_holds_a_docstring_only():
    more = set()
    for file in modules(tests=True, migrations=True):
        if file.name != "__init__.py" or file.parent.name == "sdk":
            continue
        body = parsed(file).body
        assert ast.get_docstring(parsed(file)), f"{name_of(file)} has no docstring"
        if len(body) > 1:
            more.add(name_of(file))
    assert more == set(MORE_THAN_A_DOCSTRING)


def test_a_package_that_replaces_a_file_only_hands_on_names():
    for name, reason in MORE_THAN_A_DOCSTRING.items():
        if reason != "replaces a single file":
            continue
        body = parsed(PACKAGE.parent.parent / name).body[1:]
        strange = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Assign)]
        assert strange == [], name


def test_every_bundled_room_is_loaded():
    bundled = {p.plugin.name for p in registry.plugins() if p.plugin.bundled}
    assert {q.name: q.reason for q in registry.quarantined()} == {}
    assert bundled == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_contributes_is_named_after_it(room):
    loaded = next(p for p in registry.plugins() if p.plugin.name == room)
    wrong = []
    for item in loaded.contributions:
        prefixes = (f"{room}.", f"admin.{room}.")
        if isinstance(item, contract.Permission):
            prefixes += PERMISSION_PREFIXES.get(room, ())
        if not isinstance(item, WIRE_NAMES) and not item.id.startswith(prefixes):
            wrong.append(item.id)
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_names_of_pages_begin_with_a_word_of_their_room(room):
    known = {room} | WORDS.get(room, set())
    pages = [page for plugin, page in registry.every(contract.Page) if plugin == room]
    assert [page.name for page in pages if re.split(r"[-._]", page.name)[0] not in known] == []


def test_no_word_and_no_name_of_a_page_belongs_to_two_rooms():
    words = [word for words in WORDS.values() for word in words]
    assert len(words) == len(set(words))
    names = [page.name for _, page in registry.every(contract.Page)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("point", [contract.EventType, contract.Job, contract.Permission, contract.CliCommand])
def test_ids_are_unique_over_all_rooms(point):
    ids = [item.id for _, item in registry.every(point)]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("room", ROOMS)
def test_templates_and_static_files_stand_under_the_name_of_their_room(room):
    found = set()
    for kind in ("templates", "static"):
        place = PACKAGE / "plugins" / room / kind
        if place.is_dir():
            found |= {p.name for p in place.iterdir()}
    # Components are called by their name alone, so all rooms share one folder.
    assert found - {"cotton"} <= {room}


def test_no_component_hides_another():
    names = [str(f.relative_to(f.parents[0])) for f in PACKAGE.rglob("templates/cotton/*.html")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("room", ROOMS)
def test_settings_of_a_room_are_its_own_model(room):
    manifest = next(p.manifest for p in discover().plugins if p.name == room)
    has_file = (PACKAGE / "plugins" / room / "settings.py").is_file()
    assert has_file == bool(manifest.settings)
    assert not manifest.settings or manifest.settings.startswith(f"callboard.plugins.{room}.settings:")


@pytest.mark.parametrize("room", ROOMS)
def test_tables_are_named_after_their_room(room):
    tables = [model._meta.db_table for model in apps.get_app_config(f"cb_{room}").get_models()]
    assert [table for table in tables if not table.startswith(f"cb_{room}_")] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_table_points_into_another_room_but_at_an_entity(room):
    foreign = []
    for model in apps.get_app_config(f"cb_{room}").get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey | ManyToManyField):
                target = field.related_model._meta
                other = target.app_label.removeprefix("cb_")
                if other in ROOMS and other != room and target.label != "cb_catalog.Entity":
                    foreign.append(f"{model.__name__}.{field.name} -> {target.label}")
    assert foreign == []
