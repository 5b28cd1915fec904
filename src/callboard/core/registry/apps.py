"""The kernel's Django apps, with prefixed labels so that they clash with nobody's."""

from __future__ import annotations

from django.apps import AppConfig


class _Kernel(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"


class ConfigConfig(_Kernel):
    """Settings that the UI may change."""

    name = "callboard.core.config"
    label = "cb_config"


class AuthConfig(_Kernel):
    """Accounts and tokens."""

    name = "callboard.core.auth"
    label = "cb_auth"


class PermissionsConfig(_Kernel):
    """Decisions; it has no tables."""

    name = "callboard.core.permissions"
    label = "cb_permissions"


class AuditConfig(_Kernel):
    """The audit record."""

    name = "callboard.core.audit"
    label = "cb_audit"


class EventsConfig(_Kernel):
    """Outbox and webhooks."""

    name = "callboard.core.events"
    label = "cb_events"


class JobsConfig(_Kernel):
    """Runs of jobs and their logs."""

    name = "callboard.core.jobs"
    label = "cb_jobs"


class SearchConfig(_Kernel):
    """The search platform."""

    name = "callboard.core.search"
    label = "cb_index"  # the room with the search page is called cb_search


class UiConfig(_Kernel):
    """The shell."""

    name = "callboard.core.ui"
    label = "cb_ui"


class RegistryConfig(_Kernel):
    """Loads every plugin's contributions once all models are there."""

    name = "callboard.core.registry"
    label = "cb_registry"

    def ready(self) -> None:
        """Import what the plugins contribute; one that fails is quarantined alone."""
        from callboard.core.registry.store import registry  # noqa: PLC0415 - models must be ready

        registry.load()
