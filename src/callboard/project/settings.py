"""Django settings, derived from the portal's own configuration; people edit `callboard.yaml`, not this."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from callboard.core.config.current import portal_config
from callboard.core.config.database import connection_settings
from callboard.core.registry.discovery import discover

config = portal_config()
plugins = discover().plugins

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = config.debug
SECRET_KEY = config.secret_key
SECRET_KEY_FALLBACKS = config.secret_key_fallbacks
# Keys of other uses are derived, so that one leaked derivative says nothing of the others.
ENCRYPTION_KEYS = [
    hashlib.sha256(b"callboard encryption " + key.encode()).digest() for key in (SECRET_KEY, *SECRET_KEY_FALLBACKS)
]
ENCRYPTION_KEY = ENCRYPTION_KEYS[0]

_base = urlsplit(config.server.base_url) if config.server.base_url else None
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", config.server.host, *config.server.allowed_hosts]
if _base and _base.hostname:
    ALLOWED_HOSTS.append(_base.hostname)
if config.server.host in {"0.0.0.0", "::"} and not _base:  # noqa: S104 - compared, not bound
    # Whoever opens every interface without naming an address has a proxy or a trusted network in front.
    ALLOWED_HOSTS = ["*"]
HTTPS = bool(_base and _base.scheme == "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_cotton.apps.SimpleAppConfig",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "callboard.core.registry.apps.ConfigConfig",
    "callboard.core.registry.apps.AuthConfig",
    "callboard.core.registry.apps.PermissionsConfig",
    "callboard.core.registry.apps.AuditConfig",
    "callboard.core.registry.apps.EventsConfig",
    "callboard.core.registry.apps.JobsConfig",
    "callboard.core.registry.apps.SearchConfig",
    "callboard.core.registry.apps.UiConfig",
    *(f"callboard.core.registry.rooms.{plugin.name}" for plugin in plugins),
    # Last, so that every model is there when contributions are loaded.
    "callboard.core.registry.apps.RegistryConfig",
]

MIDDLEWARE = [
    "callboard.core.ui.express.Express",
    "callboard.core.ui.middleware.ErrorBoundary",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "callboard.core.ui.middleware.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "callboard.core.auth.middleware.Caller",
    "callboard.core.permissions.view_as.ViewAs",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "callboard.project.urls"
WSGI_APPLICATION = "callboard.project.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "callboard.core.ui.templatetags.callboard"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "callboard.core.ui.context.shell",
            ],
        },
    }
]
COTTON_DIR = "cotton"
# A component sees what it is given, not whatever the page around it happens to hold.
COTTON_ISOLATE_BY_DEFAULT = True

DATABASES = {"default": connection_settings(config)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "cb_auth.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "callboard.plugins.signin.services.passwords.DirectoryBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "callboard.core.auth.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "callboard.plugins.signin.services.adapter.SocialAdapter"
MFA_ADAPTER = "callboard.core.auth.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Browsers allow keys over plain HTTP on the very machine alone, which is how a portal is tried out.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
SILENCED_SYSTEM_CHECKS: list[str] = []

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "callboard_session"
SESSION_COOKIE_AGE = config.auth.session_days * 86400
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "callboard_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "callboard.core.ui.errors.csrf_failed"
CSRF_TRUSTED_ORIGINS = [config.server.base_url.rstrip("/")] if _base else []
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Nothing is collected: static files are served from where the plugins have them.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 3600
# Built assets carry a hash of their content in their name, so browsers may keep them for ever.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/callboard/dist/.+-[A-Za-z0-9]{10}\.[a-z]+$"

DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "procrastinate_tasks"
PROCRASTINATE_ON_APP_READY = "callboard.core.jobs.tasks.register"

# structlog is set up by the process that starts (web, worker, command); Django must not override it.
LOGGING_CONFIG = None
