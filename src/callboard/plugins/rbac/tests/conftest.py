from __future__ import annotations

import pytest
from django.test import Client

from callboard.plugins.rbac.selectors.active import NOTHING, policy
from callboard.plugins.rbac.services import policies
from callboard.plugins.rbac.types.reading import read_document
from callboard.sdk.auth import OPERATOR, act_as, create_token, create_user, forget_people
from callboard.sdk.config import portal_config
from callboard.sdk.permissions import DefaultPolicy, use_policy
from callboard.sdk.plugins import registry

PASSWORD = "correct horse battery"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def _fresh(settings):
    # Argon2 is slow on purpose; these tests make many accounts.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    forget_people()
    registry.forget_state()
    policy._active = NOTHING
    policy.forget()
    use_policy(policy)
    yield
    use_policy(DefaultPolicy())
    registry.forget_state()


@pytest.fixture
def ada(db):
    return create_user("ada", password=PASSWORD, email="ada@example.org", name="Ada Lovelace")


@pytest.fixture
def root(db):
    return create_user("root", password=PASSWORD, administrator=True, name="Rita Root")


@pytest.fixture
def signed_in(client, ada):
    client.force_login(ada, backend=BACKEND)
    return client


@pytest.fixture
def administering(root):
    client = Client()
    client.force_login(root, backend=BACKEND)
    return client


@pytest.fixture
def bearer():
    def make(scopes, user=None, days=30):
        token, secret = create_token("test", scopes, days, user)
        return token, {"HTTP_AUTHORIZATION": f"Bearer {secret}"}

    return make


@pytest.fixture
def in_force(db):
    """Put a policy in force, written as plain data; answer its row."""

    def put(**data):
        with act_as(OPERATOR, "cli"):
            row = policies.begin_draft(read_document({"name": "Test", **data}))
            return policies.publish_policy(row.pk, accept_elevation=True)

    return put


@pytest.fixture
def second_approver():
    settings_ = portal_config().rooms["rbac"]
    before, settings_.second_approver = settings_.second_approver, True
    yield
    settings_.second_approver = before
