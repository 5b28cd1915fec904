"""Call the catalog's HTTP API in tests, as somebody."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from callboard.plugins.catalog.services.demo import demo_directory
from callboard.plugins.catalog.tests.engine import register
from callboard.sdk.auth import create_token
from callboard.sdk.permissions import Decision, DefaultPolicy, use_policy

BASE = "/api/catalog"


@contextmanager
def demo_organisation(blocker: Any) -> Iterator[None]:
    """Have the demo organisation in the database, outside of any test's transaction."""
    with blocker.unblock():
        register(demo_directory() / "all.yaml")
    try:
        yield
    finally:
        with blocker.unblock():
            call_command("flush", verbosity=0, interactive=False)


class Api:
    """A caller with a token of its own."""

    def __init__(self, *scopes: str, user: Any = None) -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {}
        if scopes:
            _, secret = create_token("test", scopes, None, user)
            self.headers = {"Authorization": f"Bearer {secret}"}

    def call(self, method: str, path: str, body: Any = None, query: Any = None) -> HttpResponse:
        data = {} if body is None else {"data": orjson.dumps(body), "content_type": "application/json"}
        address = path if path.startswith("/api") else BASE + path
        return self.client.generic(method, address, headers=self.headers, query_params=query, **data)

    def get(self, path: str, **query: Any) -> Any:
        return value(self.call("GET", path, query=query))

    def post(self, path: str, body: Any, **query: Any) -> Any:
        return value(self.call("POST", path, body, query))

    def error(self, status: int, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        """Call, expect an error of this status in the one shape, answer its `error`."""
        response = self.call(method, path, body, query)
        found = orjson.loads(response.getvalue())
        assert response.status_code == status, found
        assert set(found) == {"error", "request", "response"}
        assert found["response"] == {"statusCode": status}
        assert found["request"]["method"] == method
        assert found["request"]["url"].startswith("/api/catalog")
        return found["error"]


def value(response: HttpResponse) -> Any:
    text = response.getvalue()
    assert response.status_code in {200, 201}, text
    assert not text or response.headers["Content-Type"].startswith("application/json")
    return orjson.loads(text) if text else None


def names(entities: list[dict[str, Any]]) -> list[str]:
    return [e["metadata"]["name"] for e in entities]


def ref_of(entity: dict[str, Any]) -> str:
    metadata = entity["metadata"]
    return f"{entity['kind']}:{metadata.get('namespace', 'default')}/{metadata['name']}".lower()


class Judge(DefaultPolicy):
    """The default policy with other decisions on some permissions."""

    def __init__(self, **decisions: Decision) -> None:
        self.decisions = decisions

    def decide(self, permission, who):
        found = self.decisions.get(permission.id.replace(".", "_"))
        return found or super().decide(permission, who)


@contextmanager
def policy(**decisions: Decision) -> Iterator[None]:
    """Run the block under other decisions: ``policy(catalog_entity_read=deny("no"))``."""
    use_policy(Judge(**decisions))
    try:
        yield
    finally:
        use_policy(DefaultPolicy())
