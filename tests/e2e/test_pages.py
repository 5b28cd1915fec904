"""Every page of every plugin, in light and dark, wide and narrow: nothing for axe-core to find, nothing in the console."""

import pytest

from callboard.core.registry.contract import Page
from callboard.core.registry.store import registry
from tests.e2e.browsing import accessible, settled, well_formed

pytestmark = pytest.mark.e2e

# Addresses of the pages that have arguments, or look different with some; {words} are asked from the portal.
ADDRESSES = {
    "home": ["/"],
    "catalog": [
        "/catalog?kind=all",
        "/catalog?kind=api&filters[type]=openapi",
        "/catalog?kind=component&text=no-such-thing",
    ],
    "catalog-registered": ["/catalog/register/{location}"],
    "catalog-unregister": [
        "/catalog/-/unregister?id={location}",
        "/catalog/-/unregister?ref=component:default/box-office-service",
    ],
    "entity": [
        "/catalog/default/component/box-office-service",
        "/catalog/default/api/events",
        "/catalog/default/system/box-office",
        "/catalog/default/domain/ticketing",
        "/catalog/default/resource/events-db",
        "/catalog/default/group/stage-door",
        "/catalog/default/user/amara.okafor",
        "/catalog/default/template/python-service",
        "/catalog/default/airesource/minor-units",
        "/catalog/default/location/limelight",
    ],
    "entity-tab": [
        *(
            f"/catalog/default/component/box-office-service/{tab}"
            for tab in ("relations", "used-by", "source", "source?as=json", "history")
        ),
        *(f"/catalog/default/api/{name}/definition" for name in ("events", "admission-events", "discovery", "gate")),
    ],
    "jobs": ["/admin/jobs", "/admin/jobs?hidden=on", "/admin/jobs?tab=schedules"],
    "job": ["/admin/jobs/{run}"],
    "plugin": ["/admin/plugins/catalog", "/admin/plugins/dummy"],
    "plugin-switch": ["/admin/plugins/dummy/switch"],
    "audit": ["/admin/audit", "/admin/audit?text=nothing-like-it"],
    "audit-entry": ["/admin/audit/{entry}"],
    "webhook": ["/admin/webhooks/{webhook}", "/admin/webhooks/{webhook}?tab=settings"],
    "search": ["/search", "/search?query=orders", "/search?query=xyzzyplugh"],
    "access-policy": [
        f"/admin/access/policies/{{policy}}?tab={tab}" for tab in ("roles", "changes", "text", "settings")
    ],
    "access-role": ["/admin/access/policies/{policy}/roles/developer"],
    "access-decision": ["/admin/access/policies/{policy}/roles/developer/-/decisions/new"],
    "access-ask": ["/access/ask?permission=catalog.location.create"],
    "create-template": ["/create/templates/default/python-service"],
    "host-new": ["/admin/hosts/-/new/github"],
    "source-new": ["/sources/-/new/github", "/sources/-/new/ldap"],
    "signin-provider-new": ["/admin/sign-in/new/oidc", "/admin/sign-in/new/saml"],
    "techdocs-root": ["/docs/default/component/footlights-ui/"],
}
# What only answers forms and scripts, shows one step in the middle of something, or leads on to another page of this list.
NOT_VISITED = {
    "entity-star": "answers a form",
    "catalog-many": "answers a form",
    "catalog-export": "answers a file",
    "catalog-keep-view": "answers a form",
    "catalog-drop-view": "answers a form",
    "entity-refresh": "answers a form",
    "catalog-undo": "answers a form",
    "catalog-dismiss": "answers a form",
    "location-refresh": "answers a form",
    "entity-cards": "part of the page of an entity",
    "catalog-explorer-graph": "answers JSON",
    "entity-names": "part of a form",
    "catalog-graph": "the same as catalog-explorer",
    "catalog-decide": "answers a form",
    "catalog-set-remove": "answers a form",
    "host": "needs a connected host",
    "host-action": "answers a form",
    "source": "needs a source; test_sources visits it",
    "source-edit": "the same form as source-new",
    "source-action": "answers a form",
    "access-begin": "answers a form",
    "access-people": "part of a form",
    "access-view-as": "answers a form",
    "access-view-as-stop": "answers a form",
    "access-yaml": "answers a file",
    "access-role-action": "answers a form",
    "access-policy-action": "answers a form",
    "access-request-action": "answers a form",
    "access-grant-end": "answers a form",
    "search-choice": "answers a script",
    "search-keep": "answers a form",
    "onboarding-repository": "needs a connected host",
    "create-pick": "part of a form",
    "create-check": "part of a form",
    "create-task": "needs a task; test_templates visits it",
    "create-task-live": "part of the page of a task",
    "create-task-action": "answers a form",
    "signin-outcome": "needs somebody who was refused",
    "signin-program-remove": "answers a form",
    "signin-account": "needs a service account",
    "signin-account-action": "answers a form",
    "signin-provider": "needs an identity provider",
    "signin-provider-test": "leads to the identity provider",
    "signin-provider-action": "answers a form",
    "signin-allow": "needs a program that asks",
    "signin-grant-stop": "answers a form",
    "signin-refused": "shown after a refusal",
    "techdocs-site": "leads to techdocs-root",
    "techdocs-page": "test_techdocs visits it",
    "techdocs-build": "answers a form",
    "techdocs-log": "part of a page",
    "techdocs-versions": "part of a page",
    "techdocs-find": "part of a page",
    "techdocs-vote": "answers a form",
    "techdocs-remark": "answers a form",
    "techdocs-close": "answers a form",
    "session-end": "answers a form",
    "mfa_remove_webauthn": "needs a security key",
    "entity-graph": "answers JSON",
    "home-demo": "answers a form",
    "job-run": "answers a form",
    "job-live": "part of the page of a run",
    "job-action": "answers a form",
    "dead-letters-replay": "answers a form",
    "webhook-action": "answers a form",
    "user-action": "answers a form",
    "token-revoke": "answers a form",
    "sessions-end": "answers a form",
    "guest": "answers a form",
    "sign-out": "signs out; test_access visits it",
    "sign-in": "leads on whoever is signed in; test_access visits it",
    "account_login": "the same as sign-in",
    "mfa_authenticate": "the second step of a sign-in; test_access visits it",
    "mfa_reauthenticate": "asked for only of accounts without a password",
    "account_inactive": "anonymous; test_access visits it",
    "setup": "needs the link of an invitation; test_access visits it",
    "mfa_deactivate_totp": "needs a second factor; test_access visits it",
    "mfa_view_recovery_codes": "needs a second factor; test_access visits it",
    "mfa_generate_recovery_codes": "needs a second factor; test_access visits it",
}


