"""What the sign-in room adds to the portal."""

from __future__ import annotations

from callboard.plugins.signin.api.identity import api as identity_api
from callboard.plugins.signin.api.scim import api as scim_api
from callboard.plugins.signin.jobs import scim_sync, tidy
from callboard.plugins.signin.selectors import providers_work
from callboard.plugins.signin.services import scim
from callboard.plugins.signin.services.letting_in import still_vouched_for
from callboard.plugins.signin.views import accounts, entering, providers
from callboard.sdk.auth import use_session_check
from callboard.sdk.contributions import (
    ApiRouter,
    CatalogProvider,
    Command,
    EventType,
    HealthCheck,
    Job,
    NavItem,
    Page,
    Permission,
)

MANAGE, ACCOUNTS = "admin.signin.manage", "admin.service-accounts.manage"
_ONE = {"type": "string", "minLength": 1}

use_session_check(still_vouched_for)


def _page(slug: str, title: str, path: str, view: object, permission: str = MANAGE) -> Page:
    return Page(id=f"signin.{slug}", title=title, path=path, view=view, name=f"signin-{slug}", permission=permission)  # type: ignore[arg-type]


contributions = (
    Permission(
        id=MANAGE,
        title="Manage sign-in",
        action="update",
        description="Set up identity providers, see who was not let in, remove programs.",
    ),
    Permission(
        id=ACCOUNTS,
        title="Manage service accounts",
        action="update",
        description="Create accounts for programs, and give them tokens.",
    ),
    Permission(
        id="admin.scim.manage",
        title="Push people and groups",
        action="update",
        description="Create, change and switch off accounts through SCIM.",
    ),
    Permission(
        id="signin.program.allow",
        title="Allow programs",
        action="update",
        description="Let a program use the portal as oneself.",
        harmless=True,
    ),
    _page("providers", "Sign-in", "admin/sign-in", providers.provider_list),
    _page("provider-new", "Add a provider", "admin/sign-in/new/<slug:type_name>", providers.provider_new),
    _page("outcomes", "Not let in", "admin/sign-in/outcomes", providers.outcome_list),
    _page("outcome", "A sign-in", "admin/sign-in/outcomes/<uuid:outcome_id>", providers.outcome_detail),
    _page("program-remove", "Remove a program", "admin/sign-in/programs/remove", providers.program_remove),
    _page("accounts", "Service accounts", "admin/service-accounts", accounts.account_list, ACCOUNTS),
    _page("account", "Service account", "admin/service-accounts/<int:user_id>", accounts.account_detail, ACCOUNTS),
    _page(
        "account-action",
        "Change a service account",
        "admin/service-accounts/<int:user_id>/<slug:action>",
        accounts.account_action,
        ACCOUNTS,
    ),
    _page("provider", "Provider", "admin/sign-in/providers/<slug:provider_id>", providers.provider_detail),
    _page("provider-test", "Test", "admin/sign-in/providers/<slug:provider_id>/test", providers.provider_test),
    _page(
        "provider-action",
        "Change a provider",
        "admin/sign-in/providers/<slug:provider_id>/<slug:action>",
        providers.provider_action,
    ),
    Page(
        id="signin.refused",
        title="Not let in",
        path="sign-in/refused",
        view=entering.refused,
        name="signin-refused",
        anonymous=True,
    ),
    _page("allow", "Allow a program", "sign-in/allow/<uuid:grant_id>", entering.allow_program, "signin.program.allow"),
    _page(
        "grant-stop",
        "Stop a program",
        "settings/programs/<uuid:grant_id>/stop",
        accounts.grant_stop,
        "signin.program.allow",
    ),
    ApiRouter(
        id="signin.identity-api",
        title="Identity",
        prefix="auth",
        router=identity_api,
        description="Sign-in through identity providers, identity tokens, OpenID Connect for other programs.",
    ),
    ApiRouter(
        id="signin.scim-api",
        title="SCIM",
        prefix="scim",
        router=scim_api,
        description="Users and groups that an identity provider pushes (SCIM 2.0).",
    ),
    CatalogProvider(id=scim.PROVIDER, title="People and groups pushed by SCIM", changes=scim.changes),
    NavItem(
        id="signin.nav",
        title="Sign-in",
        page="signin-providers",
        icon="login-2",
        section="admin",
        permission=MANAGE,
        order=41,
    ),
    Command(
        id="signin.open-providers",
        title="Sign-in",
        page="signin-providers",
        icon="login-2",
        keywords=("identity", "oidc", "saml", "ldap", "sso", "admin"),
        permission=MANAGE,
    ),
    Command(
        id="signin.open-outcomes",
        title="Sign-ins that were refused",
        page="signin-outcomes",
        icon="user-x",
        keywords=("why", "not let in", "denied"),
        permission=MANAGE,
    ),
    Command(
        id="signin.open-accounts",
        title="Service accounts",
        page="signin-accounts",
        icon="robot",
        keywords=("tokens", "machine", "bot", "admin"),
        permission=ACCOUNTS,
    ),
    Job(id="signin.tidy", title="Remove old refusals and ended sessions", run=tidy, schedule="37 3 * * *",
        lock="signin.tidy", hidden=True),
    Job(
        id="signin.scim-sync",
        title="Bring pushed people into the catalog",
        run=scim_sync,
        lock="signin.scim-sync",
        hidden=True,
    ),
    HealthCheck(id="signin.providers", title="Sign-in", check=providers_work),
    EventType(
        id="signin.provider-changed",
        title="An identity provider was changed",
        description="Created, changed, switched or removed.",
        schema={
            "type": "object",
            "required": ["id", "change"],
            "properties": {"id": _ONE, "change": _ONE},
        },
    ),
)  # fmt: skip
