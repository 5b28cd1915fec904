"""Connections to running hosts, and sources that use them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.apps import apps

from callboard.plugins.catalog.public import process_due
from callboard.plugins.hosts.public import forget_hosts
from callboard.plugins.sources.models import SourceRun
from callboard.plugins.sources.services.keeping import create_source
from callboard.plugins.sources.services.running import perform_run
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.config import portal_config
from tests.servers.hosts import RunningHost, running_host

API = "backstage.io/v1alpha1"


@pytest.fixture(autouse=True)
def _operator() -> Iterator[None]:
    forget_hosts()
    with act_as(OPERATOR, "cli"):
        yield
    forget_hosts()


@pytest.fixture
def connect() -> Iterator[Callable[..., None]]:
    """Put a connection into the configuration."""
    settings = portal_config().rooms["hosts"]
    before = settings.connections

    def make(name: str, **values: Any) -> None:
        known = {
            **settings.connections,
            name: type(settings).model_validate({"connections": {name: values}}).connections[name],
        }
        settings.connections = known

    yield make
    settings.connections = before


@pytest.fixture
def configured() -> Iterator[Callable[..., None]]:
    """Put sources into the configuration."""
    rooms = portal_config().rooms
    before = rooms["sources"]

    def make(**values: Any) -> None:
        rooms["sources"] = type(before).model_validate(values)

    yield make
    rooms["sources"] = before


@pytest.fixture
def github(tmp_path: Path, connect: Callable[..., None]) -> Iterator[RunningHost]:
    """A GitHub called `gh` with two services, a service without a file, and an archived one."""
    with running_host("github", tmp_path) as host:
        connect("gh", **host.connection, webhook_secret="h00k")
        host.forge.repo("acme/basket", {"catalog-info.yaml": service("basket")}, topics=["shop"])
        host.forge.repo(
            "acme/till", {"catalog-info.yaml": service("till"), "docs/catalog-info.yaml": service("till-docs")}
        )
        host.forge.repo("acme/notes", {"README.md": "nothing"})
        host.forge.repo("acme/old", {"catalog-info.yaml": service("old")}, archived=True)
        yield host


def service(name: str, **spec: str) -> str:
    more = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return (
        f"apiVersion: {API}\nkind: Component\nmetadata:\n  name: {name}\nspec:\n"
        f"  type: service\n  lifecycle: production\n  owner: guests\n{more}"
    )


def run_source(name: str, **more: Any) -> SourceRun:
    """Run a source, and read what it named."""
    done = perform_run(name, **more)
    assert done is not None
    process_due()
    return done


def made(name: str, type_: str, **settings: Any) -> None:
    create_source(name, type_, settings, run=False)


def table(name: str) -> Any:
    """A table of the catalog: tests look into it, and the room itself does not."""
    return apps.get_model("cb_catalog", name)


def refs() -> set[str]:
    """All entities but the Location entities that lead to files."""
    found = table("Entity").objects.values_list("ref", flat=True)
    return {ref for ref in found if not ref.startswith("location:")}


def entity(ref: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(table("Body").objects.get(entity__ref=ref).json)
    return found
