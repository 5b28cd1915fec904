"""A workshop for each test."""

import pytest

from callboard.plugins.techdocs.clients.builder.process import builder
from callboard.plugins.techdocs.tests.workshop import Browser, Workshop, clean, open_roots


@pytest.fixture
def workshop(db, tmp_path):
    before = open_roots(tmp_path)
    yield Workshop(tmp_path)
    clean(before)


@pytest.fixture
def ann(workshop):
    return Browser("ann", email="ann@docs.example")


@pytest.fixture(scope="session", autouse=True)
def one_builder():
    yield
    builder.close()
