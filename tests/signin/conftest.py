"""A certified OpenID provider for all tests of this directory, and a catalog with people to be found in."""

import pytest

from callboard.core.config.current import portal_config
from callboard.plugins.catalog.tests.engine import process, register, write
from callboard.plugins.signin.settings import ProviderSettings
from tests.signin.parts import SECRET, openid_provider

CALLBACK = "http://127.0.0.1:7007/api/auth/idp/handler/frame"
USER = """\
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: %s, annotations: {example.com/login: "%s-at-work"}}
spec: {profile: {email: %s@example.com}, memberOf: []}
"""


@pytest.fixture(scope="session")
def idp():
    """A certified OpenID provider."""
    with openid_provider(CALLBACK) as provider:
        yield provider


@pytest.fixture
def people(db, tmp_path):
    """Ada and Alan are in the catalog."""
    text = "---\n".join(USER % (name, name, name) for name in ("ada", "alan"))
    process(register(write(tmp_path / "people.yaml", text)))


@pytest.fixture
def provide(monkeypatch):
    """Set identity providers up as `callboard.yaml` would."""

    def use(**providers):
        made = {name: ProviderSettings(**settings) for name, settings in providers.items()}
        monkeypatch.setattr(portal_config().rooms["signin"], "providers", made)

    return use


@pytest.fixture
def openid(provide, idp):
    """The certified provider is set up; more settings may be given."""

    def use(**more):
        provide(idp={"type": "oidc", "issuer": idp.issuer, "client_id": "portal", "client_secret": SECRET, **more})

    use()
    return use
