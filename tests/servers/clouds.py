"""The parts of the Kubernetes API and of the Google Cloud Storage API that reading needs."""

import json
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response


@dataclass
class Cluster:
    """A Kubernetes API server: objects by resource, listed in pages, for one token."""

    token: str = "k8s-token"
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    page_size: int = 2

    def add(
        self, resource: str, name: str, namespace: str = "shop", labels: dict[str, str] | None = None, **more: Any
    ) -> None:
        metadata = {
            "name": name,
            "namespace": namespace,
            "labels": labels or {},
            "uid": name,
            **more.pop("metadata", {}),
        }
        self.objects.setdefault(resource, []).append({"metadata": metadata, **more})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with Request(environ) as request:
            return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        self.requests.append(request.full_path.rstrip("?"))
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return self.json({"kind": "Status", "message": "Unauthorized"}, 401)
        if request.path == "/version":
            return self.json({"gitVersion": "v1.34.0"})
        parts = [part for part in request.path.split("/") if part]
        parts = parts[2:] if parts[0] == "api" else parts[1:]
        namespace = ""
        if "namespaces" in parts:
            at = parts.index("namespaces")
            namespace = parts[at + 1]
            parts = parts[:at] + parts[at + 2 :]
        found = self.objects.get("/".join(parts))
        if found is None:
            return self.json({"kind": "Status", "message": "the server could not find the requested resource"}, 404)
        found = [item for item in found if namespace in ("", item["metadata"]["namespace"])]
        key, _, value = request.args.get("labelSelector", "").partition("=")
        found = [item for item in found if not key or item["metadata"]["labels"].get(key) == value]
        start, size = int(request.args.get("continue") or 0), min(int(request.args.get("limit", 500)), self.page_size)
        metadata = {"continue": str(start + size)} if start + size < len(found) else {}
        return self.json({"kind": "List", "metadata": metadata, "items": found[start : start + size]})

    def json(self, value: Any, status: int = 200) -> Response:
        return Response(json.dumps(value), status, content_type="application/json")


@dataclass
class Storage:
    """Google Cloud Storage: buckets with objects, through the XML and JSON interfaces a client reads with."""

    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with Request(environ) as request:
            return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {request.full_path.rstrip('?')}")
        bucket, _, name = request.path.strip("/").partition("/")
        held = self.buckets.get(bucket)
        if held is None:
            return Response("<Error><Code>NoSuchBucket</Code></Error>", 404, content_type="application/xml")
        headers = {"ETag": '"1"', "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
        if not name:
            prefix = request.args.get("prefix", "")
            items = "".join(
                f'<Contents><Key>{key}</Key><Size>{len(value)}</Size><ETag>"1"</ETag>'
                f"<LastModified>2025-01-01T00:00:00.000Z</LastModified></Contents>"
                for key, value in sorted(held.items())
                if key.startswith(prefix)
            )
            body = f"<?xml version='1.0'?><ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
            return Response(body, 200, content_type="application/xml")
        if name not in held:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, content_type="application/xml")
        return Response(held[name], 200, headers)
