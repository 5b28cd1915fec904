"""A registry that holds the sample plugin alone, and clients for each kind of caller."""

from __future__ import annotations

import copy
import importlib
import os
from pathlib import Path

import pytest
from django.test import Client
from django.urls import clear_url_caches

# Playwright's event loop runs in the thread of the test, which uses the database as well.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def sample(settings, monkeypatch):
    """Put the sample plugin into the registry, mount its pages, find its templates."""
    from callboard.core.registry.discovery import InstalledPlugin
    from callboard.core.registry.manifest import Manifest
    from callboard.core.registry.store import LoadedPlugin, registry
    from callboard.core.ui.tests import sample as plugin

    loaded = LoadedPlugin(
        InstalledPlugin(Manifest(name="sample", title="Sample", version="1"), "sample", "", bundled=False),
        plugin.contributions,
    )
    by_type = {}
    for item in plugin.contributions:
        by_type.setdefault(type(item), []).append(("sample", item))
    monkeypatch.setattr(registry, "_loaded", {"sample": loaded})
    monkeypatch.setattr(registry, "_quarantined", {})
    monkeypatch.setattr(registry, "_by_type", by_type)
    registry.forget_state()
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [str(Path(__file__).parent / "templates")]
    settings.TEMPLATES = templates
    from callboard.core.ui.tests import sample_urls

    importlib.reload(sample_urls)
    settings.ROOT_URLCONF = "callboard.core.ui.tests.sample_urls"
    clear_url_caches()
    yield loaded
    registry.forget_state()
    clear_url_caches()


@pytest.fixture
def person(db):
    from callboard.core.auth.models import User

    return User.objects.create_user(
        "ada", "ada@example.com", "correct horse battery", first_name="Ada", last_name="Byron"
    )


@pytest.fixture
def administrator(db):
    from callboard.core.auth.models import User

    return User.objects.create_superuser("root", "root@example.com", "correct horse battery")


@pytest.fixture
def signed_in(sample, person):
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def as_administrator(sample, administrator):
    client = Client(raise_request_exception=False)
    client.force_login(administrator)
    return client


@pytest.fixture
def nobody(sample, db):
    return Client(raise_request_exception=False)
