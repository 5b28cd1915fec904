"""What all tests of this directory need."""

import pytest


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """Let questions that wait for something new answer at once: who may ask is the question here."""
    monkeypatch.setattr("callboard.plugins.scaffolder.api.router.POLL_SECONDS", 0)
