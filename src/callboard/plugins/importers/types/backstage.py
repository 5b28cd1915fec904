"""Turn the configuration of a Backstage installation into a proposal for `callboard.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callboard.plugins.importers.types.sheet import as_text, leaves
from callboard.sdk.contributions import ImportNote

Where = Callable[[str], tuple[str, int]]
"""Answers the file and line that a path of the merged configuration comes from."""

_HOSTS = {
    "github": ("github", "github.com"),
    "gitlab": ("gitlab", "gitlab.com"),
    "bitbucketCloud": ("bitbucket", "bitbucket.org"),
    "bitbucketServer": ("bitbucket-server", ""),
    "bitbucket": ("bitbucket", "bitbucket.org"),
    "gitea": ("gitea", ""),
    "azure": ("azure", "dev.azure.com"),
}
_PLACES = {
    "organization.name": "organisation.name",
    "app.title": "organisation.name",
    "app.support.url": "organisation.support_url",
    "app.baseUrl": "server.base_url",
    "backend.listen.port": "server.port",
    "backend.listen.host": "server.host",
    "catalog.readonly": "catalog.readonly",
    "catalog.orphanStrategy": "catalog.orphan_strategy",
    "catalog.enableRelationsCompatibility": "catalog.relations_compatibility",
}
_TOPICS = {
    "auth.providers": "connect it under sign-in, with a redirect address of this portal",
    "auth": "tokens of programs are made with `callboard token create`",
    "backend.auth": "tokens of programs are made with `callboard token create`",
    "backend.database": "the portal has a database of its own; DATABASE_URL names another one",
    "backend.cache": "the portal needs no cache server",
    "backend.cors": "browsers of other sites do not call the portal",
    "backend.csp": "the portal sends a strict policy of its own",
    "catalog.providers": "connect it as a source in the portal, under Sources",
    "catalog.processors": "connect it as a source in the portal, under Sources",
    "techdocs": "documentation is built without settings of this kind",
    "scaffolder": "templates work as they are",
    "kubernetes": "clusters are not part of the configuration yet",
    "permission": "everybody who is signed in may read; rules are made in the portal",
    "proxy": "the portal has no open proxy",
}


@dataclass
class Migration:
    """A proposal for `callboard.yaml`, what became of every setting, and what is still to do by hand."""

    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[tuple[str, ImportNote]] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""
        return {
            "settings": self.settings,
            "notes": [
                {"file": url, "line": n.line or None, "path": n.path, "result": n.result, "to": n.to}
                for url, n in self.notes
            ],
            "todo": self.todo,
            "variables": self.variables,
        }


class _Moving:
    def __init__(self, config: Mapping[str, Any], where: Where) -> None:
        self.config, self.where = config, where
        self.done = Migration()
        self.seen: set[str] = set()

    def get(self, path: str) -> Any:
        found: Any = self.config
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def note(self, path: str, result: Any, to: str = "") -> None:
        self.seen.add(path)
        url, line = self.where(path)
        self.done.notes.append((url, ImportNote(path=path, result=result, to=to, line=line)))

    def put(self, path: str, value: Any) -> None:
        *steps, last = path.split(".")
        target = self.done.settings
        for step in steps:
            target = target.setdefault(step, {})
        target[last] = value

    def secret(self, value: Any, name: str) -> str:
        """Answer how a secret stands in the proposal: never itself, always as a variable."""
        text = as_text(value)
        known = re.fullmatch(r"\$\{([A-Z0-9_]+)\}", text)
        variable = known[1] if known else re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
        if variable not in self.done.variables:
            self.done.variables.append(variable)
        return f"${{{variable}}}"


def migrate_backstage(config: Mapping[str, Any], where: Where) -> Migration:
    """Answer a proposal; secrets are named as environment variables and never written down."""
    moving = _Moving(config, where)
    taken: dict[str, str] = {}
    for path, to in _PLACES.items():
        value = moving.get(path)
        if value not in (None, "", {}):
            if to in taken:
                moving.note(path, "dropped", f"{to} is that of {taken[to]}")
                continue
            taken[to] = path
            moving.put(to, value)
            same = path.rpartition(".")[2] == to.rpartition(".")[2]
            moving.note(path, "kept" if same else "mapped", "" if same and path == to else to)
    listen = as_text(moving.get("backend.listen"))
    if listen.rpartition(":")[2].isdigit():
        moving.put("server.port", int(listen.rpartition(":")[2]))
        moving.note("backend.listen", "mapped", "server.port")
    _interval(moving)
    _rules(moving)
    _locations(moving)
    _integrations(moving)
    _reading(moving)
    _providers(moving)
    _rest(moving)
    return moving.done


def _interval(moving: _Moving) -> None:
    value = moving.get("catalog.processingInterval")
    units = {"seconds": 1 / 60, "minutes": 1, "hours": 60, "days": 1440}
    minutes = 0.0
    if isinstance(value, Mapping):
        minutes = sum(float(value[u]) * f for u, f in units.items() if isinstance(value.get(u), int | float))
    if minutes > 0:
        moving.put("catalog.refresh_minutes", round(minutes, 2))
        moving.note("catalog.processingInterval", "mapped", "catalog.refresh_minutes")


def _rules(moving: _Moving) -> None:
    rules = moving.get("catalog.rules")
    kept = []
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        path = f"catalog.rules[{number}]"
        if isinstance(rule, Mapping) and isinstance(rule.get("allow"), list):
            places = [
                {k: as_text(place[k]) for k in ("type", "exact", "pattern") if place.get(k)}
                for place in rule.get("locations") or ()
                if isinstance(place, Mapping)
            ]
            kinds = [as_text(kind) for kind in rule["allow"]]
            kept.append({"allow": kinds, **({"locations": places} if places else {})})
            moving.note(path, "kept")
        else:
            moving.note(path, "dropped", "it allows nothing")
    if kept:
        moving.put("catalog.rules", kept)


def _locations(moving: _Moving) -> None:
    locations = moving.get("catalog.locations")
    kept = []
    for number, place in enumerate(locations if isinstance(locations, list) else []):
        path = f"catalog.locations[{number}]"
        type_ = as_text(place.get("type")) if isinstance(place, Mapping) else ""
        target = as_text(place.get("target")) if isinstance(place, Mapping) else ""
        if type_ not in {"url", "file"} or not target:
            moving.note(path, "dropped", f"locations of type {type_ or '(none)'} are unknown; use url, file or git")
            continue
        rules = [
            {"allow": [as_text(kind) for kind in rule["allow"]]}
            for rule in place.get("rules") or ()
            if isinstance(rule, Mapping) and isinstance(rule.get("allow"), list)
        ]
        kept.append({"type": type_, "target": target, **({"rules": rules} if rules else {})})
        if type_ == "file":
            moving.done.todo.append(f"{target} is relative to where Backstage was started; check the path.")
        moving.note(path, "kept")
    if kept:
        moving.put("catalog.locations", kept)


def _integrations(moving: _Moving) -> None:
    integrations = moving.get("integrations")
    hosts: dict[str, Any] = {}
    for product, entries in integrations.items() if isinstance(integrations, Mapping) else ():
        known = _HOSTS.get(product)
        for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            path = f"integrations.{product}[{number}]" if isinstance(entries, list) else f"integrations.{product}"
            if known is None or not isinstance(entry, Mapping):
                moving.note(path, "dropped", "connect it as a source in the portal, under Sources")
                continue
            kind, usual = known
            host = as_text(entry.get("host")) or usual
            found: dict[str, Any] = hosts.setdefault(host, {})
            token = entry.get("token") or entry.get("appPassword") or entry.get("password")
            if isinstance(entry.get("credentials"), list) and entry["credentials"]:
                first = entry["credentials"][0]
                token = first.get("personalAccessToken") if isinstance(first, Mapping) else None
            if token:
                found["token"] = moving.secret(token, f"{host}_token")
            if as_text(entry.get("username")):
                found["username"] = as_text(entry["username"])
            if host != usual:
                found["type"] = kind
            if entry.get("apps"):
                moving.done.todo.append(f"{host}: the GitHub App has to be connected as a source in the portal.")
            moving.note(path, "mapped", f"catalog.reading.hosts.{host}")
    if hosts:
        moving.put("catalog.reading.hosts", {host: found for host, found in hosts.items() if found} or None)
        if not moving.done.settings["catalog"]["reading"]["hosts"]:
            del moving.done.settings["catalog"]["reading"]


def _reading(moving: _Moving) -> None:
    allow = moving.get("backend.reading.allow")
    entries = allow if isinstance(allow, list) else []
    hosts = [as_text(entry.get("host")) for entry in entries if isinstance(entry, Mapping)]
    hosts = [host for host in hosts if host]
    if hosts:
        moving.put("catalog.reading.allow", hosts)
        moving.note("backend.reading.allow", "mapped", "catalog.reading.allow; needed for private addresses alone")


def _providers(moving: _Moving) -> None:
    providers = moving.get("auth.providers")
    for name, environments in providers.items() if isinstance(providers, Mapping) else ():
        path = f"auth.providers.{name}"
        moving.note(path, "dropped", _TOPICS["auth.providers"])
        ids = sorted({v for _, v in leaves(environments) if isinstance(v, str) and v.startswith("${")})
        text = f"Sign-in with {name}: make a client for this portal and connect it."
        moving.done.todo.append(text + (f" The old one used {', '.join(ids)}." if ids else ""))
    sources = moving.get("catalog.providers")
    for name in sources if isinstance(sources, Mapping) else ():
        moving.note(f"catalog.providers.{name}", "dropped", _TOPICS["catalog.providers"])
        moving.done.todo.append(f"Discovery with {name}: connect it as a source in the portal, under Sources.")


def _rest(moving: _Moving) -> None:
    for path, value in leaves(moving.config):
        if value in (None, "", [], {}):
            continue
        if any(path == seen or path.startswith((f"{seen}.", f"{seen}[")) for seen in moving.seen):
            continue
        longest = sorted(_TOPICS, key=len, reverse=True)
        topic = next((t for t in longest if path == t or path.startswith((f"{t}.", f"{t}["))), "")
        moving.note(path, "dropped", _TOPICS.get(topic, "the portal has no such setting"))
