"""Let the tests of a plugin run on a real PostgreSQL: `pytest -p callboard.project.pytest_plugin`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callboard.project import testing

testing.database_url()


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Give this run a database of its own, so that runs side by side do not meet."""
    from django.conf import settings

    entry = settings.DATABASES["default"]
    entry.setdefault("TEST", {})["NAME"] = testing.test_database_name()
    # A pool would keep connections open that stand in the way of dropping the database.
    entry.get("OPTIONS", {}).pop("pool", None)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Let no test see what an earlier one taught the process: people and tokens are kept for seconds."""
    from django.apps import apps

    if not apps.ready:
        yield
        return
    from callboard.core.auth import people, sessions, signing, token_check

    people.forget_people()
    token_check.forget_tokens()
    signing.forget_keys()
    sessions.forget_seen()
    directory = people.people_directory()
    yield
    people.use_people_directory(directory)
