"""Decide which kinds a location may bring, by the operator's `catalog.rules`."""

from __future__ import annotations

from fnmatch import fnmatchcase

from callboard.plugins.catalog.settings import CatalogRule, CatalogSettings
from callboard.lib.refs import LocationRef

PERSONAL = frozenset({"user", "group"})
"""Kinds that decide who owns what: only a trusted location may bring them unless a rule says otherwise."""


def is_allowed(kind: str, origin: str, *, trusted: bool, settings: CatalogSettings) -> bool:
    """Whether a location registered as ``origin`` (``type:target``) may bring entities of ``kind``.

    Without rules, everything may come from anywhere, except that people and groups come from
    locations that an administrator or the operator registered. Location entities are always fine:
    what they lead to is checked itself.
    """
    lowered = kind.lower()
    if lowered == "location":
        return True
    where = LocationRef.parse(origin) if origin else None
    for configured in settings.locations:
        if where and (configured.type, configured.target) == (where.type, where.target):
            if any(lowered in _lower(rule.allow) for rule in configured.rules):
                return True
            if not settings.rules and not configured.rules:
                return True
    if not settings.rules:
        return trusted or lowered not in PERSONAL
    return any(lowered in _lower(rule.allow) and _applies(rule, where) for rule in settings.rules)


def _applies(rule: CatalogRule, where: LocationRef | None) -> bool:
    if not rule.locations:
        return True
    if where is None:
        return False
    return any(
        item.type == where.type
        and (item.exact is None or item.exact == where.target)
        and (item.pattern is None or fnmatchcase(where.target, item.pattern))
        for item in rule.locations
    )


def _lower(kinds: list[str]) -> set[str]:
    return {kind.lower() for kind in kinds}
