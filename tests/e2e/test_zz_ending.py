"""The end, which comes last because no other test can follow it."""

import pytest

pytestmark = pytest.mark.e2e


def test_the_portal_ends_cleanly_and_leaves_no_process_behind(portal):
    assert portal.end() == 0, portal.said()
    assert len(portal.family) > 4
    assert portal.survivors() == []
