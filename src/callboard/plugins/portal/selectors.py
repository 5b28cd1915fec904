"""Read what the portal's own pages show."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Count, Max, Q, QuerySet

from callboard.plugins.portal.types import ContributionGroup, ContributionRow, FaultRow, PluginRow
from callboard.sdk.auth import User, sessions_of
from callboard.sdk.config import portal_config
from callboard.sdk.contributions import Contribution, HealthResult
from callboard.sdk.plugins import LoadedPlugin, PluginState, Quarantined, registry, required_by

_COMMON = {"id", "title", "permission", "order"}
_SHOWN = (str, int, float, bool)


def plugin_rows() -> list[PluginRow]:
    """Answer every installed plugin: what needs attention first, then by title."""
    states = {state.name: state for state in PluginState.objects.all()}
    rows = [_row(loaded, states.get(loaded.plugin.name)) for loaded in registry.plugins()]
    rows += [_quarantined(bad) for bad in registry.quarantined()]
    return sorted(rows, key=lambda row: (row.state != "quarantined", not row.faults, row.title.lower()))


def plugin_row(name: str) -> PluginRow | None:
    """Answer one plugin."""
    return next((row for row in plugin_rows() if row.name == name), None)


def contribution_groups(name: str) -> list[ContributionGroup]:
    """Answer everything a plugin adds, by contribution point."""
    grouped: dict[str, list[ContributionRow]] = {}
    for loaded in registry.plugins():
        if loaded.plugin.name == name:
            for item in loaded.contributions:
                grouped.setdefault(type(item).__name__, []).append(
                    ContributionRow(item.id, item.title, item.permission or "", _detail(item))
                )
    return [ContributionGroup(point, tuple(rows)) for point, rows in sorted(grouped.items())]


def users_found(text: str = "") -> QuerySet[User]:
    """Answer accounts, by name, each with its number of live tokens and the last time it was used."""
    found = User.objects.annotate(
        live_tokens=Count("api_tokens", filter=Q(api_tokens__revoked_at__isnull=True)),
        token_used=Max("api_tokens__last_used_at"),
    )
    for word in text.split()[:5]:
        found = found.filter(
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    return found.order_by("username")


def _row(loaded: LoadedPlugin, state: PluginState | None) -> PluginRow:
    manifest = loaded.plugin.manifest
    return PluginRow(
        name=manifest.name,
        title=manifest.title,
        version=manifest.version,
        description=manifest.description,
        author=manifest.author,
        icon=manifest.icon,
        package=loaded.plugin.package,
        distribution=loaded.plugin.distribution,
        bundled=loaded.plugin.bundled,
        optional=manifest.optional,
        state="on" if registry.is_enabled(manifest.name) else "off",
        requires=manifest.requires,
        required_by=tuple(required_by(manifest.name)),
        contributions=len(loaded.contributions),
        faults=tuple(
            FaultRow(
                fault.contribution,
                fault.message,
                fault.detail,
                fault.count,
                datetime.fromtimestamp(fault.last, UTC),
            )
            for fault in loaded.faults.values()
        ),
        off_by_configuration=manifest.name in portal_config().plugins.disabled,
        changed_by=state.changed_by if state else "",
        changed_at=state.changed_at if state else None,
    )


def _quarantined(bad: Quarantined) -> PluginRow:
    return PluginRow(
        name=bad.name,
        title=bad.name,
        version="",
        description="",
        author="",
        icon="alert-triangle",
        package=bad.package,
        distribution="",
        bundled=False,
        optional=True,
        state="quarantined",
        reason=bad.reason,
        remedy=bad.remedy,
        detail=bad.detail,
    )


def _detail(item: Contribution) -> str:
    parts = []
    for field in fields(item):
        value: Any = getattr(item, field.name)
        if field.name not in _COMMON and isinstance(value, _SHOWN) and value not in ("", False):
            parts.append(f"{field.name}: {value}")
        elif field.name in {"kinds", "api_versions", "keywords"} and value:
            parts.append(f"{field.name}: {', '.join(value)}")
    return " · ".join(parts)[:300]


def administrator_exists() -> HealthResult:
    """Whether anybody can administer the portal."""
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        return HealthResult(status="ok", message="There is an administrator.")
    if portal_config().auth.administrators:
        return HealthResult(status="ok", message="Administrators are named in the configuration.")
    return HealthResult(
        status="warning",
        message="Nobody can administer the portal.",
        remedy="Open the set-up link that `callboard up` prints, or run `callboard user create --administrator`.",
    )


def plugins_work() -> HealthResult:
    """Whether any plugin is quarantined or failing."""
    bad = [quarantined.name for quarantined in registry.quarantined()]
    failing = [loaded.plugin.name for loaded in registry.plugins() if loaded.faults]
    if bad:
        return HealthResult(
            status="error",
            message=f"Quarantined: {', '.join(bad)}.",
            remedy="The plugins page says why, and how to mend it.",
        )
    if failing:
        return HealthResult(
            status="warning",
            message=f"Contributions failed: {', '.join(failing)}.",
            remedy="The page of the plugin shows the last error.",
        )
    return HealthResult(status="ok", message=f"{len(registry.plugins())} plugins work.")


# --- One's own account --------------------------------------------------------------


@dataclass(frozen=True)
class SessionRow:
    """A session as its person sees it."""

    public_id: UUID
    device: str
    address: str
    provider: str
    created_at: datetime
    last_seen_at: datetime
    here: bool


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def session_rows(user: User, current_key: str) -> list[SessionRow]:
    """Answer the sessions of a person, the present one first."""
    rows = [
        SessionRow(
            s.public_id,
            device_of(s.user_agent),
            s.address,
            s.provider,
            s.created_at,
            s.last_seen_at,
            s.key == current_key,
        )
        for s in sessions_of(user)[:100]
    ]
    return sorted(rows, key=lambda row: not row.here)


def device_of(user_agent: str) -> str:
    """Answer browser and system as people call them, or what the program says of itself."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " · ".join(part for part in (browser, system) if part) or user_agent[:60] or "?"


def security_keys(user: User) -> list[Any]:
    """Answer the passkeys and security keys of a person."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return list(found.order_by("created_at"))


def has_authenticator_app(user: User) -> bool:
    """Whether signing in asks for a code of an authenticator app."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
