"""Read catalog entities that are kept in a Kubernetes cluster, through its API."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from callboard.lib.outbound import Session
from callboard.plugins.sources.clients.entities import API_VERSION, take_documents
from callboard.plugins.sources.clients.web import ask, json_of, session
from callboard.plugins.sources.settings import KubernetesSource
from callboard.plugins.sources.types.found import Discovery, SourceError

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PAGE = 500
_NOISE = ("kubectl.kubernetes.io/", "meta.helm.sh/", "argocd.argoproj.io/")


def read_cluster(settings: KubernetesSource, limit: int = 0) -> Discovery:
    """Find entities in ConfigMaps and custom resources; ``limit`` ends after so many objects of each."""
    found = Discovery()
    url, token, certificate = _access(settings)
    with session(private=settings.private, verify=_verify(certificate)) as opened:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if settings.selector:
            for item in _objects(
                opened, url, "api/v1", "configmaps", settings, headers, {"labelSelector": settings.selector}, limit
            ):
                found.looked_at["config maps"] += 1
                _take_config_map(item, found)
        for resource in settings.resources:
            group, _, plural = resource.strip().rpartition("/")
            if group.count("/") != 1 or not plural:
                raise SourceError(f"{resource} is no custom resource.", "Write it as group/version/plural.")
            for item in _objects(opened, url, f"apis/{group}", plural, settings, headers, {}, limit):
                found.looked_at[plural] += 1
                _take_resource(item, found)
    if limit:
        found.complete = False
    return found


def check_cluster(settings: KubernetesSource) -> str:
    """Ask the cluster for its version and for one object of each kind."""
    url, token, certificate = _access(settings)
    with session(private=settings.private, verify=_verify(certificate)) as opened:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        version = json_of(ask(opened, f"{url}/version", headers)).get("gitVersion", "?")
    read_cluster(settings, 1)
    return f"Kubernetes {version}"


def _access(settings: KubernetesSource) -> tuple[str, str, str]:
    if settings.url:
        return settings.url.rstrip("/"), settings.token, settings.certificate
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        raise SourceError(
            "The portal does not run inside a cluster.", "Give the address of the API server and a token."
        )
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    # The account's token is renewed by the cluster, so it is read anew each time.
    token = settings.token or (_ACCOUNT / "token").read_text().strip()
    return f"https://{host}:{port}", token, settings.certificate or (_ACCOUNT / "ca.crt").read_text()


def _verify(certificate: str) -> ssl.SSLContext | None:
    if not certificate.strip():
        return None
    try:
        return ssl.create_default_context(cadata=certificate)
    except ssl.SSLError:
        raise SourceError("The certificate authority cannot be read.", "Paste it as PEM, from BEGIN to END.") from None


def _objects(
    opened: Session,
    url: str,
    api: str,
    plural: str,
    settings: KubernetesSource,
    headers: Mapping[str, str],
    asked: Mapping[str, str],
    limit: int,
) -> Iterator[dict[str, Any]]:
    places = [f"namespaces/{name}/{plural}" for name in settings.namespaces] or [plural]
    for place in places:
        token, count = "", 0
        while True:
            params = {**asked, "limit": min(limit or _PAGE, _PAGE), **({"continue": token} if token else {})}
            answer = json_of(ask(opened, f"{url}/{api}/{place}", headers, params))
            for item in answer.get("items") or ():
                count += 1
                yield item
                if limit and count >= limit:
                    return
            token = (answer.get("metadata") or {}).get("continue", "")
            if not token:
                break


def _take_config_map(item: dict[str, Any], found: Discovery) -> None:
    metadata = item["metadata"]
    place = f"configmap {metadata.get('namespace', '')}/{metadata['name']}"
    for key, text in (item.get("data") or {}).items():
        location = f"kubernetes:configmaps/{metadata.get('namespace', '')}/{metadata['name']}#{key}"
        take_documents(str(text).encode(), f"{place}: {key}", found, location)


def _take_resource(item: dict[str, Any], found: Discovery) -> None:
    metadata = dict(item.get("metadata") or {})
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if not k.startswith(_NOISE)}
    where = f"{item.get('kind', '')}/{metadata.get('namespace', '')}/{metadata.get('name', '')}"
    annotations.setdefault("backstage.io/managed-by-location", f"kubernetes:{where}")
    kept = {key: metadata[key] for key in ("name", "labels") if metadata.get(key)}
    # A cluster's namespaces are not the catalog's, unless the object says so.
    namespace = annotations.pop("callboard.io/namespace", "default")
    extra = {key: metadata[key] for key in ("title", "description", "tags", "links") if metadata.get(key)}
    spec = dict(item.get("spec") or {})
    for key in ("title", "description", "tags", "links"):
        # The API server drops what it does not know of metadata, so these may stand in the spec.
        if key in spec and key not in extra:
            extra[key] = spec.pop(key)
    version = item.get("apiVersion") if str(item.get("apiVersion", "")).startswith("backstage.io/") else API_VERSION
    found.entities.append(
        {
            "apiVersion": version,
            "kind": item.get("kind"),
            "metadata": {**kept, **extra, "namespace": namespace, "annotations": annotations},
            "spec": spec,
        }
    )