def _addresses():
    found = []
    for _plugin, page in registry.every(Page):
        if page.name in NOT_VISITED:
            continue
        assert page.name in ADDRESSES or "<" not in page.path, f"say which address of the page {page.name} is looked at"
        found += ADDRESSES.get(page.name, [f"/{page.path}"])
    return [*dict.fromkeys(found), "/dummy", "/settings/dummy"]


@pytest.fixture(scope="module")
def known(portal, administrator_state, browser):
    """What stands in for the words in braces: things that exist in this portal."""
    context = browser.new_context(base_url=portal.url, storage_state=administrator_state)
    page = context.new_page()

    def number(path, selector, attribute="href"):
        page.goto(path)
        address = page.locator(selector).first.get_attribute(attribute)
        return address.rstrip("/").rpartition("/")[2].rpartition("=")[2]

    page.goto("/admin/webhooks/new")
    page.get_by_label("Name").fill("nowhere")
    page.get_by_label("Address").fill("http://127.0.0.1:9/hook")
    page.get_by_label("Events").fill("dummy.*")
    page.get_by_role("button", name="Create", exact=True).last.click()
    page.get_by_role("heading", name="nowhere").wait_for()
    page.goto("/settings/tokens")
    page.get_by_label("Name").fill("to be looked at")
    page.get_by_role("button", name="Create", exact=True).last.click()
    page.get_by_text("is created").wait_for()
    found = {
        "location": number("/catalog/ingestion/locations", 'a[href*="unregister"]'),
        "run": number("/admin/jobs?hidden=on", 'table a[href^="/admin/jobs/"]'),
        "entry": number("/admin/audit", 'table a[href^="/admin/audit/"]'),
        "webhook": number("/admin/webhooks", 'table a[href^="/admin/webhooks/"]'),
    }
    # A page that is still being built opens by itself, whoever is looking at it.
    page.goto("/docs/default/component/footlights-ui/")
    page.get_by_text("Components that look like Limelight").first.wait_for(timeout=60_000)
    page.goto("/admin/access")
    page.get_by_role("button", name="Begin a policy").click()
    page.wait_for_url("**/admin/access/policies/*")
    found["policy"] = page.url.rpartition("/")[2]
    context.close()
    return found


@pytest.mark.parametrize("address", _addresses())
def test_a_page_is_accessible_and_quiet(administrator, known, address):
    page = administrator.opens(address.format(**known))
    settled(page)
    well_formed(page)
    accessible(page)


def test_every_page_is_visited_or_left_out_for_a_reason_that_still_holds():
    names = {page.name for _plugin, page in registry.every(Page)}
    assert set(ADDRESSES) | set(NOT_VISITED) <= names


@pytest.mark.parametrize(
    ("status", "address"),
    [(404, "/no/such/page"), (404, "/catalog/default/component/box-ofice-service"), (500, "/dummy/failing")],
)
def test_a_page_about_an_error_is_accessible(administrator, status, address):
    page = administrator.expects(status).opens(address)
    settled(page)
    well_formed(page)
    accessible(page)


def test_a_refusal_is_accessible(guest):
    page = guest.expects(403).opens("/admin/plugins")
    settled(page)
    well_formed(page)
    accessible(page)


def test_what_floats_above_a_page_is_accessible(administrator):
    page = administrator.opens("/catalog")
    page.keyboard.press("Control+k")
    page.keyboard.type("box")
    page.get_by_role("option", name="Box office desk").wait_for()
    accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#shortcuts").wait_for()
    accessible(page)
