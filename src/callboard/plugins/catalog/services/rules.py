"""Decide which kinds a location may bring, by the operator's `catalog.rules`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from callboard.lib.refs import LocationRef
from callboard.plugins.catalog.clients.globs import Glob, GlobError, compile_glob
from callboard.plugins.catalog.settings import CatalogRule, CatalogSettings

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
        if where and (configured.type, absolute(configured.type, configured.target)) == (
            where.type,
            where.target,
        ):
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
        and (item.pattern is None or _matches(item.pattern, where.target))
        for item in rule.locations
    )


@lru_cache(maxsize=256)
def _glob(pattern: str) -> Glob | None:
    try:
        return compile_glob(pattern)
    except GlobError:
        return None


def _matches(pattern: str, target: str) -> bool:
    # One star stops at a slash, as operators know it from such patterns; two do not.
    glob = _glob(pattern)
    return glob is not None and glob.matches(target)


def absolute(type_: str, target: str) -> str:
    """Answer a configured target the way it is registered: local paths are made absolute."""
    return str(Path(target).resolve()) if type_ == "file" and "://" not in target else target


def _lower(kinds: list[str]) -> set[str]:
    return {kind.lower() for kind in kinds}
