"""Every product's host, running, with a client for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.clients.base import HostClient
from callboard.plugins.hosts.clients.opening import open_client
from callboard.plugins.hosts.types.access import Access
from tests.servers.hosts import FACES, RunningHost, running_host

FILES = {
    "catalog-info.yaml": "kind: Component\n",
    "docs/index.md": "# Basket\n",
    "docs/guides/long name.md": "# Long\n",
    "src/main.py": "print(1)\n",
}


@pytest.fixture(autouse=True)
def _fresh():
    selectors.forget()
    yield
    selectors.forget()


def access_of(host: RunningHost, **more) -> Access:
    return Access(name="test", **{**host.connection, **more})


def only(*products: str) -> Callable[[Any], Any]:
    """Run a test for some products alone: the others have nothing of the kind."""

    def mark(function: Any) -> Any:
        function.products = products
        return function

    return mark


def without(*products: str) -> Callable[[Any], Any]:
    """Run a test for all products but these: they have nothing of the kind."""
    return only(*(name for name in FACES if name not in products))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "host" in metafunc.fixturenames:
        metafunc.parametrize("host", getattr(metafunc.function, "products", tuple(FACES)), indirect=True)


@pytest.fixture
def host(request, tmp_path: Path) -> Iterator[RunningHost]:
    """An Acme with four repositories, an empty one and an archived one among them."""
    with running_host(request.param, tmp_path) as running:
        forge, owner = running.forge, running.owner
        forge.repo(f"{owner}/basket", FILES, description="Holds fruit", topics=["python", "shop"], language="Python")
        forge.repo(f"{owner}/empty")
        forge.repo(f"{owner}/old", {"README.md": "old\n"}, archived=True)
        forge.repo(f"{owner}/till", {"README.md": "till\n"}, visibility="public")
        forge.person("bob", "Bob Builder", "bob@example.com", owner)
        forge.person("cem", "Cem", "cem@example.com", owner)
        forge.team(owner, "fruit", "Fruit", ("bob", "cem"))
        if running.product == "gitlab":
            forge.owner("acme/fruit", "Fruit")
            forge.members["acme/fruit"] = ["bob", "cem"]
        yield running


@pytest.fixture
def client(host: RunningHost) -> Iterator[HostClient]:
    with open_client(access_of(host)) as opened:
        yield opened
