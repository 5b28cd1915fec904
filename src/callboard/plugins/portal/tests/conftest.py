from __future__ import annotations

import pytest
from django.test import Client

from callboard.sdk.auth import create_token, create_user, forget_people
from callboard.sdk.config import portal_config
from callboard.sdk.plugins import registry

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh(settings):
    # Argon2 is slow on purpose; these tests ask for hundreds of passwords.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    forget_people()
    registry.forget_state()
    yield
    registry.forget_state()


@pytest.fixture
def ada(db):
    return create_user("ada", password=PASSWORD, email="ada@example.org", name="Ada Lovelace")


@pytest.fixture
def root(db):
    return create_user("root", password=PASSWORD, administrator=True)


@pytest.fixture
def signed_in(client, ada):
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def administering(root):
    client = Client()
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def demo():
    config = portal_config()
    before, config.demo = config.demo, True
    yield
    config.demo = before


@pytest.fixture
def bearer():
    def make(scopes, user=None, days=30):
        token, secret = create_token("test", scopes, days, user)
        return token, {"HTTP_AUTHORIZATION": f"Bearer {secret}"}

    return make
