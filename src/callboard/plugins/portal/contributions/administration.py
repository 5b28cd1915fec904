"""Administration: plugins, audit, accounts."""

from callboard.plugins.portal.selectors import administrator_exists, plugins_work
from callboard.plugins.portal.services.audit import expire_audit
from callboard.plugins.portal.views import audit, plugins, users
from callboard.sdk.contributions import Command, HealthCheck, Job, NavItem, Page

_PLUGINS, _AUDIT, _USERS = "admin.plugins.manage", "admin.audit.read", "admin.users.manage"

contributions = (
    Page(
        id="portal.plugins",
        title="Plugins",
        path="admin/plugins",
        view=plugins.plugin_list,
        name="plugins",
        permission=_PLUGINS,
    ),
    Page(
        id="portal.plugin",
        title="Plugin",
        path="admin/plugins/<str:name>",
        view=plugins.plugin_detail,
        name="plugin",
        permission=_PLUGINS,
    ),
    Page(
        id="portal.plugin-switch",
        title="Switch a plugin",
        path="admin/plugins/<str:name>/switch",
        view=plugins.plugin_switch,
        name="plugin-switch",
        permission=_PLUGINS,
    ),
    Page(
        id="portal.audit",
        title="Audit",
        path="admin/audit",
        view=audit.audit_list,
        name="audit",
        permission=_AUDIT,
    ),
    Page(
        id="portal.audit-entry",
        title="Audit entry",
        path="admin/audit/<int:entry_id>",
        view=audit.audit_detail,
        name="audit-entry",
        permission=_AUDIT,
    ),
    Page(
        id="portal.users",
        title="Accounts",
        path="admin/users",
        view=users.user_list,
        name="users",
        permission=_USERS,
    ),
    Page(
        id="portal.user-action",
        title="Change an account",
        path="admin/users/<int:user_id>/<slug:action>",
        view=users.user_action,
        name="user-action",
        permission=_USERS,
    ),
    NavItem(
        id="portal.nav-plugins",
        title="Plugins",
        page="plugins",
        icon="puzzle",
        section="admin",
        permission=_PLUGINS,
        order=10,
    ),
    NavItem(
        id="portal.nav-users",
        title="Accounts",
        page="users",
        icon="users",
        section="admin",
        permission=_USERS,
        order=40,
    ),
    NavItem(
        id="portal.nav-audit",
        title="Audit",
        page="audit",
        icon="clipboard-list",
        section="admin",
        permission=_AUDIT,
        order=50,
    ),
    Command(
        id="portal.open-plugins",
        title="Plugins",
        page="plugins",
        icon="puzzle",
        keywords=("extensions", "admin"),
        permission=_PLUGINS,
    ),
    Command(
        id="portal.open-users",
        title="Accounts",
        page="users",
        icon="users",
        keywords=("users", "people", "admin"),
        permission=_USERS,
    ),
    Command(
        id="portal.open-audit",
        title="Audit record",
        page="audit",
        icon="clipboard-list",
        keywords=("history", "who did", "admin"),
        permission=_AUDIT,
    ),
    Job(
        id="portal.expire-audit",
        title="Remove old entries of the audit record",
        run=expire_audit,
        schedule="17 3 * * *",
        lock="portal.expire-audit",
    ),
    HealthCheck(id="portal.administrator", title="Administrator", check=administrator_exists),
    HealthCheck(id="portal.plugins-work", title="Plugins", check=plugins_work),
)
