"""Take webhooks of source hosts: check who sent them, take each once, and read again exactly what changed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import transaction

from callboard.plugins.catalog.public import GlobError, compile_glob, refresh_repository
from callboard.plugins.hosts.public import PRODUCTS, Host, host, hosts, webhook_secret
from callboard.plugins.sources import selectors
from callboard.plugins.sources.models import FoundLocation, HookDelivery
from callboard.plugins.sources.types.hooks import HookEvent, read_hook
from callboard.sdk.auth import SYSTEM, act_as
from callboard.sdk.jobs import start
from callboard.sdk.permissions import require

MOST_BYTES = 5_000_000


class HookRefusedError(Exception):
    """A webhook that nobody vouches for: unknown, unsigned, or signed with something else."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a webhook."""

    outcome: str
    sources: tuple[str, ...] = ()
    locations: int = 0


def take_hook(topic: str, headers: Mapping[str, str], body: bytes) -> Taken:
    """Take a webhook for a connection, by its name or by its product; raises :class:`HookRefusedError`."""
    lowered = {key.lower(): value for key, value in headers.items()}
    wanted = _ALIASES.get(topic, topic)
    for one in hosts():
        if wanted in (one.name, one.product) and _vouched(one.product, webhook_secret(one.name), lowered, body):
            return _take(one, one.name, lowered, body, ())
    raise HookRefusedError


def take_source_hook(name: str, headers: Mapping[str, str], body: bytes) -> Taken:
    """Take a webhook for one source, signed with its own secret or with that of its connection."""
    lowered = {key.lower(): value for key, value in headers.items()}
    view = selectors.source(name)
    connection = view.connection if view else None
    if view is None:
        raise HookRefusedError
    if connection is None:
        secret = selectors.hook_secret(name)
        if not secret or not hmac.compare_digest(secret.encode(), lowered.get("x-callboard-secret", "").encode()):
            raise HookRefusedError
        with act_as(SYSTEM, "api"):
            start("sources.run", title=f"Look through {name}", source=name, trigger="webhook")
        return Taken("started", (name,))
    for secret in (selectors.hook_secret(name), webhook_secret(connection.name)):
        if _vouched(connection.product, secret, lowered, body):
            return _take(connection, name, lowered, body, (name,))
    raise HookRefusedError


_ALIASES = {
    "bitbucketCloud": "bitbucket",
    "bitbucketServer": "bitbucket-server",
    "azureDevOps": "azure",
    "forgejo": "gitea",
}
"""How the original calls these in its addresses."""


def _vouched(product: str, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether whoever sent this knows the secret; without a secret nobody does."""
    if not secret or len(body) > MOST_BYTES:
        return False
    key = secret.encode()
    if product == "gitlab":
        return hmac.compare_digest(headers.get("x-gitlab-token", "").encode(), key)
    if product == "azure":
        from base64 import b64encode  # noqa: PLC0415 - beside its one use

        expected = b"Basic " + b64encode(b"callboard:" + key)
        return hmac.compare_digest(headers.get("authorization", "").encode(), expected)
    digest = hmac.new(key, body, hashlib.sha256).hexdigest()
    names = {
        "github": ("x-hub-signature-256",),
        "gitea": ("x-forgejo-signature", "x-gitea-signature", "x-hub-signature-256"),
        "bitbucket": ("x-hub-signature",),
        "bitbucket-server": ("x-hub-signature",),
    }.get(product, ())
    for name in names:
        given = headers.get(name, "").removeprefix("sha256=")
        if given and hmac.compare_digest(given.encode(), digest.encode()):
            return True
    return False


def _take(sender: Host, key: str, headers: Mapping[str, str], body: bytes, only: Collection[str]) -> Taken:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Taken("no-json")
    if not isinstance(payload, dict):
        return Taken("no-json")
    event = read_hook(sender.product, headers, payload)
    delivery = event.delivery or hashlib.sha256(body).hexdigest()
    with act_as(SYSTEM, "api"), transaction.atomic():
        row = HookDelivery(sender=key, delivery=delivery[:200], event=event.kind, repository=event.repository[:500])
        HookDelivery.objects.bulk_create([row], ignore_conflicts=True)
        mine = HookDelivery.objects.select_for_update().get(sender=key, delivery=delivery[:200])
        if mine.outcome:
            return Taken("repeated")
        taken = perform_hook(sender, event, only)
        mine.outcome = taken.outcome
        mine.save(update_fields=["outcome"])
    return taken


def perform_hook(sender: Host, event: HookEvent, only: Collection[str] = ()) -> Taken:
    """Read again what an event says has changed, and nothing else."""
    require("catalog.provider.run")
    if event.kind == "other" or not event.repository:
        return Taken("ignored")
    started = [
        view.name
        for view in selectors.sources()
        if view.settings.get("connection") == sender.name
        and (not only or view.name in only)
        and not view.paused
        and _concerns(view, event)
    ]
    for name in started:
        wanted = [event.repository, *([event.before] if event.before else [])]
        start("sources.run", title=f"Look through {event.repository}", source=name, trigger="webhook", only=wanted)
    read = 0
    if event.kind == "push" and event.on_default:
        for address in {one.removesuffix(".git") for one in (event.url, event.clone_url) if one}:
            read += refresh_repository(address, event.paths)
    return Taken("started" if started or read else "nothing-to-do", tuple(started), read)


def _concerns(view: selectors.SourceView, event: HookEvent) -> bool:
    """Whether a source could find something else now."""
    settings = view.settings
    owners = [str(one).strip("/").lower() for one in settings.get("organisations", ())]
    full = event.repository.lower()
    if owners and not any(full.startswith(f"{owner}/") for owner in owners):
        return False
    known = FoundLocation.objects.filter(source=view.name, repository=event.repository)
    if event.kind != "push":
        return True
    branch = str(settings.get("branch", ""))
    if branch and event.branch and branch != event.branch:
        return False
    if not branch and not event.on_default:
        return False
    if event.paths is None:
        return True
    if known.filter(path__in=list(event.paths)).exists():
        return True
    default = view.about.model.model_fields["paths"].get_default(call_default_factory=True)
    try:
        globs = [compile_glob(str(path).lstrip("/")) for path in settings.get("paths", default)]
    except GlobError:
        return True
    return any(glob.matches(path) for glob in globs for path in event.paths)


def topics() -> list[str]:
    """Answer the names under which webhooks may come in."""
    return [*(one.name for one in hosts()), *(one.name for one in PRODUCTS if host(one.name) is None)]


def hook_signed(topic: str) -> bool:
    """Whether webhooks for a connection can be checked at all."""
    return bool(webhook_secret(topic))


def recent_hooks(name: str) -> list[Any]:
    """Answer the latest webhooks that came in for a source or its connection."""
    view = selectors.source(name)
    senders = [name, *([view.connection.name] if view and view.connection else [])]
    return list(selectors.deliveries_of(senders)[:10])
