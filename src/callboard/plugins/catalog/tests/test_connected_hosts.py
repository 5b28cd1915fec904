"""The catalog reads files of connected hosts with their credentials."""

import pytest

from callboard.plugins.catalog.tests.engine import codes, component, refs, register
from callboard.plugins.hosts.public import forget_hosts
from callboard.sdk.config import portal_config
from tests.servers.hosts import running_host

pytestmark = pytest.mark.django_db


@pytest.fixture
def connected():
    settings = portal_config().rooms["hosts"]
    before = settings.connections

    def connect(**connection):
        settings.connections = {
            "test": type(settings).model_validate({"connections": {"test": connection}}).connections["test"]
        }

    yield connect
    settings.connections = before
    forget_hosts()


@pytest.mark.parametrize("product", ["github", "gitlab", "gitea", "bitbucket-server", "azure"])
def test_a_private_file_is_read_with_the_token_of_its_host(product, connected, tmp_path):
    pages = {
        "github": "/blob/main/catalog-info.yaml",
        "gitlab": "/-/blob/main/catalog-info.yaml",
        "gitea": "/src/branch/main/catalog-info.yaml",
        "bitbucket-server": "/browse/catalog-info.yaml?at=refs/heads/main",
        "azure": "?path=/catalog-info.yaml",
    }
    repository = {"bitbucket-server": "/projects/ACME/repos/shop", "azure": "/acme/shop/_git/shop"}
    with running_host(product, tmp_path) as host:
        host.forge.repo(host.name("shop"), {"catalog-info.yaml": component("shop")})
        connected(**host.connection)
        register(f"{host.url}{repository.get(product, '/acme/shop')}{pages[product]}", "url")
        assert codes() == []
        assert refs() == {"component:default/shop"}
