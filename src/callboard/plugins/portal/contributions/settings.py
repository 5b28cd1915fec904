"""Settings of a person."""

from callboard.plugins.portal.views import settings, two_factor
from callboard.sdk.contributions import Command, Page, SettingsPage

OWN = "portal.settings.manage"


def _own(slug: str, title: str, path: str, view: object, name: str) -> Page:
    return Page(
        id=f"portal.{slug}",
        title=title,
        path=f"settings{path}",
        view=view,  # type: ignore[arg-type]
        name=name,
        permission=OWN,
    )


contributions = (
    _own("settings", "Settings", "", settings.profile, "settings"),
    _own("account", "Account", "/account", settings.account, "settings-account"),
    _own("two-factor", "Account", "/account", settings.account, "mfa_index"),
    _own("appearance", "Appearance", "/appearance", settings.appearance, "settings-appearance"),
    _own("tokens", "API tokens", "/tokens", settings.api_tokens, "settings-tokens"),
    _own(
        "token-revoke",
        "Revoke a token",
        "/tokens/<str:token_id>/revoke",
        settings.revoke_token,
        "token-revoke",
    ),
    _own("sessions-end", "End other sessions", "/account/sessions", settings.end_sessions, "sessions-end"),
    _own("session-end", "End a session", "/account/sessions/<uuid:public_id>", settings.end_session, "session-end"),
    _own("key-add", "Add a key", "/keys/add", two_factor.add_key, "mfa_add_webauthn"),
    _own("keys", "Account", "/account", settings.account, "mfa_list_webauthn"),
    _own("key-remove", "Remove a key", "/keys/<int:pk>/remove", two_factor.remove_key, "mfa_remove_webauthn"),
    _own("reauthenticate-key", "Confirm", "/confirm/key", two_factor.reauthenticate_key, "mfa_reauthenticate_webauthn"),
    _own("reauthenticate", "Confirm", "/confirm", two_factor.reauthenticate, "account_reauthenticate"),
    _own(
        "reauthenticate-code",
        "Confirm",
        "/confirm/code",
        two_factor.reauthenticate_code,
        "mfa_reauthenticate",
    ),
    _own("two-factor-on", "Second factor", "/two-factor/on", two_factor.activate, "mfa_activate_totp"),
    _own("two-factor-off", "Second factor", "/two-factor/off", two_factor.deactivate, "mfa_deactivate_totp"),
    _own(
        "recovery-codes",
        "Recovery codes",
        "/recovery-codes",
        two_factor.recovery_codes,
        "mfa_view_recovery_codes",
    ),
    _own(
        "recovery-codes-new",
        "Recovery codes",
        "/recovery-codes/new",
        two_factor.generate_recovery_codes,
        "mfa_generate_recovery_codes",
    ),
    SettingsPage(id="portal.tab-profile", title="Profile", page="settings", icon="user", order=10),
    SettingsPage(id="portal.tab-account", title="Account", page="settings-account", icon="lock", order=20),
    SettingsPage(id="portal.tab-appearance", title="Appearance", page="settings-appearance", icon="sun", order=30),
    SettingsPage(id="portal.tab-tokens", title="API tokens", page="settings-tokens", icon="key", order=40),
    Command(
        id="portal.open-settings",
        title="Settings",
        page="settings",
        icon="settings",
        keys="g s",
        keywords=("profile", "account"),
        permission=OWN,
    ),
    Command(
        id="portal.open-appearance",
        title="Change the appearance",
        page="settings-appearance",
        icon="sun",
        keywords=("theme", "dark mode", "light"),
        permission=OWN,
    ),
    Command(
        id="portal.open-tokens",
        title="API tokens",
        page="settings-tokens",
        icon="key",
        keywords=("bearer", "secret"),
        permission=OWN,
    ),
    Command(
        id="portal.open-password",
        title="Change the password",
        page="settings-account",
        icon="lock",
        keywords=("two factor", "sessions"),
        permission=OWN,
    ),
)
