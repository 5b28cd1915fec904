"""Every operation of every mounted API, from its OpenAPI document, with a request that its schema accepts."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.test import Client
from django.urls import get_resolver
from ninja.openapi.schema import OpenAPISchema

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One operation; ``name`` is what the table of expectations calls it."""

    method: str
    path: str
    body: Any = field(compare=False, default=None)
    content_type: str = field(compare=False, default="application/json")

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def ask(self, client: Client, values: dict[str, str], headers: dict[str, str] | None = None) -> int:
        """Send it with ids in the place of parameters; answer the status."""
        path = re.sub(r"\{([^}]+)\}", lambda m: values.get(m[1], "x"), self.path)
        given = headers or {}
        if self.method == "get":
            return client.get(path, headers=given).status_code
        body = self.body if self.body is not None else {}
        return client.generic(self.method.upper(), path, _encoded(body), self.content_type, headers=given).status_code


def _encoded(body: Any) -> str:
    import json

    return json.dumps(body)


@cache
def operations() -> tuple[Operation, ...]:
    """Answer all operations of all mounted APIs, those of rooms that land later included."""
    found = []
    for pattern in get_resolver().url_patterns:
        api = _api_of(pattern)
        if api is None:
            continue
        prefix = "/" + str(pattern.pattern)
        document = OpenAPISchema(api, prefix)
        for path, methods in document["paths"].items():
            for method in METHODS:
                if method in methods:
                    body, content_type = _body_of(methods[method], document)
                    found.append(Operation(method, path, body, content_type))
    return tuple(found)


def _api_of(pattern: Any) -> Any:
    if not str(pattern.pattern).startswith("api/") or not hasattr(pattern, "url_patterns"):
        return None
    for inner in pattern.url_patterns:
        if inner.name == "api-root":
            keywords = getattr(inner.callback, "__wrapped__", inner.callback)
            return getattr(keywords, "keywords", {}).get("api")
    return None


def _body_of(operation: dict[str, Any], document: dict[str, Any]) -> tuple[Any, str]:
    content = operation.get("requestBody", {}).get("content", {})
    for content_type, media in content.items():
        return _sample(media.get("schema", {}), document, 0), content_type
    return None, "application/json"


def _sample(schema: dict[str, Any], document: dict[str, Any], depth: int) -> Any:
    """Answer the least that a schema accepts."""
    if depth > 8:
        return None
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _sample(document["components"]["schemas"][name], document, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _sample(schema[key][0], document, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {n: _sample(properties.get(n, {}), document, depth + 1) for n in schema.get("required", [])}
    if kind == "array":
        return [_sample(schema.get("items", {}), document, depth + 1)] * max(1, schema.get("minItems", 0))
    samples: dict[Any, Any] = {
        "string": "x" * max(1, schema.get("minLength", 1)),
        "integer": schema.get("minimum", 1),
        "number": 1,
        "boolean": True,
    }
    return samples.get(kind)
